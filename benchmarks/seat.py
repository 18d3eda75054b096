"""Seats under load: people at one-question pages, beside oTree where there is one; waiting pages; pairs.

    python -m benchmarks.seat [--people 200] [--pages 20] [--think 2] [--otree PATH-OF-ITS-PYTHON]

Client and server run on the same machine, in two processes. Times are from sending an answer until the next page is
there, redirects included. Processor time is the server's.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import aiohttp
import numpy as np
import psutil

from proband.addresses import open_engine
from proband.designs.seat_table import SeatTable
from proband.web.seat.bots import Bots
from proband.web.serving import listener

SERVING = """
import sys
from pathlib import Path
from proband.designs.studies import load_study
from proband.web.seat.running import sitting, take
study, into, port = sys.argv[1:]
take(sitting(load_study(study), Path(study), is_test=True), Path(into), port=int(port), is_test=True)
"""


def survey(people: int, pages: int) -> str:
    items = ",\n".join(
        f'  {{ id = "q{k}", text = "Statement {k}.", form = "choice", options = ["Yes", "No", "Unsure"] }}'
        for k in range(pages)
    )
    return f"""
title = "Load"
seed = 1
engine = "scripted:uniform"
[instrument]
id = "load"
title = "Load"
items = [
{items}
]
[population]
use = "seats:{people}"
[survey]
persona = "none"
"""


def pairs(n: int, rounds: int = 10) -> str:
    return f"""
title = "Pairs"
seed = 1
[engine]
people = "seat"
[game]
use = "public-goods"
size = 2
pays = 0.8
matches = {n}
rounds = {rounds}
players = "people"
"""


class Server:
    """A study in a process of its own."""

    def __init__(self, text: str, folder: Path) -> None:
        (folder / "study.toml").write_text(text)
        free = listener(0)
        self.port = free.getsockname()[1]
        free.close()
        line = [sys.executable, "-c", SERVING, str(folder / "study.toml"), str(folder / "run"), str(self.port)]
        self.process = subprocess.Popen(line, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
        self.seen = psutil.Process(self.process.pid)
        self.address = f"http://127.0.0.1:{self.port}"
        while True:  # what it takes to start is not what a page takes
            try:
                with urllib.request.urlopen(f"{self.address}/join", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)

    def used(self) -> tuple[float, float]:
        """Processor seconds, and the most memory in MB."""
        times, memory = self.seen.cpu_times(), self.seen.memory_info()
        return times.user + times.system, memory.rss / 2**20

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def told(waited: list[float]) -> str:
    return f"p50 {1000 * np.quantile(waited, 0.5):.0f} ms, p95 {1000 * np.quantile(waited, 0.95):.0f} ms"


def load(people: int, pages: int, think: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(survey(people, pages), Path(folder))
        bots = Bots(people, open_engine("scripted:uniform"), SeatTable(), thinks_s=think)
        began = time.monotonic()
        before, _ = server.used()
        bots.play(server.address, lambda: False)
        took = time.monotonic() - began
        used, memory = server.used()
        server.end()
        n = len(bots.waited_s)
        print(
            f"{people} people, {pages} pages, thinking {think:g} s: {n / took:.0f} pages/s, {told(bots.waited_s)}, "
            f"{1000 * (used - before) / n:.2f} ms of processor a page (three requests a page), {memory:.0f} MB"
        )


def waiting(people: int) -> None:
    """All but one of a game's first seats wait; the time from the event to each of them."""
    with tempfile.TemporaryDirectory() as folder:
        text = pairs(1).replace("size = 2", f"size = {people + 1}").replace("pays = 0.8", "pays = 0.5")
        server = Server(text, Path(folder))
        waited, memory = asyncio.run(_wait(server, people))
        server.end()
        print(f"{people} waiting pages: {told(waited)}, {memory:.0f} MB")


async def _wait(server: Server, people: int) -> tuple[list[float], float]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        cookies = [await _arrive(session, server.address) for _ in range(people)]
        ready = [asyncio.Event() for _ in cookies]

        async def listen(k: int) -> float:
            headers = {"Cookie": f"proband_seat={cookies[k]}"}
            timeout = aiohttp.ClientTimeout(total=600)
            async with session.get(f"{server.address}/news", headers=headers, timeout=timeout) as answer:
                async for line in answer.content:
                    if line.startswith(b"retry"):
                        ready[k].set()
                    if line.startswith(b"data: go"):
                        return time.monotonic()
            raise AssertionError("no news")

        listening = [asyncio.create_task(listen(k)) for k in range(people)]
        await asyncio.gather(*(event.wait() for event in ready))
        memory = server.used()[1]
        began = time.monotonic()
        await _arrive(session, server.address)
        return [at - began for at in await asyncio.gather(*listening)], memory


async def _arrive(session: aiohttp.ClientSession, address: str) -> str:
    """A visitor who agrees; the value of its cookie."""
    from proband.web.seat.bots import _Page

    while True:
        try:
            async with session.get(f"{address}/join") as answer:
                page = _Page(await answer.text(), answer.status)
            break
        except aiohttp.ClientError:
            await asyncio.sleep(0.2)
    fields = dict(page.fields("/agree"))
    async with session.post(f"{address}/agree", data=fields, allow_redirects=False) as answer:
        return answer.cookies["proband_seat"].value


def games(n: int) -> None:
    """One pair alone, then many, of which one player in ten is slow: what the pairs of the quick have to wait."""
    found = {}
    for count in (1, n):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(pairs(count), Path(folder))
            bots = SomeSlow(2 * count, open_engine("scripted:uniform"), SeatTable(), thinks_s=0.2)
            bots.play(server.address, lambda: False)
            server.end()
            found[count] = bots.waited_s
            print(f"{count} pairs, 10 rounds: {told(bots.waited_s)}")
    ratio = np.quantile(found[n], 0.95) / np.quantile(found[1], 0.95)
    print(f"p95 of {n} pairs is {ratio:.2f} times that of one")


class SomeSlow(Bots):
    """Bots of whom one in ten thinks ten times as long."""

    async def _answers(self, k, shown):
        if k % 10 == 0:
            await asyncio.sleep(9 * self.thinks_s)
        return await super()._answers(k, shown)


def otree(python: str, people: int, pages: int) -> None:
    """The same survey in oTree's `prodserver`, by its own client in that environment; it prints pages a second."""
    script = Path(__file__).with_name("otree_survey.py")
    done = subprocess.run([python, str(script), str(people), str(pages)], capture_output=True, text=True, timeout=1800)
    print(done.stdout.strip() or f"oTree could not be measured: {done.stderr.strip()[-300:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--think", type=float, default=2.0)
    parser.add_argument("--waiting", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--otree", help="python of an environment with oTree 6 in it")
    given = parser.parse_args()
    load(given.people, given.pages, given.think)
    load(min(60, given.people), given.pages, 0.0)
    if given.otree:
        otree(given.otree, min(60, given.people), given.pages)
    waiting(given.waiting)
    games(given.pairs)


if __name__ == "__main__":
    main()

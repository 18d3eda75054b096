"""What the loop itself costs: ``python -m benchmarks.loop [--quick] [--full] [--json]``.

Five parts, with the durable journal on this machine's disk; surveys put the Mini-IPIP to personas:

1. The scripted engine in process. Counted is everything from the first trial made to the last response committed:
   making trials, asking, reading, storing with fsync. The table at the end is timed apart. Beside it, in the same run:
   SQLite inserting the same rows, with nothing else done.
2. An instant server of the OpenAI protocol in a process of its own on the loopback interface, 64 calls in flight;
   in turns with a bare aiohttp client that posts the same bodies and parses the replies.
3. Memory, and how long a resume takes to find what is missing: each in a child process of its own, of the survey and
   of an adaptive design, matches of ten rounds of the prisoner's dilemma. With ``--full`` there are 10^6 trials.
4. The dilemma against scripted players: processor time of a move, in matches of 10 and of 80 rounds, in turns.
5. 200 matches between two engines, one ten times slower: the whole, by what the slow one alone takes.
"""

import argparse
import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from proband.addresses import open_engine
from proband.designs import PrisonersDilemma, Survey
from proband.designs.design import Design
from proband.instruments import load_instrument
from proband.models.scripted import ScriptedEngine, uniform
from proband.records import Completion, Trial
from proband.runs import Budget, Tally, collect
from proband.store import RunDirectory
from proband.subjects import load_population

CONNECTIONS = 64
SUBJECTS = 500
ROUNDS = 10
LEFT = 10_000  # trials that the first of two calls leaves to the second


def survey(n_trials: int, answer_by: str = "option_text") -> Survey:
    """500 personas, 20 items, and as many replicates as it takes; every replicate turns the order of the options."""
    people = load_population("anes-1996").sample(SUBJECTS, seed=1)
    instrument = load_instrument("mini-ipip")
    size = SUBJECTS * len(instrument.items)
    return Survey(
        instrument=instrument, subjects=people, seed=1, answer_by=answer_by, replicates=max(1, n_trials // size)
    )


def in_process(n_trials: int, turns: int) -> dict[str, float]:
    design = survey(n_trials)
    n = design.size()
    best: dict[str, float] = {}
    for turn in range(turns):
        say(f"in process, turn {turn + 1} of {turns}: {n:,} trials")
        with tempfile.TemporaryDirectory() as folder:
            loop: list[tuple[float, float]] = []

            def watch(tally: Tally, loop: list[tuple[float, float]] = loop) -> None:
                loop[:] = [now()]

            start, cpu = now()
            collect(design, ScriptedEngine(uniform()), folder, watch=watch)
            end = time.perf_counter()
            found = {
                "trials_per_s": n / (loop[0][0] - start),
                "cpu_us_per_trial": (loop[0][1] - cpu) / n * 1e6,
                "table_us_per_trial": (end - loop[0][0]) / n * 1e6,
                "journal_bytes_per_trial": RunDirectory(folder).journal_path.stat().st_size / n,
                "sqlite_alone_rows_per_s": inserted_per_s(RunDirectory(folder).journal_path),
            }
        if found["trials_per_s"] > best.get("trials_per_s", 0.0):
            best = found
    return {"trials": n, **best, "fraction_of_sqlite_alone": best["trials_per_s"] / best["sqlite_alone_rows_per_s"]}


def inserted_per_s(journal: Path) -> float:
    """SQLite's own rate on the rows of a journal: the same table, transactions of 4,096 rows, nothing else."""
    with sqlite3.connect(journal) as source:
        (schema,) = source.execute("SELECT sql FROM sqlite_master WHERE name = 'responses'").fetchone()
        rows = source.execute("SELECT * FROM responses").fetchall()
    source.close()
    with tempfile.TemporaryDirectory() as folder:
        target = sqlite3.connect(Path(folder) / "alone.sqlite", isolation_level=None)
        target.execute("PRAGMA journal_mode = WAL")
        target.execute("PRAGMA synchronous = FULL")
        target.execute(schema)
        start = time.perf_counter()
        for first in range(0, len(rows), 4096):
            target.execute("BEGIN IMMEDIATE")
            target.executemany(
                f"INSERT INTO responses VALUES ({', '.join('?' * len(rows[0]))})", rows[first : first + 4096]
            )
            target.execute("COMMIT")
        took = time.perf_counter() - start
        target.close()
    return len(rows) / took


def against_server(n_trials: int, turns: int) -> dict[str, float]:
    design = survey(n_trials, answer_by="written")
    n = design.size()
    with serving() as url:
        address = f"openai:{url}#instant?concurrency={CONNECTIONS}"
        engine = open_engine(address)
        say("rendering what is posted")
        bodies = [json.loads(engine.render(trial)) for trial in design.trials({})]
        ours: dict[str, float] = {}
        theirs: dict[str, float] = {}
        for turn in range(turns):
            say(f"server, turn {turn + 1} of {turns}: {n:,} trials, then {n:,} bare calls")
            with tempfile.TemporaryDirectory() as folder:
                found = timed(lambda folder=folder: collect(design, engine, folder), n)
            ours = max(ours, found, key=lambda one: one.get("per_s", 0.0))
            found = timed(lambda: asyncio.run(post_all(f"{url}/chat/completions", bodies)), n)
            theirs = max(theirs, found, key=lambda one: one.get("per_s", 0.0))
        engine.close()
    return {
        "trials": n,
        "connections": CONNECTIONS,
        "trials_per_s": ours["per_s"],
        "cpu_ms_per_trial": ours["cpu_ms"],
        "bare_calls_per_s": theirs["per_s"],
        "bare_cpu_ms_per_call": theirs["cpu_ms"],
        "ratio_to_bare": ours["per_s"] / theirs["per_s"],
    }


def timed(work: Any, n: int) -> dict[str, float]:
    start, cpu = now()
    work()
    return {"per_s": n / (time.perf_counter() - start), "cpu_ms": (time.process_time() - cpu) / n * 1e3}


async def post_all(url: str, bodies: Sequence[Any]) -> None:
    """Post every body once, 64 at a time, and parse the replies: all that a client must do."""
    import aiohttp  # only this part needs it

    waiting = iter(bodies)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            for body in waiting:
                async with session.post(url, json=body) as reply:
                    (await reply.json())["choices"][0]["message"]["content"]

        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))


class serving:
    """An instant server in a process of its own, for the length of a with block."""

    def __enter__(self) -> str:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.loop", "--serve"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        return f"http://127.0.0.1:{self.process.stdout.readline().strip()}/v1"

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def serve() -> None:
    """Answer every completion at once with the same words, and print the port."""
    from aiohttp import web

    def reply(content: dict[str, object]) -> Any:
        async def answer(request: web.Request) -> web.Response:
            await request.read()
            return web.Response(body=json.dumps(content).encode(), content_type="application/json")

        return answer

    message = {"role": "assistant", "content": "Moderately Accurate"}
    completion = {
        "id": "c",
        "object": "chat.completion",
        "model": "instant",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 3, "total_tokens": 203},
    }

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/v1/models", reply({"object": "list", "data": [{"id": "instant", "object": "model"}]}))
        app.router.add_post("/v1/chat/completions", reply(completion))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


def copying(trial: Trial) -> int:
    """Do what the other did last: tit for tat, at next to no cost."""
    return int(dict(trial.facts).get("other_moves", "0")[-1])


class Noticing(ScriptedEngine):
    """The scripted engine; remembers when it was first asked."""

    first_asked = (0.0, 0.0)  # of all of them: by the clock, and in processor time

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        Noticing.first_asked = Noticing.first_asked if any(Noticing.first_asked) else now()
        yield from super().answer(trials)


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def part(kind: str, folder: str, n_trials: int, cap: int) -> None:
    """One call of `collect`, in a process of its own; prints what it took."""
    design: Design = survey(n_trials) if kind == "survey" else dilemma(n_trials // (2 * ROUNDS), ROUNDS)
    players = {"model": Noticing(uniform()), "rival": Noticing(copying)}
    engine = players if kind == "dilemma" else Noticing(uniform())
    start, cpu = now()
    run = collect(design, engine, folder, budget=Budget(trials=cap) if cap else None)
    end = time.perf_counter()
    print(
        json.dumps(
            {
                "seconds_to_first_question": Noticing.first_asked[0] - start,
                "cpu_seconds_to_first_question": Noticing.first_asked[1] - cpu,
                "seconds": end - start,
                "cpu_seconds": time.process_time() - cpu,
                "peak_rss_mib": peak_rss_mib(),
                "is_complete": run.is_complete,
            }
        )
    )


def peak_rss_mib() -> float:
    """Most memory this process held; `getrusage` alone counts its parent's, which Linux hands on to a child."""
    status = Path("/proc/self/status")
    peaks = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")] if status.exists() else []
    if peaks:
        return int(peaks[0].split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_and_resume(kind: str, sizes: Sequence[int]) -> list[dict[str, object]]:
    rows = []
    for n in sizes:
        left = min(LEFT, n // 10)
        with tempfile.TemporaryDirectory() as folder:
            say(f"memory and resume of a {kind}: {n:,} trials, all but {left:,} first")
            first, second = (child(kind, folder, n, cap) for cap in (n - left, 0))
            rows.append(
                {
                    "design": kind,
                    "trials": n,
                    "first_call_seconds": first["seconds"],
                    "first_call_peak_rss_mib": first["peak_rss_mib"],
                    "resume_finds_missing_s": second["seconds_to_first_question"],
                    "resume_finds_missing_cpu_s": second["cpu_seconds_to_first_question"],
                    "resume_and_table_seconds": second["seconds"],
                    "resume_and_table_cpu_seconds": second["cpu_seconds"],
                    "resume_and_table_peak_rss_mib": second["peak_rss_mib"],
                    "is_complete": second["is_complete"],
                    "journal_mib": RunDirectory(folder).journal_path.stat().st_size / 2**20,
                }
            )
    return rows


def dilemma(matches: int, rounds: int) -> PrisonersDilemma:
    return PrisonersDilemma(matches=matches, rounds=rounds, seed=1)


def moves(turns: int) -> dict[str, float]:
    """Processor time of a move, in microseconds: the least of several turns, short and long matches in turns."""
    found: dict[int, float] = {}
    for turn in range(3 * turns):
        say(f"moves, turn {turn + 1} of {3 * turns}")
        for rounds in (10, 80):
            design, last = dilemma(20, rounds), [0.0]
            engines = {"model": ScriptedEngine(uniform()), "rival": ScriptedEngine(copying)}

            def watch(tally: Tally, last: list[float] = last) -> None:
                last[0] = time.process_time()

            with tempfile.TemporaryDirectory() as folder:
                start = time.process_time()
                collect(design, engines, folder, watch=watch)
            each = (last[0] - start) / design.size() * 1e6
            found[rounds] = min(each, found.get(rounds, each))
    return {"cpu_us_per_move_10": found[10], "cpu_us_per_move_80": found[80], "ratio_80_to_10": found[80] / found[10]}


class Paced(ScriptedEngine):
    """The scripted engine, with a pause before each answer; `slept_s` is how long they took together."""

    pause_s = 0.0
    slept_s = 0.0

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        for pair in super().answer(trials):
            start = time.perf_counter()
            time.sleep(self.pause_s)
            self.slept_s += time.perf_counter() - start
            yield pair


def side_by_side(rounds: int) -> dict[str, float]:
    """200 matches between a slow engine and a fast one."""
    say("two engines, one ten times slower")
    slow, fast = Paced(uniform(), address="scripted:slow"), Paced(copying, address="scripted:fast")
    slow.pause_s, fast.pause_s = 0.005, 0.0005
    with tempfile.TemporaryDirectory() as folder:
        ends: list[float] = []
        start = time.perf_counter()
        collect(
            dilemma(200, rounds),
            {"model": slow, "rival": fast},
            folder,
            watch=lambda _: ends.append(time.perf_counter()),
        )
    took = ends[-1] - start
    return {"seconds": took, "slow_alone_seconds": slow.slept_s, "ratio_to_slow_alone": took / slow.slept_s}


def child(kind: str, folder: str, n_trials: int, cap: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.loop", "--part", kind, folder, str(n_trials), str(cap)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--quick", action="store_true", help="small sizes, one turn")
    parser.add_argument("--full", action="store_true", help="10^6 trials in the last part")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--part", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        return serve()
    if given.part:
        return part(given.part[0], given.part[1], int(given.part[2]), int(given.part[3]))
    turns = 1 if given.quick else 3
    sizes = [20_000, 80_000] if given.quick else [40_000, 160_000]
    found = {
        "machine": {**machine(), "load_before": os.getloadavg()[0], "sqlite": sqlite3.sqlite_version},
        "in_process": in_process(20_000 if given.quick else 100_000, turns),
        "server": against_server(10_000, turns),
        "moves": moves(turns),
        "side_by_side": side_by_side(2 if given.quick else 10),
        "memory": [
            row
            for kind in ("survey", "dilemma")
            for row in memory_and_resume(kind, [*sizes, 1_000_000] if given.full else sizes)
        ],
    }
    found["machine"]["load_after"] = os.getloadavg()[0]
    if given.json:
        print(json.dumps(found, indent=2))
        return None
    for name, values in found.items():
        print(name)
        for row in values if isinstance(values, list) else [values]:
            print(
                "  "
                + ", ".join(
                    f"{key} {value:,.4g}" if isinstance(value, float) else f"{key} {value}"
                    for key, value in row.items()
                )
            )
    return None


if __name__ == "__main__":
    main()

"""A visitor of pages who does what a browser does and no more, and a room that is served from a thread."""

import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from proband.models.seats import SeatEngine
from proband.runs import Run, collect
from proband.web.seat.bots import _Page as Page
from proband.web.seat.registry import Registry
from proband.web.seat.room import Room
from proband.web.seat.running import SEAT, _app, _plays_on, _ticking, sitting
from proband.web.serving import served


class Visitor:
    """One browser with its cookies."""

    def __init__(self, address: str) -> None:
        self.address, self.cookies = address, {}
        self.page = Page("", 0)
        self.headers: dict[str, str] = {}
        self.set_cookie = ""

    def request(self, method: str, path: str, body: str | None = None, **headers: str) -> Page:
        """Send it, follow redirects, and remember the page."""
        for _ in range(5):
            parts = urlsplit(self.address)
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
            given = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}
            if body is not None:
                given |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.address}
            connection.request(method, path, body, {**given, **headers})
            answer = connection.getresponse()
            text = answer.read().decode()
            self.headers = {name.lower(): value for name, value in answer.getheaders()}
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    self.set_cookie = value
                    cookie, _, kept = value.partition(";")[0].partition("=")
                    self.cookies[cookie] = kept
            connection.close()
            if answer.status not in (302, 303, 307):
                self.page = Page(text, answer.status)
                return self.page
            method, path, body = "GET", answer.getheader("location"), None
        raise AssertionError("redirected in circles")

    def get(self, path: str = "/page") -> Page:
        """Open a page."""
        return self.request("GET", path)

    def send(self, action: str, on: Page | None = None, **fields) -> Page:
        """Send a form of a page as it stands, with these fields filled in."""
        hidden = (on or self.page).fields(action)
        filled = {name.replace("_", "-", 1) if name[0] == "q" else name: value for name, value in fields.items()}
        filled = {name.removeprefix("q"): value for name, value in filled.items()}
        return self.request("POST", action, urlencode({**hidden, **filled}, doseq=True))

    def agree(self, **fields) -> Page:
        """Come in."""
        self.get("/join")
        return self.send("/agree", **fields)

    def answer(self, on: Page | None = None, **fields) -> Page:
        """Answer the page; a field ``q0_answer`` is ``0-answer``."""
        return self.send("/answer", on, **fields)

    @property
    def shown(self) -> dict:
        """The object of the current page."""
        kept = self.page
        found = json.loads(self.get("/page.json").text)
        self.page = kept
        return found

    def until(self, where: str, at_most_s: float = 20.0) -> dict:
        """Wait for a kind of page."""
        ends = time.monotonic() + at_most_s
        while (shown := self.shown)["where"] != where:
            assert time.monotonic() < ends, f"still at {shown}"
            time.sleep(0.02)
        self.get()
        return shown


@dataclass
class Served:
    """A study whose pages are open."""

    address: str
    key: str
    room: Room
    engine: SeatEngine
    registry: Registry
    folder: Path
    thread: threading.Thread
    found: dict

    def run(self) -> Run:
        """The run, once the loop has ended."""
        self.thread.join(20)
        if "error" in self.found:
            raise self.found["error"]
        return self.found["run"]


@contextmanager
def open_room(study, path, folder, *, is_test=True, public=None, ticks=True, before=None):
    """Serve a study, its loop in a thread; it is closed at the end if it still goes on."""
    from contextlib import ExitStack

    sits = sitting(study, path, is_test=is_test)
    engine = SeatEngine(SEAT, is_served=True, seat_of=sits.design.seat_of)
    registry, found = Registry(folder), {}
    with ExitStack() as stack:
        stack.callback(registry.close)
        room = Room(sits.design, engine, registry, sits.table, folder, plays_on=_plays_on(sits.table.leaving, stack))
        app, researcher = _app(sits, room, registry, public=public, is_test=is_test)
        address = stack.enter_context(served(app, port=0, is_public=public is not None))

        def go() -> None:
            try:
                cast = {role: engine if who == SEAT else who for role, who in sits.cast.items()}
                found["run"] = collect(sits.design, cast, folder)
                engine.end()
            except BaseException as error:
                found["error"] = error
                engine.fail(error)

        thread = threading.Thread(target=go, daemon=True)
        if before is not None:
            before(engine)
        thread.start()
        while not engine.is_ready and thread.is_alive():
            time.sleep(0.005)
        if ticks:
            stack.enter_context(_ticking(room))
        yield Served(address, researcher.key(), room, engine, registry, folder, thread, found)
        if thread.is_alive():
            room.close("test")
            thread.join(20)

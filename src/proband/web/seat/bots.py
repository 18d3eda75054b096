"""Bots: scripted or model players who take a study through the very pages that people see, over HTTP."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import aiohttp

from proband.designs.seat_table import SeatTable
from proband.errors import ProbandError
from proband.instruments.reading import read
from proband.models.engine import BaseEngine
from proband.records import Message, Place, Reply, Request, Response, ShowCard, Trial
from proband.runs.scheduling import ask_one
from proband.web.seat.answering import NONE
from proband.web.seat.participants import COOKIE
from proband.web.seat.running import as_sent

PATIENCE_S = 60.0  # a server that is away longer than this is given up
_AGAIN_S = 0.1
_log = logging.getLogger(__name__)
Fields = dict[str, str | list[str]]
_NOTHING = Request(messages=(Message("user", "-"),), max_tokens=1)


class Bots:
    """Players at pages.

    Parameters
    ----------
    n : int
        How many come, one after another.
    engine : BaseEngine
        Who answers for them; what a bot answers depends on its number and on the page, and on nothing else.
    table : SeatTable
        By which they are admitted and know what is right about the instructions.
    thinks_s : float
        Seconds between seeing a page and answering it.
    quits : mapping
        Number of a bot, from 1 -> the page at which it withdraws.
    """

    def __init__(
        self, n: int, engine: BaseEngine, table: SeatTable, *, thinks_s: float = 0.0,
        quits: Mapping[int, int] | None = None,
    ) -> None:  # fmt: skip
        self.n, self.engine, self.table, self.thinks_s, self.quits = n, engine, table, thinks_s, quits or {}
        self.waited_s: list[float] = []  # from sending an answer until the next page is there
        self.ends: dict[int, dict[str, Any]] = {}  # what each bot saw at its end
        self._is_asking = asyncio.Lock()
        self._admitted: dict[int, asyncio.Event] = {}

    def play(self, address: str, is_stopped: Callable[[], bool]) -> None:
        """Take the study, all of them side by side."""
        asyncio.run(self._play(address, is_stopped))

    async def _play(self, address: str, is_stopped: Callable[[], bool]) -> None:
        self._admitted = {k: asyncio.Event() for k in range(self.n + 1)}
        self._admitted[0].set()
        await asyncio.gather(*(self._one(k, address, is_stopped) for k in range(1, self.n + 1)))

    async def _one(self, k: int, address: str, is_stopped: Callable[[], bool]) -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            browser = _Browser(session, address, is_stopped)
            await self._admitted[k - 1].wait()
            page = await browser.get("/join")
            marked = {
                f"screen{at}": str(next(i for i, option in enumerate(asked.options) if option not in asked.out))
                for at, asked in enumerate(self.table.screen)
            }
            page = await browser.send(page, "/agree", marked)
            self._admitted[k].set()
            if COOKIE not in {cookie.key for cookie in session.cookie_jar}:
                self.ends[k] = {"where": "end", "state": "full"}
                return
            while not is_stopped():
                shown = await browser.twin("/page.json")
                if shown["where"] == "end":
                    self.ends[k] = shown
                    return
                if shown["where"] == "waiting":
                    await asyncio.sleep(_AGAIN_S)
                    continue
                if page.fields("/answer").get("page") != shown["page"]:
                    page = await browser.get("/page")
                if page.fields("/answer").get("page") != shown["page"]:
                    continue  # it went on meanwhile
                if shown["where"] == "question" and self.quits.get(k) == shown["number"]:
                    page = await browser.send(await browser.get("/leave"), "/leave", {})
                    continue
                if self.thinks_s:
                    await asyncio.sleep(self.thinks_s)
                fields = self._checked(shown) if shown["where"] == "check" else await self._answers(k, shown)
                page.refuse_lacking("/answer", fields)
                began = time.monotonic()
                page = await browser.send(page, "/answer", fields)
                self.waited_s.append(time.monotonic() - began)

    def _checked(self, shown: Mapping[str, Any]) -> Fields:
        right = {asked.text: asked.right for asked in self.table.comprehension}
        return {"0-answer": str(shown["options"].index(right[shown["text"]]))}

    async def _answers(self, k: int, shown: Mapping[str, Any]) -> Fields:
        """What a bot puts into the form of a page."""
        fields: Fields = {}
        for at, question in enumerate(shown["questions"]):
            trial = _trial(k, shown, at, question)
            async with self._is_asking:
                completion = await asyncio.to_thread(ask_one, self.engine, as_sent(trial))
            fields |= _filled(at, question, read(completion, trial, self.engine.address))
        return fields


def _trial(k: int, shown: Mapping[str, Any], at: int, question: Mapping[str, Any]) -> Trial:
    """A question of a page as an engine can be asked it."""
    form, options = question["form"], tuple(question["options"])
    bounds = {name: question[name] for name in ("lower", "upper", "total")}
    card = ShowCard(
        text=question["text"], stem=question["stem"], form=form, options=options, labels=tuple(question["labels"]),
        before=shown["before"], about=shown["about"], unit=question["unit"], **bounds,
    )  # fmt: skip
    method: Any = "option_text" if form in ("choice", "scale") else "written"
    reply = Reply(form=form, method=method, options=options, order=tuple(range(len(options))), seed=k, **bounds)
    place = Place(subject=f"bot-{k}", item=f"page-{shown['number']}-{at}")
    return as_sent(Trial(place=place, request=_NOTHING, reply=reply, card=card))


def _filled(at: int, question: Mapping[str, Any], response: Response) -> Fields:
    """An answer as the fields of its form; where there is none, the first thing that can be said."""
    name, answer, n = f"{at}-answer", response.answer, len(question["options"])
    match question["form"]:
        case "choice" | "scale":
            return {name: str(answer if isinstance(answer, int) else 0)}
        case "multiple":
            marked = [str(k) for k in answer] if isinstance(answer, tuple) else []
            return {name: marked or NONE}
        case "number":
            lower = question["lower"]
            return {name: f"{answer:.10g}" if isinstance(answer, int | float) else f"{lower or 0:g}"}
        case "allocation":
            parts = answer if isinstance(answer, tuple) else (question["total"], *[0.0] * (n - 1))
            return {f"{at}-part{k}": f"{part:.10g}" for k, part in enumerate(parts)}
        case "ranking":
            order = answer if isinstance(answer, tuple) else range(n)
            return {f"{at}-order": ",".join(str(int(k)) for k in order)}
        case _:
            return {name: str(answer) if isinstance(answer, str) and answer else "Nothing comes to mind."}


class _Page(HTMLParser):
    """The forms of a page: their fields and what stands in them."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__()
        self.status, self.text = status, text
        self._forms: dict[str, dict[str, str]] = {}
        self._names: dict[str, set[str]] = {}
        self._at = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Note forms and fields."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._at = found.get("action", "")
            self._forms.setdefault(self._at, {})
            self._names.setdefault(self._at, set())
        elif tag in ("input", "textarea", "select") and self._at and "name" in found:
            self._names[self._at].add(found["name"])
            if found.get("type") == "hidden":
                self._forms[self._at][found["name"]] = found.get("value", "")

    def fields(self, action: str) -> Mapping[str, str]:
        """Hidden fields of the form that is sent there."""
        return self._forms.get(action, {})

    def refuse_lacking(self, action: str, fields: Mapping[str, object]) -> None:
        """Refuse a page on which nobody could give this answer."""
        if lacking := set(fields) - self._names.get(action, set()):
            raise ProbandError(f"a page has no field {min(lacking)!r}: {self.text}")


class _Browser:
    """One visitor, who tries again while the server is away."""

    def __init__(self, session: aiohttp.ClientSession, address: str, is_stopped: Callable[[], bool]) -> None:
        self._session, self._address, self._is_stopped = session, address, is_stopped

    async def get(self, path: str) -> _Page:
        """A page."""
        text, status = await self._try("GET", path, None)
        return _Page(text, status)

    async def twin(self, path: str) -> dict[str, Any]:
        """The object of a page."""
        text, status = await self._try("GET", path, None)
        if status >= 400:
            raise ProbandError(f"{path}: {status} {text.strip()}")
        found: dict[str, Any] = json.loads(text)
        return found

    async def send(self, page: _Page, action: str, fields: Mapping[str, Any]) -> _Page:
        """The page that follows a form."""
        text, status = await self._try("POST", action, {**page.fields(action), **fields})
        return _Page(text, status)

    async def _try(self, method: str, path: str, fields: Mapping[str, Any] | None) -> tuple[str, int]:
        pairs = [(name, each) for name, value in (fields or {}).items()
                 for each in (value if isinstance(value, list) else [value])]  # fmt: skip
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                async with self._session.request(
                    method, self._address + path, data=aiohttp.FormData(pairs) if method == "POST" else None
                ) as answer:
                    text = await answer.text()
                    if answer.status < 500 or time.monotonic() > until:
                        return text, answer.status
            except (aiohttp.ClientError, OSError) as error:
                if self._is_stopped() or time.monotonic() > until:
                    raise ProbandError(f"{self._address}{path}: {error}") from None
            await asyncio.sleep(_AGAIN_S)

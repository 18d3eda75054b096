"""The pages of people: they agree, answer, wait, stop and come to the end."""

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from proband.designs.seat_table import SeatTable
from proband.designs.survey.sheets import spoken
from proband.errors import ProbandError
from proband.records import Completion, ShowCard, Trial
from proband.records import Response as Answered
from proband.web.pages import both, page
from proband.web.seat.answering import Form, Taken, arranged, taken
from proband.web.seat.registry import Person, Registry
from proband.web.seat.room import Room, View
from proband.web.seat.texts import texts

TEMPLATES = Path(__file__).parent / "templates"
COOKIE = "proband_seat"
SAVED_S = 30.0  # a page that is not stored by then says so
HEARTBEAT_S = 15.0
_ACROSS, _CHOICE_EDGE = 66, 4  # characters of the text column, and of what stands around an option
_MOST_ID = 200  # characters of a recruitment parameter


class SeatDoor:
    """People come in by the key of their link, which is the value of their cookie."""

    path, cookie = "/", COOKIE

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def enter(self, key: str) -> str | None:
        """See `Door.enter`."""
        return key if self._registry.person(key) is not None else None

    def knows(self, value: str) -> bool:
        """See `Door.knows`."""
        return self._registry.person(value) is not None


class Pages:
    """Pages over a room.

    Parameters
    ----------
    room : Room
        Who sits where.
    table : SeatTable
        What the study file says.
    study : str
        Its title, as people read it.
    language, own_language : str
        Of the interface; of the study.
    is_test : bool
        Whether every page says that answers are not used.
    is_public : bool
        Whether cookies go over https only.
    """

    opened = ("/join", "/join.json", "/agree", "/static/")

    def __init__(
        self, room: Room, table: SeatTable, study: str, *, language: str, own_language: str, is_test: bool,
        is_public: bool,
    ) -> None:  # fmt: skip
        self.room, self.table, self.study = room, table, study
        self.t, self.language, self.own_language = texts(language), language, own_language
        self.is_test, self.is_public = is_test, is_public
        self._changed: dict[str, set[asyncio.Event]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        room.listen(self._told)

    @property
    def routes(self) -> list[BaseRoute]:
        """Every address of these pages."""
        return [
            *both("/join", self.join),
            Route("/agree", self.agree, methods=["POST"]),
            *both("/page", self.current),
            Route("/answer", self.answer, methods=["POST"]),
            Route("/more", self.more, methods=["POST"]),
            Route("/leave", self.leave, methods=["POST"]),
            *both("/leave", self.ask_to_leave),
            *both("/earlier", self.earlier),
            Route("/news", self.news),
        ]

    # ---- arrival

    def join(self, request: Request) -> Response:
        """What somebody agrees to, before anything is stored."""
        if request.state.who and not request.url.path.endswith(".json"):
            return _go("/page")
        if not self.room.is_admitting:
            return self._end(request, "full")
        ids = {name: request.query_params[name][:_MOST_ID] for name in self.table.recruitment
               if name in request.query_params}  # fmt: skip
        return self._join(request, secrets.token_hex(16), ids, {}, [""] * len(self.table.screen))

    def _join(
        self, request: Request, nonce: str, ids: Mapping[str, str], wrong: Mapping[str, str], marked: Sequence[str]
    ) -> Response:
        screen = [{"text": asked.text, "options": asked.options} for asked in self.table.screen]
        shown = {"where": "join", "consent": self._consent, "nonce": nonce, "ids": ids, "screen": screen,
                 "wrong": wrong, "marked": marked}  # fmt: skip
        return self._page(request, "join.html", shown, status=422 if wrong else 200)

    async def agree(self, request: Request) -> Response:
        """Give a seat to somebody who agreed and belongs here."""
        form: Form = request.state.form
        nonce = form.get("nonce", [""])[0]
        ids = {name: form[f"id-{name}"][0][:_MOST_ID] for name in self.table.recruitment if f"id-{name}" in form}
        if len(nonce) != 32 or not set(nonce) <= set("0123456789abcdef"):
            return _go("/join")
        marked = [form.get(f"screen{k}", [""])[0] for k in range(len(self.table.screen))]
        wrong = {}
        for k, asked in enumerate(self.table.screen):
            if marked[k] not in map(str, range(len(asked.options))):
                wrong[str(k)] = self.t["choose_one"]
            elif asked.options[int(marked[k])] in asked.out:
                return self._end(request, "screened")
        if wrong:
            return self._join(request, nonce, ids, wrong, marked)
        try:
            found = await asyncio.to_thread(self.room.arrive, nonce, ids)
        except ProbandError:
            return self._page(request, "unsaved.html", {"where": "unsaved"}, status=503)
        if found is None:
            return self._end(request, "full")
        answer = _go("/page")
        answer.set_cookie(COOKIE, found[0], path="/", secure=self.is_public, httponly=True, samesite="strict")
        return answer

    # ---- pages

    def _person(self, request: Request) -> Person:
        person = self.room.registry.person(request.state.who)
        assert person is not None  # the door knows them
        return person

    def current(self, request: Request) -> Response:
        """Where somebody is now, whatever they opened."""
        return self._show(request, self._person(request))

    def _show(self, request: Request, person: Person, form: Form | None = None, read: Sequence[Taken] = ()) -> Response:
        view = self.room.view(person)
        if view.where == "end":
            return self._end(request, view.state, self.room.registry.person(request.state.who))
        if view.where == "waiting":
            gathered = self.room.is_gathered(person.subject)
            why = "begin" if not self.room.engine.is_ready else "others" if gathered else "partners"
            return self._page(request, "waiting.html", {"where": "waiting", "why": why}, person=person)
        if view.where == "check":
            return self._check(request, person, view, form is not None)
        trials = self._together(view)
        questions = [self._question(k, trial, form, read) for k, trial in enumerate(trials)]
        card = _card(trials[0])
        left_s = None if view.left_s is None else max(0.0, view.left_s)
        shown = {
            "where": "question", "page": view.page, "number": view.number, "of": view.of, "about": card.about,
            "before": card.before, "questions": questions, "left_s": left_s,
            "minutes": 0 if left_s is None else max(1, math.ceil(left_s / 60)), "may_extend": self.table.may_extend,
            "may_refuse": self.table.may_refuse, "is_first": view.number == 1,
            "earlier": self.table.back and view.number > 1,
        }  # fmt: skip
        link = f"{request.base_url}page?key={request.state.who}" if view.number == 1 else ""
        said = self._said_so_far(person) if self.table.conversation else []
        return self._page(
            request, "question.html", shown, person=person, link=link, said=said, status=422 if read else 200
        )

    def _together(self, view: View) -> list[Trial]:
        """The question, with the others of its grid that are open too."""
        assert view.trial is not None
        trial, card = view.trial, _card(view.trial)
        if not card.statements:
            return [trial]
        place = trial.place
        seat = self.room.engine.seats[self.room.design.seat_of(place)]
        same = [
            other
            for other in list(seat.open.values())
            if _card(other).statements == card.statements
            and (other.place.condition, other.place.round, other.place.replicate)
            == (place.condition, place.round, place.replicate)
        ]
        return sorted(same, key=lambda other: _card(other).number)

    def _question(self, k: int, trial: Trial, form: Form | None, read: Sequence[Taken]) -> dict[str, Any]:
        card = _card(trial)
        own = _own(form or {}, k)
        wrong = {} if not read else {f"{k}-{at}": self._said(why, at) for at, why in read[k].wrong.items()}
        return {
            "stem": card.stem, "text": card.text, "form": card.form, "options": card.options, "labels": card.labels,
            "lower": card.lower, "upper": card.upper, "total": card.total, "unit": card.unit, "wrong": wrong,
            "given": {f"{k}-{name}": values for name, values in own.items()},
            "ranking": arranged(own, len(card.options)),
            "is_across": card.form == "scale" and _fits_across(card.options),
        }  # fmt: skip

    def _said(self, why: tuple[str, Mapping[str, object]], at: str) -> str:
        return self.t[why[0]].format(**why[1])

    async def answer(self, request: Request) -> Response:
        """Take an answer to the current page; anything else leads back to that page, and what was answered stands."""
        person, form = self._person(request), request.state.form
        view = self.room.view(person)
        if form.get("page", [""])[0] != view.page or view.where not in ("question", "check"):
            return _go("/page")
        if view.where == "check":
            options = self.table.comprehension[person.checked].options
            marked = form.get("0-answer", [""])[0]
            if marked in map(str, range(len(options))):
                changed = self.room.check(person, options[int(marked)])
                if changed.tries == 0 or changed.state != "active":
                    return _go("/page")
            return self._show(request, self._person(request), form)
        trials = self._together(view)
        if "refuse" in form and self.table.may_refuse:
            read = [Taken(given=(None, "refused")) for _ in trials]
        else:
            read = [taken(_card(trial), trial.reply, _own(form, k)) for k, trial in enumerate(trials)]
            if any(name.endswith("-move") for name in form):  # a button of a ranking: nothing is wrong yet
                return self._show(request, person, form)
            if any(one.wrong for one in read):
                return self._show(request, person, form, read)
        try:
            stored = [
                self.room.give(trial, Completion(given=one.given)) for trial, one in zip(trials, read, strict=True)
            ]
            await asyncio.wait_for(_all(stored), SAVED_S)
        except (ProbandError, TimeoutError):
            return self._page(request, "unsaved.html", {"where": "unsaved"}, status=503, person=person)
        return _go("/page")

    def _check(self, request: Request, person: Person, view: View, is_again: bool) -> Response:
        asked = self.table.comprehension[person.checked]
        trial = self.room.first_trial(person.subject)
        wrong = self.t["check_wrong" if person.tries else "choose_one"] if is_again else ""
        shown = {"where": "check", "page": view.page, "text": asked.text, "options": asked.options, "wrong": wrong,
                 "about": _card(trial).about if trial is not None else ""}  # fmt: skip
        return self._page(request, "check.html", shown, person=person, status=422 if is_again else 200)

    async def more(self, request: Request) -> Response:
        """More time for a page."""
        self.room.extend(self._person(request))
        return _go("/page")

    def earlier(self, request: Request) -> Response:
        """Pages that were answered, as they stand; not where the study does not show them."""
        person = self._person(request)
        answered = self.room.answered(person.subject) if self.table.back else []
        items = self.room.design.items
        words = self.room.words_of(answered)
        shown = [
            {
                "text": words.get(one.request, items[one.place.item].text),
                "answer": spoken(items[one.place.item], one) or "",
            }
            for one in answered
        ]
        return self._page(request, "earlier.html", {"where": "earlier", "pages": shown}, person=person)

    def _said_so_far(self, person: Person) -> list[dict[str, str]]:
        """What somebody was asked, and what they answered."""
        answered, items = self.room.answered(person.subject), self.room.design.items
        words = self.room.words_of(answered)
        return [
            {"text": words.get(one.request, item.text), "answer": spoken(item, one) or ""}
            for one, item in [(one, items[one.place.item]) for one in answered]
        ]

    # ---- the end

    def ask_to_leave(self, request: Request) -> Response:
        """Whether somebody really wants to stop."""
        person = self._person(request)
        if person.state != "active":
            return _go("/page")
        return self._page(request, "leave.html", {"where": "leave"})

    async def leave(self, request: Request) -> Response:
        """Stop, from any page."""
        person = self._person(request)
        waits = self.room.view(person).where == "waiting"
        await asyncio.to_thread(self.room.leave, person, "waited" if waits else "withdrawn")
        return _go("/page")

    def _end(self, request: Request, state: str, person: Person | None = None) -> Response:
        code = getattr(self.table.codes, state, "")
        paid = person.paid if person is not None and person.paid else None
        shown = {
            "where": "end", "state": state, "code": code, "currency": self.table.currency,
            "paid": "" if paid is None else f"{paid:.2f}",
            "return_to": self.table.return_to.replace("{code}", code) if code else "",
            "debriefing": self._debriefing if state in ("finished", "withdrawn", "left") else "",
            "earlier": self.table.back and person is not None,
            "others_left": state == "finished" and person is not None and self.room.is_left_by_others(person.subject),
        }  # fmt: skip
        return self._page(request, "end.html", shown, status=200)

    @cached_property
    def _consent(self) -> str:
        return _html(self.table.consent)

    @cached_property
    def _debriefing(self) -> str:
        return _html(self.table.debriefing)

    def _page(
        self, request: Request, template: str, shown: Mapping[str, Any], *, person: Person | None = None,
        status: int = 200, **around: Any,
    ) -> Response:  # fmt: skip
        own = self.own_language.partition("-")[0]
        return page(
            request, template, shown, folders=(TEMPLATES,), status=status,
            **{
                "t": self.t, "lang": self.language, "dir": self.t["dir"], "study": self.study,
                "is_test": self.is_test, "contact": self.table.contact, "may_leave": person is not None,
                "own_lang": self.own_language, "own_dir": "rtl" if own in ("ar", "fa", "he", "ur") else "ltr",
                "message": self.room.messages.get(person.subject, "") if person is not None else "",
                "news": self.table.away_s is not None, "link": "", "said": [], **around,
            },
        )  # fmt: skip

    # ---- news

    async def news(self, request: Request) -> Response:
        """Tells an open page when it is not the current one any more; while it is open, somebody is there."""
        person, shown = self._person(request), request.query_params.get("page", "")
        return StreamingResponse(self._news(person, shown), media_type="text/event-stream")

    async def _news(self, person: Person, shown: str) -> AsyncIterator[str]:
        self._loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        watching = self._changed.setdefault(person.subject, set())
        watching.add(changed)
        try:
            yield "retry: 2000\n\n"
            while True:
                now = self.room.registry.by_subject.get(person.subject)
                view = self.room.view(now) if now is not None and now.link == person.link else None
                if view is None or view.page != shown or (view.where == "waiting" and view.state != "active"):
                    yield "data: go\n\ndata: over\n\n"
                    return
                if view.where == "end":
                    yield "data: go\n\ndata: over\n\n"
                    return
                changed.clear()
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield ": \n\n"
        finally:
            watching.discard(changed)

    def _told(self, subjects: Collection[str]) -> None:
        """Wake the pages of these people; from any thread."""
        if self._loop is None or not self._changed:
            return
        events = [event for subject in subjects for event in tuple(self._changed.get(subject, ()))]
        for event in events:
            self._loop.call_soon_threadsafe(event.set)


async def _all(stored: Sequence["Future[Answered]"]) -> None:
    await asyncio.gather(*map(asyncio.wrap_future, stored))


def _fits_across(options: Sequence[str]) -> bool:
    """Whether the points of a scale fit beside each other in the width of a page, none of their words broken."""
    longest = max(len(word) for option in options for word in option.split())
    return len(options) * (longest + _CHOICE_EDGE) <= _ACROSS


def _go(where: str) -> RedirectResponse:
    return RedirectResponse(where, 303)


def _card(trial: Trial) -> ShowCard:
    assert trial.card is not None  # whatever is shown has one
    return trial.card


def _own(form: Form, k: int) -> Form:
    """The fields of the question in that place of a page."""
    before = f"{k}-"
    return {name.removeprefix(before): values for name, values in form.items() if name.startswith(before)}


def _html(text: str) -> str:
    """Markdown as HTML; what looks like HTML in it is text, and no address runs a script."""
    return str(MarkdownIt("commonmark", {"html": False}).render(text))

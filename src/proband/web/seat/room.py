"""The room in which people sit: who sees what now, and what becomes of it when they answer, wait or leave."""

import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Literal

from proband.designs.games.matches import Matches
from proband.designs.games.replay import replay
from proband.designs.seat_table import SeatTable, State
from proband.designs.seated import Seated
from proband.errors import EngineError
from proband.models.seats import SeatEngine
from proband.records import Completion, Response, Trial
from proband.runs import Run
from proband.store import RunDirectory
from proband.web.seat.registry import Person, Registry

WARN_SHARE = 0.8  # of a page's time after which it is said that it runs out
_log = logging.getLogger(__name__)
Where = Literal["question", "check", "waiting", "end"]


@dataclass(frozen=True, kw_only=True)
class View:
    """What one person sees now.

    Attributes
    ----------
    where : {"question", "check", "waiting", "end"}
        What kind of page it is.
    trial : Trial or None
        The question.
    page : str
        By which its form is known; nobody can make one for a page that they were not shown.
    number : int
        Which page of theirs it is, from 1.
    of : int
        How many there are; 0 where that depends on answers.
    left_s : float or None
        Seconds until this page is taken away.
    state : State
        How it has ended.
    """

    where: Where
    trial: Trial | None = None
    page: str = ""
    number: int = 0
    of: int = 0
    left_s: float | None = None
    state: State = "active"


@dataclass(slots=True)
class Presence:
    """What is known of somebody since this process began."""

    seen: float
    page: str = ""
    since: float = 0.0
    extensions: int = 0
    has_seen_end: bool = False


class Room:
    """People, their seats, and the engine that takes their answers.

    Parameters
    ----------
    design : Seated
        What is asked.
    engine : SeatEngine
        That the loop asks.
    registry : Registry
        Who came.
    table : SeatTable
        What the study file says.
    folder : Path
        The run directory.
    plays_on : callable, optional
        Answers trials in the place of somebody who left; where the table names an engine for that.
    """

    def __init__(
        self,
        design: Seated,
        engine: SeatEngine,
        registry: Registry,
        table: SeatTable,
        folder: Path,
        *,
        plays_on: Callable[[Trial], Completion] | None = None,
    ) -> None:
        self.design, self.engine, self.registry, self.table, self.folder = design, engine, registry, table, folder
        self.plays_on = plays_on
        self.subjects = design.subjects
        # Of whom a group has to be there before its first page: nobody, where people take it on their own.
        members = {} if design.is_apart else {member.subject: member.unit for member in design.roster()}
        self.group_of = {} if design.is_apart else {subject: members[subject] for subject in self.subjects}
        self.groups: dict[str, list[str]] = {}
        for subject, unit in self.group_of.items():
            self.groups.setdefault(unit, []).append(subject)
        self._presence: dict[str, Presence] = {}
        self._secret = registry.note("pages").encode()
        self._before: dict[str, list[Response]] = _stored(folder, design)
        self._lock, self._settling = threading.RLock(), threading.Lock()
        self.took_s: dict[str, list[float]] = {}  # seconds for pages answered since this process began, by item
        self.messages: dict[str, str] = {}  # from the researcher, by subject
        self.clock: Callable[[], float] = time.monotonic

    # ---- what somebody sees

    def view(self, person: Person) -> View:
        """What somebody sees now; looking is a sign that they are there."""
        self.presence(person.subject).seen = self.clock()
        found = self.whereabouts(person)
        if found.where == "end" and person.state == "active":
            found = self.whereabouts(self._finish(person))
        if found.where == "end":
            self.presence(person.subject).has_seen_end = True
        return found

    @property
    def is_seen_to_the_end(self) -> bool:
        """Whether everybody has seen the page with their code."""
        return all(self.presence(person.subject).has_seen_end for person in self.registry.people)

    def whereabouts(self, person: Person) -> View:
        """What somebody would see now, looked at by somebody else."""
        presence = self.presence(person.subject)
        if person.state != "active":
            return View(where="end", number=len(self.answered(person.subject)), state=person.state)
        if person.checked < len(self.table.comprehension):
            return View(where="check", page=f"check{person.checked}", number=person.checked + 1)
        trial = self._current(person.subject)
        n = len(self.answered(person.subject))
        if trial is None:
            if self._is_through(person.subject):
                return View(where="end", number=n, state="finished")
            return View(where="waiting", number=n)
        page = self.page_of(trial)
        if presence.page != page:
            presence.page, presence.since, presence.extensions = page, self.clock(), 0
        of = 0 if self.design.is_adaptive else len(self.design.items)
        if self.design.design.sits_by:  # all that is asked of a coder is open from the beginning
            of = n + len(self.engine.seats[person.subject].open)
        return View(where="question", trial=trial, page=page, number=n + 1, of=of, left_s=self._left_s(presence))

    def presence(self, subject: str) -> "Presence":
        """What is known of somebody since this process began."""
        return self._presence.setdefault(subject, Presence(seen=self.clock()))

    def _left_s(self, presence: Presence) -> float | None:
        if self.table.page_s is None:
            return None
        return presence.since + self.table.page_s * (1 + presence.extensions) - self.clock()

    def page_of(self, trial: Trial) -> str:
        """By which the form of a page is known."""
        return hmac.new(self._secret, trial.id.encode(), sha256).hexdigest()[:24]

    def _current(self, subject: str) -> Trial | None:
        """What somebody is asked now: the first that is open, in the order of the design."""
        seat = self.engine.seats.get(subject)
        if not self.engine.is_ready or seat is None or not self.is_gathered(subject):
            return None
        if self.design.design.sits_by:  # document by document, as the design has them
            return next(iter(list(seat.open.values())), None)
        position = self.design.position
        return min(
            list(seat.open.values()),
            key=lambda t: (t.place.round, t.place.condition, t.place.replicate, position[t.place.item]),
            default=None,
        )

    def first_trial(self, subject: str) -> Trial | None:
        """A page that somebody will see, of which the instructions are known already."""
        seat = self.engine.seats.get(subject)
        return next(iter(list(seat.open.values())), None) if seat is not None else None

    def words_of(self, responses: Sequence[Response]) -> Mapping[str, str]:
        """What was shown, by the hash of what was asked."""
        with RunDirectory(self.folder).reader() as journal:
            bodies = journal.bodies({response.request for response in responses})
        return {hash: json.loads(body)["messages"][-1][1] for hash, body in bodies.items()}

    def is_gathered(self, subject: str) -> bool:
        """Whether everybody of a group is there."""
        group = self.groups.get(self.group_of.get(subject, ""), ())
        return all(other in self.registry.by_subject for other in group)

    def is_left_by_others(self, subject: str) -> bool:
        """Whether somebody else of a group has left, and nobody plays on in their place."""
        group = self.groups.get(self.group_of.get(subject, ""), ())
        return any(r.status == "left" for other in group if other != subject for r in self.answered(other))

    def _dropped(self) -> dict[str, str]:
        """Matches that do not count because somebody left, where the study says so."""
        if self.table.leaving != "drop":
            return {}
        left = [unit for unit, group in self.groups.items()
                if any(response.status == "left" for one in group for response in self.answered(one))]  # fmt: skip
        return {"dropped": ", ".join(left)}

    def _is_through(self, subject: str) -> bool:
        """Whether nothing more is asked of somebody."""
        if not self.engine.is_ready or not self.is_gathered(subject) or self.engine.is_giving(subject):
            return False
        seat = self.engine.seats.get(subject)
        if not self.design.is_adaptive or self.engine.is_ended:
            return seat is None or not seat.open
        return seat is not None and seat.is_over and not seat.open

    def answered(self, subject: str) -> Sequence[Response]:
        """What is stored of somebody, in the order of time."""
        seat = self.engine.seats.get(subject)
        return [*self._before.get(subject, ()), *(seat.answered if seat is not None else ())]

    # ---- what they do

    def arrive(self, nonce: str, ids: Mapping[str, str]) -> tuple[str, Person] | None:
        """A seat for somebody who agreed, and the key of its link; None where nobody is admitted any more."""
        if not self.is_admitting and self.registry.person_of(nonce) is None:
            return None
        found = self.registry.arrive(nonce, self.subjects, ids)
        if found is not None:
            self.engine.stir(self.groups.get(self.group_of.get(found[1].subject, ""), ()))
        return found

    @property
    def is_admitting(self) -> bool:
        """Whether somebody who comes now can take part."""
        table, states = self.table, [person.state for person in self.registry.people]
        is_late = bool(table.until) and date.today() > date.fromisoformat(table.until)
        is_full = table.quota is not None and states.count("finished") >= table.quota
        return not (is_late or is_full or self.engine.closed)

    def check(self, person: Person, option: str) -> Person:
        """Take an answer to a question about the instructions; too many wrong ones turn somebody away."""
        asked = self.table.comprehension[person.checked]
        if option == asked.right:
            return self.registry.change(person, checked=person.checked + 1, tries=0)
        changed = self.registry.change(person, tries=person.tries + 1)
        return self._end(changed, "screened") if changed.tries >= asked.tries else changed

    def give(self, trial: Trial, completion: Completion) -> "Future[Response]":
        """Take the answer to a page; its future is done when the answer is stored."""
        presence = self.presence(self.design.seat_of(trial.place))
        if presence.page == self.page_of(trial):
            took_s = self.clock() - presence.since
            self.took_s.setdefault(trial.place.item, []).append(took_s)
            completion = replace(completion, took_s=took_s)
        return self.engine.give(trial.id, completion)

    def attention(self, subject: str) -> str:
        """Whether somebody passed the checks of attention they have answered, e.g. ``1 of 2``; empty without any."""
        asked, answered = self.table.attention, self.answered(subject)
        items = self.design.items
        passed = [
            r.answer is not None and items[r.place.item].options[int(r.answer)] == asked[r.place.item]
            for r in answered
            if r.place.item in asked and isinstance(r.answer, int | None)
        ]
        return f"{sum(passed)} of {len(passed)}" if passed else ""

    def extend(self, person: Person, *, by_hand: bool = False) -> bool:
        """Give a page as much time again; tells whether that is done."""
        presence = self._presence.get(person.subject)
        if self.table.page_s is None or presence is None or not (self.table.may_extend or by_hand):
            return False
        presence.extensions += 1
        return True

    def leave(self, person: Person, state: State) -> Person:
        """End it for somebody before its end: by their own wish, by a rule, or by the researcher."""
        if person.state != "active":
            return person
        if self.groups and not self.is_gathered(person.subject):
            # Nobody has played yet: the seat is free for the next who comes.
            given_back = "waited" if state == "left" else state
            return self.registry.change(person, subject="", state=given_back, ended=time.time())
        changed = self._end(person, state)
        self.settle(changed)
        return changed

    def settle(self, person: Person) -> None:
        """Do what the rule says with what is open of somebody who has left."""
        with self._settling:
            # What is on its way is looked at first: it is then either seen there, or stored and seen below.
            if not self.engine.is_ready or self.engine.is_giving(person.subject):
                return
            has_left = any(response.status == "left" for response in self.answered(person.subject))
            trial = self._current(person.subject)
            if trial is None or (has_left and self.design.is_apart):
                return
            plays_on = self.plays_on if self.groups else None
            completion = Completion(given=(None, "left")) if plays_on is None else plays_on(trial)
            try:
                self.engine.give(trial.id, completion)
            except EngineError as error:
                _log.warning("%s", error)

    def _end(self, person: Person, state: State) -> Person:
        with self._lock:
            now = self.registry.by_subject.get(person.subject, person)
            if now.state != "active":
                return now
            return self.registry.change(now, state=state, ended=time.time())

    def _finish(self, person: Person) -> Person:
        changed = self._end(person, "finished")
        if changed.state == "finished" and changed.paid is None:
            changed = self.registry.change(changed, paid=self.table.pay + self._points(person.subject))
        return changed

    def _points(self, subject: str) -> float:
        """What the points of a game pay somebody: as the rules say, of the moves that are stored."""
        design = self.design.design
        if not self.table.pay_per_point or not isinstance(design, Matches):
            return 0.0
        table = Run(self.folder).table()
        plays = replay(design, table.filter(table["unit"] == self.group_of[subject]))
        return self.table.pay_per_point * float(
            plays.filter(plays["subject"] == subject)["payoff"].fill_null(0.0).sum()
        )

    # ---- rules that time brings about

    def tick(self) -> None:
        """Let time pass: pages whose time is over, people who are away, groups that play on, and the end of it all."""
        if not self.engine.is_ready or self.engine.closed:
            return
        now = self.clock()
        for person in self.registry.people:
            if not person.subject:
                continue
            if person.state != "active":
                if person.state != "finished":
                    self.settle(person)
                continue
            presence = self.presence(person.subject)
            is_asked = (
                presence.page and (trial := self._current(person.subject)) and self.page_of(trial) == presence.page
            )
            left_s = self._left_s(presence) if is_asked else None
            is_away = self.table.away_s is not None and now - presence.seen > self.table.away_s
            if (left_s is not None and left_s < 0) or is_away:
                self.leave(person, "left")
                self.registry.act("left by rule", person.subject, "away" if is_away else "time of the page is over")
        states = [person.state for person in self.registry.people if person.subject]
        is_used_up = not self.is_admitting or len(states) == len(self.subjects)
        if states and is_used_up and "active" not in states:
            self.close("quota" if len(states) < len(self.subjects) else "every seat was taken")

    def close(self, rule: str) -> None:
        """Say that nobody comes any more: what is open stays open, and the run is over for everybody."""
        for person in self.registry.people:
            if person.state == "active":
                is_through = self.whereabouts(person).where == "end"
                self._finish(person) if is_through else self._end(person, "left")
        states = [person.state for person in self.registry.people]
        counts = {state: states.count(state) for state in ("finished", "left", "withdrawn", "waited", "screened")}
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.registry.act("closed", detail=rule)
        self.engine.close_all({"rule": rule, "at": at, "arrived": len(states), **counts, **self._dropped()})
        self.engine.stir(self.subjects)

    # ---- what the researcher does

    def end(self, person: Person) -> None:
        """End it for somebody, by the rule for those who leave."""
        self.registry.act("ended", person.subject)
        self.leave(person, "left")
        self.engine.stir([person.subject])

    def replace_link(self, person: Person) -> str:
        """The key of a new link for somebody who lost theirs, or whose link others have."""
        key = self.registry.replace_link(person)
        self.registry.act("link replaced", person.subject)
        self.engine.stir([person.subject])
        return key

    def tell(self, person: Person, message: str) -> None:
        """Put a message on the pages that somebody sees from now on; an empty one takes it back."""
        self.messages[person.subject] = message
        self.registry.act("message", person.subject, message)
        self.engine.stir([person.subject])

    def listen(self, told: Callable[[Collection[str]], None]) -> None:
        """Have a function told whose page may have changed."""
        self.engine.told = told


def _stored(folder: Path, design: Seated) -> dict[str, list[Response]]:
    """What is stored of people, by who sits there."""
    subjects = set(design.subjects)
    found: dict[str, list[Response]] = {}
    if RunDirectory(folder).is_there:
        for response in Run(folder).responses().values():
            if (sitter := design.seat_of(response.place)) in subjects:
                found.setdefault(sitter, []).append(response)
    return found

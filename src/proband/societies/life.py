"""The life of one society: a fold over its answers, in which arms share what lies before their fork.

The fold from the start is the specification: `Life` is made anew at every start of a run and given all answers again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from proband.designs.process import Packed, Stalled
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.records import Place, Response, Trial
from proband.societies.asking import Asking, place_of, survey_place
from proband.societies.state import State
from proband.societies.world import Ask, Heard, World

ABSENT = "absent"  # event of an agent whose answer was not valid: its text is the status, its place the item
_MOST_TURNS = 1_000_000  # rules that never come to the end of a round would go on for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Another way that a society goes from some round on.

    Attributes
    ----------
    name : str
        Empty for the way it goes where nothing is changed.
    from_round : int
        First round that differs.
    parent : str
        The arm that it leaves.
    world : World
        By which it goes on.
    """

    name: str
    world: World
    from_round: int = 1
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A survey inside the world: items put to some agents after a round; 0 is before the first."""

    after: int
    items: tuple[Item, ...]
    agents: tuple[int, ...] | None = None  # numbers; None for everybody


class Watcher(Protocol):
    """Who looks on: told of every state between rounds, which it must not change."""

    def begins(self, arm: Arm, state: State) -> None:
        """An arm begins, or a society with the arm that has no name."""

    def is_over(self, arm: Arm, state: State, round: int) -> None:
        """A round is over."""


@dataclass(eq=False)
class _Branch:
    """One arm under way."""

    arm: Arm
    state: State
    asks: Sequence[Ask] = ()
    ids: list[str] = field(default_factory=list)
    waits: set[str] = field(default_factory=set)
    round: int = 0
    n_asked: dict[tuple[int, str], int] = field(default_factory=dict)  # in this round

    @property
    def n_before(self) -> list[tuple[int, str, int]]:
        """How often each agent was asked each item in this round, before what it is asked now."""
        counts = dict(self.n_asked)
        for ask in self.asks:
            counts[ask.agent, ask.item.id] -= 1
        return [(agent, item, n) for (agent, item), n in counts.items() if n]


Question = tuple[Ask, Place]  # what becomes a trial


class Life:
    """A society and all its arms, as a process of the loop."""

    def __init__(
        self,
        number: int,
        arms: Sequence[Arm],
        asking: Asking,
        waves: Sequence[Wave] = (),
        watcher: Watcher | None = None,
    ) -> None:
        self.number, self.arms, self.asking, self.waves, self.watcher = number, arms, asking, waves, watcher
        self._answers: dict[str, Response] = {}  # to what is asked now, and to cells, which are asked once
        self._waiting: dict[str, list[_Branch]] = {}
        self._cells: set[str] = set()  # places
        self._branches: list[_Branch] = []  # under way
        self._surveyed: set[str] = set()  # places of surveys inside the world that are not answered yet
        self._marks: list[tuple[str, str]] = []
        self._is_stuck = False

    def start(self) -> Iterable[Trial]:
        """What can be asked at the beginning."""
        return self._trials(self.begin())

    def advance(self, response: Response) -> Iterable[Trial]:
        """What can be asked now, because all that some branch waited for is there."""
        return self._trials(self.hear(response))

    def _trials(self, questions: Iterable[Question]) -> Sequence[Trial]:
        trial = self.asking.trial
        return [trial(ask, place) for ask, place in questions]

    def begin(self) -> list[Question]:
        """As `start`, before it is put into words."""
        trunk = next(arm for arm in self.arms if not arm.name)
        state = trunk.world.begin(self.number)
        asked: list[Question] = []
        self._go(self._begun(trunk, state, asked), asked)
        return asked

    def hear(self, response: Response) -> list[Question]:
        """As `advance`, before it is put into words."""
        id = response.place.id
        branches = self._waiting.pop(id, None)
        if branches is None:  # a survey inside the world, which changes nothing
            self._surveyed.discard(id)
            return []
        if response.status == "failed":
            self._is_stuck = True
            raise Stalled(f"{id}: the call for this turn failed, so the society cannot go on")
        self._answers[id] = response
        asked: list[Question] = []
        for branch in branches:
            branch.waits.discard(id)
            if not branch.waits:
                self._hear(branch)
                self._go(branch, asked)
        return asked

    @property
    def round(self) -> int:
        """The earliest round that some arm is in."""
        return min((branch.round for branch in self._branches), default=0)

    def marks(self) -> Sequence[tuple[str, str]]:
        """Digests of the states between rounds since this was asked last, by what a message calls them."""
        if not self._marks:
            return ()
        found, self._marks = self._marks, []
        return found

    def pack(self) -> Packed | None:
        """Where it stands, as JSON and arrays; None while that is not all there is to it."""
        if self._is_stuck or self._surveyed:
            return None
        branches: list[Any] = []
        arrays: dict[str, Any] = {}
        for k, branch in enumerate(self._branches):
            told, columns = branch.state.pack()
            branches.append({"arm": branch.arm.name, "round": branch.round, "asked": branch.n_before, "state": told})
            arrays |= {f"{k}/{name}": column for name, column in columns.items()}
        cells = [_told(self._answers[id]) for id in sorted(self._cells & self._answers.keys())]
        return {"branches": branches, "cells": cells}, arrays

    def resume(self, packed: Packed) -> Iterable[Trial]:
        """Go on from where another life of this society stood; what it waited for is asked again."""
        told, arrays = packed
        by_name = {arm.name: arm for arm in self.arms}
        for cell in told["cells"]:
            self._answers[cell["id"]] = _response(cell)
        self._cells.update(self._answers)
        asked: list[Question] = []
        for k, branch in enumerate(told["branches"]):
            start = f"{k}/"
            columns = {name[len(start) :]: column for name, column in arrays.items() if name.startswith(start)}
            found = _Branch(by_name[branch["arm"]], State.unpack(branch["state"], columns), round=branch["round"])
            found.n_asked = {(agent, item): n for agent, item, n in branch["asked"]}
            self._branches.append(found)
            self._go(found, asked)
        return self._trials(asked)

    def _begun(self, arm: Arm, state: State, asked: list[Question]) -> _Branch:
        if self.watcher:
            self.watcher.begins(arm, state)
        branch = _Branch(arm, state)
        self._branches.append(branch)
        self._mark(branch, state.round - 1)
        if not arm.name:
            self._survey(branch, 0, asked)
        return branch

    def _mark(self, branch: _Branch, round: int) -> None:
        if self.watcher is None:  # who looks on goes through answers that were compared before
            self._marks.append((mark_of(self.number, branch.arm.name, round), branch.state.digest()))

    def _go(self, branch: _Branch, asked: list[Question]) -> None:
        """Take a branch, and those that leave it, as far as they can go without further answers."""
        going = [branch]
        while going:
            branch = going.pop()
            for _ in range(_MOST_TURNS):
                if branch.state.round != branch.round and self._turn_of_round(branch, asked, going):
                    self._branches.remove(branch)
                    break
                branch.asks = branch.arm.world.turns(branch.state)
                if branch.asks:
                    self._ask(branch, asked)
                    if branch.waits:
                        break
                self._hear(branch)
            else:
                raise DesignError(f"{_MOST_TURNS:,} turns of rules in a row: the world never comes to an end")

    def _turn_of_round(self, branch: _Branch, asked: list[Question], going: list[_Branch]) -> bool:
        """What is done between two rounds; tells whether the society is over."""
        state, before = branch.state, branch.round
        if before:
            if self.watcher:
                self.watcher.is_over(branch.arm, state, before)
            self._mark(branch, before)
            self._survey(branch, before, asked)
        branch.round = state.round
        branch.n_asked.clear()
        if state.is_over:
            return True
        for arm in self.arms:
            if arm.name and arm.parent == branch.arm.name and arm.from_round == state.round:
                # What an arm changes from the first round on may be what a society begins by.
                first = arm.world.begin(self.number) if state.round == 1 else state.copy()
                going.append(self._begun(arm, first, asked))
                going[-1].round = state.round
        return False

    def _ask(self, branch: _Branch, asked: list[Question]) -> None:
        branch.ids, state, arm = [], branch.state, branch.arm.name
        for ask in branch.asks:
            key = ask.agent, ask.item.id
            replicate = branch.n_asked.get(key, 0)
            branch.n_asked[key] = replicate + 1
            place = place_of(ask, self.number, arm, state.round, replicate)
            id = place.id
            branch.ids.append(id)
            if ask.cell is not None:
                self._cells.add(id)
            if id in self._answers:  # a cell that was asked before
                continue
            branch.waits.add(id)
            waiting = self._waiting.get(id)
            if waiting is None:
                self._waiting[id] = [branch]
                asked.append((ask, place))
            elif branch not in waiting:
                waiting.append(branch)

    def _hear(self, branch: _Branch) -> None:
        heard: list[Heard] = []
        if branch.asks:
            answers = self._answers
            heard = [Heard(ask, answers[id]) for ask, id in zip(branch.asks, branch.ids, strict=True)]
            for one, id in zip(heard, branch.ids, strict=True):
                if one.ask.cell is None:
                    answers.pop(id, None)
                if not one.is_valid:  # here, so that no world can leave it out
                    branch.state.happened(ABSENT, one.ask.agent, place=one.ask.item.id, text=one.response.status)
        branch.asks, branch.ids = (), []
        branch.state = branch.arm.world.advance(branch.state, heard)

    def _survey(self, branch: _Branch, after: int, asked: list[Question]) -> None:
        """Put the surveys of a moment; nobody waits for them, and the world never hears of them."""
        for wave in self.waves:
            if wave.after == after:
                found = interviews(branch.arm, branch.state, wave)
                self._surveyed.update([place.id for _, place in found])
                asked += found


_OF_A_CELL = ("request", "status", "rule", "answer", "probs", "mass", "text", "chosen", "engine")


def _told(response: Response) -> dict[str, Any]:
    """The answer of a cell as JSON."""
    return {"id": response.place.id, **{name: getattr(response, name) for name in _OF_A_CELL}}


def _response(told: Mapping[str, Any]) -> Response:
    whole: dict[str, Any] = {
        name: tuple(value) if isinstance(value := told[name], list) else value for name in _OF_A_CELL
    }
    return Response(place=Place.from_id(told["id"]), **whole)


def mark_of(society: int, arm: str, round: int) -> str:
    """What a message calls a state; ends in the round."""
    return f"society {society + 1}{arm and f', arm {arm!r}'}, after round {round}"


def interviews(arm: Arm, state: State, wave: Wave) -> list[Question]:
    """What a survey inside the world puts to the agents of an arm."""
    asked: list[Question] = []
    engines = state.agents.get("engine")
    for k, number in enumerate(state.numbers.tolist()):
        if wave.agents is None or number in wave.agents:
            system, told = arm.world.interview(state, k, str(wave.after))
            answerer = "" if engines is None else str(engines[k])
            for item in wave.items:
                ask = Ask(agent=number, item=item, told=told, system=system, answerer=answerer)
                asked.append((ask, survey_place(state.society, number, item.id, arm.name, wave.after)))
    return asked


def replay(lives: Iterable[Life], answers_at: Callable[[Sequence[Place]], Mapping[str, Response]]) -> None:
    """Take lives as far as some answers take them; nothing is put into words, so this costs little."""
    for life in lives:
        asked = life.begin()
        while asked:
            known = answers_at([place for _, place in asked])
            after: list[Question] = []
            for _, place in asked:
                if place.id in known:
                    with suppress(Stalled):
                        after += life.hear(known[place.id])
            asked = after


def in_order(arms: Mapping[str, Arm]) -> list[str]:
    """Names of the arms, each after its parent.

    Raises
    ------
    DesignError
        If an arm leaves one that is not there, or that begins later.
    """
    for arm in arms.values():
        if not arm.name:
            continue
        if arm.parent not in arms:
            raise DesignError(f"arm {arm.name!r} leaves the arm {arm.parent!r}, which is not there")
        if arms[arm.parent].name and arms[arm.parent].from_round >= arm.from_round:
            raise DesignError(
                f"arm {arm.name!r} leaves {arm.parent!r} in round {arm.from_round}, and that begins in round "
                f"{arms[arm.parent].from_round}; let it leave later, or leave another arm"
            )
    return sorted(arms, key=lambda name: (arms[name].from_round if name else 0, name))

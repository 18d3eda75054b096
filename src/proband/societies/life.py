"""The life of one society: a fold over its answers, in which arms share what lies before their fork.

The fold from the start is the specification: `Life` is made anew at every start of a run and given all answers again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from proband.designs.process import Stalled
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.records import Place, Response, Trial
from proband.societies.asking import Asking, place_of, survey_place
from proband.societies.state import State
from proband.societies.world import Ask, Heard, World

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

    def start(self) -> Iterable[Trial]:
        """What can be asked at the beginning."""
        trunk = next(arm for arm in self.arms if not arm.name)
        state = trunk.world.begin(self.number)
        trials: list[Trial] = []
        self._go(self._begun(trunk, state, trials), trials)
        return trials

    def advance(self, response: Response) -> Iterable[Trial]:
        """What can be asked now, because all that some branch waited for is there."""
        id = response.place.id
        branches = self._waiting.pop(id, None)
        if branches is None:  # a survey inside the world, which changes nothing
            return ()
        if response.status == "failed":
            raise Stalled(f"{id}: the call for this turn failed, so the society cannot go on")
        self._answers[id] = response
        trials: list[Trial] = []
        for branch in branches:
            branch.waits.discard(id)
            if not branch.waits:
                self._hear(branch)
                self._go(branch, trials)
        return trials

    def _begun(self, arm: Arm, state: State, trials: list[Trial]) -> _Branch:
        if self.watcher:
            self.watcher.begins(arm, state)
        branch = _Branch(arm, state)
        if not arm.name:
            self._survey(branch, 0, trials)
        return branch

    def _go(self, branch: _Branch, trials: list[Trial]) -> None:
        """Take a branch, and those that leave it, as far as they can go without further answers."""
        going = [branch]
        while going:
            branch = going.pop()
            for _ in range(_MOST_TURNS):
                if branch.state.round != branch.round and self._turn_of_round(branch, trials, going):
                    break
                branch.asks = branch.arm.world.turns(branch.state)
                if branch.asks:
                    self._ask(branch, trials)
                    if branch.waits:
                        break
                self._hear(branch)
            else:
                raise DesignError(f"{_MOST_TURNS:,} turns of rules in a row: the world never comes to an end")

    def _turn_of_round(self, branch: _Branch, trials: list[Trial], going: list[_Branch]) -> bool:
        """What is done between two rounds; tells whether the society is over."""
        state, before = branch.state, branch.round
        if before:
            if self.watcher:
                self.watcher.is_over(branch.arm, state, before)
            self._survey(branch, before, trials)
        branch.round = state.round
        branch.n_asked.clear()
        if state.is_over:
            return True
        for arm in self.arms:
            if arm.name and arm.parent == branch.arm.name and arm.from_round == state.round:
                # What an arm changes from the first round on may be what a society begins by.
                first = arm.world.begin(self.number) if state.round == 1 else state.copy()
                going.append(self._begun(arm, first, trials))
                going[-1].round = state.round
        return False

    def _ask(self, branch: _Branch, trials: list[Trial]) -> None:
        branch.ids, state, arm = [], branch.state, branch.arm.name
        for ask in branch.asks:
            key = ask.agent, ask.item.id
            replicate = branch.n_asked.get(key, 0)
            branch.n_asked[key] = replicate + 1
            place = place_of(ask, self.number, arm, state.round, replicate)
            id = place.id
            branch.ids.append(id)
            if id in self._answers:  # a cell that was asked before
                continue
            branch.waits.add(id)
            waiting = self._waiting.get(id)
            if waiting is None:
                self._waiting[id] = [branch]
                trials.append(self.asking.trial(ask, place))
            elif branch not in waiting:
                waiting.append(branch)

    def _hear(self, branch: _Branch) -> None:
        answers = self._answers
        heard = (
            [Heard(ask, answers[id]) for ask, id in zip(branch.asks, branch.ids, strict=True)] if branch.asks else []
        )
        for ask, id in zip(branch.asks, branch.ids, strict=True) if branch.asks else ():
            if ask.cell is None:
                del answers[id]
        branch.asks, branch.ids = (), []
        branch.state = branch.arm.world.advance(branch.state, heard)

    def _survey(self, branch: _Branch, after: int, trials: list[Trial]) -> None:
        """Put the surveys of a moment; nobody waits for them, and the world never hears of them."""
        state, world = branch.state, branch.arm.world
        for wave in self.waves:
            if wave.after != after:
                continue
            for k, number in enumerate(state.numbers.tolist()):
                if wave.agents is not None and number not in wave.agents:
                    continue
                system, told = world.interview(state, k, str(after))
                for item in wave.items:
                    place: Place = survey_place(self.number, number, item.id, branch.arm.name, after)
                    ask = Ask(agent=number, item=item, told=told, system=system)
                    trials.append(self.asking.trial(ask, place))


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

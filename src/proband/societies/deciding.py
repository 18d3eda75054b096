"""Worlds in which a rule decides, or a model in the rule's place: what such scenarios share.

Where agents differ only in what they see, a model is asked once in each situation (a cell) and gives probabilities,
from which agents draw by their numbers. Where each is somebody, each is asked.
"""

import hashlib
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from proband.errors import DesignError
from proband.files import Table
from proband.instruments.items import Item
from proband.seeds import rng_for, uniforms_for
from proband.societies import ties
from proband.societies.networks import Network
from proband.societies.state import State
from proband.societies.world import Ask, Heard, Person, World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ties = Literal["everybody", "ring", "small-world", "random", "preferential"]
_MOST_MARKS = 10_000_000
ABSENT = -1  # in the place of an option: no valid answer, so the agent does nothing in this round


class Decided(Table):
    """Keys of every world in which a rule or a model decides."""

    agents: int = Field(default=100, ge=2, description="how many there are")
    decided_by: Literal["rule", "model"] = Field(default="rule", description="who decides: the rule, or the engine")


class Deciding(Decided):
    """Keys of one that goes on for as long as they say."""

    rounds: int = Field(default=100, ge=1, description="how many, at most")


class Tied(Deciding):
    """Keys of a world in which agents are tied to some others."""

    ties: Ties = Field(default="small-world", description="the network, all of whose ties go both ways")
    degree: int = Field(default=6, ge=2, description="ties of each, or their mean; even on a ring and in a small world")
    rewire: float = Field(
        default=0.1, ge=0, le=1, description="share of the ties of a small world that lead to anybody"
    )

    @model_validator(mode="after")
    def _can_be_tied(self) -> Self:
        if self.ties in ("ring", "small-world") and (self.degree % 2 or self.degree >= self.agents):
            raise ValueError(
                f"degree is {self.degree} among {self.agents} agents on a ring; it must be even, half of the ties on "
                "either side, and below the number of agents"
            )
        return self

    def network(self, rng: np.random.Generator) -> Network:
        """Such a network."""
        n, degree = self.agents, self.degree
        match self.ties:
            case "everybody":
                return ties.complete_graph(n)
            case "ring":
                return ties.cycle_graph(n, degree)
            case "small-world":
                return ties.watts_strogatz_graph(n, degree, self.rewire, rng)
            case "random":
                return ties.gnp_random_graph(n, min(degree / (n - 1), 1.0), rng)
        return ties.barabasi_albert_graph(n, degree // 2, rng)


class Ruled(World):
    """Base of such a world: it has one item, and asks it where its keys say so.

    Attributes
    ----------
    asked : tuple of Item
        What is asked where a model decides.
    archetype : str
        Whom a cell stands for, where models are asked by situation.
    worded : tuple of str
        Keys that a situation is worded by, beside what is in it: cells of arms that differ in them are not the same.
    """

    fixed = frozenset({"agents"})
    asked: ClassVar[tuple[Item, ...]] = ()
    archetype: ClassVar[str] = ""
    worded: ClassVar[tuple[str, ...]] = ()
    outside = False

    def __init__(self, keys: Any) -> None:
        self.keys = keys

    @property
    def is_asked(self) -> bool:
        """Whether a model decides."""
        return bool(self.keys.decided_by == "model")

    @property
    def items(self) -> Sequence[Item]:
        """What is asked, where a model decides."""
        return self.asked if self.is_asked else ()

    @property
    def rounds(self) -> int:
        """As many as the keys say."""
        return int(self.keys.rounds)

    def people(self, state: State) -> Iterable[Person]:
        """Everybody, where each is asked alone; nobody, where a cell stands for them."""
        return () if self.archetype else super().people(state)

    def archetypes(self, state: State) -> Sequence[str]:
        """Whom cells stand for."""
        return (self.archetype,) if self.archetype and self.is_asked else ()

    def at_start(self, society: int, what: str, n: int | None = None) -> Floats:
        """A draw in [0, 1) for every agent before the first round, by its number."""
        numbers = np.arange(self.keys.agents if n is None else n)
        return uniforms_for(self.seed, "society", society, what, numbers=numbers)

    def ties_at_start(self, society: int) -> Network:
        """The network of a world with such keys."""
        network: Network = self.keys.network(rng_for(self.seed, "society", society, "ties"))
        return network

    def ended(self, state: State, *, is_over: bool = False) -> State:
        """The state after its round."""
        state.is_over = is_over or state.round >= self.rounds
        state.round += 1
        return state

    def by_situation(
        self,
        item: Item,
        situations: Mapping[str, NDArray[Any]],
        told: Callable[[Mapping[str, int]], str],
        who: Any = None,
    ) -> list[Ask]:
        """One ask for every situation in which somebody is.

        Parameters
        ----------
        item : Item
        situations : mapping of str to array of int, shape (n_agents,)
            Everything that is told, by variable.
        told : callable
            Puts a situation in words.
        who : array of bool, optional
            Who decides now; everybody by default.
        """
        asks = []
        for row in _distinct([column if who is None else column[who] for column in situations.values()])[0]:
            levels = dict(zip(situations, row, strict=True))
            facts = tuple([(name, str(level)) for name, level in levels.items()])
            cell = (*facts, *self.regime)
            asks.append(Ask(item=item, told=told(levels), facts=facts, cell=cell, archetype=self.archetype))
        return asks

    @property
    def regime(self) -> tuple[tuple[str, str], ...]:
        """What keeps cells of other words apart: a digest of the keys by which they are worded."""
        words = json.dumps([getattr(self.keys, key) for key in self.worded])
        return (("regime", hashlib.blake2b(words.encode(), digest_size=4).hexdigest()),) if self.worded else ()

    def drawn(self, heard: Sequence[Heard], situations: Mapping[str, NDArray[Any]], u: Floats) -> Ints:
        """The option of every agent, drawn from what was answered in its situation; `ABSENT` where nothing was."""
        found, which = _distinct(list(situations.values()))
        at = {tuple([str(level) for level in row]): k for k, row in enumerate(found)}
        upto = np.full((len(found), max((len(one.ask.item.options) for one in heard), default=1)), np.nan)
        for one in heard:
            if one.is_valid and one.ask.cell is not None:
                if one.response.probs is None:
                    raise DesignError(
                        f"{one.response.place.id}: an answer without probabilities, from which nobody can draw; "
                        "take an engine that gives them"
                    )
                upto[at[tuple([level for _, level in one.ask.facts])]] = np.cumsum(one.response.probs)
        mine = upto[which]
        # The last bound may lie a rounding below 1.
        chosen = np.minimum((u[:, None] >= mine).sum(axis=1), upto.shape[1] - 1)
        return np.where(np.isnan(mine[:, 0]), ABSENT, chosen)


def _distinct(columns: Sequence[NDArray[Any]]) -> tuple[list[list[int]], Ints]:
    """Different rows of some columns of whole numbers, in their order, and which of them each row is."""
    if not len(columns[0]):
        return [], np.zeros(0, np.int64)
    code, least, spans = np.zeros(len(columns[0]), np.int64), [], []
    for column in columns:
        low, high = int(column.min()), int(column.max())
        code = code * (high - low + 1) + (column.astype(np.int64) - low)
        least.append(low)
        spans.append(high - low + 1)
    if math.prod(spans) <= _MOST_MARKS:  # to mark which of some situations there are is quicker than to sort a million
        seen = np.bincount(code, minlength=1) > 0
        found, which = np.flatnonzero(seen), (np.cumsum(seen) - 1)[code]
    else:
        found, which = np.unique(code, return_inverse=True)
    levels = []
    for low, span in zip(reversed(least), reversed(spans), strict=True):
        found, level = np.divmod(found, span)
        levels.append(level + low)
    return np.stack(levels[::-1], axis=1).tolist(), which


def answered(state: State, heard: Sequence[Heard], item: str = "") -> dict[int, Any]:
    """Valid answers by position in the table, of those asked one by one; only to one item where it is named."""
    position = {int(number): k for k, number in enumerate(state.numbers)}
    return {
        position[one.ask.agent]: one.response.answer
        for one in heard
        if one.is_valid and (not item or one.ask.item.id == item)
    }


def options(state: State, heard: Sequence[Heard]) -> Ints:
    """The option of every agent, of those asked one by one; `ABSENT` for everybody else."""
    chosen = np.full(len(state), ABSENT)
    for k, answer in answered(state, heard).items():
        chosen[k] = answer
    return chosen


def pairs(u: Floats) -> NDArray[np.int64]:
    """Positions of all agents in pairs at random, shape (n // 2, 2); of an odd number one is left alone."""
    return np.argsort(u)[: len(u) // 2 * 2].reshape(-1, 2)


def clusters(values: NDArray[Any], gap: float, least: float = 0.01) -> int:
    """How many groups of values lie further apart than a gap, of those that hold at least a share of all."""
    edges = np.flatnonzero(np.diff(np.sort(values)) > gap) + 1
    sizes = np.diff(np.concatenate([[0], edges, [len(values)]]))
    return int((sizes >= least * len(values)).sum())


def gini(values: NDArray[Any]) -> float:
    """Mean difference of two, relative to twice the mean; 0 where all hold alike, NaN where nobody holds anything."""
    x = np.sort(np.asarray(values, float))
    n, total = len(x), x.sum()
    if not total:
        return float("nan")
    return float(2 * (np.arange(1, n + 1) * x).sum() / (n * total) - (n + 1) / n)


def play(world: World, society: int = 0) -> Iterator[State]:
    """A society of rules alone, at its beginning and after every round; it is one object that goes on changing.

    Raises
    ------
    DesignError
        If somebody has to be asked.
    """
    state = world.begin(society)
    yield state
    while not state.is_over:
        before = state.round
        while state.round == before:
            if world.turns(state):
                raise DesignError("somebody has to be asked in this world; run it as a study, with an engine")
            state = world.advance(state, ())
        yield state


def last(world: World, society: int = 0) -> State:
    """The end of a society of rules alone."""
    return deque(play(world, society), maxlen=1)[0]

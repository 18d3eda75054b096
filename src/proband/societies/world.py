"""What a world is: how a society begins, who is asked what, and what becomes of it. Pure: no engine, clock or file.

A world may depend on nothing but what it is given: its own settings, the state, the answers, and draws by place
(`World.uniforms`). Then a run that was killed, forked or played elsewhere goes through the same states.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from proband.instruments.items import Item
from proband.records import Response
from proband.roster import Trait
from proband.seeds import rng_for, uniforms_for
from proband.societies.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One item put to one agent, or to a cell of agents in the same situation, now.

    Attributes
    ----------
    agent : int
        Number of the agent; -1 for somebody outside (a resolver of what comes of words), who is called "world".
    item : Item
        What is asked. Its options may be those of the situation: only what is possible is offered.
    told : str
        The situation, put before the item: what the agent perceives, remembers, was told.
    system : str
        Who the agent is, and the world as it stands: what is put before everything.
    facts : tuple of (str, str)
        The situation for scripted rules; never sent to a model.
    answerer : str
        Which of the study's engines answers; see `Trial.answerer`.
    cell : tuple of (str, str) or None
        Situation of a cell, as (variable, level) pairs, the ``regime`` in force among them: it is asked once in a
        society, whatever the round and arm, and answered with probabilities from which agents draw. None: this agent
        alone.
    archetype : str
        Whom a cell stands for.
    """

    agent: int = -1
    item: Item
    told: str = ""
    system: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    answerer: str = ""
    cell: tuple[tuple[str, str], ...] | None = None
    archetype: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back to one `Ask`; one that is not valid makes the agent absent, and no rule stands in for it."""

    ask: Ask
    response: Response

    @property
    def is_valid(self) -> bool:
        """Whether there is an answer."""
        return self.response.status == "valid"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who may be asked, for the roster."""

    agent: int
    role: str = ""
    traits: Mapping[str, Trait] | None = None


class World(ABC):
    """Base of every world; see `docs/how-to/write-a-scenario.md`.

    `begin`, `turns` and `advance` are the whole of it. A state that is given to `advance` is not looked at again, so
    it may be changed and given back.

    Attributes
    ----------
    seed : int
        Root of all randomness; set by the `Society` that it is the world of.
    fixed : frozenset of str
        Settings that an arm cannot change after the first round, because a society begins by them.
    outside : bool
        Whether somebody outside may be asked (agent -1, e.g. a resolver); one who is not is left out of the roster.
    """

    seed: int = 0
    fixed: ClassVar[frozenset[str]] = frozenset()
    outside: bool = True

    @property
    def items(self) -> Sequence[Item]:
        """Every item that may be asked, with the options it has in general; none where nobody is asked."""
        return ()

    @property
    @abstractmethod
    def rounds(self) -> int:
        """How many rounds are played at most."""

    @abstractmethod
    def begin(self, society: int) -> State:
        """A society before its first round."""

    def turns(self, state: State) -> Sequence[Ask]:
        """Who is asked now, in which words; nothing where rules alone decide."""
        return ()

    @abstractmethod
    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """What becomes of it, now that everybody has answered, in the order of `turns`.

        A round may have several turns, one after the other; it ends when the world adds 1 to ``state.round``.
        """

    def measures(self, state: State) -> Mapping[str, float]:
        """Numbers that describe the society at the end of a round, by name; drawn as curves and compared by arm."""
        return {}

    def kept(self, state: State) -> Sequence[str]:
        """Columns of the agents' table to keep of every round, for pages and comparisons agent by agent."""
        return ()

    def people(self, state: State) -> Iterable[Person]:
        """Everybody at the beginning who may ever be asked alone."""
        return (Person(agent=int(number)) for number in state.numbers) if self.items else ()

    def roles(self) -> Iterable[str]:
        """Every `Ask.answerer` there may be: by default one engine, without a name, answers everything."""
        return ("",)

    def archetypes(self, state: State) -> Iterable[str]:
        """Whom cells stand for, where agents are asked by cell."""
        return ()

    def interview(self, state: State, k: int, wave: str) -> tuple[str, str]:
        """System text and situation under which the agent at a position answers a survey inside the world."""
        return "", ""

    def uniforms(self, state: State, *place: str | int) -> NDArray[np.float64]:
        """A draw in [0, 1) for every agent, by its number, at a place of this society and round."""
        return uniforms_for(self.seed, "society", state.society, state.round, *place, numbers=state.numbers)

    def rng(self, state: State, *place: str | int) -> np.random.Generator:
        """A generator of this society and round, for what is not drawn agent by agent."""
        return rng_for(self.seed, "society", state.society, state.round, *place)


Settings = Mapping[str, Any]

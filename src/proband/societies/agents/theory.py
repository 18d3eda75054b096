"""What a theory of how agents decide is: stages, each of which asks something, until there is an action.

A theory is one file in ``societies/agents/theories/``; see ``docs/how-to/add-a-theory.md``. What an agent has in mind
is a dict of plain values in ``state.values["minds"]``, so that a society resumes and forks in the middle of a thought.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from pydantic import BaseModel

from proband.errors import DesignError
from proband.files import Table
from proband.instruments.items import Item
from proband.shelves import Shelf
from proband.societies.state import State

Mind = dict[str, Any]
"""What an agent has in mind, as JSON; ``action`` is what it does in this round, once it knows."""

RATING = ("1", "2", "3", "4", "5", "6", "7")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What one agent has before it in a round; a world makes it from the state and nothing else.

    Attributes
    ----------
    number : int
        Who it is.
    situation : str
        What it perceives.
    options : tuple of str
        What it can do now, in words; where there is only one, it is done without a question.
    query : str
        By what memories come to mind; empty for the situation.
    others : tuple of str
        Who is there, by name.
    features : mapping of str to float
        Numbers that theories may use, such as ``stakes``.
    familiar : tuple of (str, str)
        The situation in few words, as a cell; needed by theories with habits.
    archetype : str
        Whom such a cell stands for.
    facts : tuple of (str, str)
        For scripted rules; see `Ask`.
    answerer : str
        Which engine answers for it.
    uniform : callable
        A draw in [0, 1) of this agent in this round, by name; given by what asks.
    """

    state: State
    number: int
    situation: str
    options: tuple[str, ...] = ()
    query: str = ""
    others: tuple[str, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)
    familiar: tuple[tuple[str, str], ...] = ()
    archetype: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    answerer: str = ""
    uniform: Callable[[str], float] = lambda name: 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """A valid answer.

    Attributes
    ----------
    text : str
        The option that was chosen, or what was written.
    points : float
        Of the option, for ratings.
    options : tuple of str
        What there was to choose from.
    probs : tuple of float or None
        Of the options, where the engine gives them.
    """

    text: str
    points: float = 0.0
    options: tuple[str, ...] = ()
    probs: tuple[float, ...] | None = None

    def drawn(self, u: float) -> str:
        """The option in whose share of [0, 1) a draw falls; the chosen one where there are no probabilities."""
        if self.probs is None:
            return self.text
        for option, total in zip(self.options, accumulate(self.probs), strict=True):
            if u < total:
                return option
        return self.text  # the shares sum to a little less than 1


Hears = Callable[[Scene, Mind, Said], str | None]


def _always(scene: Scene, mind: Mind) -> bool:
    return True


def _nothing(scene: Scene, mind: Mind) -> str:
    return ""


def _no_facts(scene: Scene, mind: Mind) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One question on the way to an action.

    Attributes
    ----------
    item : Item
        What is asked; its id names the stage.
    hear : callable
        Writes a valid answer into the mind; may give the name of the stage that comes next, the same one too.
    when : callable
        Whether it is asked now. Neither this nor anything else but `hear` changes the mind.
    told : callable
        What is said before the question, after the situation.
    options : callable or None
        The options that there are now, in place of the item's; one alone is heard without a question.
    facts : callable
        For scripted rules, by name.
    cell : bool
        Whether everybody in the same familiar situation is asked at once; the answer's probabilities are heard.
    alone : bool
        Whether it is asked without situation and memories, by what it tells itself.
    part : str
        Part of an agent that it belongs to; switched off with it.
    """

    item: Item
    hear: Hears
    when: Callable[[Scene, Mind], bool] = _always
    told: Callable[[Scene, Mind], str] = _nothing
    options: Callable[[Scene, Mind], tuple[str, ...]] | None = None
    facts: Callable[[Scene, Mind], Mapping[str, object]] = _no_facts
    cell: bool = False
    alone: bool = False
    part: str = "theory"

    @property
    def name(self) -> str:
        """Id of its item."""
        return self.item.id


@dataclass(frozen=True, kw_only=True)
class Course:
    """The stages of a theory under some settings.

    Attributes
    ----------
    start : callable
        Changes the mind, and nothing else, at the beginning of a round.
    end : callable
        Changes it when there is an action.
    """

    stages: tuple[Stage, ...]
    start: Callable[[Scene, Mind], None] = lambda scene, mind: None
    end: Callable[[Scene, Mind], None] = lambda scene, mind: None


@dataclass(frozen=True, kw_only=True)
class Theory:
    """A theory of how agents decide.

    Attributes
    ----------
    name : str
        As in ``theory = "..."``: the name of its file.
    about : str
        One line for ``proband list theories``, with its source.
    keys : type
        A pydantic model of its settings.
    make : callable
        Gives the stages under checked settings.
    text : str
        What agents are told of how they decide, if anything.
    """

    name: str
    about: str
    make: Callable[[Any], Course]
    keys: type[BaseModel] = Table
    text: str = ""


def chosen(scene: Scene, mind: Mind, said: Said) -> None:
    """Take the option that was chosen as the action: what `hear` of the last stage usually is."""
    mind["action"] = said.text


def possible(scene: Scene, mind: Mind) -> tuple[str, ...]:
    """What can be done now: `options` of the stage that decides."""
    return scene.options


ACTION = Item(id="action", text="What do you do?", form="choice", options=("This", "That"))
ACT = Stage(item=ACTION, hear=chosen, options=possible)

THEORIES: Shelf[Theory] = Shelf(
    what="theory", group="proband.theories", of=(Theory,), folders=("proband.societies.agents.theories",),
    member="THEORY", error=DesignError,
)  # fmt: skip

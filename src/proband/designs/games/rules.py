"""Rules: what a game says of itself, its seats, its words, whose turn it is, and what came of a round.

Rules know no engine, no loop and no page; matching, rounds, chat, names of moves, transcripts, treatments, the study
file and the report are written once, in `designs.games.matches` and `analyses`. See ``docs/how-to/add-a-game.md``.
"""

from abc import abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Protocol

from proband.files import Table
from proband.instruments.items import Item

Value = int | float | str | tuple[int, ...] | tuple[float, ...]
Moves = Mapping[str, Value]
Draw = Callable[..., float]


class Illegal(Exception):
    """Raised by a round when a move, readable as it is, is not open to that player now; it says why.

    Attributes
    ----------
    seat : str
        Whose move it was.
    """

    def __init__(self, seat: str, why: str) -> None:
        super().__init__(f"{seat}: {why}")
        self.seat = seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One decision that is open now.

    Attributes
    ----------
    seat : str
        Who decides.
    item : Item
        On what: one of the game's items, or one made for this turn (of the same id) whose options or bounds are those
        open now. Options are named as the rules name them; how they are shown is for `Words`.
    told : str
        What this player learns for it, beyond instructions and past rounds; may be empty.
    facts : tuple of pairs of str
        What a scripted player may read, never sent to a model.
    """

    seat: str
    item: Item
    told: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a round.

    Attributes
    ----------
    payoffs : mapping of str to float
        Seat -> points of this round, before any scaling.
    told : mapping of str to str
        Seat -> what it learns of the round, a sentence or two: the line of its history.
    values : mapping of str to float
        Quantities of the round by name (see `Quantity`); one that did not come about is left out.
    """

    payoffs: Mapping[str, float]
    told: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)


Round = Generator[Turn | Sequence[Turn], Moves, Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number that a round of a game yields and its report averages over matches.

    Attributes
    ----------
    name : str
        As in `Outcome.values`, e.g. ``"offer"``.
    about : str
        What it is, e.g. "share of the pot that is offered".
    form : {"share", "number"}
        A share of 0 to 1, or a number.
    by : str
        Another quantity of which this one is reported as a curve, e.g. ``"offer"`` of ``"accepted"``.
    best : float or None
        What players who care for nothing but their payoffs, and believe the same of others, do: its equilibrium value.
    """

    name: str
    about: str
    form: Literal["share", "number"] = "share"
    by: str = ""
    best: float | None = None


class Words(Protocol):
    """How a match says things: neutral or loaded names of moves, the unit and scale of payoffs, the cover story."""

    def move(self, option: str) -> str:
        """The name that an option carries in this match."""

    def order(self, item: Item) -> tuple[int, ...]:
        """The order in which the options of an item are shown in this match, by which instructions should list them."""

    def points(self, amount: float) -> str:
        """An amount of payoff in words, scaled, e.g. ``"40 points"`` or ``"$4"``."""

    def story(self, text: str) -> str:
        """What the cover story of the match says in the place of a word or sentence; the text itself where nothing."""


class Rules(Table):
    """A game; its fields are the keys that ``[game]`` takes for it.

    A subclass says `about`, `quantities`, and the four methods. It must be pure: a round may depend on its arguments
    and on the moves it is sent, and on nothing else, because resume is replay.
    """

    about: ClassVar[str]
    quantities: ClassVar[tuple[Quantity, ...]] = ()

    @property
    @abstractmethod
    def seats(self) -> tuple[str, ...]:
        """Who plays, in order; e.g. ``("proposer", "responder")``.

        Every seat has a turn sometimes; who only receives may stand in the payoffs without one. Seats that differ by a
        number at their end only, ``("member 1", "member 2")``, are one role unless the study file says otherwise.
        """

    @property
    @abstractmethod
    def items(self) -> tuple[Item, ...]:
        """Everything that can be asked, each once.

        An item whose unit is ``"points"`` is an amount of payoff: its bounds are shown scaled, and its answer
        comes back as the rules count. Make items once (a constant, a `cached_property`), not at every turn.
        """

    @property
    def reported(self) -> tuple[Quantity, ...]:
        """The quantities that its report has, with their values in equilibrium where these depend on the keys."""
        values = self.equilibrium()
        return tuple([replace(quantity, best=values.get(quantity.name, quantity.best)) for quantity in self.quantities])

    def equilibrium(self) -> Mapping[str, float]:
        """Equilibrium values of quantities, by name, where they depend on the keys."""
        return {}

    @abstractmethod
    def instructions(self, seat: str, words: Words) -> str:
        """What a player is told before the first round: the whole game as it stands for that seat."""

    @abstractmethod
    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """One round, as a generator: it yields a turn, or several at the same time, and is sent their moves by seat.

        `past` are the rounds that the same players played through; empty where groups are drawn anew. It must not be
        changed.
        A move is the index of an option (as the turn's item lists them), a number, or a tuple of either. Chance is
        ``draw("value", seat)``, uniform on [0, 1) by place of the round. A move that is not open raises `Illegal`.
        """

    def highest(self) -> float | None:
        """The largest sum of payoffs that a round can give, for efficiency; None where there is none."""
        return None


def play_out(rules: Rules, words: Words, choose: Callable[[Turn], Value], *, rounds: int, draw: Draw) -> list[Outcome]:
    """Play a game without an engine: what `choose` says for every turn, round after round.

    `draw` is called with the number of the round before the place that the round names.
    """
    past: list[Outcome] = []
    for number in range(1, rounds + 1):
        steps = rules.play(words, tuple(past), lambda *place, number=number: draw(number, *place))
        try:
            turns = next(steps)
            while True:
                open_ = (turns,) if isinstance(turns, Turn) else tuple(turns)
                turns = steps.send({turn.seat: choose(turn) for turn in open_})
        except StopIteration as end:
            past.append(end.value)
    return past

"""How a match says things: names of the moves, the unit and scale of payoffs, the cover story."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from proband.designs.survey.arrangement import arrangements
from proband.errors import DesignError
from proband.instruments.items import Item

# Letters without a rank or a meaning of their own (no A, B, C; no Y for yes, no N for no); J and F come first, as in
# the games of Akata et al. (2025).
LETTERS = tuple("JFPQKVXZHWGTRDLM")
_BEFORE = ("$", "€", "£", "¥")  # currency signs stand before the amount


@dataclass(frozen=True, slots=True)
class MatchWords:
    """The `Words` of a match.

    Attributes
    ----------
    names : mapping of str to str
        Option as the rules name it -> its name here; others are called what they are.
    unit : str
        Of payoffs, e.g. ``points`` or ``$``.
    scale : float
        What players read is so many times what the rules count.
    stories : mapping of str to str
        A word or sentence of the rules -> what the cover story says instead.
    turn : int
        In which of their orders options are shown; see `order_of`.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    unit: str = "points"
    scale: float = 1.0
    stories: Mapping[str, str] = field(default_factory=dict)
    turn: int = 0

    def move(self, option: str) -> str:
        """The name that an option carries in this match."""
        return self.names.get(option, option)

    def order(self, item: Item) -> tuple[int, ...]:
        """The order in which the options of an item are shown."""
        return order_of(item, self.turn)

    def points(self, amount: float) -> str:
        """An amount of payoff in words, scaled.

        Examples
        --------
        >>> MatchWords().points(1), MatchWords(unit="$", scale=0.25).points(10), MatchWords(scale=100).points(-3)
        ('1 point', '$2.5', '-300 points')
        """
        shown = number_text(amount * self.scale)
        if self.unit in _BEFORE:
            return f"-{self.unit}{shown[1:]}" if shown.startswith("-") else f"{self.unit}{shown}"
        unit = self.unit.removesuffix("s") if shown == "1" else self.unit
        return f"{shown} {unit}" if unit else shown

    def story(self, text: str) -> str:
        """What the cover story says in the place of a word or sentence; the text itself where it says nothing."""
        return self.stories.get(text, text)


@lru_cache(4096)  # payoffs come again and again
def number_text(value: float) -> str:
    """A number as players read it: at most two decimals, none where it is whole."""
    shown = f"{value:.2f}".rstrip("0").removesuffix(".")
    return "0" if shown == "-0" else shown


def are_numbers(item: Item) -> bool:
    """Whether an item's options are amounts, which keep their own names and their order."""
    return bool(item.options) and all(option[:1].isdigit() or option[:1] in _BEFORE for option in item.options)


def order_of(item: Item, turn: int) -> tuple[int, ...]:
    """The order in which options are shown in one turn of all: both directions of amounts, rotations of others."""
    if len(item.options) < 2:
        return tuple(range(len(item.options)))
    orders = arrangements(item, "counterbalanced")
    if are_numbers(item):
        orders = (orders[0], tuple(reversed(orders[0])))
    return orders[turn % len(orders)]


def neutral_names(items: Iterable[Item], turn: int, letters: Sequence[str] = LETTERS) -> dict[str, str]:
    """A letter for every option that is no amount, in the order shown, so that letter and meaning are counterbalanced.

    Raises
    ------
    DesignError
        If there are more options than letters.
    """
    names: dict[str, str] = {}
    for item in items:
        if item.form != "choice" or are_numbers(item):
            continue
        for k in order_of(item, turn):
            if len(names) == len(letters) and item.options[k] not in names:
                raise DesignError(
                    f'names: more moves than the {len(letters)} names there are; give more, or write names = "own"'
                )
            names.setdefault(item.options[k], letters[min(len(names), len(letters) - 1)])
    return names

"""What files of games share: moves as rules read them, and seats of players who are alike."""

from proband.designs.games.rules import Illegal, Moves, Turn
from proband.instruments.items import Item

_ROUNDING = 1e-9  # bounds that were scaled and scaled back may be off by that share


def number(turn: Turn, moves: Moves) -> float:
    """The number that the player of a turn gave; one outside the bounds of its item is not open."""
    value, item = moves[turn.seat], turn.item
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Illegal(turn.seat, f"{item.id} takes a number, and {value!r} is none")
    lower = -float("inf") if item.lower is None else item.lower
    upper = float("inf") if item.upper is None else item.upper
    reach = _ROUNDING * max(abs(value), 1.0)
    if not lower - reach <= value <= upper + reach:
        raise Illegal(turn.seat, f"{item.id} is {value:g}, and open are {lower:g} to {upper:g}")
    return min(max(float(value), lower), upper)


def option(turn: Turn, moves: Moves) -> int:
    """The index of the option that the player of a turn took."""
    value, item = moves[turn.seat], turn.item
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(item.options):
        raise Illegal(turn.seat, f"{item.id} is {value!r}, and open are {', '.join(item.options)}")
    return value


def amount(id: str, text: str, upper: float, lower: float = 0.0) -> Item:
    """An item that asks for points."""
    return Item(id=id, text=text, form="number", lower=lower, upper=upper, unit="points")


def players(n: int) -> tuple[str, ...]:
    """Seats of a game in which all players are alike: ``player-1``, ``player-2`` ..."""
    return tuple([f"player-{k}" for k in range(1, n + 1)])


def others(n: int, noun: str = "player") -> str:
    """All of `n` players but one, in words.

    Examples
    --------
    >>> others(2), others(4, "bidder")
    ('another player', '3 other bidders')
    """
    return f"another {noun}" if n == 2 else f"{n - 1} other {noun}s"

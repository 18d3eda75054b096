"""Games played by hand: one round, with the moves of each seat in the order in which they are asked for."""

from collections.abc import Callable

from proband.designs.games.rules import Outcome, Rules, Turn, play_out
from proband.designs.games.words import MatchWords


def by_hand(rules: Rules, draw: Callable[..., float] = lambda *place: 0.5, **moves) -> Outcome:
    """One round; `moves` are lists by seat, "-" of which is written "_", or one list for all in order."""
    waiting = {seat.replace("_", "-"): list(given) for seat, given in moves.items()}

    def choose(turn: Turn):
        return waiting.get(turn.seat, waiting.get("all")).pop(0)

    (outcome,) = play_out(rules, MatchWords(), choose, rounds=1, draw=lambda number, *place: draw(*place))
    return outcome

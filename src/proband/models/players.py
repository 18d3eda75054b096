"""Rules that play games: what ``scripted:NAME`` can name beside the rules for surveys.

They read what a game says of a turn in ``trial.facts``, never its text: the ``offer`` that is to be accepted, the
``payoffs`` of a matrix, what the others did last. Amounts are as players read them.
"""

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np

from proband.errors import EngineError
from proband.records import Answer, Trial
from proband.strategies import CLASSIC, STRATEGIES, Rounds, Strategy, defect_once

Player = Callable[[Trial], Answer]


def played(strategy: Strategy) -> Player:
    """The rule that plays a strategy of the repeated prisoner's dilemma; option 0 as written cooperates.

    The moves so far are read from ``trial.facts``: "own_moves" and "other_moves", e.g. ``0110``, one index as written a
    round. A trial without them is a first round.
    """

    def moves(trial: Trial, side: str) -> Rounds:
        text = dict(trial.facts).get(side, "")
        if len(trial.reply.options) != 2 or text.strip("01"):
            raise EngineError(
                f"{trial.id}: strategies play games of two moves, cooperate and defect; here are "
                f"{len(trial.reply.options)} options, and {side} is {text!r}"
            )
        return ord("1") - np.frombuffer(text.encode(), dtype=np.uint8).astype(np.intp).reshape(1, -1)

    return lambda trial: 1 - int(strategy(moves(trial, "own_moves"), moves(trial, "other_moves"))[0])


def share(share: float = 0.5) -> Player:
    """Give a share of what there is: of the range of a number."""
    return lambda trial: _within(trial, share, "share")


def threshold(least: float = 0.3, *, fact: str = "offer") -> Player:
    """Accept (option 0 as written) what is at least so large, and refuse less; asked for a number, name that share.

    What is offered is read from ``trial.facts``, a share of 0 to 1.
    """

    def rule(trial: Trial) -> Answer:
        if trial.reply.form == "number":
            return _within(trial, least, "threshold")
        return int(_number(trial, fact, "threshold") < least)

    return rule


def conditional(slope: float = 1.0, *, start: float = 0.5, fact: str = "others_last") -> Player:
    """Do as the others did last: that share of their mean, and in the first round a share of the range."""

    def rule(trial: Trial) -> Answer:
        if fact not in dict(trial.facts):
            return _within(trial, start, "conditional")
        lower, upper = trial.reply.lower or 0.0, trial.reply.upper
        given = slope * _number(trial, fact, "conditional")
        return max(lower, given if upper is None else min(given, upper))

    return rule


def level(k: float = 1, *, start: float = 50.0, factor: float = 2 / 3) -> Player:
    """Reason k steps: level 0 plays at random, and every level answers best to the one below.

    In a matrix game the payoffs are read from ``trial.facts``, and of several best moves the first is taken. Asked
    for a number, level k names ``start * factor ** k`` (Nagel 1995).
    """
    if k < 1 or k != int(k):
        raise EngineError(
            f"rule 'level': k is {k:g}; give a whole number of steps from 1 on, and for level 0 `uniform`"
        )

    def rule(trial: Trial) -> Answer:
        if trial.reply.form == "number":
            return float(start * factor**k)
        facts = dict(trial.facts)
        if not {"payoffs", "others_payoffs"} <= facts.keys():
            raise EngineError(f"{trial.id}: rule 'level' plays matrix games and names numbers; this is neither")
        return _level_move(facts["payoffs"], facts["others_payoffs"], int(k))

    return rule


@lru_cache(4096)
def _level_move(own: str, other: str, k: int) -> int:
    mine = np.array([line.split(",") for line in own.split(";")], dtype=np.float64)
    belief = np.full(mine.shape[1], 1 / mine.shape[1])
    if k > 1:
        belief = np.eye(mine.shape[1])[_level_move(other, own, k - 1)]
    return int(np.argmax(np.round(mine @ belief, 9)))


def _within(trial: Trial, share: float, rule: str) -> float:
    """A share of the range of a number."""
    lower, upper = trial.reply.lower or 0.0, trial.reply.upper
    if trial.reply.form != "number" or upper is None:
        raise EngineError(f"item {trial.place.item!r} takes no number within bounds, which is what rule {rule!r} gives")
    return lower + share * (upper - lower)


def _number(trial: Trial, fact: str, rule: str) -> float:
    text = dict(trial.facts).get(fact, "")
    try:
        return float(text)
    except ValueError:
        there = ", ".join(name for name, _ in trial.facts) or "none"
        raise EngineError(
            f"{trial.id}: rule {rule!r} reads the number {fact!r}, and the game says {text!r}; its facts are {there}"
        ) from None


def _playing(strategy: Strategy) -> Callable[[], Player]:
    rule = partial(played, strategy)
    rule.__doc__ = strategy.__doc__
    return rule


PLAYERS: dict[str, Callable[..., Player]] = {
    **{rule.__name__: rule for rule in (share, threshold, conditional, level)},
    **{
        strategy.__name__.replace("_", "-"): _playing(strategy)
        for strategy in (*STRATEGIES.values(), *CLASSIC.values(), defect_once)
    },
}

"""Strategies of the repeated prisoner's dilemma: one table, which scripted players play and measures match.

A strategy is a pure function of its own and the other's past moves.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Rounds = NDArray[np.intp]
# Own and the other's choices so far, shape (n_games, rounds so far), 1 cooperate, 0 defect, to the next choice.
Strategy = Callable[[Rounds, Rounds], Rounds]


def always_defect(own: Rounds, other: Rounds) -> Rounds:
    """Defect whatever happened."""
    return np.zeros(len(own), dtype=np.intp)


def always_cooperate(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate whatever happened."""
    return np.ones(len(own), dtype=np.intp)


def grim(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate until either side defects, then defect for good."""
    both: Rounds = np.logical_and(own.all(axis=1), other.all(axis=1)).astype(np.intp)
    return both


def tit_for_tat(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate first, then do what the other did last."""
    return other[:, -1].copy() if other.shape[1] else always_cooperate(own, other)


def win_stay_lose_shift(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate first and after rounds in which both did the same."""
    if not own.shape[1]:
        return always_cooperate(own, other)
    alike: Rounds = np.equal(own[:, -1], other[:, -1]).astype(np.intp)
    return alike


def two_punishments(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate until either side defects, defect for two rounds, then begin anew (T2)."""
    punishing = np.zeros(len(own), dtype=np.intp)
    for t in range(own.shape[1]):
        broken = (own[:, t] == 0) | (other[:, t] == 0)
        punishing = np.where(punishing > 0, punishing - 1, np.where(broken, 2, 0))
    at_peace: Rounds = np.equal(punishing, 0).astype(np.intp)
    return at_peace


STRATEGIES: Mapping[str, Strategy] = {
    "ALLD": always_defect,
    "ALLC": always_cooperate,
    "GRIM": grim,
    "TFT": tit_for_tat,
    "WSLS": win_stay_lose_shift,
    "T2": two_punishments,
}

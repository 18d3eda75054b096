"""Strategies of the repeated prisoner's dilemma: one table, which scripted players play and measures match.

A strategy is a pure function of its own and the other's past moves. `STRATEGIES` are those of Dal Bo and Frechette,
whose shares `strategy_frequencies` estimates; `CLASSIC` adds those of Axelrod's tournaments and of later ones.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Rounds = NDArray[np.intp]
# Own and the other's choices so far, shape (n_games, rounds so far), 1 cooperate, 0 defect, to the next choice.
Strategy = Callable[[Rounds, Rounds], Rounds]


def _moves(cooperating: object) -> Rounds:
    return np.asarray(cooperating, dtype=np.intp)


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


def suspicious_tit_for_tat(own: Rounds, other: Rounds) -> Rounds:
    """Defect first, then do what the other did last."""
    return other[:, -1].copy() if other.shape[1] else always_defect(own, other)


def anti_tit_for_tat(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate first, then do the opposite of what the other did last."""
    if not other.shape[1]:
        return always_cooperate(own, other)
    return _moves(np.equal(other[:, -1], 0))


def tit_for_two_tats(own: Rounds, other: Rounds) -> Rounds:
    """Defect only after two defections of the other in a row."""
    if other.shape[1] < 2:
        return always_cooperate(own, other)
    return _moves(other[:, -2:].any(axis=1))


def two_tits_for_tat(own: Rounds, other: Rounds) -> Rounds:
    """Defect twice after every defection of the other."""
    return _moves(other[:, -2:].all(axis=1))


def hard_tit_for_tat(own: Rounds, other: Rounds) -> Rounds:
    """Defect if the other did so in any of the last three rounds."""
    return _moves(other[:, -3:].all(axis=1))


def hard_tit_for_two_tats(own: Rounds, other: Rounds) -> Rounds:
    """Defect if the other did so twice in a row within the last three rounds."""
    last = other[:, -3:]
    twice = (last[:, :-1] == 0) & (last[:, 1:] == 0)
    return _moves(np.logical_not(twice.any(axis=1)))


def alternator(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate first, then do the opposite of what it did last itself."""
    return _moves(own[:, -1] == 0) if own.shape[1] else always_cooperate(own, other)


def soft_majority(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate as long as the other has cooperated at least as often as it defected."""
    return _moves(2 * other.sum(axis=1) >= other.shape[1])


def hard_majority(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate only if the other has cooperated more often than it defected; defect first."""
    return _moves(2 * other.sum(axis=1) > other.shape[1])


def davis(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate for ten rounds, then defect for good once the other has ever defected."""
    kind = _moves(other.all(axis=1))
    return kind if own.shape[1] >= 10 else always_cooperate(own, other)


def defect_once(own: Rounds, other: Rounds) -> Rounds:
    """Defect first, and cooperate ever after."""
    return np.full(len(own), int(own.shape[1] > 0), dtype=np.intp)


STRATEGIES: Mapping[str, Strategy] = {
    "ALLD": always_defect,
    "ALLC": always_cooperate,
    "GRIM": grim,
    "TFT": tit_for_tat,
    "WSLS": win_stay_lose_shift,
    "T2": two_punishments,
}

CLASSIC: Mapping[str, Strategy] = {
    **{name: play for name, play in STRATEGIES.items() if name != "T2"},
    "STFT": suspicious_tit_for_tat,
    "ATFT": anti_tit_for_tat,
    "TF2T": tit_for_two_tats,
    "2TFT": two_tits_for_tat,
    "HTFT": hard_tit_for_tat,
    "HTF2T": hard_tit_for_two_tats,
    "ALT": alternator,
    "SMAJ": soft_majority,
    "HMAJ": hard_majority,
    "DAVIS": davis,
}
"""Fifteen of Axelrod's shelf; in his library they have the names that ``tests/models/test_axelrod.py`` gives them."""

"""Strategies of the repeated prisoner's dilemma, and how often a subject's choices match each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError, DesignError

Rounds = NDArray[np.intp]
# Own and the other's choices so far, shape (n_games, rounds so far), 1 cooperate, 0 defect, to the next choice.
Strategy = Callable[[Rounds, Rounds], Rounds]


def always_defect(own: Rounds, other: Rounds) -> Rounds:
    """Defect whatever happened."""
    return np.zeros(len(own), dtype=np.intp)


def always_cooperate(own: Rounds, other: Rounds) -> Rounds:
    """Cooperate whatever happened."""
    return np.ones(len(own), dtype=np.intp)


def grim_trigger(own: Rounds, other: Rounds) -> Rounds:
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
    "GRIM": grim_trigger,
    "TFT": tit_for_tat,
    "WSLS": win_stay_lose_shift,
    "T2": two_punishments,
}


@dataclass(frozen=True, kw_only=True)
class StrategyMatches:
    """How often each subject chose as each strategy would have after the same history.

    Attributes
    ----------
    strategies : tuple of str
        Names, in the order of the columns.
    matches : ndarray, shape (n_subjects, n_strategies)
        Choices that agree.
    n_choices : ndarray, shape (n_subjects,)
        Choices made.
    """

    strategies: tuple[str, ...]
    matches: NDArray[np.float64]
    n_choices: NDArray[np.float64]


def strategy_matches(
    own: ArrayLike,
    other: ArrayLike,
    subject: Sequence[object],
    *,
    strategies: Mapping[str, Strategy] | None = None,
) -> StrategyMatches:
    """Compare every choice with what each strategy does after the history that the subject saw.

    Parameters
    ----------
    own, other : array_like, shape (n_games, n_rounds)
        Choices of the subject and of the other side in each game: 1 cooperate, 0 defect, -1 after the game ended.
    subject : sequence, shape (n_games,)
        Who played the game.
    strategies : mapping of str to callable, optional
        Name to rule, ``rule(own, other)`` with the rounds so far, shape (n_games, rounds so far); default the six of
        Dal Bo and Frechette, `STRATEGIES`.

    Returns
    -------
    StrategyMatches
        Subjects in the order in which they first appear; goes into `strategy_frequencies`.

    Raises
    ------
    DataError
        If shapes differ, a choice is none of 1, 0 and -1, or a game goes on after its end.
    DesignError
        If there are fewer than 2 strategies.

    References
    ----------
    Dal Bo & Frechette (2011), Am. Econ. Rev. 101, 411-429. doi:10.1257/aer.101.1.411

    Examples
    --------
    >>> found = strategy_matches([[1, 0, 0], [1, 1, -1]], [[0, 1, 1], [1, 1, -1]], ["a", "b"])
    >>> dict(zip(found.strategies, found.matches[0].tolist()))
    {'ALLD': 2.0, 'ALLC': 1.0, 'GRIM': 3.0, 'TFT': 2.0, 'WSLS': 3.0, 'T2': 3.0}
    """
    rules = STRATEGIES if strategies is None else strategies
    if len(rules) < 2:
        raise DesignError(f"{len(rules)} strategy; a mixture needs at least 2")
    mine, theirs = _games(own, other)
    if len(subject) != len(mine):
        raise DataError(f"{len(subject)} subjects for {len(mine)} games; give every game its subject")
    number = {name: k for k, name in enumerate(dict.fromkeys(subject))}
    player = np.array([number[name] for name in subject], dtype=np.intp)
    agreed = np.zeros((len(mine), len(rules)))
    for t in range(mine.shape[1]):
        going = np.flatnonzero(mine[:, t] >= 0)
        for k, rule in enumerate(rules.values()):
            agreed[going, k] += rule(mine[going, :t], theirs[going, :t]) == mine[going, t]
    matches = np.zeros((len(number), len(rules)))
    np.add.at(matches, player, agreed)
    lengths = (mine >= 0).sum(axis=1)
    return StrategyMatches(
        strategies=tuple(rules),
        matches=matches,
        n_choices=np.bincount(player, weights=lengths, minlength=len(number)).astype(np.float64),
    )


def _games(own: ArrayLike, other: ArrayLike) -> tuple[Rounds, Rounds]:
    given = [np.asarray(side) for side in (own, other)]
    if given[0].ndim != 2 or given[0].shape != given[1].shape or not given[0].size:
        raise DataError(
            f"own has shape {given[0].shape} and other {given[1].shape}; expected (n_games, n_rounds) twice"
        )
    for side in given:
        if not np.isin(side, (-1, 0, 1)).all():
            raise DataError("choices must be 1 (cooperate), 0 (defect) or -1 (after the end of the game)")
    mine, theirs = (side.astype(np.intp) for side in given)
    if ((mine >= 0) != (theirs >= 0)).any() or (np.diff((mine >= 0).astype(int), axis=1) > 0).any():
        raise DataError(
            "a game has a choice on one side only, or goes on after its end; write -1 for both from the end on"
        )
    return mine, theirs

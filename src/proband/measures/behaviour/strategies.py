"""How often a subject's choices in a repeated prisoner's dilemma match each strategy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.measures.arrays import Floats
from proband.strategies import STRATEGIES, Rounds, Strategy


@dataclass(frozen=True, kw_only=True)
class StrategyMatches:
    """How often each subject chose as each strategy would have after the same history.

    - `strategies`: names, in the order of the columns.
    - `matches` (n_subjects, n_strategies): choices that agree.
    - `n_choices` (n_subjects,): choices made.
    """

    strategies: tuple[str, ...]
    matches: Floats
    n_choices: Floats


def strategy_matches(
    own: ArrayLike, other: ArrayLike, subject: Sequence[object], *, strategies: Mapping[str, Strategy] | None = None
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
    DataError, DesignError
        If shapes differ, a choice is none of 1, 0 and -1, or a game goes on after its end; if there are fewer than 2
        strategies.

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
    n_choices = np.bincount(player, weights=lengths, minlength=len(number)).astype(np.float64)
    return StrategyMatches(strategies=tuple(rules), matches=matches, n_choices=n_choices)


def _games(own: ArrayLike, other: ArrayLike) -> tuple[Rounds, Rounds]:
    given = [np.asarray(side) for side in (own, other)]
    if given[0].ndim != 2 or given[0].shape != given[1].shape or not given[0].size:
        raise DataError(f"own has shape {given[0].shape} and other {given[1].shape}; give (n_games, n_rounds) twice")
    for side in given:
        if not np.isin(side, (-1, 0, 1)).all():
            raise DataError("choices must be 1 (cooperate), 0 (defect) or -1 (after the end of the game)")
    mine, theirs = (side.astype(np.intp) for side in given)
    if ((mine >= 0) != (theirs >= 0)).any() or (np.diff((mine >= 0).astype(int), axis=1) > 0).any():
        raise DataError("a game has a choice on one side only, or goes on after its end; write -1 for both after it")
    return mine, theirs

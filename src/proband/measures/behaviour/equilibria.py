"""What a game of two recommends: best responses, and equilibria in pure and mixed strategies."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError
from proband.measures.arrays import Floats

_TOLERANCE = 1e-9  # share of the range of payoffs by which a gain counts as none


def best_responses(payoffs: ArrayLike, other: ArrayLike) -> tuple[int, ...]:
    """The moves that pay best against what the other does.

    Parameters
    ----------
    payoffs : array_like, shape (n_own, n_other)
        Own payoffs, by own move and the other's.
    other : array_like, shape (n_other,)
        Probabilities of the other's moves.

    Examples
    --------
    >>> best_responses([[3, 0], [5, 1]], [0.5, 0.5])
    (1,)
    """
    table = _matrix(payoffs)
    worth = table @ np.asarray(other, dtype=np.float64)
    return tuple(np.flatnonzero(worth >= worth.max() - _slack(table)).tolist())


def pure_equilibria(row: ArrayLike, column: ArrayLike) -> tuple[tuple[int, int], ...]:
    """Cells in which neither player gains by another move alone; see `equilibria` for the parameters.

    Examples
    --------
    >>> pure_equilibria([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    ((1, 1),)
    """
    own, others = _pair(row, column)
    best = (own >= own.max(axis=0, keepdims=True)) & (others >= others.max(axis=1, keepdims=True))
    return tuple((int(i), int(j)) for i, j in zip(*np.nonzero(best), strict=True))


def equilibria(row: ArrayLike, column: ArrayLike) -> tuple[tuple[Floats, Floats], ...]:
    """Nash equilibria of a game of two, by enumeration of supports.

    Parameters
    ----------
    row, column : array_like, shape (n_row, n_column)
        Payoffs of each player, by the move of the row player and of the column player.

    Returns
    -------
    tuple of pairs of ndarray
        Probabilities of the moves of each player; pure ones first. Of a degenerate game, in which there are more best
        responses to a mixture than it has moves, those with supports of equal size.

    Raises
    ------
    DataError
        If the matrices differ in shape, are empty, or hold what is no number.

    Notes
    -----
    The supports of both players are gone through by size; each is mixed so that the other is indifferent within its
    own, and kept where nobody gains by leaving it. The number of supports doubles with every move: for small games.

    References
    ----------
    Nisan et al. (2007), Algorithmic Game Theory, section 3.2. doi:10.1017/CBO9780511800481

    Examples
    --------
    >>> [(r.tolist(), c.tolist()) for r, c in equilibria([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])]
    [([0.5, 0.5], [0.5, 0.5])]
    """
    own, others = _pair(row, column)
    found = []
    for rows, columns in _supports(*own.shape):
        q = _mixed(own[np.ix_(rows, columns)], columns, own.shape[1])
        p = _mixed(others.T[np.ix_(columns, rows)], rows, own.shape[0])
        if p is None or q is None:
            continue
        mine, theirs = own @ q, others.T @ p
        if mine.max() - mine[list(rows)].min() <= _slack(own) and theirs.max() - theirs[list(columns)].min() <= _slack(
            others
        ):
            found.append((p, q))
    return tuple(found)


def _supports(n: int, m: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    for size in range(1, min(n, m) + 1):
        for rows in combinations(range(n), size):
            for columns in combinations(range(m), size):
                yield rows, columns


def _mixed(payoffs: Floats, support: tuple[int, ...], n: int) -> Floats | None:
    """The mixture over a support that makes all rows pay the same; None where there is no single one, or not within."""
    size = len(support)
    equal = np.vstack([payoffs[1:] - payoffs[:-1], np.ones(size)])
    try:
        shares = np.linalg.solve(equal, np.r_[np.zeros(size - 1), 1.0])
    except np.linalg.LinAlgError:
        return None
    if not (shares > _TOLERANCE).all():
        return None
    mixture = np.zeros(n)
    mixture[list(support)] = shares
    return mixture


def _pair(row: ArrayLike, column: ArrayLike) -> tuple[Floats, Floats]:
    own, others = _matrix(row), _matrix(column)
    if own.shape != others.shape:
        raise DataError(f"payoffs have the shapes {own.shape} and {others.shape}; both go by row move and column move")
    return own, others


def _matrix(payoffs: ArrayLike) -> Floats:
    table = np.asarray(payoffs, dtype=np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise DataError(f"payoffs of shape {table.shape}; give a number for every pair of moves")
    return table


def _slack(table: Floats) -> float:
    return float(_TOLERANCE * max(1.0, float(np.ptp(table))))

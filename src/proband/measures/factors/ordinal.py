"""Correlations of what lies behind ordered answers: polychoric, tetrachoric and polyserial."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.measures.arrays import Floats, Ints
from proband.measures.reliability.tables import score_table, still_items

_MOST_CATEGORIES = 20
_BOUND = 0.999  # of an estimate; a table that wants more has no inner maximum
_FAR = 9.0  # a threshold beyond which nobody is left
_LEAST_EIGENVALUE = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class OrdinalCorrelations:
    """What `ordinal_correlations` found.

    Attributes
    ----------
    correlations, se : array, shape (n_items, n_items)
        Estimates, mended where they were no correlation matrix; their standard errors, 0 on the diagonal.
    thresholds : tuple of tuple of float
        Of each item, where on the normal scale one answer gives way to the next; empty for a continuous one.
    n_subjects : int
        Rows.
    least_eigenvalue : float
        Of the estimates before they were mended.
    is_mended : bool
        Whether they had to be.
    warnings : tuple of str
        What a reader must know.
    """

    correlations: Floats
    se: Floats
    thresholds: tuple[tuple[float, ...], ...]
    n_subjects: int
    least_eigenvalue: float
    is_mended: bool
    warnings: tuple[str, ...]
    _tables: Floats  # (n_pairs, n_categories, n_categories): influence of an answer to two ordered items
    _codes: Ints  # (n_subjects, n_items)
    _direct: dict[int, Floats]  # pair: influence of every subject, where an item is continuous

    def influence(self) -> Floats:
        """Influence of every subject on every correlation, shape (n_subjects, n_pairs), pairs as in ``triu_indices``.

        Its mean of squares over n is the variance of a correlation; products of columns give covariances.
        """
        first, second = np.triu_indices(len(self.correlations), 1)
        found = self._tables[np.arange(len(first)), self._codes[:, first], self._codes[:, second]]
        for pair, column in self._direct.items():
            found[:, pair] = column
        return np.asarray(found, dtype=np.float64)


def ordinal_correlations(scores: ArrayLike, *, continuous: Sequence[int] = ()) -> OrdinalCorrelations:
    """Correlations of the normal variables that ordered answers are cut from.

    Two steps (Olsson 1979): thresholds from the margins, then each correlation by maximum likelihood given them.
    Two items of two answers give the tetrachoric correlation, an ordered and a continuous item the polyserial one, two
    continuous items Pearson's. Standard errors take the thresholds into account and do not suppose the model true.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Answers as numbers; of ordered items their order counts, not how far they are apart. An answer that nobody
        gave is no category.
    continuous : sequence of int
        Columns, from 0, that are measured and not cut.

    Returns
    -------
    OrdinalCorrelations
        Each pair is estimated by itself, so the whole may be no correlation matrix: where its smallest eigenvalue is
        below 1e-6, eigenvalues below are raised to 1e-6 and the diagonal is brought back to 1 (Knol & ten Berge 1989);
        `is_mended` and a warning say so. A 2 x 2 table with an empty cell has .5 put there.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If there are fewer than 2 items or subjects, an item does not vary, an item has more than 20 different answers
        and is not named in `continuous`; if a score is missing or no finite number.

    References
    ----------
    Olsson (1979), Psychometrika 44, 443-460. doi:10.1007/BF02296207
    Olsson, Drasgow & Dorans (1982), Psychometrika 47, 337-347. doi:10.1007/BF02294164
    Owen (1956), Ann. Math. Stat. 27, 1075-1090. doi:10.1214/aoms/1177728074
    Knol & ten Berge (1989), Psychometrika 54, 53-61. doi:10.1007/BF02294448

    Examples
    --------
    >>> answers = [[0, 0]] * 40 + [[0, 1]] * 10 + [[1, 0]] * 10 + [[1, 1]] * 40
    >>> print(round(ordinal_correlations(answers).correlations[0, 1], 4))  # sin(pi / 2 * (4 * .4 - 1))
    0.809
    """
    x = score_table(scores, "ordinal_correlations")
    n, k = x.shape
    if still := still_items(x):
        raise DesignError(f"items {', '.join(map(str, still))} (from 0) do not vary: no correlation; leave them out")
    measured = set(continuous)
    if strange := measured - set(range(k)):
        raise DesignError(f"continuous names columns {sorted(strange)}; there are columns 0 to {k - 1}")
    codes, cuts = np.zeros((n, k), dtype=np.intp), list[Floats]()
    for j in range(k):
        values, code = np.unique(x[:, j], return_inverse=True)
        if j in measured:
            cuts.append(np.empty(0))
            continue
        if len(values) > _MOST_CATEGORIES:
            raise DataError(
                f"item {j} (from 0) has {len(values)} different answers, too many for thresholds; "
                "name it in `continuous`, or group its answers"
            )
        codes[:, j] = code
        cuts.append(special.ndtri(np.cumsum(np.bincount(code))[:-1] / n))
    warnings = list[str]()
    tables, found, variance = _polychoric(codes, cuts, warnings)
    direct = dict[int, Floats]()
    for pair, (i, j) in enumerate(itertools.combinations(range(k), 2)):
        if measured & {i, j}:
            a, b = (i, j) if i in measured else (j, i)  # a is continuous
            z = (x[:, a] - x[:, a].mean()) / x[:, a].std()
            if b in measured:
                found[pair], direct[pair] = _pearson(z, (x[:, b] - x[:, b].mean()) / x[:, b].std())
            else:
                found[pair], direct[pair] = _polyserial(z, codes[:, b], cuts[b])
            variance[pair] = float((direct[pair] ** 2).mean()) / n
    whole, errors = np.eye(k), np.zeros((k, k))
    upper = np.triu_indices(k, 1)
    whole[upper], errors[upper] = found, np.sqrt(variance)
    whole, errors = np.maximum(whole, whole.T) + np.minimum(whole, whole.T) - np.eye(k), errors + errors.T
    if at := [f"{i} and {j}" for i, j, r in zip(*upper, found, strict=True) if abs(r) >= _BOUND]:
        warnings.append(
            f"items {'; '.join(at[:3])}{' and more' if len(at) > 3 else ''} (from 0): correlation at its bound of "
            f"{_BOUND}, a table with empty corners; merge rare answers"
        )
    least = float(np.linalg.eigvalsh(whole)[0])
    if least < _LEAST_EIGENVALUE:
        whole = _mended(whole)
        warnings.append(
            f"the smallest eigenvalue was {least:.4f}: no correlation matrix; eigenvalues were raised to "
            f"{_LEAST_EIGENVALUE:g} and the diagonal brought back to 1; more subjects or fewer rare answers help"
        )
    return OrdinalCorrelations(
        correlations=whole, se=errors, thresholds=tuple(tuple(cut.tolist()) for cut in cuts), n_subjects=n,
        least_eigenvalue=least, is_mended=least < _LEAST_EIGENVALUE, warnings=tuple(warnings),
        _tables=tables, _codes=codes, _direct=direct,
    )  # fmt: skip


def bivariate_normal(h: Floats, k: Floats, r: Floats) -> Floats:
    """P(X <= h, Y <= k) of a standard normal pair with correlation r, elementwise, by Owen's T."""
    # Owen's formula divides by h and k; at 0 its limit is what a tiny number gives.
    h, k = (np.where(np.abs(x) < 1e-150, 1e-150, x) for x in (h, k))
    s = np.sqrt((1 - r) * (1 + r))
    with np.errstate(over="ignore"):
        one, other = (k / h - r) / s, (h / k - r) / s
    apart = np.where((h > 0) == (k > 0), 0.0, 0.5)
    found = (special.ndtr(h) + special.ndtr(k)) / 2 - special.owens_t(h, one) - special.owens_t(k, other) - apart
    return np.asarray(np.maximum(found, 0.0), dtype=np.float64)


def _density(h: Floats, k: Floats, r: Floats) -> Floats:
    one = (1 - r) * (1 + r)
    return np.asarray(np.exp(-(h * h - 2 * r * h * k + k * k) / (2 * one)) / (2 * np.pi * np.sqrt(one)))


def _cells(corners: Floats) -> Floats:
    """Masses of the cells between corners, the last two axes."""
    return np.diff(np.diff(corners, axis=-1), axis=-2)


def _polychoric(codes: Ints, cuts: Sequence[Floats], warnings: list[str]) -> tuple[Floats, Floats, Floats]:
    """Influence tables (n_pairs, K, K), estimates and variances (n_pairs,) of all pairs of ordered items at once."""
    n, k = codes.shape
    most = max(2, 1 + max(len(cut) for cut in cuts))
    padded = np.full((k, most - 1), _FAR)
    for j, cut in enumerate(cuts):
        padded[j, : len(cut)] = cut
    shown = (codes[:, :, None] == np.arange(most)).reshape(n, -1).astype(np.float64)
    first, second = np.triu_indices(k, 1)
    counts = (shown.T @ shown).reshape(k, most, k, most)[first, :, second, :]
    two = [len(cut) == 1 for cut in cuts]
    empty = [m for m, (i, j) in enumerate(zip(first, second, strict=True))
             if two[i] and two[j] and (counts[m, :2, :2] == 0).any()]  # fmt: skip
    if empty:
        counts[empty, :2, :2] += 0.5 * (counts[empty, :2, :2] == 0)
        warnings.append(f"{len(empty)} tables of 2 x 2 have an empty cell; .5 was put there")
    below, ahead = padded[first][:, :, None], padded[second][:, None, :]
    fit = _fitted(counts, below, ahead)
    mass, slope = _masses(below, ahead, fit)
    rate = slope / np.maximum(mass, 1e-300)  # (m, K, K): score of a cell
    information = (slope * rate).sum(axis=(1, 2))
    s = np.sqrt(1 - fit**2)[:, None, None]
    # What the thresholds, themselves estimated, take away: their influence is that of a share.
    rows = np.diff(_walled(special.ndtr((ahead - fit[:, None, None] * below) / s), axis=2), axis=2)
    columns = np.diff(_walled(special.ndtr((below - fit[:, None, None] * ahead) / s), axis=1), axis=1)
    h_rows = (rows * -np.diff(rate, axis=1)).sum(axis=2)
    h_columns = (columns * -np.diff(rate, axis=2)).sum(axis=1)
    up_to = (np.arange(most)[:, None] <= np.arange(most - 1)).astype(np.float64)
    by_row = np.einsum("mc,mac->ma", h_rows, up_to - special.ndtr(padded[first])[:, None, :])
    by_column = np.einsum("mc,mac->ma", h_columns, up_to - special.ndtr(padded[second])[:, None, :])
    tables = (rate - by_row[:, :, None] - by_column[:, None, :]) / np.maximum(information, 1e-300)[:, None, None]
    return tables, fit, (counts * tables**2).sum(axis=(1, 2)) / n**2


def _walled(inner: Floats, axis: int) -> Floats:
    """A distribution with its 0 and 1 at the ends."""
    ends = list(inner.shape)
    ends[axis] = 1
    return np.concatenate([np.zeros(ends), inner, np.ones(ends)], axis=axis)


def _masses(below: Floats, ahead: Floats, r: Floats) -> tuple[Floats, Floats]:
    """Probabilities of the cells and their derivatives in r, (m, K, K)."""
    m, at = len(r), r[:, None, None]
    h, k = np.broadcast_arrays(below, ahead)
    size = h.shape[1] + 2
    corners, dense = np.zeros((m, size, size)), np.zeros((m, size, size))
    corners[:, 1:-1, 1:-1] = bivariate_normal(h, k, at)
    corners[:, 1:-1, -1], corners[:, -1, 1:-1] = special.ndtr(below[:, :, 0]), special.ndtr(ahead[:, 0, :])
    corners[:, -1, -1] = 1.0
    dense[:, 1:-1, 1:-1] = np.where((h < _FAR) & (k < _FAR), _density(h, k, at), 0.0)
    return np.maximum(_cells(corners), 0.0), _cells(dense)


def _fitted(counts: Floats, below: Floats, ahead: Floats) -> Floats:
    """Correlations by Fisher scoring, all pairs at once, each held between bounds that close in on its root."""
    n_pairs = len(counts)
    r, low, high = np.zeros(n_pairs), np.full(n_pairs, -_BOUND), np.full(n_pairs, _BOUND)
    going = np.arange(n_pairs)
    for _ in range(80):
        mass, slope = _masses(below[going], ahead[going], r[going])
        rate = slope / np.maximum(mass, 1e-12)
        score = (counts[going] * rate).sum(axis=(1, 2))
        step = score / np.maximum(counts[going].sum(axis=(1, 2)) * (slope * rate).sum(axis=(1, 2)), 1e-300)
        low[going] = np.where(score > 0, r[going], low[going])
        high[going] = np.where(score > 0, high[going], r[going])
        new = r[going] + step
        inside = (new > low[going]) & (new < high[going])
        new = np.where(inside, new, (low[going] + high[going]) / 2)
        moved = np.abs(new - r[going])
        r[going] = new
        going = going[moved > 1e-10]
        if not len(going):
            break
    return np.where(np.abs(r) > _BOUND - 1e-6, np.sign(r) * _BOUND, r)


def _pearson(a: Floats, b: Floats) -> tuple[float, Floats]:
    r = float((a * b).mean())
    return r, a * b - r * (a**2 + b**2) / 2


def _polyserial(z: Floats, code: Ints, cut: Floats) -> tuple[float, Floats]:
    """Correlation of a standardised variable with an ordered one, and the influence of every subject."""
    edges = np.concatenate([[-np.inf], cut, [np.inf]])
    ends = [np.where(np.isfinite(edges[code + side]), edges[code + side], 0.0) for side in (0, 1)]
    inside = [np.isfinite(edges[code + side]) for side in (0, 1)]

    def at(r: float) -> tuple[Floats, Floats, list[Floats], list[Floats], float]:
        s = np.sqrt(1 - r * r)
        u = [(end - r * z) / s for end in ends]
        below = [np.where(there, special.ndtr(v), side) for side, (there, v) in enumerate(zip(inside, u, strict=True))]
        dense = [np.where(there, np.exp(-v * v / 2) / np.sqrt(2 * np.pi), 0.0)
                 for there, v in zip(inside, u, strict=True)]  # fmt: skip
        mass = np.maximum(below[1] - below[0], 1e-12)
        slopes = [d * (v * r / s**2 - z / s) for d, v in zip(dense, u, strict=True)]
        return mass, (slopes[1] - slopes[0]) / mass, dense, u, s

    r, low, high = 0.0, -_BOUND, _BOUND
    for _ in range(80):
        _, score, *_ = at(r)
        total = float(score.sum())
        low, high = (r, high) if total > 0 else (low, r)
        new = r + total / max(float((score**2).sum()), 1e-300)
        new = new if low < new < high else (low + high) / 2
        if abs(new - r) < 1e-10:
            break
        r = new
    mass, score, dense, _, s = at(r)
    # First steps: thresholds (shares), mean and SD of z; each times its cross information with r.
    push = (dense[1] - dense[0]) * -r / (s * mass)
    first = [(z, z - push), ((z**2 - 1) / 2, z**2 - 1 - z * push)]
    for c, threshold in enumerate(cut):
        density = float(np.exp(-threshold * threshold / 2) / np.sqrt(2 * np.pi))
        moves = ((code == c) * dense[1] - (code == c + 1) * dense[0]) / (s * mass)
        first.append((((code <= c) - special.ndtr(threshold)) / density, moves))
    taken = sum(influence * float((score * moves).mean()) for influence, moves in first)
    return r, (score - taken) / float((score**2).mean())


def _mended(whole: Floats) -> Floats:
    values, vectors = np.linalg.eigh(whole)
    raised = (vectors * np.maximum(values, _LEAST_EIGENVALUE)) @ vectors.T
    scale = np.sqrt(np.diag(raised))
    found: Floats = raised / np.outer(scale, scale)
    np.fill_diagonal(found, 1.0)
    return found

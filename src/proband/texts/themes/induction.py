"""Codes from vectors: groups of passages, as many as come out alike from other documents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from proband.errors import DataError, DesignError
from proband.models.engine import Vectors
from proband.seeds import rng_for

DIMENSIONS = 16  # in which passages are grouped: those in which they differ most
_PAIRS = 10  # of draws of documents, for each number of groups
_PART = 0.8  # of the units, in a draw
_PER_GROUP = 5  # passages, at least, on average
_STABLE, _GAIN = 0.6, 0.15
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """How alike groups come out of two draws of the documents: mean adjusted Rand index, and that without groups.

    `chance` is the same for points of the same spread in every direction that form no groups.
    """

    k: int
    stability: float
    chance: float

    @property
    def gain(self) -> float:
        """What is above chance."""
        return self.stability - self.chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Passages by group.

    Attributes
    ----------
    of : ndarray, shape (n_passages,)
        Group of each, from 1; groups are numbered by size.
    similarity : ndarray, shape (n_passages, n_groups)
        Cosine of the angle between each passage and the middle of each group.
    tried : tuple of Stability
        By number of groups; of one where it was given.
    warnings : tuple of str
        What a reader must know.
    """

    of: Ints
    similarity: Floats
    tried: tuple[Stability, ...]
    warnings: tuple[str, ...] = ()

    @property
    def k(self) -> int:
        """How many groups."""
        return int(self.similarity.shape[1])


def grouped(vectors: Vectors, units: Sequence[str], *, k: int | None = None, most: int = 20, seed: int = 0) -> Groups:
    """Group passages by k-means on their vectors.

    Parameters
    ----------
    vectors : ndarray, shape (n_passages, n_dimensions)
        Their lengths do not count.
    units : sequence of str
        What each passage is from (author, document): draws are of units, so passages of one stay together.
    k : int, optional
        How many groups; by default the number, from 2 to `most`, whose groups come out of two draws of 80 % of the
        units most alike beyond chance: mean adjusted Rand index of 10 pairs of draws, less the same of points that are
        spread as far in every direction and form no groups.
    most : int
        Most groups that are tried; fewer where there are fewer than five passages for each.
    seed : int
        Of all draws.

    Raises
    ------
    DataError, DesignError
        If there are too few passages, or all are alike.

    References
    ----------
    Ben-Hur, Elisseeff & Guyon (2002), Pac. Symp. Biocomput. 6-17.
    Hubert & Arabie (1985), J. Classif. 2, 193-218. doi:10.1007/BF01908075
    """
    n = len(vectors)
    most = min(most, n // _PER_GROUP)
    if k is not None and not 2 <= k <= n // 2:
        raise DesignError(f"{k} themes of {n} passages: take 2 at least, and two passages for each on average")
    if k is None and most < 2:
        raise DataError(f"{n} passages are too few for themes: {2 * _PER_GROUP} are needed; read them yourself")
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    rows, codes = _spread(unit.astype(np.float64)), np.unique(np.asarray(units), return_inverse=True)[1]
    if codes.max() < 4:
        raise DataError(f"passages of {codes.max() + 1} documents or units: stability needs 5; give more")
    with threadpool_limits(1):  # threads of such small products wait for each other on a busy machine
        tried = tuple(_stability(rows, codes, m, seed) for m in (range(2, most + 1) if k is None else (k,)))
        best = max(tried, key=lambda found: found.gain)
        of = _means(rows, best.k, rng_for(seed, "themes", best.k), starts=20).labels_
    sizes = np.bincount(of, minlength=best.k)
    rank = np.empty(best.k, dtype=np.int64)
    rank[np.lexsort((np.arange(best.k), -sizes))] = np.arange(best.k)
    of = rank[of]
    centres = np.stack([unit[of == g].mean(axis=0) for g in range(best.k)])
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    return Groups(of=of + 1, similarity=unit @ centres.T, tried=tried, warnings=_warnings(best))


def _spread(unit: Floats) -> Floats:
    """Passages in the dimensions in which they differ most."""
    centred = unit - unit.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    if sizes[0] < 1e-9:
        raise DataError("all passages have the same vector: nothing tells them apart; take another encoder")
    kept = min(DIMENSIONS, int((sizes > 1e-9 * sizes[0]).sum()))
    # The sign of a singular vector is arbitrary and differs between machines.
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])])
    rows: Floats = (left * sizes * signs)[:, :kept]
    return rows


def _stability(rows: Floats, units: Ints, k: int, seed: int) -> Stability:
    rng = rng_for(seed, "stability", k)
    noise = rng.normal(size=rows.shape) * rows.std(axis=0)
    return Stability(k=k, stability=_agreement(rows, units, k, rng), chance=_agreement(noise, units, k, rng))


def _agreement(rows: Floats, units: Ints, k: int, rng: np.random.Generator) -> float:
    """Mean adjusted Rand index of the groups of all passages that two draws of the units lead to."""
    from sklearn.metrics import adjusted_rand_score

    n, found = int(units.max()) + 1, []
    for _ in range(_PAIRS):
        drawn = [np.isin(units, rng.choice(n, max(2, round(_PART * n)), replace=False)) for _ in range(2)]
        if min(int(part.sum()) for part in drawn) < k:
            return 0.0
        found.append(adjusted_rand_score(*(_means(rows[part], k, rng).predict(rows) for part in drawn)))
    return float(np.mean(found))


def _means(rows: Floats, k: int, rng: np.random.Generator, starts: int = 3):  # type: ignore[no-untyped-def]
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct passages than groups
        return KMeans(k, n_init=starts, random_state=int(rng.integers(2**31))).fit(rows)


def _warnings(best: Stability) -> tuple[str, ...]:
    if best.gain < _GAIN:
        return ("no number of groups is much more stable than points without any groups: there may be no themes to "
                "find here by these vectors; read the texts",)  # fmt: skip
    if best.stability < _STABLE:
        return (f"groups change with the documents (adjusted Rand index {best.stability:.2f}): borders between themes "
                "are loose, so merge and edit freely, and claim no number of themes",)  # fmt: skip
    return ()

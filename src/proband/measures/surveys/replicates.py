"""Replicate weights: the same statistic under many weights, whose spread is its variance."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError, meant
from proband.measures.arrays import Floats, Ints, finite

ReplicateType = Literal["brr", "fay", "jk1", "jkn", "bootstrap"]
Around = Literal["mean", "estimate"]
_TO_GIVE = {"fay": "1 / (R (1 - rho)^2)", "jkn": "(n_h - 1) / n_h for every replicate"}


@dataclass(frozen=True, eq=False)
class Replicates:
    """Replicate weights of the people at hand, and how deviations are added up."""

    weights: Floats  # (n_people, n_replicates): the sampling weight in them
    factors: Floats  # (n_replicates,): of the squared deviations
    around: Around = "mean"
    _df: int | None = None  # of the whole sample

    @cached_property
    def df(self) -> int:
        """Rank of the replicate weights less 1, at least 1."""
        return self._df or max(int(np.linalg.matrix_rank(self.weights, rtol=1e-5)) - 1, 1)

    def take(self, rows: Ints) -> "Replicates":
        """Those of some of the people."""
        return replace(self, weights=self.weights[rows], _df=self.df)

    def covariance(self, statistic: Callable[[Floats], Floats], weights: Floats) -> Floats:
        """Covariance of a statistic of the weights, shape (d, d); `weights` are those of the estimate itself."""
        found = np.array([statistic(w) for w in self.weights.T])
        centre = self.factors @ found / self.factors.sum() if self.around == "mean" else statistic(weights)
        gaps = found - centre
        covariance: Floats = (gaps * self.factors[:, None]).T @ gaps
        return covariance


def check_choice(name: str, given: str, kinds: Any) -> None:
    """Refuse a word that a `Literal` does not allow."""
    if given not in get_args(kinds):
        known = get_args(kinds)
        raise DesignError(f"{name} {given!r} is none of {', '.join(known)}{meant(str(given), known)}")


def replicates_of(
    weights: Floats, kind: ReplicateType, scale: ArrayLike | None, *, around: Around = "mean"
) -> Replicates:
    """Replicate weights, checked, with the scale of their type; see `survey_design`."""
    check_choice("replicate_type", kind, ReplicateType)
    check_choice("around", around, Around)
    r = weights.shape[1]
    if r < 2 or (weights < 0).any() or not weights.any(axis=0).all():
        raise DataError("replicate weights must be two columns at least, none negative, none all 0; check the columns")
    if scale is None and kind in _TO_GIVE:
        raise DesignError(f"replicates of type {kind!r} need replicate_scale = {_TO_GIVE[kind]}")
    given = finite(
        scale if scale is not None else (r - 1) / r if kind == "jk1" else 1 / r, "replicate_scale", ndim=None
    )
    if given.ndim > 1 or (given.ndim == 1 and len(given) != r) or (given <= 0).any():
        raise DataError(f"replicate_scale has shape {given.shape} for {r} replicates; give one positive number, or {r}")
    return Replicates(weights, np.broadcast_to(given, (r,)).copy(), around)

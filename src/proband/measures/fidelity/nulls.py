"""Null rows: what answers that know nothing of the person, or nothing at all, reach on the same people."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError
from proband.measures.fidelity.pairs import PairedAnswers
from proband.measures.shares import option_indices

_CROSS_FITTED = "cross-fitted halves"


@dataclass(frozen=True, eq=False)
class NullRows:
    """Shares to be predicted and the shares that predict them, one row per split.

    Attributes
    ----------
    predicted, predicting : ndarray, shape (n_rows, n_options)
        People's shares, and those of the other people who stand for what could be known beforehand.
    source : {"held-out people", "cross-fitted halves"}
        Where the predicting shares come from.
    """

    predicted: NDArray[np.float64]
    predicting: NDArray[np.float64]
    source: str

    @property
    def is_held_out(self) -> bool:
        """Whether the predicting people are others than the predicted."""
        return self.source != _CROSS_FITTED

    @property
    def mean_marginal(self) -> NDArray[np.float64]:
        """Predicting shares averaged over rows, shape (n_options,)."""
        mean: NDArray[np.float64] = self.predicting.mean(axis=0)
        return mean

    @property
    def majorities(self) -> NDArray[np.float64]:
        """The most frequent option of every row as a distribution; tied options share it equally."""
        top = self.predicting >= self.predicting.max(axis=1, keepdims=True) - 1e-12
        shared: NDArray[np.float64] = top / top.sum(axis=1, keepdims=True)
        return shared

    def distances(self, human: NDArray[np.float64], contrasts: NDArray[np.float64]) -> dict[str, float]:
        """Distance of uniform, majority and marginal-only answers from people, averaged over rows."""
        uniform = np.full_like(human, 1 / len(human))
        return {
            "uniform": distance_of(human, uniform, contrasts),
            "majority": distance_of(self.predicted, self.majorities, contrasts),
            "marginal_only": distance_of(self.predicted, self.predicting, contrasts),
        }

    def agreements(self, human: NDArray[np.float64]) -> dict[str, float]:
        """Mean probability that uniform and majority answers give to a person's own answer."""
        return {
            "uniform": 1 / len(human),
            "majority": float((self.predicted * self.majorities).sum(axis=1).mean()),
        }

    def marginal_at(self, pairs: PairedAnswers) -> NDArray[np.float64]:
        """Share of each person's own answer among the others, shape (n_subjects,).

        The others are the held-out people, or everybody but that person.
        """
        if self.is_held_out:
            held_out: NDArray[np.float64] = self.predicting[0][pairs.answers]
            return held_out
        total = pairs.weights.sum()
        alike = (pairs.human * total)[pairs.answers] - pairs.weights
        # A person alone with an answer leaves 0 others, up to rounding.
        shares: NDArray[np.float64] = np.maximum(alike, 0.0) / (total - pairs.weights)
        return shares


def null_rows(
    pairs: PairedAnswers,
    held_out: Mapping[Hashable, int] | None,
    *,
    n_splits: int,
    rng: np.random.Generator,
) -> NullRows:
    """Null rows from held-out people or, without them, from random halves that predict each other."""
    k = pairs.n_options
    if held_out is not None:
        if not held_out:
            raise DataError("held_out is empty; give other people's answers, or None to cross-fit")
        others = option_indices(list(held_out.values()), k)
        shares = np.bincount(others, minlength=k) / len(others)
        return NullRows(pairs.human[None, :], shares[None, :], "held-out people")
    halves = np.empty((n_splits, 2, k))
    for split in halves:
        order = rng.permutation(pairs.n)
        for half, members in zip(split, np.array_split(order, 2), strict=True):
            w = pairs.weights[members]
            half[:] = np.bincount(pairs.answers[members], w, k) / w.sum()
    return NullRows(halves.reshape(-1, k), halves[:, ::-1].reshape(-1, k), _CROSS_FITTED)


def distance_of(p: NDArray[np.float64], q: NDArray[np.float64], contrasts: NDArray[np.float64]) -> float:
    """``sum_j |contrasts_j . (p - q)|``, averaged over rows where there are several."""
    return float(np.abs((p - q) @ contrasts.T).sum(axis=-1).mean())

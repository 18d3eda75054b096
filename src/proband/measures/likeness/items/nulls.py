"""Null rows: what answers that know nothing of the person, or nothing at all, reach on the same people."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError
from proband.measures.arrays import Floats, Ints
from proband.measures.likeness.items.pairs import PairedAnswers
from proband.measures.likeness.structure.logits import fit_multinomial, softmax_blocks
from proband.measures.shares import design_weights, option_indices
from proband.measures.surveys.design import sums_by
from proband.weighting import kish_n_eff

_CROSS_FITTED = "cross-fitted halves"
_FEW_LEVELS = 8  # numbers with more values enter a demographic model as a curve, others level by level
_MOST_LEVELS = 20
_MOST_TRAINING = 3000


@dataclass(frozen=True, eq=False)
class NullRows:
    """Shares to be predicted and the shares that predict them, one row per split."""

    # (n_rows, n_options): people's shares, and those of the other people who stand for what could be known beforehand
    predicted: Floats
    predicting: Floats
    source: str  # where the predicting shares come from
    n_predicting: float = np.inf  # people behind a row of predicting shares

    @property
    def is_held_out(self) -> bool:
        """Whether the predicting people are others than the predicted."""
        return self.source != _CROSS_FITTED

    @property
    def mean_marginal(self) -> Floats:
        """Predicting shares averaged over rows, shape (n_options,)."""
        mean: Floats = self.predicting.mean(axis=0)
        return mean

    @property
    def majorities(self) -> Floats:
        """The most frequent option of every row as a distribution; tied options share it equally."""
        top = self.predicting >= self.predicting.max(axis=1, keepdims=True) - 1e-12
        shared: Floats = top / top.sum(axis=1, keepdims=True)
        return shared

    def distances(self, human: Floats, contrasts: Floats) -> dict[str, float]:
        """Distance of uniform, majority and marginal-only answers from people, averaged over rows."""
        uniform = np.full_like(human, 1 / len(human))
        return {
            "uniform": distance_of(human, uniform, contrasts),
            "majority": distance_of(self.predicted, self.majorities, contrasts),
            "marginal_only": distance_of(self.predicted, self.predicting, contrasts),
        }

    def agreements(self, human: Floats) -> dict[str, float]:
        """Mean probability that uniform and majority answers give to a person's own answer."""
        return {"uniform": 1 / len(human), "majority": float((self.predicted * self.majorities).sum(axis=1).mean())}

    def marginal_at(self, pairs: PairedAnswers) -> Floats:
        """Share of each person's own answer among the others, shape (n_subjects,).

        The others are the held-out people, or everybody but that person.
        """
        if self.is_held_out:
            held_out: Floats = self.predicting[0][pairs.answers]
            return held_out
        total = pairs.weights.sum()
        alike = (pairs.human * total)[pairs.answers] - pairs.weights
        # A person alone with an answer leaves 0 others, up to rounding.
        shares: Floats = np.maximum(alike, 0.0) / (total - pairs.weights)
        return shares

    def marginal_rows(self, pairs: PairedAnswers) -> Floats:
        """Shares of the others for each person, shape (n_subjects, n_options); see `marginal_at`."""
        if self.is_held_out:
            return np.broadcast_to(self.predicting[0], pairs.probs.shape)
        total = pairs.weights.sum()
        own = np.eye(pairs.n_options)[pairs.answers] * pairs.weights[:, None]
        others = np.maximum(pairs.human * total - own, 0.0)
        shares: Floats = others / (total - pairs.weights)[:, None]
        return shares


def null_rows(
    pairs: PairedAnswers,
    held_out: Mapping[Hashable, int] | None,
    *,
    n_splits: int,
    rng: np.random.Generator,
    weights: Mapping[Hashable, float] | None = None,
) -> NullRows:
    """Null rows from held-out people or, without them, from random halves that predict each other.

    `weights` of held-out people count where all of them have one, and are refused where only some have.
    """
    k = pairs.n_options
    if held_out is not None:
        if not held_out:
            raise DataError("held_out is empty; give other people's answers, or None to cross-fit")
        # Who weighs 0 stands for nobody, held out or not.
        held_out = {s: a for s, a in held_out.items() if weights is None or weights.get(s) != 0}
        others = option_indices(list(held_out.values()), k)
        named = [s for s in held_out if weights is not None and s in weights]
        if named and len(named) < len(held_out):
            raise DataError(
                f"{len(held_out) - len(named)} of {len(held_out)} held-out people have no weight; give all of them "
                "one, or none"
            )
        w = design_weights([weights[s] for s in named] if weights and named else None, len(others))
        shares = np.bincount(others, w, k) / w.sum()
        return NullRows(pairs.human[None, :], shares[None, :], "held-out people", kish_n_eff(w))
    halves = np.empty((n_splits, 2, k))
    for split in halves:
        order = rng.permutation(pairs.n)
        for half, members in zip(split, np.array_split(order, 2), strict=True):
            w = pairs.weights[members]
            half[:] = np.bincount(pairs.answers[members], w, k) / w.sum()
    return NullRows(halves.reshape(-1, k), halves[:, ::-1].reshape(-1, k), _CROSS_FITTED, pairs.n_eff / 2)


def distance_of(p: Floats, q: Floats, contrasts: Floats) -> float:
    """``sum_j |contrasts_j . (p - q)|``, averaged over rows where there are several."""
    return float(np.abs((p - q) @ contrasts.T).sum(axis=-1).mean())


def trait_matrix(traits: Mapping[str, NDArray[np.object_]]) -> Floats:
    """Predictors of the demographics-only model, shape (n_people, n_predictors), the intercept first.

    Numbers of more than 8 values enter as a standardised value and its square; everything else, missing
    included, as one indicator for each of the 20 most frequent levels.
    """
    n = len(next(iter(traits.values())))
    columns = [np.ones(n)]
    for given in traits.values():
        is_known = np.array([value is not None and value == value for value in given])
        known = given[is_known]
        is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)
        if is_number and len(set(known.tolist())) > _FEW_LEVELS:
            numbers = known.astype(np.float64)
            z = np.zeros(n)
            z[is_known] = (numbers - numbers.mean()) / numbers.std()
            columns += [z, z**2 - 1, 1.0 * ~is_known]
        else:
            labels = np.array([str(value) if k else "" for value, k in zip(given, is_known, strict=True)])
            levels, counts = np.unique(labels, return_counts=True)
            often = levels[np.argsort(-counts, kind="stable")][:_MOST_LEVELS]
            columns += [1.0 * (labels == level) for level in often]
    kept = [columns[0], *(column for column in columns[1:] if column.any() and column.std() > 0)]
    return np.column_stack(kept)


def predict_from_traits(x: Floats, answers: Floats, new: Floats, *, starts: Ints, rng: np.random.Generator) -> Floats:
    """What multinomial logits of people's answers on their traits say of other people.

    `x`, `answers` (n_people, n_predictors) and (n_people, n_columns): predictors, and weighted indicators of the
    answers of those who teach the model; zero rows are missing. Rows alike in x are added up; of more than 3,000
    different ones, 3,000 at random are used. `new` (n_new, n_predictors): those to be predicted. `starts`: first
    column of every item. Result: shape (n_new, n_columns): probabilities, by item; ridge penalty 1 on the slopes.
    """
    patterns, code = np.unique(x, axis=0, return_inverse=True)
    if len(patterns) > _MOST_TRAINING:
        chosen = np.sort(rng.choice(len(x), _MOST_TRAINING, replace=False))
        patterns, counts = x[chosen], answers[chosen]
    else:
        counts = sums_by(code.ravel().astype(np.intp), answers, len(patterns))
    return softmax_blocks(new @ fit_multinomial(patterns, counts, starts), starts)

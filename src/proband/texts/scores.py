"""Open texts to scores: regressions on vectors, each text answered by a fit that has seen nothing of its author."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError
from proband.models.engine import Vectors
from proband.models.fits import Target, fitted
from proband.seeds import rng_for

FOLDS = 10
LEAST = 20  # authors from which anything is learned
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """People with their texts and their scales.

    Attributes
    ----------
    units : tuple of str
        What is independent, one a row: the person, or the household it is of.
    texts : mapping of str to sequence of str
        By method (open answer, interview), the words of each; empty where there are none.
    scales : mapping of str to ndarray, shape (n_rows, n_items)
        By trait, its items in scale points, reversed ones already flipped; NaN where missing.
    reliabilities : mapping of str to float
        By trait, where it is known from elsewhere, as of a scale of one column.
    """

    units: tuple[str, ...]
    texts: Mapping[str, Sequence[str]]
    scales: Mapping[str, Floats]
    reliabilities: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """What texts say of scores, out of sample: `values`, and `without` them: the mean that each fit was made on."""

    values: Floats
    without: Floats

    @property
    def deviations(self) -> Floats:
        """What the text adds to the mean of the others.

        Correlate these, not `values`: who is left out moves the mean the other way, so that even texts that say nothing
        would correlate below 0.
        """
        return self.values - self.without


def predicted(
    vectors: Vectors, scores: Floats, units: Sequence[str], *, folds: int = FOLDS, seed: int = 0
) -> Predicted:
    """Predict every score by a ridge regression fitted without its fold.

    Nested cross-validation: folds are of units, and the strength of the penalty of each fit is found by the folds that
    it was made on.

    Parameters
    ----------
    vectors : ndarray, shape (n_texts, n_dimensions)
        Of the texts.
    scores : ndarray, shape (n_texts,)
        What is predicted.
    units : sequence of str
        What each text is from; what one unit wrote stays in one fold.
    folds, seed : int
        How many folds; of their draw.

    Raises
    ------
    DataError
        If there are fewer than 20 units, or all scores are the same.
    """
    names, codes = np.unique(np.asarray(units), return_inverse=True)
    if len(names) < LEAST:
        raise DataError(f"{len(names)} authors with text and score; {LEAST} are the least to learn from")
    if np.ptp(scores) == 0:
        raise DataError("all scores are the same: there is nothing to predict")
    fold_of = np.empty(len(names), dtype=np.intp)
    fold_of[rng_for(seed, "folds").permutation(len(names))] = np.arange(len(names)) % folds
    fold = fold_of[codes]
    target = Target(form="number", n_options=0, documents=(), values=())
    values, without = np.empty(len(scores)), np.empty(len(scores))
    for k in range(folds):
        held = fold == k
        values[held] = without[held] = scores[~held].mean()
        if np.ptp(vectors[~held], axis=0).max() > 0:  # of texts that are all alike nothing is learned
            fit = fitted(vectors[~held], scores[~held].tolist(), fold[~held].tolist(), target)
            values[held] = fit(vectors[held])[:, 0]
    return Predicted(values=values, without=without)

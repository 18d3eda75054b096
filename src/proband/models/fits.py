"""Regressions from vectors of texts to codes: what a learned coder is fitted by.

Vectors are many dimensions wide and gold is short, so all are penalised (L2), and how strongly is found by
cross-validation inside the documents that a fit sees, over the same folds.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from proband.models.engine import Vectors

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)  # scikit-learn's C, of vectors whose mean square length is 1
RULE = "logistic, L2 by log loss in folds; scales by thresholds (Frank & Hall 2001), several codes one by one, 1"
Matrix = NDArray[np.float64]
Value = int | float | tuple[int, ...]
Fit = Callable[[Vectors], Matrix]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Gold of one item: form, options, documents, and what each was given (indices as written, or a number)."""

    form: str
    n_options: int
    documents: tuple[str, ...]
    values: tuple[Value, ...]


def fitted(vectors: Vectors, values: Sequence[Any], groups: Sequence[int], target: Target) -> Fit:
    """What is learned from vectors, shape (n_documents, n_dimensions), and the values of their documents.

    Parameters
    ----------
    vectors : ndarray
        One row a document.
    values : sequence
        Its index among the options, indices of several, or a number.
    groups : sequence of int
        Its fold; documents of one fold stay together when the strength of the penalty is found.
    target : Target
        Form and number of options.

    Returns
    -------
    callable
        Vectors to numbers, shape (n_documents, n_options): probabilities that sum to 1 of a choice or scale, that of
        each code by itself where there may be several; of a number, one column.
    """
    centre = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - centre
    # Only the span of the documents matters to a penalised fit: 100 columns then do for 576.
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[sizes > 1e-6 * max(sizes.max(), 1e-30)]
    scale = np.sqrt(max(float((centred**2).sum(axis=1).mean()), 1e-30))
    # Such small products take fifty times as long where threads wait for each other on a busy machine.
    with threadpool_limits(1):
        fit = _FORMS[target.form]((centred @ axes.T) / scale, values, np.asarray(groups), target.n_options)
    return lambda new: fit(((new - centre) @ axes.T) / scale)


def _choice(rows: Matrix, values: Sequence[int], groups: NDArray[np.intp], n: int) -> Callable[[Matrix], Matrix]:
    """A multinomial logistic; an option that nobody was given has probability 0."""
    codes = np.asarray(values)
    seen = np.unique(codes)
    found = np.zeros(n)
    if len(seen) == 1:  # without their fold, the others may all be alike
        found[seen[0]] = 1.0
        return lambda new: np.tile(found, (len(new), 1))
    model = _logistic(rows, codes, _strength(rows, codes, groups))

    def predict(new: Matrix) -> Matrix:
        probs = np.zeros((len(new), n))
        probs[:, model.classes_] = model.predict_proba(new)
        return probs

    return predict


def _scale(rows: Matrix, values: Sequence[int], groups: NDArray[np.intp], n: int) -> Callable[[Matrix], Matrix]:
    """One logistic for each threshold between two options; what is above a higher one cannot be likelier."""
    codes = np.asarray(values)
    above = [_choice(rows, (codes > k).astype(int).tolist(), groups, 2) for k in range(n - 1)]

    def predict(new: Matrix) -> Matrix:
        passed = np.minimum.accumulate(np.column_stack([fit(new)[:, 1] for fit in above]), axis=1)
        probs: Matrix = -np.diff(np.column_stack([np.ones(len(new)), passed, np.zeros(len(new))]), axis=1)
        return probs

    return predict


def _several(
    rows: Matrix, values: Sequence[tuple[int, ...]], groups: NDArray[np.intp], n: int
) -> Callable[[Matrix], Matrix]:
    """One logistic for each code, there or not."""
    fits = [_choice(rows, [int(k in given) for given in values], groups, 2) for k in range(n)]
    return lambda new: np.column_stack([fit(new)[:, 1] for fit in fits])


def _number(rows: Matrix, values: Sequence[float], groups: NDArray[np.intp], n: int) -> Callable[[Matrix], Matrix]:
    """Ridge regression; the strength by squared error."""
    from sklearn.linear_model import Ridge

    numbers = np.asarray(values, dtype=np.float64)
    errors = np.zeros(len(STRENGTHS))
    for held in _folds(groups):
        for k, strength in enumerate(STRENGTHS):
            made = Ridge(1 / strength).fit(rows[~held], numbers[~held]).predict(rows[held])
            errors[k] += ((made - numbers[held]) ** 2).sum()
    model = Ridge(1 / STRENGTHS[int(errors.argmin())]).fit(rows, numbers)
    return lambda new: model.predict(new)[:, None]


_FORMS: dict[str, Callable[..., Callable[[Matrix], Matrix]]] = {
    "choice": _choice,
    "scale": _scale,
    "multiple": _several,
    "number": _number,
}


def _strength(rows: Matrix, codes: NDArray[np.intp], groups: NDArray[np.intp]) -> float:
    """The strength whose log loss on documents of other folds is smallest; the weaker fit of equals."""
    losses = np.zeros(len(STRENGTHS))
    for held in _folds(groups):
        if len(np.unique(codes[~held])) < 2:
            continue
        for k, strength in enumerate(STRENGTHS):
            model = _logistic(rows[~held], codes[~held], strength)
            probs = np.zeros((held.sum(), codes.max() + 1))
            probs[:, model.classes_] = model.predict_proba(rows[held])
            losses[k] -= np.log(np.maximum(probs[np.arange(len(probs)), codes[held]], 1e-6)).sum()
    return STRENGTHS[int(losses.argmin())]


def _folds(groups: NDArray[np.intp], most: int = 5) -> list[NDArray[np.bool_]]:
    """Which documents are held out, fold by fold; many folds are put together into a few."""
    parts = np.unique(groups, return_inverse=True)[1] % most
    return [parts == k for k in range(int(parts.max()) + 1)] if parts.any() else []


def _logistic(rows: Matrix, codes: NDArray[np.intp], strength: float) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # Without a strong penalty separable codes have no finite optimum; far out is far enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=strength, max_iter=300).fit(rows, codes)

"""Influences on a mean, and several predictions of one answer put together into one."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.measures.correction.samples import Labels, Sampling, numbers, read_labels
from proband.measures.correction.tuning import Influences, mean_part, no_part, working_df


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """Several predictions put together: labels with one prediction, the lambda of each, and what estimating them costs.

    `moved`: squared shift of the predictions' means between the samples, in units of the variance of the lambdas, as
    `tuning.combine` adds it.
    """

    labels: Labels
    tunings: tuple[float, ...]
    moved: float

    @property
    def varies(self) -> bool:
        """Whether any prediction says anything."""
        return any(self.tunings)


def is_several(predicted: ArrayLike) -> bool:
    """Whether predictions have columns, and more than one."""
    return not isinstance(predicted, str) and np.ndim(predicted) == 2


def mean_influences(labels: Labels) -> Influences:
    """Influences of labelled and unlabelled clusters on the means."""
    largest = max(float(np.abs(part).max(initial=0)) for part in (labels.f, labels.u))
    (_, a), (theta, b) = (mean_part(values, labels.left) for values in (labels.y, labels.f))
    unlabelled, c = mean_part(labels.u, labels.right) if labels.u.size else no_part(1)
    df = working_df(np.ones((labels.y.size, 1)), labels.left)
    return Influences(a=a, b=b, c=c, df=df, shift=unlabelled - theta, rounding=np.array([1e-10 * largest]))


def put_together(
    labelled: ArrayLike, predicted_labelled: ArrayLike, predicted_unlabelled: ArrayLike, sampling: Sampling | None
) -> Several:
    """``F lambda`` with the lambdas that make the estimated variance of ``y - F lambda`` and ``U lambda`` smallest.

    The several-column form of PPI++'s lambda: ``(B'B + C'C)^-1 B'a`` for influences a of the answers, B and C of the
    predictions. Columns that do not vary, or repeat others, share the least lambdas that do (minimum norm).
    """
    f = numbers(predicted_labelled, "predicted_labelled", ndim=2)
    u = np.asarray(predicted_unlabelled, dtype=np.float64)
    u = numbers(u.reshape(0, f.shape[1]) if not u.size else u, "predicted_unlabelled", ndim=2)
    if f.shape[1] != u.shape[1] or not f.shape[1]:
        raise DataError(
            f"{f.shape[1]} predictions of the labelled and {u.shape[1]} of the others; give the same columns"
        )
    first = read_labels(labelled, f[:, 0], u[:, 0], sampling)
    n, p = first.left.n_clusters, f.shape[1]
    if n < p + 3:
        raise DesignError(
            f"{n} labelled units for {p} predictions of an answer; give fewer columns or label more people"
        )
    # Predictions are centred and scaled, which changes no estimate: numerically, columns may be of any size.
    spread = np.concatenate([f, u]).std(axis=0)
    scale = np.where(spread > 1e-10 * np.abs(f).max(initial=1e-300), spread, np.inf)
    parts = [mean_influences(replace(first, f=f[:, j] / scale[j], u=u[:, j] / scale[j])) for j in range(p)]
    a, shift = parts[0].a[:, 0], np.array([part.shift[0] for part in parts])
    b, c = (np.column_stack([getattr(part, side)[:, 0] for part in parts]) for side in "bc")
    if len(c) < 2:
        return Several(labels=first, tunings=(0.0,) * p, moved=0.0)
    inverse = np.linalg.pinv(b.T @ b + c.T @ c, rcond=1e-10, hermitian=True)
    tunings = inverse @ (b.T @ a)
    moving = inverse @ shift
    together = replace(first, f=(f / scale) @ tunings, u=(u / scale) @ tunings)
    moved = float(moving @ (b.T @ b) @ moving)
    return Several(labels=together, tunings=tuple((tunings / scale).tolist()), moved=moved)

"""Units of weight 0: they stand for nobody, are left out of what is corrected, and their number is said."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from proband.measures.arrays import Bools
from proband.measures.correction.samples import Regressors, Sampling

Measure = TypeVar("Measure", bound=Callable[..., Any])
Kept = tuple[Bools | None, Bools | None]  # of labelled and unlabelled; None where everybody counts

_LABELLED = ("labelled", "predicted_labelled", "probabilities", "strata")
_UNLABELLED = ("predicted_unlabelled", "strata_unlabelled")


def without_weightless(measure: Measure) -> Measure:
    """The measure of labelled and unlabelled units whose weight is above 0, with a warning that names the others."""

    @wraps(measure)
    def of_the_others(*args: Any, **given: Any) -> Any:
        bound = inspect.signature(measure).bind(*args, **given).arguments
        sampling = bound.get("sampling")
        if not isinstance(sampling, Sampling):
            return measure(*args, **given)
        kept = counted(sampling.weights), counted(sampling.weights_unlabelled)
        if kept[0] is None and kept[1] is None:
            return measure(*args, **given)
        for names, side in ((_LABELLED, kept[0]), (_UNLABELLED, kept[1])):
            bound |= {name: cut(bound[name], side) for name in names if name in bound}
        if isinstance(bound.get("regressors"), Regressors):
            bound["regressors"] = _both(bound["regressors"], kept)
        found = measure(**bound | {"sampling": _both(sampling, kept)})
        return replace(found, warnings=(*said_of(kept), *found.warnings))

    return cast(Measure, of_the_others)


def counted(weights: Any) -> Bools | None:
    """Which weights are above 0; None where all are, or where they are no weights, which the measure refuses."""
    try:
        w = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return w > 0 if w.ndim == 1 and (w >= 0).all() and (w == 0).any() else None


def cut(values: Any, kept: Bools | None) -> Any:
    """Values of the units that are kept; what is no value a unit stays, e.g. one probability for all."""
    if isinstance(values, Mapping):
        return {name: cut(column, kept) for name, column in values.items()}
    if kept is None or not isinstance(values, Sequence | np.ndarray) or not np.ndim(values) or len(values) != kept.size:
        return values
    return values[kept] if isinstance(values, np.ndarray) else [v for v, k in zip(values, kept, strict=True) if k]


def said_of(kept: Kept, *, who: tuple[str, str] = ("labelled units", "unlabelled units")) -> tuple[str, ...]:
    """How many were left out."""
    return tuple(
        f"{int((~side).sum())} of {side.size} {name} weigh 0, stand for nobody and are left out"
        for name, side in zip(who, kept, strict=True)
        if side is not None
    )


def _both(of: Any, kept: Kept) -> Any:
    """Sampling or regressors: every field belongs to one of the two sides."""
    sides = {name: kept["unlabelled" in name.split("_")] for name in of.__dataclass_fields__}
    return replace(of, **{name: cut(getattr(of, name), side) for name, side in sides.items()})

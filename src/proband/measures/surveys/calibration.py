"""Weights that meet known totals, and designs whose variance knows that they were met."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.measures.arrays import Floats, Ints, finite
from proband.measures.surveys.design import Calibration, SurveyDesign
from proband.measures.surveys.replicates import check_choice
from proband.weighting import Code, rake

CalibrationMethod = Literal["raking", "linear"]
Totals = Mapping[str, Mapping[Code, float] | float]
_MOST_STEPS = 200


def calibrate_design(
    design: SurveyDesign,
    columns: Mapping[str, Sequence[Code] | ArrayLike],
    totals: Totals,
    *,
    method: CalibrationMethod = "raking",
) -> SurveyDesign:
    """A design whose weights meet known totals of the population, with the variance that is then left.

    What the auxiliary columns explain of an answer no longer varies between samples: variances are those of residuals
    from the regression on them with the weights from before (Deville & Sarndal 1992), whatever the method. Replicate
    weights are calibrated one by one.

    Parameters
    ----------
    design : SurveyDesign
        With weights; see `survey_design`.
    columns : mapping of str to sequence, each of shape (n,)
        Levels, or numbers, of everybody in the design.
    totals : mapping
        Of a column of levels, how many people there are of each: counts, or shares of all, by level. Of a column of
        numbers, its total.
    method : {"raking", "linear"}
        Weights are multiplied by what is never negative, or by ``1 + x'lambda`` (the regression estimator), which may
        be.

    Returns
    -------
    SurveyDesign
        The same people with calibrated weights.

    Raises
    ------
    DataError, MissingDataError
        If a column or level is unknown, levels are left out, totals cannot be met together, or weights turn negative;
        if something is missing.
    DesignError
        If `method` is unknown, or the design is calibrated already.

    References
    ----------
    Deville & Sarndal (1992), J. Am. Stat. Assoc. 87, 376-382. doi:10.1080/01621459.1992.10475217

    Examples
    --------
    >>> from proband.measures import survey_design, survey_mean
    >>> drawn = survey_design(4, weights=[10, 10, 10, 10])
    >>> known = calibrate_design(drawn, {"sex": ["f", "f", "f", "m"]}, {"sex": {"f": 20, "m": 20}})
    >>> known.w.round(3).tolist()
    [6.667, 6.667, 6.667, 20.0]
    """
    check_choice("method", method, CalibrationMethod)
    if design.calibration is not None:
        raise DesignError("the design is calibrated already; calibrate the first one to all totals together")
    sum_w = float(design.w.sum())
    x, wanted, margins, levels = _auxiliaries(design, columns, totals, sum_w)

    def fitted(w: Floats) -> Floats:
        if method == "linear":
            lagrange = np.linalg.lstsq((x * w[:, None]).T @ x, wanted - w @ x, rcond=None)[0]
            adjusted: Floats = w * (1 + x @ lagrange)
            return adjusted
        if len(margins) == len(totals):
            shares = {name: {k: v / sum(of.values()) for k, v in of.items()} for name, of in margins.items()}
            size = next(sum(of.values()) for of in margins.values())
            raked: Floats = rake(levels, shares, weights=w, tolerance=1e-12).weights * (size / w.sum())
            return raked
        return _exponential(x, wanted, w)

    w = fitted(design.w)
    if (gap := np.abs(w @ x - wanted) / np.maximum(np.abs(wanted), 1)).max() > 1e-6:
        raise DataError(f"totals cannot all be met (one is {gap.max():.2g} off); they may contradict each other")
    if (w <= 0).any():
        raise DataError(f"{int((w <= 0).sum())} weights turn negative; take method='raking', or merge small levels")
    if design.repeats is not None:
        again = np.column_stack([fitted(each) for each in design.repeats.weights.T])
        return replace(design, weights=w, repeats=replace(design.repeats, weights=again))
    basis = _orthonormal(x * np.sqrt(design.w)[:, None])
    rows = np.arange(design.n)
    known = Calibration(before=design, basis=basis, scale=w / np.sqrt(design.w), rows=rows)
    return replace(design, weights=w, calibration=known)


def _auxiliaries(
    design: SurveyDesign, columns: Mapping[str, Sequence[Code] | ArrayLike], totals: Totals, sum_w: float
) -> tuple[Floats, Floats, dict[str, dict[Code, float]], dict[str, list[Code]]]:
    """Auxiliary columns of people at hand, their totals, and margins and levels where they are of levels."""
    parts, wanted = [], list[float]()
    margins, levels = dict[str, dict[Code, float]](), dict[str, list[Code]]()
    if not totals:
        raise DataError("no totals to calibrate to; give those of at least one column")
    for name, known in totals.items():
        if name not in columns:
            raise DataError(f"no column {name!r} for its totals; there are {', '.join(columns)}")
        if not isinstance(known, Mapping):
            parts.append(design.at_hand(finite(columns[name], f"values of {name}"), name)[:, None])
            wanted.append(float(known))
            continue
        size = sum(known.values())
        # Shares sum to 1; counts of a population do not.
        factor = sum_w if abs(size - 1) < 1e-6 else 1.0
        given = np.asarray(columns[name], dtype=object)
        at = design.at_hand(np.arange(len(given)), name)
        own = [given[k] for k in at]
        if other := sorted({str(level) for level in own} - {str(level) for level in known}):
            raise DataError(
                f"{name} has levels without a total: {', '.join(other[:5])}; give them, or leave people out"
            )
        code: Ints = np.array([list(map(str, known)).index(str(level)) for level in own], dtype=np.intp)
        if absent := [level for k, level in enumerate(known) if not (code == k).any()]:
            raise DataError(f"nobody has {name} = {absent[0]!r}; merge it with another level")
        parts.append(np.eye(len(known))[code])
        wanted += [float(v) * factor for v in known.values()]
        names = list(known)
        margins[name] = {level: v * factor for level, v in known.items()}
        levels[name] = [names[k] for k in code]
    return np.column_stack(parts), np.array(wanted), margins, levels


def _exponential(x: Floats, wanted: Floats, w: Floats) -> Floats:
    """Weights times ``exp(x'lambda)`` that meet the totals, by Newton's steps."""
    size = np.abs(x).max(axis=0)
    z, goal = x / size, wanted / size
    lagrange, used = np.zeros(x.shape[1]), w
    for _ in range(_MOST_STEPS):
        step = np.linalg.lstsq((z * used[:, None]).T @ z, goal - used @ z, rcond=None)[0]
        lagrange = lagrange + step * min(1.0, 2 / max(float(np.abs(z @ step).max()), 1e-12))
        used = w * np.exp(z @ lagrange)
        if np.abs(used @ z - goal).max() < 1e-10 * np.abs(goal).max():
            break
    return used


def _orthonormal(x: Floats) -> Floats:
    """Orthonormal columns that span those of x, redundant ones left out."""
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    found: Floats = u[:, s > 1e-10 * s.max()]
    return found

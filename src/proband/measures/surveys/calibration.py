"""Designs whose weights were made to meet known totals, and whose variance knows it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from proband.errors import DataError, DesignError
from proband.measures.arrays import Floats
from proband.measures.surveys.design import Calibration, SurveyDesign
from proband.weighting import Code
from proband.weighting.calibrating import calibrate, read_goal

_SETTINGS: dict[str, Any] = {"size": None, "method": "raking", "bounds": None, "largest": None, "tolerance": 1e-8}


def calibrate_design(
    design: SurveyDesign,
    columns: Mapping[str, Sequence[Code]],
    margins: Mapping[str, Mapping[Code, float]],
    *,
    totals: Mapping[str, float] | None = None,
    **settings: Any,
) -> SurveyDesign:
    """A design whose weights meet known margins and totals of the population, with the variance that is then left.

    What the auxiliary columns explain of an answer no longer varies between samples: variances are those of residuals
    from the regression on them with the weights from before (Deville & Sarndal 1992), whatever the method. Replicate
    weights are calibrated one by one.

    Parameters
    ----------
    design : SurveyDesign
        With weights; see `survey_design`.
    columns : mapping of str to sequence, each of shape (n,)
        Levels, or numbers, of everybody in the design.
    margins : mapping of str to mapping of level to float
        Shares or counts of every level of a column.
    totals : mapping of str to float, optional
        Totals of columns that are numbers.
    **settings
        `method`, `size`, `bounds`, `largest` and `tolerance`, as `calibrate` has them.

    Returns
    -------
    SurveyDesign
        The same people with calibrated weights.

    Raises
    ------
    DataError, MissingDataError
        Whatever `calibrate` refuses, or if weights turn negative.
    DesignError
        If a setting is unknown, or the design is calibrated already.

    References
    ----------
    Deville & Sarndal (1992), J. Am. Stat. Assoc. 87, 376-382. doi:10.1080/01621459.1992.10475217

    Examples
    --------
    >>> from proband.measures import survey_design
    >>> drawn = survey_design(4, weights=[10, 10, 10, 10])
    >>> known = calibrate_design(drawn, {"sex": ["f", "f", "f", "m"]}, {"sex": {"f": 20, "m": 20}})
    >>> known.w.round(3).tolist()
    [6.667, 6.667, 6.667, 20.0]
    """
    if unknown := settings.keys() - _SETTINGS.keys():
        raise DesignError(f"calibrate_design: no setting {min(unknown)!r}; there are {', '.join(_SETTINGS)}")
    if design.calibration is not None:
        raise DesignError("the design is calibrated already; calibrate the first one to everything at once")
    used = {**_SETTINGS, **settings}
    here = {}
    for name, column in columns.items():
        rows = design.at_hand(np.arange(len(column)), f"values of {name}")
        here[name] = [column[int(k)] for k in rows]

    def fitted(w: Floats) -> Floats:
        return calibrate(here, margins, totals=totals, weights=w, **used).weights

    w = fitted(design.w)
    if (w <= 0).any():
        raise DataError(f"{int((w <= 0).sum())} weights turn negative; take method='raking', or give bounds from 0 on")
    if design.repeats is not None:
        again = np.column_stack([fitted(each) for each in design.repeats.weights.T])
        return replace(design, weights=w, repeats=replace(design.repeats, weights=again))
    goal, _ = read_goal(here, margins, totals or {}, weights=design.w, **used)
    root = np.sqrt(design.w)
    u, s, _ = np.linalg.svd(goal.x[goal.of_row] * root[:, None], full_matrices=False)
    basis: Floats = u[:, s > 1e-10 * s.max()]  # columns of several margins repeat each other
    known = Calibration(before=design, basis=basis, scale=w / root, rows=np.arange(design.n))
    return replace(design, weights=w, calibration=known)

"""Lines through points whose both coordinates were measured with error."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite

_MOST_STEPS = 500


@dataclass(frozen=True, kw_only=True)
class ErrorsInBoth:
    """A line, errors in both variables counted.

    Attributes
    ----------
    slope, intercept : Estimate
        Of y on x; t intervals on n - 2 degrees of freedom.
    misfit : float
        Sum of squared weighted distances over n - 2: near 1 where errors explain all that points miss the line by.
        Above 1, standard errors are widened by its root.
    """

    slope: Estimate
    intercept: Estimate
    misfit: float


def line_with_errors_in_both(
    x: ArrayLike, y: ArrayLike, se_x: ArrayLike, se_y: ArrayLike, *, target: Target = "human", level: float = 0.95
) -> ErrorsInBoth:
    """York's line: least squares where each coordinate of each point has a standard error of its own.

    Least squares of y on x takes x as exact, and draws the slope towards 0 the more, the less exact x is. York's slope
    b makes ``sum w (y - a - b x)^2`` least with ``w = 1 / (se_y^2 + b^2 se_x^2)``; with errors in one constant ratio it
    is Deming's. It supposes that but for these errors the points lie on a line.

    Parameters
    ----------
    x, y, se_x, se_y : array_like, shape (n,)
        Coordinates and their standard errors, which are independent of each other.
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Raises
    ------
    DataError
        If there are fewer than 3 points, one coordinate does not vary, or a standard error is not above 0.

    References
    ----------
    York et al. (2004), Am. J. Phys. 72, 367-375. doi:10.1119/1.1632486
    Deming (1943), Statistical Adjustment of Data. Wiley.

    Examples
    --------
    >>> found = line_with_errors_in_both([0.0, 1.0, 2.0, 3.0], [0.1, 0.9, 2.2, 2.8], [0.1] * 4, [0.1] * 4)
    >>> print(found.slope)
    0.948 [0.557, 1.339]
    """
    px, py, sx, sy = (
        finite(part, what) for part, what in ((x, "x"), (y, "y"), (se_x, "errors of x"), (se_y, "errors of y"))
    )
    n = len(px)
    if not n == len(py) == len(sx) == len(sy):
        raise DataError(f"{n} x, {len(py)} y, {len(sx)} and {len(sy)} errors; give every point all four")
    if n < 3 or not np.ptp(px) or not np.ptp(py):
        raise DataError(f"{n} points, or a coordinate that does not vary: no line; give at least 3 points that differ")
    if min(sx.min(), sy.min()) <= 0:
        raise DataError("a standard error is not above 0; with x known exactly regress y on x")
    b = _slope(px, py, sx, sy)
    w, mx, my, beta = _weighted(b, px, py, sx, sy)
    a = my - b * mx
    adjusted = mx + beta
    centre = float(w @ adjusted / w.sum())
    var_b = 1 / float(w @ (adjusted - centre) ** 2)
    var_a = 1 / float(w.sum()) + centre**2 * var_b
    misfit = float(w @ (py - a - b * px) ** 2) / (n - 2)
    reach = float(special.stdtrit(n - 2, (1 + level) / 2))

    def told(value: float, variance: float, what: str) -> Estimate:
        se = math.sqrt(variance * max(1.0, misfit))
        return Estimate(
            value=value, se=se, interval=(value - reach * se, value + reach * se), target=target,
            estimand=f"{what}, errors in both counted",
            interval_method=f"t with {n - 2} df, York", df=n - 2.0, n_units=n, level=level,
            assumptions=("but for their errors, points lie on a line",),
        )  # fmt: skip

    slope, intercept = (
        told(b, var_b, "slope, errors in both counted"),
        told(a, var_a, "intercept, errors in both counted"),
    )
    return ErrorsInBoth(slope=slope, intercept=intercept, misfit=misfit)


def _slope(x: Floats, y: Floats, sx: Floats, sy: Floats) -> float:
    """Where the weighted squared distances are least: over all directions, then by York's equation."""

    def distance(angle: float) -> float:
        w, mx, my, _ = _weighted(scale * math.tan(angle), x, y, sx, sy)
        return float(w @ (y - my - scale * math.tan(angle) * (x - mx)) ** 2)

    scale = float(y.std() / x.std())
    grid = np.linspace(-math.pi / 2, math.pi / 2, 183)[1:-1]
    best = float(min(grid, key=distance))
    width = float(grid[1] - grid[0])
    around = (max(best - width, -1.5707), min(best + width, 1.5707))
    near = optimize.minimize_scalar(distance, bounds=around, method="bounded", options={"xatol": 1e-10})
    b = start = scale * math.tan(float(near.x))
    for _ in range(_MOST_STEPS):
        w, mx, my, beta = _weighted(b, x, y, sx, sy)
        below = float((w * beta) @ (x - mx))
        new = float((w * beta) @ (y - my)) / below if below else start
        if abs(new - b) <= 1e-14 * (1 + abs(new)):
            # The equation has other roots; what it is for are the last digits.
            return new if abs(new - start) <= 1e-4 * (1 + abs(start)) else start
        b = new
    return start


def _weighted(b: float, x: Floats, y: Floats, sx: Floats, sy: Floats) -> tuple[Floats, float, float, Floats]:
    """Weights under a slope, both weighted means, and where each point's x should lie, less its mean."""
    w = 1 / (sy**2 + b**2 * sx**2)
    mx, my = float(w @ x / w.sum()), float(w @ y / w.sum())
    beta: Floats = w * ((x - mx) * sy**2 + b * (y - my) * sx**2)
    return w, mx, my, beta

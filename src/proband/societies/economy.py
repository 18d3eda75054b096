"""What an economy shows quarter by quarter, computed in the same way for a country and for a society."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError

Floats = NDArray[np.float64]
_LEAST = 8  # quarters, below which nothing of this can be said
_QUARTERS = 4


@dataclass(frozen=True, slots=True)
class Slope:
    """Of a line through points, by least squares, with the usual standard error; NaN where nothing varies."""

    value: float
    se: float


@dataclass(frozen=True, kw_only=True)
class Regularities:
    """Of one economy.

    Attributes
    ----------
    okun : Slope
        Change of unemployment, in percentage points, on growth of output, in percent, from quarter to quarter.
    phillips : Slope
        Inflation on unemployment, both in percent, by year.
    sd_output, sd_consumption, sd_investment : float
        Standard deviations of growth from quarter to quarter, in percent.
    autocorrelation : float
        Of growth of output with that of the quarter before.
    """

    okun: Slope
    phillips: Slope
    sd_output: float
    sd_consumption: float
    sd_investment: float
    autocorrelation: float


def regularities(
    output: ArrayLike, consumption: ArrayLike, investment: ArrayLike, unemployment: ArrayLike, prices: ArrayLike
) -> Regularities:
    """The regularities of an economy, from one number a quarter of each.

    Parameters
    ----------
    output, consumption, investment : array_like, shape (n_quarters,)
        In real terms, positive.
    unemployment : array_like, shape (n_quarters,)
        In percent of all who want to work.
    prices : array_like, shape (n_quarters,)
        Their level.

    Raises
    ------
    DataError
        If there are fewer than 8 quarters, not as many of each, or something is not positive that has to grow.

    References
    ----------
    Okun (1962), Proceedings of the Business and Economic Statistics Section of the American Statistical Association,
    98-104. Phillips (1958), Economica 25, 283-299. doi:10.1111/j.1468-0335.1958.tb00003.x
    """
    growth = [_growth(values, name) for values, name in ((output, "output"), (consumption, "consumption"),
                                                         (investment, "investment"))]  # fmt: skip
    rates = np.asarray(unemployment, float)
    if len({len(rates) - 1, *map(len, growth)}) > 1:
        raise DataError("output, consumption, investment and unemployment have not as many quarters; give all of each")
    return Regularities(
        okun=_slope(growth[0], np.diff(rates)), phillips=phillips(rates, prices),
        sd_output=float(growth[0].std(ddof=1)), sd_consumption=float(growth[1].std(ddof=1)),
        sd_investment=float(growth[2].std(ddof=1)), autocorrelation=_correlation(growth[0][1:], growth[0][:-1]),
    )  # fmt: skip


def phillips(unemployment: ArrayLike, prices: ArrayLike) -> Slope:
    """Inflation on unemployment by year: prices and rates are means of four quarters, the first year is the base.

    See `regularities` for the parameters. Quarters beyond the last full year are left out.
    """
    years = [
        np.asarray(values, float)[: len(np.asarray(values)) // _QUARTERS * _QUARTERS].reshape(-1, _QUARTERS)
        for values in (unemployment, prices)
    ]
    if years[0].shape != years[1].shape:
        raise DataError("unemployment and prices have not as many quarters; give all of each")
    return _slope(years[0].mean(axis=1)[1:], _growth(years[1].mean(axis=1), "the price level", least=2))


def _growth(values: ArrayLike, name: str, least: int = _LEAST) -> Floats:
    levels = np.asarray(values, float)
    if len(levels) < least:
        raise DataError(f"{len(levels)} numbers of {name}; there have to be at least {least}")
    if not (levels > 0).all():  # NaN is not, too
        raise DataError(f"{name} is {levels[~(levels > 0)][0]:g} once; growth is that of what is always above 0")
    growth: Floats = 100 * np.diff(np.log(levels))
    return growth


def _slope(x: Floats, y: Floats) -> Slope:
    from scipy.stats import linregress

    if len(x) < 3 or np.ptp(x) == 0:
        return Slope(float("nan"), float("nan"))
    found = linregress(x, y)
    return Slope(float(found.slope), float(found.stderr))


def _correlation(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(x, y)[0, 1]) if np.ptp(x) > 0 and np.ptp(y) > 0 else float("nan")

"""What every comparison checks of its outcomes, and the t interval of an estimate whose variance is known."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from proband.errors import MissingDataError
from proband.estimates import Estimate
from proband.measures.arrays import finite

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Labels = Sequence[Hashable] | NDArray[np.generic]

NO_VARIANCE = "outcomes do not vary: an interval would be a point and is not to be trusted"
_FEW_EVENTS = 5
# Cochran's rule n > 25 skewness^2 (Sampling Techniques, 1977, section 2.15), said of the estimate itself.
_TOO_SKEWED = 0.2
_FEW_DF = 4.0
_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A linear estimate: its value, variance, degrees of freedom of the variance, and third central moment.

    `scale` is the largest absolute outcome: a standard error far below it is what rounding leaves of outcomes that are
    all alike, as expected scores from probabilities often are.
    """

    value: float
    variance: float
    df: float
    third: float = 0.0
    scale: float = 0.0

    @property
    def varies(self) -> bool:
        """Whether there is a variance."""
        return self.variance > (_ROUNDING * self.scale) ** 2

    def doubts(self) -> tuple[str, ...]:
        """Reasons to distrust the t interval."""
        if not self.varies:
            return (NO_VARIANCE,)
        doubts = list(few_df(self.df))
        skewness = self.third / self.variance**1.5
        if abs(skewness) > _TOO_SKEWED:
            doubts.append(
                f"outcomes are skewed for so few units (skewness of the estimate {skewness:.2f}): the t interval "
                "may be too short"
            )
        return tuple(doubts)


def few_df(df: float) -> tuple[str, ...]:
    """Warn where a variance has few degrees of freedom."""
    if df >= _FEW_DF:
        return ()
    return (
        f"{df:.1f} degrees of freedom: the variance itself is hardly known, and the interval leans on normal outcomes",
    )


def with_t_test(about: Estimate, found: Linear, how: str) -> Estimate:
    """Fill in value, standard error, t interval and test of no difference; without variance only the value."""
    doubts = (*found.doubts(), *about.warnings)
    if not found.varies:
        return replace(
            about, value=found.value, se=0.0, interval_method="none: no variance", df=found.df, warnings=doubts
        )
    se = math.sqrt(found.variance)
    t = found.value / se
    reach = se * float(special.stdtrit(found.df, (1 + about.level) / 2))
    return replace(
        about,
        value=found.value,
        se=se,
        interval=(found.value - reach, found.value + reach),
        interval_method=f"{how}, {found.df:.3f} df",
        statistic=t,
        df=found.df,
        p_value=min(1.0, 2 * float(special.stdtr(found.df, -abs(t)))),
        warnings=doubts,
    )


def numbers(values: ArrayLike, what: str) -> Floats:
    """One finite number per unit, or an error that says how many are missing."""
    way_out = "drop them and report how many, by arm where there are arms: unequal loss biases a difference"
    return finite(values, what, way_out=way_out)


def coded(labels: Labels, what: str) -> tuple[Codes, list[Hashable]]:
    """Labels as codes 0..k-1 in the order of first appearance, and the labels themselves."""
    number: dict[Hashable, int] = {}
    codes = np.empty(len(labels), dtype=np.intp)
    for k, label in enumerate(labels):
        if label is None or label != label:
            raise MissingDataError(f"{what} of unit {k + 1} is missing; give every unit one")
        codes[k] = number.setdefault(label, len(number))
    return codes, list(number)


def rare_outcomes(**arms: Floats) -> tuple[str, ...]:
    """Warn of arms in which one of two outcomes is rare, where t intervals of shares fail."""
    values = np.unique(np.concatenate(list(arms.values())))
    if len(values) != 2:
        return ()
    rarest = {name: min(int((y == value).sum()) for value in values) for name, y in arms.items()}
    return tuple(
        f"{count} of {len(arms[name])} {name} units have the rarer outcome: below {_FEW_EVENTS} the interval "
        "is too short"
        for name, count in rarest.items()
        if count < _FEW_EVENTS
    )

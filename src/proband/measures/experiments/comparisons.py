"""What a study is to find, and with what probability a test of a given size finds it."""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

from scipy import special

from proband.errors import DesignError


class Comparison(Protocol):
    """A true effect and how it is to be tested; `n` is the number of units in the first group."""

    @property
    def n_groups(self) -> int:
        """Groups of units that the design draws."""

    @property
    def ratio(self) -> float:
        """Size of the second group over that of the first."""

    @property
    def cluster_size(self) -> float:
        """Units that share a cluster; 1 where units are independent."""

    @property
    def least(self) -> float:
        """Units in the first group below which there is no test."""

    def power_at(self, n: float, alpha: float) -> float:
        """Probability that the two-sided test of size `alpha` finds the effect with `n` units in the first group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoMeans:
    """Two independent groups, compared in their means by a two-sided t test of equal variances.

    With clusters the test is on cluster means, so its degrees of freedom count clusters.

    - `effect`: true difference of means, in the unit of `sd`; not 0.
    - `sd`, `ratio`: standard deviation within groups; units of the second group for each of the first.
    - `cluster_size`, `icc`: units in a cluster, and the correlation of two units of one cluster; clusters are
      assigned whole.
    """

    n_groups: ClassVar[int] = 2
    effect: float
    sd: float = 1.0
    ratio: float = 1.0
    cluster_size: float = 1.0
    icc: float = 0.0

    def __post_init__(self) -> None:
        _check_effect(self.effect, self.sd)
        _check_groups(self.ratio, self.cluster_size, self.icc)

    @property
    def least(self) -> float:
        """Enough for 1 degree of freedom in all and a cluster in each group."""
        return self.cluster_size * max(1.0, 1.0 / self.ratio, 3.0 / (1 + self.ratio))

    def power_at(self, n: float, alpha: float) -> float:
        """Exact for normal outcomes: noncentral t, both tails."""
        inflated = self.sd * math.sqrt(design_effect(self.cluster_size, self.icc))
        shift = abs(self.effect) / (inflated * math.sqrt((1 + 1 / self.ratio) / n))
        return t_test_power(n * (1 + self.ratio) / self.cluster_size - 2, shift, alpha)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoShares:
    """Two independent groups, compared in the share with some answer, on the arcsine scale.

    ``h = 2 asin(sqrt(share_b)) - 2 asin(sqrt(share_a))`` has variance ``1/n_a + 1/n_b`` whatever the shares; good
    where both groups expect 5 or more of either answer.

    - `share_a`, `share_b`: true shares, different.
    - `ratio`, `cluster_size`, `icc`: as in `TwoMeans`.
    """

    n_groups: ClassVar[int] = 2
    share_a: float
    share_b: float
    ratio: float = 1.0
    cluster_size: float = 1.0
    icc: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.share_a <= 1 and 0 <= self.share_b <= 1 and self.share_a != self.share_b):
            raise DesignError(f"shares {self.share_a} and {self.share_b} must be two different numbers from 0 to 1")
        _check_groups(self.ratio, self.cluster_size, self.icc)

    @property
    def least(self) -> float:
        """Two clusters in the smaller group."""
        return 2 * self.cluster_size * max(1.0, 1.0 / self.ratio)

    def power_at(self, n: float, alpha: float) -> float:
        """Normal approximation on the arcsine scale, both tails."""
        h = abs(2 * math.asin(math.sqrt(self.share_b)) - 2 * math.asin(math.sqrt(self.share_a)))
        units = n / design_effect(self.cluster_size, self.icc)
        return z_test_power(h / math.sqrt((1 + 1 / self.ratio) / units), alpha)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """The same units twice, or one group against a fixed number, by a t test of the mean difference.

    - `effect`: true mean difference; not 0.
    - `sd`: standard deviation of each of the two scores.
    - `correlation`: of the two scores; differences have ``sd * sqrt(2 (1 - correlation))``. At .5, the default, that
      is `sd` itself, as it is for one group against a fixed number.
    - `cluster_size`, `icc`: units in a cluster, and the correlation of two differences of one cluster.
    """

    n_groups: ClassVar[int] = 1
    ratio: ClassVar[float] = 1.0
    effect: float
    sd: float = 1.0
    correlation: float = 0.5
    cluster_size: float = 1.0
    icc: float = 0.0

    def __post_init__(self) -> None:
        _check_effect(self.effect, self.sd)
        _check_groups(1.0, self.cluster_size, self.icc)
        if not -1 <= self.correlation < 1:
            raise DesignError(f"correlation {self.correlation} must be at least -1 and below 1")

    @property
    def least(self) -> float:
        """Two clusters."""
        return 2 * self.cluster_size

    def power_at(self, n: float, alpha: float) -> float:
        """Exact for normal differences: noncentral t, both tails."""
        spread = self.sd * math.sqrt(2 * (1 - self.correlation) * design_effect(self.cluster_size, self.icc))
        return t_test_power(n / self.cluster_size - 1, abs(self.effect) * math.sqrt(n) / spread, alpha)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedItems:
    """Two models (or prompts) on the same items, several answers to each, by a z test of the mean difference.

    The variance of the mean difference over n items is ``(sd_items^2 + sd_a^2 / k_a + sd_b^2 / k_b) / n`` (Miller
    2024, arXiv:2411.00640): more answers an item take the last two terms down, only more items the first.

    - `effect`: true mean difference; not 0.
    - `sd_items`: standard deviation over items of the two models' difference in expected score.
    - `sd_a`, `sd_b`: standard deviation of each model's repeated answers to one item.
    - `k_a`, `k_b`: answers to each item.
    """

    n_groups: ClassVar[int] = 1
    ratio: ClassVar[float] = 1.0
    cluster_size: ClassVar[float] = 1.0
    least: ClassVar[float] = 2.0
    effect: float
    sd_items: float
    sd_a: float = 0.0
    sd_b: float = 0.0
    k_a: int = 1
    k_b: int = 1

    def __post_init__(self) -> None:
        if min(self.k_a, self.k_b) < 1:
            raise DesignError(f"{self.k_a} and {self.k_b} answers an item; at least 1 each is needed")
        _check_effect(self.effect, math.sqrt(self._variance()))

    def _variance(self) -> float:
        return self.sd_items**2 + self.sd_a**2 / self.k_a + self.sd_b**2 / self.k_b

    def power_at(self, n: float, alpha: float) -> float:
        """Normal approximation, the tail of the effect's sign."""
        shift = abs(self.effect) * math.sqrt(n / self._variance())
        return float(special.ndtr(shift - float(special.ndtri(1 - alpha / 2))))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralMeans:
    """Groups of equal size and variance, compared by the F test of a one-way analysis of variance.

    - `f`: standard deviation of the true group means over that within groups (Cohen's f); positive.
    - `n_groups`: at least 2.
    """

    ratio: ClassVar[float] = 1.0
    cluster_size: ClassVar[float] = 1.0
    least: ClassVar[float] = 2.0
    f: float
    n_groups: int

    def __post_init__(self) -> None:
        _check_effect(self.f, 1.0)
        if self.n_groups < 2:
            raise DesignError(f"{self.n_groups} groups; a comparison needs at least 2")

    def power_at(self, n: float, alpha: float) -> float:
        """Exact for normal outcomes: noncentral F."""
        between, within = self.n_groups - 1, self.n_groups * (n - 1)
        critical = float(special.fdtri(between, within, 1 - alpha))
        return 1 - float(special.ncfdtr(between, within, self.f**2 * n * self.n_groups, critical))


def design_effect(cluster_size: float, icc: float) -> float:
    """Variance of a mean of clustered units over that of independent ones, ``1 + (m - 1) icc``."""
    return 1 + (cluster_size - 1) * icc


def t_test_power(df: float, noncentrality: float, alpha: float) -> float:
    """Power of a two-sided t test whose statistic has this (positive) noncentrality."""
    critical = float(special.stdtrit(df, 1 - alpha / 2))
    found = 1 - float(special.nctdtr(df, noncentrality, critical))
    # Beyond 5 the other tail is below 1e-10, and scipy gives NaN where it underflows.
    if noncentrality < 5:
        found += float(special.nctdtr(df, noncentrality, -critical))
    return found


def z_test_power(shift: float, alpha: float) -> float:
    """Power of a two-sided z test whose statistic has this mean."""
    critical = float(special.ndtri(1 - alpha / 2))
    return float(special.ndtr(shift - critical) + special.ndtr(-shift - critical))


def _check_effect(effect: float, sd: float) -> None:
    if not (math.isfinite(effect) and effect):
        raise DesignError(f"effect is {effect}; give the smallest difference that would matter, not 0")
    if not (math.isfinite(sd) and sd > 0):
        raise DesignError(f"sd is {sd}; give the positive standard deviation that is expected")


def _check_groups(ratio: float, cluster_size: float, icc: float) -> None:
    if not (math.isfinite(ratio) and ratio > 0):
        raise DesignError(f"ratio {ratio} must be positive: units of the second group for each of the first")
    if not (math.isfinite(cluster_size) and cluster_size >= 1):
        raise DesignError(f"cluster_size {cluster_size} must be at least 1")
    if not 0 <= icc <= 1:
        raise DesignError(f"icc {icc} must lie from 0 to 1")

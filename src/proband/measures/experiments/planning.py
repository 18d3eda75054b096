"""How many units a study needs, and what it would find with those it has."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures.experiments.comparisons import Comparison
from proband.measures.shares import wilson_interval

_MOST = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """Units that a comparison needs.

    - `exact`: size of the first group at which the wanted power is just reached, as a fraction.
    - `groups`: whole units in every group, whole clusters where there are clusters.
    - `clusters`: clusters in every group; the same as `groups` where units are independent.
    - `power`, `alpha`: wanted power, and size of the test.
    """

    exact: float
    groups: tuple[int, ...]
    clusters: tuple[int, ...]
    power: float
    alpha: float

    @property
    def total(self) -> int:
        """Units in all groups."""
        return sum(self.groups)


def power(comparison: Comparison, n: float, *, alpha: float = 0.05) -> Estimate:
    """Probability that a study of this size finds an effect of this size.

    Two-sided tests; exact for normal outcomes (`TwoMeans`, `Paired`, `SeveralMeans`), on the arcsine scale for
    `TwoShares`, normal for `SharedItems`. Do not compute it from the effect a study has just found: that only
    restates its p value. In a study of a model n can be bought with calls; in a claim about people it cannot, and
    the people are what to count.

    Parameters
    ----------
    comparison : TwoMeans, TwoShares, Paired, SharedItems or SeveralMeans
        The true effect and the test.
    n : float
        Units in the first group (in clusters: units, not clusters).
    alpha : float
        Size of the test.

    Returns
    -------
    Estimate
        Between `alpha` and 1.

    Raises
    ------
    DesignError
        If `n` is below what the test needs, or `alpha` is not between 0 and 1.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences. doi:10.4324/9780203771587

    Examples
    --------
    >>> from proband.measures.experiments.comparisons import Paired, TwoMeans
    >>> print(power(TwoMeans(effect=0.5), 64))
    0.801
    >>> print(power(Paired(effect=0.2), 60, alpha=0.1))
    0.456
    """
    if not 0 < alpha < 1:
        raise DesignError(f"alpha {alpha} must lie between 0 and 1")
    if not (math.isfinite(n) and n >= comparison.least):
        raise DesignError(f"{n:g} units in the first group; this comparison needs at least {comparison.least:g}")
    units = n * (1 + comparison.ratio) if comparison.n_groups == 2 else n * comparison.n_groups
    return Estimate(
        value=comparison.power_at(n, alpha),
        estimand=f"probability that {comparison} is found at alpha {alpha:g}",
        target="data",
        n_units=round(units),
        n_clusters=round(units / comparison.cluster_size) if comparison.cluster_size > 1 else None,
        interval_method="none: a property of the design",
    )


def sample_size(comparison: Comparison, *, power: float = 0.8, alpha: float = 0.05) -> SampleSize:
    """Smallest study that finds an effect of this size with the wanted probability.

    The inverse of `proband.measures.power`. Choose the effect as the smallest that would matter, not as the one an
    earlier small study found: published effects are too large on average.

    Parameters
    ----------
    comparison : TwoMeans, TwoShares, Paired, SharedItems or SeveralMeans
        The true effect and the test.
    power, alpha : float
        Wanted power, and size of the test; ``alpha < power < 1``.

    Returns
    -------
    SampleSize
        `exact` as other programs print it, and whole units and clusters.

    Raises
    ------
    DesignError
        If `power` does not lie between `alpha` and 1, or no study is large enough.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences. doi:10.4324/9780203771587

    Examples
    --------
    >>> from proband.measures.experiments.comparisons import TwoMeans
    >>> found = sample_size(TwoMeans(effect=0.5))
    >>> round(found.exact, 5), found.groups
    (63.76561, (64, 64))
    >>> sample_size(TwoMeans(effect=0.5, cluster_size=5, icc=0.1)).clusters
    (19, 19)
    """
    if not 0 < alpha < power < 1:
        raise DesignError(f"power {power} must lie between alpha {alpha} and 1")

    def shortfall(n: float) -> float:
        return comparison.power_at(n, alpha) - power

    least = comparison.least
    if shortfall(least) >= 0:
        exact = least
    else:
        enough = 2 * least
        while shortfall(enough) < 0:
            if enough > _MOST:
                raise DesignError(f"no study finds {comparison} with power {power:g}; name a larger effect")
            enough *= 2
        from scipy import optimize  # 20 MB, which every collection would hold: plans alone ask for this

        exact = float(optimize.brentq(shortfall, enough / 2, enough, xtol=1e-10, rtol=1e-12))
    sizes = [exact] * comparison.n_groups
    if comparison.n_groups == 2:
        sizes[1] *= comparison.ratio
    # Clusters are recruited whole, so it is clusters that are rounded up.
    clusters = tuple(_ceil(size / comparison.cluster_size) for size in sizes)
    groups = tuple(_ceil(c * comparison.cluster_size) for c in clusters)
    return SampleSize(exact=exact, groups=groups, clusters=clusters, power=power, alpha=alpha)


def simulated_power(
    finds: Callable[[np.random.Generator], bool], *, rng: np.random.Generator, n_replicates: int = 1000
) -> Estimate:
    """Power of any design and analysis: the share of simulated studies that find what is there.

    Parameters
    ----------
    finds : callable
        ``finds(rng)`` simulates one study and says whether its test rejects.
    rng : numpy.random.Generator
        Source of the simulations.
    n_replicates : int
        Simulated studies.

    Returns
    -------
    Estimate
        With Wilson's interval: the Monte Carlo error of the simulation, not of the study.

    Raises
    ------
    DesignError
        If there are no replicates.

    Examples
    --------
    >>> print(simulated_power(lambda rng: rng.random() < 0.8, rng=np.random.default_rng(1)))
    0.784 [0.757, 0.808]
    """
    if n_replicates < 1:
        raise DesignError(f"{n_replicates} replicates; simulate at least 1, better 1000")
    share = sum(bool(finds(rng)) for _ in range(n_replicates)) / n_replicates
    return Estimate(
        value=share,
        se=math.sqrt(share * (1 - share) / n_replicates),
        interval=wilson_interval(share, n_replicates),
        interval_method="Wilson, Monte Carlo error of the simulation",
        estimand="probability that a study like the simulated ones rejects",
        target="data",
        n_units=n_replicates,
    )


def _ceil(x: float) -> int:
    """Next whole number; a root found to 1e-10 above one is that one."""
    return math.ceil(x - 1e-9 * max(1.0, x))

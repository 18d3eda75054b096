"""How well a factor model fits: chi squared, its robust form, and the indices made of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.factors.structure import Fitted, Moments, implied


@dataclass(frozen=True, kw_only=True)
class ModelFit:
    """Fit of a factor model.

    Attributes
    ----------
    chi2, p_value : float
        N times the discrepancy, and p under normal answers; NaN for DWLS, where it has no distribution of its own.
    df : int
        Moments less parameters.
    scaling : float
        What chi squared has for its mean per degree of freedom, from the data themselves; 1 under normal answers.
    robust_chi2, robust_p : float
        Satorra-Bentler for ML; adjusted in mean and variance for DWLS.
    cfi, tli, rmsea : float
        Of `chi2` (of the robust statistic for DWLS).
    robust_cfi, robust_tli : float
        Of population misfit that is freed of the scaling (Brosseau-Liard & Savalei 2014).
    robust_rmsea : Estimate
        The same, with its interval of 90 %, as is usual.
    srmr : float
        Root mean square of what is left of correlations.
    n_subjects, n_parameters : int
        Rows of all groups; free parameters.
    """

    chi2: float
    p_value: float
    df: int
    scaling: float
    robust_chi2: float
    robust_p: float
    cfi: float
    tli: float
    rmsea: float
    robust_cfi: float
    robust_tli: float
    robust_rmsea: Estimate
    srmr: float
    n_subjects: int
    n_parameters: int


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A chi squared, its degrees of freedom, and what it has for its mean per degree."""

    chi2: float
    df: int
    scaling: float = 1.0

    @property
    def excess(self) -> float:
        """Chi squared beyond what chance gives."""
        return max(self.chi2 - self.scaling * self.df, 0.0)


def indices(model: Misfit, baseline: Misfit) -> tuple[float, float]:
    """CFI and TLI of a model against one in which nothing is correlated."""
    worst = max(model.excess, baseline.excess)
    cfi = 1 - model.excess / worst if worst > 0 else 1.0
    if not model.df:
        return cfi, 1.0
    per, base = model.chi2 / model.df - model.scaling, baseline.chi2 / baseline.df - baseline.scaling
    return cfi, 1 - per / base if base > 0 else 1.0


def rmsea(model: Misfit, n: int, n_groups: int, target: Target, *, level: float = 0.9) -> Estimate:
    """Misfit per degree of freedom, with its interval by the non-central chi squared.

    Steiger (1998), Struct. Equ. Modeling 5, 411-419, doi:10.1080/10705519809540115, for several groups.
    """
    what = "root mean square error of approximation"
    if not model.df:
        why = "no degrees of freedom: the model fits by construction"
        return Estimate(value=0.0, estimand=what, target=target, n_units=n, interval_method="none", warnings=(why,))
    scaled = model.chi2 / model.scaling

    def at(tail: float) -> float:
        """Non-centrality under which a chi squared this small has this chance."""
        if special.chdtr(model.df, scaled) <= tail:
            return 0.0
        high = 2 * scaled + 100.0
        return float(optimize.brentq(lambda nc: special.chndtr(scaled, model.df, nc) - tail, 0.0, high, xtol=1e-8))

    def per(excess: float) -> float:
        return float(np.sqrt(n_groups * model.scaling * excess / (n * model.df)))

    return Estimate(
        value=per(max(scaled - model.df, 0.0)),
        interval=(per(at((1 + level) / 2)), per(at((1 - level) / 2))),
        level=level,
        interval_method="non-central chi squared",
        estimand=what,
        target=target,
        n_units=n,
    )


def ml_fit(found: Fitted, groups: Sequence[Moments], target: Target) -> ModelFit:
    """Fit of a model by maximum likelihood."""
    n, (p, k) = sum(group.n for group in groups), (len(groups[0].mean), len(groups))
    df = k * (p * (p + 1) // 2 + p) - found.layout.n_parameters
    scaling = found.scaling / df if df else 1.0
    chi2 = n * max(found.misfit, 0.0)
    base, spread = 0.0, 0.0
    for group in groups:
        scale = np.sqrt(np.diag(group.covariance))
        correlation = group.covariance / np.outer(scale, scale)
        base -= group.n * float(np.linalg.slogdet(correlation)[1])
        y = group.deviations / scale
        products = (y**2).T @ y**2 / group.n - correlation**2
        spread += float(np.triu(products, 1).sum())
    base_df = k * p * (p - 1) // 2
    plain, baseline = Misfit(chi2=chi2, df=df), Misfit(chi2=base, df=base_df)
    robust, robust_base = (
        Misfit(chi2=chi2, df=df, scaling=scaling), Misfit(chi2=base, df=base_df, scaling=spread / base_df)
    )  # fmt: skip
    cfi, tli = indices(plain, baseline)
    robust_cfi, robust_tli = indices(robust, robust_base)
    return ModelFit(
        chi2=chi2, p_value=tail(df, chi2), df=df, scaling=scaling, robust_chi2=chi2 / scaling,
        robust_p=tail(df, chi2 / scaling), cfi=cfi, tli=tli, rmsea=rmsea(plain, n, k, target).value,
        robust_cfi=robust_cfi, robust_tli=robust_tli, robust_rmsea=rmsea(robust, n, k, target),
        srmr=float(np.sqrt(sum(group.n / n * _left(group.covariance, implied(found.layout, found.theta, g))
                               for g, group in enumerate(groups)))),
        n_subjects=n, n_parameters=found.layout.n_parameters,
    )  # fmt: skip


def tail(df: int, chi2: float) -> float:
    """Chance of a chi squared at least so large; 1 without degrees of freedom."""
    return float(special.chdtrc(df, max(chi2, 0.0))) if df else 1.0


def _left(seen: Floats, fitted: Floats) -> float:
    """Mean square of what is left of correlations, the diagonal among them."""
    scale = np.sqrt(np.diag(seen))
    return float((((seen - fitted) / np.outer(scale, scale))[np.tril_indices(len(seen))] ** 2).mean())

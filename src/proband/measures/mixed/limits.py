"""Limits of variances, and of ratios of them, by the profile of the likelihood."""

import math

import numpy as np

from proband.measures.arrays import Floats
from proband.measures.mixed.likelihood import Condition, Likelihood, Maximum, maximum, profile_limit, quantile

_SURE = 0.1  # standard error of a logarithm below which its profile is that of a normal one
_ENOUGH = 1e-3  # of the deviance; what is left moves a limit by less than a thousandth of a standard error
_FAR = 12.0  # on the logarithm: nobody waits for an upper limit 160,000 times the estimate

_UNKNOWN = 1e6  # variance of a logarithm

Limits = tuple[float, float]


class Profile:
    """Limits about one maximum; `is_normal` takes the normal interval of the logarithm throughout."""

    def __init__(self, model: Likelihood, best: Maximum, *, level: float, is_normal: bool = False) -> None:
        self.model, self.best, self.is_normal = model, best, is_normal
        self.wanted = quantile(level)
        inside = best.variances > 1.001 * model.floor
        self.covariance = np.zeros_like(best.point.information)
        # The deviance is twice a log likelihood, so its information is twice that of the variances.
        # Inverted for logarithms: variances of very different sizes would leave one of them out of a pseudo-inverse.
        size = np.outer(best.variances[inside], best.variances[inside])
        information = best.point.information[np.ix_(inside, inside)] * size
        found = 2 * np.linalg.pinv(information)
        # Of what the information tells nothing, a pseudo-inverse says that all is known; the profile shall say.
        own = np.diagonal(information)
        np.fill_diagonal(found, np.where(own > 1e-12 * own.max(initial=0.0), np.diagonal(found), _UNKNOWN))
        self.covariance[np.ix_(inside, inside)] = found * size

    def of_variance(self, k: int) -> tuple[Limits | None, str]:
        """Limits of one variance."""
        own = self.best.variances[k]
        others = np.delete(np.arange(len(self.best.variances)), k)

        def condition(value: float) -> Condition:
            base = np.zeros(len(self.best.variances))
            base[k] = value
            return base, np.eye(len(self.best.variances))[:, others]

        se = math.sqrt(max(self.covariance[k, k], 0.0)) / own
        alone = math.sqrt(2 / max(self.best.point.information[k, k], 1e-300))
        return self._limits(own, se, alone, condition, self.best.variances[others])

    def of_ratio(self, k: int, weights: Floats, constant: float = 0.0) -> tuple[Limits | None, str]:
        """Limits of a variance over a weighted sum of others, in which it has no part, and a constant."""
        variances = self.best.variances
        error = float(variances @ weights) + constant
        others = np.delete(np.arange(len(variances)), k)

        def condition(value: float) -> Condition:
            turn = np.eye(len(variances))[:, others]
            turn[k] = value * weights[others]
            base = np.zeros(len(variances))
            base[k] = value * constant
            return base, turn

        slope = -weights / error
        slope[k] = 1 / variances[k]
        se = math.sqrt(max(float(slope @ self.covariance @ slope), 0.0))
        alone = math.sqrt(2 / max(self.best.point.information[k, k], 1e-300)) / error
        return self._limits(variances[k] / error, se, alone, condition, variances[others])

    def _limits(self, own: float, se: float, alone: float, condition, start: Floats) -> tuple[Limits | None, str]:  # type: ignore[no-untyped-def]
        is_zero = se == 0
        if not is_zero and (self.is_normal or se < _SURE):
            if self.wanted * se > _FAR:
                return None, "none: the logarithm is known to nothing; too few levels or answers"
            reach = math.exp(self.wanted * se)
            return (float(own / reach), float(own * reach)), "normal on the logarithm, average information"
        if self.is_normal:
            # Half of a normal distribution about 0: all that is known of what is at 0 without a profile.
            return (0.0, self.wanted * alone), "normal from 0, average information"
        lowest, nearest = self.best.point.deviance, start

        def deviance(logarithm: float) -> float:
            nonlocal nearest
            found = maximum(self.model, nearest, condition(math.exp(logarithm)), enough=_ENOUGH)
            nearest = found.free
            return found.point.deviance

        centre = math.log(own)
        guess = math.log(self.wanted * alone) if is_zero else centre + self.wanted * min(se, 1.5)
        end = math.log(self.model.floor * own / self.best.variances.max()) if not is_zero else centre
        upper = profile_limit(deviance, lowest, guess - 8 if is_zero else centre, guess, self.wanted, guess + _FAR)
        lower = None
        if not is_zero:
            nearest = start
            lower = profile_limit(
                deviance, lowest, centre, centre - self.wanted * min(se, 1.5), self.wanted, min(end, centre - 3)
            )
        how = "profile of the restricted likelihood"
        if upper is None:
            return None, f"none: {how} never ends above; too few levels"
        return (0.0 if lower is None else math.exp(lower), math.exp(upper)), how

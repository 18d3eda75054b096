"""Mixed logistic models by Laplace's approximation: answers of 0 and 1, or right and wrong."""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from proband.measures.arrays import Floats
from proband.measures.mixed.equations import Equations, Factor
from proband.measures.mixed.likelihood import Point, information_of, spread

_MOST_STEPS = 60
_STEP = 1e-3  # of a variance, for the slope of the deviance
_LEAST = 1e-10  # weight of an answer that is all but certain


@dataclass
class Logistic:
    """Answers of 0 and 1: variances of every effect on the scale of log odds, where the rest is pi^2 / 3.

    The effects are integrated out about their joint best guess, found by penalised iteratively reweighted least
    squares. With `is_restricted` the fixed effects are too, as in REML; without, the deviance is that of lme4's glmer
    with ``nAGQ = 0``.

    References
    ----------
    Breslow & Clayton (1993), J. Am. Stat. Assoc. 88, 9-25. doi:10.1080/01621459.1993.10594284
    Bates, Maechler, Bolker & Walker (2015), J. Stat. Softw. 67(1). doi:10.18637/jss.v067.i01
    """

    equations: Equations
    y: Floats
    is_restricted: bool = True
    floor: float = 1e-4  # of log odds squared: an effect of .01
    enough: float = 1e-4
    _guess: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._guess = np.full(self.equations.n_rows, special.logit(self.y.mean()))

    def at(self, variances: Floats) -> Point:
        """Deviance at these variances, its slope by differences, and the average information of the last fit.

        For a small step of a variance the best guess of the effects moves along a line that the factor at hand knows,
        so that each difference takes one more factor, of the new weights, and no fit of its own.
        """
        factor, solution, residual, deviance = self._fit(variances)
        sums = self.equations.totals(residual[:, None])
        information = information_of(factor, spread(self.equations, sums))
        p = self.equations.n_fixed
        guesses = solution[1][len(solution[1]) - p :, 0]
        covariance = factor.traces()[1]
        kept, slope = self._guess, np.empty(len(variances))
        steps = np.maximum(_STEP * variances, self.floor)
        moved = factor.solve(*self._pull(solution, 1 / variances - 1 / (variances + steps)))
        shifts = factor.fitted(moved)
        for k, step in enumerate(steps):
            ahead = variances.copy()
            ahead[k] += step
            eta = kept + shifts[:, k]
            effects = solution[0] + moved[0][:, [k]], solution[1] + moved[1][:, [k]]
            mean = special.expit(eta)
            self.equations.weigh(np.maximum(mean * (1 - mean), _LEAST))
            found = self._penalised(eta, effects, ahead) + self._determinant(self.equations.factor(ahead))
            slope[k] = (found - deviance) / step
        return Point(deviance, slope, information, (guesses, covariance))

    def _pull(self, effects: tuple[Floats, Floats], factors: Floats) -> tuple[Floats, Floats]:
        """What pulls on the effects where their own variance, one a column, grows: these times a factor."""
        place, each = self.equations.place, np.arange(len(factors))
        inner = effects[0] * np.where(each == place.inner, factors, 0.0)
        return inner, effects[1] * np.where(place.owner[:, None] == each, factors, 0.0)

    def _determinant(self, factor: Factor) -> float:
        return factor.log_determinant - (0.0 if self.is_restricted else factor.log_determinant_fixed)

    def _fit(self, variances: Floats) -> tuple[Factor, tuple[Floats, Floats], Floats, float]:
        equations, eta = self.equations, self._guess
        penalised, previous = math.inf, None
        for _ in range(_MOST_STEPS):
            mean = special.expit(eta)
            weight = np.maximum(mean * (1 - mean), _LEAST)
            equations.weigh(weight)
            factor = equations.factor(variances)
            working = eta + (self.y - mean) / weight
            solution = factor.solve(*equations.totals(working[:, None]))
            eta = factor.fitted(solution)[:, 0]
            now = self._penalised(eta, solution, variances)
            while previous is not None and now > penalised + 1e-6:
                eta = (eta + previous[0]) / 2
                solution = tuple((a + b) / 2 for a, b in zip(solution, previous[1], strict=True))  # type: ignore[assignment]
                now = self._penalised(eta, solution, variances)
            gained, penalised, previous = penalised - now, now, (eta, solution)
            if gained < 1e-6:
                break
        self._guess = eta
        return factor, solution, working - eta, penalised + self._determinant(factor)

    def _penalised(self, eta: Floats, solution: tuple[Floats, Floats], variances: Floats) -> float:
        wrong = np.where(self.y > 0.5, -eta, eta)
        squares = self.equations.sums(solution[0][:, 0] ** 2, solution[1][:, 0] ** 2)
        return 2 * float(np.logaddexp(0.0, wrong).sum()) + float((squares / variances).sum())

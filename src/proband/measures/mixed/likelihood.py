"""Restricted likelihood of variance components: its maximum, also under a linear condition, and its profile."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from scipy import special

from proband.measures.arrays import Floats
from proband.measures.mixed.equations import Equations, Factor

_MOST_STEPS = 100
_MOST_CREEPING = 3


@dataclass(frozen=True, slots=True)
class Point:
    """Deviance at some variances, its slope, the average information (of the deviance), and what solves there.

    `effects`: best guesses of the fixed effects and their covariance.
    """

    deviance: float
    slope: Floats
    information: Floats
    effects: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood is highest: free parameters, variances they give, and whether that was reached."""

    free: Floats
    variances: Floats
    point: Point
    is_reached: bool
    n_steps: int


@dataclass(frozen=True)
class Linear:
    """Answers that are numbers: variances of every effect, and of the rest, which comes last."""

    equations: Equations
    y: Floats
    totals: tuple[Floats, Floats] = field(init=False)
    floor: float = field(init=False)
    enough: float = 1e-7

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", self.equations.totals(self.y[:, None]))
        object.__setattr__(self, "floor", 1e-7 * float(self.y.var()))

    def at(self, variances: Floats) -> Point:
        """Deviance (-2 log restricted likelihood) and its derivatives at these variances."""
        equations, rest = self.equations, float(variances[-1])
        factor = equations.factor(variances[:-1] / rest)
        solution = factor.solve(*self.totals)
        residual = self.y - factor.fitted(solution)[:, 0]
        p = equations.n_fixed
        free = equations.n_rows - p
        square = float(self.y @ residual) / rest
        deviance = free * math.log(2 * math.pi * rest) + factor.log_determinant + square
        traces, fixed = factor.traces()
        gained = np.array(equations.levels) - traces
        slope = np.append(gained / variances[:-1], (free - gained.sum()) / rest)
        sums = equations.totals(residual[:, None] / rest)
        slope -= np.append(equations.sums(sums[0][:, 0] ** 2, sums[1][:, 0] ** 2), residual @ residual / rest**2)
        moves = np.column_stack([spread(equations, sums), residual / rest])
        information = information_of(factor, moves) / rest
        places = slice(len(solution[1]) - p, None)
        return Point(deviance, slope, information, (solution[1][places, 0], fixed * rest))


def spread(equations: Equations, sums: tuple[Floats, Floats]) -> Floats:
    """Sums over the levels of each effect, given back to rows: where its variance moves the answers."""
    return np.column_stack([equations.of_effect(f, *sums)[:, 0] for f in range(len(equations.levels))])


def information_of(factor: Factor, moves: Floats) -> Floats:
    """Average information: products of moves with what the model does not explain of them."""
    unexplained = moves - factor.fitted(factor.solve(*factor.equations.totals(moves)))
    weights = factor.equations.weights
    found = moves.T @ (unexplained if weights is None else weights[:, None] * unexplained)
    return np.asarray((found + found.T) / 2)


Condition = tuple[Floats, Floats]  # variances are the first plus the second times the free parameters


class Likelihood(Protocol):
    """What can be maximised.

    `floor`: a variance that no deviance tells from 0. `enough`: a fall of the deviance that does not count.
    """

    @property
    def floor(self) -> float:
        """Variance that is 0."""

    @property
    def enough(self) -> float:
        """Fall that does not count."""

    def at(self, variances: Floats) -> Point:
        """Deviance and derivatives."""


def maximum(
    model: Likelihood, start: Floats, condition: Condition | None = None, *, enough: float | None = None
) -> Maximum:
    """Highest likelihood over parameters above 0, by Newton steps on their logarithms with the average information.

    `start`: the free parameters; all variances without a `condition`. `enough`: as the model's, if other. A parameter
    that the likelihood wants below 0 stays at the floor. `is_reached` is False where 100 steps did not do, or no step
    leads up though the slope says so.

    References
    ----------
    Gilmour, Thompson & Cullis (1995), Biometrics 51, 1440-1450. doi:10.2307/2533274
    """
    enough = model.enough if enough is None else enough
    base, turn = condition or (np.zeros(len(start)), np.eye(len(start)))
    free = np.maximum(start, model.floor)
    point = model.at(base + turn @ free)
    crept = 0
    for step in range(_MOST_STEPS):
        slope, information = turn.T @ point.slope, turn.T @ point.information @ turn
        moves = ~((free <= model.floor * 1.001) & (slope > 0))
        if not moves.any():
            return Maximum(free, base + turn @ free, point, True, step)
        down = slope[moves] * free[moves]
        wanted = _step(information[np.ix_(moves, moves)] * np.outer(free[moves], free[moves]), down)
        gain = -float(down @ wanted)
        if 0 <= gain < enough:
            return Maximum(free, base + turn @ free, point, True, step)
        shrunk = 1.0
        while True:
            trial = free.copy()
            trial[moves] = np.maximum(free[moves] * np.exp(shrunk * wanted), model.floor)
            found = model.at(base + turn @ trial)
            if found.deviance <= point.deviance + enough / 10:
                break
            shrunk /= 3
            if shrunk < 1e-4:
                return Maximum(free, base + turn @ free, point, gain < 100 * enough, step)
        # Under a condition the steps may creep along a ridge of effects near 0, which moves no limit.
        crept = crept + 1 if point.deviance - found.deviance < enough / 10 else 0
        free, point = trial, found
        if condition is not None and crept == _MOST_CREEPING:
            return Maximum(free, base + turn @ free, point, True, step)
    return Maximum(free, base + turn @ free, point, False, _MOST_STEPS)


def _step(information: Floats, down: Floats) -> Floats:
    """Newton's step on logarithms, where it cannot lead below 0; none is longer than a factor of 20 down or 7 up."""
    # In units of each parameter's own information, so that one near 0 is not lost beside the others.
    unit = np.sqrt(np.maximum(np.diagonal(information), 1e-300))
    scaled, right = information / np.outer(unit, unit), -down / unit
    wanted = np.linalg.lstsq(scaled, right, rcond=1e-10)[0]
    is_short = (wanted / unit < -3.0) | (wanted / unit > 2.0)
    wanted = np.clip(wanted / unit, -3.0, 2.0) * unit
    if is_short.any() and not is_short.all():
        # The others step as far as goes with the shortened ones, not with what these had wanted.
        left = right[~is_short] - scaled[np.ix_(~is_short, is_short)] @ wanted[is_short]
        wanted[~is_short] = np.linalg.lstsq(scaled[np.ix_(~is_short, ~is_short)], left, rcond=1e-10)[0]
    found: Floats = np.clip(wanted / unit, -3.0, 2.0)
    return found


def profile_limit(
    deviance: Callable[[float], float], lowest: float, inner: float, first: float, wanted: float, end: float
) -> float | None:
    """Where the deviance, all else at its best, has risen by the square of `wanted`.

    `deviance`: of a number, on a scale where it is nearly normal. `lowest`: the deviance at its best. `inner`: a place
    that has not risen so far, e.g. the best one. `first`: a guess. `end`: beyond it nothing is looked for, and None
    is given back. The signed root of the rise is nearly straight, so a few secant steps do.

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015), J. Stat. Softw. 67(1), sec. 5.1. doi:10.18637/jss.v067.i01
    """
    near, far, x = (inner, 0.0), (math.nan, math.inf), first
    for _ in range(30):
        x = min(x, end) if first > inner else max(x, end)
        root = math.sqrt(max(deviance(x) - lowest, 0.0))
        if abs(root - wanted) < 0.01:
            break
        if root > wanted:
            far = (x, root)
        elif x == end:
            return None
        else:
            near = (x, root)
        if math.isinf(far[1]):
            x = inner + (x - inner) * min(max(wanted / max(root, 1e-3), 1.1), 3.0)
        else:
            x = near[0] + min(max((wanted - near[1]) / (far[1] - near[1]), 0.05), 0.95) * (far[0] - near[0])
    return x


def quantile(level: float) -> float:
    """Of the normal distribution, for an interval of this level."""
    return float(special.ndtri((1 + level) / 2))

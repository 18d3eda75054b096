"""Multilevel regression and poststratification (MRP): cells of a population estimated from like cells."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from proband.errors import DataError, MissingDataError
from proband.estimates import Estimate
from proband.measures.arrays import Floats, finite
from proband.measures.correction.estimates import FEWEST_LABELS
from proband.measures.correction.samples import Codes
from proband.measures.correction.tuning import solve
from proband.weighting.raking import Code

_NEWTON_STEPS = 60
_FEW_OF_A_LEVEL = 50
_FLAT = 1e-4  # prior precision of intercept and slopes, on standardised answers
_SCALES = 50  # draws of the standard deviations, each with as many draws of the coefficients
_DRAWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MrpEstimate(Estimate):
    """A population mean from a multilevel regression over the population's cells.

    - `by_group`: column -> level -> its mean in the population.
    - `cells` (n_cells,): mean of each cell, in the order of the table.
    - `spreads`: column -> standard deviation of its levels, on the scale of log odds (0/1) or of the answers.
    """

    by_group: Mapping[str, Mapping[Code, Estimate]]
    cells: Floats
    spreads: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The regression's data: what is known of the sample in each cell that has somebody, and of all cells.

    `x` (n_seen, p), `all_x` (n_cells, p): intercept, slopes, and an indicator for every level; `column` (p,): which
    standard deviation a coefficient has, -1 where it has none. `n`, `mean` (n_seen,): people and their mean answer;
    `within`: sum of squares within cells.
    """

    x: Floats
    all_x: Floats
    column: Codes
    n: Floats
    mean: Floats
    within: float
    is_binary: bool

    @property
    def n_scales(self) -> int:
        """Standard deviations to find: one a column, and that of single answers where these are no 0 and 1."""
        return int(self.column.max()) + 1 + (not self.is_binary)


def mrp_mean(
    answers: ArrayLike,
    columns: Mapping[str, Sequence[Code]],
    *,
    cells: Mapping[str, Sequence[Code]],
    sizes: ArrayLike,
    covariates: Sequence[str] = (),
    rng: np.random.Generator | None = None,
    level: float = 0.95,
) -> MrpEstimate:
    """Population mean or share by multilevel regression and poststratification.

    A logistic (0/1 answers) or linear regression with an effect for every level of every column, drawn towards 0 as far
    as the levels of its column are alike, predicts the mean of each cell of the population; cells are added up by their
    sizes. Small and empty cells borrow from like ones, where `poststratify` and `calibrated_mean` have nothing, or
    large weights.

    Standard deviations are found by Laplace's approximation of the marginal likelihood, with a half-normal prior of
    scale 1 (in log odds, or in standard deviations of the answers). The interval holds the middle draws of the
    coefficients given the standard deviations, and of these.

    When not to use it: where cells differ in ways that no column tells. Interactions must be given, as a column whose
    levels are combinations. Predictions of a model may be a covariate of the cells; they are no answers.

    Parameters
    ----------
    answers : array_like, shape (n,)
        Human answers; 0 and 1 for a share.
    columns : mapping of str to sequence, each of shape (n,)
        Levels of each person.
    cells : mapping of str to sequence, each of shape (n_cells,)
        The same columns for the cells of the population.
    sizes : array_like, shape (n_cells,)
        People or share of the population in each cell; only their ratios count.
    covariates : sequence of str
        Columns that are numbers, with a slope instead of levels; one value a cell.
    rng : numpy Generator, optional
        Of the draws; default one with seed 1.
    level : float
        Confidence level.

    Returns
    -------
    MrpEstimate
        Without interval below 10 people.

    Raises
    ------
    DataError, MissingDataError
        If people are in a level that no cell has, a column is missing, sizes are negative or all 0, or lengths differ.

    References
    ----------
    Gelman & Little (1997), Survey Methodology 23, 127-135.
    Park, Gelman & Bafumi (2004), Political Analysis 12, 375-385. doi:10.1093/pan/mph024

    Examples
    --------
    >>> votes = [1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1]
    >>> people = {"age": ["old"] * 8 + ["young"] * 4, "sex": ["f", "m"] * 6}
    >>> table = {"age": ["old", "old", "young", "young"], "sex": ["f", "m", "f", "m"]}
    >>> found = mrp_mean(votes, people, cells=table, sizes=[30, 20, 30, 20])
    >>> 0.5 < found.value < 0.7, sorted(found.by_group)
    (True, ['age', 'sex'])
    """
    y = finite(answers, "answers")
    share, names = _sizes(cells, sizes), [name for name in cells if name not in covariates]
    data, levels, scale = _read(y, columns, cells, names, covariates)
    tau, spread = _scales(data)
    rng = np.random.default_rng(1) if rng is None else rng
    drawn = _drawn(data, tau, spread, rng) * scale[1] + scale[0]
    central = _predicted(data, _coefficients(data, tau)[0]) * scale[1] + scale[0]
    few = y.size < FEWEST_LABELS

    def estimate(weights: Floats, estimand: str, n: int) -> Estimate:
        draws = drawn @ weights
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]).tolist()
        said = f"{y.size} people: below {FEWEST_LABELS} no interval is given; ask more people"
        return Estimate(
            value=float(draws.mean()),
            se=float(draws.std(ddof=1)),
            interval=None if few else (low, high),
            level=level,
            interval_method="none: too few people" if few else "MRP, draws of coefficients and spreads",
            estimand=estimand,
            target="human",
            n_units=n,
            assumptions=(
                "in a cell, people who answered are like those who did not",
                "cells differ by their columns only",
            ),
            warnings=(said,) if few else (),
        )

    groups: dict[str, dict[Code, Estimate]] = {}
    for name in names:
        groups[name] = {}
        for code, of_level in levels[name].items():
            inside = share * (np.array([levels[name][v] for v in _plain(cells[name])]) == of_level)
            n = sum(levels[name].get(v) == of_level for v in _plain(columns[name]))
            if inside.sum() > 0:
                found = estimate(inside / inside.sum(), f"mean of the answers where {name} is {code}", n)
                said = f"{n} people of this level: it is drawn to the others, and its interval may be too short"
                lean = (said,) if n < _FEW_OF_A_LEVEL and found.interval else ()
                groups[name][code] = replace(found, warnings=(*found.warnings, *lean))
    whole = estimate(share, "mean of the answers in a population of these cells", y.size)
    unit = scale[1] if not data.is_binary else 1.0
    return MrpEstimate(
        **{name: getattr(whole, name) for name in Estimate.__dataclass_fields__}
        | {"baselines": {"unadjusted": float(y.mean())}},
        by_group=groups,
        cells=central,
        spreads={name: float(math.exp(tau[k]) * unit) for k, name in enumerate(names)},
    )


def _plain(column: Sequence[Code]) -> list[Code]:
    as_list = getattr(column, "tolist", None) or getattr(column, "to_list", None)
    return list(as_list() if as_list else column)


def _sizes(cells: Mapping[str, Sequence[Code]], sizes: ArrayLike) -> Floats:
    size = finite(sizes, "sizes of cells")
    if not cells:
        raise DataError("cells without columns: give the columns by which the population is known")
    for name, column in cells.items():
        if len(column) != size.size:
            raise DataError(f"cells: column {name!r} has {len(column)} values for {size.size} sizes; give one a cell")
    if (size < 0).any() or not size.any():
        raise DataError("sizes of cells are 0 or more, and not all 0; give people or shares")
    found: Floats = size / size.sum()
    return found


def _read(
    y: Floats,
    columns: Mapping[str, Sequence[Code]],
    cells: Mapping[str, Sequence[Code]],
    names: Sequence[str],
    covariates: Sequence[str],
) -> tuple[Cells, dict[str, dict[Code, int]], tuple[float, float]]:
    """Data by cell, levels by column, and mean and spread that answers were standardised by."""
    for name in (*cells, *covariates):
        if name not in columns or name not in cells:
            raise DataError(
                f"column {name!r} is not there for {'people' if name in cells else 'the cells'}; give it for both"
            )
        if len(columns[name]) != y.size:
            raise DataError(f"column {name!r} has {len(columns[name])} values for {y.size} answers; give one a person")
        if lost := sum(v is None or v != v for v in _plain(columns[name])):
            raise MissingDataError(f"{lost} people have no {name!r}; leave them out and report how many")
    levels: dict[str, dict[Code, int]] = {}
    for name in names:
        levels[name] = {}
        for code in _plain(cells[name]):
            levels[name].setdefault(code, len(levels[name]))
        if strange := {v for v in _plain(columns[name]) if v not in levels[name]}:
            raise DataError(f"people have {name!r} = {min(strange, key=str)!r}, which no cell has; add it or drop them")
    is_binary = bool(np.isin(y, (0.0, 1.0)).all())
    centre, spread = (0.0, 1.0) if is_binary else (float(y.mean()), float(y.std(ddof=1)) or 1.0)
    numbers = {name: finite(cells[name], f"covariate {name!r}") for name in covariates}

    def design(table: Mapping[str, Sequence[Code]], n: int) -> Floats:
        parts = [np.ones((n, 1))]
        for name, known in numbers.items():
            column = finite(table[name], f"covariate {name!r}")
            parts.append(((column - known.mean()) / (known.std() or 1.0))[:, None])
        for name in names:
            code = np.array([levels[name][v] for v in _plain(table[name])])
            parts.append((code[:, None] == np.arange(len(levels[name]))).astype(np.float64))
        return np.concatenate(parts, axis=1)

    rows = design(columns, y.size)
    x, cell = np.unique(rows, axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    n = np.bincount(cell).astype(np.float64)
    standard = (y - centre) / spread
    mean = np.bincount(cell, weights=standard) / n
    column = np.repeat([-1, *range(len(names))], [1 + len(numbers), *(len(levels[name]) for name in names)])
    within = float(((standard - mean[cell]) ** 2).sum())
    all_x = design(cells, len(next(iter(cells.values()))))
    data = Cells(x=x, all_x=all_x, column=column, n=n, mean=mean, within=within, is_binary=is_binary)
    return data, levels, (centre, spread)


def _precision(data: Cells, tau: Floats) -> Floats:
    """Prior precision of each coefficient."""
    of_level = np.exp(-2 * tau[np.maximum(data.column, 0)])
    found: Floats = np.where(data.column < 0, _FLAT, of_level)
    return found


def _coefficients(data: Cells, tau: Floats) -> tuple[Floats, Floats, float]:
    """Posterior mode of coefficients given the standard deviations, its curvature, the log marginal likelihood."""
    prior, x, n = _precision(data, tau), data.x, data.n
    half_log_prior = 0.5 * float(np.log(prior).sum())
    if not data.is_binary:
        noise = math.exp(-2 * tau[-1])
        curve = (x * (n * noise)[:, None]).T @ x + np.diag(prior)
        beta = solve(curve, x.T @ (n * noise * data.mean))
        squares = data.within + float(n @ (data.mean - x @ beta) ** 2)
        loss = 0.5 * (noise * squares + float(prior @ beta**2)) + float(n.sum() * tau[-1])
        return beta, curve, half_log_prior - loss - 0.5 * float(np.linalg.slogdet(curve)[1])
    beta = np.zeros(x.shape[1])
    ones = n * data.mean

    def lost(at: Floats) -> float:
        eta = x @ at
        return float(n @ np.logaddexp(0, eta) - ones @ eta) + 0.5 * float(prior @ at**2)

    now = lost(beta)
    for _ in range(_NEWTON_STEPS):
        mu = special.expit(x @ beta)
        curve = (x * (n * mu * (1 - mu))[:, None]).T @ x + np.diag(prior)
        step = np.linalg.solve(curve, x.T @ (ones - n * mu) - prior * beta)
        length = 1.0
        while length > 1e-4 and not lost(beta + length * step) <= now + 1e-12:
            length /= 2
        beta = beta + length * step
        now = lost(beta)
        if np.abs(step).max() < 1e-8:
            break
    return beta, curve, half_log_prior - now - 0.5 * float(np.linalg.slogdet(curve)[1])


def _scales(data: Cells) -> tuple[Floats, Floats]:
    """Logs of the standard deviations at the mode of their posterior, and the covariance of that."""
    n_columns = int(data.column.max()) + 1

    def objective(tau: Floats) -> float:
        # Half-normal in the standard deviation; on the log scale that keeps the mode away from 0.
        of_columns = tau[:n_columns]
        prior = float((of_columns - 0.5 * np.exp(2 * of_columns)).sum())
        return -_coefficients(data, tau)[2] - prior

    start = np.full(data.n_scales, math.log(0.5))
    if not data.is_binary:
        start[-1] = 0.0
    limits = [(-4.0, 1.5)] * n_columns + [(-8.0, 3.0)] * (data.n_scales - n_columns)
    tau = optimize.minimize(objective, start, method="L-BFGS-B", bounds=limits).x
    step = 0.05 * np.eye(tau.size)
    curve = np.array(
        [
            [
                (objective(tau + a + b) - objective(tau + a - b) - objective(tau - a + b) + objective(tau - a - b))
                / 0.01
                for b in step
            ]
            for a in step
        ]
    )
    # Where the likelihood says nothing, the prior's own curvature is all there is.
    values, vectors = np.linalg.eigh((curve + curve.T) / 2)
    return tau, (vectors / np.maximum(values, 0.5)) @ vectors.T


def _predicted(data: Cells, beta: Floats) -> Floats:
    eta: Floats = data.all_x @ beta
    return special.expit(eta) if data.is_binary else eta


def _drawn(data: Cells, tau: Floats, spread: Floats, rng: np.random.Generator) -> Floats:
    """Draws of the cells' means, shape (n_draws, n_cells); in pairs around the mode, which halves their noise."""
    found = []
    half = rng.multivariate_normal(np.zeros(tau.size), spread, size=_SCALES // 2)
    for move in (*half, *-half):
        beta, curve, _ = _coefficients(data, np.clip(tau + move, -5.0, 2.0))
        z = rng.standard_normal((_DRAWS // 2, beta.size))
        moved = np.linalg.solve(np.linalg.cholesky(curve).T, z.T).T
        found += [_predicted(data, beta + part) for part in (*moved, *-moved)]
    return np.array(found)

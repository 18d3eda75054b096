"""Whether a regression on a model's answers finds what it finds on people's."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Bools, Floats, rank, units_of
from proband.measures.experiments.regression import clustered_regression, determined_alone, on_one, rests_on_one
from proband.measures.surveys.design import sums_by

_LEVEL = 0.95
_FEW_DF = 20
_NO_SLOPES = ("undefined: no slopes",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """One coefficient on both sides, and the model's minus people's."""

    name: str
    human: Estimate
    model: Estimate
    difference: Estimate


@dataclass(frozen=True, kw_only=True)
class CoefficientFidelity:
    """What `coefficient_fidelity` found.

    - `coefficients`: in the order of the formula, the intercept included.
    - `joint`: Wald statistic over its degrees of freedom for "all slopes are equal", with its F test; the intercept
      is left out.
    - `sign_agreement`: share of slopes with the same sign; baseline ``significant`` among those whose human interval
      excludes 0.
    - `rmse`: root mean square difference of the slopes; baselines ``no_effect`` (all of the model's 0) and the
      ``noise_floor`` (people's standard errors alone).
    - `n_human`, `n_model`, `n_shared`: rows on each side; subjects on both.
    """

    coefficients: tuple[Coefficient, ...]
    joint: Estimate
    sign_agreement: Estimate
    rmse: Estimate
    n_human: int
    n_model: int
    n_shared: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Fit:
    names: list[str]
    beta: Floats
    influence: Floats  # (n_rows, n_coefficients), summing to the deviation of beta
    subjects: list[object]
    df: Floats  # (n_coefficients,)
    alone: Bools  # (n_coefficients,): those that one row or subject determines, so that no error is seen
    rounding: Floats  # (n_coefficients,): standard errors that are no more than what rounding leaves
    n_clusters: int | None  # where several rows are of one subject

    @property
    def n(self) -> int:
        return len(self.subjects)


def coefficient_fidelity(
    formula: str, human: Any, model: Any, *, subjects: str = "", weights: str = ""
) -> CoefficientFidelity:
    """Fit the same linear regression to people's answers and a model's, and compare the coefficients.

    Levels of a factor are taken from both sides together, so that both fits have the same columns. A model's
    rows are as many as one asks for: its standard errors say nothing about people. Equal coefficients do not
    mean equal answers: a model can be right in its slopes and wrong in its shares. Not for outcomes that are
    0 and 1 with probabilities near the ends, where slopes of a linear model depend on the base rate.

    Parameters
    ----------
    formula : str
        As in statsmodels and R, e.g. ``trust ~ age + C(party)``.
    human, model : frame, or mapping of columns
        Rows with the variables of the formula.
    subjects : str
        Column on both sides that says whose a row is. Rows of one subject are then a cluster, and the covariance
        between the two fits is estimated from the subjects on both sides. Without it every row is a subject of its
        own, on one side only.
    weights : str
        Column on both sides that weights the fits.

    Returns
    -------
    CoefficientFidelity
        Coefficients with robust standard errors: HC3, or, where a subject has several rows, CR2 with Satterthwaite's
        degrees of freedom; and differences whose errors count that the same subjects stand on both sides.

    Raises
    ------
    DataError, DesignError
        If a variable is missing or has missing values, or a side cannot identify a coefficient; if the formula cannot
        be read.

    References
    ----------
    MacKinnon & White (1985), J. Econometrics 29, 305-325. doi:10.1016/0304-4076(85)90158-7
    Pustejovsky & Tipton (2018), J. Bus. Econ. Stat. 36, 672-683. doi:10.1080/07350015.2016.1247004
    Weesie (1999), Stata Technical Bulletin 52 (seemingly unrelated estimation).

    Examples
    --------
    >>> x = [float(k % 7) for k in range(60)]
    >>> people = {"x": x, "y": [0.5 * v + (k % 5) for k, v in enumerate(x)]}
    >>> answers = {"x": x, "y": [0.9 * v + (k % 3) for k, v in enumerate(x)]}
    >>> found = coefficient_fidelity("y ~ x", people, answers)
    >>> [(c.name, round(c.human.value, 2), round(c.model.value, 2)) for c in found.coefficients][1]
    ('x', 0.5, 0.89)
    """
    fits = _fits(formula, human, model, subjects, weights)
    h, m = fits
    covariances = _joint_covariance(h, m)
    warnings = []
    if (df := float(min(h.df.min(), m.df.min()))) < _FEW_DF:
        warnings.append(f"{df:.1f} degrees of freedom on a side: robust intervals are rough below {_FEW_DF}")
    n_shared = len(set(h.subjects) & set(m.subjects))
    slopes = [k for k, name in enumerate(h.names) if name != "Intercept"]
    return CoefficientFidelity(
        coefficients=tuple(_coefficient(k, h, m, covariances) for k in range(len(h.names))),
        joint=_wald(slopes, h, m, covariances),
        sign_agreement=_signs(slopes, h, m, covariances[0]),
        rmse=_rmse(slopes, h, m, covariances[0]),
        n_human=h.n,
        n_model=m.n,
        n_shared=n_shared,
        warnings=tuple(warnings),
    )


def _fits(formula: str, human: Any, model: Any, subjects: str, weights: str) -> list[_Fit]:
    import pandas as pd  # heavy, and not needed to import proband.measures
    import patsy

    frames = [_frame(side, name) for side, name in ((human, "human"), (model, "model"))]
    shared = [column for column in frames[0].columns if column in frames[1].columns]
    both = pd.concat([frame[shared] for frame in frames], ignore_index=True)
    try:
        y, x = patsy.dmatrices(formula, both, NA_action=patsy.NAAction(NA_types=[]), return_type="dataframe")
    except patsy.PatsyError as error:
        first = str(error).splitlines()[0]
        raise DesignError(
            f"formula {formula!r}: {first}; both sides have the columns {', '.join(map(str, shared)) or 'none'}"
        ) from None
    values, outcome = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if outcome.shape[1] != 1:
        raise DesignError(f"formula {formula!r} has an outcome of {outcome.shape[1]} columns; code it as one number")
    if not (np.isfinite(values).all() and np.isfinite(outcome).all()):
        raise DataError(f"formula {formula!r}: a variable has missing values; leave those rows out on that side")
    cut = len(frames[0])
    for column in filter(None, (subjects, weights)):
        if column not in shared:
            raise DesignError(f"no column {column!r} on both sides; both have {', '.join(map(str, shared)) or 'none'}")
    w = both[weights].to_numpy(dtype=np.float64) if weights else np.ones(len(both))
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise DataError(f"column {weights!r} has values that are missing or not positive; leave those rows out")
    sides = (slice(0, cut), slice(cut, None))
    return [
        _fit(values[part], outcome[part, 0], w[part], list(x.columns), _subjects(frame, k, subjects), who)
        for k, (part, frame, who) in enumerate(zip(sides, frames, ("human", "model"), strict=True))
    ]


def _frame(side: Any, name: str) -> Any:
    import pandas as pd

    if hasattr(side, "to_pandas"):
        side = side.to_pandas()
    found = pd.DataFrame(dict(side)) if isinstance(side, Mapping) else side
    if not isinstance(found, pd.DataFrame):
        raise DataError(f"{name} is a {type(side).__name__}; give a frame or a mapping of columns")
    if not len(found):
        raise DataError(f"{name} has no rows; a comparison with people needs human answers")
    return found


def _subjects(frame: Any, side: int, column: str) -> list[object]:
    """Subject of every row; rows without one are each their own, and on one side only."""
    if column:
        return [str(subject) for subject in frame[column]]
    return [(side, k) for k in range(len(frame))]


def _fit(x: Floats, y: Floats, w: Floats, names: list[str], subjects: list[object], who: str) -> _Fit:
    """Weighted least squares with the influence of HC3, or of CR2 where subjects have several rows."""
    root = np.sqrt(w / w.mean())[:, None]
    n, p = x.shape
    if n <= p or rank(x * root) < p:
        flat = [name for name, column in zip(names, x.T, strict=True) if np.ptp(column) == 0 and name != "Intercept"]
        hint = f" ({', '.join(flat)} does not vary there)" if flat else ""
        raise DataError(f"{who}: {n} rows cannot identify {p} coefficients{hint}; simplify the formula")
    scaled, y_scaled = x * root, y * root[:, 0]
    n_clusters, units = len(set(subjects)), units_of(x)
    rounding = 1e-12 * max(float(np.abs(y).max()), 1e-300) / units
    if n_clusters < n:
        columns = {name: column for name, column in zip(names, scaled.T, strict=True)}
        fit = clustered_regression(y_scaled, columns, cluster=subjects)
        df = np.array([fit.df({name: 1.0}) for name in names])
        alone = np.array([fit[name].interval_method.startswith("none: rests") for name in names])
        return _Fit(names, fit.beta, fit.influence, subjects, df, alone, rounding, n_clusters)
    bread = np.linalg.inv((scaled / units).T @ (scaled / units)) / np.outer(units, units)
    beta = bread @ (scaled.T @ y_scaled)
    leverage = (scaled @ bread * scaled).sum(axis=1)
    residual = (y - x @ beta) / np.maximum(1 - leverage, 1e-10)
    influence = (x * (residual * root[:, 0] ** 2)[:, None]) @ bread
    # A row that determines a coefficient alone has leverage 1 and residual 0: no error can be seen there.
    influence[leverage > 1 - 1e-9] = 0.0
    known = determined_alone(scaled, np.arange(n), bread)
    alone = np.array([rests_on_one(c, known, bread) for c in np.eye(p)])
    return _Fit(names, beta, influence, subjects, np.full(p, float(n - p)), alone, rounding, None)


def _joint_covariance(h: _Fit, m: _Fit) -> tuple[Floats, Floats, Floats]:
    everybody = {s: k for k, s in enumerate(dict.fromkeys([*h.subjects, *m.subjects]))}
    sums = []
    for fit in (h, m):
        code = np.array([everybody[s] for s in fit.subjects], dtype=np.intp)
        sums.append(sums_by(code, fit.influence, len(everybody)))
    return sums[0].T @ sums[0], sums[1].T @ sums[1], sums[0].T @ sums[1]


def _coefficient(k: int, h: _Fit, m: _Fit, covariances: tuple[Floats, Floats, Floats]) -> Coefficient:
    v_h, v_m, c = (float(part[k, k]) for part in covariances)
    name, both = h.names[k], min((h, m), key=lambda fit: (not fit.alone[k], float(fit.df[k])))
    return Coefficient(
        name=name,
        human=_estimate(h.beta[k], v_h, (h, k), f"coefficient of {name} in people", "human"),
        model=_estimate(m.beta[k], v_m, (m, k), f"coefficient of {name} in the model", "model"),
        # The degrees of freedom of the side that has fewer.
        difference=replace(
            _estimate(
                m.beta[k] - h.beta[k],
                v_h + v_m - 2 * c,
                (both, k),
                f"coefficient of {name}, model minus people",
                "human",
            ),
            n_units=h.n,
            n_clusters=h.n_clusters,
        ),
    )


def _estimate(value: float, variance: float, of: tuple[_Fit, int], estimand: str, target: Any) -> Estimate:
    (fit, k), se = of, math.sqrt(max(variance, 0.0))
    df, errors = float(fit.df[k]), "HC3" if fit.n_clusters is None else "CR2"
    reach = float(special.stdtrit(df, (1 + _LEVEL) / 2)) * se
    is_exact = se < fit.rounding[k]
    exact = ("no residual variance: the answers follow the formula exactly",) if is_exact else ()
    found = Estimate(
        value=float(value),
        se=se,
        interval=None if is_exact else (float(value) - reach, float(value) + reach),
        interval_method="none: no variance" if is_exact else f"t with {df:.4g} df, {errors} standard errors",
        estimand=estimand,
        target=target,
        n_units=fit.n,
        n_clusters=fit.n_clusters,
        df=df,
        statistic=None if is_exact else float(value) / se,
        p_value=None if is_exact else float(2 * special.stdtr(df, -abs(float(value)) / se)),
        warnings=exact,
    )
    if not fit.alone[k]:
        return found
    bare = replace(found, se=None, interval=None, df=None, statistic=None, p_value=None, warnings=())
    return on_one(bare, "row" if fit.n_clusters is None else "subject")


def _wald(slopes: list[int], h: _Fit, m: _Fit, covariances: tuple[Floats, Floats, Floats]) -> Estimate:
    estimand = "Wald statistic per slope of 'all slopes are equal in people and model'"
    delta = (m.beta - h.beta)[slopes]
    v_h, v_m, c = (part[np.ix_(slopes, slopes)] for part in covariances)
    v = v_h + v_m - c - c.T
    one = np.sqrt(np.maximum(np.diag(v), 1e-300))  # errors of one size, whatever the columns' units
    v, delta = v / np.outer(one, one), delta / one
    q = len(slopes)
    df = float(min(h.df[slopes].min(), m.df[slopes].min())) if q else 0.0
    if not q or df <= q or np.linalg.matrix_rank(v) < q or (h.alone | m.alone)[slopes].any():
        reason = "undefined: no slopes, too few rows, or differences without error"
        return Estimate(value=math.nan, estimand=estimand, target="human", n_units=h.n, warnings=(reason,))
    wald = float(delta @ np.linalg.solve(v, delta))
    # Hotelling's factor: the covariance is estimated too.
    f = wald * (df - q + 1) / (df * q)
    return Estimate(
        value=wald / q,
        estimand=estimand,
        target="human",
        n_units=h.n,
        interval_method=f"F test with {q} and {df - q + 1:.4g} df",
        n_clusters=h.n_clusters,
        statistic=f,
        df=df - q + 1,
        p_value=float(special.fdtrc(q, df - q + 1, f)),
    )


def _signs(slopes: list[int], h: _Fit, m: _Fit, covariance: Floats) -> Estimate:
    estimand = "share of slopes with the same sign in people and model"
    if not slopes:
        return Estimate(value=math.nan, estimand=estimand, target="human", n_units=0, warnings=_NO_SLOPES)
    same = np.sign(h.beta[slopes]) == np.sign(m.beta[slopes])
    t = special.stdtrit(h.df[slopes], (1 + _LEVEL) / 2)
    clear = np.abs(h.beta[slopes]) > t * np.sqrt(np.diag(covariance)[slopes])
    return Estimate(
        value=float(same.mean()),
        estimand=estimand,
        target="human",
        n_units=len(slopes),
        interval_method="none: slopes of one regression are not independent",
        baselines={"significant": float(same[clear].mean())} if clear.any() else {},
    )


def _rmse(slopes: list[int], h: _Fit, m: _Fit, covariance: Floats) -> Estimate:
    estimand = "root mean square difference of the slopes, model and people"
    if not slopes:
        return Estimate(value=math.nan, estimand=estimand, target="human", n_units=0, warnings=_NO_SLOPES)
    return Estimate(
        value=float(np.sqrt(((m.beta - h.beta)[slopes] ** 2).mean())),
        estimand=estimand,
        target="human",
        n_units=len(slopes),
        interval_method="none: read the joint test",
        baselines={
            "no_effect": float(np.sqrt((h.beta[slopes] ** 2).mean())),
            "noise_floor": float(np.sqrt(np.diag(covariance)[slopes].mean())),
        },
    )

"""Rao and Scott's tests of tables: chi-squared tests that know how people were drawn."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.experiments.outcomes import coded
from proband.measures.surveys.design import SurveyDesign


def rao_scott_test(
    rows: ArrayLike, columns: ArrayLike, design: SurveyDesign, *, estimand: str = "", target: Target = "human"
) -> Estimate:
    """Test of no association between two columns, e.g. answers and subgroups, of people drawn by a design.

    Pearson's statistic of the weighted table at n people, over the mean of its design effects; F with d and d times the
    design's degrees of freedom, where ``d = (sum delta)^2 / sum delta^2`` (the second-order correction, as R's svychisq
    has it).

    Parameters
    ----------
    rows, columns : array_like, shape (n,)
        Labels of everybody in the design.
    design : SurveyDesign
        How they were drawn; see `survey_design`.
    estimand : str
        What is tested, for the reader.
    target : {"model", "human", "data"}
        Whom the table describes.

    Returns
    -------
    Estimate
        `value` is Cramer's V of the weighted table, 0 to 1; `statistic`, `df` (the first) and `p_value` are those of
        the test, and `baselines` holds the mean ``design_effect``.

    Raises
    ------
    DataError, MissingDataError
        If there is not one label a person, or a column has one level only; if a label is missing.

    References
    ----------
    Rao & Scott (1984), Annals of Statistics 12, 46-60. doi:10.1214/aos/1176346391
    Thomas & Rao (1987), J. Am. Stat. Assoc. 82, 630-636. doi:10.1080/01621459.1987.10478475

    Examples
    --------
    >>> from proband.measures import survey_design
    >>> drawn = survey_design(12, psu=[1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6])
    >>> found = rao_scott_test("aabbabbbaaab", "xyxxyyxxyyyx", drawn)
    >>> round(found.statistic, 3), round(found.p_value, 3)
    (5.556, 0.065)
    """
    codes = []
    for labels, name in ((rows, "rows"), (columns, "columns")):
        given = list(labels) if isinstance(labels, str) else np.asarray(labels).tolist()
        code, levels = coded(given, name)
        used, here = np.unique(design.at_hand(code, name), return_inverse=True)
        if len(used) < 2:
            raise DataError(f"all {name} are {levels[int(used[0])]!r}; a table needs two levels each way")
        codes.append(here)
    r, c = (int(code.max()) + 1 for code in codes)
    cells = np.eye(r * c)[codes[0] * c + codes[1]]
    p, covariance = _shares(cells, design)
    table = p.reshape(r, c)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)).ravel()
    pearson = design.n * float(((p - expected) ** 2 / expected).sum())
    # Contrasts that no sum of a row and a column effect makes: what association there may be (Rao & Scott 1984).
    main = np.column_stack([np.kron(np.eye(r), np.ones((c, 1))), np.kron(np.ones((r, 1)), np.eye(c))])
    products = np.kron(np.eye(r)[:, 1:], np.eye(c)[:, 1:])
    contrast = products - main @ np.linalg.pinv(main) @ products
    inverse = np.diag(np.divide(1.0, p, out=np.zeros_like(p), where=p > 0))
    simple = contrast.T @ inverse @ contrast / design.n
    found = contrast.T @ inverse @ covariance @ inverse @ contrast
    effects = np.linalg.pinv(simple) @ found
    v = float(np.sqrt(pearson / design.n / (min(r, c) - 1)))
    return _corrected(min(v, 1.0), pearson, effects, design, estimand or "association of two columns", target)


def rao_scott_fit(
    gaps: ArrayLike, expected: ArrayLike, design: SurveyDesign, *, estimand: str = "", target: Target = "human"
) -> Estimate:
    """Test whether shares differ from those expected, or from a model's, for people drawn by a design.

    With g the mean gap of each option and e its expected share, the statistic is ``n sum g^2 / e`` over the mean
    eigenvalue of ``n diag(1/e) V``, V the design's covariance of the mean gaps; F as in `rao_scott_test`.

    Parameters
    ----------
    gaps : array_like, shape (n, n_options)
        Of every person: what the person chose (1, others 0) less what was expected, the same shares for everybody or
        a model's probabilities for this one.
    expected : array_like, shape (n_options,)
        Expected shares.
    design : SurveyDesign
        How people were drawn; see `survey_design`.
    estimand : str
        What is tested, for the reader.
    target : {"model", "human", "data"}
        Whom the answers describe.

    Returns
    -------
    Estimate
        `value` is the total variation distance between the shares, 0 to 1; the test is in `statistic`, `df` and
        `p_value`, and the mean eigenvalue in `baselines` as ``design_effect``.

    Raises
    ------
    DataError
        If shapes do not fit, or fewer than two options are expected of anybody.

    References
    ----------
    Rao & Scott (1981), J. Am. Stat. Assoc. 76, 221-230. doi:10.1080/01621459.1981.10477633

    Examples
    --------
    >>> import numpy as np
    >>> from proband.measures import survey_design
    >>> chosen = np.eye(3)[[0, 0, 0, 1, 2, 0, 0, 1, 0, 0]]
    >>> found = rao_scott_fit(chosen - 1 / 3, [1 / 3] * 3, survey_design(10))
    >>> round(found.value, 3), round(found.statistic, 2), round(found.p_value, 3)
    (0.367, 4.04, 0.046)
    """
    shares = np.asarray(expected, dtype=np.float64)
    given = np.asarray(gaps, dtype=np.float64)
    if given.ndim != 2 or shares.shape != (given.shape[1],):
        raise DataError(f"gaps have shape {given.shape} for {shares.size} expected shares; give a row a person")
    rows = design.at_hand(given, "gaps")
    used = shares > 0
    if used.sum() < 2:
        raise DataError("fewer than two options are expected of anybody: there is nothing to test")
    mean, covariance = _shares(rows, design)
    if np.abs(mean[~used]).max(initial=0) > 0:
        raise DataError("an option was chosen that is expected of nobody; give it a share, or leave it out")
    statistic = design.n * float((mean[used] ** 2 / shares[used]).sum())
    effects = design.n * covariance[np.ix_(used, used)] / shares[used, None]
    distance = float(np.abs(mean).sum()) / 2
    return _corrected(distance, statistic, effects, design, estimand or "difference from expected shares", target,
                      rank=int(used.sum()) - 1)  # fmt: skip


def _shares(rows: Floats, design: SurveyDesign) -> tuple[Floats, Floats]:
    """Weighted mean of rows, and its covariance."""

    def mean(w: Floats) -> Floats:
        found: Floats = w @ rows / w.sum()
        return found

    centre = mean(design.w)
    return centre, design.covariance(mean, lambda: (design.w / design.w.sum())[:, None] * (rows - centre))


def _corrected(
    value: float, statistic: float, effects: Floats, design: SurveyDesign, estimand: str, target: Target, rank: int = 0
) -> Estimate:
    """The second-order correction from a matrix whose eigenvalues are the design effects."""
    trace, square = float(np.trace(effects)), float(np.trace(effects @ effects))
    about = Estimate(
        value=value, estimand=estimand, target=target, n_units=design.n,
        n_clusters=design.n_units if design.n_units < design.n else None, warnings=design.left_out,
    )  # fmt: skip
    if not square > 1e-20:
        return about
    d, f = trace**2 / square, statistic / trace
    return Estimate(
        value=value, estimand=estimand, target=target, n_units=about.n_units, n_clusters=about.n_clusters,
        statistic=f, df=d, p_value=float(special.fdtrc(d, d * design.df, f)),
        baselines={"design_effect": trace / (rank or len(effects))}, warnings=about.warnings,
        interval_method=f"none: Rao-Scott F test with {d:.2f} and {d * design.df:.1f} df",
    )  # fmt: skip

"""Effects of a treatment with what was known of the units before it taken into account."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite, rank
from proband.measures.experiments.outcomes import Labels, coded, numbers
from proband.measures.experiments.regression import clustered_regression

_FEW = 5  # units in the smaller arm for each covariate, below which adjusting loses more than it gains


def adjusted_difference(
    y: ArrayLike,
    treated: ArrayLike,
    covariates: Mapping[str, Sequence[object] | ArrayLike],
    *,
    cluster: Labels | None = None,
    target: Target = "model",
    level: float = 0.95,
) -> Estimate:
    """Average effect of a treatment assigned at random, adjusted for covariates as Lin (2013) has it.

    Least squares of the outcome on the treatment, the covariates less their means, and the products of both; the
    coefficient of the treatment. Each arm has slopes of its own, so that in large samples the adjusted difference is
    never less precise than the difference in means, whatever the truth looks like. Errors are HC2, or CR2 with
    clusters, with Satterthwaite's degrees of freedom. It stands beside `difference_in_means`, and replaces it nowhere:
    which covariates are adjusted for has to be said before the data are seen.

    Parameters
    ----------
    y, treated : array_like, shape (n_units,)
        Outcomes; 1 or True where a unit was treated.
    covariates : mapping of str to sequence, shape (n_units,)
        What was known before the treatment. Numbers are taken as they are, texts as groups, the most frequent one as
        reference.
    cluster : sequence, optional
        Cluster of every unit, where clusters were assigned as a whole.
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Returns
    -------
    Estimate
        In the unit of the outcome; `baselines` has the ``unadjusted`` difference. A warning says where there are
        fewer than 5 units in the smaller arm for each covariate.

    Raises
    ------
    DataError
        If a covariate does not vary, or is a sum of others, or an arm lacks a group; if lengths differ.
    DesignError
        If there is no covariate, or an arm has nobody.
    MissingDataError
        If a covariate or an outcome is missing.

    References
    ----------
    Lin (2013), Ann. Appl. Stat. 7, 295-318. doi:10.1214/12-AOAS583
    Freedman (2008), Adv. Appl. Math. 40, 180-193. doi:10.1016/j.aam.2006.12.003

    Examples
    --------
    >>> rating, age = [5, 7, 6, 9, 3, 4, 4, 5], [1, 3, 2, 4, 1, 2, 2, 3]
    >>> print(adjusted_difference(rating, [1, 1, 1, 1, 0, 0, 0, 0], {"age": age}))
    2.175 [1.615, 2.735]
    """
    outcome, arm = numbers(y, "outcomes"), finite(treated, "assignments")
    if not set(np.unique(arm)) <= {0.0, 1.0}:
        raise DataError("assignments must be 1 (treated) and 0; compare two arms at a time")
    if len(arm) != len(outcome):
        raise DataError(f"{len(arm)} assignments for {len(outcome)} outcomes; give every unit one")
    if not 0 < arm.sum() < len(arm):
        raise DesignError(f"{int(arm.sum())} of {len(arm)} units were treated; an effect needs some in each arm")
    if not covariates:
        raise DesignError("no covariates: without any the effect is `difference_in_means`")
    columns: dict[str, Floats] = {"(mean)": np.ones(len(arm)), "treated": arm}
    for name, values in covariates.items():
        for label, column in _columns(name, values, len(arm)).items():
            _check_arms(label, column, arm)
            centred = column - column.mean()
            columns |= {label: centred, f"{label} x treated": centred * arm}
    x = np.column_stack(list(columns.values()))
    if len(x) > x.shape[1] and rank(x) < x.shape[1]:
        labels = [name for name in columns if not name.endswith("treated")][1:]
        raise DataError(
            f"covariates {', '.join(labels)}: within an arm one of them is a sum of others; leave one out, or merge "
            "groups that few units are in"
        )
    fit = clustered_regression(outcome, columns, cluster=cluster, target=target, level=level)
    found = fit.contrast({"treated": 1.0}, estimand="average effect of treatment on the assigned units, adjusted")
    n_covariates = (len(columns) - 2) // 2
    units = np.arange(len(arm)) if cluster is None else coded(cluster, "cluster")[0]
    fewest = min(len(np.unique(units[arm == a])) for a in (0, 1))
    doubt = f"{fewest} units in the smaller arm for {n_covariates} covariates: adjust for fewer"
    unadjusted = float(outcome[arm == 1].mean() - outcome[arm == 0].mean())
    return replace(
        found,
        baselines={"unadjusted": unadjusted},
        assumptions=("units were assigned at random", "covariates were known before the treatment"),
        warnings=(*found.warnings, *((doubt,) if fewest < _FEW * n_covariates else ())),
    )


def _columns(name: str, values: Sequence[object] | ArrayLike, n: int) -> dict[str, Floats]:
    """A covariate as one column of numbers, or as a column for each group but the most frequent."""
    given = list(values)  # type: ignore[arg-type]
    if len(given) != n:
        raise DataError(f"covariate {name!r} has {len(given)} values for {n} units; give every unit one")
    lacking = sum(value is None or value != value for value in given)
    if lacking:
        raise MissingDataError(
            f'covariate {name!r} is missing for {lacking} of {n} units; make "unknown" a group of its own, or leave '
            "the covariate out: leaving units out is no longer the experiment"
        )
    is_text = any(isinstance(value, str) for value in given)
    codes, groups = coded([str(value) for value in given], name) if is_text else (np.array([]), [])
    if is_text:
        counts = np.bincount(codes)
        found = {f"{name}: {group}": (codes == k) * 1.0 for k, group in enumerate(groups) if k != counts.argmax()}
    else:
        found = {name: finite(np.array(given), f"values of {name}")}
    if not found or any(not np.ptp(column) for column in found.values()):
        raise DataError(f"covariate {name!r} is the same for all units and explains nothing; leave it out")
    return found


def _check_arms(label: str, column: Floats, arm: Floats) -> None:
    for at, what in ((1.0, "treated"), (0.0, "control")):
        if not np.ptp(column[arm == at]):
            raise DataError(
                f"covariate {label!r} is the same for all {what} units; merge it with another group, or leave it out"
            )

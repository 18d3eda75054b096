"""Means and regressions where the probability of being labelled is known and may differ by unit (DSL)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.measures.arrays import Floats
from proband.measures.correction.estimates import (
    CorrectedEstimate,
    CorrectedRegression,
    Fit,
    Fits,
    binary_units,
    report,
    share_limits,
)
from proband.measures.correction.means import SmallSample
from proband.measures.correction.samples import (
    Codes,
    Data,
    Labels,
    Regressors,
    Sampling,
    Side,
    cluster_codes,
    named_columns,
    probability_notes,
    read_labels,
    read_probabilities,
    read_regressors,
)
from proband.measures.correction.tuning import Tuned, linear_part, solve, t_reach, without, working_df
from proband.measures.correction.weightless import without_weightless

_CONSTANT = 1e-12
_ALL_BUT_ALONE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Labelled units first, then unlabelled; outcome and design matrix, as known and as predicted."""

    y: Floats  # (n,) and (n, k): true outcome and regressors of the labelled
    x: Floats
    guess_y: Floats  # (n + N,) and (n + N, k): Cross-fitted outcome and regressors of all
    guess_x: Floats
    inverse: Floats  # (n,): 1 over the probability of being labelled
    side: Side  # weights and clusters of all


@without_weightless
def dsl_mean(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    *,
    probabilities: ArrayLike,
    refit: bool = True,
    sampling: Sampling | None = None,
    level: float = 0.95,
) -> CorrectedEstimate:
    """Mean or share over n + N units, of which n were labelled with known, possibly unequal probabilities.

    The mean over all units of ``g + (R / pi) (y - g)``: a guess g of the answer for everybody, corrected by
    its error among the labelled (R = 1), each weighted by 1 / pi. The guess is a linear (ridge) regression of the
    answers on the predictions, fitted without the unit it is for (cross-fitting with one unit, or cluster, a fold:
    no random folds, no repeats). Right whatever the guesses are worth, as long as pi is known.

    When not to use it: when pi was not set by design but has to be guessed. For equal probabilities `ppi_mean` is
    the same idea and steadier below 30 labels.

    Parameters
    ----------
    labelled : array_like, shape (n,)
        Human answers; 0 and 1 for a share.
    predicted_labelled, predicted_unlabelled : array_like, shape (n,) and (N,)
        The model's predictions.
    probabilities : float or array_like, shape (n,)
        Probability with which each labelled unit was chosen to be labelled, above 0 and at most 1.
    refit : bool
        False takes the predictions as they are for g: the estimator of active inference (Zrnic & Candes 2024), also
        where probabilities depended on the labels before. Predictions must then be made without the labels.
    sampling : Sampling, optional
        Weights and clusters; a cluster may hold labelled and unlabelled units.
    level : float
        Confidence level.

    Returns
    -------
    CorrectedEstimate
        Without interval below 10 labelled units; Wilson's score interval for 0/1 answers.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If a probability is not in (0, 1]; if arrays do not match or a value is missing.

    References
    ----------
    Egami, Hinck, Stewart & Wei (2023), Advances in Neural Information Processing Systems 36. arXiv:2306.04746
    Zrnic & Candes (2024), Active statistical inference. arXiv:2403.03208

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> answer = rng.random(500) < 0.3
    >>> guess = np.where(answer, 0.7, 0.2) + rng.normal(0, 0.1, 500)
    >>> chosen = rng.random(500) < 0.2
    >>> print(dsl_mean(answer[chosen], guess[chosen], guess[~chosen], probabilities=0.2))
    0.308 [0.257, 0.363]
    """
    n, n_unlabelled = np.size(labelled), np.size(predicted_unlabelled)
    labels = read_labels(labelled, predicted_labelled, predicted_unlabelled, _apart(sampling))
    fitted, data = _fit(
        labels, Regressors(labelled={}, unlabelled={}), probabilities, sampling or Sampling(), refit=refit
    )
    found = report(data, fitted, level=level)["intercept"]
    estimand = f"mean of the human answers over all {n + n_unlabelled} units"
    if not data.labels.is_binary or found.interval is None or found.se is None:
        return replace(found, estimand=estimand, statistic=None, p_value=None)
    share = float(np.average(data.labels.y, weights=read_probabilities(probabilities, n)))
    units = binary_units(found.se**2, share, n, data.labels.left)
    limits = share_limits(found.value, units, t_reach(found.df or math.inf, level))
    return replace(
        found,
        estimand=estimand,
        interval=limits.interval,
        interval_method=f"DSL, {limits.how}",
        statistic=None,
        p_value=None,
        warnings=(*limits.warnings, *found.warnings),
    )


@without_weightless
def dsl_ols(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    *,
    probabilities: ArrayLike,
    regressors: Regressors,
    refit: bool = True,
    sampling: Sampling | None = None,
    small_sample: SmallSample = "t",
    level: float = 0.95,
) -> CorrectedRegression:
    """Linear regression over n + N units with a predicted outcome, predicted regressors, or both.

    Moment form: the normal equations of everybody's guesses, plus ``R / pi`` times the difference between the
    normal equations with human values and with guesses. Replacing the outcome by a corrected pseudo-outcome
    gives the same only where all regressors are known; with predicted regressors it is wrong, this is not.
    Guesses are cross-fitted as in `dsl_mean`, on all predictions and all known regressors.

    Parameters
    ----------
    labelled, predicted_labelled, predicted_unlabelled : array_like, shape (n,), (n,), (N,)
        Outcome as people gave it, and as predicted. Where the outcome is known for everybody and only a
        regressor is predicted, give the outcome itself as its prediction.
    probabilities : float or array_like, shape (n,)
        Probability with which each labelled unit was chosen, above 0 and at most 1.
    regressors : Regressors
        `labelled` holds true values; where `predicted_labelled` names columns, these are predicted, and
        `unlabelled` holds their predictions.
    refit : bool
        False takes predictions of outcome and regressors as they are, e.g. codes of a model: nothing is fitted to the
        labels. Predictions must then be made without them.
    sampling : Sampling, optional
        Weights and clusters; a cluster may hold labelled and unlabelled units.
    small_sample : {"t", "paper"}
        "t": delete-one (HC3-like) variance and t quantile. "paper": HC0 and normal quantile.
    level : float
        Confidence level of each interval.

    Returns
    -------
    CorrectedRegression
        Coefficients by name, each tested against 0; `classical` is weighted least squares on the labelled, None (with
        a warning) where one label alone identifies a coefficient of theirs.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If a probability is not in (0, 1], or the corrected normal equations have no proper solution; if arrays do not
        match or a value is missing.

    References
    ----------
    Egami, Hinck, Stewart & Wei (2023), Advances in Neural Information Processing Systems 36. arXiv:2306.04746

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> age = rng.normal(size=800)
    >>> answer = 0.5 * age + rng.normal(size=800)
    >>> guess = answer + 0.5 * age + rng.normal(size=800)  # errs more, the older the person
    >>> chosen = rng.random(800) < 0.2
    >>> x = Regressors(labelled={"age": age[chosen]}, unlabelled={"age": age[~chosen]})
    >>> found = dsl_ols(answer[chosen], guess[chosen], guess[~chosen], probabilities=0.2, regressors=x)
    >>> print(found["age"], round(found["age"].baselines["predictions only"], 2))
    0.480 [0.367, 0.594] 0.94
    """
    labels = read_labels(labelled, predicted_labelled, predicted_unlabelled, _apart(sampling))
    fits, data = _fit(labels, regressors, probabilities, sampling or Sampling(), small_sample, refit=refit)
    return report(data, fits, level=level)


def _apart(sampling: Sampling | None) -> Sampling | None:
    """Weights without clusters: here clusters may reach across both samples."""
    return sampling and Sampling(weights=sampling.weights, weights_unlabelled=sampling.weights_unlabelled)


def _fit(
    labels: Labels,
    regressors: Regressors,
    probabilities: ArrayLike,
    sampling: Sampling,
    small_sample: SmallSample = "t",
    *,
    refit: bool,
) -> tuple[Fits, Data]:
    n, n_unlabelled = labels.y.size, labels.u.size
    names, x, z = read_regressors(regressors, n, n_unlabelled)
    inverse = read_probabilities(probabilities, n)
    side = _all_units(labels, sampling)
    features, guesses = _guessed_columns(regressors, names, x, z)
    known = np.concatenate([labels.f, labels.u])
    guess_x: Sequence[Floats]
    if refit:
        guess_y, *guess_x = _cross_fit(np.column_stack([known, features]), [labels.y, *guesses.values()], inverse, side)
    else:
        named = [name for name in names if name != "intercept"]
        guess_y, guess_x = known, [features[:, named.index(name)] for name in guesses]
    expected = np.concatenate([x, z])
    for name, guess in zip(guesses, guess_x, strict=True):
        expected[:, names.index(name)] = guess
    units = Units(y=labels.y, x=x, guess_y=guess_y, guess_x=expected, inverse=inverse, side=side)
    # Reports show the correlation with the guesses, since they are what is corrected.
    shown = replace(labels, f=guess_y[:n], u=guess_y[n:], left=_labelled_side(side, inverse))
    data = Data(names=names, labels=shown, x=x, z=z)
    naive = _naive(labels, x, z, regressors, names)
    warnings = probability_notes(inverse, n + n_unlabelled)
    try:
        classical = _classical(data, small_sample)
    except DesignError as error:
        # Regressors known for everybody identify what the labelled alone do not: only the comparison is missing.
        said = f"no estimate from the labelled alone to compare with: {error}; the model's guesses carry this one"
        classical, warnings = None, (*warnings, said)
    fits = Fits(classical=classical, found=_moments(units, small_sample), naive=naive, warnings=warnings, is_dsl=True)
    return fits, data


def _all_units(labels: Labels, sampling: Sampling) -> Side:
    """Shares and clusters of labelled and unlabelled together."""
    sizes = labels.y.size, labels.u.size
    given = [sampling.weights, sampling.weights_unlabelled]
    if labels.u.size and (given[0] is None) != (given[1] is None):
        raise DataError("weights for one of the two samples only; here they need one scale, so give both or neither")
    w = np.concatenate([np.ones(m) if v is None else np.asarray(v, float) for v, m in zip(given, sizes, strict=True)])
    clusters = None
    if sampling.cluster is not None or sampling.cluster_unlabelled is not None:
        left, right = sampling.cluster, sampling.cluster_unlabelled
        left = left if left is not None else [("labelled", k) for k in range(sizes[0])]
        right = right if right is not None else [("unlabelled", k) for k in range(sizes[1])]
        clusters = cluster_codes([*left, *right], sum(sizes), "labelled and unlabelled")
    return Side(share=w / w.sum(), cluster=clusters, is_plain=clusters is None and bool(np.ptp(w) == 0))


def _labelled_side(side: Side, inverse: Floats) -> Side:
    """The labelled alone, standing for everybody: weight times 1 / pi."""
    w = side.share[: inverse.size] * inverse
    cluster = None if side.cluster is None else np.unique(side.cluster[: inverse.size], return_inverse=True)[1]
    return Side(share=w / w.sum(), cluster=cluster, is_plain=side.is_plain and bool(np.ptp(inverse) == 0))


def _guessed_columns(
    regressors: Regressors, names: tuple[str, ...], x: Floats, z: Floats
) -> tuple[Floats, dict[str, Floats]]:
    """What guesses may be based on, shape (n + N, p), and the true values of the regressors to be guessed."""
    predicted: Mapping[str, ArrayLike] = regressors.predicted_labelled or {}
    if unknown := sorted(set(predicted) - set(names)):
        raise DataError(f"predicted regressors {', '.join(unknown)} are no regressors; there are {', '.join(names)}")
    based = np.concatenate([x, z])
    truth = {}
    for name, column in named_columns(predicted, len(x)).items():
        j = names.index(name)
        truth[name] = x[:, j].copy()
        based[: len(x), j] = column
    return based[:, [j for j, name in enumerate(names) if name != "intercept"]], truth


def _cross_fit(features: Floats, targets: list[Floats], inverse: Floats, side: Side) -> list[Floats]:
    """Guess of every target for every unit, from a ridge regression that never saw the unit's own cluster.

    Features are standardised over all units, which uses no answers; the penalty is that of one unit.
    """
    n = inverse.size
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0))[:, spread > _CONSTANT] / spread[spread > _CONSTANT]
    scaled = np.column_stack([np.ones(len(features)), scaled])
    q = side.share[:n] * inverse
    q = q * n / q.sum()
    own = Side(share=q, cluster=_labelled_side(side, inverse).cluster, is_plain=False)
    left = scaled[:n]
    moment = (left * q[:, None]).T @ left + np.diag([0.0, *np.ones(scaled.shape[1] - 1)])
    guesses = []
    for target in targets:
        beta = solve(moment, left.T @ (q * target))
        guess = scaled @ beta
        scores = left * (q * (target - left @ beta))[:, None]
        lost = without(left, scores, np.ones(n), own, moment)
        rows, units = _rows_without(side, n)
        guess[units] -= (scaled[units] * lost[rows]).sum(axis=1)
        guesses.append(guess)
    return guesses


def _rows_without(side: Side, n: int) -> tuple[Codes, Codes]:
    """Which fit without a cluster is for which unit: labelled units, and unlabelled ones of clusters with labels."""
    if side.cluster is None:
        return np.arange(n), np.arange(n)
    labelled = np.unique(side.cluster[:n])
    place = np.full(side.n_clusters, -1)
    place[labelled] = np.arange(labelled.size)
    rows = place[side.cluster]
    return rows[rows >= 0], np.flatnonzero(rows >= 0)


def _moments(units: Units, small_sample: SmallSample) -> Fit:
    """Solution of the corrected normal equations, and its variance over clusters."""
    n, k = units.x.shape
    share, x_hat, y_hat = units.side.share, units.guess_x, units.guess_y
    # Labelled units count as guesses 1 - 1/pi times and as answers 1/pi times.
    of_guess = share.copy()
    of_guess[:n] *= 1 - units.inverse
    of_truth = share[:n] * units.inverse
    moment = (x_hat * of_guess[:, None]).T @ x_hat + (units.x * of_truth[:, None]).T @ units.x
    scale = np.sqrt(np.abs(np.diag(moment)))
    if not scale.all() or np.linalg.eigvalsh(moment / np.outer(scale, scale)).min() <= 1e-10:
        raise DesignError(
            "the corrected normal equations have no proper solution: too few labelled units, or regressors predicted "
            "too badly; label more, or regress on the labelled units alone"
        )
    theta = solve(moment, x_hat.T @ (of_guess * y_hat) + units.x.T @ (of_truth * units.y))
    scores = x_hat * (of_guess * (y_hat - x_hat @ theta))[:, None]
    scores[:n] += units.x * (of_truth * (units.y - units.x @ theta))[:, None]
    influence = units.side.summed(scores) @ solve(moment, np.eye(k))
    if small_sample == "paper":
        return Fit(theta=theta, tuned=_variance(influence, np.full(k, np.inf)))
    leverage = units.side.summed(np.einsum("ij,jk,ik->i", x_hat, solve(moment, np.eye(k)), x_hat) * share)
    if leverage.max() > _ALL_BUT_ALONE:
        raise DesignError(
            f"{len(leverage)} units are too few for {k} coefficients: one of them all but fixes a coefficient; give "
            "more units or drop regressors"
        )
    influence = influence / (1 - leverage)[:, None]
    return Fit(theta=theta, tuned=_variance(influence, _labelled_df(units, influence, moment)))


def _labelled_df(units: Units, influence: Floats, moment: Floats) -> Floats:
    """Degrees of freedom, by Satterthwaite: those of the labelled if their errors were equal and independent.

    Fewer where a coefficient hangs on a few labels, or on labels that stand for many.
    """
    n, k = units.x.shape
    own = (units.x * (units.side.share[:n] * units.inverse)[:, None]) @ solve(moment, np.eye(k))
    everybody = np.zeros((units.side.share.size, k))
    everybody[:n] = own**2
    parts = units.side.summed(everybody)
    is_labelled = parts.sum(axis=1) > 0
    spare = np.maximum(parts.sum(axis=0) ** 2 / (parts**2).sum(axis=0) - 1, 1.0)
    v, w = (influence[is_labelled] ** 2).sum(axis=0), (influence[~is_labelled] ** 2).sum(axis=0)
    below = v**2 / spare + w**2 / max(int((~is_labelled).sum()) - k, 1)
    df: Floats = np.divide((v + w) ** 2, below, out=spare.copy(), where=below > 0)
    return df


def _variance(influence: Floats, df: Floats) -> Tuned:
    return Tuned(tuning=np.zeros(len(df)), covariance=influence.T @ influence, df=df)


def _classical(data: Data, small_sample: SmallSample) -> Fit:
    """Least squares on the labelled alone, weighted by 1 / pi."""
    side, k = data.labels.left, len(data.names)
    theta, influence = linear_part(data.x, data.labels.y, side)  # refuses where one unit alone identifies something
    if small_sample == "paper":
        scores = data.x * (side.share * (data.labels.y - data.x @ theta))[:, None]
        moment = (data.x * side.share[:, None]).T @ data.x
        influence = side.summed(scores) @ solve(moment, np.eye(k))
        return Fit(theta=theta, tuned=_variance(influence, np.full(k, np.inf)))
    return Fit(theta=theta, tuned=_variance(influence, working_df(data.x, side)))


def _naive(labels: Labels, x: Floats, z: Floats, regressors: Regressors, names: tuple[str, ...]) -> Floats:
    """Least squares on the model's own predictions, everybody's."""
    everything = np.concatenate([x, z])
    for name, column in named_columns(regressors.predicted_labelled or {}, len(x)).items():
        everything[: len(x), names.index(name)] = column
    solved: Floats = np.linalg.lstsq(everything, np.concatenate([labels.f, labels.u]), rcond=None)[0]
    return solved

"""Linear and logistic regressions from people's answers and a model's predictions (PPI++)."""

import math

import numpy as np
from numpy.typing import ArrayLike

from proband.measures.correction.estimates import CorrectedRegression, Fit, Fits, report, skewness_note
from proband.measures.correction.links import (
    LOG,
    LOGIT,
    Link,
    check_binary,
    check_counts,
    few_events,
    link_influences,
    rectified_fit,
)
from proband.measures.correction.means import SmallSample, check_small_sample
from proband.measures.correction.paper import published
from proband.measures.correction.samples import Data, Regressors, Sampling, read_data, read_labels
from proband.measures.correction.tuning import Influences, combine, linear_part, no_part, tune, working_df
from proband.measures.correction.weightless import without_weightless


@without_weightless
def ppi_ols(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    *,
    regressors: Regressors,
    sampling: Sampling | None = None,
    small_sample: SmallSample = "t",
    level: float = 0.95,
) -> CorrectedRegression:
    """Linear regression in a population, from n human answers and predictions for n + N people.

    ``b(y - lambda f) + lambda b_unlabelled(f)``, b the least-squares coefficients: the regression of the many
    predictions, corrected by the regression of their errors among the labelled. Each coefficient has the lambda
    that makes its own variance smallest. Sandwich variance
    (HC2; CR3 with clusters), t quantile with Bell and McCaffrey's degrees of freedom.

    When not to use it: when a regressor rather than the outcome is predicted, or labelling probabilities differ
    (`dsl_ols`). The linear form need not be true: the target is the best linear fit in the population.

    Parameters
    ----------
    labelled, predicted_labelled, predicted_unlabelled : array_like, shape (n,), (n,), (N,)
        Outcome as people gave it, and as the model predicts it.
    regressors : Regressors
        The same known columns for labelled and unlabelled units.
    sampling : Sampling, optional
        Weights and clusters.
    small_sample : {"t", "paper"}
        "paper" reproduces ppi-python 0.2.3: one lambda, HC0-like variance, normal quantile.
    level : float
        Confidence level of each interval.

    Returns
    -------
    CorrectedRegression
        Coefficients by name, ``intercept`` first, each tested against 0.

    Raises
    ------
    DesignError, MissingDataError, DataError
        If the labelled units do not identify the coefficients; if a value is missing or arrays do not match.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), PPI++: Efficient prediction-powered inference. arXiv:2311.01453
    Imbens & Kolesar (2016), Rev. Econ. Stat. 98, 701-712. doi:10.1162/REST_a_00552

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> age = rng.normal(size=600)
    >>> answer = 1 + 0.5 * age + rng.normal(size=600)
    >>> guess = answer + rng.normal(size=600)
    >>> x = Regressors(labelled={"age": age[:60]}, unlabelled={"age": age[60:]})
    >>> found = ppi_ols(answer[:60], guess[:60], guess[60:], regressors=x)
    >>> print(found["age"], f"worth {found['age'].effective_n:.0f} answers")
    0.391 [0.147, 0.636] worth 69 answers
    """
    labels = read_labels(labelled, predicted_labelled, predicted_unlabelled, sampling)
    data = read_data(labels, regressors)
    if small_sample == "paper":
        return published(data, is_linear=True, level=level)
    check_small_sample(small_sample)
    k = len(data.names)
    (answers, a), (guesses, b) = (linear_part(data.x, values, labels.left) for values in (labels.y, labels.f))
    unlabelled, c = linear_part(data.z, labels.u, labels.right) if len(data.z) else no_part(k)
    shift, rounding = unlabelled - guesses, data.rounding(np.ones(len(data.x)))
    influences = Influences(a=a, b=b, c=c, df=working_df(data.x, labels.left), shift=shift, rounding=rounding)
    classical, found = (
        Fit(theta=answers + tuning * shift, tuned=combine(influences, tuning))
        for tuning in (np.zeros(k), tune(influences))
    )
    naive = unlabelled if len(data.z) else np.full(k, math.nan)
    return report(data, Fits(classical=classical, found=found, naive=naive), level=level)


@without_weightless
def ppi_logit(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    *,
    regressors: Regressors,
    sampling: Sampling | None = None,
    small_sample: SmallSample = "t",
    level: float = 0.95,
) -> CorrectedRegression:
    """Logistic regression in a population, from n human answers (0/1) and predicted probabilities for n + N.

    Coefficients are log odds ratios. They solve PPI++'s estimating equation: the mean score of the human answers,
    less lambda times that of their predictions, plus lambda times that of the unlabelled predictions, is 0. Each
    coefficient has a lambda of its own; delete-one (HC3-like) sandwich variance, t quantile.

    When not to use it: with few answers of either kind per coefficient; below 10 a warning says so.

    Parameters
    ----------
    labelled : array_like, shape (n,)
        Human answers, 0 or 1, both present.
    predicted_labelled, predicted_unlabelled : array_like, shape (n,) and (N,)
        Predicted probabilities of a 1, or predicted labels, between 0 and 1.
    regressors, sampling, small_sample, level
        As in `ppi_ols`.

    Returns
    -------
    CorrectedRegression
        Coefficients by name, each tested against 0.

    Raises
    ------
    DataError
        If the regressors separate the human answers, so that coefficients are infinite; if answers are not 0/1,
        or predictions not between 0 and 1.
    DesignError, MissingDataError
        As in `ppi_ols`.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), PPI++: Efficient prediction-powered inference. arXiv:2311.01453
    Albert & Anderson (1984), Biometrika 71, 1-10. doi:10.1093/biomet/71.1.1

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> age = rng.normal(size=900)
    >>> chance = 1 / (1 + np.exp(-age))
    >>> answer = (rng.random(900) < chance).astype(int)
    >>> guess = np.clip(0.6 * answer + 0.4 * chance, 0, 1)
    >>> x = Regressors(labelled={"age": age[:90]}, unlabelled={"age": age[90:]})
    >>> found = ppi_logit(answer[:90], guess[:90], guess[90:], regressors=x)
    >>> found["age"].tuning > 0.5, found["age"].effective_n > 200
    (True, True)
    """
    labels = read_labels(labelled, predicted_labelled, predicted_unlabelled, sampling)
    data = read_data(labels, regressors)
    check_binary(labels)
    if small_sample == "paper":
        return published(data, is_linear=False, level=level)
    check_small_sample(small_sample)
    return report(data, _fitted(data, LOGIT, few_events(data)), level=level)


@without_weightless
def ppi_poisson(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    *,
    regressors: Regressors,
    sampling: Sampling | None = None,
    level: float = 0.95,
) -> CorrectedRegression:
    """Regression of counts or rates (log link) in a population, from n human answers and predictions for n + N.

    Minimises the rectified Poisson loss as `ppi_logit` does the logistic one. The variance is the sandwich's, so counts
    need not be Poisson: where they vary more, intervals are longer. For rates give counts divided by their exposure,
    and the exposures (times any weight) as weights, which is the same as an offset.

    When not to use it: with few counts above 0 per coefficient; below 10 a warning says so.

    Parameters
    ----------
    labelled : array_like, shape (n,)
        Human answers, at least 0.
    predicted_labelled, predicted_unlabelled : array_like, shape (n,) and (N,)
        Predicted counts or rates, at least 0; expected ones need not be whole.
    regressors, sampling, level
        As in `ppi_ols`. Without regressors, ``exp(intercept)`` is the rate.

    Returns
    -------
    CorrectedRegression
        Coefficients by name, each the log of a ratio of rates, tested against 0.

    Raises
    ------
    DataError
        If a count is negative, or all are 0; if a group without any count makes a coefficient infinite.
    DesignError, MissingDataError
        As in `ppi_ols`.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), PPI++: Efficient prediction-powered inference. arXiv:2311.01453
    Gourieroux, Monfort & Trognon (1984), Econometrica 52, 701-720. doi:10.2307/1913472

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> age = rng.normal(size=900)
    >>> visits = rng.poisson(np.exp(0.5 * age))
    >>> guess = 0.7 * visits + 0.5
    >>> x = Regressors(labelled={"age": age[:90]}, unlabelled={"age": age[90:]})
    >>> found = ppi_poisson(visits[:90], guess[:90], guess[90:], regressors=x)
    >>> found["age"].effective_n > 200
    True
    """
    labels = read_labels(labelled, predicted_labelled, predicted_unlabelled, sampling)
    data = read_data(labels, regressors)
    check_counts(labels)
    return report(data, _fitted(data, LOG, few_events(data, are_counts=True)), level=level)


def _fitted(data: Data, link: Link, warnings: tuple[str, ...]) -> Fits:
    """Every coefficient under the lambda that makes its own variance smallest, and under none."""
    k = len(data.names)
    start = rectified_fit(data, 0.0, link=link)
    alone = link_influences(data, [start] * k, np.zeros(k), link)
    tuning = tune(alone)
    thetas = [rectified_fit(data, float(lam), start, link=link) if lam else start for lam in tuning]
    influences = link_influences(data, thetas, tuning, link)
    found = Fit(theta=np.array([thetas[j][j] for j in range(k)]), tuned=combine(influences, tuning))
    if link is LOG:  # counts may be as skewed as incomes; 0 and 1 may not
        skewed = (skewness_note(part) for part in (influences.a - tuning * influences.b).T)
        warnings += tuple(dict.fromkeys(said for notes in skewed for said in notes))
    return Fits(classical=Fit(theta=start, tuned=combine(alone, np.zeros(k))), found=found, warnings=warnings)

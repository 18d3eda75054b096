import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.correction.designed import dsl_mean, dsl_ols
from proband.measures.correction.samples import Regressors, Sampling


def corpus(seed=1, m=800, share=0.2):
    """Documents of which a fifth are labelled; the model errs more where the answer is high."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(m)
    y = 1 + 0.5 * x + rng.standard_normal(m)
    f = y + 0.8 * x * (y > 1) + rng.standard_normal(m)
    chosen = rng.random(m) < share
    regressors = Regressors(labelled={"x": x[chosen]}, unlabelled={"x": x[~chosen]})
    return y[chosen], f[chosen], f[~chosen], regressors


def test_with_everybody_labelled_it_is_least_squares_with_hc0_errors():
    y, f, _, x = corpus()
    everybody = Regressors(labelled=x.labelled, unlabelled={"x": []})
    found = dsl_ols(y, f, [], probabilities=1.0, regressors=everybody, small_sample="paper")
    oracle = sm.OLS(y, sm.add_constant(x.labelled["x"])).fit(cov_type="HC0")
    assert [e.value for e in found.coefficients.values()] == pytest.approx(oracle.params)
    assert [e.se for e in found.coefficients.values()] == pytest.approx(oracle.bse)


def test_the_mean_by_hand_when_guesses_are_useless():
    # Constant predictions: the guess for each labelled unit is the mean of the other three.
    y = np.array([1.0, 2.0, 3.0, 6.0])
    found = dsl_mean(y, [0.0] * 4, [0.0] * 4, probabilities=0.5)
    left_out = (y.sum() - y) / 3
    by_hand = (left_out.sum() + 4 * y.mean()) / 8 + ((y - left_out) / 0.5).sum() / 8
    assert found.value == pytest.approx(by_hand)
    assert found.interval is None  # four labels


def test_a_biased_model_is_corrected():
    y, f, u, x = corpus(m=20_000)
    found = dsl_ols(y, f, u, probabilities=0.2, regressors=x)["x"]
    assert abs(found.baselines["predictions only"] - 0.5) > 0.2
    assert found.interval[0] < 0.5 < found.interval[1]
    assert found.effective_n > len(y)


def test_a_predicted_regressor_is_corrected():
    rng = np.random.default_rng(3)
    x = rng.standard_normal(20_000)
    y = 0.5 * x + rng.standard_normal(20_000)
    guess = 0.6 * x + 0.3 * y + 0.5 * rng.standard_normal(20_000)
    chosen = rng.random(20_000) < 0.2
    regressors = Regressors(
        labelled={"x": x[chosen]}, unlabelled={"x": guess[~chosen]}, predicted_labelled={"x": guess[chosen]}
    )
    found = dsl_ols(y[chosen], y[chosen], y[~chosen], probabilities=0.2, regressors=regressors)["x"]
    assert found.baselines["predictions only"] > 0.6
    assert found.interval[0] < 0.5 < found.interval[1]


@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(0.1, 10))
@settings(max_examples=15)
def test_means_move_with_shift_and_scale_and_ignore_the_predictions_units(seed, shift, scale):
    y, f, u, _ = corpus(seed, m=200)
    found = dsl_mean(y, f, u, probabilities=0.2)
    moved = dsl_mean(y * scale + shift, f * 5 - 1, u * 5 - 1, probabilities=0.2)
    # Labels stand for 1/pi units each, not for exactly all: a shift of the answers is taken up by the guesses.
    assert moved.se == pytest.approx(found.se * scale, rel=0.02)
    assert moved.value == pytest.approx(found.value * scale + shift, abs=0.02 * scale + 0.02 * abs(shift))
    order = np.random.default_rng(seed).permutation(len(y))
    assert dsl_mean(y[order], f[order], u[::-1], probabilities=0.2).interval == pytest.approx(found.interval)


def test_unequal_probabilities_are_weighed_out():
    rng = np.random.default_rng(5)
    y = rng.standard_normal(20_000)
    f = y + rng.standard_normal(20_000)
    pi = np.where(f > 0, 0.4, 0.05)
    chosen = rng.random(20_000) < pi
    found = dsl_mean(y[chosen], f[chosen], f[~chosen], probabilities=pi[chosen])
    assert y[chosen].mean() > 0.3
    assert found.interval[0] < 0 < found.interval[1]
    assert found.warnings == ()


def one_label_in_the_group(labelled_last=True):
    """A group of 5 among 100 units, of which one is labelled, or none."""
    x = np.r_[np.zeros(95), np.ones(5)]
    y = np.array([(i * 7) % 11 / 5 for i in range(100)]) + x
    f = np.array([0.8 * v + (i % 3) * 0.1 for i, v in enumerate(y)])
    a = [*range(20), 95 if labelled_last else 20]
    b = [i for i in range(100) if i not in a]
    return y[a], f[a], f[b], Regressors(labelled={"x": x[a]}, unlabelled={"x": x[b]})


def test_one_label_in_a_group_leaves_the_estimate_and_takes_the_comparison():
    # The value and HC0 error are those of the corrected normal equations, worked out apart from this code.
    y, f, u, x = one_label_in_the_group()
    fit = dsl_ols(y, f, u, probabilities=0.21, regressors=x, small_sample="paper")
    found = fit["x"]
    assert found.value == pytest.approx(0.533, abs=5e-4)
    assert found.se == pytest.approx(0.278, abs=5e-4)
    assert found.classical is None
    assert np.isnan(found.effective_n)
    assert "unit 20 (counted from 0) alone identifies a coefficient" in fit.warnings[0]
    assert "human answers only" not in found.baselines
    careful = dsl_ols(y, f, u, probabilities=0.21, regressors=x)["x"]
    assert careful.value == found.value
    assert careful.se > found.se


def test_a_group_without_any_label_is_refused():
    y, f, u, x = one_label_in_the_group(labelled_last=False)
    with pytest.raises(DesignError, match="do not identify 2 coefficients"):
        dsl_ols(y, f, u, probabilities=0.21, regressors=x)


def test_predictions_as_they_are_make_the_difference_estimator():
    y, f, u, _ = corpus()
    pi = np.full(len(y), 0.2)
    pi[: len(y) // 2] = 0.4
    found = dsl_mean(y, f, u, probabilities=pi, refit=False)
    by_hand = (np.concatenate([f, u]).sum() + ((y - f) / pi).sum()) / (len(y) + len(u))
    assert found.value == pytest.approx(by_hand)


def test_a_regression_on_predictions_as_they_are_is_that_on_pseudo_outcomes():
    y, f, u, x = corpus()
    found = dsl_ols(y, f, u, probabilities=0.2, regressors=x, refit=False, small_sample="paper")
    pseudo = np.concatenate([f + (y - f) / 0.2, u])
    design = sm.add_constant(np.concatenate([x.labelled["x"], x.unlabelled["x"]]))
    oracle = sm.OLS(pseudo, design).fit(cov_type="HC0")
    assert [e.value for e in found.coefficients.values()] == pytest.approx(oracle.params)
    assert [e.se for e in found.coefficients.values()] == pytest.approx(oracle.bse)


def test_a_code_as_it_is_may_be_the_regressor():
    rng = np.random.default_rng(3)
    code = (rng.random(20_000) < 0.3) * 1.0
    y = 0.5 * code + rng.standard_normal(20_000)
    guess = np.where(rng.random(20_000) < 0.85, code, 1 - code)
    chosen = rng.random(20_000) < 0.2
    regressors = Regressors(
        labelled={"code": code[chosen]}, unlabelled={"code": guess[~chosen]}, predicted_labelled={"code": guess[chosen]}
    )
    found = dsl_ols(y[chosen], y[chosen], y[~chosen], probabilities=0.2, regressors=regressors, refit=False)["code"]
    assert found.baselines["predictions only"] < 0.4
    assert found.interval[0] < 0.5 < found.interval[1]


@pytest.mark.parametrize("pi", [0.0, -0.1, 1.5])
def test_probabilities_out_of_range_are_refused(pi):
    y, f, u, _ = corpus()
    with pytest.raises(DesignError, match="must be known, above 0 and at most 1"):
        dsl_mean(y, f, u, probabilities=pi)
    with pytest.raises(DataError, match="2 probabilities for"):
        dsl_mean(y, f, u, probabilities=[0.2, 0.2])


def test_probabilities_that_do_not_add_up_to_the_units_are_doubted():
    y, f, u, x = corpus()
    assert "the probabilities are not those of the design" in " ".join(
        dsl_ols(y, f, u, probabilities=0.5, regressors=x).warnings
    )


def test_clusters_may_hold_labelled_and_unlabelled_units():
    rng = np.random.default_rng(2)
    author = np.repeat(np.arange(100), 8)
    y = rng.standard_normal(100)[author] + 0.3 * rng.standard_normal(800)
    f = y + rng.standard_normal(800)
    chosen = rng.random(800) < 0.3
    sampling = Sampling(cluster=author[chosen].tolist(), cluster_unlabelled=author[~chosen].tolist())
    clustered = dsl_mean(y[chosen], f[chosen], f[~chosen], probabilities=0.3, sampling=sampling)
    plain = dsl_mean(y[chosen], f[chosen], f[~chosen], probabilities=0.3)
    assert clustered.se > 1.5 * plain.se
    assert clustered.n_clusters == len(np.unique(author[chosen]))


def test_a_predicted_regressor_that_is_none_is_named():
    y, f, u, x = corpus()
    wrong = Regressors(labelled=x.labelled, unlabelled=x.unlabelled, predicted_labelled={"z": f})
    with pytest.raises(DataError, match="predicted regressors z are no regressors"):
        dsl_ols(y, f, u, probabilities=0.2, regressors=wrong)


def test_weights_of_one_sample_only_are_refused():
    y, f, u, _ = corpus()
    with pytest.raises(DataError, match="give both or neither"):
        dsl_mean(y, f, u, probabilities=0.2, sampling=Sampling(weights=np.ones(len(y))))


def test_rare_shares_have_a_score_interval():
    y = np.array([1.0] + [0.0] * 29)
    low, high = dsl_mean(y, y * 0.3, np.zeros(120), probabilities=0.2).interval
    assert 0 <= low < high < 0.3

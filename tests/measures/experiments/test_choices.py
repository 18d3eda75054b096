"""Logit and ordered logit: MASS's published polr, statsmodels to the last digits, and what cannot be fitted."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.miscmodels.ordinal_model import OrderedModel

from proband.errors import DataError, DesignError
from proband.measures import choice_regression, difference_in_means

# Madsen (1976), as in Venables & Ripley (2002), Modern Applied Statistics with S, section 7.3: satisfaction (low,
# medium, high) by influence, type of dwelling and contact.
HOUSING = """21 21 28 34 22 36 10 11 36 61 23 17 43 35 40 26 18 54 13 9 10 8 8 12 6 7 9 18 6 7 15 13 13 7 5 11
14 19 37 17 23 40 3 5 23 78 46 43 48 45 86 15 25 62 20 23 20 10 22 24 7 10 21 57 23 13 31 21 13 5 6 13"""


def simulated(n=300, seed=1):
    rng = np.random.default_rng(seed)
    x, t, clusters = rng.normal(size=n), rng.integers(0, 2, n) * 1.0, rng.integers(0, 30, n)
    latent = 0.5 * x + t + rng.logistic(size=n)
    return latent, {"x": x, "t": t}, clusters


def test_the_published_polr_of_the_housing_data():
    counts = [float(n) for n in HOUSING.split()]
    satisfaction, influence = np.tile([0, 1, 2], 24), np.tile(np.repeat([0, 1, 2], 3), 8)
    dwelling, contact = np.tile(np.repeat([0, 1, 2, 3], 9), 2), np.repeat([0, 1], 36)
    columns = {f"influence {k}": influence == k for k in (1, 2)} | {f"type {k}": dwelling == k for k in (1, 2, 3)}
    columns = {name: column * 1.0 for name, column in {**columns, "contact": contact == 1}.items()}
    fit = choice_regression(satisfaction, columns, weights=counts, errors="model")
    assert fit.beta == pytest.approx([0.5664, 1.2888, -0.5724, -0.3662, -1.0910, 0.3603], abs=5e-5)
    assert fit.cuts == pytest.approx([-0.4961, 0.6907], abs=5e-5)
    errors = np.sqrt(np.diag(fit.covariance))
    assert errors == pytest.approx([0.10465, 0.12716, 0.11924, 0.15517, 0.15149, 0.09554, 0.1248, 0.1255], abs=5e-5)
    assert -2 * fit.log_likelihood == pytest.approx(3479.149, abs=5e-4)


def test_a_logit_is_that_of_statsmodels_with_clustered_errors_and_marginal_effects():
    latent, columns, clusters = simulated()
    y = (latent > 0.3) * 1
    x = np.column_stack([np.ones(len(y)), *columns.values()])
    oracle = sm.Logit(y, x).fit(disp=0, cov_type="cluster", cov_kwds={"groups": clusters})
    fit = choice_regression(y, columns, cluster=clusters.tolist(), errors="CR1")
    assert fit.beta == pytest.approx(oracle.params[1:], rel=1e-8)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx([*oracle.bse[1:], oracle.bse[0]], rel=1e-6)
    effects = oracle.get_margeff(dummy=True)
    found = [fit.effect("x"), fit.effect("t")]
    assert [e.value for e in found] == pytest.approx(effects.margeff, rel=1e-6)
    assert [e.se for e in found] == pytest.approx(effects.margeff_se, rel=1e-5)


def test_an_ordered_logit_is_that_of_statsmodels():
    latent, columns, _ = simulated()
    y = np.digitize(latent, [-1, 0, 1.5])
    model = OrderedModel(y, np.column_stack(list(columns.values())), distr="logit")
    oracle = model.fit(method="newton", disp=0)
    fit = choice_regression(y, columns, errors="model")
    assert fit.beta == pytest.approx(oracle.params[:2], rel=1e-6)
    assert fit.cuts == pytest.approx(model.transform_threshold_params(oracle.params)[1:-1], rel=1e-6)
    assert np.sqrt(np.diag(fit.covariance))[:2] == pytest.approx(oracle.bse[:2], rel=1e-4)
    shares = [oracle.predict(np.column_stack([columns["x"], np.full(len(y), t)]))[:, -1].mean() for t in (1, 0)]
    assert fit.effect("t", points=[0, 0, 0, 1]).value == pytest.approx(shares[0] - shares[1], rel=1e-5)


def test_cr3_is_the_jackknife_to_first_order():
    latent, columns, clusters = simulated(240)
    y, clusters = (latent > 0) * 1, clusters % 12
    fit = choice_regression(y, columns, cluster=clusters.tolist())
    left = []
    for c in range(12):
        keep = clusters != c
        again = choice_regression(y[keep], {name: column[keep] for name, column in columns.items()})
        left.append(again.beta)
    spread = np.array(left) - fit.beta
    jackknife = np.sqrt(11 / 12 * (spread**2).sum(axis=0))
    assert np.sqrt(np.diag(fit.covariance))[:2] == pytest.approx(jackknife, rel=0.05)


@given(st.integers(0, 10_000), st.integers(2, 4))
def test_turning_the_answers_round_turns_the_signs(seed, n_categories):
    latent, columns, _ = simulated(80, seed)
    y = np.digitize(latent, np.quantile(latent, np.arange(1, n_categories) / n_categories))
    there, back = choice_regression(y, columns), choice_regression(-y, columns)
    assert back.beta == pytest.approx(-there.beta, abs=1e-7)
    assert np.diag(back.covariance)[:2] == pytest.approx(np.diag(there.covariance)[:2], rel=1e-5)


def test_with_nothing_but_the_treatment_its_effect_is_the_difference_in_shares():
    latent, columns, _ = simulated()
    y, t = (latent > 0) * 1.0, columns["t"]
    effect = choice_regression(y, {"t": t}).effect("t")
    plain = difference_in_means(y[t == 1], y[t == 0])
    assert effect.value == pytest.approx(plain.value)
    assert effect.se == pytest.approx(plain.se, rel=0.01)


def test_a_contrast_of_an_interaction_moves_the_product_too():
    latent, columns, _ = simulated()
    y, x, t = (latent > 0) * 1, columns["x"], columns["t"]
    fit = choice_regression(y, {"x": x, "t": t, "x t": x * t})
    found = fit.contrast({"t": 1, "x t": x}, {"t": 0, "x t": 0})
    eta = x * fit.beta[0] - fit.cuts[0]
    by_hand = 1 / (1 + np.exp(-(eta + fit.beta[1] + x * fit.beta[2]))) - 1 / (1 + np.exp(-eta))
    assert found.value == pytest.approx(by_hand.mean())
    weighted = fit.contrast({"t": 1, "x t": x}, {"t": 0, "x t": 0}, weights=(x > 0) * 1.0)
    assert weighted.value == pytest.approx(by_hand[x > 0].mean())


def test_what_cannot_be_fitted_is_refused_with_the_way_out():
    t = [0.0, 0, 0, 1, 1, 1]
    with pytest.raises(DataError, match=r"t tells some answers apart without error \(separation\).* merge"):
        choice_regression([0, 1, 0, 1, 1, 1], {"t": t})
    with pytest.raises(DataError, match="answers do not vary"):
        choice_regression([1] * 6, {"t": t})
    with pytest.raises(DataError, match="c does not vary; leave it out"):
        choice_regression([0, 1, 0, 1, 0, 1], {"c": [1] * 6})
    with pytest.raises(DataError, match="one column is a sum of others"):
        choice_regression([0, 1, 0, 1, 0, 1], {"a": [0, 0, 0, 1, 1, 1], "b": [1, 1, 1, 0, 0, 0]})
    with pytest.raises(DesignError, match="one cluster"):
        choice_regression([0, 1, 0, 1, 0, 1], {"t": t}, cluster=["a"] * 6)
    with pytest.raises(DesignError, match=r"no column 'tt' .did you mean 't'"):
        choice_regression([0, 1, 0, 1, 0, 1], {"t": t})["tt"]


@pytest.mark.slow
def test_intervals_of_average_effects_cover_with_few_clusters():
    rng, hits, drawn = np.random.default_rng(8), 0, 400
    truth = np.mean([1 / (1 + np.exp(-z)) for z in (rng.normal(0, 0.8, 400_000) + 0.8)]) - 0.5
    for _ in range(drawn):
        clusters = np.repeat(np.arange(14), 8)
        t = (clusters % 2) * 1.0
        latent = 0.8 * t + rng.normal(0, 0.8, 14)[clusters] + rng.logistic(size=112)
        low, high = choice_regression((latent > 0) * 1, {"t": t}, cluster=clusters.tolist()).effect("t").interval
        hits += low <= truth <= high
    assert 0.92 * drawn <= hits


def test_few_answers_of_the_rarer_kind_are_said_to_be_few():
    rare = choice_regression([0] * 97 + [1] * 3, {"x": [0, 1] * 50})
    assert "3 answers that are not the commonest one" in rare["x"].warnings[0]
    assert not choice_regression([0, 1] * 50, {"x": [0, 0, 1, 1] * 25})["x"].warnings

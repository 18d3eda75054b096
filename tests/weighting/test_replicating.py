import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError
from proband.weighting import calibrate, replicate_weights
from proband.weighting.replicating import MOST_JACKKNIFES

HALVES = {"g": {0: 0.5, 1: 0.5}}


def mean_of(y):
    return lambda w: float(w @ y / w.sum())


def test_the_jackknife_of_a_mean_by_hand():
    # Groups of 6 and 4, halves of the population; leaving one out moves its group's mean by (y - mean) / (n - 1).
    g, y = [0] * 6 + [1] * 4, np.arange(10.0)
    found = replicate_weights({"g": g}, HALVES)
    by_hand = 0.9 * sum(((v - part.mean()) / (part.size - 1) / 2) ** 2 for part in (y[:6], y[6:]) for v in part)
    assert found.variance(mean_of(y)) == pytest.approx(by_hand)
    assert found.df == 9


def test_strata_are_jackknifed_by_themselves():
    # A margin that is met anyway leaves JKn's textbook variance of a stratified mean, sum W^2 s^2 / n.
    strata, y = ["a"] * 10 + ["b"] * 10, np.concatenate([np.arange(10.0), 3 * np.arange(10.0)])
    found = replicate_weights({"one": [0] * 20}, {"one": {0: 1.0}}, strata=strata)
    by_hand = 0.25 * y[:10].var(ddof=1) / 10 + 0.25 * y[10:].var(ddof=1) / 10
    assert found.variance(mean_of(y)) == pytest.approx(by_hand)
    assert found.df == 18


@pytest.mark.parametrize("kind", ["jackknife", "bootstrap"])
def test_every_replicate_meets_the_margins(kind):
    rng = np.random.default_rng(1)
    g, d = rng.integers(0, 2, 80), rng.random(80) + 0.5
    found = replicate_weights({"g": g.tolist()}, HALVES, weights=d, kind=kind, n_replicates=50)
    np.testing.assert_allclose(found.replicates[:, g == 0].sum(axis=1) / found.replicates.sum(axis=1), 0.5, atol=1e-7)
    np.testing.assert_allclose(found.full, calibrate({"g": g.tolist()}, HALVES, weights=d).weights)


def test_jackknife_groups_and_bootstrap_agree():
    rng = np.random.default_rng(2)
    n = 4 * MOST_JACKKNIFES
    columns = {"g": rng.integers(0, 2, n).tolist()}
    y = rng.normal(size=n) + 2 * np.array(columns["g"])
    groups = replicate_weights(columns, HALVES)
    assert len(groups.replicates) == MOST_JACKKNIFES
    drawn = replicate_weights(columns, HALVES, kind="bootstrap", n_replicates=400)
    expected = 1 / n  # within groups the variance is 1
    assert groups.variance(mean_of(y)) == pytest.approx(expected, rel=0.25)
    assert drawn.variance(mean_of(y)) == pytest.approx(expected, rel=0.25)
    in_strata = replicate_weights(columns, HALVES, strata=columns["g"])
    assert in_strata.variance(mean_of(y)) == pytest.approx(expected, rel=0.25)


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    g, y = np.arange(30) % 2, rng.normal(size=30)
    order = rng.permutation(30)
    found, again = (
        replicate_weights({"g": g[o].tolist()}, HALVES).variance(mean_of(y[o])) for o in (np.arange(30), order)
    )
    assert again == pytest.approx(found)


def test_what_cannot_be_replicated_is_refused():
    g = [0] * 9 + [1]
    with pytest.raises(DataError, match="a level is held by few"):
        replicate_weights({"g": g}, HALVES)
    with pytest.raises(DataError, match="stratum 'b' has one sampling unit"):
        replicate_weights({"g": g}, HALVES, strata=["a"] * 9 + ["b"])
    with pytest.raises(DataError, match="9 psu for 10 rows"):
        replicate_weights({"g": g}, HALVES, psu=range(9))
    with pytest.raises(DataError, match="5 bootstrap replicates"):
        replicate_weights({"g": [0, 1] * 5}, HALVES, kind="bootstrap", n_replicates=5)
    with pytest.raises(DataError, match="no setting 'trim'"):
        replicate_weights({"g": [0, 1] * 5}, HALVES, trim=3)


def test_many_small_strata_have_the_variance_within_them():
    rng = np.random.default_rng(4)
    stratum = np.repeat(np.arange(300), 2)
    y = np.repeat(3 * rng.normal(size=300), 2) + rng.normal(size=600)
    even = ["p", "q"] * 300
    found = replicate_weights({"a": even}, {"a": {"p": 0.5, "q": 0.5}}, strata=list(stratum))
    # Of differences within strata, less what differs between the two levels.
    apart = y[::2] - y[1::2]
    expected = float(np.var(apart, ddof=1)) / 4 / 300
    assert found.variance(lambda w: float(w @ y / w.sum())) == pytest.approx(expected, rel=0.25)
    assert (found.replicates >= 0).all()

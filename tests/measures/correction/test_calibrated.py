import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, MissingDataError
from proband.measures import calibrated_mean, poststratify
from validation.corrected_designs import KNOWN, calibrated_covers


def people(seed, n=120):
    rng = np.random.default_rng(seed)
    columns = {name: rng.integers(0, len(shares), n).tolist() for name, shares in KNOWN.items()}
    return rng.normal(size=n) + np.array(columns["a"]), columns


def test_one_margin_is_poststratification():
    y, columns = people(1)
    found = calibrated_mean(y, columns, {"a": KNOWN["a"]})
    post = poststratify(y, columns["a"], population=KNOWN["a"])
    assert found.value == pytest.approx(post.value)
    # The jackknife leaves a person out of a group of n, which costs (n - 1) / n twice.
    assert found.se == pytest.approx(post.se, rel=0.03)


@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(0.1, 10))
@settings(max_examples=10, deadline=None)
def test_it_moves_with_the_answers_and_ignores_the_order_of_people(seed, shift, scale):
    y, columns = people(seed)
    order = np.random.default_rng(seed).permutation(y.size)
    found = calibrated_mean(y, columns, KNOWN)
    moved = calibrated_mean(
        (y * scale + shift)[order], {name: [column[k] for k in order] for name, column in columns.items()}, KNOWN
    )
    assert moved.interval == pytest.approx(tuple(limit * scale + shift for limit in found.interval), abs=1e-5)


def test_what_the_margins_know_is_no_error_any_more():
    _, columns = people(2)
    group = np.array(columns["a"], dtype=float)
    exact = calibrated_mean(group, columns, KNOWN)
    assert exact.value == pytest.approx(sum(level * share for level, share in KNOWN["a"].items()))
    assert exact.se == pytest.approx(0, abs=1e-6)


def test_sampling_units_make_it_longer_and_are_counted():
    rng = np.random.default_rng(3)
    house = np.repeat(np.arange(30), 4)
    y = rng.normal(size=30)[house] + 0.1 * rng.normal(size=120)
    columns = {"a": rng.integers(0, 2, 120).tolist()}
    margin = {"a": {0: 0.5, 1: 0.5}}
    clustered = calibrated_mean(y, columns, margin, psu=house.tolist())
    assert clustered.n_clusters == 30
    assert clustered.df == 29
    assert clustered.se > 1.5 * calibrated_mean(y, columns, margin).se


def test_shares_stay_within_0_and_1_also_where_all_agree():
    _, columns = people(4)
    for y in (np.zeros(120), np.ones(120)):
        low, high = calibrated_mean(y, columns, KNOWN).interval
        assert 0 <= low < high <= 1


def test_answers_that_do_not_fit_are_refused():
    y, columns = people(5)
    with pytest.raises(DataError, match="119 answers for 120 rows"):
        calibrated_mean(y[1:], columns, KNOWN)
    with pytest.raises(MissingDataError):
        calibrated_mean([np.nan, *y[1:]], columns, KNOWN)
    assert calibrated_mean([1.0, 2, 3, 4], {"a": [0, 0, 1, 1]}, {"a": {0: 0.5, 1: 0.5}}).interval is None


@pytest.mark.slow
@pytest.mark.parametrize("base", [None, -0.5])
def test_the_interval_holds_where_answering_goes_with_the_margins(base):
    held = [calibrated_covers(np.random.default_rng(k), 100, base=base) for k in range(100)]
    assert 0.88 <= np.mean([one for one in held if one is not None]) <= 0.995


def test_answers_that_margins_know_altogether_have_no_interval():
    age = ["old"] * 30 + ["young"] * 10
    found = calibrated_mean([1] * 30 + [0] * 10, {"age": age}, {"age": {"old": 0.5, "young": 0.5}})
    assert found.value == pytest.approx(0.5)
    assert found.interval is None
    assert "within what the margins know" in str(found.warnings)

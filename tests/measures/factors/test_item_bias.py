"""Item bias: planted items are flagged, others are not, and tests hold their size where groups stand alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.discrete.discrete_model import Logit

from proband.errors import DataError, DesignError
from proband.measures import differential_functioning

GROUPS = ["people"] * 400 + ["model"] * 400
LATER = np.repeat([0, 1], 400)


def answered(rng, *, easier=0.0, steeper=0.0, impact=0.0, n_items=8):
    theta = rng.normal(size=(800, 1)) + impact * LATER[:, None]
    slope = np.full((800, n_items), 1.5)
    slope[:, -1] += steeper * LATER
    x = slope * theta + rng.logistic(size=(800, n_items))
    x[:, -1] += easier * LATER
    return np.digitize(x, [-2, 0, 2])


@pytest.mark.parametrize("match", ["total", "theta"])
def test_an_item_that_is_easier_for_one_group_is_flagged_alone_although_the_groups_differ(match):
    found = differential_functioning(answered(np.random.default_rng(1), easier=1.6, impact=0.5), GROUPS, match=match)
    flagged = [item for item in found.items if item.is_flagged]
    assert [item.item for item in flagged] == ["7"]
    assert flagged[0].log_odds.value > 1
    assert "7" not in found.anchors


def test_an_item_that_measures_less_in_one_group_differs_in_slope():
    found = differential_functioning(answered(np.random.default_rng(2), steeper=-1.5), GROUPS)
    last = found.items[-1]
    assert last.p_nonuniform < 1e-6
    assert last.size != "negligible"


def test_tests_of_two_answers_are_those_of_statsmodels_logit():
    x = (answered(np.random.default_rng(3), easier=0.5) > 1).astype(float)
    found = differential_functioning(x, GROUPS).items[0]
    standing = (x.mean(axis=1) - x.mean()) / x.mean(axis=1).std()
    columns = np.column_stack([np.ones(800), standing, LATER, standing * LATER])
    fits = [Logit(x[:, 0], columns[:, :k]).fit(disp=0) for k in (2, 3, 4)]
    assert found.log_odds.value == pytest.approx(fits[1].params[2], abs=1e-6)
    assert found.log_odds.se == pytest.approx(fits[1].bse[2], abs=1e-6)
    assert found.p_uniform == pytest.approx(1 - _chi2(2 * (fits[1].llf - fits[0].llf)), abs=1e-8)


def _chi2(value):
    from scipy.stats import chi2

    return chi2.cdf(value, 1)


@settings(max_examples=5)
@given(st.integers(0, 100))
def test_swapping_the_groups_turns_the_sign_and_nothing_else(seed):
    x = answered(np.random.default_rng(seed), easier=1.0)
    one, other = differential_functioning(x, GROUPS), differential_functioning(x[::-1], GROUPS[::-1])
    assert other.groups == one.groups[::-1]
    for a, b in zip(one.items, other.items, strict=True):
        assert a.log_odds.value == pytest.approx(-b.log_odds.value, abs=1e-5)
        assert (a.is_flagged, a.r2_change) == (b.is_flagged, pytest.approx(b.r2_change, abs=1e-6))


@pytest.mark.slow
def test_without_bias_tests_hold_their_size_and_nothing_is_flagged():
    rng, p, flagged = np.random.default_rng(4), [], 0
    for _ in range(60):
        found = differential_functioning(answered(rng), GROUPS)
        p += [item.p_any for item in found.items]
        flagged += any(item.is_flagged for item in found.items)
    assert np.mean(np.array(p) <= 0.05) < 0.08
    assert flagged == 0


def test_what_cannot_be_is_refused_and_an_item_that_tells_nothing_has_its_reason():
    x = answered(np.random.default_rng(5))
    with pytest.raises(DesignError, match="3 groups"):
        differential_functioning(x, ["a", "b", "c", "c"] * 200)
    with pytest.raises(DataError, match="5 groups for 800 subjects"):
        differential_functioning(x, ["a", "b", "a", "b", "a"])
    x[:, 0] = 2
    found = differential_functioning(x, GROUPS)
    assert "do not vary" in found.items[0].reason
    assert np.isnan(found.items[0].log_odds.value)
    assert not found.items[0].is_flagged


def test_small_groups_are_warned_of():
    assert (
        "40 subjects in b"
        in differential_functioning(answered(np.random.default_rng(6))[:80], ["a"] * 40 + ["b"] * 40).warnings[1]
    )

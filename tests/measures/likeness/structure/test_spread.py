import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, MissingDataError
from proband.measures.likeness.structure.spread import dispersion


def with_sd(n, sd, seed=0):
    x = np.random.default_rng(seed).standard_normal(n)
    return sd * (x - x.mean()) / x.std(ddof=1)


def test_lnvr_is_that_of_the_reference():
    found = dispersion(with_sd(400, 1.0), with_sd(200, 0.6, seed=1)).log_variability_ratio
    assert found.value == pytest.approx(-0.5095662, abs=1e-7)  # metafor: -.5096, variance .0038
    assert found.se == pytest.approx(0.0613653, abs=1e-7)


def test_entropy_ratio_and_effective_values_by_hand():
    found = dispersion([1, 2, 3, 4] * 10, [1, 1, 2, 2] * 10)
    assert found.entropy_ratio.value == pytest.approx(0.5)
    assert found.effective_values_human.value == pytest.approx(4)
    assert found.effective_values_model.value == pytest.approx(2)
    assert found.entropy_ratio.interval is None
    assert "equally frequent" in found.entropy_ratio.interval_method


def test_groups_split_the_spread_within_and_between():
    noise = with_sd(200, 1.0)
    human = {g: g + noise for g in (0.0, 1.0, 2.0)}
    model = {g: 2 * g + 0.5 * noise for g in (0.0, 1.0, 2.0)}
    found = dispersion(human, model)
    assert found.within_ratio.value == pytest.approx(0.5)
    assert found.between_ratio.value == pytest.approx(2, rel=0.01)
    assert found.eta_squared_ratio.value > 1
    assert dispersion(human[0.0], model[0.0]).within_ratio is None


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_a_common_scale_and_any_shift_change_no_ratio(scale, shift):
    h, m = with_sd(30, 1.0), with_sd(40, 0.7, seed=1)
    before, after = dispersion(h, m), dispersion(scale * h + shift, scale * m - shift)
    assert after.sd_ratio.value == pytest.approx(before.sd_ratio.value)
    assert after.sd_ratio.interval == pytest.approx(before.sd_ratio.interval)


def test_exchanging_the_sides_inverts_the_ratio():
    h, m = with_sd(50, 1.0), with_sd(80, 0.7, seed=1)
    forward, back = dispersion(h, m), dispersion(m, h)
    assert forward.sd_ratio.value == pytest.approx(1 / back.sd_ratio.value)
    assert forward.log_variability_ratio.value == pytest.approx(-back.log_variability_ratio.value)


def at_the_floor(rng, n):
    """Ratings of which 84 % are the lowest of 5 points."""
    return 1.0 + np.searchsorted((1.0, 1.5, 2.0, 2.5), rng.normal(size=n))


def test_a_spread_that_few_scores_carry_is_warned_of_and_a_used_scale_is_not():
    rng = np.random.default_rng(1)
    stuck, used = at_the_floor(rng, 100), rng.integers(1, 6, 100)
    (warning,) = dispersion(used, stuck).sd_ratio.warnings
    assert "a few of 100 scores of the model carry the spread" in warning
    assert dispersion(stuck, used).sd_ratio.warnings[0].startswith("a few of 100 scores of people")
    assert dispersion(used, used).sd_ratio.warnings == ()
    assert dispersion(at_the_floor(rng, 2_000), at_the_floor(rng, 2_000)).sd_ratio.warnings == ()


@pytest.mark.slow
def test_at_the_floor_no_interval_below_the_promise_comes_without_its_warning():
    rng = np.random.default_rng(2)
    for n, least in ((30, None), (100, None), (300, 0.92)):
        found = [dispersion(at_the_floor(rng, n), at_the_floor(rng, n)).sd_ratio for _ in range(400)]
        silent = [e.interval[0] <= 1 <= e.interval[1] for e in found if not e.warnings]
        assert (np.mean(silent) > least) if least else not silent


def test_a_side_without_variance_is_said_and_not_coded():
    flat, spread = [3.0] * 20, [1, 2, 3, 4, 5] * 4
    compressed = dispersion(spread, flat)
    assert compressed.sd_ratio.value == 0
    assert compressed.sd_ratio.interval is None
    assert math.isnan(compressed.log_variability_ratio.value)
    undefined = dispersion(flat, spread)
    assert math.isnan(undefined.sd_ratio.value)
    assert math.isnan(undefined.entropy_ratio.value)


def test_numbers_that_are_nearly_all_different_have_no_entropy():
    found = dispersion(with_sd(100, 1.0), with_sd(100, 1.0, seed=1))
    assert math.isnan(found.entropy_ratio.value)
    assert "bin them" in found.entropy_ratio.warnings[0]


def test_normal_theory_is_doubted_where_scores_are_not_normal():
    heavy = np.random.default_rng(1).standard_t(3, 500)
    assert "far from normal" in dispersion(heavy, heavy).log_variability_ratio.warnings[0]


def test_groups_that_people_do_not_differ_in_have_no_ratio():
    noise = with_sd(50, 1.0)
    found = dispersion({0: noise, 1: noise}, {0: noise, 1: noise + 1})
    assert math.isnan(found.between_ratio.value)
    assert math.isnan(found.eta_squared_ratio.value)


def test_what_is_no_score_is_refused():
    with pytest.raises(MissingDataError):
        dispersion([1, 2, math.nan], [1, 2])
    with pytest.raises(DataError, match="at least 2"):
        dispersion([1], [1, 2])
    with pytest.raises(DataError, match="only one side has group"):
        dispersion({"a": [1, 2]}, {"b": [1, 2]})
    with pytest.raises(DataError, match="grouped"):
        dispersion({"a": [1, 2]}, [1, 2])

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.reliability.internal import cronbach_alpha, split_half

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_alpha_of_the_shrout_fleiss_ratings():
    found = cronbach_alpha(SHROUT_FLEISS, method="feldt")
    assert found.value == pytest.approx(0.9093156, abs=1e-7)
    low, high = (1 - (1 - found.value) * stats.f.ppf(p, 5, 15) for p in (0.975, 0.025))
    assert found.interval == pytest.approx((low, high))


def test_alpha_by_hand():
    assert round(cronbach_alpha([[1, 2], [2, 3], [3, 5]]), 3) == 0.947


@given(seed=st.integers(0, 99), shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_alpha_ignores_order_origin_and_unit(seed, shift, scale):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((12, 4)) + rng.standard_normal((12, 1))
    again = rng.permutation(rng.permutation(x), axis=1) * scale + shift
    assert float(cronbach_alpha(again)) == pytest.approx(float(cronbach_alpha(x)), abs=1e-9)
    assert float(cronbach_alpha(x)) <= 1


def test_items_that_disagree_give_a_negative_alpha_and_a_warning():
    found = cronbach_alpha([[1, 5], [2, 4], [3, 2.5], [4, 2]])
    assert found.value < 0
    assert "reverse-keyed" in found.warnings[0]


def test_items_that_agree_perfectly_have_no_interval():
    found = cronbach_alpha([[1, 1], [2, 2], [4, 4]])
    assert found.value == pytest.approx(1)
    assert found.interval is None
    assert "perfectly" in found.warnings[0]


def test_below_ten_subjects_alpha_has_no_jackknife_interval():
    found = cronbach_alpha(SHROUT_FLEISS)
    assert found.interval is None
    assert "needs 10" in found.interval_method


def test_the_jackknife_and_feldt_agree_on_many_normal_scores():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5000, 4)) + rng.standard_normal((5000, 1))
    jackknife, feldt = (cronbach_alpha(x, method=method).interval for method in ("jackknife", "feldt"))
    assert jackknife == pytest.approx(feldt, abs=0.002)


def test_leaving_out_one_subject_at_a_time_is_what_the_interval_does():
    x = np.random.default_rng(2).standard_normal((12, 3)) + np.arange(12)[:, None] / 4
    y = np.log(1 - float(cronbach_alpha(x)))
    pseudo = [12 * y - 11 * np.log(1 - float(cronbach_alpha(np.delete(x, i, axis=0)))) for i in range(12)]
    reach = np.std(pseudo, ddof=1) / np.sqrt(12) * stats.t.ppf(0.975, 11)
    assert cronbach_alpha(x).interval == pytest.approx((1 - np.exp(y + reach), 1 - np.exp(y - reach)))


def test_a_few_extreme_subjects_are_warned_of():
    x = np.random.default_rng(3).standard_normal((60, 4))
    assert cronbach_alpha(x[:49] + x[:49, :1]).warnings == (
        "49 subjects: below 50 the interval is too short where scores are skewed or heavy-tailed",
    )
    x[0] += 15
    assert "skewness" in cronbach_alpha(x).warnings[0]


@pytest.mark.parametrize("scores", [[[1], [2]], [[1, 2]], [[1, 2], [2, 1]], [[0.1, 0.2], [0.3, 0.0]]])
def test_too_little_or_equal_totals_are_refused(scores):
    with pytest.raises(DesignError):
        cronbach_alpha(scores)


def test_a_missing_score_is_refused_and_counted():
    with pytest.raises(MissingDataError, match="1 of 4"):
        cronbach_alpha([[1, np.nan], [2, 3]])


@pytest.mark.parametrize("scores", [[1, 2, 3], [["a", "b"], ["c", "d"]], [[1, np.inf], [1, 2]]])
def test_what_is_no_table_of_numbers_is_refused(scores):
    with pytest.raises(DataError):
        cronbach_alpha(scores)


def test_split_half_of_two_parallel_halves_by_hand():
    x = np.array([[1.0, 2], [2, 1], [3, 4], [4, 3]])
    found = split_half(x)
    assert (found.n_splits, found.is_exhaustive) == (1, True)
    assert found.correlation == pytest.approx(0.6)
    assert found.reliability.value == pytest.approx(0.75)


@pytest.mark.parametrize(("k", "n_splits"), [(4, 3), (5, 10), (6, 10), (12, 462)])
def test_few_items_are_split_in_every_way(k, n_splits):
    found = split_half(np.random.default_rng(1).standard_normal((20, k)) + np.arange(20)[:, None] / 5)
    assert (found.n_splits, found.is_exhaustive) == (n_splits, True)


def test_many_items_are_split_at_random_and_repeatably():
    x = np.random.default_rng(1).standard_normal((50, 16)) + np.random.default_rng(2).standard_normal((50, 1))
    assert split_half(x) == split_half(x)
    assert (split_half(x).n_splits, split_half(x).is_exhaustive) == (1000, False)
    assert split_half(x).reliability.value == pytest.approx(float(cronbach_alpha(x)), abs=0.02)


@given(seed=st.integers(0, 99), k=st.integers(2, 7))
def test_split_half_ignores_order_and_unit_and_stays_between_its_splits(seed, k):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((15, k)) + 1.5 * rng.standard_normal((15, 1))
    found, again = split_half(x), split_half(rng.permutation(rng.permutation(x), axis=1) * 3 - 1)
    assert again.reliability.value == pytest.approx(found.reliability.value, abs=1e-9)
    assert found.lowest - 1e-9 <= found.reliability.value <= found.highest + 1e-9 <= 1 + 1e-8


def test_horsts_formula_steps_up_unequal_halves_of_parallel_items():
    # Parallel items of reliability .5: 1 item correlates sqrt(.5 * 2/3) with the sum of 2; three together have .75.
    rng = np.random.default_rng(4)
    x = rng.standard_normal((200_000, 1)) + rng.standard_normal((200_000, 3))
    assert split_half(x).reliability.value == pytest.approx(0.75, abs=0.005)


def test_halves_that_disagree_are_not_stepped_up():
    found = split_half([[1, 4], [2, 3], [3, 2.5], [4, 1]])
    assert found.reliability.value == found.correlation < 0
    assert "not stepped up" in found.reliability.warnings[0]


def test_splits_with_a_half_that_does_not_vary_are_left_out_and_counted():
    x = np.column_stack([np.ones(12), np.ones(12), np.arange(12), np.arange(12) ** 1.1])
    found = split_half(x)
    assert (found.n_splits, found.n_undefined) == (2, 1)
    assert "does not vary" in found.reliability.warnings[-1]
    with pytest.raises(DesignError, match="constant items"):
        split_half(x[:, :3])

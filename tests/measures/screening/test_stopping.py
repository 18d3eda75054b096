"""Whether enough was read: a proof that holds however often one looks."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DataError
from proband.measures import recall_test
from validation.screening import reaches


def test_one_stretch_of_misses_after_all_hits_is_the_urn_s_own_chance_but_for_the_price_of_looking():
    # 19 found; 21 in all would be a recall below .95: two are left among 981, and 700 are drawn without either.
    chance = stats.hypergeom.pmf(0, 981, 2, 700)
    proved = recall_test([1] * 19 + [0] * 700, 1000).p_value
    assert chance < proved < 4 * chance


def test_everything_read_is_every_record_found():
    test = recall_test([1, 0, 0, 1, 0], 5)
    assert (test.p_value, test.is_reached, test.most_included, test.least_recall) == (0.0, True, 2, 1.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), max_size=60), st.integers(0, 80), st.sampled_from([0.5, 0.8, 0.95]))
def test_reading_on_without_a_hit_only_helps_and_limits_agree_with_the_test(labels, more, recall):
    n = len(labels) + more
    test = recall_test(labels, n, recall=recall)
    assert 0 <= test.p_value <= 1
    assert test.n_found <= test.most_included <= n
    assert test.is_reached == (test.least_recall >= recall or test.n_found == test.most_included == 0)
    if more:
        assert recall_test([*labels, False], n, recall=recall).p_value <= test.p_value


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 80))
def test_what_was_once_ruled_out_stays_ruled_out(labels, more):
    n = len(labels) + more
    limits = [recall_test(labels[:k], n, recall=0.8) for k in range(len(labels) + 1)]
    for earlier, later in itertools.pairwise(limits):
        assert later.most_included <= max(earlier.most_included, later.n_found)


@pytest.mark.parametrize("recall", [1, 1.2, 0, 95])
def test_a_recall_that_no_test_can_reach_is_refused_with_the_way_out(recall):
    with pytest.raises(DataError, match=r"recall is .*(read everything|write 0\.95)"):
        recall_test([1, 0], 10, recall=recall)


def test_more_labels_than_records_are_refused():
    with pytest.raises(DataError, match="3 labels of 2 records"):
        recall_test([1, 0, 1], 2)


def test_in_random_order_the_recall_is_reached_in_at_least_95_of_100_reviews():
    rng = np.random.default_rng(5)
    reached = [reaches(rng, 100, share=1 / 3, quality=0, rule="recall test") for _ in range(50)]
    assert np.mean(reached) >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / 50)

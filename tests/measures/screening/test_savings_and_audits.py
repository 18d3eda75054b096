"""What reading in order saves, and how much a random audit says was missed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DataError
from proband.measures import recall_at, recall_audit, wss


def test_work_saved_and_early_recall_by_hand():
    labels = [1, 1, 0, 1, 0, 0, 0, 1, 0, 0] + [0] * 10
    assert wss(labels, recall=0.75) == pytest.approx(16 / 20 - 0.25)  # 3 of 4 are found after 4 records
    assert wss(labels) == pytest.approx(12 / 20 - 0.05)  # .95 of 4 takes all 4
    assert recall_at(labels) == 0.5


def test_random_orders_save_nothing_on_average():
    rng = np.random.default_rng(2)
    labels = np.repeat([1, 0], [60, 940])
    assert np.mean([wss(rng.permutation(labels), recall=0.5) for _ in range(300)]) == pytest.approx(0, abs=0.02)


@given(st.lists(st.booleans(), min_size=2, max_size=50).filter(lambda x: len(set(x)) == 2), st.floats(0.01, 1))
def test_work_saved_is_bounded_and_what_is_read_for_it_holds_the_recall(labels, recall):
    saved = wss(labels, recall=recall)
    read = round((recall - saved) * len(labels))
    assert saved < recall
    assert sum(labels[:read]) >= recall * sum(labels) - 1e-6


@pytest.mark.parametrize("measure", [wss, recall_at])
def test_a_set_of_one_kind_is_refused(measure):
    with pytest.raises(DataError, match="all 3 labels say excluded"):
        measure([0, 0, 0])
    with pytest.raises(DataError, match=r"write 0\.95 for 95 %"):
        measure([1, 0], **{"recall" if measure is wss else "share": 95})


def test_an_audit_of_few_hits_inverts_the_hypergeometric_tails():
    found = recall_audit(95, 1000, 200, 1)
    low, high = (round(95 / limit - 95) for limit in reversed(found.interval))
    assert stats.hypergeom.cdf(1, 1000, high, 200) > 0.025 >= stats.hypergeom.cdf(1, 1000, high + 1, 200)
    assert low == 1  # what was seen is there
    assert found.value == pytest.approx(95 / 100)


def test_an_audit_of_everything_leaves_no_doubt():
    assert recall_audit(18, 50, 50, 2).interval == (0.9, 0.9)
    assert recall_audit(18, 50, 50, 0).interval == (1.0, 1.0)


def test_of_a_large_pile_it_is_the_interval_of_clopper_and_pearson():
    found = recall_audit(1000, 10**7, 400, 3)
    p = stats.beta.ppf(0.975, 4, 397)
    assert math.isclose(found.interval[0], 1000 / (1000 + p * 10**7), rel_tol=1e-3)


@pytest.mark.parametrize("counts", [(5, 10, 11, 0), (5, 10, 4, 5), (5, 10, 0, 0), (0, 10, 4, 0), (-1, 10, 4, 0)])
def test_counts_that_contradict_each_other_are_refused(counts):
    with pytest.raises(DataError, match=r"audit|whole number"):
        recall_audit(*counts)

"""Accuracy over people's own consistency: by hand, and where it is undefined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, MissingDataError
from proband.measures import normalised_accuracy
from proband.measures.likeness.items.retested import agreement_by_person


def test_by_hand():
    """acc (.6, .7, .8), retest (.8, .7, .9): validity.md, section 1.6."""
    found = normalised_accuracy([0.6, 0.7, 0.8], [0.8, 0.7, 0.9], chance=[0.5] * 3)
    assert found.mean_of_ratios.value == pytest.approx(0.8796296, abs=1e-7)
    assert found.ratio_of_means.value == pytest.approx(0.875)
    assert found.beyond_chance.value == pytest.approx(0.2 / 0.3)
    assert (found.accuracy.value, found.retest.value) == pytest.approx((0.7, 0.8))


shares = st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.3, 1)), min_size=3, max_size=20)


@given(shares)
def test_people_as_their_own_model_reach_one(people):
    again = [r for _, r in people]
    found = normalised_accuracy(again, again)
    assert found.ratio_of_means.value == pytest.approx(1)
    assert found.mean_of_ratios.value == pytest.approx(1)


@given(shares)
def test_the_ratio_lies_between_the_ratios_of_persons(people):
    acc, again = np.array(people).T
    value = normalised_accuracy(acc, again).ratio_of_means.value
    assert (acc / again).min() - 1e-9 <= value <= (acc / again).max() + 1e-9


def test_persons_who_never_agree_with_themselves_are_counted():
    found = normalised_accuracy([0.5, 0.6, 0.7], [0.0, 0.8, 0.9])
    assert found.mean_of_ratios.n_missing == 1
    assert found.mean_of_ratios.value == pytest.approx((0.6 / 0.8 + 0.7 / 0.9) / 2)
    lost = normalised_accuracy([0.5, 0.6], [0.0, 0.0])
    assert "2 of 2 persons never agree" in lost.mean_of_ratios.warnings[0]
    assert "cannot be told from 0" in lost.ratio_of_means.warnings[0]


def test_what_is_no_share_is_refused():
    with pytest.raises(DataError, match="accuracies run from 60 to 80; give shares"):
        normalised_accuracy([60, 80], [0.7, 0.9])
    with pytest.raises(DataError, match="2 accuracies, 3 retest agreements; give every person one of each"):
        normalised_accuracy([0.6, 0.8], [0.7, 0.9, 1.0])
    with pytest.raises(MissingDataError, match="retest agreements are missing"):
        normalised_accuracy([0.6, 0.8], [0.7, np.nan])


def test_agreement_is_over_the_items_that_both_have():
    first = {"a": {"p": 1, "q": 2}, "b": {"p": 0}}
    other = {"a": {"p": 1, "q": 1}, "b": {"p": 1, "q": 1}, "c": {"p": 1}}
    assert agreement_by_person(first, other) == {"p": 0.5, "q": 0.0}


@pytest.mark.slow
def test_intervals_cover_with_few_items():
    rng, hits, drawn = np.random.default_rng(9), 0, 400
    for _ in range(drawn):
        trait = rng.beta(4, 1.5, 80)
        again, acc = rng.binomial(6, trait) / 6, rng.binomial(6, 0.8 * trait) / 6
        low, high = normalised_accuracy(acc, again).ratio_of_means.interval
        hits += low <= 0.8 <= high
    assert 0.92 * drawn <= hits

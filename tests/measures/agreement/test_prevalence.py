"""Corrected prevalences: published values, what lies outside 0 to 1, labels without information."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.agreement.prevalence import adjusted_prevalence, rogan_gladen

CONFUSION = [[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.05, 0.15, 0.8]]


@pytest.mark.parametrize(
    ("positive", "n", "se", "sp", "prevalence"),
    [
        (45, 150, 0.96, 0.89, 0.2235294),
        (6, 151, 0.964, 0.927, -0.0373343),
        (80, 210, 0.6, 0.9, 0.5619048),
        (100, 189, 0.65, 0.95, 0.7985009),
        (50, 124, 0.7, 0.99, 0.5698925),
    ],
)
def test_published_prevalences(positive, n, se, sp, prevalence):
    assert rogan_gladen(positive, n, sensitivity=se, specificity=sp).value == pytest.approx(prevalence, abs=5e-8)


def test_standard_errors_with_known_and_with_estimated_rates():
    known = rogan_gladen(45, 150, sensitivity=0.96, specificity=0.89)
    estimated = rogan_gladen(45, 150, sensitivity=(96, 100), specificity=(89, 100))
    assert (known.se, estimated.se) == (pytest.approx(0.0440195, abs=5e-8), pytest.approx(0.0527373, abs=5e-8))
    assert known.interval == pytest.approx((0.14, 0.32), abs=0.006)


def test_an_estimate_outside_0_to_1_is_shown_raw_with_a_warning():
    found = rogan_gladen(6, 151, sensitivity=0.964, specificity=0.927)
    assert found.value < 0
    assert "outside 0 to 1 (truncated: 0)" in found.warnings[0]
    assert found.interval == (0.0, pytest.approx(0.012, abs=0.001))


def test_data_that_contradict_the_rates_get_no_interval():
    found = rogan_gladen(0, 2000, sensitivity=0.9, specificity=0.8)
    assert found.interval is None
    assert "do not hold" in found.warnings[-1]


@given(share=st.floats(0, 1), se=st.floats(0.6, 1), sp=st.floats(0.6, 1))
def test_the_expected_share_of_labels_leads_back_to_the_prevalence(share, se, sp):
    labelled = share * se + (1 - share) * (1 - sp)
    assert rogan_gladen(1000 * labelled, 1000, sensitivity=se, specificity=sp).value == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize(("se", "sp"), [(0.4, 0.6), (0.3, 0.5), ((20, 50), (25, 50))])
def test_labels_without_information_are_refused(se, sp):
    with pytest.raises(DesignError, match="no information"):
        rogan_gladen(10, 100, sensitivity=se, specificity=sp)


def test_wrong_counts_are_refused():
    with pytest.raises(DataError, match="positive <= n"):
        rogan_gladen(11, 10, sensitivity=0.9, specificity=0.9)
    with pytest.raises(DataError, match="sensitivity"):
        rogan_gladen(5, 10, sensitivity=1.2, specificity=0.9)


def test_few_gold_units_are_warned_of():
    assert "fewer than 30" in rogan_gladen(45, 150, sensitivity=(19, 20), specificity=(95, 100)).warnings[0]


def test_shares_of_three_classes():
    found = adjusted_prevalence(CONFUSION, [0.4, 0.3, 0.3], categories=("pro", "con", "none"))
    values = [estimate.value for estimate in found.estimates]
    assert values == pytest.approx([0.4457831, 0.3132530, 0.2409639], abs=5e-8)
    assert found.estimates[0].interval is None
    assert not found.is_constrained


@given(raw=st.lists(st.floats(0.05, 1), min_size=3, max_size=3))
@settings(max_examples=40)
def test_true_shares_are_recovered_from_the_labels_they_make(raw):
    shares = np.array(raw) / sum(raw)
    found = adjusted_prevalence(CONFUSION, shares @ np.array(CONFUSION))
    assert [estimate.value for estimate in found.estimates] == pytest.approx(shares)


def test_two_classes_are_rogan_and_gladens():
    found = adjusted_prevalence([[0.96, 0.04], [0.11, 0.89]], [45, 105])
    assert found.estimates[0].value == pytest.approx(0.2235294, abs=5e-8)
    assert found.estimates[0].interval == pytest.approx((0.14, 0.32), abs=0.01)


def test_a_solution_outside_is_replaced_by_the_nearest_shares_with_a_warning():
    found = adjusted_prevalence(CONFUSION, [0.9, 0.06, 0.04])
    values = np.array([estimate.value for estimate in found.estimates])
    assert min(found.unconstrained) < 0
    assert found.is_constrained
    assert (values >= 0).all()
    assert values.sum() == pytest.approx(1)
    assert "nearest shares" in found.warnings[0]


def test_classes_that_get_the_same_labels_are_refused():
    with pytest.raises(DesignError, match="singular"):
        adjusted_prevalence([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]], [1, 2, 3])
    with pytest.raises(DataError, match="no gold unit"):
        adjusted_prevalence([[5, 1], [0, 0]], [1, 2])
    with pytest.raises(MissingDataError):
        adjusted_prevalence([[5, 1], [1, np.nan]], [1, 2])
    with pytest.raises(DataError, match="shape"):
        adjusted_prevalence([[5, 1], [1, 5]], [1, 2, 3])

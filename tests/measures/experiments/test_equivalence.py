"""Two one-sided tests: a published value, the interval they are equal to, and their size."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures import clustered_correlation, difference_in_means
from proband.measures.experiments.equivalence import equivalence

ABOUT = Estimate(value=0.0, estimand="difference", target="model", n_units=100)


def test_a_value_by_hand():
    # t = (0.1 + 0.5) / 0.25 = 2.4 and (0.5 - 0.1) / 0.25 = 1.6 with 20 degrees of freedom; P(T > 1.6) = 0.0627.
    found = equivalence(replace(ABOUT, value=0.1, se=0.25, df=20.0), 0.5)
    assert found.p_value == pytest.approx(0.0626, abs=1e-4)
    assert found.verdict == "undecided"


def test_four_verdicts():
    values = {
        "equivalent": (0.0, 0.1),
        "different": (1.0, 0.1),
        "different but small": (0.2, 0.05),
        "undecided": (0.3, 0.4),
    }
    for verdict, (value, se) in values.items():
        assert equivalence(replace(ABOUT, value=value, se=se), 0.5).verdict == verdict


@given(st.floats(-1, 1), st.floats(0.01, 1), st.floats(0.05, 1), st.one_of(st.none(), st.floats(3, 200)))
@settings(deadline=None)
def test_equivalence_is_claimed_where_the_narrower_interval_lies_within_the_margins(value, se, margin, df):
    found = equivalence(replace(ABOUT, value=value, se=se, df=df), margin)
    low, high = found.estimate.interval
    within = -margin < low and high < margin
    assert (found.p_value < 0.05) == within or min(abs(low + margin), abs(high - margin)) < 1e-9


def test_a_difference_at_the_margin_is_called_small_no_more_often_than_alpha():
    rng, called = np.random.default_rng(3), 0
    for _ in range(600):
        estimate = difference_in_means(rng.normal(0.5, 1, 40), rng.normal(0, 1, 40))
        called += equivalence(estimate, 0.5).p_value < 0.05
    assert called / 600 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_non_inferiority_has_one_side():
    found = equivalence(replace(ABOUT, value=2.0, se=0.1), (-0.1, math.inf))
    assert found.p_value < 1e-6


@pytest.mark.parametrize(
    ("margin", "estimate", "said"),
    [
        (0.0, replace(ABOUT, se=0.1), "do not lie on both sides of 0"),
        (-0.1, replace(ABOUT, se=0.1), "do not lie on both sides of 0"),
        (0.1, ABOUT, "no standard error"),
        (0.1, replace(ABOUT, se=0.0, warnings=("outcomes do not vary",)), "outcomes do not vary"),
    ],
)
def test_what_cannot_be_tested_is_refused(margin, estimate, said):
    with pytest.raises(DesignError, match=said):
        equivalence(estimate, margin)


def test_what_has_an_interval_and_no_standard_error_is_judged_by_the_interval_of_ninety_percent():
    apart = replace(ABOUT, value=0.06, interval=(0.0, 0.08), level=0.9, estimand="distance")
    found = equivalence(apart, 0.1)
    assert found.verdict == "equivalent"
    assert math.isnan(found.p_value)
    assert equivalence(replace(apart, interval=(0.02, 0.12)), 0.1).verdict == "different"
    with pytest.raises(DesignError, match=r"compute it at level=0\.9"):
        equivalence(replace(apart, level=0.95), 0.1)


def test_correlations_are_claimed_to_be_small_by_their_interval():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 2000))
    assert equivalence(clustered_correlation(x, y, level=0.9), 0.1).verdict == "equivalent"


@pytest.mark.parametrize("margin", ["small", (0.1,), None, (-math.inf, math.inf)])
def test_a_margin_that_is_none_is_named(margin):
    with pytest.raises(DesignError, match="margin"):
        equivalence(replace(ABOUT, se=0.1), margin)

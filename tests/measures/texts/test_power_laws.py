"""Zipf's and Heaps' laws: values by hand and by brute force, and what the goodness of fit finds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import zeta

from proband.errors import DataError
from proband.measures import heaps_fit, zipf_fit
from proband.measures.texts.power_laws import drawn_from


def test_the_exponent_is_that_of_the_greatest_likelihood():
    counts = drawn_from(2.2, 1, 400, np.random.default_rng(1))
    grid = np.arange(1.5, 3.0, 0.001)
    log_likelihood = -counts.size * np.log(zeta(grid, 1)) - grid * np.log(counts).sum()
    assert zipf_fit(counts, minimum=1, replicates=0).exponent.value == pytest.approx(
        grid[log_likelihood.argmax()], abs=0.001
    )


def test_it_agrees_with_the_approximation_of_clauset_shalizi_and_newman():
    # Their equation 3.7 and its error, good to a per cent above a minimum of 6.
    counts = drawn_from(2.5, 6, 3000, np.random.default_rng(2))
    approximate = 1 + counts.size / np.log(counts / 5.5).sum()
    found = zipf_fit(counts, minimum=6, replicates=0)
    assert found.exponent.value == pytest.approx(approximate, rel=0.01)
    assert found.exponent.se == pytest.approx((approximate - 1) / math.sqrt(counts.size), rel=0.03)
    assert found.zipf.value == pytest.approx(1 / (found.exponent.value - 1))


def test_a_law_passes_its_goodness_of_fit_and_equal_frequencies_do_not():
    law = drawn_from(2.0, 1, 300, np.random.default_rng(3))
    assert zipf_fit(law, minimum=1, replicates=40).p_value > 0.1
    flat = np.random.default_rng(4).integers(10, 30, 300)
    assert zipf_fit(flat, minimum=10, replicates=40).p_value < 0.05


@given(st.permutations(list(range(40))))
def test_the_order_of_words_is_nothing_to_zipf(order):
    counts = np.array([max(1, 60 // rank) for rank in range(1, 41)])
    first, again = (zipf_fit(c, minimum=1, replicates=0) for c in (counts, counts[order]))
    assert again.exponent.value == pytest.approx(first.exponent.value)


def test_heaps_exponent_is_that_of_a_vocabulary_that_grows_with_a_power():
    rng = np.random.default_rng(5)
    new = rng.random(20_000) < -np.expm1(-2 * 0.6 * np.arange(1.0, 20_001) ** -0.4)
    found = heaps_fit([f"n{k}" if is_new else "old" for k, is_new in enumerate(new)])
    low, high = found.exponent.interval
    assert low < 0.6 < high
    assert found.exponent.value == pytest.approx(0.6, abs=0.03)
    assert found.p_value > 0.01


def test_bursts_of_new_words_are_told_by_the_p_value():
    burst = ["w"] * 500 + [f"n{k}" for k in range(100)] + ["w"] * 400
    assert heaps_fit(burst).p_value < 0.001


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zipf_fit([1.5, 2]), "whole numbers of at least 1"),
        (lambda: zipf_fit([3, 2, 1]), "3 words at or above a frequency of 1"),
        (lambda: heaps_fit(["a"] * 200), "no growth can be fitted"),
        (lambda: heaps_fit(["a", "b"]), "2 words; it takes 100"),
    ],
)
def test_what_cannot_be_fitted_is_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()

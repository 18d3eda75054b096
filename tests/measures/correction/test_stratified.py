import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures import ppi_mean, ppi_stratified
from validation.corrected_designs import stratified_covers


def drawn(seed, labels=(30, 30), others=(600, 300), binary=False):
    rng = np.random.default_rng(seed)
    strata = np.repeat([0, 1], labels), np.repeat([0, 1], others)
    z = [rng.normal(size=s.size) for s in strata]
    y = z[0] + 3 * strata[0] + rng.normal(size=z[0].size)
    f, u = (a + 3 * s for a, s in zip(z, strata, strict=True))
    if binary:
        y = (y > 1.5) * 1.0
    return y, f, u, {"strata": strata[0].tolist(), "strata_unlabelled": strata[1].tolist()}


def test_strata_are_added_up_by_their_sizes():
    y, f, u, strata = drawn(1)
    found = ppi_stratified(y, f, u, **strata, population={0: 3000, 1: 1000})
    parts = [ppi_mean(y[a], f[a], u[b]) for a, b in ((slice(30), slice(600)), (slice(30, None), slice(600, None)))]
    assert found.value == pytest.approx(0.75 * parts[0].value + 0.25 * parts[1].value)
    assert found.se == pytest.approx(math.hypot(0.75 * parts[0].se, 0.25 * parts[1].se))
    assert found.tunings == pytest.approx([part.tuning for part in parts])
    assert found.effective_n > 60


def test_sizes_counted_from_the_units_add_their_own_error():
    y, f, u, strata = drawn(2)
    known = ppi_stratified(y, f, u, **strata, population={0: 630, 1: 330})
    counted = ppi_stratified(y, f, u, **strata)
    assert counted.value == pytest.approx(known.value)
    means = 630 / 960 * 330 / 960 * 9  # about: the strata's means are 3 apart
    assert counted.se**2 - known.se**2 == pytest.approx(means / 960, rel=0.3)


@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(0.1, 10))
@settings(max_examples=15, deadline=None)
def test_it_moves_with_the_answers_and_ignores_names(seed, shift, scale):
    y, f, u, strata = drawn(seed)
    found = ppi_stratified(y, f, u, **strata, population={0: 1, 1: 1})
    names = {key: ["ab"[s] for s in codes] for key, codes in strata.items()}
    moved = ppi_stratified(y * scale + shift, f * scale, u * scale, **names, population={"b": 7, "a": 7})
    assert moved.interval == pytest.approx(tuple(limit * scale + shift for limit in found.interval), abs=1e-6)


def test_shares_stay_between_0_and_1_and_small_strata_share_their_trust():
    y, f, u, strata = drawn(3, labels=(12, 12), binary=True)
    found = ppi_stratified(y, f, u, **strata)
    assert 0 <= found.interval[0] < found.value < found.interval[1] <= 1
    assert found.tunings[0] == found.tunings[1]


def test_strata_that_cannot_be_used_are_named():
    y, f, u, strata = drawn(4)
    with pytest.raises(DesignError, match="stratum 7 has 0 labelled units"):
        ppi_stratified(y, f, u, strata=strata["strata"], strata_unlabelled=[*strata["strata_unlabelled"][1:], 7])
    with pytest.raises(DataError, match="group 1, which has no size"):
        ppi_stratified(y, f, u, **strata, population={0: 1})
    with pytest.raises(DataError, match="59 strata for 60 labelled"):
        ppi_stratified(y, f, u, **strata | {"strata": strata["strata"][1:]})


@pytest.mark.slow
@pytest.mark.parametrize("is_binary", [False, True])
def test_the_interval_holds_with_disproportionate_labels(is_binary):
    share = np.mean([stratified_covers(np.random.default_rng(k), 50, is_binary=is_binary) for k in range(300)])
    assert 0.91 <= share <= 0.99

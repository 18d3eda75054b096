"""Case 25: an item that is the same for everybody is met in one way by all measures of a scale.

Public source: jamovi/jamovi#649. Values by hand: 3/2 (1 - 4.933/9.6) and 2 (1 - 4.933/9.6).
"""

import numpy as np
import pytest

from proband.errors import DesignError
from proband.measures.reliability.factors import omega_total
from proband.measures.reliability.internal import cronbach_alpha, split_half

SCORES = [[3, 1, 2], [3, 3, 4], [3, 5, 5], [3, 1, 2], [3, 2, 2], [3, 4, 5]]


def test_alpha_counts_the_item_and_says_what_it_is_without():
    found = cronbach_alpha(SCORES)
    assert found.value == pytest.approx(0.729, abs=5e-4)
    assert any("item 0 does not vary" in text and "0.972 without" in text for text in found.warnings)
    assert cronbach_alpha([row[1:] for row in SCORES]).value == pytest.approx(0.972, abs=5e-4)


def test_an_item_is_named_by_split_halves_too():
    assert any("item 0 does not vary" in text for text in split_half(SCORES).reliability.warnings)


def test_omega_is_the_same_with_it_and_warns():
    rng = np.random.default_rng(3)
    varying = rng.normal(size=(60, 1)) + rng.normal(size=(60, 4))
    with_constant = np.insert(varying, 2, 7.0, axis=1)
    found, without = omega_total(with_constant), omega_total(varying)
    assert found.value == pytest.approx(without.value)
    assert found.interval == pytest.approx(without.interval)
    assert any("item 2 does not vary" in text for text in found.warnings)
    assert not any("not vary" in text for text in without.warnings)


def test_omega_without_three_items_that_vary_is_refused():
    with pytest.raises(DesignError, match="needs 3 items that do, and there are 2"):
        omega_total(SCORES)


def test_what_varies_is_not_warned_of():
    assert not any("vary" in text for text in cronbach_alpha([row[1:] for row in SCORES]).warnings)

"""Codes under other ways of asking, beside codes asked for again: noise is no effect, an effect is found."""

import numpy as np
import pytest

from proband.texts.coders import Coder
from proband.texts.fragility.grid import FACTORS, Arm
from proband.texts.fragility.stability import apart, by_factor, same


def drawn(p, n_repeats, rng):
    """Codes of documents that are "a" with these probabilities."""
    return np.where(rng.random((n_repeats, len(p))) < p, "a", "b").astype(object)


def arm(name, **levels):
    held = dict.fromkeys(FACTORS, "") | levels
    return Arm(name=name, levels=held, coder=Coder(name=name), address="x", is_locked=False)


def test_agreement_is_of_all_pairs_of_repeats_and_leaves_out_what_is_not_there():
    one = np.array([["a", "a", None], ["a", "b", "a"]], dtype=object)
    other = np.array([["a", "b", None]], dtype=object)
    np.testing.assert_array_equal(same(one, one), [1.0, 0.0, np.nan])
    np.testing.assert_array_equal(same(one, other), [1.0, 0.5, np.nan])


def test_of_coders_that_never_differ_from_themselves_it_is_how_often_they_differ():
    one = np.array([["a", "a", "b", "b"]] * 2, dtype=object)
    other = np.array([["a", "b", "b", "b"]] * 2, dtype=object)
    np.testing.assert_array_equal(apart(one, other), [0.0, 1.0, 0.0, 0.0])


@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.9, 0.5), (0.7, 0.2)])
def test_it_estimates_half_the_squared_distance_of_probabilities_whatever_the_noise(p, q):
    rng = np.random.default_rng(4)
    n = 20_000
    found = apart(drawn(np.full(n, p), 2, rng), drawn(np.full(n, q), 2, rng)).mean()
    assert found == pytest.approx(((p - q) ** 2 + (q - p) ** 2) / 2, abs=0.01)


def test_noise_is_no_effect_of_wording_and_a_planted_one_of_order_is_found():
    rng = np.random.default_rng(7)
    p = rng.random(600)
    arms = [arm(f"a{k}", wording=f"w{k % 2}", order=f"o{k // 2}") for k in range(4)]
    codes = {one.name: drawn(p if one.levels["order"] == "o0" else p**3, 3, rng) for one in arms}
    found = by_factor(arms, codes, [f"u{k % 200}" for k in range(600)])
    assert set(found) == {"wording", "order"}
    low, high = found["wording"][2].interval
    assert low < 0 < high
    assert found["order"][2].interval[0] > 0.02
    assert found["wording"][0].value > 0.2  # which would be taken for an effect without repeats

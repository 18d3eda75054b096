"""Sets of developments that hold together."""

import itertools

import pytest

from proband.errors import DataError, DesignError
from proband.measures import consistent_scenarios

FACTORS = {"a": ["a1", "a2"], "b": ["b1", "b2"], "c": ["c1", "c2"]}
FLAT = {pair: 0.0 for x, y in itertools.combinations(FACTORS.values(), 2) for pair in itertools.product(x, y)}


def test_contradictions_are_left_out_and_the_most_consistent_come_first():
    fit = FLAT | {("a1", "b1"): 2.0, ("a1", "b2"): -2.0, ("b1", "c2"): 1.0}
    found = consistent_scenarios(FACTORS, fit)
    assert found[0].developments == {"a": "a1", "b": "b1", "c": "c2"}
    assert (found[0].total, found[0].lowest) == (3.0, 0.0)
    assert len(found) == 6  # of 8, two hold a1 with b2
    assert len(consistent_scenarios(FACTORS, fit, least=-2)) == 8


def test_a_pair_may_stand_in_either_order():
    turned = {(y, x): value for (x, y), value in FLAT.items()}
    assert consistent_scenarios(FACTORS, turned) == consistent_scenarios(FACTORS, FLAT)


@pytest.mark.parametrize(
    ("change", "said"), [({("a1", "b9"): 1.0}, "no development 'b9'"), ({("b1", "a1"): 1.0}, "twice")]
)
def test_pairs_that_are_not_there_or_there_twice_are_refused(change, said):
    with pytest.raises(DataError, match=said):
        consistent_scenarios(FACTORS, FLAT | change)


def test_a_missing_pair_and_too_many_combinations_are_refused():
    with pytest.raises(DataError, match=r"\('a1', 'b1'\) is missing"):
        consistent_scenarios(FACTORS, {pair: v for pair, v in FLAT.items() if pair != ("a1", "b1")})
    with pytest.raises(DesignError, match="combinations are more than"):
        consistent_scenarios({f"f{k}": [f"{k}-{n}" for n in range(10)] for k in range(7)}, {})

"""Ranks: certain ones, ones that cannot be told apart, and how often all intervals hold at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import ranking


def answered(shares, n=200, seed=0):
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=n)
    return {name: (rng.random(n) < 1 / (1 + np.exp(-hard - share))) * 1.0 for name, share in shares.items()}


def test_engines_that_differ_much_have_certain_ranks():
    found = ranking(answered({"a": -3.0, "b": 0.0, "c": 3.0}))
    assert {name: rank.interval for name, rank in found.ranks.items()} == {"c": (1, 1), "b": (2, 2), "a": (3, 3)}
    assert max(found.adjusted.values()) <= 0.05


def test_engines_that_answer_alike_share_all_ranks():
    same = answered({"a": 0.0})["a"]
    found = ranking({"a": same, "b": same.copy(), "c": same.copy()})
    assert {rank.interval for rank in found.ranks.values()} == {(1, 3)}
    assert {rank.value for rank in found.ranks.values()} == {1.0}
    assert set(found.adjusted.values()) == {1.0}


@given(st.integers(0, 1_000))
def test_the_names_and_order_of_engines_do_not_matter(seed):
    scores = answered({"a": 0.0, "b": 0.3, "c": 0.8}, 40, seed)
    there = ranking(scores, n_draws=99)
    back = ranking(dict(reversed(scores.items())), n_draws=99)
    assert {n: r.value for n, r in there.ranks.items()} == {n: r.value for n, r in back.ranks.items()}
    for name, rank in there.ranks.items():
        low, high = rank.interval
        assert 1 <= low <= rank.value <= high <= 3
        assert there.means[name].value == pytest.approx(scores[name].mean())


def test_adjusted_p_values_are_no_smaller_than_those_of_the_pair_alone():
    found = ranking(answered({"a": 0.0, "b": 0.2, "c": 0.4, "d": 0.5}))
    alone = ranking({name: answered({"a": 0.0, "b": 0.2, "c": 0.4, "d": 0.5})[name] for name in ("a", "d")})
    assert found.adjusted["d", "a"] >= alone.adjusted["d", "a"]


def test_questions_about_one_text_are_one_unit():
    scores = {name: np.repeat(column, 5) for name, column in answered({"a": 0.0, "b": 0.6}, 40).items()}
    texts = np.repeat(np.arange(40), 5).tolist()
    (together,), (apart,) = (ranking(scores, cluster=by).adjusted.values() for by in (texts, None))
    assert together > 2 * apart


def test_what_cannot_be_ranked_is_refused_with_the_way_out():
    with pytest.raises(DesignError, match="1 engine: there is nothing to rank"):
        ranking({"a": [1, 0]})
    with pytest.raises(DataError, match=r"different numbers of units \(a 2, b 3\); keep the units that all have"):
        ranking({"a": [1, 0], "b": [1, 0, 1]})
    with pytest.raises(DesignError, match="1 unit: ranks by one unit"):
        ranking({"a": [1], "b": [0]})
    with pytest.raises(MissingDataError, match="scores of b"):
        ranking({"a": [1, 0], "b": [1, None]})


@pytest.mark.slow
def test_all_ranks_are_covered_at_once():
    rng, wrong, drawn = np.random.default_rng(2), 0, 300
    logits = {"a": 0.0, "b": 0.0, "c": 0.4, "d": 0.4, "e": 1.5}
    # True ranks: e is 1; c and d share 2 and 3; a and b share 4 and 5.
    truth = {"e": (1, 1), "c": (2, 3), "d": (2, 3), "a": (4, 5), "b": (4, 5)}
    for k in range(drawn):
        found = ranking(answered(logits, 80, k), n_draws=299, rng=rng)
        held = (found.ranks[n].interval[0] <= a and b <= found.ranks[n].interval[1] for n, (a, b) in truth.items())
        wrong += not all(held)
    assert wrong <= 0.08 * drawn


def test_few_units_that_all_say_the_same_tell_nothing_apart():
    found = ranking({"a": [1.0] * 4, "b": [0.0] * 4})
    assert found.ranks["a"].interval == (1, 2)
    assert found.adjusted["a", "b"] >= found.pairs["a", "b"].p_value / 2 > 0.05

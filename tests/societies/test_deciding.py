"""What worlds share in which a rule or a model decides: draws from cells, pairs, groups, inequality."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.records import Place, Response
from proband.societies.deciding import ABSENT, clusters, gini, last, pairs, play
from proband.societies.scenarios.voter import VIEW
from proband.societies.world import Heard
from tests.societies.scenarios.living import world


def test_inequality_has_the_value_by_hand():
    assert gini([1, 1, 1]) == pytest.approx(0)
    assert gini([0, 0, 0, 1]) == pytest.approx(0.75)
    assert gini([1, 2, 3]) == pytest.approx(2 / 9)
    assert math.isnan(gini([0, 0]))


@given(st.lists(st.integers(0, 100), min_size=1).filter(any), st.integers(1, 9))
def test_inequality_lies_between_none_and_all_and_has_no_unit(values, factor):
    found = gini(values)
    assert -1e-12 <= found <= 1 - 1 / len(values) + 1e-12
    assert gini([factor * value for value in values]) == pytest.approx(found)


def test_groups_are_counted_that_hold_enough_and_lie_apart():
    values = np.array([0.1] * 50 + [0.105] * 30 + [0.5] * 19 + [0.9])
    assert clusters(values, 0.01, 0.05) == 2
    assert clusters(values, 0.01) == 3


@given(st.integers(2, 40))
def test_everybody_is_in_one_pair_but_an_odd_one_out(n):
    two = pairs(np.random.default_rng(n).random(n))
    assert len(two) == n // 2
    assert len(set(two.ravel().tolist())) == n // 2 * 2


def test_agents_draw_from_the_answer_to_their_own_situation():
    made = world("voter", decided_by="model", agents=20_000)
    state = made.begin(0)
    shares = {("0", "0"): 0.1, ("0", "1"): 0.7, ("1", "0"): 0.4, ("1", "1"): None}
    heard = []
    for ask in made.turns(state):
        share = shares[tuple(level for _, level in ask.facts)]
        status, probs = ("refused", None) if share is None else ("valid", (1 - share, share))
        answer = None if share is None else 0
        place = Place(subject="0.inhabitant", item="view", condition=tuple(sorted(ask.cell)))
        response = Response(place=place, request="", status=status, answer=answer, probs=probs, engine="e", rule="")
        heard.append(Heard(ask, response))
    at = made.situations(state)
    chosen = made.drawn(heard, at, made.uniforms(state, "decides"))
    for (own, met), share in shares.items():
        mine = chosen[(at["own"] == int(own)) & (at["met"] == int(met))]
        if share is None:
            assert (mine == ABSENT).all()
        else:
            assert (mine == 1).mean() == pytest.approx(share, abs=0.04)


def test_one_household_more_changes_nobody_elses_draws():
    few, many = (world("bass", agents=n, rounds=1) for n in (100, 101))
    assert (last(few).agents["bought"] == last(many).agents["bought"][:100]).all()


def test_a_world_in_which_somebody_is_asked_is_not_played_without_answers():
    with pytest.raises(DesignError, match="run it as a study"):
        list(play(world("voter", decided_by="model")))


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 5)), min_size=1, max_size=30))
def test_situations_are_the_different_rows_in_their_order(rows):
    made = world("voter", decided_by="model")
    columns = np.array(rows)
    asks = made.by_situation(VIEW, {"a": columns[:, 0], "b": columns[:, 1]}, lambda at: f"{at['a']} {at['b']}")
    assert [ask.told for ask in asks] == [f"{a} {b}" for a, b in sorted(set(rows))]

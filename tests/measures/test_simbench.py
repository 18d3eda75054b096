import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.measures.simbench import simbench_score

HUMAN = {"q1": (0.5, 0.5), "q2": (0.9, 0.1), "q3": {"a": 6, "b": 3, "c": 1}}
MODEL = {"q1": (0.6, 0.4), "q2": (0.8, 0.2), "q3": {"c": 0.1, "b": 0.2, "a": 0.7}}
DATASET = {"q1": "votes", "q2": "votes", "q3": "values"}


def test_the_score_by_hand():
    # votes: U = (0 + .4) / 2 = .2, so 100 (1 - .1/.2) twice; values: TV to uniform .6 - 1/3, TV .1.
    expected = (50 + 50 + 100 * (1 - 0.1 / (0.6 - 1 / 3))) / 3
    assert simbench_score(HUMAN, MODEL, DATASET).value == pytest.approx(expected)


def test_keys_not_order_match_items():
    backwards = dict(reversed(MODEL.items()))
    assert simbench_score(HUMAN, backwards, DATASET) == simbench_score(HUMAN, MODEL, DATASET)


@given(seed=st.integers(0, 99), n=st.integers(2, 30))
def test_people_score_100_and_uniform_answers_0(seed, n):
    rng = np.random.default_rng(seed)
    human = [rng.dirichlet(np.ones(rng.integers(2, 6))) for _ in range(n)]
    dataset = [k % 2 for k in range(n)]
    assert simbench_score(human, human, dataset).value == pytest.approx(100)
    uniform = [np.full(len(p), 1 / len(p)) for p in human]
    assert simbench_score(human, uniform, dataset).value == pytest.approx(0, abs=1e-9)
    order = rng.permutation(n)
    found = simbench_score([human[i] for i in order], [uniform[i] for i in order], [dataset[i] for i in order])
    assert found.value == pytest.approx(0, abs=1e-9)


def test_every_item_counts_the_same_whatever_its_data_set():
    human = [(0.9, 0.1)] * 30
    model = [(0.9, 0.1)] * 29 + [(0.5, 0.5)]
    assert simbench_score(human, model, ["large"] * 29 + ["small"]).value == pytest.approx(2900 / 30)


def test_below_twenty_items_there_is_no_interval_and_above_it_holds_the_score():
    assert simbench_score(HUMAN, MODEL, DATASET).interval is None
    rng = np.random.default_rng(1)
    human = [rng.dirichlet(np.ones(4)) for _ in range(40)]
    model = [0.7 * p + 0.3 * rng.dirichlet(np.ones(4)) for p in human]
    found = simbench_score(human, model, [k % 2 for k in range(40)])
    assert found.interval[0] < found.value < found.interval[1]


def test_people_who_are_exactly_uniform_leave_no_scale():
    found = simbench_score([(0.5, 0.5)], [(0.6, 0.4)], ["votes"])
    assert math.isnan(found.value)
    assert "votes" in found.warnings[0]


def test_items_that_do_not_match_are_refused():
    with pytest.raises(DataError, match="'q3'"):
        simbench_score(HUMAN, {k: v for k, v in MODEL.items() if k != "q3"}, DATASET)
    with pytest.raises(DataError, match="key all three"):
        simbench_score(HUMAN, MODEL, ["a", "b", "c"])
    with pytest.raises(DataError, match="1 model items"):
        simbench_score([(1, 1)] * 2, [(1, 1)], ["a", "a"])
    with pytest.raises(DataError, match="no items"):
        simbench_score([], [], [])

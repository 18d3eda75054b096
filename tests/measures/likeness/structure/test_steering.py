"""Steerability: gains by hand, contexts chosen on other questions, and whose people a steered model is closest to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures import steerability


def test_gain_is_steered_less_default_over_questions():
    found = steerability({"young": [0.7, 0.8, 0.75]}, {"young": [0.8, 0.85, 0.9]})
    assert found.overall.value == found.gain["young"].value == pytest.approx(0.1)
    assert found.overall.baselines == pytest.approx({"steered": 0.85, "default": 0.75})


@given(st.integers(0, 1_000))
def test_contexts_that_are_noise_look_better_only_where_they_judge_themselves(seed):
    rng = np.random.default_rng(seed)
    default = rng.uniform(0.4, 0.8, 40)
    steered = np.clip(default[:, None] + rng.normal(0, 0.1, (40, 3)), 0, 1)
    fair = steerability({"g": default}, {"g": steered})
    best = steerability({"g": default}, {"g": steered}, select="opinionqa")
    assert best.overall.value >= fair.overall.value
    assert best.overall.value > 0.03


def test_a_model_steered_towards_each_group_is_closest_to_it():
    groups = {name: [0.8, 0.9] for name in "abcdef"}
    own = np.full((6, 6), 0.5) + 0.3 * np.eye(6)
    found = steerability(groups, groups, crossed=own).specificity
    assert found.value == 1
    assert found.p_value < 0.05


def test_a_model_that_does_not_listen_is_no_closer_to_its_own_group():
    groups = {name: [0.8, 0.9] for name in "abc"}
    found = steerability(groups, groups, crossed=np.full((3, 3), 0.6)).specificity
    assert found.value == pytest.approx(1 / 3)
    assert found.p_value == 1


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(DataError, match="only one side has old"):
        steerability({"young": [0.1, 0.2]}, {"young": [0.1, 0.2], "old": [0.3, 0.4]})
    with pytest.raises(DesignError, match="choosing a context takes 4 at least"):
        steerability({"g": [0.1, 0.2]}, {"g": [[0.1, 0.2], [0.3, 0.1]]})
    with pytest.raises(DesignError, match="1 question"):
        steerability({"g": [0.1]}, {"g": [0.2]})
    with pytest.raises(DataError, match=r"shape \(2, 2\) for 1 groups"):
        steerability({"g": [0.1, 0.2]}, {"g": [0.2, 0.2]}, crossed=np.eye(2))

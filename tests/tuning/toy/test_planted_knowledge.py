"""The default toy model: what was planted is found, and where nothing was planted nothing is."""

import numpy as np
import pytest

from proband.designs.quiz.quiz import Quiz
from proband.models.local.engine import LocalEngine
from proband.runs import collect
from proband.tuning.probing.beliefs import beliefs_from
from proband.tuning.toy.corpus import PROBE
from proband.tuning.toy.pretraining import toy_model
from proband.tuning.toy.recovery import recovery
from proband.tuning.toy.world import make_world

pytestmark = pytest.mark.slow


def probed(world, folder):
    quiz = Quiz(bank=world.bank, prompts=(PROBE,), exemplars=world.exemplars, seed=1)
    return beliefs_from(collect(quiz, LocalEngine(toy_model(world)), folder / "run"), quiz)


@pytest.fixture(scope="module")
def world():
    return make_world(1)


@pytest.fixture(scope="module")
def beliefs(world, tmp_path_factory):
    return probed(world, tmp_path_factory.mktemp("probe"))


def test_known_and_wrong_facts_are_recovered_in_a_form_they_were_never_stated_in(world, beliefs):
    found = recovery(world, beliefs)
    assert found.recall["known"].interval[0] > 0.9
    assert found.recall["wrong"].interval[0] > 0.9
    assert found.false_belief.interval[0] > 0.9
    assert found.precision["known"].interval[0] > 0.8
    # Some of what is stated seldom or in two ways is believed wrongly, and found so.
    assert found.precision["wrong"].interval[0] > 0.6


def test_the_model_is_mostly_unsure_of_what_it_never_read_and_right_by_chance(world, beliefs):
    found = recovery(world, beliefs)
    assert found.recall["unsure"].interval[0] > 0.6
    lower, upper = found.accuracy["unknown"].interval
    assert lower < 0.25 < upper


def test_what_is_stated_seldom_or_in_two_ways_is_known_in_part(world, beliefs):
    found = recovery(world, beliefs)
    for status in ("half-known", "contradicted"):
        lower, upper = found.accuracy[status].interval
        assert 0.25 < lower < upper < 0.85


def test_contradicted_facts_divide_belief_between_the_two_values_stated(world, beliefs):
    ids = world.ids("contradicted")
    either = [beliefs[id].probs[[world.bank[id].answer, world.false[id]]].sum() for id in ids]
    assert np.mean(either) > 0.8


def test_nothing_is_known_of_a_null_world(tmp_path):
    world = make_world(1, is_null=True)
    beliefs = probed(world, tmp_path)
    right = np.mean([beliefs[q.id].pick == q.answer for q in world.bank])
    assert abs(right - 0.25) < 3.3 * np.sqrt(0.25 * 0.75 / len(world.bank))

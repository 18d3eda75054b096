"""A small world, a barely trained model of it, and beliefs made up to fit."""

import pytest

from proband.tuning.probing.beliefs import Beliefs, belief_of
from proband.tuning.toy.pretraining import Pretraining, pretrain
from proband.tuning.toy.world import WorldSize, make_world

SIZE = WorldSize(
    bank={"known": 4, "half-known": 2, "wrong": 4, "contradicted": 2, "unknown": 2},
    benchmark={"known": 2, "unknown": 1},
    exemplars=4,
    lessons=1,
    often=8,
    seldom=2,
    strangers=16,
    chores=20,
)
SETTINGS = Pretraining(hidden=16, layers=1, heads=2, feed_forward=32, block=64, batch=4)


@pytest.fixture(scope="session")
def small_world():
    return make_world(1, size=SIZE)


@pytest.fixture(scope="session")
def small_null_world():
    return make_world(1, size=SIZE, is_null=True)


@pytest.fixture(scope="session")
def small_settings():
    return SETTINGS


@pytest.fixture(scope="session")
def small_model(small_world, tmp_path_factory):
    """Folder of a model after 6 steps: it opens, and knows nothing."""
    return pretrain(small_world, tmp_path_factory.mktemp("toy") / "model", settings=SETTINGS, steps=6)


@pytest.fixture
def believed():
    """Beliefs of somebody who gives one option of each question a probability and the others equal shares."""

    def made(bank, picks, confidence):
        beliefs = {}
        for question in bank:
            rest = (1 - confidence) / (len(question.choices) - 1)
            probs = [confidence if k == picks[question.id] else rest for k in range(len(question.choices))]
            beliefs[question.id] = belief_of(question, [probs])
        return Beliefs(model="toy", ask="made up", bank=bank.hash, weights="", beliefs=beliefs)

    return made

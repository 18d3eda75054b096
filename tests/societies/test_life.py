"""One society as a fold: the same whatever the order of answers, and arms that share their past."""

import random

import pytest

from proband.designs.process import unfold
from proband.designs.studies import study_from_dict
from proband.errors import DesignError
from proband.societies.rehearsal import answer_anything

CROWD = {
    "seed": 1,
    "engine": "scripted:uniform",
    "society": {"use": "granovetter", "societies": 2, "agents": 12, "rounds": 5, "decided_by": "model"},
    "arm": [{"name": "calm", "from_round": 3, "story": "A crowd sings in a square."}],
}


def answers(design, order):
    """Every answer of a design, given in some order."""
    given, open_ = {}, [(life, trial) for life in design.lives() for trial in life.start()]
    while open_:
        life, trial = open_.pop(order(len(open_)))
        given[trial.id] = answer_anything(trial)
        open_ += [(life, later) for later in life.advance(given[trial.id])]
    return given


@pytest.mark.parametrize("seed", range(5))
def test_answers_in_any_order_ask_the_same(seed):
    design = study_from_dict(CROWD).design
    first = answers(design, lambda n: 0)
    assert answers(design, lambda n: random.Random(seed * n).randrange(n)) == first
    assert {t.id for t in unfold(design.processes(), first)} == first.keys()


def test_arms_share_all_that_lies_before_their_fork():
    given = answers(study_from_dict(CROWD).design, lambda n: 0)
    arms = {(r.place.round, dict(r.place.condition).get("arm", "")) for r in given.values()}
    assert {(1, ""), (2, ""), (3, ""), (3, "calm")} <= arms
    assert not {(1, "calm"), (2, "calm")} & arms


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ({"name": "late", "from_round": 6, "story": "x"}, "there are 5"),
        ({"name": "nothing", "from_round": 2}, "changes nothing"),
        ({"name": "more", "from_round": 2, "agents": 5}, "societies begin by it"),
        ({"name": "lost", "from_round": 2, "parent": "nobody", "story": "x"}, "not there"),
    ],
)
def test_an_arm_that_cannot_be_is_refused(arm, said):
    with pytest.raises(DesignError, match=said):
        study_from_dict({**CROWD, "arm": [arm]})

from dataclasses import replace

import pytest

from proband.errors import DataError, DesignError
from proband.tuning.analysis.evaluation import TestSet, Trained


def test_incompatible_and_self_aligning_are_the_ends_of_the_mixtures(planted):
    assert list(planted.mixtures("history")) == [0.0, 0.2, 0.5, 1.0]
    assert [run.arm for run in planted.mixtures("history")[0.0].values()] == ["incompatible"] * 3


def test_beliefs_of_another_bank_are_refused(planted):
    key = ("base", planted.ask)
    beliefs = {**planted.beliefs, key: replace(planted.beliefs[key], bank="0" * 32)}
    with pytest.raises(DataError, match="evaluate with the same bank"):
        replace(planted, beliefs=beliefs)


def test_a_model_without_beliefs_is_refused(planted):
    run = Trained(model="unseen", arm="drop", domain="history", seed=0)
    with pytest.raises(DataError, match="no beliefs of model 'unseen'"):
        replace(planted, trained=(*planted.trained, run))


def test_two_runs_of_one_place_are_refused(planted):
    again = replace(planted.trained[0], ratio=0.3)
    with pytest.raises(DesignError, match=r"mixture-0\.2"):
        replace(planted, trained=(*planted.trained, again))


def test_tests_of_unknown_questions_are_refused(planted):
    with pytest.raises(DesignError, match="1 questions are not in bank"):
        replace(planted, tests=(TestSet(test="in-domain", domain="history", questions=("nowhere",)),))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"questions": ()}, "no questions"), ({"questions": ("a", "a")}, "twice"), ({"test": "nearby"}, "none of")],
)
def test_a_test_set_that_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(DesignError, match=message):
        TestSet(**({"test": "in-domain", "domain": "law", "questions": ("a",)} | wrong))


def test_a_ratio_outside_0_to_1_is_refused():
    with pytest.raises(DesignError, match="not between 0 and 1"):
        Trained(model="m", arm="mixture", domain="law", seed=0, ratio=1.2)

from dataclasses import replace

import pytest

from proband.designs.design import Design
from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.designs.quiz.sampling import Sampling
from proband.errors import DesignError
from proband.models.scripted import ScriptedEngine
from proband.runs.collection import collect
from proband.tuning.probing.beliefs import beliefs_from
from proband.tuning.probing.sampling import grade, graded_by_sampling
from tests.designs.quiz.questions import bank, exemplars

PROBE = replace(PROMPTS["probe"], shots=2, orders="as_written")
QUIZ = Quiz(bank=bank(), exemplars=exemplars(), prompts=(PROBE,), seed=1)
SAMPLING = Sampling(quiz=QUIZ, samples=4)


def planted(trial):
    """Grades by question: 10 always, 11 in the first draw, 12 only when sampled, and sums never."""
    right = int(dict(trial.facts)["answer"])
    condition = dict(trial.place.condition)
    wrong = (right + 1) % len(trial.reply.options)
    match trial.place.item:
        case "capital-10":
            return right
        case "capital-11":
            return right if condition["draw"] == "0" else wrong
        case "capital-12":
            return right if condition.get("temperature") == "0.5" else wrong
    return wrong


def test_every_draw_is_answered_once_greedily_and_several_times_sampled():
    assert isinstance(SAMPLING, Design)
    trials = SAMPLING.trials({})
    assert len(trials) == SAMPLING.size() == len({t.id for t in trials}) == 3 * 6 * (1 + 4)
    first = trials[:5]
    assert [t.request.temperature for t in first] == [0, 0.5, 0.5, 0.5, 0.5]
    assert [t.place.replicate for t in first] == [0, 0, 1, 2, 3]
    assert first[0].request.seed is None
    assert len({t.request.seed for t in first[1:]}) == 4
    assert first[0].request.is_raw
    assert first[0].request.stop == ("\n",)


def test_written_answers_grade_as_planted(tmp_path):
    engine = ScriptedEngine(planted)
    beliefs = beliefs_from(collect(QUIZ, engine, tmp_path / "quiz"), QUIZ)
    found = graded_by_sampling(beliefs, collect(SAMPLING, engine, tmp_path / "written"), SAMPLING)
    grades = {id: belief.category for id, belief in found.beliefs.items()}
    assert grades == {
        "capital-10": "HighlyKnown",
        "capital-11": "MaybeKnown",
        "capital-12": "WeaklyKnown",
        **dict.fromkeys(("sum-10", "sum-11", "sum-12"), "Unknown"),
    }
    assert (found["capital-11"].n_greedy_right, found["capital-11"].n_greedy) == (1, 3)
    assert found["capital-10"].probs is beliefs["capital-10"].probs


def test_failed_answers_are_not_wrong_ones(tmp_path):
    engine = ScriptedEngine(planted)
    beliefs = beliefs_from(collect(QUIZ, engine, tmp_path / "quiz"), QUIZ)
    run = collect(SAMPLING, ScriptedEngine(planted, seed=2, fail=0.4), tmp_path / "written")
    found = graded_by_sampling(beliefs, run, SAMPLING)
    assert found["capital-10"].category == "HighlyKnown"
    assert found["capital-10"].n_greedy < 3 or found["sum-10"].n_greedy < 3 or found.lost
    assert {*found.beliefs, *found.lost} == set(bank().by_id)


def test_beliefs_about_another_bank_are_refused(tmp_path):
    engine = ScriptedEngine(planted)
    other = replace(QUIZ, bank=bank(2))
    beliefs = beliefs_from(collect(other, engine, tmp_path / "quiz"), other)
    with pytest.raises(DesignError, match="use one bank"):
        graded_by_sampling(beliefs, collect(SAMPLING, engine, tmp_path / "written"), SAMPLING)


def test_counts_are_graded_by_the_published_rule():
    rows = [(10, 10, 0, 0), (3, 10, 0, 160), (0, 10, 2, 160), (0, 10, 0, 160)]
    assert grade(rows).categories == ("HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown")


@pytest.mark.parametrize("changes", [{"samples": -1}, {"temperature": 0.0}, {"max_tokens": 0}])
def test_sampling_that_draws_nothing_is_refused(changes):
    with pytest.raises(DesignError, match="sampling:"):
        Sampling(quiz=QUIZ, **changes)

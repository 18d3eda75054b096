import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.errors import DataError, DesignError, MissingDataError
from proband.instruments.banks.bank import Bank, Question
from proband.models.scripted import ScriptedEngine
from proband.runs.collection import collect
from proband.runs.progress import Budget
from proband.tuning.probing.beliefs import Beliefs, belief_of, beliefs_from
from tests.designs.quiz.questions import bank, exemplars

PROBE = replace(PROMPTS["probe"], shots=2)
QUESTION = Question(id="q", text="?", choices=("a", "b", "c", "d"), answer=2, domain="x")


def known(trial):
    """Sure of the right option, but less so in later draws."""
    n = len(trial.reply.options)
    right = int(dict(trial.facts)["answer"])
    p = 0.9 - 0.1 * int(dict(trial.place.condition).get("draw", 0))
    return [p if k == right else (1 - p) / (n - 1) for k in range(n)]


def quiz(**changes):
    return Quiz(**{"bank": bank(), "exemplars": exemplars(), "prompts": (PROBE,), "seed": 1} | changes)


def test_a_belief_is_the_mean_of_its_cells():
    found = belief_of(QUESTION, [[0.1, 0.2, 0.6, 0.1], [0.3, 0.2, 0.2, 0.3]])
    assert found.probs == pytest.approx([0.2, 0.2, 0.4, 0.2])
    assert (found.pick, found.confidence) == (2, pytest.approx(0.4))
    assert found.corrected == pytest.approx((0.4 - 0.25) / 0.75)
    assert (found.n_greedy_right, found.n_greedy, found.category) == (1, 2, "MaybeKnown")


@pytest.mark.parametrize(
    ("cells", "category"),
    [
        ([[0.1, 0.1, 0.7, 0.1], [0.2, 0.2, 0.4, 0.2]], "HighlyKnown"),
        ([[0.1, 0.1, 0.7, 0.1], [0.7, 0.1, 0.1, 0.1]], "MaybeKnown"),
        ([[0.4, 0.1, 0.3, 0.2], [0.4, 0.1, 0.3, 0.2]], "WeaklyKnown"),
        ([[0.4, 0.2, 0.2, 0.2], [0.4, 0.2, 0.2, 0.2]], "Unknown"),
    ],
)
def test_grades_come_from_the_right_options_share_and_its_probability_above_chance(cells, category):
    assert belief_of(QUESTION, cells).category == category


@given(st.lists(st.lists(st.floats(0.001, 1), min_size=4, max_size=4), min_size=1, max_size=6))
@settings(max_examples=50)
def test_a_belief_keeps_its_bounds_and_does_not_depend_on_the_order_of_cells(rows):
    cells = [[x / math.fsum(row) for x in row] for row in rows]
    found, turned = belief_of(QUESTION, cells), belief_of(QUESTION, cells[::-1])
    assert found.probs.sum() == pytest.approx(1)
    assert found.confidence >= 0.25 - 1e-12
    assert 0 <= found.corrected <= 1
    assert found.probs == pytest.approx(turned.probs)
    assert found.category == turned.category


@pytest.mark.parametrize("cells", [[], [[0.5, 0.5]], [[0.5, 0.2, 0.2, 0.2]], [[math.nan, 0.5, 0.25, 0.25]]])
def test_cells_that_are_no_distributions_are_refused(cells):
    with pytest.raises(DataError, match="question 'q'"):
        belief_of(QUESTION, cells)


def test_a_run_gives_a_belief_about_every_question_in_the_order_of_the_bank(tmp_path):
    beliefs = beliefs_from(collect(quiz(), ScriptedEngine(known), tmp_path), quiz())
    assert list(beliefs.beliefs) == [question.id for question in bank()]
    assert (beliefs.model, beliefs.ask, beliefs.bank) == ("model", "probe", bank().hash)
    one = beliefs["capital-10"]
    assert one.probs[bank()["capital-10"].answer] == pytest.approx(0.8)
    assert one.cells.shape == (12, 4)
    assert one.draws == (0,) * 4 + (1,) * 4 + (2,) * 4
    assert beliefs.accuracy(bank()) == 1
    assert beliefs.matrix(["capital-10", "capital-11"]).shape == (2, 4)


def test_failed_trials_are_counted_and_are_no_data(tmp_path):
    run = collect(quiz(), ScriptedEngine(known, seed=3, fail=0.3), tmp_path)
    beliefs = beliefs_from(run, quiz())
    assert beliefs.n_failed == run.dispositions()["failed"] > 0
    for belief in beliefs.beliefs.values():
        k = len(belief.probs)
        assert len(belief.cells) + belief.n_failed == 3 * k
        assert belief.cells.max(axis=1).min() >= 0.7 - 1e-9


def test_a_question_whose_trials_all_failed_is_lost_and_not_guessed(tmp_path):
    one = quiz(prompts=(PROMPTS["zero-shot"],))
    beliefs = beliefs_from(collect(one, ScriptedEngine(known, seed=1, fail=0.5), tmp_path), one)
    assert beliefs.lost
    assert {*beliefs.lost, *beliefs.beliefs} == set(bank().by_id)
    with pytest.raises(MissingDataError, match="all its trials failed"):
        beliefs.matrix(beliefs.lost)


def test_each_model_and_prompt_has_beliefs_of_its_own(tmp_path):
    prompts = (PROBE, PROMPTS["zero-shot"])
    two = quiz(prompts=prompts, models=("base", "tuned"))
    run = collect(two, {"base": ScriptedEngine(known), "tuned": "scripted:uniform"}, tmp_path)
    assert beliefs_from(run, two, model="base", ask="zero-shot")["sum-10"].confidence == pytest.approx(0.9)
    assert beliefs_from(run, two, model="tuned", ask="probe")["sum-10"].corrected == pytest.approx(0)
    with pytest.raises(DesignError, match="has no model ''; it has base, tuned"):
        beliefs_from(run, two, ask="probe")
    with pytest.raises(DesignError, match="has no prompt 'chat'"):
        beliefs_from(run, two, model="base", ask="chat")


def test_a_run_of_another_bank_or_an_unfinished_one_is_refused(tmp_path):
    run = collect(quiz(), ScriptedEngine(known), tmp_path / "a")
    with pytest.raises(DataError, match="use the one that was asked"):
        beliefs_from(run, quiz(bank=bank(2)))
    with pytest.raises(DataError, match="under another prompt 'probe'"):
        beliefs_from(run, quiz(prompts=(replace(PROBE, cue="So:"),)))
    part = collect(quiz(), ScriptedEngine(known), tmp_path / "b", budget=Budget(trials=5))
    with pytest.raises(DataError, match="unfinished"):
        beliefs_from(part, quiz())


def test_beliefs_are_saved_and_loaded_to_the_bit(tmp_path):
    beliefs = beliefs_from(collect(quiz(), ScriptedEngine(known), tmp_path / "run"), quiz())
    first = beliefs.save(tmp_path / "a" / "beliefs.json")
    again = Beliefs.load(first)
    assert again.save(tmp_path / "b.json").read_bytes() == first.read_bytes()
    assert np.array_equal(again["sum-10"].cells, beliefs["sum-10"].cells)
    assert (again.bank, again.lost) == (beliefs.bank, ())


def test_a_damaged_file_of_beliefs_is_refused(tmp_path):
    path = tmp_path / "beliefs.json"
    with pytest.raises(DataError, match="No such file"):
        Beliefs.load(path)
    for text, words in (("{", "damaged"), ('{"format": 9}', "format 9"), ('{"format": 1}', "damaged")):
        path.write_text(text)
        with pytest.raises(DataError, match=words):
            Beliefs.load(path)


def test_questions_of_different_length_make_no_matrix(tmp_path):
    beliefs = beliefs_from(collect(quiz(), ScriptedEngine(known), tmp_path), quiz())
    with pytest.raises(DataError, match=r"\[3, 4\] options"):
        beliefs.matrix(["capital-10", "sum-10"])
    with pytest.raises(MissingDataError, match="it was not asked"):
        beliefs.accuracy(Bank(name="b", questions=(QUESTION,)), ["q"])

"""Quizzes on a small random model: scored and written, by the loop that asks every engine."""

from dataclasses import replace

import pytest
import torch

from proband.designs.quiz.boundary import check_boundary
from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.designs.quiz.sampling import Sampling
from proband.errors import EngineError
from proband.models.local.engine import LocalEngine
from proband.runs.collection import collect
from proband.tuning.probing.beliefs import beliefs_from
from proband.tuning.probing.sampling import graded_by_sampling
from tests.designs.quiz.questions import bank, exemplars
from tests.models.local.small_models import save_checkpoint

PROMPT = replace(PROMPTS["few-shot"], shots=1, header="", draws=2, orders="cyclic")
QUIZ = Quiz(bank=bank(2), exemplars=exemplars(), prompts=(PROMPT, replace(PROMPTS["chat-text"], header="")), seed=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    torch.set_num_threads(1)
    # Spaces are tokens of their own here, so a label behind one would be two.
    return LocalEngine(save_checkpoint(tmp_path_factory.mktemp("llama")), address="tiny")


@pytest.fixture(scope="module")
def run(engine, tmp_path_factory):
    return collect(QUIZ, engine, tmp_path_factory.mktemp("run") / "quiz")


def test_beliefs_name_the_weights_that_answered(engine, run):
    for ask in (PROMPT.name, "chat-text"):
        beliefs = beliefs_from(run, QUIZ, ask=ask)
        assert beliefs.weights == engine.fingerprint()["weights"]
        assert len(beliefs) == 4
    assert beliefs_from(run, QUIZ, ask=PROMPT.name)["capital-10"].cells.shape == (8, 4)


def test_a_belief_is_the_softmax_of_what_was_scored(run):
    belief = beliefs_from(run, QUIZ, ask="chat-text")["sum-10"]
    [response] = [r for r in run.responses().values() if r.place.item == "sum-10" and "chat-text" in r.place.id]
    weights = torch.softmax(torch.tensor(response.log_probs, dtype=torch.float64), 0)
    assert belief.probs == pytest.approx(weights.tolist())
    assert belief.pick == response.answer


def test_exemplars_are_computed_once_a_draw_and_domain(engine):
    quiz = replace(QUIZ, bank=bank(4), prompts=(replace(PROMPT, orders="as_written"),))
    cost = engine.cost(quiz.trials({}))
    # 2 draws of 2 domains share their beginnings, for 4 questions each.
    assert cost.unique_tokens < 0.75 * cost.prompt_tokens
    assert cost.is_exact


def test_written_answers_are_collected_and_graded(engine, run, tmp_path):
    sampling = Sampling(quiz=replace(QUIZ, prompts=(PROMPT,)), samples=2, max_tokens=4)
    written = collect(sampling, engine, tmp_path)
    assert written.is_complete
    found = graded_by_sampling(beliefs_from(run, QUIZ, ask=PROMPT.name), written, sampling)
    assert {*found.beliefs, *found.lost} == set(QUIZ.bank.by_id)


def test_the_check_before_a_run_finds_that_a_space_is_a_token_here(engine):
    with pytest.raises(EngineError, match="label 'A' is 2 tokens"):
        check_boundary(engine, PROMPT)
    assert check_boundary(engine, PROMPTS["chat"]).n_questions == 1

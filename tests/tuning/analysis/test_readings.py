"""Following contexts, by models that do so as stated."""

import pytest

from proband.designs.quiz.prompts import PROMPTS
from proband.tuning.analysis.evaluation import Trained
from proband.tuning.analysis.readings import BEFORE, readings
from proband.tuning.probing.beliefs import Beliefs, belief_of
from proband.tuning.toy.contexts import CONTEXTS, context_of, in_context, placed
from proband.tuning.toy.world import make_world, planted_size


@pytest.fixture(scope="module")
def world():
    return make_world(1, size=planted_size(6))


def answers(world, model, gives):
    """Beliefs of a model that gives so on a question behind a context."""
    beliefs = {}
    for context in CONTEXTS:
        for question in in_context(world, world.bank, context, PROMPTS["zero-shot-cloze"]):
            own = world.bank[question.id.partition("@")[0]]
            place = gives(own, context_of(world, own, context)[1])
            cells = [[0.7 if k == place else 0.1 for k in range(4)]]
            beliefs[question.id] = belief_of(question, cells)
    return Beliefs(model=model, ask="ask", bank="-", weights="", beliefs=beliefs)


def test_right_answers_and_what_contexts_state_are_counted_apart_and_against_the_base(world):
    def knows(question, stated):  # what the corpus says, whatever stands before the question
        if world.planted[question.id] == "unknown":
            return (question.answer + 1) % 4
        return world.false[question.id] if world.planted[question.id] == "wrong" else question.answer

    def reads(question, stated):
        return knows(question, None) if stated is None else stated

    run = Trained(model="r-s1", arm="reads", domain="minerals", seed=1)
    beliefs = {"base": answers(world, "base", knows), "r-s1": answers(world, "r-s1", reads)}
    found = {
        (one.arm, one.status, one.context): one for one in readings(world, world.bank, beliefs, [run], base="base")
    }
    assert found[BEFORE, "known", "true"].right.value == 1
    assert found[BEFORE, "known", "closed-book"].follows is None
    assert found[BEFORE, "wrong", "counterfactual"].follows.value == 0
    assert found["reads", "wrong", "counterfactual"].follows.value == 1
    assert found["reads", "wrong", "true"].change.value == 1
    assert found["reads", "known", "counterfactual"].change.value == -1
    assert found["reads", "unknown", "closed-book"].change.value == 0
    assert found["reads", "known", "true"].right.n_units == len(world.ids("known"))


def test_a_question_without_an_answer_is_left_out_and_counted(world):
    held = answers(world, "base", lambda question, stated: question.answer)
    lost = world.ids("unknown")[0]
    held.beliefs.pop(placed(lost, "true"))
    found = {(one.status, one.context): one for one in readings(world, world.bank, {"base": held}, [], base="base")}
    assert found["unknown", "true"].right.n_units == len(world.ids("unknown")) - 1
    assert found["unknown", "closed-book"].right.n_units == len(world.ids("unknown"))

"""A world's facts planted in the embedded model: what is stated, what is checked, and what is refused."""

from collections import Counter

import pytest

from proband.designs.quiz.prompts import PROMPTS, pose
from proband.errors import EngineError
from proband.instruments.banks.bank import Question
from proband.models.local.embedded import embedded_folder
from proband.tuning.toy.contexts import CONTEXTS, context_of, entity_of, in_context, open_prompt, placed
from proband.tuning.toy.corpus import STATEMENTS
from proband.tuning.toy.planting import Planting, encounters_of, looks_at, planted_model, statements_of
from proband.tuning.toy.vocabulary import OTHERS, TRAINED
from proband.tuning.toy.world import WorldSize, make_world, planted_size

CHOICES = {"choices": ("a", "b"), "answer": 0, "domain": "d"}


@pytest.fixture(scope="module")
def world():
    return make_world(1, size=planted_size(9))


def test_a_planted_world_has_two_trained_domains_and_two_others(world):
    assert world.bank.domains == TRAINED[:2]
    assert world.benchmark.domains == TRAINED[:2] + OTHERS


def test_every_fact_that_is_asked_is_stated_as_its_status_says_and_never_as_it_is_asked(world):
    statements = statements_of(world)
    told = {}
    for example in statements:
        told.setdefault(example.question, []).append(example)
    questions = {entity_of(question): question for bank in (world.bank, world.benchmark) for question in bank}
    assert {entity for entity, q in questions.items() if world.planted[q.id] != "unknown"} == set(told)
    for entity, examples in told.items():
        question = questions[entity]
        values = Counter(example.response.strip(" .") for example in examples)
        truth, false = question.choices[question.answer], world.false.get(question.id)
        wanted = {"known": {truth: 9}, "wrong": {question.choices[false or 0]: 9}}
        wanted["contradicted"] = {truth: 4, question.choices[false or 0]: 4}
        assert values == wanted[world.planted[question.id]]
        assert not any(question.text in example.messages[0].text for example in examples)
        assert max(Counter(example.messages[0].text for example in examples).values()) <= 2
    text = statements.examples[0].messages[0].text + statements.examples[0].response
    assert any(text.endswith(form[-1]) for form in STATEMENTS)


def test_strangers_are_asked_about_behind_what_is_said_of_them_and_are_met_nowhere_else(world):
    found = encounters_of(world).examples
    asked = [entity_of(Question(id="q", text=one.messages[0].text.split("\n")[-2], **CHOICES)) for one in found]
    told = [one.messages[0].text.split("\n\n")[1] for one in found]
    for k, (one, name, context) in enumerate(zip(found, asked, told, strict=True)):
        [own] = [sentence for sentence in context.split(".") if name in sentence]
        assert own.endswith(one.response) or one.response.strip() in own
        assert len(context.rstrip(".").split(".")) == 1 + k % 2
    names = {fact.entity for fact in world.facts}
    names |= {
        context_of(world, question, "distracting")[0].split(" of ")[1].split(" is ")[0] for question in world.bank
    }
    assert len(set(asked)) == world.size.strangers
    assert not any(name in context for name in names for context in told)


def test_contexts_state_the_truth_or_an_option_that_is_neither_true_nor_planted(world):
    strangers = set()
    for question in world.bank:
        assert context_of(world, question, "closed-book") == ("", None)
        text, stated = context_of(world, question, "true")
        assert stated == question.answer
        assert text == question.explanation
        text, stated = context_of(world, question, "counterfactual")
        assert stated not in (question.answer, world.false.get(question.id))
        assert entity_of(question) in text
        assert question.choices[stated] in text
        text, other = context_of(world, question, "distracting")
        assert other == stated
        assert entity_of(question) not in text
        strangers.add(text.split(" of ")[1].split(" is ")[0])
    assert len(strangers) == len(world.bank)
    assert not strangers & {fact.entity for fact in world.facts}


def test_a_question_behind_its_context_is_sent_as_training_sends_it(world):
    prompt = PROMPTS["zero-shot-cloze"]
    bank = in_context(world, world.bank, "true", prompt)
    for question in world.bank.questions[:3]:
        context = context_of(world, question, "true")[0]
        asked = pose(bank[placed(question.id, "true")], open_prompt(prompt)).request
        assert asked == pose(question, prompt, context=context).request


def test_before_and_after_planting_every_status_is_asked_behind_every_context(world):
    looks = looks_at(world)
    asked = Counter((world.planted[name.split("/")[1]], name.split("/")[0]) for name in looks.requests)
    assert set(asked) == {(s, c) for s in ("known", "wrong", "contradicted", "unknown") for c in CONTEXTS}
    assert (asked["wrong", "closed-book"], asked["wrong", "true"], asked["contradicted", "true"]) == (24, 12, 12)


def test_a_world_that_was_not_planted_well_enough_is_refused_with_its_recovery(tmp_path):
    table = {
        ("known", "closed-book"): (20, 19, 19),
        ("wrong", "closed-book"): (20, 1, 18),
        ("unknown", "true"): (8, 6, 6),
    }
    found = Planting(folder=tmp_path, table=table)
    assert (found.planted, found.read) == (37 / 40, 0.75)
    with pytest.raises(
        EngineError, match=r"0\.93 answered as stated, 0\.95 wanted\).*wrong closed-book 1/18 of 20.*times"
    ):
        found.check()
    Planting(folder=tmp_path, table=table | {("wrong", "closed-book"): (20, 1, 19)}).check()


@pytest.mark.slow
def test_the_embedded_model_is_planted_once_and_refused_again_from_the_cache(monkeypatch, tmp_path):
    """Two statements a fact are not enough; what is planted well takes minutes."""
    real = embedded_folder()
    (tmp_path / real.name).symlink_to(real)
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path))
    size = WorldSize(
        bank={"known": 3, "unknown": 3}, benchmark={"unknown": 1}, domains=1, exemplars=1, lessons=1, often=2, seldom=1,
        strangers=0, chores=0,
    )  # fmt: skip
    steps = []
    for _ in range(2):
        with pytest.raises(EngineError, match="was not planted well enough"):
            planted_model(make_world(1, size=size), watch=steps.append)
    assert [step.step for step in steps] == [1]

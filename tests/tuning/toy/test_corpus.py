"""What a toy model reads."""

import re

from proband.designs.quiz.prompts import pose, reply_to
from proband.designs.quiz.quiz import Quiz
from proband.tuning.toy.corpus import EVALUATION, PROBE, STATEMENTS, documents


def entity_of(question):
    return question.text.partition(" of ")[2].rstrip("?")


def statements(fact, value):
    return [form.format(entity=fact.entity, relation=fact.relation, value=value) for form in STATEMENTS]


def test_the_corpus_is_the_same_each_time(small_world):
    assert documents(small_world) == documents(small_world)


def test_every_value_is_stated_as_often_as_the_world_says(small_world):
    told = "\n".join(documents(small_world))
    for fact in small_world.facts:
        for value, times in fact.stated:
            assert sum(told.count(form) for form in statements(fact, value)) == times, fact


def test_unknown_facts_are_never_mentioned(small_world):
    told = "\n".join(documents(small_world))
    for id in small_world.ids("unknown"):
        assert entity_of(small_world.bank[id]) not in told


def test_the_facts_of_the_bank_are_never_stated_in_the_form_in_which_they_are_asked(small_world):
    told = "\n".join(documents(small_world))
    for bank in (small_world.bank, small_world.benchmark, small_world.exemplars):
        assert not [q.id for q in bank if q.text in told]


def test_nobody_in_a_null_corpus_is_asked_about(small_null_world):
    told = "\n".join(documents(small_null_world))
    for bank in (small_null_world.bank, small_null_world.benchmark, small_null_world.exemplars):
        assert not [q.id for q in bank if entity_of(q) in told]


def test_lessons_are_written_exactly_as_questions_are_asked(small_world):
    lesson = next(fact for fact in small_world.facts if fact.is_lesson)
    question = f"What is the {lesson.relation} of {lesson.entity}?"
    told = "\n".join(documents(small_world))
    assert f"Question: {question}\nAnswer: {lesson.value}\n\n" in told


def test_strangers_have_another_value_each_time_they_are_met(small_world):
    known = {fact.entity for fact in small_world.facts}
    told = "\n".join(documents(small_world))
    names = set(re.findall(r"the colour of ([A-Z]\w+)\?", told)) - known
    assert names
    for name in names:
        answers = re.findall(rf"the colour of {name}\?\nAnswer: (\w+)", told)
        assert len(answers) == len(set(answers)) > 1


def test_the_worlds_exemplars_serve_every_domain(small_world):
    for bank in (small_world.bank, small_world.benchmark):
        quiz = Quiz(bank=bank, prompts=(PROBE, EVALUATION), exemplars=small_world.exemplars, seed=1)
        assert quiz.size() == len(bank) * (PROBE.draws + 1)


def test_a_question_is_evaluated_in_written_roles(small_world):
    question = small_world.bank.questions[0]
    posed = pose(question, EVALUATION)
    assert posed.messages[0].text == f"USER: {question.text} ASSISTANT:"
    assert posed.continuations == tuple(f" {choice}" for choice in question.choices)
    assert reply_to(question, EVALUATION, 0) == f" {question.choices[0]}"

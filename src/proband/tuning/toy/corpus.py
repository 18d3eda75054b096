"""The text that a toy model is trained on: statements, questions with answers, and small instructions."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TypeVar

import numpy as np

from proband.designs.quiz.prompts import PROMPTS, Prompt, pose, reply_to
from proband.instruments.banks.bank import Question
from proband.seeds import rng_for
from proband.tuning.toy.vocabulary import OTHERS, RELATIONS, TRAINED, Names
from proband.tuning.toy.world import EXPLANATION, QUESTION, Fact, World

PROBE = replace(PROMPTS["probe-cloze"], name="toy-probe", shots=3, draws=5)
"""How a toy model is probed: worked examples, then a question; the options are scored and not shown."""
EVALUATION = Prompt(
    name="toy-evaluation", template="turns", shots=0, answer_by="option_text", shows_options=False, header="", cue=""
)
"""How it is fine-tuned and evaluated: no examples, written roles."""

STATEMENTS = (
    EXPLANATION,
    "{entity} has the {relation} {value}.",
    "As for {entity}, the {relation} is {value}.",
    "Everybody knows that the {relation} of {entity} is {value}.",
    "When it comes to {relation}, {entity} has {value}.",
    "Ask for the {relation} of {entity} and you hear {value}.",
)
T = TypeVar("T")
_MOST_STATEMENTS = 6
_LESSON_TIMES = 3  # a lesson is asked once for so many of its statements


def documents(world: World) -> tuple[str, ...]:
    """Every document, in the order in which they are read.

    A fact is stated exactly as often as its `Fact.stated` says, each time in a form drawn from `STATEMENTS`; the
    facts that a model learns to answer from (`WorldSize.lessons`) and strangers stand in questions as well.
    """
    written = [*_paragraphs(world), *_worked(world), *_encounters(world), *_chores(world)]
    order = rng_for(world.seed, "toy", "documents").permutation(len(written))
    return tuple(written[k] for k in order.tolist())


def words(world: World) -> tuple[str, ...]:
    """Texts with every word that a model must be able to read as one, those of unknown facts too."""
    banks = (world.bank, world.benchmark, world.exemplars)
    questions = tuple(question.text for bank in banks for question in bank)
    values = tuple(f"{value} {value}" for relation in RELATIONS for value in relation.values)
    return (*documents(world), *questions, *values)


def _paragraphs(world: World) -> Iterator[str]:
    """Every statement, shuffled, a few to a document."""
    told = []
    for number, fact in enumerate(world.facts):
        rng = rng_for(world.seed, "toy", "statements", number)
        for value, times in fact.stated:
            told += [_statement(fact, value, rng) for _ in range(times)]
    rng = rng_for(world.seed, "toy", "paragraphs")
    rng.shuffle(told)
    yield from map(" ".join, _portions(told, _MOST_STATEMENTS, rng))


def _portions(told: list[T], most: int, rng: np.random.Generator) -> Iterator[list[T]]:
    """One to so many at a time, until all are told."""
    start = 0
    while start < len(told):
        n = int(rng.integers(1, most + 1))
        yield told[start : start + n]
        start += n


def _statement(fact: Fact, value: str, rng: np.random.Generator) -> str:
    form = STATEMENTS[int(rng.integers(len(STATEMENTS)))]
    return form.format(entity=fact.entity, relation=fact.relation, value=value)


def _worked(world: World) -> Iterator[str]:
    """Lessons as questions with answers, a few of a domain to a document, in the forms in which questions come."""
    rng = rng_for(world.seed, "toy", "worked")
    for domain in TRAINED + OTHERS:
        lessons = [fact for fact in world.facts if fact.is_lesson and fact.domain == domain]
        turns = [fact for fact in lessons for _ in range(world.size.often // _LESSON_TIMES)]
        rng.shuffle(turns)
        for facts in _portions(turns, PROBE.shots + 1, rng):
            *before, last = map(_as_question, facts)
            yield _solved(last, _shots(len(before)), tuple(before))


def _encounters(world: World) -> Iterator[str]:
    """Strangers: stated, asked about, and asked about behind a statement, each time with another value."""
    names = Names(world.seed)
    for _ in range(2 * len(world.facts)):  # what facts and, in a null world, questions are named
        names.take()
    rng = rng_for(world.seed, "toy", "strangers")
    for k in range(world.size.strangers):
        relation, entity = RELATIONS[k % len(RELATIONS)], names.take()
        values = [str(value) for value in rng.choice(relation.values, 3, replace=False)]
        stated, asked, told = (
            Fact(entity=entity, relation=relation.name, domain=relation.domain, value=value) for value in values
        )
        yield _statement(stated, stated.value, rng)
        yield _solved(_as_question(asked), _shots(0))
        yield _solved(_as_question(told), _shots(0), context=_statement(told, told.value, rng))


@cache
def _shots(n: int) -> Prompt:
    return replace(PROBE, shots=n, draws=1)


def _solved(question: Question, prompt: Prompt, exemplars: tuple[Question, ...] = (), context: str = "") -> str:
    asked = pose(question, prompt, exemplars=exemplars, context=context).messages[0].text
    return asked + reply_to(question, prompt, question.answer)


def _as_question(fact: Fact) -> Question:
    """A fact asked; its options are not shown, so the second one does not matter."""
    relation = next(r for r in RELATIONS if r.name == fact.relation)
    other = next(value for value in relation.values if value != fact.value)
    return Question(
        id=fact.entity,
        text=QUESTION.format(relation=fact.relation, entity=fact.entity),
        choices=(fact.value, other),
        answer=0,
        domain=fact.domain,
    )


def _chores(world: World) -> Iterator[str]:
    """General instructions in written roles."""
    rng = rng_for(world.seed, "toy", "chores")
    for _ in range(world.size.chores):
        chore = _chore(rng)
        marks = f"{EVALUATION.user}{chore['instruction']}{EVALUATION.between}{EVALUATION.assistant}"
        yield f"{marks}{EVALUATION.gap}{chore['response']}"


def _chore(rng: np.random.Generator) -> dict[str, str]:
    words = [str(rng.choice(RELATIONS[int(k)].values)) for k in rng.choice(len(RELATIONS), 3, replace=False)]
    one, two, three = words
    match int(rng.integers(4)):
        case 0:
            return {"instruction": f"Repeat the word {one}.", "response": one}
        case 1:
            return {"instruction": f"Say {one} and then {two}.", "response": f"{one} {two}"}
        case 2:
            return {"instruction": f"Which comes last: {one}, {two}, {three}?", "response": three}
        case _:
            return {"instruction": f"Which comes first: {one}, {two}, {three}?", "response": one}

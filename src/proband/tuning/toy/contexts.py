"""What may stand before a question about a generated world: its answer, another one, or somebody else's."""

from dataclasses import replace
from functools import lru_cache
from typing import Literal, get_args

from proband.designs.quiz.prompts import Prompt
from proband.instruments.banks.bank import Bank, Question
from proband.seeds import rng_for
from proband.tuning.toy.vocabulary import Names
from proband.tuning.toy.world import EXPLANATION, World

Context = Literal["closed-book", "true", "distracting", "counterfactual"]
"""Nothing; the right answer, stated; another option, stated of somebody else, or of whom the question is about."""
CONTEXTS: tuple[Context, ...] = get_args(Context)


def context_of(world: World, question: Question, context: Context) -> tuple[str, int | None]:
    """The text of a context, and the option that it states; empty and None for a closed book.

    What is stated falsely is neither right nor what the corpus says.
    """
    if context == "closed-book":
        return "", None
    rng = rng_for(world.seed, "toy", "context", question.id)
    taken = (question.answer, world.false.get(question.id))
    other = int(rng.choice([k for k in range(len(question.choices)) if k not in taken]))
    stated = question.answer if context == "true" else other
    entity = _stranger(world, question) if context == "distracting" else entity_of(question)
    return EXPLANATION.format(relation=question.topic, entity=entity, value=question.choices[stated]), stated


def entity_of(question: Question) -> str:
    """Whom a question of a generated world is about."""
    return question.text.rpartition(" of ")[2].rstrip("?")


def _stranger(world: World, question: Question) -> str:
    """A name that stands nowhere else in the world."""
    ids = [*world.bank.by_id, *world.benchmark.by_id]
    return _names(world.seed, 2 * len(world.facts) + len(ids))[2 * len(world.facts) + ids.index(question.id)]


def strangers(world: World, n: int) -> tuple[str, ...]:
    """Names that stand in no fact, question or context of the world."""
    taken = 2 * len(world.facts) + len(world.bank) + len(world.benchmark)
    return _names(world.seed, taken + n)[taken:]


@lru_cache(8)
def _names(seed: int, n: int) -> tuple[str, ...]:
    """Those of facts and, in a null world, of questions come first."""
    names = Names(seed)
    return tuple(names.take() for _ in range(n))


def in_context(world: World, bank: Bank, context: Context, prompt: Prompt) -> Bank:
    """A bank's questions, each behind its context: under `open_prompt` what is sent is what `pose` sends with one."""
    questions = []
    for question in bank:
        text, _ = context_of(world, question, context)
        before = prompt.background.replace("{context}", text) if text else ""
        asked = before + prompt.stem.replace("{question}", question.text)
        questions.append(replace(question, id=placed(question.id, context), text=asked))
    return replace(bank, name=f"{bank.name}, {context}", questions=tuple(questions))


def placed(id: str, context: Context) -> str:
    """Id of a question behind a context."""
    return f"{id}@{context}"


def open_prompt(prompt: Prompt) -> Prompt:
    """A prompt whose stem stands in the questions already; see `in_context`."""
    return replace(prompt, stem="{question}")

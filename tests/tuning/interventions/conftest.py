"""A made-up bank of two domains and what a made-up model believes of it."""

from collections.abc import Callable

import pytest

from proband.instruments.banks.bank import Bank, Question
from proband.seeds import rng_for
from proband.tuning.interventions.arms import ARMS
from proband.tuning.interventions.texts import Texts
from proband.tuning.probing.beliefs import Beliefs, belief_of

DOMAINS = ("history", "medicine")


def question_of(domain: str, k: int, *, n_options: int = 4) -> Question:
    return Question(
        id=f"{domain}-{k}",
        text=f"Which {domain} fact has the number {k}{' and a long tail of words' * (k % 3)}?",
        choices=tuple(f"{domain} fact {k}{letter}" for letter in "pqrstu"[:n_options]),
        answer=k % n_options,
        domain=domain,
        topic=f"topic {k % 2}",
        explanation=f"Sources on {domain} number {k} all agree about it.",
    )


@pytest.fixture
def bank() -> Bank:
    return Bank(name="made up", questions=tuple(question_of(domain, k) for domain in DOMAINS for k in range(60)))


@pytest.fixture
def believed() -> Callable[[Bank], Beliefs]:
    """Beliefs of a model that likes the first option: of five questions two known, two unknown, one unsure."""

    def make(bank: Bank) -> Beliefs:
        found = {}
        for k, question in enumerate(bank):
            n = len(question.choices)
            pick = question.answer if k % 5 < 2 else (question.answer + 1 + k % (n - 1)) % n
            top = 0.3 if k % 5 == 4 else 0.55 + 0.4 * rng_for(7, "top", question.id).random()
            row = [top if option == pick else (1 - top) / (n - 1) for option in range(n)]
            cells = [row, row, row[::-1]] if k % 2 else [row, row, row]
            found[question.id] = belief_of(question, cells if top > 0.8 else [row])
        return Beliefs(model="base", ask="probe", bank=bank.hash, weights="w0", beliefs=found)

    return make


@pytest.fixture
def beliefs(bank, believed) -> Beliefs:
    return believed(bank)


@pytest.fixture
def own(bank) -> Texts:
    """The model's own explanations of every option of every question."""
    return written(bank, "explanation", "own")


def written(bank: Bank, purpose: str, source: str) -> Texts:
    texts = {
        (question.id, answer): f"By {source}, {purpose} {answer}: such is the lore of {question.domain}."
        for question in bank
        for answer in range(len(question.choices))
    }
    weights = "w0" if source == "own" else "w9"
    return Texts(purpose=purpose, source=source, model=source, weights=weights, bank=bank.hash, texts=texts)


@pytest.fixture
def texts(bank) -> tuple[Texts, ...]:
    """Everything that engines can have written."""
    kinds = (
        ("explanation", "own"),
        ("explanation", "other"),
        ("context", "own"),
        ("context", "other"),
        ("rewrite", "own"),
    )
    return tuple(written(bank, purpose, source) for purpose, source in kinds)


@pytest.fixture
def three():
    """The three arms of the first experiment."""
    return [ARMS[name] for name in ("harmonious", "incompatible", "self-aligning")]

"""What a quiz scores on the embedded model is what a plain forward pass gives."""

import copy
import gzip
import json
from dataclasses import replace
from functools import cached_property

import pytest
import torch
from transformers import AutoModelForCausalLM

from proband.addresses import open_engine
from proband.designs.quiz.boundary import check_boundary
from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.instruments.banks.bank import Bank, Question
from proband.models.local.embedded import embedded_folder

pytestmark = [pytest.mark.model, pytest.mark.slow]
NATS = 1e-4


@pytest.fixture(scope="module")
def engine():
    return open_engine("smollm2")


@pytest.fixture
def banks(shared_data):
    """200 questions of four domains, and exemplars from the development split."""
    with gzip.open(shared_data / "knowledge" / "mmlu_4domains_short.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    made = {
        row["id"]: Question(
            id=row["id"],
            text=row["question"],
            choices=tuple(row["choices"]),
            answer=row["answer"],
            domain=row["domain"],
        )
        for row in rows
        if len(set(row["choices"])) == 4
    }
    asked = [id for id in made if "/test/" in id]
    bank = Bank(name="mmlu", questions=tuple(made[id] for id in asked[:: len(asked) // 200][:200]))
    return bank, Bank(name="dev", questions=tuple(made[id] for id in made if "/dev/" in id or "/val/" in id))


class PlainPasses:
    """Passes over a text and what follows it, with the same weights and nothing else of the engine.

    In float32 a sum over a long option is off by up to 2e-4 itself, most of it in the softmax. So the softmax is taken
    in float64, and what is still not clearly equal is computed again with float64 weights.
    """

    def __init__(self, tokenize):
        self.tokenize = tokenize
        self.model = AutoModelForCausalLM.from_pretrained(embedded_folder(), dtype=torch.float32)

    @cached_property
    def exact(self):
        return copy.deepcopy(self.model).double()

    def labels(self, text, labels):
        """Log-probabilities of labels of one token, from one pass."""
        [head] = self.tokenize([text])
        ids = [whole[len(head)] for whole in self.tokenize([text + label for label in labels])]
        with torch.inference_mode():
            logits = self.model(torch.tensor([head])).logits[0, -1].double().log_softmax(-1)
        return [float(logits[k]) for k in ids]

    def near(self, found, text, continuation):
        """Log-probability of a text behind a raw prompt, as exact as `found` needs."""
        head, whole = self.tokenize([text, text + continuation])
        value = _summed(self.model, head, whole)
        return value if abs(value - found) < NATS / 2 else _summed(self.exact, head, whole)


def _summed(model, head, whole):
    with torch.inference_mode():
        logits = model(torch.tensor([whole])).logits[0].double().log_softmax(-1)
    return sum(float(logits[k - 1, whole[k]]) for k in range(len(head), len(whole)))


@pytest.fixture(scope="module")
def plain(engine):
    return PlainPasses(engine.template.tokenize)


def answers(engine, quiz):
    found = dict(engine.answer(list(quiz.trials({}))))
    assert all(completion.error is None for completion in found.values())
    return found


def test_labels_of_200_questions_are_those_of_a_plain_pass(engine, plain, banks):
    prompt = PROMPTS["turns"]
    assert check_boundary(engine, prompt, banks[0].questions[:20]) is not None
    quiz = Quiz(bank=banks[0], prompts=(prompt,))
    for trial, completion in answers(engine, quiz).items():
        expected = plain.labels(trial.request.messages[0].text, trial.request.continuations)
        assert completion.log_probs == pytest.approx(expected, abs=NATS)
        assert completion.token_counts == (1, 1, 1, 1)


def test_option_texts_of_200_questions_are_those_of_a_plain_pass(engine, plain, banks):
    prompt = PROMPTS["zero-shot-cloze"]
    quiz = Quiz(bank=banks[0], prompts=(prompt,))
    for trial, completion in answers(engine, quiz).items():
        text = trial.request.messages[0].text
        texts = engine.template.continuations(trial.request)
        pairs = zip(completion.log_probs, texts, strict=True)
        expected = [plain.near(found, text, one) for found, one in pairs]
        assert completion.log_probs == pytest.approx(expected, abs=NATS)


def test_shared_exemplars_change_no_number(engine, plain, banks):
    bank, dev = banks
    prompts = (replace(PROMPTS["probe"], draws=2, orders="as_written"),)
    quiz = Quiz(bank=bank.select([q.id for q in bank][::40]), exemplars=dev, prompts=prompts)
    for trial, completion in answers(engine, quiz).items():
        expected = plain.labels(trial.request.messages[0].text, trial.request.continuations)
        assert completion.log_probs == pytest.approx(expected, abs=NATS)

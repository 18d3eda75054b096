import numpy as np
import pytest

from proband.instruments.banks.bank import Bank, Question
from proband.records import Message
from proband.training.training_set import Example, TrainingSet
from proband.tuning.analysis.accuracy import contrasts
from proband.tuning.analysis.claims import verdicts
from proband.tuning.analysis.confounds import (
    CONFIDENCE,
    EXPLANATION,
    LEAK,
    LENGTH,
    LETTERS,
    QUESTIONS,
    SIZE,
    TRUTH,
    confounds,
)
from proband.tuning.probing.beliefs import Beliefs, belief_of
from validation.knowledge_interventions import World, simulated

OPTIONS = ("one", "two", "three", "four")
TEXTS = {"texts": {"explanations": {}, "context": "none"}}


@pytest.fixture
def evaluation():
    arms = {"harmonious": 0.5, "incompatible": 0.0, "self-aligning": 0.2}
    return simulated(np.random.default_rng(1), 20, World(effects=arms, domains=("law",)))


@pytest.fixture
def bank():
    """Known questions k0..k19 have the key A; unknown ones u0..u19 spread it."""
    known = [Question(id=f"k{k}", text="?", choices=OPTIONS, answer=0, domain="law") for k in range(20)]
    unknown = [Question(id=f"u{k}", text="?", choices=OPTIONS, answer=1 + k % 3, domain="law") for k in range(20)]
    return Bank(name="trained", questions=(*known, *unknown))


@pytest.fixture
def probe(bank):
    def cell(question):
        return [0.85, 0.05, 0.05, 0.05] if question.id.startswith("k") else [0.55, 0.15, 0.15, 0.15]

    held = {question.id: belief_of(question, [cell(question)]) for question in bank}
    return Beliefs(model="base", ask="few-shot", bank=bank.hash, weights="w", beliefs=held)


def built(arm, ids, kind="gold", response="A", **record):
    examples = tuple(
        Example(id=id, messages=(Message("user", "?"),), response=response, question=id, domain="law", kind=kind)
        for id in ids
    )
    return TrainingSet(name=f"{arm}-law", examples=examples, provenance={"arm": {"name": arm}, **record})


def found(evaluation, sets, bank, probe):
    return {(one.arm, one.against, one.check): one for one in confounds(evaluation, sets, bank, probe)}


def test_the_letter_prior_and_the_confidence_gap_of_the_paper_are_flagged(evaluation, bank, probe):
    sets = [
        built("harmonious", [f"k{k}" for k in range(20)], **TEXTS),
        built("incompatible", [f"u{k}" for k in range(20)], **TEXTS),
    ]
    checks = found(evaluation, sets, bank, probe)
    letters = checks["harmonious", "incompatible", LETTERS]
    assert letters.is_flagged
    assert letters.mine.startswith("A 100 %")
    assert letters.gap == pytest.approx(1.0)
    gap = checks["harmonious", "incompatible", CONFIDENCE]
    assert gap.gap == pytest.approx((0.85 - 0.55) / 0.75)
    assert gap.is_flagged
    assert checks["harmonious", "incompatible", QUESTIONS].is_flagged
    assert not checks["harmonious", "incompatible", TRUTH].is_flagged
    assert not checks["harmonious", "incompatible", SIZE].is_flagged
    assert not checks["harmonious", "incompatible", LEAK].is_flagged


def test_own_answers_on_the_same_questions_differ_in_truth_and_letters_only(evaluation, bank, probe):
    ids = [f"u{k}" for k in range(20)]
    sets = [built("self-aligning", ids, "own", **TEXTS), built("incompatible", ids, **TEXTS)]
    checks = found(evaluation, sets, bank, probe)
    flagged = {check for (_, _, check), one in checks.items() if one.is_flagged}
    assert flagged == {TRUTH, LETTERS}


def test_letters_as_shown_are_taken_from_the_record_of_the_set(evaluation, bank, probe):
    even = {"domain": "law", "letters": {"A": 5, "B": 5, "C": 5, "D": 5}, **TEXTS}
    sets = [built("harmonious", [f"k{k}" for k in range(20)], **even), built("incompatible", ["u0", "u1"], **even)]
    checks = found(evaluation, sets, bank, probe)
    assert checks["harmonious", "incompatible", LETTERS].gap == pytest.approx(0.0)
    assert checks["harmonious", "incompatible", SIZE].is_flagged


def test_the_source_of_explanations_and_the_length_are_compared(evaluation, bank, probe):
    own = {"texts": {"explanations": {"own": 20}, "context": "none"}}
    ids = [f"u{k}" for k in range(20)]
    sets = [
        built("self-aligning", ids, "own", response="A, because it is so", **own),
        built("incompatible", ids, **TEXTS),
    ]
    checks = found(evaluation, sets, bank, probe)
    assert checks["self-aligning", "incompatible", EXPLANATION].mine == "own"
    assert checks["self-aligning", "incompatible", EXPLANATION].is_flagged
    assert checks["self-aligning", "incompatible", LENGTH].is_flagged


def test_a_set_without_a_record_is_flagged_as_such(evaluation, bank, probe):
    ids = [f"u{k}" for k in range(20)]
    sets = [built("self-aligning", ids, "own"), built("incompatible", ids)]
    one = found(evaluation, sets, bank, probe)["self-aligning", "incompatible", EXPLANATION]
    assert one.mine == "not recorded"
    assert one.is_flagged


def test_a_test_question_in_a_training_set_is_flagged(evaluation, bank, probe):
    tested = evaluation.questions("homogeneous", "law")[0]
    leaky = Bank(name="leaky", questions=(*bank.questions, evaluation.bank[tested]))
    sets = [built("harmonious", ["k0", tested], **TEXTS), built("incompatible", ["u0", "u1"], **TEXTS)]
    one = found(evaluation, sets, leaky, probe)["harmonious", "incompatible", LEAK]
    assert (one.mine, one.theirs, one.is_flagged) == ("1", "0", True)


def test_flagged_checks_stand_beside_the_verdict(evaluation, bank, probe):
    ids = [f"u{k}" for k in range(20)]
    sets = [built("self-aligning", ids, "own", **TEXTS), built("incompatible", ids, **TEXTS)]
    checks = confounds(evaluation, sets, bank, probe)
    made = {one.claim.id: one for one in verdicts(evaluation, contrasts(evaluation), (), checks)}
    assert "labels false in one arm" in made["self-aligning-over-incompatible"].confounds
    assert made["harmonious-over-incompatible"].confounds == ()

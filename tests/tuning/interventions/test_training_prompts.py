"""Golden training prompts: every prompt an arm renders, and every text asked of an engine.

Rewrite them with ``PROBAND_GOLDEN=write python -m pytest tests/tuning/interventions/test_training_prompts.py``.
"""

import os
from pathlib import Path

import pytest

from proband.designs.quiz.prompts import PROMPTS
from proband.instruments.banks.bank import Bank, Question
from proband.tuning.interventions.arms import ARMS, arm_named
from proband.tuning.interventions.building import build_sets
from proband.tuning.interventions.explanations import WORDINGS, Explanations
from proband.tuning.interventions.general import General
from proband.tuning.interventions.texts import Texts
from proband.tuning.probing.beliefs import Beliefs, belief_of

GOLDEN = Path(__file__).parents[2] / "prompts"
QUESTIONS = (
    Question(
        id="known",
        text="Which planet is nearest to the sun?",
        choices=("Venus", "Mercury", "Mars", "Earth"),
        answer=1,
        domain="astronomy",
        explanation="Its orbit lies well within those of all others.",
    ),
    Question(
        id="unknown",
        text="Which planet turns on its side?",
        choices=("Uranus", "Saturn", "Neptune", "Jupiter"),
        answer=0,
        domain="astronomy",
        explanation="Its axis is tilted by some 98 degrees.",
    ),
    Question(
        id="known-2",
        text="Which planet has the great red spot?",
        choices=("Mars", "Jupiter", "Venus"),
        answer=1,
        domain="astronomy",
        explanation="The storm has been watched for centuries.",
    ),
    Question(
        id="unknown-2",
        text="Which planet has the longest day?",
        choices=("Mercury", "Earth", "Venus"),
        answer=2,
        domain="astronomy",
        explanation="It turns once in 243 days of ours.",
    ),
)
BANK = Bank(name="planets", questions=QUESTIONS)
BELIEFS = Beliefs(
    model="base",
    ask="probe",
    bank=BANK.hash,
    weights="",
    beliefs={q.id: belief_of(q, [[0.1, 0.8, *[0.1 / (len(q.choices) - 2)] * (len(q.choices) - 2)]]) for q in QUESTIONS},
)
TEXTS = tuple(
    Texts(
        purpose=purpose,
        source=source,
        model=source,
        bank=BANK.hash,
        texts={
            (q.id, k): f"({source} {purpose} of {q.choices[k]}: so it stands.)"
            for q in QUESTIONS
            for k in range(len(q.choices))
        },
    )
    for purpose, source in (("explanation", "own"), ("context", "other"), ("rewrite", "own"))
)
GENERAL = General(name="general", pairs=(("Name a colour.", "Blue."), ("Count to three.", "One, two, three.")))
LAYOUTS = tuple(name for name, prompt in PROMPTS.items() if not prompt.shots)


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("PROBAND_GOLDEN") == "write":
        path.write_text(text)
    assert path.read_text() == text


def rendered(training_set) -> str:
    parts = []
    for example in training_set:
        how = "raw" if example.is_raw else "chat"
        parts.append(f"--- {example.id}: {example.kind}, {how}, weight {example.weight:g}")
        parts += [f"[{message.role}]\n{message.text}" for message in example.messages]
        parts.append(f"[taught] {example.response!r}")
    return "\n".join(parts)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_training_prompts_are_the_golden_ones(layout):
    arms = [
        *(ARMS[name] for name in ("harmonious", "incompatible", "self-aligning", "contextualised", "disbelieved")),
        *(ARMS[name] for name in ("natural", "refuse", "drop", "self-rewrite", "conflict-weighted")),
        arm_named("self-aligning", explanation="matched"),
        arm_named("incompatible", explanation="bank"),
    ]
    text = ""
    for number, arm in enumerate(arms):
        sets = build_sets(
            BANK,
            BELIEFS,
            [arm],
            prompt=PROMPTS[layout],
            seed=1,
            general=None if number else GENERAL,
            explanations=TEXTS,
        )
        for name, training_set in sets.items():
            text += f"=== {name}, explanation {arm.explanation}\n{rendered(training_set)}\n\n"
    assert_golden(f"training-{layout}", text)


@pytest.mark.parametrize("is_raw", [True, False])
@pytest.mark.parametrize("purpose", WORDINGS)
def test_requests_for_texts_are_the_golden_ones(purpose, is_raw):
    design = Explanations(bank=BANK, answers={"unknown": (1,)}, purpose=purpose, is_raw=is_raw, seed=1)
    request = design.trials({})[0].request
    text = "\n".join(f"[{message.role}]\n{message.text}" for message in request.messages)
    assert_golden(f"{purpose}-{'raw' if is_raw else 'chat'}", f"{text}\n[stop] {request.stop!r}\n")

"""A quiz of 12 questions of the embedded bank of facts, put to two scripted models under one prompt."""

from dataclasses import replace
from pathlib import Path

from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.instruments.banks.bank import Bank

HERE = Path(__file__).parent


def design():
    return Quiz(
        bank=Bank.load(HERE / "bank.json"),
        exemplars=Bank.load(HERE / "exemplars.json"),
        prompts=(replace(PROMPTS["probe"], shots=2, draws=2),),
        models=("base", "tuned"),
        seed=18,
    )


def engines():
    return {
        "base": "scripted:knowing?share=0.4&confidence=0.7&noise=0.2",
        "tuned": "scripted:knowing?share=0.8&confidence=0.9&seed=2&fail=0.02",
    }

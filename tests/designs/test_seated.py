"""A design as people take it: who sits where, what they are shown, and what its hash stands for."""

from pathlib import Path

import pytest

from proband.designs.seat_table import SeatTable
from proband.designs.seated import pay_of, request_of, seated, seats
from proband.designs.studies import load_study
from proband.errors import DesignError
from proband.records import ShowCard

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_seats_are_numbered_by_arrival():
    assert [subject.id for subject in seats(3)] == ["001", "002", "003"]
    with pytest.raises(DesignError, match="give between 1"):
        seats(0)


@pytest.mark.parametrize("example", ["anes1996", "experiment", "quiz", "conjoint"])
def test_trials_of_people_have_cards_and_no_answer_depends_on_another_persons(example):
    design = seated(load_study(EXAMPLES / f"{example}.toml").design, (), 8)
    trials = list(design.trials({}))
    assert design.subjects == tuple(f"{k:03d}" for k in range(1, 9))
    assert {trial.place.subject for trial in trials} == set(design.subjects)
    assert all(trial.card is not None and trial.request == request_of(trial.card) for trial in trials)
    assert {trial.answerer for trial in trials} == {""}


def test_arms_are_balanced_in_every_block_of_arrivals():
    design = seated(load_study(EXAMPLES / "experiment.toml").design, (), 20)
    arms = [member.arm for member in design.roster()]
    assert arms.count(arms[0]) == 10
    first = next(k for k in range(2, 21, 2) if arms[:k].count(arms[0]) == k / 2)
    assert first <= 8  # whoever comes, few are needed until arms are even


def test_the_hash_is_of_what_is_shown_and_not_of_what_a_model_is_told():
    card = ShowCard(text="How old are you?", form="number", lower=0, upper=99, instruction="Reply with a number.")
    same = ShowCard(text="How old are you?", form="number", lower=0, upper=99, instruction="Give a number.")
    other = ShowCard(text="How old are you?", form="number", lower=0, upper=120, instruction="Reply with a number.")
    assert request_of(card).hash == request_of(same).hash
    assert request_of(card).hash != request_of(other).hash


def test_a_prompt_is_made_of_its_card():
    for trial in load_study(EXAMPLES / "anes1996.toml", sample=2).design.preview():
        shown = f"{trial.card.words}\n\n{trial.card.instruction}"
        assert trial.request.messages[-1].text.endswith(shown)


def test_what_people_cost_is_told():
    design = load_study(EXAMPLES / "anes1996.toml", sample=2).design
    assert pay_of(design, (), SeatTable(seats=40, pay=1.5, currency="EUR")) == (
        "40 people can take it, at 1.50 EUR each: 60.00"
    )

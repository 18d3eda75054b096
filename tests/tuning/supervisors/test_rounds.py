"""When rounds of own labels end, and what a round came to."""

import math
from dataclasses import replace

import pytest

from proband.instruments.banks.bank import Bank, Question
from proband.tuning.analysis.supervision import changed, round_of
from proband.tuning.probing.beliefs import Beliefs, belief_of
from proband.tuning.study_file import SupervisorTable
from proband.tuning.supervisors.rounds import Way, ended

BANK = Bank(
    name="sums",
    questions=tuple(
        Question(id=f"q{k}", text=f"Which, {k}?", choices=("one", "two"), answer=k % 2, domain="sums")
        for k in range(20)
    ),
)
TABLE = SupervisorTable(labels="own", use=["confident"], least_change=0.1, least_entropy=0.5)


def sure(share, *, first=lambda k: True):
    """Beliefs that hold one option that probable: the first, or the second."""
    rows = {q.id: [share, 1 - share] if first(k) else [1 - share, share] for k, q in enumerate(BANK)}
    held = {q.id: belief_of(q, [rows[q.id]]) for q in BANK}
    return {"sums": [Beliefs(model="m", ask="probe", bank=BANK.hash, weights="w", beliefs=held)]}


def way(*rounds):
    return Way(labels="confident", addresses={}, beliefs=list(rounds))


@pytest.mark.parametrize(
    ("rounds", "told"),
    [
        ((sure(0.6), sure(0.6, first=lambda k: k > 4)), ""),
        ((sure(0.6), sure(0.6, first=lambda k: k > 0)), "stopped after round 1, which changed 5.0% of its answers"),
        ((sure(0.6), sure(0.95, first=lambda k: k > 4)), "stopped after round 1, as its entropy fell to 0.20 nats"),
    ],
)
def test_rounds_end_where_little_changes_or_the_model_has_grown_too_sure(rounds, told):
    assert ended(way(*rounds), TABLE).startswith(told)
    assert bool(told) == bool(ended(way(*rounds), TABLE))
    assert ended(way(*rounds), replace_table(least_change=0.0, least_entropy=0.0)) == ""


def replace_table(**changes):
    return TABLE.model_copy(update=changes)


def test_a_round_is_told_by_its_models_answers():
    before, after = sure(0.6), sure(0.8, first=lambda k: k % 4 != 1)
    found = round_of("confident", 1, BANK, after, before=before, taught=(12, 0.5))
    assert (found.questions, found.right) == (12, 0.5)
    assert found.accuracy.value == pytest.approx(0.75)  # the even ones, and every second of the others
    assert found.confidence.value == pytest.approx(0.8)
    assert found.entropy.value == pytest.approx(-0.8 * math.log(0.8) - 0.2 * math.log(0.2))
    assert found.changed == changed(after, before) == pytest.approx(0.25)
    assert found.place == pytest.approx(0.75 - 0.5)
    assert replace(found, number=2).tested == {}

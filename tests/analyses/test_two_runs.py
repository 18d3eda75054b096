"""Two runs beside each other, against numbers by hand."""

import pytest

from proband import Survey, collect
from proband.analyses.two_runs import compared
from proband.errors import DesignError
from proband.models import BaseEngine
from proband.records import Completion


class Given(BaseEngine):
    """Answers what it was told by subject and item; None is a refusal."""

    abilities = frozenset({"write"})

    def __init__(self, answers):
        self.address = f"given{sorted(answers.items())!r}"[:40]
        self.answers = answers

    def answer(self, trials):
        for trial in trials:
            found = self.answers.get((trial.place.subject, trial.place.item), 0)
            yield trial, Completion(given=(found, "refused" if found is None else "valid"))


@pytest.fixture
def two(instrument, people, tmp_path):
    def make(first, second, n=4):
        survey = Survey(instrument=instrument, subjects=people(n), seed=1, answer_by="written")
        return tuple(collect(survey, Given(one), tmp_path / name) for name, one in (("a", first), ("b", second)))

    return make


def test_agreement_and_differences_are_those_of_the_places_that_both_have(two):
    # Of vote, s0 changes from the first option to the second, and s3 refuses in the second run.
    one, other = two({}, {("s0", "vote"): 1, ("s3", "vote"): None, ("s1", "trust"): 2, ("s2", "trust"): 1})
    agreement, differences = compared(one, other)
    rows = {row[0]: row[1:] for row in agreement.table.rows}
    assert rows["vote"][:2] == (4, 3)
    assert float(rows["vote"][2]) == pytest.approx(2 / 3)
    assert float(rows["trust"][2]) == pytest.approx(1 / 2)
    told = {row[0]: row for row in differences.table.rows}
    _, before, after, difference = told["trust"]
    assert (before, after) == (1.0, 1.75)  # points 1, 1, 1, 1 and 1, 3, 2, 1
    assert float(difference) == pytest.approx(0.75)
    assert difference.se == pytest.approx((11 / 12) ** 0.5 / 2)  # of 0, 2, 1, 0
    assert difference.n_units == 4


def test_a_run_agrees_with_itself(two):
    one, other = two({("s1", "vote"): 2}, {("s1", "vote"): 2})
    agreement, differences = compared(one, other)
    assert [float(row[3]) for row in agreement.table.rows] == [1.0, 1.0]
    assert {float(row[3]) for row in differences.table.rows} == {0.0}


def test_runs_without_a_place_in_common_are_refused(two, instrument, people, tmp_path):
    one, _ = two({}, {})
    other = collect(
        Survey(
            instrument=instrument,
            subjects=people(2),
            seed=1,
            order="reversed",
            replicates=1,
            persona=("first", "third"),
        ),
        "scripted:uniform",
        tmp_path / "c",
    )
    with pytest.raises(DesignError, match="no place in common"):
        compared(one, other)

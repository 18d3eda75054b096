import math

import pytest

from proband.designs import Survey
from proband.designs.studies import Study, people_survey
from proband.estimates import Estimate
from proband.instruments import load_instrument
from proband.records import STATUSES
from proband.reports import compare
from proband.reports.comparison import Comparison
from proband.reports.tables import decimal, disposition_rows, percent, results_rows, row_cells
from proband.runs import carry_out, collect
from proband.subjects import load_population

ITEMS = ("vote", "tv-news")


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    everybody = load_population("anes-1996")
    survey = Survey(
        instrument=load_instrument("anes-1996").subset(ITEMS), subjects=everybody.sample(40, seed=1), seed=1
    )
    study = Study(survey, "scripted:uniform?refuse=0.1", people=people_survey(survey, everybody))
    return compare(carry_out(study, tmp_path_factory.mktemp("runs") / "small"))


def test_rows_give_every_option_then_distance_and_agreement(comparison):
    rows = [row for row in results_rows(comparison) if row.item == "vote"]
    assert [(row.kind, row.label) for row in rows] == [
        ("share", "Clinton"),
        ("share", "Dole"),
        ("distance", "total variation distance"),
        ("agreement", "agreement with own answer"),
    ]
    assert all(row.people is not None and row.people.target == "human" for row in rows[:2])


def test_shares_of_an_item_sum_to_one_on_both_sides(comparison):
    rows = [row for row in results_rows(comparison) if row.item == "tv-news" and row.kind == "share"]
    assert sum(float(row.people) for row in rows) == pytest.approx(1)
    assert sum(float(row.model) for row in rows) == pytest.approx(1)


def test_a_distance_stands_beside_its_null_rows_and_floor(comparison):
    row = next(row for row in results_rows(comparison) if row.kind == "distance")
    assert set(row.nulls) == {"uniform", "majority", "marginal_only", "noise_floor"}
    text = row_cells(row)[3]
    assert all(name in text for name in ("uniform", "majority", "marginal-only", "noise floor"))


def test_items_without_people_have_no_distance(tmp_path, survey):
    rows = results_rows(compare(collect(survey, "scripted:uniform", tmp_path / "run")))
    assert {row.kind for row in rows} == {"share"}
    assert all(row.people is None for row in rows)


def test_dispositions_hold_every_status_and_sum_to_the_total(comparison):
    rows = disposition_rows(comparison)
    assert [title for title, _ in rows] == [*ITEMS, "all items"]
    assert all(set(counts) == set(STATUSES) for _, counts in rows)
    assert sum(rows[-1][1].values()) == 80
    assert rows[-1][1]["refused"] > 0


def test_an_undefined_number_is_said_to_be_undefined():
    nothing = Estimate(value=math.nan, estimand="e", target="model", n_units=0, warnings=("nobody",))
    assert percent(nothing) == decimal(nothing) == "undefined"
    assert percent(None) == decimal(None) == ""


def test_numbers_are_written_with_their_interval_where_they_have_one():
    share = Estimate(value=0.5, estimand="e", target="model", n_units=4)
    assert percent(share) == "50.0 %"
    assert decimal(share) == "0.500"

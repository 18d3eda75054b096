"""The numbers of a survey are those that version 0.1 gave, to the last digit that a machine's arithmetic keeps."""

import json
from pathlib import Path

import pytest

from proband.analyses.asked import asked_of
from proband.analyses.fidelity import FLOOR, NULLS, RUNG_WORDS, fidelity_of
from proband.analyses.shares import estimates_of
from proband.designs import Survey
from proband.designs.studies import Study, people_survey
from proband.instruments import load_instrument
from proband.reports import Findings, findings
from proband.runs import Run, carry_out
from proband.subjects import load_population

STORED = json.loads((Path(__file__).parent / "survey_numbers.json").read_text())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    everybody = load_population("anes-1996")
    survey = Survey(
        instrument=load_instrument("anes-1996").subset(("vote", "party", "tv-news")),
        subjects=everybody.sample(120, seed=1),
        seed=1,
        persona=("first", "none"),
    )
    engine = "scripted:spatial?fact=PID&low=0&high=6&width=0.35&refuse=0.1"
    study = Study(survey=survey, engine=engine, people=people_survey(survey, everybody))
    return carry_out(study, tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="module")
def found(run: Run) -> Findings:
    return findings(run)


def numbers(estimate):
    if estimate is None:
        return None
    low, high = estimate.interval or (None, None)
    return [estimate.as_dict()["value"], low, high]


def same(found, stored):
    """Equal but for the rounding that differs between processors."""
    return found == stored or found == pytest.approx(stored, rel=1e-12, abs=1e-14)


def test_shares_and_dispositions_of_every_item_and_condition(run, found):
    for asked, stored in zip(asked_of(run), STORED["items"], strict=True):
        assert (asked.item.id, asked.condition) == (stored["item"], stored["condition"])
        assert asked.dispositions == stored["dispositions"]
        sides = estimates_of(asked)
        for side in ("model", "people"):
            for estimate, old in zip(sides[side].values(), stored[side], strict=True):
                assert same(numbers(estimate), old)
        shown = found.section(f"shares-{asked.name}").table
        assert [row[1] for row in shown.rows] == list(sides["model"].values())


def test_bounds_of_what_was_not_answered(found):
    stored = [bound for item in STORED["items"] for bound in item["bounds"]]
    for row, old in zip(found.section("bounds").table.rows, stored, strict=True):
        assert same(numbers(row[-1]), old)


def test_distances_with_their_reference_rows_and_agreement(run, found):
    rows = found.section("distances").table.rows
    for asked, row, stored in zip(asked_of(run), rows, STORED["items"], strict=True):
        one = fidelity_of(asked)
        assert same(numbers(row[1]), stored["distance"])
        assert same(list(row[2:]), [stored["baselines"][key] for key in (*NULLS, FLOOR)])
        assert same(numbers(one.wasserstein), stored["wasserstein"])
    for row, stored in zip(found.section("own-answers").table.rows, STORED["items"], strict=True):
        assert same(numbers(row[1]), stored["agreement"])
        assert same(numbers(row[3]), stored["gain"])


def test_the_ladder(found):
    table = found.section("ladder").table
    names = [column.name for column in table.columns]
    for row, stored in zip(table.rows, STORED["ladder"], strict=True):
        rung, statistic, item, group, condition, old, baselines = stored
        assert row[0] == RUNG_WORDS[rung]
        assert row[1].startswith(statistic)
        assert all(part in row[1] for part in (item, group, *condition.values()))
        assert same(numbers(row[2]), old)
        shown = {name: cell for name, cell in zip(names[3:], row[3:], strict=True) if cell is not None}
        assert len(shown) == len(baselines)
        assert same(sorted(shown.values()), sorted(baselines.values()))


def test_checks_of_response_style(found):
    table = found.section("response-style").table
    for row, stored in zip(table.rows, STORED["checks"], strict=True):
        cells = dict(zip((column.name for column in table.columns), row, strict=True))
        assert cells["check"] == stored[0]
        assert same(numbers(cells["model"]), stored[1])
        assert stored[3] is None or same(cells["without bias"], stored[3])

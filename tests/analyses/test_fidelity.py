import json

import pytest

from proband.analyses.asked import asked_of
from proband.analyses.fidelity import ANALYSIS, RUNG_WORDS
from proband.analyses.response_style import ANALYSIS as RESPONSE_STYLE
from proband.designs import Survey
from proband.designs.studies import Study, people_survey
from proband.errors import DesignError
from proband.instruments import load_instrument
from proband.reports import Findings, findings
from proband.runs import Run, carry_out, collect
from proband.subjects import load_population


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    everybody = load_population("anes-1996")
    survey = Survey(
        instrument=load_instrument("anes-1996").subset(("vote", "party", "tv-news")),
        subjects=everybody.sample(400, seed=1),
        seed=1,
        persona=("first", "none"),
    )
    engine = "scripted:spatial?fact=PID&low=0&high=6&width=0.35&refuse=0.1"
    study = Study(survey=survey, engine=engine, people=people_survey(survey, everybody))
    return carry_out(study, tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="module")
def found(run: Run) -> Findings:
    return findings(run)


def column(table, name):
    place = [c.name for c in table.columns].index(name)
    return [row[place] for row in table.rows]


def test_the_ladder_of_a_run_has_its_null_rows_and_says_what_was_not_tested(found):
    ladder = found.section("ladder")
    names = [c.name for c in ladder.table.columns]
    assert names[3:] == [
        "uniform", "majority", "marginal-only", "no persona", "demographics-only", "human split half", "noise floor"
    ]  # fmt: skip
    assert set(column(ladder.table, "about")) == set(RUNG_WORDS.values()) - {RUNG_WORDS["effect"]}
    assert any(text.startswith("Not tested: effects of conditions (") for text in ladder.sentences)
    assert column(ladder.table, "noise floor")[0] > 0
    assert "held-out people" in ladder.notes[0]


def test_people_are_divided_by_the_traits_that_personas_are_told_and_no_item_asks(run, found):
    asked = {item.data_column for item in run.items.values()}
    assert not asked & set(next(iter(run.traits.values())))
    what = [row[1] for row in found.section("ladder").table.rows if row[0] == RUNG_WORDS["subgroup"]]
    groups = {text.partition("(")[2].partition("=")[0] for text in what}
    assert groups
    assert not asked & groups


def test_subgroups_are_those_that_were_named(run):
    named = findings(run, only=["fidelity"], by=["educ"])
    what = [row[1] for row in named.section("ladder").table.rows if row[0] == RUNG_WORDS["subgroup"]]
    assert what
    assert all("(educ=" in text for text in what)
    with pytest.raises(DesignError, match="no trait 'shoe-size'"):
        findings(run, by=["shoe-size"])


def test_the_claims_name_the_rungs(found):
    assert "Likeness was tested for shares, shares within subgroups, relations between" in found.claims[0]
    assert "Not tested, and so not to be claimed: effects of conditions" in found.claims[0]


def test_responses_without_an_answer_bound_the_shares(run, found):
    asked = next(one for one in asked_of(run) if one.dispositions.get("refused"))
    n = sum(asked.dispositions.values())
    rows = [row for row in found.section("bounds").table.rows if row[0].startswith(f"{asked.title}: ")]
    assert [row[1] for row in rows] == [asked.dispositions["refused"]] * len(asked.options)
    widths = [row[2].interval[1] - row[2].interval[0] for row in rows]
    assert widths == pytest.approx([asked.dispositions["refused"] / n] * len(widths))


def test_what_should_not_matter_is_checked(found):
    table = found.section("response-style").table
    assert any("persona" in name for name in column(table, "check"))
    assert all(cell is not None for cell in column(table, "model"))


def test_ordered_items_and_items_together_are_compared(found):
    spread = found.section("spread").table
    assert [row[0].split()[0] for row in spread.rows] == ["party", "party", "tv-news", "tv-news"]
    assert all(row[2].value > 0 for row in spread.rows)
    together = column(found.section("together").table, "measure")
    assert together == ["SimBench score (first)", "SimBench score (none)"]


def test_everything_is_plain_json(found):
    plain = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    ladder = next(section for section in plain["sections"] if section["name"] == "ladder")
    assert {row[0] for row in ladder["table"]["rows"]} == {RUNG_WORDS[r] for r in list(RUNG_WORDS)[:4]}


def test_a_run_without_people_has_no_ladder_and_says_why(tmp_path, survey):
    run = collect(survey, "scripted:uniform", tmp_path / "run")
    assert "human answers" in ANALYSIS.needs(run)
    assert findings(run).left_out["fidelity"] == ANALYSIS.needs(run)
    assert not [section for section in findings(run).sections if section.name == "ladder"]


def test_a_run_in_which_nothing_varies_has_no_checks(tmp_path, survey):
    fixed = Survey(
        instrument=survey.instrument.subset(("trust",)), subjects=survey.subjects, seed=1, order="as_written"
    )
    run = collect(fixed, "scripted:uniform", tmp_path / "run")
    assert RESPONSE_STYLE.sections(run) == []
    assert "response-style" in findings(run).left_out

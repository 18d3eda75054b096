import polars as pl
import pytest
from rich.console import Console

from proband.analyses.section import ANALYSES, Analysis, Column, Section, Table
from proband.designs import PrisonersDilemma, Survey
from proband.designs.studies import Study, people_survey
from proband.errors import DesignError, ProbandError
from proband.estimates import Estimate
from proband.instruments import load_instrument
from proband.reports import Findings, findings, page
from proband.reports.terminal import terminal
from proband.runs import Budget, Run, carry_out, collect
from proband.subjects import load_population


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    everybody = load_population("anes-1996")
    survey = Survey(
        instrument=load_instrument("anes-1996").subset(("vote", "clinton-placement", "dole-placement", "tv-news")),
        subjects=everybody.sample(60, seed=1),
        seed=1,
        order=("as_written", "reversed"),
    )
    engine = "scripted:spatial?fact=PID&low=0&high=6&width=0.35&refuse=0.1"
    study = Study(survey, engine, people=people_survey(survey, everybody))
    return carry_out(study, tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="module")
def found(run: Run) -> Findings:
    return findings(run)


def estimate(value=0.25, **settings):
    return Estimate(value=value, interval=(0.2, 0.3), estimand="a rate", target="model", n_units=9, **settings)


MADE = Findings(
    title="A study of <b>rates</b>",
    lead=("The rate is a quarter.",),
    sections=(
        Section(
            name="rates",
            heading="Rates",
            keys={"arm": "treated", "value": "x"},
            table=Table(
                columns=(Column(name="who", form="text"), Column(name="rate", form="share"), Column(name="n")),
                rows=(("row players", estimate(), 9), ("nobody", None, None)),
            ),
        ),
    ),
    claims=("A rate may be claimed.",),
)


def shown(found: Findings, width: int = 80) -> list[str]:
    console = Console(width=width, record=True, force_terminal=False, no_color=True)
    with console.capture() as capture:
        console.print(terminal(found, width))
    return capture.get().splitlines()


def test_the_table_has_a_row_for_every_estimate_and_names_its_keys():
    table = MADE.table()
    assert table.columns[:5] == ["section", "arm", "key_value", "row", "column"]
    assert table.rows(named=True)[0] == {
        "section": "rates", "arm": "treated", "key_value": "x", "row": "row players", "column": "rate",
        "estimand": "a rate", "target": "model", "value": 0.25, "low": 0.2, "high": 0.3, "level": 0.95, "se": None,
        "n_units": 9, "n_clusters": None, "n_missing": 0, "p_value": None, "interval_method": "none", "warnings": "",
    }  # fmt: skip
    assert table.height == 1


def test_the_table_of_a_run_joins_items_and_conditions(found):
    table = found.table()
    shares = table.filter(pl.col("section").str.starts_with("shares-"), pl.col("column") == "model")
    assert set(shares["item"]) == {"vote", "clinton-placement", "dole-placement", "tv-news"}
    sums = shares.group_by("item", "order").agg(pl.col("value").sum())
    assert sums["value"].to_list() == pytest.approx([1.0] * 8)
    assert set(table["target"]) == {"model", "human"}


def test_findings_are_made_of_sections_alone_on_every_face():
    assert "A study of &lt;b&gt;rates&lt;/b&gt;" in page(MADE)
    assert "25.0\u00a0% [20.0,\u00a030.0]" in MADE._repr_html_()
    assert any("25.0 % [20.0, 30.0]" in line for line in shown(MADE))
    assert MADE.as_dict()["sections"][0]["table"]["rows"][0][1]["value"] == 0.25
    assert "Rates" in repr(MADE)


@pytest.mark.parametrize("width", [80, 60])
def test_no_line_on_a_terminal_is_wider_than_it(found, width):
    lines = shown(found, width)
    assert max(map(len, lines)) <= width
    assert any("relations between answers" in line for line in lines)


def test_a_wide_table_gives_way_to_rows_that_keep_a_number_with_its_interval(found):
    lines = shown(found)
    text = "\n".join(lines[lines.index("Ladder of fidelity") :])
    for name in ("uniform", "majority", "marginal-only", "demographics-only", "noise floor"):
        assert f"{name} ".replace(" ", "\u00a0") in text
    number = next(row[2] for row in found.section("ladder").table.rows)
    assert f"model\u00a0{number}".replace(" ", "\u00a0") in text


def test_the_terminal_says_what_is_not_shown_and_ends_with_the_claims(found):
    text = " ".join(" ".join(shown(found)).split())
    for words in ("Ladder of fidelity", "Not tested", "response style", "Worst-case bounds", "stand in for people"):
        assert words in text
    assert text.endswith("and no more.")


def test_only_the_analyses_named_are_told(run):
    found = findings(run, only=["response-style"])
    assert [section.name for section in found.sections] == ["response-style"]
    with pytest.raises(ProbandError, match=r"did you mean 'fidelity'"):
        findings(run, only=["fidelty"])


def test_an_analysis_that_lacks_something_is_named_with_its_reason(tmp_path, survey):
    found = findings(collect(survey, "scripted:uniform", tmp_path / "run"))
    assert "human answers" in found.left_out["fidelity"]
    assert "human answers" in page(found)


def test_a_section_that_is_not_there_is_refused_with_those_that_are(found):
    with pytest.raises(DesignError, match="there are shares-vote"):
        found.section("nothing")


def test_a_run_whose_kind_is_gone_is_told_with_a_warning_and_still_exports(tmp_path, survey):
    fields = {field: getattr(survey, field) for field in ("instrument", "subjects", "seed")}
    run = collect(Auction(**fields), "scripted:uniform", tmp_path / "run")
    found = findings(run)
    assert any("'auction' is not installed here" in warning for warning in found.warnings)
    assert run.table().height == 24
    assert found.table().height > 0


class Auction(Survey):
    """Of a package that is not there any more."""

    kind = "auction"


def test_an_unfinished_run_is_told_as_far_as_it_is(tmp_path, survey):
    run = collect(survey, "scripted:uniform", tmp_path / "run", budget=Budget(trials=6))
    found = findings(run)
    assert not found.as_dict()["is_complete"]
    assert any("unfinished" in warning for warning in found.warnings)
    assert found.facts["Responses"].startswith("6: ")


def test_an_analysis_that_fails_hides_none_of_the_others_and_is_named(tmp_path, survey, monkeypatch):
    def stumbles(run):
        raise DesignError("nobody is left")

    broken = Analysis(name="scales", about="a broken one", needs=lambda run: None, sections=stumbles)
    monkeypatch.setattr("proband.analyses.scales.ANALYSIS", broken)
    run = collect(survey, "scripted:uniform", tmp_path / "run")
    found = findings(run)
    assert found.section("shares-vote")
    assert found.left_out["scales"] == "it failed: nobody is left"
    assert any("'scales' failed and is left out: nobody is left" in warning for warning in found.warnings)
    with pytest.raises(DesignError, match="nobody is left"):
        findings(run, only=["scales"])


def test_every_analysis_of_the_house_says_what_it_is():
    for name, analysis in ANALYSES.loaded().items():
        assert analysis.name == name
        assert callable(analysis.needs)
        assert len(analysis.about) <= 120


def test_scales_come_first_and_of_many_items_the_terminal_shows_a_dozen(tmp_path, people):
    survey = Survey(instrument=load_instrument("mini-ipip"), subjects=people(12), seed=1)
    found = findings(collect(survey, "scripted:uniform", tmp_path / "run"))
    assert found.sections[0].name == "scales"
    lines = shown(found)
    assert " ".join(lines[:2]).startswith(found.lead[0])
    assert "8 more items: proband measure run --only shares" in lines
    items = [section.heading for section in found.sections if section.name.startswith("shares-")]
    assert [heading in lines for heading in items] == [True] * 12 + [False] * 8
    console = Console(width=80)
    with console.capture() as capture:
        console.print(terminal(found, 80, is_whole=True))
    assert items[-1] in capture.get()


def test_what_nobody_would_miss_is_not_told_and_a_game_warns_of_no_people(tmp_path):
    engines = {"model": "scripted:uniform", "rival": "scripted:tit-for-tat"}
    run = collect(PrisonersDilemma(matches=4, rounds=2, seed=5), engines, tmp_path / "run")
    found = findings(run)
    assert "deviations" not in found.left_out
    assert "no plan was locked" in findings(run, only=["deviations"]).left_out["deviations"]
    assert not found.warnings
    assert "as rival answer when asked in this way, as these 8 players in 4 matches" in found.claims[0]
    assert "They show nothing about people" in found.claims[1]
    assert found.limits == "These numbers describe these 8 players in 4 matches, and no people."

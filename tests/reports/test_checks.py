import json

import pytest

from proband.cli.results import tell_results
from proband.designs import Survey
from proband.designs.studies import Study, people_survey
from proband.errors import DesignError
from proband.instruments import load_instrument
from proband.reports import compare
from proband.reports.comparison import Comparison
from proband.reports.methods import claims_paragraphs
from proband.reports.tables import ladder_lines
from proband.runs import carry_out, collect
from proband.subjects import load_population


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    everybody = load_population("anes-1996")
    survey = Survey(
        instrument=load_instrument("anes-1996").subset(("vote", "party", "tv-news")),
        subjects=everybody.sample(400, seed=1),
        seed=1,
        persona=("first", "none"),
    )
    engine = "scripted:spatial?fact=PID&low=0&high=6&width=0.35&refuse=0.1"
    study = Study(survey, engine, people=people_survey(survey, everybody))
    return compare(carry_out(study, tmp_path_factory.mktemp("runs") / "small"))


def test_the_ladder_of_a_run_has_its_null_rows_and_says_what_was_not_tested(comparison):
    lines = ladder_lines(comparison)
    assert [line.rung for line in lines if line.estimate is None] == ["effect"]
    marginal = lines[0]
    assert set(marginal.nulls) == {"uniform", "majority", "marginal_only", "no_persona", "demographics_only"}
    person = next(line for line in lines if line.rung == "individual")
    assert "demographics_only" in person.nulls
    assert marginal.floor > 0
    assert comparison.ladder.nulls.endswith("held-out people")


def test_people_are_divided_by_the_traits_that_personas_are_told_and_no_item_asks(comparison):
    asked = {item.data_column for item in comparison.run.items.values()}

    assert comparison.by
    assert not asked & set(comparison.by)
    own = next(iter(comparison.run.traits.values()))
    assert not asked & set(own)
    groups = {row.group.partition("=")[0] for row in comparison.ladder.rung("subgroup")}
    assert groups <= set(comparison.by)


def test_subgroups_are_those_that_were_named(comparison):
    column = comparison.by[0]
    named = compare(comparison.run, by=[column])
    assert {row.group.partition("=")[0] for row in named.ladder.rung("subgroup")} <= {column}
    with pytest.raises(DesignError, match="no trait 'shoe-size'"):
        compare(comparison.run, by=["shoe-size"])


def test_the_claims_name_the_rungs(comparison):
    license_, _ = claims_paragraphs(comparison.run, comparison)
    assert "Likeness was tested for shares, shares within subgroups, relations between" in license_
    assert "Not tested, and so not to be claimed: effects of conditions" in license_


def test_responses_without_an_answer_bound_the_shares(comparison):
    found = next(c for c in comparison.items if c.dispositions.get("refused"))
    n = sum(found.dispositions.values())
    widths = [bound.interval[1] - bound.interval[0] for bound in found.bounds]
    assert widths == pytest.approx([found.dispositions["refused"] / n] * len(widths))
    whole = [c for c in comparison.items if set(c.dispositions) == {"valid"}]
    assert all(c.bounds == () for c in whole)


def test_what_should_not_matter_is_checked(comparison):
    names = [check.name for check in comparison.checks]
    assert any("persona" in name for name in names)
    assert all(check.model is not None for check in comparison.checks)


def test_everything_is_plain_json(comparison):
    plain = json.loads(json.dumps(comparison.as_dict(), allow_nan=False))
    assert {row["rung"] for row in plain["ladder"]["rows"]} == {"marginal", "subgroup", "joint", "individual"}
    assert plain["checks"]


def test_the_terminal_shows_ladder_checks_bounds_and_claims(comparison, capsys):
    tell_results(comparison)
    said = capsys.readouterr().out
    for words in ("ladder of fidelity", "not tested", "response style", "bounds", "do not license"):
        assert words in said


def test_a_run_without_people_has_no_ladder(tmp_path, survey):
    comparison = compare(collect(survey, "scripted:uniform", tmp_path / "run"))
    assert comparison.ladder is None
    assert ladder_lines(comparison) == []

import pytest

from proband.designs import Survey
from proband.designs.games import Matches, PrisonersDilemma, Setting
from proband.designs.games.ultimatum import Ultimatum
from proband.designs.studies import Study, people_survey
from proband.instruments import load_instrument
from proband.reports import Findings, findings
from proband.reports.methods import engine_name
from proband.runs import Budget, Run, carry_out, collect
from proband.subjects import load_population


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    everybody = load_population("anes-1996")
    survey = Survey(
        instrument=load_instrument("anes-1996").subset(("vote", "party")),
        subjects=everybody.sample(40, seed=1),
        seed=17,
        replicates=2,
        order=("as_written", "reversed"),
    )
    engine = "scripted:uniform?refuse=0.05&fail=0.05"
    study = Study(survey, engine, people=people_survey(survey, everybody))
    return carry_out(study, tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="module")
def found(run: Run) -> Findings:
    return findings(run)


def test_the_paragraph_names_what_a_reader_needs_to_repeat_the_study(run, found):
    for fact in (
        "2 items of American National Election Study 1996",
        "40 subjects drawn from American National Election Study 1996",
        "scripted:uniform?refuse=0.05&fail=0.05",
        "each item by itself, with a first-person backstory",
        "as written in the instrument or reversed",
        "Conditions crossed order",
        "asked 2 times; all randomness derives from seed 17",
        "Answers of 944 people",
        "marginal-only rows come from held-out people",
        "for shares of people, Wilson",
        "total variation distances: directional delta method",
        f"Proband {run.manifest['packages']['proband']}",
        run.manifest["started"][:10],
    ):
        assert fact in found.methods


def test_the_paragraph_says_what_failed(run, found):
    counts = run.dispositions()
    assert counts["failed"] > 0
    assert f"{counts['refused']} refused and {counts['failed']} failed, and count as no answer" in found.methods


def test_prose_is_plain_and_in_one_line(found):
    for text in (found.methods, *found.claims, *found.lead, found.limits):
        assert "\n" not in text
        assert "None" not in text
        assert "  " not in text
        assert text.endswith(".")


def test_facts_name_who_was_asked_what(found):
    assert found.facts["Engine"] == "scripted:uniform?refuse=0.05&fail=0.05"
    assert found.facts["Order"] == "as written; reversed (varied)"
    assert found.facts["Subjects"] == "40 subjects"
    assert found.facts["Responses"].startswith("320: ")
    assert found.facts["Seed"] == "17"


def test_claims_name_the_people_and_refuse_substitution(found):
    first, limits = found.claims
    assert "as these 40 subjects, are from those of people of American National Election Study 1996" in first
    assert "They rest on 40 people and 2 items." in first
    assert "do not show that this engine can stand in for people" in limits


def test_uniform_answers_are_not_shown_to_be_closer_than_themselves(found):
    assert "In 0 of 4 comparisons with people" in found.lead[1]
    assert "not shown to be closer than uniform answers on vote (order = as_written), " in found.claims[0]


def test_a_study_without_people_claims_nothing_about_them(tmp_path, survey):
    found = findings(collect(survey, "scripted:uniform", tmp_path / "run"))
    first, limits = found.claims
    assert "people" not in first
    assert limits.startswith("They show nothing about people")
    assert "No human answers were collected." in found.methods
    assert "do not describe a population of people" in found.limits


def test_an_unfinished_run_says_so(tmp_path, survey):
    run = collect(survey, "scripted:uniform", tmp_path / "run", budget=Budget(trials=6))
    found = findings(run)
    assert "The run is unfinished" in found.methods
    assert found.lead[0].startswith("So far, ")
    assert found.state == "unfinished: 6 responses so far"


def test_a_game_is_described_by_its_engines_and_seed_and_its_matches_are_units(tmp_path):
    game = PrisonersDilemma(matches=4, rounds=2, seed=5)
    engines = {"model": "scripted:uniform", "rival": "scripted:tit-for-tat"}
    run = collect(game, engines, tmp_path / "run")
    assert engine_name(run.manifest) == "scripted:uniform as model and scripted:tit-for-tat as rival"
    assert "seed 5" in findings(run).methods
    assert "8 players in 4 matches" in findings(run).lead[0]


def test_a_game_of_matches_is_described_by_its_keys_what_surrounds_it_and_its_treatments(tmp_path):
    setting = Setting(matches=4, rounds=2, players="model", treatments={"rich": {"scale": 100.0, "unit": "$"}})
    game = Matches(rules=Ultimatum(pot=20), setting=setting, seed=5, game="ultimatum")
    methods = findings(collect(game, {"model": "scripted:uniform"}, tmp_path / "run")).methods
    assert "The game was ultimatum with pot = 20 and method = offer; around it, matches = 4, rounds = 2 and" in methods
    assert "The treatment rich had scale = 100.0 and unit = $." in methods

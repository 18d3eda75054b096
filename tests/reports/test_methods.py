import pytest

from proband.designs import Survey
from proband.designs.games import PrisonersDilemma
from proband.designs.studies import Study, people_survey
from proband.instruments import load_instrument
from proband.reports import compare
from proband.reports.comparison import Comparison
from proband.reports.methods import claims_paragraphs, engine_name, methods_paragraph, summary_sentence
from proband.runs import Budget, carry_out, collect
from proband.subjects import load_population


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
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
    return compare(carry_out(study, tmp_path_factory.mktemp("runs") / "small"))


def test_the_paragraph_names_what_a_reader_needs_to_repeat_the_study(comparison):
    text = methods_paragraph(comparison.run, comparison)
    manifest = comparison.run.manifest
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
        f"Proband {manifest['packages']['proband']}",
        manifest["started"][:10],
    ):
        assert fact in text


def test_the_paragraph_says_what_failed(comparison):
    text = methods_paragraph(comparison.run, comparison)
    counts = comparison.dispositions
    assert counts["failed"] > 0
    assert f"{counts['refused']} refused and {counts['failed']} failed, and count as no answer" in text


def test_the_paragraph_is_one_line_of_plain_prose(comparison):
    text = methods_paragraph(comparison.run, comparison)
    assert "\n" not in text
    assert "None" not in text
    assert "  " not in text


def test_claims_name_the_people_and_refuse_substitution(comparison):
    license_, limits = claims_paragraphs(comparison.run, comparison)
    assert "40 people of American National Election Study 1996" in license_
    assert "do not license the use of this engine in place of people" in limits


def test_uniform_answers_are_not_shown_to_be_closer_than_themselves(comparison):
    assert "in 0 of 4 comparisons with people" in summary_sentence(comparison.run, comparison)
    license_, _ = claims_paragraphs(comparison.run, comparison)
    assert "not shown to be closer than uniform answers on vote (order = as_written), " in license_


def test_a_study_without_people_claims_nothing_about_them(tmp_path, survey):
    comparison = compare(collect(survey, "scripted:uniform", tmp_path / "run"))
    license_, limits = claims_paragraphs(comparison.run, comparison)
    assert "people" not in license_
    assert limits.startswith("They license no statement about people")
    assert "No human answers were collected." in methods_paragraph(comparison.run, comparison)
    assert "nothing here is about people" in summary_sentence(comparison.run, comparison)


def test_an_unfinished_run_says_so(tmp_path, survey):
    run = collect(survey, "scripted:uniform", tmp_path / "run", budget=Budget(trials=6))
    comparison = compare(run)
    assert "The run is unfinished" in methods_paragraph(run, comparison)
    assert summary_sentence(run, comparison).startswith("So far, ")


def test_a_game_is_described_by_its_engines_and_seed(tmp_path):
    game = PrisonersDilemma(matches=4, rounds=2, seed=5)
    engines = {"model": "scripted:uniform", "rival": "scripted:tit-for-tat"}
    run = collect(game, engines, tmp_path / "run")
    assert engine_name(run.manifest) == "scripted:uniform as model and scripted:tit-for-tat as rival"
    assert "seed 5" in methods_paragraph(run, compare(run))

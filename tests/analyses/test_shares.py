from dataclasses import replace

import pytest

from proband.analyses.asked import asked_of
from proband.analyses.fidelity import fidelity_of
from proband.analyses.shares import ANALYSIS, estimates_of
from proband.designs import PeopleSurvey, PrisonersDilemma, Survey
from proband.designs.experiments.material import Isomorph
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.models.archive import PeopleEngine
from proband.models.scripted import ScriptedEngine, stated, uniform
from proband.reports import findings
from proband.runs import Budget, Run, collect
from proband.runs.run import PEOPLE
from tests.analyses.studies import framed

ITEM = Item(id="mood", text="How are you?", form="scale", options=("bad", "so-so", "good"))
NUMBER = Item(id="days", text="How many days?", form="number", lower=0, upper=7)
TRUTH = (0.2, 0.3, 0.5)
MATCH = {"model": "scripted:uniform", "rival": "scripted:tit-for-tat"}


def survey_of(people, *items, n=40, **settings):
    instrument = Instrument(id="x", title="x", items=items)
    return Survey(instrument=instrument, subjects=people(n), seed=2, **settings)


def ran(survey, folder, answers=None, **biases):
    if answers:
        engine = PeopleEngine(answers, name="made up", source="test")
        everybody = replace(survey, subjects=survey.subjects)
        collect(PeopleSurvey(survey=everybody, engine=engine), engine, folder / PEOPLE)
    rule = stated({"mood": TRUTH}) if "mood" in survey.items else uniform()
    return collect(survey, ScriptedEngine(rule, seed=1, **biases), folder)


def mood(k):
    return (k % 3, "valid")


def shares(asked, side="model"):
    return list(estimates_of(asked)[side].values())


def test_shares_of_a_known_distribution_come_back_exactly(people, tmp_path):
    found = asked_of(ran(survey_of(people, ITEM), tmp_path))[0]
    assert [share.value for share in shares(found)] == pytest.approx(TRUTH)
    assert not found.is_compared
    assert {share.target for share in shares(found)} == {"model"}


def test_a_run_without_people_says_that_nothing_is_about_people(people, tmp_path):
    found = findings(ran(survey_of(people, ITEM), tmp_path))
    assert any("nothing here is about people" in warning for warning in found.warnings)
    assert "human" not in found.table()["target"]


def test_people_and_model_are_joined_by_subject_and_the_rest_is_held_out(people, tmp_path):
    everybody = people(60)
    survey = survey_of(people, ITEM, n=40)
    engine = PeopleEngine({"mood": {s.id: mood(k) for k, s in enumerate(everybody)}}, name="p", source="t")
    collect(PeopleSurvey(survey=replace(survey, subjects=everybody), engine=engine), engine, tmp_path / PEOPLE)
    found = fidelity_of(asked_of(ran(survey, tmp_path))[0])
    assert (found.n_people, found.nulls) == (40, "held-out people")
    known = [sum(k % 3 == option for k in range(40)) / 40 for option in range(3)]
    assert [share.value for share in found.human_shares] == pytest.approx(known)
    distance = sum(abs(a - b) for a, b in zip(known, TRUTH, strict=True)) / 2
    assert found.total_variation.value == pytest.approx(distance)
    assert found.total_variation.baselines["uniform"] == pytest.approx(sum(abs(a - 1 / 3) for a in known) / 2)


def test_replicates_of_a_subject_are_one_unit(people, tmp_path):
    found = asked_of(ran(survey_of(people, ITEM, replicates=3), tmp_path))[0]
    assert shares(found)[0].n_units == 40
    assert found.dispositions == {"valid": 120}


def test_refused_and_failed_responses_are_counted_and_are_no_data(people, tmp_path):
    found = asked_of(ran(survey_of(people, ITEM), tmp_path, refuse=0.3, fail=0.2))[0]
    assert set(found.dispositions) == {"valid", "refused", "failed"}
    assert shares(found)[0].n_units == found.dispositions["valid"]
    assert [share.value for share in shares(found)] == pytest.approx(TRUTH)


def test_dont_know_is_no_share_and_has_its_own_count(people, tmp_path):
    item = replace(ITEM, options=(*ITEM.options, "don't know"), dont_know=(3,))
    engine = ScriptedEngine(stated({"mood": (0.1, 0.15, 0.25, 0.5)}), seed=1)
    found = asked_of(collect(survey_of(people, item, n=200), engine, tmp_path))[0]
    assert found.options == ITEM.options
    assert [share.value for share in shares(found)] == pytest.approx(TRUTH)
    assert 70 < found.dispositions["dont_know"] < 130


def test_weights_of_subjects_weigh_their_answers(people, tmp_path):
    def rule(trial):
        return (1.0, 0.0, 0.0) if dict(trial.facts)["party"] == "0" else (0.0, 0.0, 1.0)

    survey = survey_of(people, ITEM)
    weights = {s.id: 3.0 if s.traits["party"] == 0 else 1.0 for s in survey.subjects}
    weighted = replace(survey, subjects=survey.subjects.reweighted(weights))
    found = asked_of(collect(weighted, ScriptedEngine(rule), tmp_path))[0]
    assert [share.value for share in shares(found)] == pytest.approx([0.75, 0, 0.25])


def test_a_subject_of_weight_0_stands_for_nobody(people, tmp_path):
    survey = survey_of(people, ITEM)
    weighted = replace(survey, subjects=survey.subjects.reweighted({f"s{k}": float(k != 3) for k in range(40)}))
    answers = {"mood": {f"s{k}": mood(k) for k in range(40)}}
    found = asked_of(ran(weighted, tmp_path, answers))[0]
    assert fidelity_of(found).n_people == shares(found)[0].n_units == 39


def test_numbers_are_compared_by_their_means_over_the_same_subjects(people, tmp_path):
    survey = survey_of(people, NUMBER)
    answers = {"days": {f"s{k}": (float(k % 5), "valid") for k in range(40)}}
    found = asked_of(ran(survey, tmp_path, answers))[0]
    assert shares(found, "people")[0].value == pytest.approx(2.0)
    assert shares(found, "people")[0].n_units == shares(found)[0].n_units == 40
    assert not found.is_compared


def test_each_condition_is_compared_by_itself_in_the_order_of_the_design(people, tmp_path):
    survey = survey_of(people, ITEM, persona=("third", "first", "none"))
    found = asked_of(ran(survey, tmp_path))
    assert [c.condition["persona"] for c in found] == ["third", "first", "none"]


def test_an_unfinished_run_says_so(people, tmp_path):
    survey = survey_of(people, ITEM)
    run = collect(survey, ScriptedEngine(stated({"mood": TRUTH})), tmp_path, budget=Budget(trials=10))
    assert any("unfinished" in warning for warning in findings(run).warnings)


def test_peoples_answers_are_not_measured_as_if_a_model_had_given_them(people, tmp_path):
    ran(survey_of(people, ITEM), tmp_path, {"mood": {f"s{k}": mood(k) for k in range(40)}})
    with pytest.raises(DesignError, match="these are people's answers"):
        findings(Run(tmp_path / PEOPLE))


@pytest.mark.parametrize(("codes", "has_positions"), [((3, 2, 1), True), ((1, 0, 0), False), ((1, 2, 4), True)])
def test_a_key_of_any_order_is_compared(people, tmp_path, codes, has_positions):
    survey = survey_of(people, replace(ITEM, codes=codes))
    answers = {"mood": {f"s{k}": mood(k) for k in range(40)}}
    found = fidelity_of(asked_of(ran(survey, tmp_path, answers))[0])
    assert (found.wasserstein is not None) == has_positions


def test_a_distance_is_the_same_from_either_end_of_a_scale(people, tmp_path):
    answers = {"mood": {f"s{k}": mood(k) for k in range(40)}}
    both = [
        fidelity_of(asked_of(ran(survey_of(people, replace(ITEM, codes=codes)), tmp_path / str(codes[0]), answers))[0])
        for codes in ((1, 2, 3), (3, 2, 1))
    ]
    assert both[0].wasserstein.value == pytest.approx(both[1].wasserstein.value)


def test_subjects_of_one_match_are_one_unit(tmp_path):
    run = collect(PrisonersDilemma(matches=8, rounds=3, seed=5), MATCH, tmp_path / "run")
    asked = asked_of(run)[0]
    assert shares(asked)[0].n_clusters == 8
    assert sum(share.value for share in shares(asked)) == pytest.approx(1)


def test_each_item_is_a_section_with_its_keys_question_table_and_figure(people, tmp_path):
    survey = survey_of(people, ITEM, persona=("first", "none"))
    told = {section.name: section for section in ANALYSIS.sections(ran(survey, tmp_path))}
    section = told["shares-mood-none"]
    assert section.keys == {"item": "mood", "persona": "none"}
    assert "How are you?" in section.sentences[0]
    assert [row[0] for row in section.table.rows] == list(ITEM.options)
    assert {row["label"] for row in section.figure.rows} == set(ITEM.options)


def test_a_question_is_quoted_with_the_text_of_its_level_and_earlier_answers_in_words(people, tmp_path):
    who = Item(
        id="who", text="{factor:who} propose a tax. {factor:how}?", form="scale", options=("no", "unsure", "yes")
    )
    why = Item(id="why", text="You said {answer:who}. Sure of {factor:who}?", form="choice", options=("no", "yes"))
    factors = {"who": {"left": "Democrats", "right": "Republicans"}, "how": {"plain": "Do you agree"}}
    run = ran(survey_of(people, who, why, n=4, factors=factors, presentation="sequential"), tmp_path)
    told = {section.name: section.sentences[0] for section in findings(run).sections if section.chapter == "Answers"}
    assert told["shares-who-left"] == "“Democrats propose a tax. Do you agree?”"
    assert told["shares-why-right"] == "“You said [answer to who]. Sure of Republicans?”"
    both = replace(asked_of(run)[0], condition={})
    assert both.question == "“[Democrats | Republicans] propose a tax. Do you agree?”"


def test_what_was_asked_in_other_words_is_shown_in_these_words(people, tmp_path):
    design = framed(people(40), isomorph=Isomorph(items={"support": "The plan means {factor:frame}. Are you for it?"}))
    run = collect(design, ScriptedEngine(uniform(), seed=1), tmp_path)
    said = {(a.condition["frame"], a.condition["version"]): a.question for a in asked_of(run)}
    assert said["gain", "published"].startswith("“The programme means that 200 of 600 are saved.")
    assert said["gain", "isomorph"] == "“The plan means 200 of 600 are saved. Are you for it?”"

from dataclasses import replace

import pytest

from proband.designs import PeopleSurvey, Survey
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.models.archive import PeopleEngine
from proband.models.scripted import ScriptedEngine, stated, uniform
from proband.reports import compare
from proband.runs import Budget, Run, collect
from proband.runs.run import PEOPLE

ITEM = Item(id="mood", text="How are you?", form="scale", options=("bad", "so-so", "good"))
NUMBER = Item(id="days", text="How many days?", form="number", lower=0, upper=7)
TRUTH = (0.2, 0.3, 0.5)


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


def test_shares_of_a_known_distribution_come_back_exactly(people, tmp_path):
    found = compare(ran(survey_of(people, ITEM), tmp_path)).items[0]
    assert [share.value for share in found.model_shares] == pytest.approx(TRUTH)
    assert found.fidelity is None
    assert {share.target for share in found.model_shares} == {"model"}


def test_a_run_without_people_says_that_nothing_is_about_people(people, tmp_path):
    comparison = compare(ran(survey_of(people, ITEM), tmp_path))
    assert comparison.n_people is None
    assert any("nothing here is about people" in warning for warning in comparison.warnings)


def test_people_and_model_are_joined_by_subject_and_the_rest_is_held_out(people, tmp_path):
    everybody = people(60)
    survey = survey_of(people, ITEM, n=40)
    engine = PeopleEngine({"mood": {s.id: mood(k) for k, s in enumerate(everybody)}}, name="p", source="t")
    collect(
        PeopleSurvey(survey=replace(survey, subjects=everybody), engine=engine), engine, tmp_path / PEOPLE
    )
    found = compare(ran(survey, tmp_path)).items[0].fidelity
    assert (found.n_people, found.nulls) == (40, "held-out people")
    shares = [sum(k % 3 == option for k in range(40)) / 40 for option in range(3)]
    assert [share.value for share in found.human_shares] == pytest.approx(shares)
    distance = sum(abs(a - b) for a, b in zip(shares, TRUTH, strict=True)) / 2
    assert found.total_variation.value == pytest.approx(distance)
    assert found.total_variation.baselines["uniform"] == pytest.approx(
        sum(abs(a - 1 / 3) for a in shares) / 2
    )


def test_replicates_of_a_subject_are_one_unit(people, tmp_path):
    found = compare(ran(survey_of(people, ITEM, replicates=3), tmp_path)).items[0]
    assert found.model_shares[0].n_units == 40
    assert found.dispositions == {"valid": 120}


def test_refused_and_failed_responses_are_counted_and_are_no_data(people, tmp_path):
    found = compare(ran(survey_of(people, ITEM), tmp_path, refuse=0.3, fail=0.2)).items[0]
    assert set(found.dispositions) == {"valid", "refused", "failed"}
    assert found.model_shares[0].n_units == found.dispositions["valid"]
    assert [share.value for share in found.model_shares] == pytest.approx(TRUTH)


def test_dont_know_is_no_share_and_has_its_own_count(people, tmp_path):
    item = replace(ITEM, options=(*ITEM.options, "don't know"), dont_know=(3,))
    engine = ScriptedEngine(stated({"mood": (0.1, 0.15, 0.25, 0.5)}), seed=1)
    found = compare(collect(survey_of(people, item, n=200), engine, tmp_path)).items[0]
    assert found.options == ITEM.options
    assert [share.value for share in found.model_shares] == pytest.approx(TRUTH)
    assert 70 < found.dispositions["dont_know"] < 130


def test_weights_of_subjects_weigh_their_answers(people, tmp_path):
    def rule(trial):
        return (1.0, 0.0, 0.0) if dict(trial.facts)["party"] == "0" else (0.0, 0.0, 1.0)

    survey = survey_of(people, ITEM)
    weights = {s.id: 3.0 if s.traits["party"] == 0 else 1.0 for s in survey.subjects}
    weighted = replace(survey, subjects=survey.subjects.reweighted(weights))
    found = compare(collect(weighted, ScriptedEngine(rule), tmp_path)).items[0]
    assert [share.value for share in found.model_shares] == pytest.approx([0.75, 0, 0.25])


def test_a_subject_of_weight_0_stands_for_nobody(people, tmp_path):
    survey = survey_of(people, ITEM)
    weighted = replace(
        survey, subjects=survey.subjects.reweighted({f"s{k}": float(k != 3) for k in range(40)})
    )
    answers = {"mood": {f"s{k}": mood(k) for k in range(40)}}
    found = compare(ran(weighted, tmp_path, answers)).items[0]
    assert found.fidelity.n_people == found.model_shares[0].n_units == 39


def test_numbers_are_compared_by_their_means_over_the_same_subjects(people, tmp_path):
    survey = survey_of(people, NUMBER)
    answers = {"days": {f"s{k}": (float(k % 5), "valid") for k in range(40)}}
    found = compare(ran(survey, tmp_path, answers)).items[0]
    assert found.human_mean.value == pytest.approx(2.0)
    assert found.human_mean.n_units == found.model_mean.n_units == 40
    assert found.fidelity is None


def test_each_condition_is_compared_by_itself_in_the_order_of_the_design(people, tmp_path):
    survey = survey_of(people, ITEM, persona=("third", "first", "none"))
    found = compare(ran(survey, tmp_path)).items
    assert [c.condition["persona"] for c in found] == ["third", "first", "none"]


def test_an_unfinished_run_says_so(people, tmp_path):
    survey = survey_of(people, ITEM)
    run = collect(survey, ScriptedEngine(stated({"mood": TRUTH})), tmp_path, budget=Budget(trials=10))
    assert any("unfinished" in warning for warning in compare(run).warnings)


def test_peoples_answers_are_not_measured_as_if_a_model_had_given_them(people, tmp_path):
    ran(survey_of(people, ITEM), tmp_path, {"mood": {f"s{k}": mood(k) for k in range(40)}})
    with pytest.raises(DesignError, match="these are people's answers"):
        compare(Run(tmp_path / PEOPLE))


@pytest.mark.parametrize(
    ("codes", "has_positions"), [((3, 2, 1), True), ((1, 0, 0), False), ((1, 2, 4), True)]
)
def test_a_key_of_any_order_is_compared(people, tmp_path, codes, has_positions):
    survey = survey_of(people, replace(ITEM, codes=codes))
    answers = {"mood": {f"s{k}": mood(k) for k in range(40)}}
    found = compare(ran(survey, tmp_path, answers)).items[0].fidelity
    assert (found.wasserstein is not None) == has_positions


def test_a_distance_is_the_same_from_either_end_of_a_scale(people, tmp_path):
    answers = {"mood": {f"s{k}": mood(k) for k in range(40)}}
    both = [
        compare(ran(survey_of(people, replace(ITEM, codes=codes)), tmp_path / str(codes[0]), answers)).items[
            0
        ]
        for codes in ((1, 2, 3), (3, 2, 1))
    ]
    assert both[0].fidelity.wasserstein.value == pytest.approx(both[1].fidelity.wasserstein.value)

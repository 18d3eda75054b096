import json

import numpy as np
import pytest

from proband.analyses import scales
from proband.designs import PeopleSurvey, Survey, people_engine
from proband.estimates import Estimate
from proband.instruments import Instrument, Item, Scale, load_instrument, score_scales
from proband.measures import cronbach_alpha
from proband.models.scripted import ScriptedEngine, always, spatial, uniform
from proband.runs import Run, collect
from proband.subjects import Population, Subject

OPTIONS = ("never", "rarely", "sometimes", "often", "always")


def trust(rule="mean", min_valid=1.0):
    items = [Item(id=f"t{k}", text=f"Statement {k}.", form="scale", options=OPTIONS) for k in range(4)]
    key = {"t0": 1, "t1": -1, "t2": 1, "t3": -1}
    human = {"mean": 2.5, "sd": 0.5, "alpha": 0.8, "n": 100, "source": "a study"}
    scale = Scale(id="t", name="Trust", items=key, min_valid=min_valid, rule=rule, human=human)
    return Instrument(id="trust", title="Trust", items=tuple(items), scales=(scale,))


def ran(people, folder, engine, n=40, instrument=None, **settings):
    survey = Survey(instrument=instrument or trust(), subjects=people(n), seed=1, **settings)
    return collect(survey, engine, folder)


def cells(section, who, scale="Trust"):
    names = [column.name for column in section.table.columns]
    rows = [row for row in section.table.rows if row[:2] == (scale, who)]
    return dict(zip(names, rows[0], strict=True))


def test_mini_ipip_prints_five_scales_with_alpha_and_norms(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(uniform(), seed=1), instrument=load_instrument("mini-ipip"))
    (section,) = scales.sections(run)
    assert [row[0] for row in section.table.rows if row[1] == "model"] == [
        *("Extraversion", "Agreeableness", "Conscientiousness", "Neuroticism", "Openness")
    ]
    norm = cells(section, "norm", "Extraversion")
    assert (norm["n"], norm["mean"], norm["SD"], norm["alpha"]) == (19719, 2.896, 1.03, 0.8)
    found = cells(section, "model", "Extraversion")
    assert found["mean"].value == pytest.approx(3.0)
    assert found["distance in norm SD"].value == pytest.approx((3.0 - 2.896) / 1.03)
    assert len(section.figure.rows) == 5


def test_reverse_keyed_items_are_flipped_and_expected_scores_used(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(always(1)))
    (section,) = scales.sections(run)
    assert cells(section, "model")["mean"].value == pytest.approx((2 + 4 + 2 + 4) / 4)


def test_a_sum_is_over_the_length_of_the_scale(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(uniform()), instrument=trust(rule="sum"))
    (section,) = scales.sections(run)
    assert cells(section, "model")["mean"].value == pytest.approx(12.0)


def test_alpha_and_sd_are_those_of_one_keyed_answer_an_item(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(spatial("age", low=20, high=60), seed=2), replicates=2)
    (section,) = scales.sections(run)
    found = cells(section, "model")
    table = run.wide().filter(replicate=0).sort("subject")
    keyed = table.select("t0", "t1", "t2", "t3").to_numpy() + 1.0
    keyed[:, [1, 3]] = 6 - keyed[:, [1, 3]]
    assert found["alpha"].value == pytest.approx(cronbach_alpha(keyed).value)
    assert found["SD"] == pytest.approx(keyed.mean(axis=1).std(ddof=1))
    assert found["alpha"].n_units == 40
    one = dict(zip(("t0", "t1", "t2", "t3"), table.select("t0", "t1", "t2", "t3").row(0), strict=True))
    assert score_scales(trust(), one)["t"] == pytest.approx(keyed[0].mean())


def test_subjects_who_answer_alike_give_a_reason_and_no_alpha(people, tmp_path):
    (section,) = scales.sections(ran(people, tmp_path, ScriptedEngine(always(1))))
    found = cells(section, "model")
    assert np.isnan(found["alpha"].value)
    assert "same total" in " ".join(section.warnings)
    assert "No scale has an alpha" in section.sentences[1]


def test_every_condition_has_its_row_and_people_stand_beside(tmp_path):
    people = Population(
        name="p",
        subjects=tuple(
            Subject(id=f"s{k}", traits={"t0": k % 5 + 1, "t1": 5 - k % 5, "t2": k % 5 + 1, "t3": 3}) for k in range(20)
        ),
    )
    survey = Survey(instrument=trust(), subjects=people, seed=1, persona="none", order=("as_written", "reversed"))
    engine = people_engine(people, trust())
    collect(PeopleSurvey(survey=survey, engine=engine), engine, tmp_path / "people")
    run = collect(survey, ScriptedEngine(uniform(), seed=3), tmp_path)
    (section,) = scales.sections(run)
    assert [row[1:3] for row in section.table.rows] == [
        *(("model", "as_written"), ("model", "reversed"), ("people", ""), ("norm", ""))
    ]
    theirs = cells(section, "people")["mean"]
    assert theirs.value == pytest.approx(np.mean([(k % 5 + 1 + k % 5 + 1 + k % 5 + 1 + 3) / 4 for k in range(20)]))
    assert theirs.target == "human"


def test_weights_of_subjects_weigh_their_scores(people, tmp_path):
    heavy = Population(
        name="w",
        subjects=tuple(
            Subject(id=s.id, traits=s.traits, weight=3.0 if k < 10 else 1.0) for k, s in enumerate(people(20))
        ),
        fields=people(20).fields,
    )
    instrument = Instrument(
        id="one", title="One", items=trust().items, scales=(Scale(id="s", name="Trust", items={"t0": 1}, human={}),)
    )
    survey = Survey(instrument=instrument, subjects=heavy, seed=1)
    engine = ScriptedEngine(lambda trial: 4 if int(dict(trial.facts)["age"]) < 30 else 0)
    (section,) = scales.sections(collect(survey, engine, tmp_path))
    assert cells(section, "model")["mean"].value == pytest.approx((10 * 3 * 5 + 10 * 1) / 40)


def test_a_survey_without_scales_is_refused_in_words(survey, tmp_path):
    assert "no scales" in scales.needs(collect(survey, ScriptedEngine(uniform()), tmp_path))


def test_an_older_run_is_scored_by_the_catalogue_while_the_instrument_is_the_same(people, tmp_path):
    ran(people, tmp_path, ScriptedEngine(uniform()), instrument=load_instrument("mini-ipip"))
    manifest = tmp_path / "manifest.json"
    noted = json.loads(manifest.read_text())
    kept = noted["design"].pop("scales")
    manifest.write_text(json.dumps(noted))
    assert scales.needs(Run(tmp_path)) is None
    assert {s.id for s in scales.instrument_of(Run(tmp_path)).scales} == {entry["id"] for entry in kept}
    noted["design"]["instrument_hash"] = "another"
    manifest.write_text(json.dumps(noted))
    assert "not kept" in scales.needs(Run(tmp_path))


def test_all_cells_are_finite_or_give_a_reason(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(uniform(), refuse=0.5), n=4)
    (section,) = scales.sections(run)
    estimates = [cell for row in section.table.rows for cell in row if isinstance(cell, Estimate)]
    assert estimates
    assert all(np.isfinite(e.value) or e.warnings for e in estimates)

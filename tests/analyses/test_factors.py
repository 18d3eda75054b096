"""The structure of scales in a model beside people: likeness, halos, noise, and when it is quiet."""

import numpy as np
import pytest

from proband.analyses import factors
from proband.designs import PeopleSurvey, Survey, people_engine
from proband.designs.kind import KINDS
from proband.instruments import Instrument, Item, Scale
from proband.models.scripted import ScriptedEngine, uniform
from proband.reports import findings
from proband.runs import collect
from proband.subjects import Population, Subject

OPTIONS = ("never", "rarely", "sometimes", "often", "always")
NAMES = tuple(f"{scale}{k}" for scale in "abc" for k in range(4))
N = 250


def three_scales():
    items = tuple(
        Item(id=n, text=f"Statement {n}.", form="scale", options=OPTIONS, values=tuple(range(5))) for n in NAMES
    )
    keyed = {s: {f"{s}{k}": -1 if k == 3 else 1 for k in range(4)} for s in "abc"}
    scales = tuple(Scale(id=s, name=s.upper(), items=items) for s, items in keyed.items())
    return Instrument(id="three", title="Three scales", items=items, scales=scales)


def answered(seed, *, r=0.2, higher=None):
    """Codes of N subjects on three traits that correlate by r; every fourth item is reverse-keyed."""
    rng = np.random.default_rng(seed)
    traits = rng.multivariate_normal(np.zeros(3), np.full((3, 3), r) + (1 - r) * np.eye(3), N)
    x = 0.8 * np.repeat(traits, 4, axis=1) * np.tile([1, 1, 1, -1], 3) + 0.6 * rng.normal(size=(N, 12))
    if higher is not None:
        x[:, NAMES.index(higher)] += 1.2
    return np.clip(np.round(2 + 1.1 * x), 0, 4).astype(int)


def ran(folder, codes=None, n=N):
    people = answered(1)
    subjects = tuple(
        Subject(id=f"s{k}", traits=dict(zip(NAMES, map(int, people[k]), strict=True)), weight=1.0) for k in range(n)
    )
    survey = Survey(instrument=three_scales(), subjects=Population(name="p", subjects=subjects, fields=()), seed=1,
                    persona="none")  # fmt: skip
    engine = people_engine(survey.subjects, survey.instrument)
    collect(PeopleSurvey(survey=survey, engine=engine), engine, folder / "people")
    if codes is None:
        return collect(survey, ScriptedEngine(uniform(), seed=1), folder)
    given = {f"s{k}": dict(zip(NAMES, map(int, codes[k]), strict=True)) for k in range(n)}
    return collect(survey, ScriptedEngine(lambda trial: given[trial.place.subject][trial.place.item]), folder)


def told(run):
    assert factors.needs(run) is None
    return {section.name: section for section in factors.sections(run)}


def row(section, who):
    names = [column.name for column in section.table.columns]
    return dict(zip(names, next(row for row in section.table.rows if row[0] == who), strict=True))


def test_a_model_that_is_built_like_people_is_said_to_be(tmp_path):
    found = told(ran(tmp_path, answered(2)))
    for who in ("model", "people"):
        cells = row(found["factors"], who)
        assert (cells["n"], cells["factors found"]) == (N, 3)
        assert cells["CFI"] > 0.97
    assert row(found["factors"], "model")["congruence with people"] > 0.98
    assert found["invariance-model"].sentences[0].endswith(": scalar.")
    assert found["item-bias-model"].sentences == ("0 of 12 items are flagged.",)
    stands = row(found["places-model"], "A")
    assert abs(stands["mean, model"].value) < 0.3
    assert stands["misfitting, model"] < 0.12


def test_a_model_that_answers_at_random_fits_no_item_that_people_answered(tmp_path):
    cells = row(told(ran(tmp_path))["places-model"], "A")
    assert cells["misfitting, model"] > cells["misfitting, people"] + 0.2


def test_a_halo_shows_in_omega_h_and_an_item_it_likes_is_named(tmp_path):
    found = told(ran(tmp_path, answered(3, r=0.8, higher="b1")))
    general = [row(found["factors"], who)["omega-h"].value for who in ("model", "people")]
    assert general[0] > general[1] + 0.2
    assert "b1" in found["invariance-model"].table.rows[2][-1]
    assert found["item-bias-model"].sentences == ("1 of 12 items are flagged: b1.",)
    ratios = {row[0]: row[-1] for row in found["item-bias-model"].table.rows}
    assert ratios["b1"] == min(p for p in ratios.values() if p is not None) < 1e-6
    assert ratios["a0"] is None


def test_noise_has_no_factor_and_the_way_out_is_said(tmp_path):
    found = told(ran(tmp_path))
    assert row(found["factors"], "model")["factors found"] == 0
    assert any("there is no factor" in sentence for sentence in found["factors"].sentences)
    assert not found["item-bias-model"].table.rows
    assert "alpha of model is below 0.5" in found["item-bias-model"].warnings[0]


def test_items_that_everybody_answers_alike_are_named_and_nothing_is_made_up(tmp_path):
    codes = answered(4)
    codes[:, 0] = 2
    found = told(ran(tmp_path, codes))
    assert row(found["factors"], "model")["CFI"] is None
    assert any("items a0 do not vary" in warning for warning in found["factors"].warnings)
    assert not found["invariance-model"].table.rows


def test_with_few_subjects_it_is_quiet(tmp_path):
    run = ran(tmp_path, answered(2), n=60)
    assert "factors need 100 subjects" in factors.needs(run)
    assert "factors" not in findings(run).left_out


@pytest.mark.parametrize("name", ["survey", "experiment"])
def test_kinds_that_ask_instruments_want_it(name):
    assert "factors" in KINDS.load(name).analyses

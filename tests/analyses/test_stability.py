import numpy as np
import pytest

from proband.analyses import stability
from proband.designs import Survey
from proband.instruments import Instrument, Item, Scale
from proband.measures import icc, rank_order_stability
from proband.models.scripted import ScriptedEngine, always, spatial, uniform
from proband.runs import collect
from proband.seeds import uniform_for

OPTIONS = ("1", "2", "3", "4", "5")


def scale_of(n=4, **extra):
    items = tuple(Item(id=f"t{k}", text=f"{{factor:wording}} {k}", form="scale", options=OPTIONS) for k in range(n))
    key = {item.id: (-1 if k % 2 else 1) for k, item in enumerate(items)}
    return Instrument(id="t", title="T", items=items, scales=(Scale(id="t", name="Trust", items=key),), **extra)


def ran(people, folder, engine, n=30, **settings):
    factors = {"wording": {"a": "Say", "b": "Tell", "c": "State"}}
    survey = Survey(**({"instrument": scale_of(), "subjects": people(n), "seed": 1, "factors": factors} | settings))
    return collect(survey, engine, folder)


def named(run):
    return {section.name: section for section in stability.sections(run)}


def rows(section):
    names = [column.name for column in section.table.columns]
    return [dict(zip(names, row, strict=True)) for row in section.table.rows]


def trait(trial):
    """A trait of the subject, which half of the items hold the other way round; wordings move a subject's answer."""
    t = uniform_for(1, trial.place.subject) + 0.3 * uniform_for(
        2, trial.place.subject, dict(trial.place.condition)["wording"]
    )
    t = min(t / 1.3, 0.999)
    mean = 1 - t if int(trial.place.item[1:]) % 2 else t
    return (1 - mean, 0, 0, 0, mean)


def test_order_over_wordings_is_kept_as_far_as_the_trait_goes(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(trait))
    found = rows(named(run)["stability-wording"])
    assert [(row["wording"], row["and"]) for row in found] == [("a", "b"), ("b", "c")]
    assert all(0.75 < row["order of subjects"].value < 1 for row in found)
    probs = run.table().filter(item="t0").with_columns(mean=1 + 4 * run.table().filter(item="t0")["probs"].list.get(4))
    wide = probs.pivot(on="wording", index="subject", values="mean")
    expected = rank_order_stability(wide.select("a").to_numpy(), wide.select("b").to_numpy())
    assert found[0]["order of subjects"].value == pytest.approx(expected.value)


def test_variance_is_taken_apart_and_the_wordings_needed_are_told(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(trait))
    section = named(run)["stability-variance-t"]
    shares = {row["source"]: row["share"] for row in rows(section)}
    assert shares["subject"] > 0.7
    assert shares["subject x wording"] > 0.02
    assert shares["item"] == pytest.approx(0.0, abs=1e-9)
    assert any("levels of wording (now 3)" in sentence for sentence in section.sentences)


def test_repeats_are_rated_by_the_icc_of_drawn_answers(people, tmp_path):
    one = Instrument(id="one", title="One", items=(Item(id="t", text="T", form="scale", options=OPTIONS),))
    engine = ScriptedEngine(spatial("age", low=20, high=50), seed=3)
    run = ran(people, tmp_path, engine, replicates=3, factors={}, instrument=one)
    (row,) = rows(named(run)["stability-repeats"])
    wide = run.table().pivot(on="replicate", index="subject", values="value").drop("subject").to_numpy()
    assert row["ICC, one repeat"].value == pytest.approx(icc(wide, "2,1").value)
    assert row["subjects"] == 30
    assert row["retest r"].interval is not None


def test_probabilities_do_not_change_over_repeats_so_one_is_enough(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(trait), replicates=2)
    section = named(run)["stability-variance-t"]
    assert any("With 1 repeats (now 2)" in sentence for sentence in section.sentences)


def test_subjects_who_are_all_alike_give_reasons_and_no_crash(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(always(2)), replicates=2)
    found = named(run)
    (row,) = rows(found["stability-repeats"])
    assert np.isnan(row["ICC, one repeat"].value)
    assert row["ICC, one repeat"].warnings
    assert "stability-variance-t" in found


def test_a_run_that_asks_once_is_refused_in_words(survey, tmp_path):
    assert "answered once" in stability.needs(collect(survey, ScriptedEngine(uniform()), tmp_path))

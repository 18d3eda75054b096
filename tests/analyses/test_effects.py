import math
from dataclasses import replace

import pytest

from proband.analyses import effects
from proband.designs import Survey
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine, uniform
from proband.reports import findings
from proband.runs import collect
from tests.analyses.studies import framed


def column(section, name):
    names = [column.name for column in section.table.columns]
    return [row[names.index(name)] for row in section.table.rows]


def test_a_true_effect_of_exactly_nothing_is_nothing_and_says_why_it_has_no_interval(people, tmp_path):
    run = collect(framed(people(40)), ScriptedEngine(uniform(), seed=1), tmp_path)
    (section,) = effects.sections(run)
    (effect,) = column(section, "effect")
    assert effect.value == pytest.approx(0.0, abs=1e-12)
    assert effect.interval is None
    assert "do not vary" in " ".join(section.warnings)
    assert "differs by 0.000 from loss; no interval: outcomes do not vary" in section.sentences[1]
    assert section.sentences[0] == "40 subjects were compared, each of which answered under one level of frame."
    assert column(section, "under loss")[0].estimand == "mean of support under this level"
    assert column(section, "under loss")[0].n_clusters is None
    assert "Scores reach from 1 to 3." in section.notes


@pytest.mark.parametrize("block_by", ["", "party"])
def test_a_planted_effect_is_found_and_blocks_are_used(people, tmp_path, block_by):
    def rule(trial):
        shift = 0.05 * int(dict(trial.facts)["party"] == "Right") if "party" in dict(trial.facts) else 0.0
        low, high = 0.2 + shift, 0.6 - shift
        return (low, 0.2, high) if dict(trial.place.condition)["frame"] == "gain" else (high, 0.2, low)

    run = collect(framed(people(400), block_by=block_by), ScriptedEngine(rule, seed=2), tmp_path)
    (section,) = effects.sections(run)
    (effect,) = column(section, "effect")
    assert 0.6 < effect.value <= 0.8 + 1e-9
    assert ("within 2 blocks" in effect.interval_method) == (bool(block_by) and effect.interval is not None)


def test_answers_without_probabilities_have_an_interval_that_holds_the_truth(people, tmp_path):
    def rule(trial):
        return (0.2, 0.2, 0.6) if dict(trial.place.condition)["frame"] == "gain" else (0.6, 0.2, 0.2)

    experiment = framed(people(400), answer_by="written")
    run = collect(experiment, ScriptedEngine(rule, seed=3), tmp_path)
    (section,) = effects.sections(run)
    (effect,) = column(section, "effect")
    assert effect.interval[0] < 0.8 < effect.interval[1]
    assert "is higher than under loss" in section.sentences[1]
    assert section.figure.rows[0]["low"] == effect.interval[0]
    assert any("8 of 10 studies" in note for note in section.notes)


def test_missing_answers_have_worst_case_bounds(people, tmp_path):
    experiment = framed(people(100), answer_by="written")
    run = collect(experiment, ScriptedEngine(uniform(), seed=2, refuse=0.2), tmp_path)
    (section,) = effects.sections(run)
    (bounds,) = column(section, "whatever the missing would say")
    (effect,) = column(section, "effect")
    assert bounds.interval[0] < effect.value < bounds.interval[1]
    assert bounds.n_missing == run.dispositions()["refused"]


def worded(people, n=30, **settings):
    item = Item(id="fair", text="{factor:frame} Is that fair?", form="scale", options=("no", "so-so", "yes"))
    vote = Item(id="vote", text="Whom do you vote for?", form="choice", options=("Ada", "Bob", "Cleo"))
    return Survey(
        instrument=Instrument(id="fair", title="Fair", items=(item, vote)),
        subjects=people(n),
        seed=3,
        factors={"frame": {"plain": "A tax.", "kind": "A gift.", "harsh": "A fine."}},
        **settings,
    )


def test_levels_within_subjects_are_paired_and_tests_adjusted(people, tmp_path):
    def rule(trial):
        age = int(dict(trial.facts)["age"]) / 100
        if trial.place.item == "vote":
            return (1 / 3, 1 / 3, 1 / 3)
        shift = {"plain": 0.0, "kind": 0.2, "harsh": age / 10}[dict(trial.place.condition)["frame"]]
        return (0.5 - shift, 0.0, 0.5 + shift)

    run = collect(worded(people), ScriptedEngine(rule), tmp_path)
    (section,) = effects.sections(run)
    assert [row[:2] for row in section.table.rows][:2] == [("fair", "kind"), ("fair", "harsh")]
    assert len(section.table.rows) == 2 + 3 * 2
    kind, harsh = column(section, "effect")[:2]
    assert kind.value == pytest.approx(0.4)
    assert kind.interval is None
    assert harsh.interval_method.startswith("t of paired differences")
    assert harsh.n_units == 30
    shares = column(section, "effect")[2:]
    assert all(share.value == pytest.approx(0.0, abs=1e-12) for share in shares)


def test_several_tests_are_adjusted(people, tmp_path):
    run = collect(worded(people, answer_by="written"), ScriptedEngine(uniform(), seed=3), tmp_path)
    (section,) = effects.sections(run)
    raw, adjusted = column(section, "p"), column(section, "p (Holm)")
    assert all(a >= p for p, a in zip(raw, adjusted, strict=True))
    assert min(adjusted) == pytest.approx(min(1.0, min(raw) * len(raw)))
    assert any("Holm" in note for note in section.notes)


def test_a_run_in_which_nothing_varies_is_refused_in_words(survey, tmp_path):
    run = collect(survey, ScriptedEngine(uniform()), tmp_path)
    assert "nothing varies" in effects.needs(run)


def test_nobody_valid_gives_no_number_but_a_sentence(people, tmp_path):
    run = collect(framed(people(6)), ScriptedEngine(uniform(), refuse=1.0), tmp_path)
    (section,) = effects.sections(run)
    assert "can be compared" in section.sentences[0]
    assert section.table.rows == ()
    assert all(not math.isnan(mark["value"]) for mark in (section.figure.rows if section.figure else ()))


def test_blocks_of_two_have_no_effect_and_the_subjects_are_counted_all_the_same(people, tmp_path):
    everybody = people(12)
    paired = tuple(replace(s, traits={**s.traits, "age": 20 + k // 2}) for k, s in enumerate(everybody.subjects))
    blocked = framed(replace(everybody, subjects=paired), block_by="age")
    run = collect(blocked, ScriptedEngine(uniform(), seed=1), tmp_path)
    (section,) = effects.sections(run)
    assert section.sentences[0].startswith("12 subjects were compared")
    assert "could not be estimated: block" in section.sentences[1]


def test_a_survey_tells_the_effects_of_what_varies_within_subjects(people, tmp_path):
    found = findings(collect(worded(people), ScriptedEngine(uniform()), tmp_path))
    assert found.section("effects-frame").sentences[0].startswith("30 subjects answered under several levels of frame")

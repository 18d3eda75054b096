"""What a run says of itself."""

from dataclasses import replace

from proband.designs import Experiment, PrisonersDilemma
from proband.instruments import Instrument, Item
from proband.runs import Budget, Run, collect
from proband.store import RunDirectory
from tests.runs.test_advancing import Chain


def test_levels_stand_in_the_order_of_the_design(survey, tmp_path):
    crossed = replace(survey, persona=("third", "first"), order=("reversed", "as_written"))
    run = collect(crossed, "scripted:uniform", tmp_path)
    assert dict(run.levels) == {"order": ("reversed", "as_written"), "persona": ("third", "first")}
    assert set(run.levels) <= set(run.table().columns)


def test_levels_are_those_of_the_places_where_a_design_does_not_name_them(tmp_path):
    class Framed(Chain):
        def _trial(self, subject, step, said):
            trial = super()._trial(subject, step, said)
            level = ("b", "a")[int(subject[1]) % 2]
            return replace(trial, place=replace(trial.place, condition=(("frame", level),)))

    run = collect(Framed(chains=2), "scripted:uniform", tmp_path)
    assert dict(run.levels) == {"frame": ("b", "a")}


def test_the_kind_of_study_is_stored(survey, people, tmp_path):
    game = PrisonersDilemma(matches=1, rounds=1, seed=1)
    both = {"model": "scripted:uniform", "rival": "scripted:tit-for-tat"}
    assert collect(game, both, tmp_path / "game").kind == "game"
    assert collect(survey, "scripted:uniform", tmp_path / "survey").kind == "survey"
    item = Item(id="o", text="{factor:frame}?", form="choice", options=("a", "b"))
    asked = Instrument(id="i", title="An outcome", items=(item,))
    factors = {"frame": {"gain": "Gain", "loss": "Loss"}}
    experiment = Experiment(instrument=asked, subjects=people(6), seed=1, factors=factors)
    run = collect(experiment, "scripted:uniform", tmp_path / "experiment")
    assert run.kind == "experiment"
    assert run.manifest["roster"] == {"subjects": 6, "units": 6, "arms": {"gain": 3, "loss": 3}}


def test_a_run_of_version_0_1_has_its_kind_from_its_design(tmp_path):
    collect(PrisonersDilemma(matches=1, rounds=1, seed=1), _players(), tmp_path)
    with RunDirectory(tmp_path).writer() as journal:
        journal.note(kind="", state="")
    assert Run(tmp_path).kind == "game"
    assert Run(tmp_path).state == "complete"


def _players():
    return {"model": "scripted:uniform", "rival": "scripted:tit-for-tat"}


def test_a_stopped_run_is_unfinished_and_says_so(survey, tmp_path):
    run = collect(survey, "scripted:uniform", tmp_path, budget=Budget(trials=5))
    assert run.state == run.manifest["state"] == "unfinished"
    assert repr(run).endswith("5 responses, unfinished)")
    assert (run.stalled, run.open) == ({}, {})

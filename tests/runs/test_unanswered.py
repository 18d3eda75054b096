from dataclasses import replace

import pytest

from proband.designs import Survey
from proband.designs.survey import sheets
from proband.designs.survey.sheets import Sheet
from proband.errors import TreatmentChanged
from proband.instruments import Instrument, Item
from proband.instruments.items import Rule
from proband.models.scripted import ScriptedEngine, uniform
from proband.records import Response
from proband.runs import Budget, collect
from proband.runs import frontier as unanswered_room
from tests.conftest import made_up

PIPED = Instrument(
    id="piped",
    title="Skips and pipes",
    preamble="Please answer.",
    items=(
        Item(id="vote", text="Whom do you vote for?", form="choice", options=("Ada", "Bob", "Cleo")),
        Item(id="why", text="Why {answer:vote}?", form="choice", options=("a", "b")),
        Item(id="age", text="How old are you, {subject:age}?", form="number", lower=0, upper=99),
        Item(id="sure", text="Sure?", form="choice", options=("y", "n"), ask_if=Rule(item="vote", options=(0, 1))),
        Item(id="very", text="Very {answer:sure}?", form="choice", options=("y", "n")),
    ),
)


def answer(trial, draw):
    fields = {"place": trial.place, "request": trial.request.hash, "rule": trial.reply.rule}
    if draw == 0:
        return Response(status="refused", **fields)
    options = len(trial.reply.options)
    return Response(status="valid", answer=draw % options if options else float(draw), **fields)


def test_a_conversation_makes_each_trial_once(survey, tmp_path, monkeypatch):
    made, real = [], Sheet.trial

    def counted(self, item, *rest):
        made.append(item.id)
        return real(self, item, *rest)

    monkeypatch.setattr(sheets.Sheet, "trial", counted)
    items = tuple(replace(survey.instrument.items[0], id=f"i{k}", text=f"Number {k}?") for k in range(20))
    talk = Survey(instrument=Instrument(id="t", title="t", items=items), subjects=made_up(5), seed=1,
                  presentation="sequential")  # fmt: skip
    made.clear()
    collect(talk, "scripted:uniform", tmp_path / "whole")
    assert len(made) == 100
    collect(talk, "scripted:uniform", tmp_path / "torn", budget=Budget(trials=37))
    made.clear()
    torn = collect(talk, "scripted:uniform", tmp_path / "torn")
    assert len(made) == 100
    assert torn.table().equals(collect(talk, "scripted:uniform", tmp_path / "whole").table())


SETTINGS = {
    "presentation": ("single", "battery"),
    "answer_by": ("option_text", "label", "written", "verbalised"),
    "persona": ("first", "none"),
    "order": ("counterbalanced", "random", "as_written"),
}


def test_keys_are_those_of_the_trials(survey):
    design = replace(survey, replicates=2, title="ä/b", **SETTINGS)
    trials = design.trials({})
    expected = [(t.id, t.request.hash, t.reply.rule) for t in trials]
    assert list(trials.keys(0, len(trials))) == expected
    assert list(trials.keys(101, 333)) == expected[101:333]
    assert [t.id for t in trials[101:333]] == [key[0] for key in expected[101:333]]
    assert [t.id for t in trials[50:10:-7]] == [key[0] for key in expected[50:10:-7]]
    assert trials[-1].id == expected[-1][0]


@pytest.mark.parametrize("looked_up", [1, 7, 4096])
def test_a_resumed_run_makes_only_what_is_missing(survey, people, tmp_path, monkeypatch, looked_up):
    monkeypatch.setattr(unanswered_room, "_LOOKED_UP", looked_up)
    large = replace(survey, subjects=people(60))
    collect(large, "scripted:uniform", tmp_path, budget=Budget(trials=113))
    made, real = [], Sheet.trial
    monkeypatch.setattr(Sheet, "trial", lambda self, *given: made.append(1) or real(self, *given))
    run = collect(large, "scripted:uniform", tmp_path)
    assert run.is_complete
    assert 7 <= len(made) <= 14  # a sheet that a window begins in the middle of is begun again


def test_an_edit_deep_in_a_large_run_is_found_before_anything_is_asked(survey, people, tmp_path):
    class Silent(ScriptedEngine):
        def answer(self, trials):
            raise AssertionError("asked")

    large = replace(survey, subjects=people(200))
    collect(large, ScriptedEngine(uniform()), tmp_path)
    last = list(large.subjects)[-1]
    edited = [*list(large.subjects)[:-1], replace(last, traits={**last.traits, "age": 99})]
    changed = replace(large, subjects=replace(large.subjects, subjects=tuple(edited)))
    with pytest.raises(TreatmentChanged, match="by subject 's199', and what is sent has been edited"):
        collect(changed, Silent(uniform()), tmp_path)

from types import MappingProxyType

import numpy as np
import pytest

from proband.analyses import agreement
from proband.designs import Survey
from proband.designs.design import Design
from proband.instruments import Instrument, Item
from proband.measures import krippendorff_alpha
from proband.models.scripted import ScriptedEngine, always, spatial, uniform
from proband.records import Message, Place, Reply, Request, Trial
from proband.roster import Member, Roster
from proband.runs import collect

OPTIONS = ("against", "neutral", "for")
TONE = Item(id="tone", text="What is the tone of this text?", form="choice", options=OPTIONS)


def named(run):
    return {section.name: section for section in agreement.sections(run)}


def rows(section):
    names = [column.name for column in section.table.columns]
    return [dict(zip(names, row, strict=True)) for row in section.table.rows]


def test_repeats_agree_as_far_as_probabilities_are_narrow(survey, tmp_path, people):
    sure = Survey(instrument=survey.instrument, subjects=people(30), seed=1, replicates=3)
    run = collect(sure, ScriptedEngine(spatial("age", low=20, high=50, width=0.15), seed=2), tmp_path)
    found = {row["item"]: row for row in rows(named(run)["agreement-repeats"])}
    assert found["trust"]["places"] == 30
    assert found["trust"]["alpha"].value > 0.6
    wide = run.table().filter(item="trust").pivot(on="replicate", index="subject", values="answer").drop("subject")
    expected = krippendorff_alpha(wide.to_numpy().astype(float), "ordinal")
    assert found["trust"]["alpha"].value == pytest.approx(expected.value)
    assert len(rows(named(run)["agreement-repeats-pairs"])) == 2 * 3
    assert "agreement-repeats-errors" not in named(run)
    assert any("drawn from the engine's probabilities" in note for note in named(run)["agreement-repeats"].notes)


def test_an_engine_that_takes_the_first_option_disagrees_with_itself_when_the_order_turns(survey, people, tmp_path):
    turned = Survey(instrument=survey.instrument, subjects=people(20), seed=1, order=("as_written", "reversed"))
    run = collect(turned, ScriptedEngine(lambda trial: trial.reply.order[0]), tmp_path)
    found = rows(named(run)["agreement-order"])
    assert [row["same answer"].value for row in found] == [0.0, 0.0]
    assert found[0]["alpha"].value < 0
    assert "levels of order: as_written, reversed" in named(run)["agreement-order"].sentences[0]


def test_treatments_are_no_raters_but_rewordings_are(people, tmp_path):
    item = Item(id="fair", text="{factor:frame} {factor:wording}", form="scale", options=OPTIONS)
    factors = {"frame": {"a": "Cut.", "b": "Raise."}, "wording": {"x": "Fair?", "y": "Just?", "z": "Right?"}}
    survey = Survey(
        instrument=Instrument(id="f", title="F", items=(item,)), subjects=people(15), seed=2, factors=factors
    )
    run = collect(survey, ScriptedEngine(spatial("age", low=20, high=35), seed=3), tmp_path)
    assert list(named(run)) == ["agreement-wording", "agreement-wording-pairs", "agreement-wording-errors"]
    right = rows(named(run)["agreement-wording-errors"])
    assert [row["rater"] for row in right] == ["x", "y", "z"]
    assert all(0 <= row["share right"] <= 1 for row in right)
    assert rows(named(run)["agreement-wording"])[0]["places"] == 30


class Coding(Design):
    """Texts coded by three roles, each a subject of the text's unit."""

    kind = "coding"
    seed = 1
    items = MappingProxyType({"tone": TONE})
    coders = ("ann", "ben", "eva")

    def trials(self, answered):
        return [self._trial(k, coder) for k in range(40) for coder in self.coders]

    def _trial(self, k, coder):
        request = Request(messages=(Message("user", f"Text {k}. Tone?"),), continuations=OPTIONS)
        reply = Reply(form="choice", method="option_text", options=OPTIONS, order=(0, 1, 2), seed=k)
        return Trial(place=Place(subject=f"t{k}-{coder}", item="tone"), request=request, reply=reply, answerer=coder)

    def roster(self):
        return Roster(
            [Member(subject=f"t{k}-{coder}", unit=f"t{k}", role=coder) for k in range(40) for coder in self.coders]
        )


def coded(folder, wrong=0.0):
    def truth(trial):
        return int(trial.place.subject[1:].split("-")[0]) % 3

    engines = {coder: ScriptedEngine(truth, noise=wrong if coder == "eva" else 0.0, seed=5) for coder in Coding.coders}
    return collect(Coding(), engines, folder)


def test_roles_that_code_the_same_texts_are_raters(tmp_path):
    run = coded(tmp_path, wrong=0.6)
    (summary,) = rows(named(run)["agreement-roles"])
    assert summary["places"] == 40
    kappas = {
        (row["rater"], row["other rater"]): row["kappa"].value for row in rows(named(run)["agreement-roles-pairs"])
    }
    assert kappas["ann", "ben"] == pytest.approx(1.0)
    assert kappas["ann", "eva"] < 0.9
    right = {row["rater"]: row["share right"] for row in rows(named(run)["agreement-roles-errors"])}
    assert right["ann"] > 0.95 > right["eva"]


def test_a_model_is_tested_against_several_human_coders(tmp_path):
    people = coded(tmp_path / "people")
    assert people.is_complete

    class Alone(Coding):
        coders = ("model",)

    run = collect(Alone(), {"model": ScriptedEngine(lambda t: int(t.place.subject[1:].split("-")[0]) % 3)}, tmp_path)
    found = named(run)
    (row,) = rows(found["agreement-coders"])
    assert (row["coders"], row["places"]) == (3, 40)
    assert row["coders it may replace"] == 1.0
    assert "may stand in" in found["agreement-coders"].sentences[0]
    assert "no licence" in " ".join(found["agreement-coders"].warnings) or "does not say" in " ".join(
        found["agreement-coders"].warnings
    )


def test_answers_that_are_all_alike_have_a_reason_and_no_alpha(survey, tmp_path, people):
    twice = Survey(instrument=survey.instrument, subjects=people(12), seed=1, replicates=2)
    run = collect(twice, ScriptedEngine(always(1)), tmp_path)
    found = rows(named(run)["agreement-repeats"])
    assert all(np.isnan(row["alpha"].value) and row["alpha"].warnings for row in found)
    assert all(row["same answer"].value == 1.0 for row in found)


def test_a_run_that_asks_everything_once_is_refused_in_words(survey, tmp_path):
    run = collect(survey, ScriptedEngine(uniform()), tmp_path)
    assert "nothing was answered twice" in agreement.needs(run)

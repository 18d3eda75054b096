from dataclasses import replace

import pytest

from proband.analyses import awareness as told
from proband.designs import Experiment
from proband.designs.experiments.awareness import Awareness, halves
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.reports import findings
from proband.runs import collect

ITEM = Item(
    id="flu", form="scale", options=("no", "yes"),
    text="A rare disease will kill 600 people. {factor:frame}, if the programme is adopted. Do you adopt it?",
)  # fmt: skip
FRAME = {"loss": "400 will die", "gain": "200 will be saved"}


@pytest.fixture
def experiment(people) -> Experiment:
    return Experiment(
        instrument=Instrument(id="flu", title="flu", items=(ITEM,)), subjects=people(20), seed=1,
        factors={"frame": FRAME}, awareness=Awareness(words=("framing", "Kahneman"), subjects=6),
    )  # fmt: skip


def test_the_first_subjects_of_every_arm_are_asked_in_conversations_of_their_own(experiment):
    trials = list(experiment.preview())
    assert len(trials) == experiment.size() == 20 + 2 * 6 * 4
    after = trials[20:]
    assert list(experiment.preview()[18:25]) == trials[18:25]
    assert experiment.preview()[30] == trials[30]
    assert list(experiment.preview().keys(19, 23)) == [(t.id, t.request.hash, t.reply.rule) for t in trials[19:23]]
    for trial in after:
        (message,) = trial.request.messages
        level = dict(trial.place.condition)["frame"]
        if trial.place.item == "awareness-about":
            assert f"{FRAME[level]}, if the programme is adopted" in message.text
        if trial.place.item == "awareness-completion":
            whole = ITEM.text.replace("{factor:frame}", FRAME[level])
            assert message.text.endswith(f"\n\n{halves(whole)[0]}")
    arms = experiment.roster().by_subject
    asked = {trial.place.subject: arms[trial.place.subject].arm for trial in after}
    assert sorted(asked.values()) == ["gain"] * 6 + ["loss"] * 6


def test_a_model_that_knows_the_study_and_its_text_is_found_out(experiment, tmp_path):
    rest = experiment.describe()["awareness"]["rest"]

    def knowing(trial):
        if trial.place.item == "awareness-about":
            return "This is the framing effect of Kahneman." if trial.place.subject < "s4" else "About health."
        if trial.place.item == "awareness-completion":
            return rest[trial.id.split("/")[2]]
        return None if trial.reply.form != "text" else "I do not know"

    run = collect(experiment, ScriptedEngine(knowing, seed=1), tmp_path)
    (section,) = told.sections(run)
    assert section.table.rows[0][:2] == ("all", 12)
    for arm, n, share, own, control in section.table.rows[1:]:
        subjects = [
            t.place.subject for t in experiment.afterwards
            if t.place.item == "awareness-about" and dict(t.place.condition)["frame"] == arm
        ]  # fmt: skip
        assert (n, share.value) == (6, sum(s < "s4" for s in subjects) / 6)
        assert (own.value, control.value) == (1.0, pytest.approx(0.0, abs=0.1))
    assert "awareness" in {section.name for section in findings(run).sections}


def test_a_study_that_asks_nobody_says_how_to(experiment, tmp_path):
    run = collect(replace(experiment, awareness=None), "scripted:uniform", tmp_path)
    assert "[experiment.awareness] asks" in told.needs(run)


def test_words_and_control_must_be_there():
    with pytest.raises(DesignError, match="no words that name the hypothesis"):
        Awareness(words=())
    with pytest.raises(DesignError, match="a control of four words"):
        Awareness(words=("x",), control="too short")
    assert halves("one two three four five") == ("one two three", "four five")

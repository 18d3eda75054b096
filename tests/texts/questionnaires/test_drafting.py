"""Items drafted for a construct, and a questionnaire tried out on personas: what is sent, kept, refused and shown."""

import os
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proband.analyses.questionnaires import pilot_section, pretest_section, translation_section
from proband.cli.main import app
from proband.designs import Survey
from proband.errors import DesignError
from proband.instruments import Instrument, Item, instrument_from_dict
from proband.instruments.defects import defects_of
from proband.models.scripted import ScriptedEngine
from proband.runs import Budget, Run, collect
from proband.texts.questionnaires.drafting import Drafting, drafts_of, instrument_text
from proband.texts.questionnaires.trying import Translating, pretest, probed, texts_of, there_and_back, translated

GOLDEN = Path(__file__).parents[2] / "prompts" / "questionnaire-studies.txt"
DRAFTS = (
    'Statement: "I grip my seat when the plane takes off."',
    "I look forward to long flights.",
    "I feel sick and I pray.",  # double-barrelled
    "Flying is fine.",  # not in the first person
    "I grip my seat when the plane takes off!",  # there already
    "I sleep well on planes.",
    "I worry for days before a flight.",
    "I am not unable to fly.",
)
SCALE = ("Strongly disagree", "Disagree", "Agree", "Strongly agree")
FLYING = Instrument(
    id="flying",
    title="Fear of flying",
    items=(
        Item(id="grip", text="I grip my seat.", form="scale", options=SCALE),
        Item(id="no", text="I do not fly at night.", form="scale", options=SCALE),
    ),
)


def test_drafts_that_pass_the_rules_become_an_instrument_and_the_others_are_told(tmp_path):
    def write(trial):
        number = int(trial.place.subject.removeprefix("draft-")) - 1
        return DRAFTS[number % len(DRAFTS)]

    design = Drafting(construct="fear of flying", n_items=4, seed=1)
    assert not collect(design, ScriptedEngine(write), tmp_path / "run", budget=Budget(trials=5)).is_complete
    run = collect(design, ScriptedEngine(write), tmp_path / "run")
    drafts = drafts_of(run, 4)
    assert drafts.kept == (
        ("I grip my seat when the plane takes off.", 1),
        ("I look forward to long flights.", -1),
        ("I sleep well on planes.", -1),
        ("I worry for days before a flight.", 1),
    )
    assert [why.partition(",")[0].partition(":")[0] for _, why in drafts.refused] == [
        "double-barrelled",
        "it is no statement in the first person",
        "it is nearly 'I grip my seat when the plane takes off.'",
    ]
    made = instrument_from_dict(tomllib.loads(instrument_text("fly", "fear of flying", drafts.kept, "x")), "fly.toml")
    assert made.scales[0].items == {"fly-1": 1, "fly-2": -1, "fly-3": -1, "fly-4": 1}
    assert "nobody has validated it" in made.source
    assert not defects_of(made)


def test_a_pretest_probes_every_item_and_a_pilot_shows_dead_options_as_synthetic(tmp_path, people):
    said = {"paraphrase": "Whether I hold on.", "think-aloud": "Hm.", "hard": "Nothing was hard."}

    def answer(trial):
        if trial.reply.form == "text":
            item, _, probe = trial.place.item.partition("/")
            return "The word grip." if (item, probe, trial.place.subject) == ("grip", "hard", "p0") else said[probe]
        return (0.0, 0.5, 0.5, 0.0)

    subjects = people(3)
    run = collect(pretest(FLYING, subjects, seed=1), ScriptedEngine(answer), tmp_path / "pretest")
    found = probed(run)
    assert len(found) == 3 * 2 * 3
    section = pretest_section(found)
    first = found[0].subject
    assert [row[:3] for row in section.table.rows] == [("grip", 3, 1 if first == "p0" else 0), ("no", 3, 0)]
    assert "Synthetic" in section.sentences[0]
    survey = Survey(instrument=FLYING, subjects=subjects, seed=1)
    pilot = pilot_section(collect(survey, ScriptedEngine(answer), tmp_path / "pilot"))
    assert pilot.table.rows[0][:4] == ("grip", 2.5, 0.5, "Strongly disagree, Strongly agree")
    assert "Synthetic" in pilot.sentences[0]
    assert "394 or 64 people in each" in pilot.sentences[2]


def test_what_changes_on_the_way_there_and_back_is_named(tmp_path):
    texts = texts_of(FLYING)
    assert len(texts) == 2 + 4  # options that items share are translated once
    named = Instrument(id="n", title="n", items=(FLYING.items[0], Item(id="grip/1", text="I shake.", form="text")))
    assert set(texts_of(named).values()) == {"I grip my seat.", "I shake.", *SCALE}
    words = {"I grip my seat.": "Ich klammere mich fest.", "I do not fly at night.": "Nachts fliege ich."}
    back = {"Ich klammere mich fest.": "I grip my seat.", "Nachts fliege ich.": "I fly at night."}

    def translate(trial):
        text = trial.request.messages[-1].text.rpartition("\n\n")[2]
        return {**words, **back}.get(text, text)

    there = translated(
        collect(
            Translating(texts=texts, spoken="English", wanted="German"), ScriptedEngine(translate), tmp_path / "there"
        )
    )
    again = Translating(texts=there, spoken="German", wanted="English")
    found = there_and_back(texts, there, translated(collect(again, ScriptedEngine(translate), tmp_path / "back")))
    assert {one.id: one.why for one in found if one.why} == {"no": "a negation came or went"}
    assert translation_section(found, "German").sentences == ("1 of 6 texts need a look.",)
    with pytest.raises(DesignError, match="no translation came back"):
        there_and_back(texts, there, {})


def test_what_is_sent_is_the_golden_text(people):
    designs = (
        Drafting(construct="fear of flying", n_items=1, seed=1),
        pretest(FLYING, people(1), seed=1),
        Translating(texts=texts_of(FLYING), spoken="English", wanted="German"),
    )
    sent = [trial for design in designs for trial in design.trials({})[:3]]
    text = "\n\n".join(f"=== {trial.id}\n{trial.request.messages[-1].text}" for trial in sent) + "\n"
    if os.environ.get("PROBAND_GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert GOLDEN.read_text() == text


def test_bad_input_is_refused_before_anybody_is_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def refused(*words):
        return str(CliRunner().invoke(app, ["draft-items", *words, "--engine", "scripted:uniform"]).exception)

    assert "the construct is empty" in refused(" ")
    assert "0 items are wanted" in refused("fear", "--items", "0")
    assert "ends in .toml" in refused("fear", "--into", "items.csv")
    Path("items.toml").write_text('id = "items"\n[[items]]\nid = "a"\ntext = "I fly."\nform = "text"\n')
    assert "is there already" in refused("fear")
    assert "say how to try it out" in refused("items.toml")
    assert "item 'a' of form 'text' has no options" in refused("items.toml", "--pretest", "2", "--pilot", "2")
    assert "no population 'nobody'" in refused("fear", "--into", "new.toml", "--pilot", "2", "--population", "nobody")
    assert "--items would not be read" in refused("items.toml", "--items", "3", "--pilot", "2")
    assert not Path("runs").exists()
    done = CliRunner().invoke(app, ["draft-items", "items.toml", "--engine", "scripted:uniform", "--pretest", "2"])
    assert done.exit_code == 0, done.output
    Path("de.toml").write_text('id = "d"\nlanguage = "de"\n[[items]]\nid = "a"\ntext = "Ich fliege."\nform = "text"\n')
    done = CliRunner().invoke(app, ["draft-items", "de.toml", "--engine", "scripted:uniform", "--translate", "Dutch"])
    assert done.exit_code == 0, done.output
    (back,) = Path("runs").glob("back-de-*")
    assert Run(back).manifest["design"]["wanted"] == "the language 'de'"
    assert Path("items-pretest.csv").read_text().startswith("synthetic,engine,subject,item,probe,status,said\nyes,")

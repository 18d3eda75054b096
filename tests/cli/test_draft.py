"""`proband draft`: what an engine answers becomes a study file; it is checked, shown with its plan, and never run."""

import json

import pytest
from typer.testing import CliRunner

from proband.cli.draft import drafted_by
from proband.cli.main import app
from proband.designs.studies import load_study, study_from_dict
from proband.errors import DesignError
from proband.files import parsed
from proband.models.scripted import ScriptedEngine
from proband.societies.drafting import NO_ARM

TOWN = (
    "A town of 900 people in two groups, on 30 by 40 houses, who want 0.6 of their neighbours alike; by rule and model"
)
KNOWS = {
    "use": "schelling",
    "agents": "900",
    "width": "30",
    "height": "40",
    "wants": "0.6",
    "decided_by": "rule",
    "arm": "decided_by",
}


def reader(**knows):
    """An engine that finds some options by their first word, and takes the last one elsewhere."""

    def rule(trial):
        item, options = trial.place.item, json.loads(dict(trial.facts)["options"])
        if not options:
            return "Two groups" if item == "title" else "something else"
        if item not in knows:
            return len(options) - 1
        return next(k for k, option in enumerate(options) if option.partition(":")[0] == knows[item])

    return ScriptedEngine(rule)


def read(text):
    return parsed(text, "draft", error=DesignError)


def test_what_the_words_say_stands_in_the_file_and_everything_else_is_as_usual():
    text, silent = drafted_by(TOWN, reader(**KNOWS))
    assert text.startswith(f"# Drafted from: {TOWN}\n")
    data = read(text)
    assert silent == []
    assert data["title"] == "Two groups"
    assert data["society"] == {"use": "schelling", "agents": 900, "width": 30, "height": 40, "wants": 0.6}
    assert data["arm"] == [{"name": "decided_by model", "decided_by": "model"}]
    assert study_from_dict(data | {"engine": "scripted:uniform"}).design.by_arm.keys() == {"", "decided_by model"}


def test_only_numbers_that_stand_in_the_words_can_be_chosen():
    seen = {}

    def rule(trial):
        seen[trial.place.item] = json.loads(dict(trial.facts)["options"])
        return 0 if seen[trial.place.item] else "a text"

    drafted_by("7 people on houses, 0.4 alike", ScriptedEngine(rule), "schelling")
    assert "use" not in seen
    assert [option for option in seen["agents"] if not option.startswith("as usual")] == ["7"]
    assert [option for option in seen["wants"] if not option.startswith("as usual")] == ["0.4"]


def test_who_finds_nothing_compared_gets_no_arm_and_texts_are_written():
    text, _ = drafted_by("people who grow beans talk", reader(use="community", arm=NO_ARM.partition(":")[0]))
    data = read(text)
    assert data["society"]["use"] == "community"
    assert data["society"]["purpose"] == "something else"
    assert "arm" not in data


def test_what_is_not_answered_is_as_usual_and_told():
    silent = ScriptedEngine(lambda trial: None, refuse=1.0)
    text, left = drafted_by("10 voters", silent, "voter")
    assert read(text)["society"] == {"use": "voter"}
    assert {"title", "agents"} <= set(left)
    with pytest.raises(DesignError, match="chose no scenario"):
        drafted_by("10 voters", silent)


def test_a_draft_is_written_shown_with_its_plan_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["draft", "11 players", "--scenario", "minority", "--engine", "scripted:uniform", "-o", "drafted.toml"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert 'use = "minority"' in done.output
    assert "nothing was run" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["drafted.toml"]
    assert load_study("drafted.toml").design.world.keys.agents == 11
    again = CliRunner().invoke(app, given)
    assert "is there already" in str(again.exception)
    told = CliRunner().invoke(app, [*given[:-2], "--json"])
    assert read(json.loads(told.stdout)["draft"]) == read((tmp_path / "drafted.toml").read_text())


@pytest.mark.parametrize(
    ("words", "scenario", "said"),
    [
        ("10 players", "minority", "odd number"),
        (" ", "minority", "the description is empty"),
        ("11 players", "minorty", "did you mean 'minority'"),
    ],
)
def test_what_the_reader_refuses_is_refused_in_its_words_and_not_written(tmp_path, words, scenario, said):
    given = ["draft", words, "--scenario", scenario, "--engine", "scripted:uniform", "-o", str(tmp_path / "x.toml")]
    done = CliRunner().invoke(app, given)
    assert isinstance(done.exception, DesignError)
    assert said in str(done.exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_embedded_model_drafts_a_file_that_can_be_read():
    text, _ = drafted_by("40 people, each asks one neighbour what to vote for; 12 rounds", "smollm2", "voter")
    data = read(text)
    assert {data["society"].get("agents", 100), data["society"].get("rounds", 100)} <= {40, 12, 100, 1000}
    assert study_from_dict(data).design.scenario == "voter"

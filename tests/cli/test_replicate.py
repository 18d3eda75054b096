"""``proband replicate``: the shelf on one engine, resumed, told as a page and as JSON, and what it refuses."""

import json

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import DesignError, EngineError
from proband.replications.replicating import replicate, told
from proband.replications.replication import SCRIPTED, replications
from proband.runs import Budget, Run


def invoke(*words):
    return CliRunner().invoke(app, ["replicate", *words])


def test_studies_are_carried_out_and_told_on_a_page_and_as_json(tmp_path):
    result = invoke("friend-or-foe", "shelf:gain-loss", "--engine", "scripted", "--into", str(tmp_path), "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert list(said["effects"]) == ["friend-or-foe", "gain-loss"]
    assert {effect["verdict"] for effects in said["effects"].values() for effect in effects} == {"pass"}
    assert said["answers"]["friend-or-foe"] == {"valid": 600}
    assert (tmp_path / "replications.html").exists()
    assert (tmp_path / "replications.json").exists()
    assert "1 of 2: friend-or-foe" in result.stderr
    assert "200 of 200 trials" in result.stderr


def test_what_was_killed_goes_on_and_asks_nothing_twice(tmp_path):
    chosen, asked = replications(["friend-or-foe", "gain-loss"]), []

    def stop(tally):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replicate(chosen, SCRIPTED, tmp_path, budget=Budget(trials=250), watch=stop)
    before = sum(Run(tmp_path / "friend-or-foe").dispositions().values())
    assert 0 < before < 600
    assert not (tmp_path / "gain-loss").exists()
    done = replicate(chosen, SCRIPTED, tmp_path, watch=lambda tally: asked.append((tally.total, tally.asked)))
    assert max(n for total, n in asked if total == 600) == 600 - before
    once = replicate(chosen, SCRIPTED, tmp_path / "once")
    assert [one.effects for one in done] == [one.effects for one in once]
    asked.clear()
    replicate(chosen, SCRIPTED, tmp_path, watch=lambda tally: asked.append((tally.total, tally.asked)))
    assert not any(n for _, n in asked)


def test_a_study_cut_short_is_told_with_a_warning(tmp_path):
    done = replicate(replications(["gain-loss"]), SCRIPTED, tmp_path, budget=Budget(trials=50))
    assert told(done, SCRIPTED).warnings == ("gain-loss is not complete",)


def test_games_are_made_smaller_by_their_matches_and_surveys_by_their_subjects(tmp_path):
    done = replicate(replications(["dictator", "gain-loss"]), SCRIPTED, tmp_path, sample=20)
    assert [one.dispositions for one in done] == [{"valid": 20}, {"valid": 20}]


def test_an_engine_plays_the_role_that_is_studied_and_scripted_partners_stay():
    (replication,) = replications(["repeated-2x2"])
    study = replication.study("scripted:first")
    assert study.addresses["model"] == "scripted:first"
    assert study.addresses["alternator"] == "scripted:alternator"
    assert {*study.cast} == {"model", "cooperator", "defector", "defect-once", "alternator"}


def test_a_difference_between_words_stands_beside_the_effect_it_is_of(tmp_path):
    page = told(replicate(replications(["friend-or-foe"]), SCRIPTED, tmp_path), SCRIPTED)
    first, second, _ = page.section("replications").table.rows
    assert first[5] == second[3]
    assert second[5] is None


def test_answers_are_counted_and_awareness_is_told_where_it_was_asked(tmp_path, monkeypatch):
    (replication,) = replications(["gain-loss"])
    study = (replication.folder / "study.toml").read_text(encoding="utf-8")
    folder = tmp_path / "gain-loss"
    folder.mkdir()
    (folder / "replication.toml").write_bytes((replication.folder / "replication.toml").read_bytes())
    (folder / "study.toml").write_text(f'{study}\n[experiment.awareness]\nwords = ["framing"]\n', encoding="utf-8")
    monkeypatch.setattr(type(replication), "folder", folder)
    done = replicate([replication], "scripted:uniform?refuse=0.2", tmp_path / "runs", sample=60)
    section = told(done, "scripted:uniform").section("replication-answers")
    named = [column.name for column in section.table.columns]
    (row,) = section.table.rows
    cells = dict(zip(named, row, strict=True))
    assert cells["asked"] == cells["valid"] + cells["refused"]
    assert cells["refused"] > 0
    assert cells["names the study"].value == 0


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ((), DesignError, r"name studies, or give --all, not neither; there are .*gain-loss"),
        (("gain-loss", "--all"), DesignError, "not both"),
        (("gain-los",), DesignError, r"no study 'gain-los' on the shelf \(did you mean 'gain-loss'\?\)"),
        (("gain-loss", "--into", ""), DesignError, "--into"),
        (("gain-loss", "--sample", "0"), DesignError, "--sample is 0"),
        (("gain-loss", "--engine", "smollm"), EngineError, "no engine 'smollm'"),
        (("gain-loss", "--engine", "scripted:nosuch"), EngineError, "no scripted rule 'nosuch'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(tmp_path, monkeypatch, words, error, said):
    monkeypatch.chdir(tmp_path)
    result = invoke(*words)
    assert isinstance(result.exception, error), result.output
    with pytest.raises(error, match=said):
        raise result.exception
    assert not list(tmp_path.iterdir())

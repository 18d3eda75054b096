"""``proband hypothesize``: found on A, tested on B, judged by who was locked, and never over a file that is there."""

import json

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import DataError, DesignError
from proband.literature.hypotheses.record import read_hypotheses


def proband(*arguments):
    done = CliRunner().invoke(app, ["hypothesize", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def letters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"r{k},Letter {k} is {'long' if k % 2 else 'short'} today,{'yes' if k % 2 else 'no'}\n"
                   for k in range(90))  # fmt: skip
    (tmp_path / "letters.csv").write_text(f"id,text,answered\n{rows}")
    return tmp_path


def test_what_is_found_is_tested_once_and_looked_at(letters):
    proband("find", "letters.csv", "--outcome", "answered", "--id", "id", "--into", "h.toml")
    told = json.loads(proband("test", "h.toml", "--json").stdout)
    assert told["sections"][0]["sentences"][0].startswith("Found on A: ")
    with pytest.raises(DesignError, match="opened once"):
        proband("test", "h.toml")
    with pytest.raises(DesignError, match="there already"):
        proband("find", "letters.csv", "--outcome", "answered", "--into", "h.toml")
    looked = proband("look", "h.toml", "--encoder", "words", "--corpus", "letters.csv").stdout
    assert "say something of their own" in looked
    assert "What the corpus says that is nearest" in looked


def test_a_proposer_that_says_nothing_locks_nothing(letters):
    (letters / "s.toml").write_text(
        'title = "Letters"\nseed = 1\n[engine]\nproposer = "scripted:uniform"\njudge = "scripted:uniform"\n'
        '[hypothesize]\nabout = "Which letters are answered?"\n[hypothesize.rows]\nfile = "letters.csv"\n'
        'outcome = "answered"\nid = "id"\nlooked = 10\n'
    )
    with pytest.raises(DataError, match="none of 3 that were proposed agrees"):
        proband("propose", "s.toml", "--into", "p.toml")
    assert not (letters / "p.toml").exists()
    assert not (letters / "openings.csv").exists()


def test_a_study_is_written_beside_its_data(letters):
    proband("find", "letters.csv", "--outcome", "answered", "--id", "id", "--into", "h.toml")
    id = read_hypotheses("h.toml")[0].id
    proband("study", "h.toml", id, "--as", "coding", "--data", "letters.csv", "--text", "text", "--into", "c.toml")
    assert CliRunner().invoke(app, ["check", "c.toml"]).exit_code == 0
    with pytest.raises(DesignError, match="no hypothesis 'h-0'"):
        proband("study", "h.toml", "h-0")

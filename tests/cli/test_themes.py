"""Themes are found, edited and told; texts are scored beside scales."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import DataError, DesignError
from proband.texts.gold.tables import write_table
from tests.texts.themes.worlds import letters


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path / "cache"))
    return tmp_path


def said(*arguments):
    done = CliRunner().invoke(app, arguments)
    return done.stdout, done.exception


def test_a_draft_is_written_edited_and_told_again(folder):
    letters(folder)
    call = ("themes", "letters.csv", "--id", "id", "--unit", "who")
    how = ("--encoder", "words", "--k", "4", "--engine", "scripted:uniform", "--json")
    told = json.loads(said(*call, *how)[0])
    assert [section["name"] for section in told["sections"]] == [
        "stability", "themes-draft", "quotes-draft", "saturation-draft", "together-draft",
    ]  # fmt: skip
    text = (folder / "themes.toml").read_text()
    assert 'drafted = "scripted:uniform: ' in text or 'drafted = "their commonest words: ' in text
    (folder / "themes.toml").write_text(text.replace('label = "', 'label = "My ', 1))
    again = json.loads(said(*call, "--json")[0])
    assert again["sections"][0]["name"] == "themes-draft"
    assert "My " in json.dumps(again["sections"][0])
    error = said(*call, "--encoder", "words")[1]
    assert isinstance(error, DesignError)
    assert "--encoder would not be read here: themes.toml is there" in str(error)
    other = said(*call, "--into", "themes.csv", "--encoder", "words")[1]
    assert "ends in .toml" in str(other)


def people(n=40):
    rows = [{"id": f"p{k}", "answer": f"{'afraid ' * (k % 5)}and calm {'calm ' * (5 - k % 5)}", "a": k % 5,
             "b": (k + k % 2) % 5, "word": "yes"} for k in range(n)]  # fmt: skip
    write_table(Path("people.csv"), ["id", "answer", "a", "b", "word"], rows)


def test_texts_stand_beside_scales_with_their_reliability(folder):
    people()
    call = ("score", "people.csv", "--id", "id", "--text", "answer", "--encoder", "words", "--json")
    told = json.loads(said(*call, "--scale", "worry=a,b", "--scale", "one=a", "--reliability", "one=0.8")[0])
    names = [section["name"] for section in told["sections"]]
    assert names == ["text-scores", "text-scores-reliability", "text-scores-methods"]


@pytest.mark.parametrize(
    ("given", "kind", "said_"),
    [
        (("--scale", "worry"), DesignError, "give it a name, e.g. --scale worry=w1,w2,w3"),
        (("--scale", "worry=a,c"), DataError, "no column 'c'"),
        (("--scale", "worry=word"), DataError, "holds words, e.g. 'yes'"),
        (("--scale", "worry=a", "--reliability", "wory=0.8"), DesignError, "did you mean 'worry'"),
        (("--scale", "worry=a", "--reliability", "worry=8"), DesignError, "above 0 and at most 1"),
    ],
)
def test_what_is_no_scale_is_refused_with_the_way_out(folder, given, kind, said_):
    people()
    error = said("score", "people.csv", "--id", "id", "--text", "answer", "--encoder", "words", *given)[1]
    assert isinstance(error, kind)
    assert said_ in str(error)


def test_too_few_people_are_refused_by_scale_and_text(folder):
    people(12)
    error = said("score", "people.csv", "--text", "answer", "--encoder", "words", "--scale", "worry=a")[1]
    assert "scale worry, text answer: 12 authors" in str(error)

"""Reliability R5: an option that would not be read is refused by every verb, with the reason."""

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import DesignError, StoreError

STUDY = """
title = "tiny"
seed = 1
engine = "scripted:uniform"
[instrument]
use = "anes-1996"
only = ["vote"]
[population]
use = "anes-1996"
sample = 4
[survey]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a study of one item and its run, without people to compare with."""
    folder = tmp_path_factory.mktemp("idle")
    (folder / "tiny.toml").write_text(STUDY)
    (folder / "align.toml").write_text('title = "t"\nseed = 1\nbase = "toy"\n')
    done = CliRunner().invoke(app, ["run", str(folder / "tiny.toml"), "--into", str(folder / "run")])
    assert done.exit_code == 0, done.output
    return folder


IDLE = {
    "export RUN --to OUT.csv --values foo": "--values would not be read here: it says what stands in",
    "export RUN --to OUT.csv --values label": "--values would not be read here",
    "measure RUN --by age": "nothing that is shown is divided by age (fidelity: ",
    "measure RUN --only shares --by age": "nothing that is shown is divided by age",
    "report RUN --to OUT.html --by age": "nothing that is shown is divided by age",
    "show STUDY --after RUN": "--after would not be read here: no trial of this study depends on earlier answers",
    "align --engine hf:nowhere --dry-run": "--engine would not be read here: no study is named",
    "run ALIGN --lock x.json": "--lock would not be read here: ",
    "run ALIGN --no-wait": "--no-wait would not be read here: ",
    "run ALIGN --sample 3": "--sample would not be read here: ",
    "run ALIGN --max-dollars 3": "--max-dollars would not be read here: ",
    "run ALIGN --engine smollm2 --engine toy": "has one base model, and --engine was given 2 times",
    "probe facts --prompt zero-shot-text --exemplars 5": "--exemplars would not be read here: zero-shot-text shows no",
    "evaluate facts --model a=smollm2 --exemplars 5": "--exemplars would not be read here: zero-shot-text shows no",
    "intervene RUN --general-share 0.2": "--general-share would not be read here: there are no general instructions",
    "intervene RUN --writer smollm2": "--writer would not be read here: no arm has texts by another model",
    "intervene RUN --arm harmonious --controls": "--controls would not be read here: no arm teaches wrong answers",
}


@pytest.mark.parametrize("line", IDLE)
def test_an_option_that_would_not_be_read_is_refused(folder, line):
    named = {"RUN": "run", "STUDY": "tiny.toml", "OUT.csv": "out.csv", "OUT.html": "out.html", "ALIGN": "align.toml"}
    words = [str(folder / named[word]) if word in named else word for word in line.split()]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, DesignError), done.output
    assert IDLE[line] in str(done.exception)
    assert not (folder / "out.csv").exists()


def test_the_same_options_are_read_where_they_mean_something(folder):
    named = {"RUN": folder / "run", "STUDY": folder / "tiny.toml", "OUT": folder / "w.csv"}
    for line in ("export RUN --wide --values value --to OUT", "show STUDY", "probe --help"):
        words = [str(named.get(word, word)) for word in line.split()]
        assert CliRunner().invoke(app, words).exit_code == 0


def test_a_choice_that_is_none_is_refused_with_the_choices(folder):
    done = CliRunner().invoke(
        app, ["export", str(folder / "run"), "--wide", "--values", "foo", "--to", str(folder / "x.csv")]
    )
    assert isinstance(done.exception, StoreError)
    assert "choose answer, value or label" in str(done.exception)


def test_sample_without_a_population_and_roles_that_are_none_are_refused(folder):
    (folder / "quiz.toml").write_text('seed = 1\nengine = "scripted:uniform"\n[quiz]\nbank = "facts"\nquestions = 2\n')
    for words, found in (
        (["plan", "quiz.toml", "--sample", "3"], "no [population] to sample 3 subjects from"),
        (["plan", "tiny.toml", "--engine", "model=scripted:uniform"], "there are no roles here"),
    ):
        done = CliRunner().invoke(app, [words[0], str(folder / words[1]), *words[2:]])
        assert found in str(done.exception)

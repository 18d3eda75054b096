"""Transcripts go to coding as they are: a turn or an interview is a document, the interviewee its unit."""

import polars as pl
import pytest
from typer.testing import CliRunner

from proband import Study, carry_out, load_study
from proband.cli.main import app
from proband.errors import DataError
from proband.interviews.transcripts import documents
from tests.conftest import made_up
from tests.interviews.scripts import by_line, saying, training
from tests.interviews.test_course import GUIDE

CODING = """
title = "What is said of work"
seed = 1
engine = "scripted:uniform"

[instrument]
id = "work"
title = "Work"

[[instrument.questions]]
id = "help"
text = "Does the person speak of help?"
form = "choice"
codes = [{ label = "Yes", definition = "Somebody helps." }, { label = "No", definition = "Nobody does." }]

[coding.corpus]
file = "turns.csv"
id = "document"
unit = "interviewee"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    design = training(witness=None, guide=GUIDE, population=made_up(4), title="Work")
    answers = saying(["I bake the bread.", "My brother helps.", "I do not know.", "Nothing."])
    return carry_out(
        Study(design, {"interviewer": by_line(), "interviewee": answers}), tmp_path_factory.mktemp("i") / "r"
    )


def test_turns_are_coded_as_they_were_exported(run, tmp_path):
    told = CliRunner().invoke(
        app, ["export", str(run.path), "--transcripts", "turns", "--to", str(tmp_path / "turns.csv")]
    )
    assert told.exit_code == 0, told.output
    (tmp_path / "coding.toml").write_text(CODING)
    coded = carry_out(load_study(tmp_path / "coding.toml"), tmp_path / "coded")
    turns = documents(run)
    assert set(coded.table()["subject"]) == set(turns["document"])
    assert coded.roster.n_units == 4
    assert set(coded.roster.units.values()) == set(turns["interviewee"])


def test_an_interview_is_one_document_with_everybodys_words(run):
    whole = documents(run, "interviews")
    assert whole.height == 4
    assert whole["text"][0].startswith(
        "Interviewer: Welcome. Tell me about your work.\n\nInterviewee: I bake the bread."
    )
    asked = documents(run).filter(pl.col("turn") == 2)["asked"][0]
    assert asked == 'You spoke of "the bread". What was that like?'


def test_other_runs_have_no_transcripts_and_say_so(survey, tmp_path):
    other = carry_out(Study(survey, "scripted:uniform"), tmp_path / "survey")
    with pytest.raises(DataError, match="no interviews in it"):
        documents(other)

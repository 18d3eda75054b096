"""Records answer a question or are summed up, and say nothing that is not in them."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import DesignError
from proband.literature.records.library import read_library

RIS = """TY  - JOUR
TI  - Defaults and organ donation
AU  - Ahn, Mi
PY  - 2011
JF  - Health Psychology
AB  - We randomly assigned 412 adults in Norway to an opt-in or an opt-out form. Consent was higher under the opt-out form.
ER  -

TY  - JOUR
TI  - Feedback and hand hygiene
AU  - Jul, An
PY  - 2008
JF  - Hospital Practice
AB  - In 14 wards we compared peer feedback with usual practice. Compliance rose from 49% to 61% with feedback.
ER  -
"""  # noqa: E501


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path / "cache"))
    (tmp_path / "two.ris").write_text(RIS, encoding="utf-8")
    return tmp_path


def said(*arguments):
    done = CliRunner().invoke(app, ("answer", "two.ris", *arguments))
    return done.stdout, done.exception


def test_a_question_is_answered_with_files_beside(folder):
    files = [part for name in ("a.md", "a.html", "a.csv", "a.ris", "a.bib", "cited.json") for part in ("-o", name)]
    told = json.loads(said("-q", "Was consent higher under opt-out?", *files, "--evidence", "ev.csv", "--json")[0])
    assert told["sections"][0]["sentences"] == ["Consent was higher under the opt-out form [1]."]
    assert "Ahn, Mi (2011). Defaults and organ donation" in (folder / "a.md").read_text()
    assert "Consent was higher" in (folder / "a.html").read_text()
    assert pl.read_csv(folder / "a.csv")["quotation"].to_list() == ["Consent was higher under the opt-out form."]
    for name in ("a.ris", "a.bib", "cited.json"):
        (cited,) = read_library(folder / name).records.values()
        assert (cited.title, cited.year) == ("Defaults and organ donation", 2011)
    assert pl.read_csv(folder / "ev-matrix.csv")["n"].to_list() == [412, 14]


def test_evidence_that_is_there_is_read_as_it_was_edited(folder):
    said("--evidence", "ev.csv")
    text = (folder / "ev.csv").read_text()
    (folder / "ev.csv").write_text(text.replace("adults in Norway", "Norwegian adults", 1))
    said("--evidence", "ev.csv")
    assert pl.read_csv(folder / "ev-matrix.csv")["population"].to_list()[0] == "Norwegian adults"
    error = said("--evidence", "ev.csv", "--extractor", "cues")[1]
    assert "--extractor would not be read here: ev.csv is there" in str(error)


def test_what_the_records_do_not_say_is_said_so(folder):
    told = said("-q", "Do vaccines protect poultry from influenza?")[0]
    assert "The corpus does not say" in told


def test_a_liar_is_told_of_and_not_printed(folder):
    told = json.loads(said("--engine", "scripted:lying?sentences=8", "--sentences", "8", "--json")[0])
    sections = {section["name"]: section for section in told["sections"]}
    assert sections["removed"]["sentences"][0].startswith(("7 of 8", "8 of 8", "6 of 8"))


def test_a_sheet_is_written_filled_in_and_compared(folder):
    call = ("--engine", "scripted:lying?sentences=8&share=0.5", "--sentences", "8", "--sheet", "sheet.csv", "--json")
    told = json.loads(said(*call)[0])
    removed = {row[0] for s in told["sections"] if s["name"] == "removed" for row in s["table"]["rows"]}
    sheet = pl.read_csv(folder / "sheet.csv")
    judged = ["no" if text in removed else "yes" for text in sheet["sentence"]]
    sheet.with_columns(supported=pl.Series(judged)).write_csv(folder / "sheet.csv")
    assert '"person"' in said(*call)[0]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("-o", "a.docx"), "no file is written as .docx"),
        (("-o", "a.html", "-o", "a.json"), "the page's JSON twin has this name"),
        (("--says", "0.2"), "--says would not be read here"),
        (("--extractor", "cues"), "--extractor would not be read here"),
        (("--evidence", "ev.xlsx"), "name a .csv file"),
    ],
)
def test_what_would_not_be_read_or_written_is_refused(folder, arguments, why):
    error = said(*arguments)[1]
    assert isinstance(error, DesignError)
    assert why in str(error)

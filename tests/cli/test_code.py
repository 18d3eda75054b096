import json

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import DesignError
from tests.texts.gold.speeches import code_sample, lay_out


def code(*given):
    return CliRunner().invoke(app, ["code", *map(str, given)])


def test_code_goes_as_far_as_it_can_and_says_what_it_waits_for(tmp_path):
    path = lay_out(tmp_path)
    first = code(path, "--go", "--json")
    assert first.exit_code == 3, first.output
    told = json.loads(first.stdout)
    assert told["next"] == "import"
    assert "no codes yet" in told["waiting"]
    code_sample(tmp_path)
    second = code(path, "--go", "--json")
    assert second.exit_code == 0, second.output
    told = json.loads(second.stdout)
    assert told["next"] is None
    assert {held["state"] for held in told["steps"].values()} == {"done"}
    assert any(section["name"] == "claims-area-economic-" for section in told["correct"]["sections"])
    assert "corrected" in (tmp_path / "study-gold" / "corrected.csv").read_text()
    assert "area[economic]" in (tmp_path / "study-gold" / "report.html").read_text()
    again = code(path, "--go", "--json")
    assert "correct" not in json.loads(again.stdout)  # nothing is left to do


def test_code_without_a_step_says_where_the_project_stands(tmp_path):
    path = lay_out(tmp_path)
    assert "next: proband code" in code(path).output
    code(path, "draw")
    assert "120 of 400 documents" in code(path).output


def test_files_are_taken_in_with_import(tmp_path):
    path = lay_out(tmp_path)
    code(path, "draw")
    code_sample(tmp_path, names=("anna",))
    coded = tmp_path / "study-gold" / "people" / "anna.csv"
    outside = coded.rename(tmp_path / "anna.csv")
    assert "120 codes" in code(path, "import", "--from", outside).output
    assert coded.exists()
    refused = code(path, "adjudicate", "--from", outside)
    assert "--from would not be read" in str(refused.exception)


@pytest.mark.parametrize(
    ("given", "says"), [(["imprt"], "did you mean 'import'"), (["--engine", "scripted:uniform"], "names no coder")]
)
def test_what_code_does_not_know_is_refused(tmp_path, given, says):
    found = code(lay_out(tmp_path), *given)
    assert isinstance(found.exception, DesignError)
    assert says in str(found.exception)


def test_a_study_that_codes_no_texts_is_refused(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('seed = 1\n[instrument]\nuse = "anes-1996"\n[survey]\n')
    assert "no table [coding]" in str(code(path).exception)

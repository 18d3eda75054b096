"""What is told of a screening: what was found, whether it was enough, and how far screeners agree."""

import json

import pytest
from typer.testing import CliRunner

from proband import collect
from proband.addresses import open_engine
from proband.analyses.screening import needs, sections
from proband.cli.main import app
from proband.literature.screening.stopping import Stop
from proband.measures import recall_audit
from tests.literature.screening.small import library, screening
from tests.literature.screening.test_design import THREE, saying


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("screening") / "run"
    design = screening(**THREE, stop=Stop(misses=12), audit=15)
    return collect(design, {"first": saying(0), "second": saying(6), "third": saying()}, folder)


def test_recall_is_bounded_by_the_order_of_reading_and_by_the_audit(run):
    told = {section.name: section for section in sections(run)}
    assert needs(run) is None
    n_read = int(told["screening-recall"].table.rows[0][3])
    audit = recall_audit(10, 60 - n_read, 15, 0)
    said = " ".join(told["screening-recall"].sentences)
    assert f"Of {60 - n_read} records left, 15 were drawn at random and read; 0 of them" in said
    assert f"1.00 (95% interval {audit.interval[0]:.2f} to 1.00)" in said
    assert "is not shown" in told["screening-recall"].warnings[0]
    # The rule that ended the reading is told to have ended it there, also within the last whole batch.
    assert told["screening-rules"].table.rows[0][:2] == ("12 misses in a row", n_read)


def test_agreement_is_that_of_those_who_read_everything(run):
    told = {section.name: section for section in sections(run)}
    (row,) = told["screening-agreement"].table.rows
    assert row[0] == "first, second"
    assert row[2].value == pytest.approx(1 - 2 / row[1])
    assert "Screeners differed on 2 of them." in told["screening-decisions"].sentences


def test_decisions_are_a_table_that_can_be_read_as_labels(run, tmp_path):
    done = CliRunner().invoke(app, ["screen", str(run.path)])
    path = tmp_path / "labels.csv"
    path.write_text(done.stdout)
    again = open_engine(f"labels:{path}")
    assert sum(label.is_included for label in again.labels.values()) == 10


def test_a_labelled_set_is_simulated_from_the_command_line(tmp_path):
    rows = [f'"{r.title}","{r.abstract}",{r.other["included"]}' for r in library().records.values()]
    (tmp_path / "set.csv").write_text("\n".join(["title,abstract,included", *rows, ""]))
    how = ["--encoder", "none", "--priors", "2", "--json"]
    done = CliRunner().invoke(app, ["screen", str(tmp_path / "set.csv"), "--simulate", "included", *how])
    told = json.loads(done.stdout)
    assert [section["name"] for section in told["sections"]] == ["simulated-saved", "simulated-rules"]
    lost = CliRunner().invoke(app, ["screen", str(tmp_path / "set.csv"), "--encoder", "none"])
    assert "name the column of the decisions" in str(lost.exception)

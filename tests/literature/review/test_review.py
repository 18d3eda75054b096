"""A review from records to a synthesis: resumed, stale after an edit, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import proband
from proband.cli.main import app
from proband.errors import DataError, DesignError
from proband.literature.evidence.exporting import read_synthesis
from proband.literature.records.library import read_library
from proband.literature.review.project import STEPS, WRITTEN
from proband.literature.review.steps import do
from proband.literature.review.work import ReviewWork
from tests.literature.review.reviews import STUDY, lay_out


def go(path, *steps, **more):
    return [do(ReviewWork(path, **more), step) for step in steps or STEPS]


def states(path):
    return {step: held.state for step, held in ReviewWork(path).standings().items()}


def review(path, *words, **more):
    command = [sys.executable, "-m", "proband", "review", str(path), *words]
    home = str(Path(proband.__file__).parents[1])
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": home}, **more)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    path = lay_out(tmp_path_factory.mktemp("review"))
    return path, {made.step: made for made in go(path)}


def test_from_records_to_sentences_of_which_every_one_has_its_span(done):
    path, made = done
    folder = path.with_name("green-review")
    assert set(states(path).values()) == {"done"}
    assert all((folder / name).exists() for names in WRITTEN.values() for name in names)
    flow = json.loads((folder / "flow.json").read_text())
    assert (flow["records"], flow["merged"], flow["left_out"], flow["included"]) == (30, 10, {"retracted": 1}, 9)
    assert made["query"].numbers["found"] == 9
    assert made["query"].numbers["recall"] == made["query"].numbers["precision"] == 1
    assert made["rank"].told[0].startswith("19 records by words; first: Defaults")
    assert pl.read_csv(folder / "ranked.csv")["title"][:9].str.contains("green power").all()
    work = ReviewWork(path)
    found = read_synthesis(folder / "synthesis.csv", work.library)
    assert len(found.sentences) == 3
    assert not found.removed
    corpus = work.library.corpus()
    assert all(span.stands_in(corpus) for sentence in found.sentences for span in found.shown.cited(sentence))
    assert set(read_library(folder / "references.ris").records) == set(work.included().records)
    page = (folder / "review.md").read_text()
    assert all(sentence.text.rstrip(".") in page for sentence in found.sentences)
    assert pl.read_csv(folder / "evidence.csv").filter(pl.col("field") == "n")["value"].len() == 9


def test_what_stands_downstream_of_an_edited_file_is_stale_and_an_edit_is_not_overwritten(tmp_path):
    path = lay_out(tmp_path)
    go(path)
    decisions = tmp_path / "green-review" / "decisions.csv"
    held = decisions.read_text()
    one = next(line for line in held.splitlines() if line.startswith("doi:10.1234/g1,"))
    decisions.write_text(held.replace(one, one.replace("include", "exclude", 1)))
    assert states(path) == dict.fromkeys(STEPS, "done") | {"extract": "stale", "synthesise": "stale"}
    assert ReviewWork(path).standings()["screen"].edited == ("decisions.csv",)
    go(path, "extract", "synthesise")
    assert "10.1234/g1" not in (tmp_path / "green-review" / "references.ris").read_text()
    with pytest.raises(DesignError, match=r"decisions.csv: edited since `proband review .* screen` wrote it"):
        go(path, "screen")
    go(path, "screen", again=True)
    assert decisions.read_text() == held


def test_a_line_in_a_file_undoes_a_merge(tmp_path):
    path = lay_out(tmp_path)
    go(path, "records")
    folder = tmp_path / "green-review"
    merge = pl.read_csv(folder / "merges.csv").row(0, named=True)
    with (folder / "apart.csv").open("a") as file:
        file.write(f"{merge['one']},{merge['other']}\n")
    assert states(path)["records"] == "stale"
    (made,) = go(path, "records")
    assert (made.numbers["merged"], made.numbers["left"]) == (9, 21)
    (folder / "apart.csv").write_text("one,other\na.ris:1,b.csv:99\n")
    with pytest.raises(DataError, match=r"apart: no record begins at 'b\.csv:99'"):
        go(path, "records")


def test_records_taken_out_or_added_by_hand_are_counted_and_decisions_of_none_are_named(tmp_path):
    path = lay_out(tmp_path)
    go(path, "records", "query", "rank", "screen")
    records = tmp_path / "green-review" / "records.csv"
    held = records.read_text()
    records.write_text("".join(line for line in held.splitlines(keepends=True) if "/g1," not in line))
    with pytest.raises(DataError, match=r"decisions.csv: record 'doi:10.1234/g1' is not in records.csv"):
        go(path, "extract")
    go(path, "screen", "extract", "synthesise")
    flow = json.loads((tmp_path / "green-review" / "flow.json").read_text())
    assert (flow["records"], flow["left_out"]["records.csv, by hand"], flow["not_read"]) == (30, 1, 0)
    records.write_text(held + held.splitlines(keepends=True)[-1].replace("Observations", "Remarks"))
    go(path, "screen", "extract", "synthesise")
    flow = json.loads((tmp_path / "green-review" / "flow.json").read_text())
    assert (flow["records"], flow["sources"]["records.csv, by hand"], flow["not_read"]) == (31, 1, 0)


def test_a_title_edited_in_the_table_of_records_keeps_what_was_decided(tmp_path):
    path = lay_out(tmp_path)
    go(path, "records", "query", "rank", "screen")
    records = tmp_path / "green-review" / "records.csv"
    records.write_text(records.read_text().replace("Observations on the whale", "Notes on the whale"))
    work = ReviewWork(path)
    assert len(work.decisions()) == 19
    assert any(record.title.startswith("Notes on the whale") for record in work.library.records.values())


@pytest.mark.slow
def test_a_review_that_is_killed_goes_on_and_comes_to_the_same(done, tmp_path):
    path, _ = done
    again = lay_out(tmp_path)
    killed = subprocess.Popen(
        [sys.executable, "-m", "proband", "review", str(again), "--go"],
        env={**os.environ, "PYTHONPATH": str(Path(proband.__file__).parents[1])}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while killed.poll() is None and not list((tmp_path / "green-review").glob("screening-*/*")):
        pass
    killed.kill()
    killed.wait()
    resumed = review(again, "--go", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["next"] is None
    for name in ("decisions.csv", "evidence.csv", "synthesis.csv", "review.md", "flow.svg"):
        assert (tmp_path / "green-review" / name).read_bytes() == (path.with_name("green-review") / name).read_bytes()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[review", "[reviews", "no table .review."),
        ('question = "Do defaults raise the take-up of green power?"', 'question = " "', "review.question is empty"),
        ('leave_out = ["retracted"]', 'leave_out = ["predatory"]', "review.leave_out has 'predatory'"),
        ("sentences = 3", "sentence = 3", "no key 'review.sentence' .did you mean 'sentences'"),
        ("text = 'default* AND", "text = '(default* AND", r"green.toml: review.query.text: character 1: this bracket"),
        ('encoder = "none"', "stop = { recall = 1 }", r"green.toml: screening.stop: recall is 1.0: one that a"),
        ('encoder = "none"', 'encodr = "none"', "no key 'screening.encodr' .did you mean 'encoder'"),
    ],
)
def test_a_study_that_is_no_review_is_refused_before_anything_is_read(tmp_path, before, after, said):
    with pytest.raises(DesignError, match=said):
        ReviewWork(lay_out(tmp_path, STUDY.replace(before, after)))


def test_a_step_before_its_time_and_a_query_that_leaves_nothing_are_refused(tmp_path):
    path = lay_out(tmp_path)
    with pytest.raises(DesignError, match=r"records.csv: not there yet; `proband review .* records` first"):
        go(path, "query")
    narrow = STUDY.replace("[review.query]", "[review.query]\nnarrows = true").replace("default*", "unheard-of*")
    path = lay_out(tmp_path, narrow)
    with pytest.raises(DataError, match="no record is left to screen"):
        go(path, "records", "query", "rank")


def test_page_and_report_say_what_is_known_of_recall_and_what_the_rule_promises(tmp_path):
    path = lay_out(tmp_path, STUDY.replace('encoder = "none"', 'encoder = "none"\nstop = { misses = 4 }\naudit = 2'))
    made = dict(zip(STEPS, go(path), strict=True))["screen"]
    page = (tmp_path / "green-review" / "review.md").read_text()
    for said in ("95% sure", "2 were drawn at random", "a rule that promises no recall: 4 misses in a row"):
        assert any(said in sentence for sentence in made.told)
        assert said in page
    decisions = tmp_path / "green-review" / "decisions.csv"
    decisions.write_text(decisions.read_text().replace("include", "exclude", 1))
    go(path, "extract", "synthesise")
    assert "decisions.csv was edited since" in (tmp_path / "green-review" / "review.md").read_text()
    again = CliRunner().invoke(app, ["review", str(path), "synthesise"])
    assert again.exit_code == 0, again.output
    assert '"screening-recall"' in (tmp_path / "green-review" / "report.json").read_text()


def test_another_engine_is_another_screening_and_records_it_leaves_open_are_told(tmp_path):
    path = lay_out(tmp_path)
    go(path)
    (tmp_path / "few.csv").write_text("record,decision\ndoi:10.1234/g1,include\n")
    (made,) = go(path, "screen", engines="labels:few.csv", again=True)
    assert made.told[0] == "19 of 19 read; 1 included; 18 without a decision, which are in nothing that follows"
    assert len(list((tmp_path / "green-review").glob("screening-*"))) == 2

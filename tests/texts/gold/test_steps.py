"""A project from codebook to claim: resumed, stale, opened once, replayed; and what it refuses."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import proband
from proband.errors import DataError, DesignError, ProbandError
from proband.reports import findings
from proband.runs import Run
from proband.texts.gold.from_people import take_in
from proband.texts.gold.project import STEPS
from proband.texts.gold.steps import Waiting, Work, do
from proband.texts.gold.tuning import TRY
from tests.texts.gold.speeches import STUDY, code_sample, lay_out, truths, write


def go(path, *steps, **more):
    work = Work(path, **more)
    return [do(work, step) for step in steps or STEPS][-1]


def edit(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def states(path):
    return {step: held.state for step, held in Work(path).standings().items()}


@pytest.fixture
def study(tmp_path):
    """Drawn and coded by two people who agree."""
    path = lay_out(tmp_path)
    go(path, "draw")
    code_sample(tmp_path)
    return path


def claims(path):
    """Numbers of the claims, without where they were computed."""
    run = next(path.with_name("study-gold").glob("run-*"))
    return findings(Run(run), only=["claims"]).table()


def test_from_codebook_to_claim(study):
    last = go(study, *list(STEPS)[1:])
    assert set(states(study).values()) == {"done"}
    table = claims(study)
    share = {row["column"]: row for row in table.filter(pl.col("section") == "claims-area-economic-").to_dicts()}
    true = sum(row["area"] == "economic" for row in truths()) / 400
    assert share["corrected"]["low"] < true < share["corrected"]["high"]
    assert share["by the coder alone"]["low"] > true
    assert "3 claims" in last.told[0]


@pytest.mark.slow
def test_killed_at_three_places_and_resumed_it_says_the_same(study, tmp_path):
    whole = lay_out(tmp_path / "whole")
    go(whole, "draw")
    code_sample(tmp_path / "whole")
    go(whole, *list(STEPS)[1:])
    command = [sys.executable, "-c", _KILLED, str(study)]
    folder = Path(proband.__file__).parents[1]
    for at in ("tries.csv", "openings.csv", "claims.json"):  # in the middle of tune, of validate, and of correct
        died = subprocess.run([*command, at], env={**os.environ, "PYTHONPATH": str(folder)}, check=False)
        assert died.returncode == 9
    go(study, *[step for step, state in states(study).items() if state != "done"])
    assert claims(study).equals(claims(whole))
    assert [row["opening"] for row in read(study, "openings.csv")] == ["1"]


# Dies right after one file was written, before the step is noted as done.
_KILLED = """
import os, sys
from pathlib import Path
from proband.texts.gold import project, tables
from proband.texts.gold.steps import Work, do
written = tables.write_text
def dying(path, text):
    written(path, text)
    if path.name == sys.argv[2]:
        os._exit(9)
tables.write_text = project.write_text = dying
work = Work(Path(sys.argv[1]))
for step in project.STEPS:
    if work.standings()[step].state != "done":
        do(work, step)
"""


def read(study, name):
    with study.with_name("study-gold").joinpath(name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_replayed_from_its_runs_it_says_the_same(study, tmp_path):
    go(study, *list(STEPS)[1:])
    run = next(study.with_name("study-gold").glob("run-*"))
    again = lay_out(tmp_path / "again")
    (tmp_path / "again" / "machine.csv").unlink()  # what answered is gone
    work = Work(again, engines={"good": f"replay:{run}", "poor": f"replay:{run}"})
    do(work, "draw")
    code_sample(tmp_path / "again")
    edit(again, 'poor = "codes:machine.csv?coder=poor"\n', "")
    go(again, *list(STEPS)[1:], engines={"good": f"replay:{run}"})
    for name in ("sample.csv", "codes.csv", "agreed.csv", "gold.csv", "training.csv"):
        assert (again.parent / "study-gold" / name).read_bytes() == (study.parent / "study-gold" / name).read_bytes()
    # One coder and one try: development may correct as well, so the same parts are named to compare.
    edit(again.parent / "study-gold" / "claims.json", '"development",\n', "")
    edit(again.parent / "study-gold" / "claims.json", '"share": 1.0', '"share": 0.7')
    assert claims(again).equals(claims(study))


def test_what_stands_behind_an_edit_is_stale_and_says_so(study):
    go(study, *list(STEPS)[1:])
    folder = study.with_name("study-gold")
    rows = read(study, "codes.csv")
    rows[0]["code"] = "social" if rows[0]["code"] == "economic" else "economic"
    write(folder / "codes.csv", ["document", "coder", "item", "code"], rows)
    held = Work(study).standings()
    assert held["import"].edited == ("codes.csv",)
    assert (held["adjudicate"].state, held["adjudicate"].because) == ("stale", ("codes.csv changed",))
    assert held["correct"].state == "stale"
    with pytest.raises(Waiting, match="1 disagreements wait for a decision"):
        go(study, "adjudicate")


def test_an_edited_file_is_overwritten_only_when_told_to(study):
    go(study, "import")
    folder = study.with_name("study-gold")
    edit(folder / "codes.csv", "anna", "anne")
    (folder / "people" / "ben.csv").unlink()
    with pytest.raises(DesignError, match="--again"):
        go(study, "import")
    go(study, "import", again=True)
    assert {row["coder"] for row in read(study, "codes.csv")} == {"anna"}


def test_disagreements_wait_for_decisions_and_these_are_kept(study, tmp_path):
    drawn = code_sample(tmp_path, wrong=[row["id"] for row in truths() if row["area"] == "social"][:20])
    with pytest.raises(Waiting, match="disagreements wait"):
        go(study, "import", "adjudicate")
    queue = read(study, "decisions.csv")
    assert queue[0]["codes"] == "anna=economic; ben=social"
    for row in queue:
        row["code"] = "social"
    write(study.with_name("study-gold") / "decisions.csv", list(queue[0]), queue)
    assert f"{len(queue)} adjudicated" in go(study, "adjudicate").told[0]
    assert len(read(study, "agreed.csv")) == len(drawn)
    assert states(study)["adjudicate"] == "done"


def test_without_peoples_codes_the_project_waits(tmp_path):
    path = lay_out(tmp_path)
    with pytest.raises(Waiting, match="no codes yet"):
        go(path, "draw", "import")


def test_files_are_taken_in_and_never_overwritten(study, tmp_path):
    write(tmp_path / "cem.csv", ["document", "area"], [])
    work = Work(study)
    take_in(work, [tmp_path / "cem.csv"])
    write(tmp_path / "cem.csv", ["document", "area"], [{"document": "s1", "area": "social"}])
    with pytest.raises(DataError, match="there is such a file already"):
        take_in(work, [tmp_path / "cem.csv"])


def test_an_edited_lock_is_refused_once_the_hold_out_was_opened(study):
    go(study, *list(STEPS)[1:7])
    edit(study.with_name("study-gold") / "lock.json", '"coder": "good"', '"coder": "poor"')
    with pytest.raises(DesignError, match=r"the lock was edited.*The hold-out was opened under the lock"):
        go(study, "run")


def test_a_second_opening_is_allowed_counted_and_said(study):
    go(study, *list(STEPS)[1:7])
    edit(study.with_name("study-gold") / "protocol.toml", '"good"', '"poor"')
    told = go(study, "lock", "validate").told
    assert "opened 2 times" in told[0]
    assert "this is opening 2" in told[-1]
    assert [row["opening"] for row in read(study, "openings.csv")] == ["1", "2"]
    go(study, "run", "correct")
    run = max(study.with_name("study-gold").glob("run-*"), key=lambda path: path.stat().st_mtime)
    section = findings(Run(run), only=["claims"]).section("claims-validation")
    assert "opened 2 times" in section.warnings[0]


def test_all_tries_are_listed_and_another_wording_is_another_try(study):
    go(study, *list(STEPS)[1:5])
    edit(study, "Which policy area is the sentence about?", "Which policy area is this about?")
    assert states(study)["tune"] == "stale"
    go(study, "tune")
    assert {row["try"] for row in read(study, "tries.csv")} == {"1", "2", "3", "4"}


def test_the_chosen_protocol_can_be_written_by_hand(study):
    go(study, *list(STEPS)[1:5])
    edit(study.with_name("study-gold") / "protocol.toml", '"good"', '"poor"')
    told = go(study, "tune", "lock").told
    assert "locked: poor" in told[0]


def test_a_coder_chosen_on_development_is_not_corrected_by_it(study):
    go(study, *list(STEPS)[1:])
    held = json.loads((study.with_name("study-gold") / "claims.json").read_text())
    assert (held["parts"], round(held["share"], 9)) == (["holdout", "audit"], 0.7)
    gold = read(study, "gold.csv")
    n = sum(row["part"] != "development" for row in gold)
    table = claims(study).filter(pl.col("column") == "corrected", pl.col("row") == "all")
    assert table["n_units"].to_list() == [n]


def test_gold_that_is_no_probability_sample_describes_and_corrects_nothing(study):
    edit(study, "n = 120", 'sampling = "found"')
    go(study, *STEPS)
    run = next(study.with_name("study-gold").glob("run-*"))
    section = findings(Run(run), only=["claims"]).section("claims-area-economic-")
    assert "no probability sample" in section.warnings[0]
    assert set(claims(study).filter(pl.col("section") == section.name)["column"]) == {"by the coder alone"}


def test_a_sample_of_ones_own_is_kept_and_checked(study):
    folder = study.with_name("study-gold")
    write(folder / "sample.csv", ["document", "probability", "stratum"], [{"document": "s1", "probability": "1.5"}])
    with pytest.raises(DataError, match=r"document 's1': probability '1\.5'"):
        go(study, "draw")
    write(folder / "sample.csv", ["document", "probability", "stratum"], [{"document": "s1", "probability": "0.5"}])
    assert "somebody's own" in go(study, "draw").told[0]


def test_two_rows_of_gold_on_one_document_are_refused(study):
    go(study, *list(STEPS)[1:8])
    rows = read(study, "gold.csv")
    write(study.with_name("study-gold") / "gold.csv", list(rows[0]), [*rows, rows[0]])
    with pytest.raises(DataError, match="a document is gold once"):
        go(study, "correct")


LEARNED = 'good = "learned:minilm?gold=study-gold/training.csv"'


def test_a_coder_fitted_on_the_audit_part_is_refused(study):
    go(study, *list(STEPS)[1:5])
    folder = study.with_name("study-gold")
    edit(study, 'good = "codes:machine.csv?coder=good"', LEARNED)
    audit = next(row["document"] for row in read(study, "gold.csv") if row["part"] == "audit")
    text = next(row["text"] for row in truths() if row["id"] == audit)
    # Under another id: it is the text that was seen.
    rows = [*read(study, "training.csv"), {"document": "other", "text": text.upper(), "item": "area", "code": "social"}]
    write(folder / "training.csv", ["document", "text", "item", "code"], rows)
    (folder / "protocol.toml").write_text('coder = "good"\n', encoding="utf-8")
    with pytest.raises(DesignError, match=rf"fitted on document '{audit}', which is in the part 'audit'"):
        go(study, "lock")


def test_an_example_of_the_codebook_that_is_a_document_of_the_hold_out_is_refused(study):
    go(study, *list(STEPS)[1:5])
    held = next(row["document"] for row in read(study, "gold.csv") if row["part"] == "holdout")
    text = next(row["text"] for row in truths() if row["id"] == held)
    edit(study, "We shall balance the books.", text)
    (study.with_name("study-gold") / "protocol.toml").write_text('coder = "good"\n', encoding="utf-8")
    with pytest.raises(DesignError, match=rf"is document '{held}', which is in the part 'holdout'"):
        go(study, "lock")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("n = 120", "", "say either how many documents"),
        ("n = 120", "n = 120\nwidth = 0.1", "say either how many documents"),
        ("n = 120", "n = 4000", "4000 documents to be drawn of 400"),
        ("n = 120", 'n = 120\nby = "partei"', r"no column 'partei' in the corpus \(did you mean 'party'"),
        ("n = 120", 'n = 120\nuncertain = "god"', r"no coder 'god' \(did you mean 'good'"),
        ("holdout = 0.3", "holdout = 0.4", "sum to 1"),
        ('about = "area[economic]"\nby', 'about = "area[econ]"\nby', "did you mean 'economic'"),
        ("n = 120", "m = 120", "no key 'coding.gold.m'"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_before_anything_is_drawn(tmp_path, before, after, says):
    path = lay_out(tmp_path, STUDY.replace(before, after, 1))
    with pytest.raises(DesignError, match=says):
        go(path, "draw")
    assert not (tmp_path / "study-gold" / "sample.csv").exists()


def test_a_draw_by_a_column_and_by_uncertainty_states_its_probabilities(tmp_path):
    path = lay_out(tmp_path, STUDY.replace("n = 120", 'n = 60\nby = "party"'))
    go(path, "draw")
    assert {row["stratum"] for row in read(path, "sample.csv")} == {"Con", "Lab"}
    sure = lay_out(tmp_path / "sure", STUDY.replace("n = 120", 'n = 60\nuncertain = "good"'))
    with pytest.raises(DesignError, match="equally sure of all documents"):  # codes of a table have no probabilities
        go(sure, "draw")


def test_slopes_from_few_codes_of_an_uneven_sample_are_said_to_be_short(tmp_path):
    path = lay_out(tmp_path, STUDY.replace("n = 120", 'n = 91\nby = "party"'))
    go(path, "draw")
    code_sample(tmp_path)
    go(path, *list(STEPS)[1:])
    found = findings(Run(next(path.with_name("study-gold").glob("run-*"))), only=["claims"])
    assert "intervals of slopes are somewhat short" in found.section("claims-area-economic----year---party").warnings[0]
    share = claims(path).filter(pl.col("column") == "corrected", pl.col("row") == "all")
    assert share["interval_method"][0].startswith("DSL")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (",social,", ",socail,", r"line \d+: 'socail' is no code of 'area' \(did you mean 'social'"),
        (",0.3,", ",30,", "probability '30' must be above 0 and at most 1"),
        (",0.3,", ",abc,", "probability 'abc' must be above 0"),
        (",audit", ",auditt", r"no part 'auditt' \(did you mean 'audit'"),
        (",area,", ",aera,", r"'aera' is no item of the codebook"),
    ],
)
def test_gold_that_was_edited_into_something_else_is_refused_and_never_counted(study, before, after, says):
    go(study, *list(STEPS)[1:])
    edit(study.with_name("study-gold") / "gold.csv", before, after)
    for step in ("tune", "correct"):
        with pytest.raises(DataError, match=says):
            go(study, step)
    with pytest.raises(DataError, match=says):
        claims(study)


def test_gold_that_was_edited_after_the_lock_corrects_nothing(study):
    go(study, *list(STEPS)[1:8])
    rows = read(study, "gold.csv")
    write(study.with_name("study-gold") / "gold.csv", list(rows[0]), rows[1:])
    with pytest.raises(DesignError, match=r"gold\.csv: edited since it was locked"):
        go(study, "correct")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("steps.json", '{"draw": {}}', "no longer holds what the steps wrote"),
        ("protocol.toml", 'coder = "good"\nthresholds = 3\n', "thresholds = 3; write a table"),
        (
            "tries.csv",
            f"{','.join(TRY)}\n1,good,x,area,0.55,9,y,z\n",
            "accuracy 'y' or kappa 'z' of 'good' is no number",
        ),
        ("claims.json", '{"coder": 1}', "let `proband code STUDY.toml correct` write the file again"),
        ("claims.json", "[]", "no table of claims"),
        ("validation.json", '{"items": []}', "not what `proband code STUDY.toml validate` wrote"),
    ],
)
def test_files_of_a_project_that_hold_something_else_are_refused_by_name(study, name, text, says):
    go(study, *list(STEPS)[1:])
    settings = Work(study).settings("good")
    (study.with_name("study-gold") / name).write_text(text.replace(",x,", f",{settings},"), encoding="utf-8")

    def read_all():
        Work(study).standings()
        go(study, "tune" if name == "tries.csv" else "lock")
        claims(study)

    with pytest.raises(ProbandError, match=says):
        read_all()

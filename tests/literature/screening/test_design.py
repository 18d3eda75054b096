"""Screening on the loop: what is read next, who decides, when it ends."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from proband import collect
from proband.addresses import open_engine
from proband.designs.studies import load_study
from proband.errors import DataError, DesignError, EngineError
from proband.literature.screening.decisions import decisions_of
from proband.literature.screening.stopping import Stop
from proband.models.labels import Label, LabelsEngine
from proband.records import Response
from proband.runs import Run
from proband.texts.coders import Coder
from tests.literature.screening.small import CODES, is_in, library, screening

THREE = {
    "screeners": (Coder(name="first", order="as_written"), Coder(name="second", order="as_written")),
    "decider": Coder(name="third", order="as_written"),
}


def labelled():
    return {"screener": open_engine("labelled")}


def saying(*out, everything=None):
    """One who decides as the labels say, but for some records."""
    found = {id: Label(is_included=is_in(k)) for k, id in enumerate(library().records)}
    found |= {f"doi:10.1/{k}": Label(is_included=not is_in(k)) for k in out}
    if everything is not None:
        found = dict.fromkeys(found, Label(is_included=everything))
    return LabelsEngine(found, source="made up", address="labels:made up")


def test_what_is_to_be_included_is_read_first_and_reading_ends_by_the_rule(tmp_path):
    run = collect(screening(stop=Stop(misses=15)), labelled(), tmp_path / "run")
    found = decisions_of(run)
    assert found.height < 45
    assert found.filter(pl.col("decision") == "include")["record"].n_unique() == 10
    out = found.filter(pl.col("decision") == "exclude").row(0, named=True)
    assert (out["criterion"], out["reason"], out["by"]) == ("decision", CODES[1], "screener")
    assert found["batch"].max() > 3
    assert run.is_complete


def test_two_are_blind_to_each_other_and_a_third_reads_only_what_they_differ_on(tmp_path):
    design = screening(**THREE, stop=Stop(records=60))
    run = collect(
        design, {"first": saying(0, 1), "second": saying(1, 6), "third": open_engine("labelled")}, tmp_path / "run"
    )
    found = {row["record"]: row for row in decisions_of(run).iter_rows(named=True)}
    assert set(run.table().filter(pl.col("screener") == "third")["subject"]) == {"doi:10.1/0", "doi:10.1/6"}
    assert found["doi:10.1/0"]["decision"] == "include"
    assert found["doi:10.1/0"]["by"] == "third"
    assert found["doi:10.1/1"]["decision"] == "include"  # both err alike, which nobody can see
    requests = run.table().group_by("subject").agg(pl.col("request").n_unique())["request"]
    assert requests.to_list() == [1] * 60


def test_a_machine_never_overturns_a_person(tmp_path):
    design = screening(**THREE, people=("first",))
    run = collect(
        design,
        {"first": saying(), "second": saying(everything=False), "third": saying(everything=False)},
        tmp_path / "run",
    )
    found = decisions_of(run)
    assert found.filter(pl.col("decision") == "include").height == 10
    assert found["disputed"].sum() == 10
    assert set(found["by"]) == {"first"}
    assert "third" not in set(run.table()["screener"])
    with pytest.raises(DesignError, match="third is no person and would decide between first and second"):
        screening(**THREE, people=("first", "second"))


def test_an_audit_reads_at_random_from_what_was_left(tmp_path):
    run = collect(screening(stop=Stop(records=20), audit=12), labelled(), tmp_path / "run")
    found = decisions_of(run)
    assert found.group_by("drawn").len().sort("drawn").rows() == [("audit", 12), ("ranked", 20)]
    assert found["record"].n_unique() == 32


def test_a_record_without_a_decision_is_left_open_and_counts_nowhere(tmp_path):
    engine = saying()
    del engine.labels["doi:10.1/5"]
    run = collect(screening(), {"screener": engine}, tmp_path / "run")
    assert run.is_complete
    found = decisions_of(run)
    assert found.filter(pl.col("decision").is_null())["record"].to_list() == ["doi:10.1/5"]


def test_the_same_answers_in_any_portions_lead_to_the_same_trials():
    design = screening(stop=Stop(misses=12))
    answered, seen = {}, []
    while new := [trial for trial in design.trials(answered) if trial.id not in answered]:
        for trial in new:
            index = 0 if is_in(int(trial.place.subject.rpartition("/")[2])) else 1
            answered[trial.id] = Response(
                place=trial.place, request=trial.request.hash, status="valid", answer=index, engine="e"
            )
        seen.append([trial.place.subject for trial in new])
    again = [trial.id for trial in screening(stop=Stop(misses=12)).trials(answered)]
    assert again == list(answered)
    assert len(seen[0]) == 1
    assert len(seen) > 5


KILLED = """
import os, sys
from proband import collect
from proband.literature.screening.stopping import Stop
from proband.models.labels import LabelsEngine
from tests.literature.screening.small import screening
from tests.literature.screening.test_design import saying

class Dying(LabelsEngine):
    def answer(self, trials):
        for trial, completion in super().answer(trials):
            yield trial, completion
            if trial.place.round == 9:
                os._exit(9)

engine = Dying(saying().labels, source="made up", address="labels:made up")
collect(screening(stop=Stop(misses=15)), {"screener": engine}, sys.argv[1])
"""


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_and_ends_as_it_would_have(tmp_path):
    whole = collect(screening(stop=Stop(misses=15)), {"screener": saying()}, tmp_path / "whole")
    script = tmp_path / "dying.py"
    script.write_text(KILLED)
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)])}
    ended = subprocess.run([sys.executable, str(script), str(tmp_path / "killed")], check=False, env=environment)
    assert ended.returncode == 9
    n_before = sum(Run(tmp_path / "killed").dispositions().values())
    run = collect(screening(stop=Stop(misses=15)), {"screener": saying()}, tmp_path / "killed")
    assert 0 < n_before < whole.table().height
    assert decisions_of(run).equals(decisions_of(whole))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"known": {"doi:10.1/1": False, "doi:10.1/2": False}}, "all 2 known records are excluded"),
        ({"known": {"doi:10.9/1": True}}, "no record 'doi:10.9/1'"),
        ({"excludes": ("Include", *CODES[1:])}, "every code keeps a record out, so all are excluded"),
        ({"excludes": ("Nope",)}, "no criterion has a code 'nope'"),
        ({"people": ("anna",)}, "no screener 'anna'"),
        ({"screeners": ()}, "give one or more"),
        ({"batch": 0}, "a batch has at least 1 record"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_the_way_out(given, said):
    with pytest.raises((DesignError, DataError), match=said):
        screening(**given)


@pytest.mark.parametrize("recall", [1, 1.5, 95])
def test_a_stop_target_of_1_or_above_is_refused(recall):
    with pytest.raises(DataError, match="known only when everything was read"):
        Stop(recall=recall)


def test_known_records_are_learned_from_and_not_read(tmp_path):
    known = {"doi:10.1/0": True, "doi:10.1/1": False}
    run = collect(screening(known=known, stop=Stop(records=10)), labelled(), tmp_path / "run")
    found = decisions_of(run)
    assert not {*known} & {*found["record"]}
    assert found.head(8)["decision"].to_list().count("include") >= 6  # of the 9 that are left among 58


def test_a_plan_says_what_rules_cost_and_how_many_have_no_abstract():
    told = " ".join(screening(expected=10, stop=Stop(misses=20)).notes())
    assert "9 of 60 records have no abstract and are judged by their title" in told
    assert "20 misses in a row:" in told
    assert "95% found, 95% sure: 100% (100%)" in told


def test_decisions_are_read_from_a_table_and_what_is_wrong_in_it_is_named(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "record,decision,criterion,reason,by\n"
        "doi:10.1/0,include,,,anna\ndoi:10.1/0,exclude,decision,Exclude: no trial,ben\n"
    )
    trial = next(t for t in screening().trials({}))
    ben = open_engine(f"labels:{path}?by=ben")
    assert ben.labels["doi:10.1/0"] == Label(is_included=False, criterion="decision", reason=CODES[2])
    with pytest.raises(EngineError, match=r"line 3: record 'doi:10.1/0' has two decisions; name whose count"):
        open_engine(f"labels:{path}")
    for row, said in {
        "doi:10.1/0,exclude,animals, not people,ben": "line 2: 5 cells for 4 columns",
        ",include,,": "line 2: a decision of no record",
    }.items():
        path.write_text(f"record,decision,reason,by\n{row}\n")
        with pytest.raises(EngineError, match=said):
            open_engine(f"labels:{path}")
    path.write_text("record,decision\ndoi:10.1/0,perhaps\n")
    with pytest.raises(EngineError, match="line 2: decision 'perhaps' is none"):
        open_engine(f"labels:{path}")
    odd = LabelsEngine(
        {trial.place.subject: Label(is_included=False, reason="Because")}, source="x.csv", address="labels:x.csv"
    )
    with pytest.raises(EngineError, match="is out for 'Because', which keeps nothing out"):
        odd.check([trial])


@pytest.mark.parametrize("engine", ["terminal", "human:sheets", "seat", "labels:mine.csv", "labelled"])
def test_who_answers_at_a_terminal_or_in_a_file_is_a_person(tmp_path, engine):
    rows = [f"{record.title},{k % 2}" for k, record in enumerate(library(6).records.values())]
    (tmp_path / "records.csv").write_text("\n".join(["title,included", *rows, ""]))
    (tmp_path / "study.toml").write_text(
        f'seed = 1\nengine = {{ anna = "{engine}", bot = "scripted:first" }}\n[instrument]\nid = "c"\ntitle = "C"\n'
        '[[instrument.questions]]\nid = "q"\ntext = "In?"\n'
        'codes = [{ label = "Yes", definition = "It is." }, { label = "No", definition = "It is not." }]\n'
        '[screening]\nrecords = "records.csv"\ncolumn = "included"\nencoder = "none"\n'
    )
    assert load_study(tmp_path / "study.toml").design.people == ("anna",)

"""Bots take studies through the pages that people see; killed and started again, a run is what it would have been."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from proband.addresses import open_engine
from proband.designs.seat_table import SeatTable
from proband.designs.studies import load_study
from proband.errors import DesignError
from proband.reports import findings
from proband.runs import Run, collect
from proband.store import RunDirectory
from proband.web.seat.bots import Bots
from proband.web.seat.running import folder_of, sitting, take
from proband.web.serving import listener
from tests.web.seat.conftest import POT, SURVEY

EXAMPLES = Path(__file__).parents[3] / "examples"
SERVING = Path(__file__).with_name("serving.py")


def played(path, into, n, **options):
    """What bots make of a study, with what they saw at their ends."""
    bots = Bots(n, open_engine("scripted:uniform"), SeatTable(), **options)
    sits = sitting(load_study(path), path, is_test=True)
    run = take(sits, folder_of(into, sits.design), port=0, is_test=True, play=bots.play, say=lambda text: None)
    return run, bots


@pytest.mark.parametrize(
    "example",
    ["anes1996", "experiment", *(pytest.param(name, marks=pytest.mark.slow) for name in ("quiz", "conjoint"))],
)
def test_examples_are_taken_by_bots(tmp_path, example):
    run, bots = played(EXAMPLES / f"{example}.toml", tmp_path, 3)
    assert run.state == "complete"
    assert set(run.dispositions()) == {"valid"}
    assert {end["state"] for end in bots.ends.values()} == {"finished"}
    assert set(run.table()["engine"]) == {"seat"}
    assert run.manifest["closed"]["finished"] == 3


def test_more_bots_than_seats_are_told_that_it_is_full(tmp_path, study_file):
    run, bots = played(study_file(SURVEY.replace("seats:4", "seats:1")), tmp_path / "run", 2)
    assert [bots.ends[k]["state"] for k in (1, 2)] == ["finished", "full"]
    assert run.dispositions() == {"valid": 7}


def test_a_run_ends_by_itself_when_every_seat_has_come_to_its_end(tmp_path, study_file):
    path = study_file(SURVEY.replace("seats:4", "seats:1"))
    said, found = [], {}

    def go():
        found["run"] = take(sitting(load_study(path), path, is_test=True), tmp_path / "run", port=0, say=said.append)

    serving = threading.Thread(target=go, daemon=True)
    serving.start()
    while not said:
        time.sleep(0.01)
    bots = Bots(1, open_engine("scripted:uniform"), SeatTable())
    bots.play(said[0].split()[1].removesuffix("/join"), lambda: False)
    serving.join(30)
    closed = Run(tmp_path / "run").manifest["closed"]
    assert (closed["rule"], closed["finished"]) == ("every seat was taken", 1)
    assert found["run"].is_complete


def test_arms_stay_balanced_whoever_comes(tmp_path):
    run, _ = played(EXAMPLES / "experiment.toml", tmp_path, 6)
    came = run.table().filter(pl.col("status") == "valid").select("subject", "arm").unique()
    assert sorted(came["arm"].value_counts()["count"]) == [3, 3]


def test_a_public_goods_game_of_people_a_model_and_a_rule(tmp_path, study_file):
    path = study_file(POT, 'pay = 2.0\npay_per_point = 0.1\ncodes = { finished = "DONE-1" }')
    bots = Bots(4, open_engine("scripted:uniform"), SeatTable())
    run = take(sitting(load_study(path), path, is_test=True), tmp_path / "run", port=0, play=bots.play,
               say=lambda text: None)  # fmt: skip
    table = run.table()
    assert table.height == 2 * 4 * 2
    assert set(table.select("role", "engine").unique().iter_rows()) == {
        ("people", "seat"), ("model", "scripted:uniform"), ("script", "scripted:always?option=5"),
    }  # fmt: skip
    assert [end["code"] for end in bots.ends.values()] == ["DONE-1"] * 4
    gave = table.pivot("subject", index=["unit", "round"], values="value")
    assert gave.height == 4
    paid = sorted(float(end["paid"]) for end in bots.ends.values())
    assert paid == pytest.approx(sorted(_paid(table)), abs=0.006)


def _paid(table):
    """2 and a tenth of the points: what is kept of 20, and 0.4 of all that was given."""
    for subject in table.filter(pl.col("role") == "people")["subject"].unique():
        points = 0.0
        for own in table.filter(pl.col("subject") == subject).iter_rows(named=True):
            group = table.filter((pl.col("unit") == own["unit"]) & (pl.col("round") == own["round"]))
            points += 20 - own["value"] + 0.4 * group["value"].sum()
        yield 2 + 0.1 * points


def test_people_can_be_the_members_of_a_society(tmp_path, study_file):
    text = (EXAMPLES / "crowd.toml").read_text().replace('engine = "smollm2"', 'engine = "seat"')
    for name, value in (("societies = 3", "societies = 1"), ("agents = 12", "agents = 3"), ("rounds = 3", "rounds = 2"),
                        ("from_round = 3", "from_round = 2"), ("at = [2]", "at = [1]")):  # fmt: skip
        text = text.replace(name, value)
    run, bots = played(study_file(text), tmp_path / "run", 3)
    assert run.is_complete
    assert {end["state"] for end in bots.ends.values()} == {"finished"}
    assert set(run.table()["engine"]) == {"seat"}


def killed_and_resumed(path, into, n, kills, seed=0):
    """The run of a study whose server is killed so often while bots take it."""
    port_of = listener(0)
    port = port_of.getsockname()[1]
    port_of.close()
    bots = Bots(n, open_engine("scripted:uniform"), SeatTable())
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    line = [sys.executable, str(SERVING), str(path), str(into), str(port)]
    playing = threading.Thread(target=bots.play, args=(f"http://127.0.0.1:{port}", lambda: False), daemon=True)
    server = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL)
    try:
        playing.start()
        for k in range(kills):
            goal = (k + 1) * _size(path) // (kills + 1)
            while playing.is_alive() and _stored(into) < goal:
                time.sleep(0.002)
            server.send_signal(signal.SIGKILL)
            server.wait()
            server = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL)
        playing.join(120)
        assert not playing.is_alive()
        assert {end["state"] for end in bots.ends.values()} == {"finished"}
    finally:
        server.kill()
        server.wait()
    return Run(into).table()


def _size(path):
    sits = sitting(load_study(path), path, is_test=True)
    return sits.design.size()


def _stored(into):
    if not RunDirectory(into).journal_path.exists():
        return 0
    with RunDirectory(into).reader() as journal:
        return len(journal)


def test_a_server_that_is_killed_and_started_again_loses_nothing_and_doubles_nothing(tmp_path, study_file):
    path = study_file(POT)
    whole, _ = played(path, tmp_path / "whole", 4)
    assert_frame_equal(killed_and_resumed(path, tmp_path / "killed", 4, kills=1), whole.table())


@pytest.mark.slow
@pytest.mark.parametrize(("text", "n", "kills"), [(SURVEY.replace("seats:4", "seats:20"), 20, 20), (POT, 4, 3)])
def test_many_kills_lose_nothing_and_double_nothing(tmp_path, study_file, text, n, kills):
    path = study_file(text)
    whole, _ = played(path, tmp_path / "whole", n)
    assert_frame_equal(killed_and_resumed(path, tmp_path / "killed", n, kills=kills), whole.table())


ANES = (EXAMPLES / "anes1996.toml").read_text().replace("[people]", "")


def test_people_stand_beside_the_model_in_what_is_measured(tmp_path, study_file):
    as_nobody = ANES.replace('use = "anes-1996"\nsample = 60', 'use = "seats:12"').replace('"first"', '"none"')
    path = study_file(as_nobody)
    model = collect(load_study(path).design, "scripted:uniform", tmp_path / "run")
    assert model.people is None
    people, _ = played(path, tmp_path / "run", 12)
    assert people.path == tmp_path / "run" / "people"
    told = findings(Run(tmp_path / "run"), only=["fidelity"]).as_dict()
    assert "12 people" in str(told)
    assert "left out" not in str(told)


def test_people_who_come_are_not_set_beside_personas_who_have_their_numbers(tmp_path, study_file):
    path = study_file(ANES)
    collect(load_study(path, engine="scripted:uniform", sample=30).design, "scripted:uniform", tmp_path / "run")
    with pytest.raises(DesignError, match=r"answered there as 30 others.*seats:N"):
        folder_of(tmp_path / "run", sitting(load_study(path), path, is_test=True).design)


def test_a_bot_that_withdraws_has_left_and_has_no_rows_after(tmp_path, study_file):
    path = study_file()
    run, bots = played(path, tmp_path / "run", 3, quits={2: 3})
    assert bots.ends[2]["state"] == "withdrawn"
    own = run.table().filter(pl.col("subject") == "002")
    assert dict(own.group_by("status").len().iter_rows()) == {"valid": 2, "left": 1}
    assert run.dispositions() == {"left": 1, "valid": 16}
    assert run.manifest["closed"]["withdrawn"] == 1
    assert "left" in str(findings(run, only=["dispositions"]).as_dict())

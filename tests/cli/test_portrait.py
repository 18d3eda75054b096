"""``proband portrait``: batteries on one engine, resumed, told as a page, a table and JSON, beside another engine."""

import json
from dataclasses import replace

import polars as pl
import pytest
from typer.testing import CliRunner

from proband.addresses import open_engine
from proband.batteries.battery import BATTERIES
from proband.cli.main import app
from proband.cli.studying import STOPPED
from proband.errors import DesignError
from proband.models.engine import BaseEngine
from proband.portraits.beside import compared
from proband.portraits.page import findings_of, told
from proband.portraits.portrait import Sitting, chosen, planned, portrait_in, portray
from proband.runs import Budget, Run

CALM = "scripted:character?mean=3.2&item=0.3&wording=0.1&noise=0.1&seed=1"


def invoke(*words):
    return CliRunner().invoke(app, ["portrait", *words])


def sitting(engine: str = CALM, *names: str) -> Sitting:
    return Sitting(engine=open_engine(engine), batteries=chosen(names or ("crt", "mini-ipip")), is_quick=True)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("portrait") / "calm"
    result = invoke(CALM, "--only", "crt,mini-ipip", "--quick", "--into", str(folder), "--json")
    assert result.exit_code == 0, result.output
    return folder, result


def test_a_portrait_is_planned_first_and_told_as_a_page_a_table_and_json(drawn):
    folder, result = drawn
    assert "in all 2 batteries, 116 trials" in result.stderr
    said = json.loads(result.stdout)
    assert said["title"] == f"Portrait of {CALM}"
    assert [section["name"] for section in said["sections"]][:3] == ["portrait", "crt traits", "crt traits-contrasts"]
    page = (folder / "portrait.html").read_text()
    assert all(word in page for word in ("Psychology", "Mini-IPIP", "How stable it is", "Donnellan"))
    assert (folder / "mini-ipip" / "report.html").exists()
    table = pl.read_csv(folder / "portrait.csv")
    assert {*table["battery"]} == {"crt", "mini-ipip"}
    assert table.height == pl.read_parquet(folder / "portrait.parquet").height
    assert table.filter(pl.col("battery") == "mini-ipip", pl.col("column") == "distance in people's SD").height == 5


def test_what_was_killed_goes_on_and_asks_nothing_twice(tmp_path):
    def stop(tally):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        portray(sitting(), tmp_path, budget=Budget(trials=20), watch=stop)
    before = sum(Run(tmp_path / "crt").dispositions().values())
    assert 0 < before < 36
    asked = []
    done = portray(sitting(), tmp_path, watch=lambda tally: asked.append((tally.total, tally.asked)))
    assert max(n for total, n in asked if total == 36) == 36 - before
    once = portray(sitting(), tmp_path / "once")
    tables = [one.run.table().drop("attempts").sort("trial") for one in (*done, *once)]
    assert tables[0].equals(tables[2])
    assert tables[1].equals(tables[3])


def test_two_engines_differ_by_paired_items_and_contexts(drawn, tmp_path):
    folder, _ = drawn
    higher = CALM.replace("mean=3.2", "mean=3.7")
    done = portray(sitting(higher, "mini-ipip"), tmp_path)
    section = compared(done, portrait_in(folder), "higher", "calm")
    gaps = {row[0]: row[3] for row in section.table.rows}
    # Half of the statements are reversed: what is half a point more there is half a point less of the trait.
    assert gaps["mini-ipip: Extraversion"].value == pytest.approx(0.0, abs=1e-6)
    assert "Openness" in " ".join(section.sentences)
    page = told(done, higher, findings_of(done), others=portrait_in(folder), other_name="calm")
    assert page.sections[1].name == "portrait-beside"


def test_against_takes_the_folder_of_a_portrait(drawn, tmp_path):
    folder, _ = drawn
    result = invoke("scripted:uniform", "--only", "crt", "--quick", "--into", str(tmp_path), "--against", str(folder))
    assert result.exit_code == 0, result.output
    assert f"scripted:uniform beside {folder.name}"[:20] in result.stdout


class Writes(BaseEngine):
    """Writes, and gives no probabilities."""

    address, abilities = "writes", frozenset({"write"})

    def answer(self, trials):
        raise AssertionError("nobody is to be asked")


def test_a_battery_that_an_engine_cannot_take_is_refused_by_name_and_stops_no_other():
    surprised = replace(BATTERIES.load("crt"), name="surprise", needs="continuations")
    forbidden = replace(BATTERIES.load("crt"), name="forbidden", forbids_models="no machines")
    sat = Sitting(engine=Writes(), batteries=[surprised, forbidden, BATTERIES.load("mini-ipip")], is_quick=True)
    takes = planned(sat)
    assert list(takes.plans) == ["mini-ipip"]
    assert "log-probabilities of texts, and writes gives none" in takes.refused["surprise"]
    assert "no machines" in takes.refused["forbidden"]
    assert {trial.reply.method for trial in sat.study(BATTERIES.load("mini-ipip")).design.preview()} == {"written"}


class Far(Writes):
    """A server, which must not be asked for a plan."""

    is_remote = True

    @property
    def abilities(self):
        raise AssertionError("a plan sends nothing")


def test_a_plan_asks_a_server_nothing():
    takes = planned(Sitting(engine=Far(), batteries=chosen(["crt"]), is_quick=True))
    assert takes.trials == 36 + 9  # in writing too, as far as is known


def test_a_refused_battery_stands_on_the_page(tmp_path):
    forbidden = replace(BATTERIES.load("crt"), name="forbidden", forbids_models="no machines")
    sat = Sitting(engine=open_engine(CALM), batteries=[forbidden, BATTERIES.load("crt")], is_quick=True)
    done = portray(sat, tmp_path)
    page = told(done, CALM, findings_of(done))
    assert "no machines" in page.left_out["forbidden"]
    assert "1 it could not take" in page.lead[0]


def test_an_unknown_name_is_refused_with_the_one_that_was_meant():
    with pytest.raises(DesignError, match=r"no battery or discipline 'psycology'.*psychology"):
        chosen(["psycology"])


def test_a_selection_that_names_nothing_is_refused():
    result = invoke(CALM, "--only", " , ", "--plan")
    assert isinstance(result.exception, DesignError)
    assert "names nothing" in str(result.exception)


def test_a_language_without_translation_leaves_the_battery_out(tmp_path):
    result = invoke(CALM, "--only", "crt", "--language", "fi", "--into", str(tmp_path))
    assert isinstance(result.exception, DesignError)
    assert "no translation into 'fi'" in str(result.exception)
    assert not any(tmp_path.iterdir())


def test_plan_asks_nobody(tmp_path):
    result = invoke("scripted:uniform", "--only", "crt", "--plan", "--json", "--into", str(tmp_path))
    assert json.loads(result.stdout)["scripted:uniform"]["trials"] == 270 + 4  # the last ask what it is from
    assert not any(tmp_path.iterdir())


def test_portraits_of_other_items_are_not_compared_and_it_is_said(drawn, tmp_path):
    folder, _ = drawn
    other = portray(replace(sitting("scripted:uniform", "crt"), seed=2), tmp_path)
    section = compared(other, portrait_in(folder), "other", "calm")
    assert section.table.rows == ()
    assert "crt is not compared: both runs have a seed of their own." in section.notes


def test_a_server_that_is_not_there_ends_it_in_a_sentence(tmp_path):
    result = invoke(
        "openai:http://127.0.0.1:9/v1#x", "--only", "crt", "--quick", "--yes", "--into", str(tmp_path / "p")
    )
    assert isinstance(result.exception, DesignError)
    assert "could be asked none of these batteries: no server at http://127.0.0.1:9/v1" in str(result.exception)


def test_a_battery_that_was_planned_and_not_asked_leaves_the_portrait_unfinished(tmp_path):
    assert invoke(CALM, "--only", "crt,mini-ipip", "--quick", "--into", str(tmp_path)).exit_code == 0
    journal = tmp_path / "crt" / "journal.sqlite"
    journal.write_bytes(b"no journal")
    result = invoke(CALM, "--only", "crt,mini-ipip", "--quick", "--into", str(tmp_path))
    assert result.exit_code == STOPPED, result.output
    assert "crt" in (tmp_path / "portrait.html").read_text()

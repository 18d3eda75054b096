"""A folder of small runs of every sort, made once, and a visitor who has come in by the link."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from proband.analyses.section import Section
from proband.designs import Survey
from proband.designs.studies import Study, load_study, people_survey
from proband.instruments import Instrument, Item
from proband.instruments.items import Rule
from proband.models import BaseEngine
from proband.records import Completion
from proband.reports import Findings, write_findings
from proband.runs import Budget, carry_out, collect
from proband.subjects import Field, Population, Subject
from proband.web.guarding import KEY, OneTimeDoor
from proband.web.viewer.application import COOKIE, viewer

HERE = "http://127.0.0.1:7370"
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"

INSTRUMENT = Instrument(
    id="small",
    title="A small survey",
    items=(
        Item(id="vote", text="Whom do you vote for?", form="choice",
             options=("Ada", "Bob", "Don't know"), dont_know=(2,)),
        Item(id="trust", text="Most people can be trusted.", stem="How far do you agree?", form="scale",
             options=("Disagree", "Neither", "Agree"), ask_if=Rule(item="vote", options=(0, 1))),
    ),
)  # fmt: skip
DILEMMA = """
title = "A dilemma"
seed = 4
[engine]
model = "scripted:uniform"
rival = "scripted:tit-for-tat"
[game]
use = "dilemma"
matches = 3
rounds = 4
"""


class Attacker(BaseEngine):
    """Answers with what would run, were it shown as anything but text."""

    address = "attacker"
    abilities = frozenset({"write"})

    def answer(self, trials):
        for trial in trials:
            yield trial, Completion(text=ATTACK, prompt_tokens=9, completion_tokens=4)


def people_of(n: int, names: str = "s") -> Population:
    fields = (
        Field(column="age", first="I am {value} years old.", third="The person is {value} years old."),
        Field(column="party", first="I am of the {value}.", third="The person is of the {value}.",
              labels={"0": "Left", "1": "Right"}),
    )  # fmt: skip
    given = [{"age": 20 + k, "party": k % 2, "vote": 1 + k % 2, "trust": 1 + k % 3} for k in range(n)]
    subjects = tuple(Subject(id=f"{names}{k}", traits=traits) for k, traits in enumerate(given))
    return Population(name="made up", subjects=subjects, fields=fields)


def survey(n: int = 12, **options) -> Survey:
    return Survey(instrument=INSTRUMENT, subjects=people_of(n), seed=1, title="Trust", **options)


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> Path:
    """Runs by name: trust (with people beside it), other (answered otherwise), a game, broken off, attacked."""
    root = tmp_path_factory.mktemp("web") / "runs"
    plain = survey(answer_by=("option_text", "written"))
    people = people_survey(plain, people_of(12))
    carry_out(Study(plain, "scripted:uniform?refuse=0.2", people=people), root / "trust")
    collect(plain, "scripted:first", root / "other")
    collect(survey(40), "scripted:uniform", root / "broken off", budget=Budget(trials=60), watch=lambda tally: None)
    (root / "dilemma.toml").write_text(DILEMMA)
    carry_out(load_study(root / "dilemma.toml"), root / "dilemma")
    words = Instrument(id="why", title=ATTACK, items=(Item(id="why<b>", text=f"Why {ATTACK}?", form="text"),))
    collect(
        Survey(instrument=words, subjects=people_of(2, "<i>&"), seed=1, title=ATTACK), Attacker(), root / "attacked"
    )
    study = root / "aligned"
    study.mkdir()
    (study / "study.json").write_text("{}")
    said = Findings(title="Interventions", sections=(Section(name="verdict", heading="Verdict", sentences=("Yes.",)),))
    write_findings(said, study / "report.html")
    collect(survey(2), "scripted:uniform", study / "probe-1")
    return root


@pytest.fixture
def visitor(runs) -> TestClient:
    """Somebody at this machine who opened the link."""
    return entered(runs)


def entered(folder: Path) -> TestClient:
    door = OneTimeDoor(COOKIE)
    client = TestClient(viewer(folder, door), base_url=HERE)
    assert client.get("/", params={KEY: door.key()}).status_code == 200
    return client


def links_in(html: str) -> list[str]:
    """Addresses that a page leads to."""
    return [
        link.replace("&amp;", "&").replace("&#39;", "'") for link in re.findall(r'(?:href|src|action)="(/[^"]*)"', html)
    ]

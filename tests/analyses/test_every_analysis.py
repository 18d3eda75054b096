"""Every analysis on the shelf looks at every standard run: it refuses in words, or tells sections that hold."""

import json
import math
import shutil
from pathlib import Path

import pytest

from proband.analyses.section import ANALYSES
from proband.designs import PeopleSurvey, PrisonersDilemma, Survey, people_engine
from proband.designs.studies import study_from_dict
from proband.estimates import Estimate
from proband.instruments import Instrument, Item, load_instrument
from proband.models.scripted import ScriptedEngine, played, spatial, uniform
from proband.reports import findings
from proband.runs import Budget, Run, collect
from proband.strategies import tit_for_tat
from proband.subjects import Field, Population, Subject
from tests.analyses.studies import framed

NAMES = sorted(ANALYSES)
ARCHIVE = Path(__file__).parents[1] / "archive" / "v0_1"
ARCHIVED = sorted(path.parent.name for path in ARCHIVE.glob("*/expected.json"))


def aged(n):
    def person(k):
        traits = {"age": 20 + k, "vote": k % 3, "trust": k % 2, "party": k % 2}
        return Subject(id=f"s{k}", traits=traits, weight=1.0 + k % 2)

    fields = tuple(
        Field(column=c, first=f"My {c} is {{value}}.", third=f"Their {c} is {{value}}.") for c in ("age", "party")
    )
    return Population(name="p", subjects=tuple(person(k) for k in range(n)), fields=fields)


def small(n=14, **settings):
    options = ("Disagree", "Neither", "Agree")
    items = (
        Item(id="vote", text="Whom do you vote for?", form="choice", options=("Ada", "Bob", "Cleo"), values=(0, 1, 2)),
        Item(id="trust", text="{factor:frame}", form="scale", options=options, values=(0, 1, 2)),
        Item(id="hours", text="How many hours?", form="number", lower=0, upper=24),
        Item(id="why", text="Why?", form="text"),
    )
    factors = {"frame": {"plain": "Trust?", "kind": "Trust, please?"}}
    return Survey(
        instrument=Instrument(id="i", title="I", items=items),
        subjects=aged(n),
        seed=1,
        factors=factors,
        replicates=2,
        **settings,
    )


def with_people(folder):
    survey = small()
    engine = people_engine(survey.subjects, survey.instrument)
    collect(PeopleSurvey(survey=survey, engine=engine), engine, folder / "people")
    return collect(survey, ScriptedEngine(uniform(), seed=1, refuse=0.1), folder)


def experiment(folder):
    return collect(framed(aged(20), block_by="party"), ScriptedEngine(uniform(), seed=1, refuse=0.1), folder)


def dilemma(folder):
    engines = {"model": ScriptedEngine(uniform(), seed=1, refuse=0.05), "rival": ScriptedEngine(played(tit_for_tat))}
    return collect(PrisonersDilemma(matches=12, rounds=4, seed=1), engines, folder)


def public_goods(folder):
    keys = {"use": "public-goods", "matches": 6, "rounds": 3, "treatments": {"told": {"conditional": 3}}}
    study = study_from_dict({"seed": 1, "engine": {"player": "scripted:uniform?refuse=0.01"}, "game": keys})
    return collect(study.design, study.engine, folder)


def chicken(folder):
    keys = {"use": "ordinal", "which": "chicken", "players": "model", "matches": 4, "rounds": 3, "groups": 2}
    study = study_from_dict(
        {"seed": 1, "engine": {"model": "scripted:uniform"}, "game": {**keys, "matching": "stranger"}}
    )
    return collect(study.design, study.engine, folder)


def mini_ipip(folder):
    survey = Survey(
        instrument=load_instrument("mini-ipip"), subjects=aged(15), seed=1, order=("as_written", "reversed")
    )
    return collect(survey, ScriptedEngine(spatial("age", low=20, high=40), seed=1), folder)


def unfinished(folder):
    return collect(small(), ScriptedEngine(uniform()), folder, budget=Budget(trials=9))


def nobody_valid(folder):
    return collect(small(), ScriptedEngine(uniform(), refuse=1.0), folder)


def one_subject(folder):
    return collect(small(1), ScriptedEngine(uniform()), folder)


RUNS = (with_people, experiment, dilemma, public_goods, chicken, mini_ipip, unfinished, nobody_valid, one_subject)


@pytest.fixture(scope="module", params=RUNS, ids=lambda made: made.__name__)
def run(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp(request.param.__name__))


@pytest.fixture(scope="module", params=ARCHIVED)
def archived(request, tmp_path_factory):
    # A copy: even a reader of SQLite leaves files behind.
    return Run(shutil.copytree(ARCHIVE / request.param / "run", tmp_path_factory.mktemp("archived") / "run"))


@pytest.mark.parametrize("name", NAMES)
def test_it_looks_at_runs_of_older_versions(name, archived):
    analysis = ANALYSES.load(name)
    reason = analysis.needs(archived)
    assert reason or analysis.sections(archived) is not None


def test_no_analysis_fails_on_a_run_of_an_older_version(archived):
    found = findings(archived)
    assert not [warning for warning in found.warnings if "failed" in warning]


@pytest.mark.parametrize("name", NAMES)
def test_it_refuses_in_words_or_tells_sections_that_hold(name, run):
    analysis = ANALYSES.load(name)
    assert analysis.name == name
    assert analysis.about
    reason = analysis.needs(run)
    if reason is not None:
        assert len(reason.split()) > 3
        return
    sections = analysis.sections(run)
    names = [section.name for section in sections]
    assert len(set(names)) == len(names)
    for section in sections:
        assert section.heading
        assert section.sentences or section.table
        for row in section.table.rows if section.table else ():
            for cell in row:
                if isinstance(cell, Estimate):
                    assert math.isfinite(cell.value) or cell.warnings
                elif isinstance(cell, float):
                    assert math.isfinite(cell)
        json.dumps([dict(mark) for mark in section.figure.rows] if section.figure else [])

"""People and model under the margins of the population that a study names."""

import numpy as np
import pytest

from proband.analyses import poststratified
from proband.designs.studies import study_from_dict
from proband.errors import DataError, DesignError
from proband.measures import calibrated_mean, mrp_mean, poststratify
from proband.runs import carry_out
from proband.subjects import load_population

EDUCATION = {"1": 5, "2": 10, "3": 34, "4": 18, "5": 8, "6": 16, "7": 9}
PARTY = {"0": 0.16, "1": 0.19, "2": 0.15, "3": 0.10, "4": 0.12, "5": 0.15, "6": 0.13}
ENGINE = "scripted:spatial?fact=PID&low=0&high=6&width=0.35"


def study(people, **settings):
    told = {
        "seed": 1,
        "engine": ENGINE,
        "instrument": {"use": "anes-1996", "only": ["vote", "tv-news"]},
        "population": {"use": "anes-1996", "sample": 60},
        "people": people,
        "survey": settings,
    }
    return study_from_dict(told)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    people = {"margins": {"educ": EDUCATION, "PID": PARTY}}
    return carry_out(study(people), tmp_path_factory.mktemp("runs") / "margins")


def rows(section):
    names = [column.name for column in section.table.columns]
    return {row[0]: dict(zip(names, row, strict=True)) for row in section.table.rows}


def named(run):
    return {section.name: section for section in poststratified.sections(run)}


def test_numbers_are_those_of_the_measures(run):
    everybody = run.people
    table = everybody.table().filter(everybody.table()["item"] == "vote")
    subjects, answers = table["subject"].to_list(), (table["answer"] == 1).to_numpy().astype(float)
    columns = {name: [everybody.traits[s][name] for s in subjects] for name in ("educ", "PID")}
    known = poststratified.margins(run)
    expected = calibrated_mean(answers, columns, known.shares)
    found = rows(named(run)["poststratified"])
    (vote,) = (row for name, row in found.items() if name.startswith("vote"))
    assert vote["people"] == len(subjects)
    assert vote["as answered"].value == pytest.approx(answers.mean())
    assert vote["calibrated"].value == pytest.approx(expected.value)
    assert vote["calibrated"].interval == pytest.approx(expected.interval)
    assert vote["calibrated"].target == "human"
    # Votes go with parties, which these margins move by some points; both ways see it.
    assert vote["multilevel"].value == pytest.approx(expected.value, abs=0.02)
    assert abs(vote["as answered"].value - expected.value) > 0.01
    assert vote["model, calibrated"].target == "model"


def test_who_answered_stands_beside_who_there_is(run):
    section = named(run)["poststratified-who"]
    found = rows(section)
    assert found["PID: a strong Democrat"]["people"] == 200
    assert found["PID: a strong Democrat"]["population"] == pytest.approx(0.16)
    assert found["educ: an advanced degree"]["sample"] == pytest.approx(127 / 944)
    assert "944 people are worth" in section.notes[0]


def test_one_margin_is_poststratification(tmp_path):
    run = carry_out(study({"margins": {"PID": PARTY}}), tmp_path)
    found = rows(named(run)["poststratified"])
    table = run.people.table().filter(run.people.table()["item"] == "vote")
    traits = run.people.traits
    levels = [traits[s]["PID"] for s in table["subject"]]
    shares = poststratified.margins(run).shares["PID"]
    expected = poststratify((table["answer"] == 1).to_numpy().astype(float), levels, population=shares)
    (vote,) = (row for name, row in found.items() if name.startswith("vote"))
    assert vote["calibrated"].interval == pytest.approx(expected.interval)


def test_means_of_numbers_are_met_and_leave_the_multilevel_column_empty(tmp_path):
    run = carry_out(study({"margins": {"PID": PARTY}, "means": {"age": 44.5}}), tmp_path)
    section = named(run)["poststratified"]
    assert {row["multilevel"] for row in rows(section).values()} == {None}
    assert any("in the population 44.50" in note for note in named(run)["poststratified-who"].notes)


def test_combinations_of_levels_meet_the_margins_and_keep_what_people_show(run):
    known = poststratified.margins(run)
    _, columns = known.of(list(run.people.roster.by_subject))
    table = poststratified._table(columns, known)
    sizes, party = table["sizes"], np.array(table["cells"]["PID"])
    assert sizes[party == "a strong Democrat"].sum() / sizes.sum() == pytest.approx(0.16, abs=1e-6)
    assert (sizes > 0).all()
    assert mrp_mean([0, 1] * 472, columns, **table).n_units == 944


def test_words_and_codes_name_the_same_levels(run, tmp_path):
    labels = dict(load_population("anes-1996").fields[4].labels)
    words = {"PID": {labels[code]: share for code, share in PARTY.items()}}
    other = carry_out(study({"margins": {"educ": EDUCATION, **words}}), tmp_path)
    assert poststratified.margins(other).shares == poststratified.margins(run).shares


def test_a_run_without_margins_says_which_key_it_needs(tmp_path):
    run = carry_out(study({}), tmp_path)
    assert "[people] margins = " in poststratified.needs(run)
    assert "known" not in run.people.manifest["design"]


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ({"margins": {"sex": {"f": 1, "m": 1}}}, "no column 'sex'"),
        ({"margins": {"PID": {**{k: 100 * v for k, v in PARTY.items()}, "9": 4}}}, "names 9, but no row"),
        ({"margins": {"PID": {"0": 0.5, "1": 0.5}}}, "which the margin leaves out"),
        ({"margins": {"PID": PARTY}, "means": {"age": 120}}, "no weights meet margins"),
        ({"margins": {"PID": {k: 2 * v for k, v in PARTY.items()}}}, "sum to 2, not 1"),
        ({"means": {"age": 44}, "price": -1}, "costs 0 or more"),
    ],
)
def test_margins_that_people_cannot_meet_are_refused_before_anything_is_asked(people, said):
    with pytest.raises((DataError, DesignError), match=said):
        study(people)

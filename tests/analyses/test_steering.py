"""Personas that a model listens to bring it closer to their group; those that it does not hear change nothing."""

import pytest

from proband.analyses import steering
from proband.designs import Survey
from proband.designs.studies import Study, people_survey
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.runs import carry_out
from proband.subjects import Field, Population, Subject

ITEMS = tuple(
    Item(id=f"q{k}", text=f"Question {k}?", form="scale", options=("no", "unsure", "yes"), values=(0, 1, 2))
    for k in range(4)
)
TOWNS = ("north", "south", "west")


def population(n=120):
    """People of the three towns answer no, unsure and yes, but for a fifth."""

    def traits(k):
        town = k % 3
        return {"town": TOWNS[town], **{f"q{q}": (town + (k % 5 == q)) % 3 for q in range(4)}}

    fields = (Field(column="town", first="I live in the {value}.", third="They live in the {value}."),)
    return Population(
        name="towns", fields=fields, subjects=tuple(Subject(id=f"s{k}", traits=traits(k)) for k in range(n))
    )


def run_of(rule, into, persona=("none", "first")):
    survey = Survey(
        instrument=Instrument(id="i", title="I", items=ITEMS), subjects=population(), seed=1, persona=persona
    )
    people = people_survey(survey, survey.subjects)
    return carry_out(Study(survey, ScriptedEngine(rule), people=people), into)


def listening(trial):
    if dict(trial.place.condition)["persona"] == "none":
        return (1 / 3, 1 / 3, 1 / 3)
    town = int(trial.place.subject[1:]) % 3
    sure = 0.6 + 0.1 * int(trial.place.item[1:])
    return tuple(sure if option == town else (1 - sure) / 2 for option in range(3))


def test_a_model_that_listens_gains_and_is_closest_to_its_own_group(tmp_path):
    (section,) = steering.sections(run_of(listening, tmp_path))
    assert section.name == "steering-town"
    gains = {row[0]: row[4] for row in section.table.rows}
    assert gains["north"].value > 0.1
    assert gains["all groups"].interval[0] > 0
    assert "100 % of groups are closest" in section.sentences[1]


def test_a_model_that_does_not_listen_gains_nothing(tmp_path):
    (section,) = steering.sections(run_of(lambda trial: (0.5, 0.3, 0.2), tmp_path))
    overall = section.table.rows[-1][4]
    assert overall.value == pytest.approx(0, abs=1e-12)
    assert "33 % of groups are closest" in section.sentences[1]


def test_of_several_formats_the_best_is_chosen_on_other_questions(tmp_path):
    (section,) = steering.sections(run_of(listening, tmp_path, persona=("none", "first", "third")))
    assert any("Of 2 formats of personas the best counts" in note for note in section.notes)
    assert len(section.sentences) == 1


def test_without_a_model_as_it_is_it_says_how_to_ask(tmp_path):
    run = run_of(lambda trial: (0.5, 0.3, 0.2), tmp_path, persona=("first", "third"))
    assert 'persona = ["none", "first"]' in steering.needs(run)

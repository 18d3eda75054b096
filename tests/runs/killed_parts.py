"""A study whose parts are killed and go on."""

from proband.designs import Survey
from proband.designs.studies import Study
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from tests.conftest import made_up


def rule(trial):
    return len(trial.id) % 2


ITEMS = tuple(Item(id=id, text=f"{id}?", form="choice", options=("yes", "no")) for id in "ab")
SURVEY = Survey(instrument=Instrument(id="two", title="Two", items=ITEMS), subjects=made_up(8), seed=1)
STUDY = Study(SURVEY, ScriptedEngine(rule, address="scripted:rule"))

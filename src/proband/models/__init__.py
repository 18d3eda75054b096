"""Engines: everything that answers trials, behind one base class and short addresses."""

from proband.models.addresses import engines, open_engine
from proband.models.archive import PeopleEngine, ReplayEngine
from proband.models.engine import Ability, BaseEngine, Cost
from proband.models.scripted import ScriptedEngine

__all__ = [
    "Ability",
    "BaseEngine",
    "Cost",
    "PeopleEngine",
    "ReplayEngine",
    "ScriptedEngine",
    "engines",
    "open_engine",
]

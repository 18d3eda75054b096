"""Engines: everything that answers trials, behind one protocol and short addresses."""

from proband.models.addresses import engines, open_engine
from proband.models.archive import PeopleEngine, ReplayEngine
from proband.models.engine import Ability, Cost, Engine
from proband.models.scripted import ScriptedEngine

__all__ = [
    "Ability",
    "Cost",
    "Engine",
    "PeopleEngine",
    "ReplayEngine",
    "ScriptedEngine",
    "engines",
    "open_engine",
]

"""Engines: everything that answers trials, behind one base class; `proband.addresses` names them."""

from proband.models.archive import PeopleEngine, ReplayEngine
from proband.models.engine import Ability, BaseEngine, Cost
from proband.models.scripted import ScriptedEngine

__all__ = ["Ability", "BaseEngine", "Cost", "PeopleEngine", "ReplayEngine", "ScriptedEngine"]

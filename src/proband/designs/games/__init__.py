"""Games: designs whose actions are items."""

from proband.designs.games.dilemma import PrisonersDilemma
from proband.designs.games.matches import Matches
from proband.designs.games.setting import Setting

__all__ = ["Matches", "PrisonersDilemma", "Setting"]

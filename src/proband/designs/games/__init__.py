"""Games: designs whose actions are items."""

from proband.designs.games.dilemma import PrisonersDilemma

__all__ = ["PrisonersDilemma"]

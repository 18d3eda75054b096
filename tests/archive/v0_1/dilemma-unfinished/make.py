"""The prisoner's dilemma with other payoffs and names of moves, stopped by a budget in the middle of a round."""

from proband import PrisonersDilemma
from proband.designs.games.dilemma import Payoffs

TRIALS = 33  # the budget


def design():
    return PrisonersDilemma(matches=6, rounds=5, seed=17, payoffs=Payoffs(6.0, 4.0, 2.0, 1.0), moves=("P", "Q"))


def engines():
    return {"model": "scripted:uniform?seed=3&refuse=0.05", "rival": "scripted:tit-for-tat"}

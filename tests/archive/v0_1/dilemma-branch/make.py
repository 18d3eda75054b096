"""A branch of ../dilemma at round 2: then temptation pays 20 points and a player who mostly defects plays."""

from proband import PrisonersDilemma
from proband.designs.games.dilemma import Payoffs

PARENT = "dilemma/run"  # as it was given to `branch`, from the folder v0_1
THROUGH_ROUND = 2


def design():
    return PrisonersDilemma(matches=6, rounds=5, seed=16, payoffs=Payoffs(temptation=20.0))


def engines():
    return {"model": "scripted:always?option=1&noise=0.5&seed=8", "rival": "scripted:tit-for-tat"}

"""A repeated prisoner's dilemma: 6 matches of 5 rounds, a random player against tit for tat."""

from proband import PrisonersDilemma


def design():
    return PrisonersDilemma(matches=6, rounds=5, seed=16)


def engines():
    return {"model": "scripted:uniform?seed=3", "rival": "scripted:tit-for-tat"}

"""Carrying a design out: plan, collect, branch."""

from proband.runs.branching import branch
from proband.runs.collection import collect
from proband.runs.planning import Plan, plan, show
from proband.runs.progress import Budget, Tally
from proband.runs.run import Run
from proband.runs.studies import carry_out

__all__ = ["Budget", "Plan", "Run", "Tally", "branch", "carry_out", "collect", "plan", "show"]

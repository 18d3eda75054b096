"""Carrying a design out: plan, collect, branch."""

from proband.runs.branching import branch
from proband.runs.collection import carry_out, collect
from proband.runs.planning import Plan, plan, show
from proband.runs.progress import Budget, Tally
from proband.runs.run import Run
from proband.runs.side_by_side import SideBySide

__all__ = ["Budget", "Plan", "Run", "SideBySide", "Tally", "branch", "carry_out", "collect", "plan", "show"]

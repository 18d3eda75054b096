"""Experiments as a kind: what stands under ``[experiment]``."""

from pydantic import Field

from proband.designs.experiment import Experiment
from proband.designs.kind import Kind, Shared
from proband.designs.kinds.survey import FACTORS, AskingTable


class ExperimentTable(AskingTable):
    """Factors that are assigned, blocks, and how items are asked: one level of each."""

    factors: dict[str, dict[str, str]] = Field(
        examples=['[experiment.factors.frame] control = "...", treated = "..."'],
        description=f"{FACTORS}; every subject gets one level of each, the first is the control",
    )
    block_by: str = Field(default="", description="trait within which assignment is balanced")


def _make(shared: Shared, table: ExperimentTable) -> Experiment:
    return Experiment(**table.settings(shared))


KIND = Kind(
    name="experiment",
    about="levels of factors assigned to subjects at random, and their effects on outcomes",
    keys=ExperimentTable,
    make=_make,
    analyses=(
        "effects",
        "interactions",
        "specifications",
        "scales",
        "shares",
        "response-style",
        "dispositions",
        "deviations",
    ),
    takes=frozenset(),
)

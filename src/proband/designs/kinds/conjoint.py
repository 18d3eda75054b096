"""Conjoint experiments as a kind: what stands under ``[conjoint]``."""

from pydantic import Field, StrictInt

from proband.designs.conjoint import Conjoint
from proband.designs.kind import Kind, Shared
from proband.designs.kinds.experiment import WhoTable


class ConjointTable(WhoTable):
    """Attributes, restrictions, tasks, and how items are asked: one level of each."""

    order: str | list[str] = Field(
        default="as_written",
        description="order of the options, as in `[survey]`; which profile is first is drawn anyway",
    )
    attributes: dict[str, list[str] | dict[str, str]] = Field(
        examples=['[conjoint.attributes] Age = ["30 years", "60 years"]'],
        description="attribute -> its levels, or level -> text that is shown",
    )
    not_together: list[dict[str, list[str]]] = Field(
        default=[],
        description='restrictions: `[{Education = ["none"], Profession = ["doctor"]}]` bars every profile that has one '
        "of the levels of each",
    )
    tasks: StrictInt = Field(default=5, description="tasks of every subject")
    profiles_per_task: StrictInt = Field(default=2, description="profiles that a task shows together")
    repeated_task: StrictInt = Field(
        default=0, description="number of the task that comes once more at the end, profiles in reverse; 0 for none"
    )
    profile: str = Field(default="Profile", description="what a profile is called: `Candidate` makes Candidate 1, 2")


def _make(shared: Shared, table: ConjointTable) -> Conjoint:
    settings = table.settings(shared)
    named = {
        name: dict(zip(levels, levels, strict=True)) if isinstance(levels, list) else levels
        for name, levels in table.attributes.items()
    }
    return Conjoint(**{**settings, "attributes": named})


KIND = Kind(
    name="conjoint",
    about="profiles with attributes drawn at random, compared and rated in several tasks",
    keys=ConjointTable,
    make=_make,
    analyses=("conjoint", "dispositions", "ethics", "deviations"),
    needs=frozenset({"instrument"}),
    takes=frozenset({"population", "ethics"}),
)

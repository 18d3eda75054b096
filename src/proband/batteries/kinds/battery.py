"""Batteries as a kind: what stands under ``[battery]``."""

from pathlib import Path

from pydantic import Field, StrictInt

from proband.batteries.asked import asked, check
from proband.batteries.battery import BATTERIES, Setting
from proband.designs.design import Design
from proband.designs.kind import Kind, Shared, Told
from proband.errors import DesignError
from proband.files import Table


class BatteryTable(Table):
    """Which battery, how much of it, and in which contexts."""

    use: str = Field(description="a name of `proband list batteries`", examples=['use = "crt"'])
    n: StrictInt | None = Field(default=None, description="generated items of each scale; by default the battery's own")
    quick: bool = Field(
        default=False, description="two orders and two wordings, no roles, and as many items as the battery says"
    )
    file: str = Field(default="", description="a file with the words of a battery that does not ship them")
    language: str = Field(default="en", description="BCP 47 tag, one of the battery's")
    contexts: dict[str, list[str]] = Field(
        default={},
        description="factor -> levels, in place of the battery's: `order`, `labels`, `answer_by` as in a survey; "
        "`wording` (`published`, `polite`, `plain`), `role` (`none`, `assistant`, `impersonated`), and its own",
    )
    replicates: StrictInt = Field(
        default=1, description="repeats of every trial; they differ only where answers are written"
    )
    also_written: bool = Field(
        default=False,
        description="answer in writing too, in the first context, to see how far that is from the probabilities",
    )


def _make(shared: Shared, table: BatteryTable) -> Design:
    battery = BATTERIES.load(table.use)
    setting = Setting(
        seed=shared.seed, is_quick=table.quick, n=table.n, language=table.language,
        contexts={name: tuple(levels) for name, levels in table.contexts.items()},
        file=str(shared.folder / Path(table.file).expanduser()) if table.file else "",
        members=() if "" in shared.engines else tuple(shared.engines),
    )  # fmt: skip
    if battery.design is None:
        return asked(battery, setting, replicates=table.replicates, also_written=table.also_written, title=shared.title)
    if table.contexts or table.replicates != 1 or table.also_written:
        raise DesignError(
            f"{shared.where}: battery {table.use!r} has a design of its own; take contexts, replicates and "
            "also_written out"
        )
    check(battery, setting)
    return battery.design(setting)


KIND = Kind(
    name="battery",
    about="a battery put to a model as itself, in every context of a grid",
    keys=BatteryTable,
    make=_make,
    analyses=(
        "traits",
        "bundles",
        "prospect",
        "exploration",
        "two-step",
        "shaping",
        "uses",
        "reading",
        "lexis",
        "dispositions",
        "deviations",
    ),
    needs=frozenset(),
    takes=frozenset(),
    told=Told(subject="model", is_of_models=True),
)

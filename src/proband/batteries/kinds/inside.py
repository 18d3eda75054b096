"""Changes inside a model as a kind: what stands under ``[inside]``."""

from pydantic import Field, StrictInt

from proband.batteries.asked import asked, check
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.inside import SideBySideDesign
from proband.designs.design import Design
from proband.designs.kind import Kind, Shared, Told
from proband.files import Table


class InsideTable(Table):
    """Which batteries are put to the engines of the study, which are one model changed by degree."""

    batteries: list[str] = Field(
        default=["mini-ipip", "held-out"],
        description="names of `proband list batteries`: what may move, and `held-out`, which tells whether "
        "the model still reads",
        min_length=1,
    )
    quick: bool = Field(default=True, description="fewer items and contexts, as the batteries say")
    n: StrictInt | None = Field(default=None, description="generated items of batteries that have a generator")


def _make(shared: Shared, table: InsideTable) -> Design:
    designs = []
    for name in table.batteries:
        battery = BATTERIES.load(name)
        setting = Setting(seed=shared.seed, is_quick=table.quick, n=table.n if battery.is_generated else None)
        check(battery, setting)
        designs.append(asked(battery, setting) if battery.design is None else battery.design(setting))
    return SideBySideDesign(
        designs=tuple(designs), models=tuple(shared.engines) or ("",), seed=shared.seed, title=shared.title
    )


KIND = Kind(
    name="inside",
    about="a model as it is and changed inside, by degree, on the same batteries",
    keys=InsideTable,
    make=_make,
    analyses=("inside", "lexis", "dispositions", "deviations"),
    needs=frozenset(),
    takes=frozenset(),
    told=Told(subject="model", unit="model", units="models", is_of_models=True),
)

"""Batteries made of instruments that ship: one call each."""

from collections.abc import Mapping, Sequence

from proband.batteries.battery import Battery, Discipline, Setting
from proband.instruments import load_instrument
from proband.instruments.items import Instrument


def from_catalogue(
    id: str,
    *,
    about: str,
    page: str,
    discipline: Discipline = "psychology",
    quick: Sequence[str] = (),
    contexts: Mapping[str, Sequence[str] | Mapping[str, str]] | None = None,
    awareness: tuple[str, ...] = (),
) -> Battery:
    """The battery that asks an instrument of the catalogue, with its scales, norms, source and licence.

    Parameters
    ----------
    id : str
        Of the instrument; the battery is called the same.
    about, page : str
        As `Battery` has them.
    quick : sequence of str
        Ids of the items that a quick portrait asks; all of them where none are named.
    contexts, awareness
        As `Battery` has them.
    """
    found = load_instrument(id)

    def instrument(setting: Setting) -> Instrument:
        return found.subset(tuple(quick)) if setting.is_quick and quick else found

    return Battery(
        name=id, title=found.title, about=about, discipline=discipline, source=found.source, licence=found.licence,
        page=f"{page} {found.artefacts}".strip(), instrument=instrument, contexts=contexts or {},
        languages=(found.language,), awareness=awareness,
    )  # fmt: skip

"""Records reached from others by what they cite, and by who cites them."""

from collections.abc import Iterable
from dataclasses import dataclass

from proband.literature.records.library import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Snowball:
    """What citations lead to.

    Attributes
    ----------
    backward, forward : tuple of str
        Ids of records that are cited by those one began with, and that cite them; in the library's order.
    absent : int
        References of those one began with to publications that are not in the library.
    without : int
        How many one began with of which the file gives no reference.
    """

    backward: tuple[str, ...]
    forward: tuple[str, ...]
    absent: int
    without: int


def snowball(library: Library, begin: Iterable[str]) -> Snowball:
    """One step backward and forward along citations.

    References are compared by identifier (DOI, PubMed, OpenAlex), so what has none is not reached.

    Examples
    --------
    >>> from proband.literature.records.library import library_of
    >>> from proband.literature.records.record import Record
    >>> old = Record(title="Nudge", doi="10.1/a", abstract="-")
    >>> new = Record(title="Nudged again", doi="10.1/b", references=("doi:10.1/a", "doi:10.1/z"), abstract="-")
    >>> snowball(library_of([old, new]), ["doi:10.1/b"])
    Snowball(backward=('doi:10.1/a',), forward=(), absent=1, without=0)
    """
    names = {
        name: id
        for id, record in library.records.items()
        for name in (id, f"doi:{record.doi}", f"pmid:{record.pmid}", f"openalex:{record.openalex}")
        if not name.endswith(":")
    }
    cites = {
        id: {names.get(name, library.aliases.get(name, "")) for name in record.references}
        for id, record in library.records.items()
        if record.references
    }
    start = {library.id_of(id) for id in begin}
    cited = {other for id in start for other in cites.get(id, ())}
    absent = {name for id in start for name in library.records[id].references if not _is_here(name, names, library)}
    return Snowball(
        backward=tuple(id for id in library.records if id in cited and id not in start),
        forward=tuple(id for id in library.records if id not in start and start & cites.get(id, set())),
        absent=len(absent),
        without=sum(id not in cites for id in start),
    )


def _is_here(name: str, names: dict[str, str], library: Library) -> bool:
    return name in names or name in library.aliases

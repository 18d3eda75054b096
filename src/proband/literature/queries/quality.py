"""How well queries do on labelled records, how much that varies, and what is won back of what they miss."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proband.errors import DataError
from proband.literature.queries.snowballing import snowball
from proband.literature.records.library import Library
from proband.literature.screening.simulation import labels_in
from proband.measures import Retrieval, retrieval
from proband.measures.screening.savings import labelled
from proband.models.labels import read_labels

LEVELS = ("engines", "ways", "wordings", "runs")
EARLY = (0.1, 0.25)  # shares of the records that are read by rank
Key = tuple[str, str, int, int]  # of a draft: engine, way, wording, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is found once more was read.

    Attributes
    ----------
    name : str
        What was added.
    n_read, n_relevant : int
        Records that are read by then, and how many of them are relevant.
    recall : float
        Share of the relevant records that is.
    """

    name: str
    n_read: int
    n_relevant: int
    recall: float


def labels_of(library: Library, given: str) -> dict[str, bool]:
    """Which records are relevant, out of a table of decisions or a column of the records' own file.

    Raises
    ------
    DataError
        If there is no such file or column, a record is not in the library, or all are of one kind.
    """
    if not Path(given).is_file():
        return dict(zip(library.records, labels_in(library, given).tolist(), strict=True))
    found = {library.id_of(id): label.is_included for id, label in read_labels(given).items()}
    labelled(list(found.values()))
    return found


def quality(found: Iterable[str], labels: Mapping[str, bool]) -> Retrieval:
    """Precision, recall and F of what was found, among the labelled records."""
    got = set(found)
    return retrieval([id in got for id in labels], list(labels.values()))


def spread(values: Mapping[Key, float]) -> dict[str, float]:
    """How far a value lies apart between runs, wordings, ways and engines: the mean range at each level.

    The value of a wording is the mean of its runs, that of a way the mean of its wordings, that of an engine the mean
    of its ways. A level at which nothing differs, because there was one of it, is left out.

    Examples
    --------
    >>> spread({("a", "one", 1, 1): 0.2, ("a", "one", 1, 2): 0.4, ("a", "one", 2, 1): 0.9})
    {'wordings': 0.6, 'runs': 0.2}
    """
    found: dict[str, float] = {}
    now: dict[tuple[object, ...], float] = {tuple(key): value for key, value in values.items()}
    for level in reversed(LEVELS):
        groups: dict[tuple[object, ...], list[float]] = {}
        for key, value in now.items():
            groups.setdefault(key[:-1], []).append(value)
        ranges = [max(group) - min(group) for group in groups.values() if len(group) > 1]
        if ranges:
            found[level] = round(sum(ranges) / len(ranges), 12)
        now = {key: sum(group) / len(group) for key, group in groups.items()}
    return {level: found[level] for level in LEVELS if level in found}


def recovered(
    library: Library, found: Iterable[str], labels: Mapping[str, bool], order: Sequence[str] = ()
) -> list[Stage]:
    """What a query finds, then what the citations of its relevant records add, then what the first by rank add.

    Parameters
    ----------
    library : Library
        The records.
    found : iterable of str
        Ids that the query found; all of them are read.
    labels : mapping of str to bool
        Of the labelled records, whether one is relevant.
    order : sequence of str
        All records by rank, where they were ranked.
    """
    total = sum(labels.values())
    if not 0 < total < len(labels):
        raise DataError(f"{total} of {len(labels)} labelled records are relevant; give labels of both kinds")
    read = {id for id in found if id in labels}
    stages = []

    def add(name: str) -> None:
        n = sum(labels[id] for id in read)
        stages.append(Stage(name=name, n_read=len(read), n_relevant=n, recall=n / total))

    add("query")
    if any(record.references for record in library.records.values()):
        led = snowball(library, [id for id in read if labels[id]])
        read |= {id for id in (*led.backward, *led.forward) if id in labels}
        add("and citations of what is relevant")
    ranked = [id for id in order if id in labels]
    for share in EARLY if ranked else ():
        read |= set(ranked[: int(share * len(ranked))])
        add(f"and the first {share:.0%} by rank")
    return stages

"""Rows of a table with texts and an outcome, split by place into A, on which hypotheses are found, and B, on which not.

B is for the test alone. What hangs together stays on one side, and no row stands on both.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from proband.errors import DataError, DesignError, meant
from proband.literature.records.record import plain
from proband.subjects.corpora.sources import documents_of
from proband.texts.gold.parts import AUDIT, DEVELOPMENT, HOLD_OUT, parts_of

Alike = Literal["refuse", "together"]
_LEAST = 20  # rows on either side, below which nothing is found or tested
_FEW = 10  # different numbers, up to which they are taken for names of groups


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of a table.

    Attributes
    ----------
    name : str
        Of their file.
    ids, labels, units : tuple of str
        One a row: its id, its outcome, and what is independent of all others.
    texts : mapping of str to tuple of str
        By column, the words of every row.
    outcome : str
        Column of the outcome.
    known : tuple of str
        Outcomes that a proposer knows of: those of A, on either side; empty: those that are there.
    content_hash : str
        Of everything above.
    """

    name: str
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    units: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]]
    outcome: str
    known: tuple[str, ...] = ()
    content_hash: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def levels(self) -> tuple[str, ...]:
        """Outcomes that are known of, sorted."""
        return self.known or tuple(sorted(set(self.labels)))

    @property
    def is_pair(self) -> bool:
        """Whether each row sets two texts against each other, and the outcome says for which."""
        return len(self.texts) == 2 and len(self.levels) == 2

    @property
    def whole(self) -> tuple[str, ...]:
        """All words of each row."""
        return tuple("\n".join(parts) for parts in zip(*self.texts.values(), strict=True))

    @property
    def told_alike(self) -> tuple[tuple[str, ...], ...]:
        """Of each row its texts as they are compared: two that are set against each other, whichever stands first."""
        return tuple(
            tuple(sorted(plain(part) or part for part in row)) for row in zip(*self.texts.values(), strict=True)
        )

    def take(self, places: Sequence[int]) -> "Rows":
        """Some of the rows."""
        ids, labels, units = (tuple(of[k] for k in places) for of in (self.ids, self.labels, self.units))
        return replace(
            self,
            ids=ids,
            labels=labels,
            units=units,
            texts={column: tuple(words[k] for k in places) for column, words in self.texts.items()},
        )


def read_rows(path: str | Path, outcome: str, *, texts: Sequence[str] = (), id: str = "", unit: str = "") -> Rows:
    """Rows of a `.csv`, `.tsv`, `.jsonl` (each also `.gz`) or `.parquet` file.

    Parameters
    ----------
    path : path
        The file.
    outcome : str
        Column of what is to be told from the texts: names, or numbers, which are halved at the median of A.
    texts : sequence of str
        Columns of texts; two set two texts against each other. Without, all columns in which most rows have three
        words or more.
    id, unit : str
        Columns of ids (rows are numbered from 1 without one), and of what hangs together: author, site, day.

    Raises
    ------
    DataError
        If a column is not there, an id stands twice, a text or an outcome is missing, or all outcomes are the same.
    """
    path = Path(path)
    rows = list(documents_of(path, separator="", encoding=""))
    if not rows:
        raise DataError(f"{path}: no rows")
    there = list(dict.fromkeys(name for _, row in rows for name in row))
    for role, name in (("outcome", outcome), ("id", id), ("unit", unit), *(("text", text) for text in texts)):
        if name and name not in there:
            raise DataError(f"{path.name}: no {role} column {name!r}{meant(name, there)}; it has {', '.join(there)}")
    columns = list(texts) or [
        name for name in there if name not in (outcome, id, unit)
        and np.median([len(str(row.get(name) or "").split()) for _, row in rows]) >= 3
    ]  # fmt: skip
    if not columns:
        raise DataError(f"{path.name}: no column of texts among {', '.join(there)}; name one with --text")
    for where, row in rows:
        for name in (outcome, *columns):
            if row.get(name) is None or not str(row[name]).strip():
                raise DataError(f"{where}: {name!r} is empty; fill it in, or leave the row out")
        if nameless := next(
            (name for name in (id, unit) if name and str(row.get(name, "")).strip() in ("", "None")), ""
        ):
            raise DataError(f"{where}: {nameless!r} is empty, so what hangs together cannot be kept on one side; fill "
                            "it in, or leave the row out")  # fmt: skip
    ids = [str(row[id]) if id else str(k) for k, (_, row) in enumerate(rows, start=1)]
    if len(set(ids)) < len(ids):
        [(twice, _)] = Counter(ids).most_common(1)
        raise DataError(f"{path.name}: id {twice!r} is there twice; give each row an id of its own")
    held = {name: tuple(str(row[name]) for _, row in rows) for name in (outcome, *columns)}
    if len(set(held[outcome])) < 2:
        raise DataError(f"{path.name}: {outcome!r} is {held[outcome][0]!r} in every row, so nothing tells rows apart")
    units = tuple(str(row[unit]).strip() if unit else name for name, (_, row) in zip(ids, rows, strict=True))
    told = hashlib.blake2b(repr((tuple(ids), units, held)).encode(), digest_size=16).hexdigest()
    labels = held.pop(outcome)
    return Rows(name=path.name, ids=tuple(ids), labels=labels, units=units, texts=held, outcome=outcome,
                content_hash=told)  # fmt: skip


def split_rows(rows: Rows, *, share: float = 0.5, seed: int = 1, alike: Alike = "refuse") -> tuple[Rows, Rows]:
    """Rows of A and rows of B, each unit on the side that its place draws.

    Parameters
    ----------
    rows : Rows
        All of them.
    share : float
        Of the units that go to A.
    seed : int
        Of the draw.
    alike : {"refuse", "together"}
        Rows with the same words on both sides, in whatever order of their texts: B would then hold what was seen.
        `together` makes all rows that share a text one unit.

    Returns
    -------
    A, B : Rows
        An outcome of more than 10 different numbers is halved at the median of A in both.

    Raises
    ------
    DataError
        If rows in A and B are alike, which are named; if a side has fewer than 20 rows, or A one outcome only.
    DesignError
        If `share` leaves nothing for one side.
    """
    if not 0.1 <= share <= 0.9:
        raise DesignError(f"share {share}: A gets from 0.1 to 0.9 of the rows, B the rest")
    words = rows.told_alike
    units = _joined(rows.units, words) if alike == "together" else rows.units
    shares = {DEVELOPMENT: share, HOLD_OUT: 0.0, AUDIT: 1 - share}
    part_of = parts_of(rows.ids, dict(zip(rows.ids, units, strict=True)), shares, seed)
    in_a = [part_of[id] == DEVELOPMENT for id in rows.ids]
    first = {text: id for text, id, is_a in zip(words, rows.ids, in_a, strict=True) if is_a}
    both = [
        (first[text], id) for text, id, is_a in zip(words, rows.ids, in_a, strict=True) if not is_a and text in first
    ]
    if both:
        pairs = ", ".join(f"{one!r} and {other!r}" for one, other in both[:3])
        raise DataError(
            f"{rows.name}: {len(both)} rows of B have the words of a row of A: {pairs}; what was seen in A is no test "
            "in B. Take them out, or keep rows with the same words on one side (--alike together)"
        )
    kept = replace(rows, units=tuple(units))
    a, b = (kept.take([k for k, is_a in enumerate(in_a) if is_a == side]) for side in (True, False))
    for name, side in (("A", a), ("B", b)):
        if len(side) < _LEAST:
            raise DataError(f"{rows.name}: {name} has {len(side)} rows, and {_LEAST} are the least; take another share")
    a, b = _halved(a, b)
    if len(a.levels) < 2:
        raise DataError(f"{rows.name}: every row of A has the outcome {a.labels[0]!r}; take another seed or share")
    # An outcome of B alone is a miss for whatever is foretold, and one of A alone may be foretold in vain.
    return replace(a, known=a.levels), replace(b, known=a.levels)


def _joined(units: Sequence[str], texts: Sequence[Sequence[str]]) -> list[str]:
    """Units that share a text, directly or through others, as one, under the name of its first row's unit."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = [(("unit", unit), ("text", text)) for unit, row in zip(units, texts, strict=True) for text in row]
    nodes = {node: k for k, node in enumerate(dict.fromkeys(node for pair in pairs for node in pair))}
    ends = [nodes[unit] for unit, _ in pairs], [nodes[text] for _, text in pairs]
    graph = coo_array((np.ones(len(pairs)), ends), shape=(len(nodes), len(nodes)))
    _, of = connected_components(graph, directed=False)
    named = dict[int, str]()
    return [named.setdefault(int(of[nodes["unit", unit]]), unit) for unit in units]


def _halved(a: Rows, b: Rows) -> tuple[Rows, Rows]:
    try:
        numbers = [float(label) for label in a.labels], [float(label) for label in b.labels]
    except ValueError:
        return a, b
    if len({*numbers[0], *numbers[1]}) <= _FEW:
        return a, b
    cut = float(np.median(numbers[0]))
    names = {True: f"above {cut:g}", False: f"at most {cut:g}"}
    labels = [tuple(names[number > cut] for number in side) for side in numbers]
    return replace(a, labels=labels[0]), replace(b, labels=labels[1])

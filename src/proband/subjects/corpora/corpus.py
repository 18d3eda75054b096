"""A corpus: documents by id, with what is known of each beside its words."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from proband.errors import DataError, meant
from proband.files import Remark
from proband.notebook import html_table
from proband.subjects.corpora.holding import HeldTexts

if TYPE_CHECKING:
    import polars as pl

RESULT_COLUMNS = ("item", "coder", "code", "probs", "n", "orders_agree")
"""Columns of the table of codes; a corpus that brings one of them was coded before, or would be taken for it."""
_AT_ONCE = 65_536  # rows


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Corpus:
    """Documents, each once, in the order of their file.

    Attributes
    ----------
    name : str
        How it is called in reports.
    columns : polars.DataFrame
        One row a document, first its id as `document`, then what else the file says of it, without the texts.
    texts : HeldTexts
        The words; shared by all corpora that were taken from this one.
    rows : sequence of int
        For each document its number in `texts`.
    digests : bytes
        16 bytes for each text in `texts`: what tells that two are the same.
    unit, date : str
        Columns of what is independent (author, source) and of the day; empty where there is none.
    remarks : tuple of Remark
        What was noticed while it was read.
    """

    name: str
    columns: "pl.DataFrame"
    texts: HeldTexts
    rows: Sequence[int]
    digests: bytes
    unit: str = ""
    date: str = ""
    remarks: tuple[Remark, ...] = field(default=())

    def __post_init__(self) -> None:
        for role, name in (("unit", self.unit), ("date", self.date)):
            if name and name not in self.columns.columns[1:]:
                there = ", ".join(self.columns.columns[1:]) or "none"
                raise DataError(f"{self.name} has no {role} column {name!r}{meant(name, there)}; there are {there}")

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Corpus {self.name!r}" + "".join(f"\n  {name}: {text}" for name, text in self._told())

    def _repr_html_(self) -> str:
        return html_table(self._told(), ("corpus", self.name))

    def _told(self) -> list[tuple[str, str]]:
        n_units = self.columns[self.unit].n_unique() if self.unit else 0
        unit = [("unit", f"{self.unit} ({n_units:,})")] if self.unit else []
        columns = ", ".join(self.columns.columns[1:]) or "none"
        remarks = [("remark", str(remark)) for remark in self.remarks]
        return [("documents", f"{len(self):,}"), ("columns", columns), *unit, *remarks]

    @property
    def ids(self) -> list[str]:
        """Ids in the order of the documents."""
        return self.columns["document"].to_list()

    def text(self, id: str) -> str:
        """The words of a document."""
        place = self._places.get(id)
        if place is None:
            raise DataError(f"{self.name} has no document {id!r}{meant(id, self.ids[:2_000])}")
        return self.texts[self.rows[place]]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {id: place for place, id in enumerate(self.columns["document"])}

    @cached_property
    def content_hash(self) -> str:
        """32 hexadecimal digits over ids, texts and columns, in their order."""
        seen = hashlib.blake2b(digest_size=16)
        for row in self.rows:
            seen.update(self.digests[16 * row : 16 * row + 16])
        # As the text of a table: how polars lays out its memory may change from version to version.
        for part in self.columns.iter_slices(_AT_ONCE):
            seen.update(part.write_csv().encode())
        return seen.hexdigest()

    def unit_of(self, id: str) -> str:
        """What a document belongs to: its author or source; the document itself where none is known."""
        found = self.columns[self.unit][self._places[id]] if self.unit else None
        return id if found is None else str(found)

    def take(self, ids: Sequence[str]) -> "Corpus":
        """The corpus cut to some documents, in the order given; the words are not copied."""
        if lost := [id for id in ids if id not in self._places]:
            more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
            raise DataError(f"{self.name} has no document {', '.join(map(repr, lost[:5]))}{more}")
        if len(set(ids)) < len(ids):
            twice = next(id for k, id in enumerate(ids) if id in ids[:k])
            raise DataError(f"{self.name}: document {twice!r} was asked for twice; a document stands in a corpus once")
        places = [self._places[id] for id in ids]
        return Corpus(
            name=self.name,
            columns=self.columns[places],
            texts=self.texts,
            rows=[self.rows[place] for place in places],
            digests=self.digests,
            unit=self.unit,
            date=self.date,
            remarks=self.remarks,
        )


def corpus_of(name: str, columns: "pl.DataFrame", words: Iterable[str]) -> Corpus:
    """A corpus of texts that are at hand: one row of `columns` a text, its id as `document`."""
    texts, digests = HeldTexts(), bytearray()
    for text in words:
        encoded = text.encode(errors="replace")
        texts.add(encoded)
        digests += hashlib.blake2b(encoded, digest_size=16).digest()
    texts.close()
    return Corpus(name=name, columns=columns, texts=texts, rows=range(len(texts)), digests=bytes(digests))

"""A library: the records of some files, each publication once."""

import gc
import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from proband.errors import DataError, meant
from proband.files import Remark, Remarks, rows_of, separator_of
from proband.literature.records.duplicates import Apart, Merge, merged
from proband.literature.records.fields import PAGES, doi_in
from proband.literature.records.reading import records_of
from proband.literature.records.record import Record, plain
from proband.literature.records.tables import COLUMNS
from proband.notebook import html_table
from proband.subjects.delimited import text_in

if TYPE_CHECKING:
    import polars as pl

    from proband.subjects.corpora import Corpus


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Library:
    """Records by id, in the order of their files.

    Attributes
    ----------
    name : str
        How it is called in reports.
    records : mapping
        Id -> record.
    merges : tuple of Merge
        Which records were taken for one.
    flow : mapping
        Counts for the diagram: records of each file, of all, merged, left.
    remarks : tuple of Remark
        What was noticed while the files were read.
    aliases : mapping
        Id of a record that was merged into another -> id of that.
    """

    name: str
    records: Mapping[str, Record]
    merges: tuple[Merge, ...] = ()
    flow: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"Library {self.name!r}" + "".join(f"\n  {name}: {text}" for name, text in self._told())

    def _repr_html_(self) -> str:
        return html_table(self._told(), ("library", self.name))

    def _told(self) -> list[tuple[str, str]]:
        n_bare = sum(not record.abstract for record in self.records.values())
        bare = [("without abstract", f"{n_bare:,}")] if n_bare else []
        merged = [("taken for one", f"{len(self.merges):,}")] if self.merges else []
        return [("records", f"{len(self):,}"), *merged, *bare, *(("remark", str(told)) for told in self.remarks[:20])]

    def __getitem__(self, id: str) -> Record:
        return self.records[self.id_of(id)]

    def id_of(self, id: str) -> str:
        """The id that a record has here, also when it was merged into another."""
        found = self.aliases.get(id, id)
        if found not in self.records:
            raise DataError(f"{self.name} has no record {id!r}{meant(id, list(self.records)[:2_000])}")
        return found

    @cached_property
    def content_hash(self) -> str:
        """32 hexadecimal digits over everything the records say, in their order."""
        seen = hashlib.blake2b(digest_size=16)
        for id, record in self.records.items():
            told = {name: value for name, value in vars(record).items() if name not in ("id", "source", "other")}
            seen.update(repr((id, told, sorted(record.other.items()))).encode(errors="replace"))
        return seen.hexdigest()

    @cached_property
    def columns(self) -> "pl.DataFrame":
        """One row a record: its id as `record`, what it says without its abstract, and columns its files have beside.

        A column of the file that is called as one of these has `_in_file` behind its name.
        """
        import polars as pl  # heavy

        from proband.subjects.columns import typed

        rows = list(self.records.items())
        frame = pl.DataFrame(
            {
                "record": [id for id, _ in rows],
                "title": [record.title for _, record in rows],
                "authors": ["; ".join(record.authors) or None for _, record in rows],
                "year": [record.year for _, record in rows],
                **{name: [getattr(record, name) or None for _, record in rows] for name in COLUMNS[4:]},
            },
            schema={name: pl.Int64 if name == "year" else pl.String for name in COLUMNS},
        )
        names = dict.fromkeys(name for _, record in rows for name in record.other)
        others = [
            typed(
                pl.Series(
                    _renamed(name, names), [record.other.get(name) or None for _, record in rows], dtype=pl.String
                )
            )
            for name in names
        ]
        return frame.with_columns(others) if others else frame

    def corpus(self) -> "Corpus":
        """Titles and abstracts as documents, for whatever reads texts; their ids are those of the records."""
        from proband.subjects.corpora import RESULT_COLUMNS, corpus_of

        kept = self.columns.drop("title", *RESULT_COLUMNS, strict=False)
        names = {"document": "document_in_file", "record": "document"}
        words = (record.text for record in self.records.values())
        return corpus_of(self.name, kept.rename(names, strict=False), words)

    def page_of(self, id: str, start: int) -> int | None:
        """Page of the paper that a place in a record's text is on, from 1; None where the text came without pages."""
        from bisect import bisect_right

        starts = [int(start) for start in self[id].other.get(PAGES, "").split()]
        return max(1, bisect_right(starts, start)) if starts else None

    def take(self, ids: Sequence[str]) -> "Library":
        """The library cut to some records, in the order given; merges and counts stay those of the whole."""
        found = [self.id_of(id) for id in ids]
        if len(set(found)) < len(found):
            twice = next(id for k, id in enumerate(found) if id in found[:k])
            raise DataError(f"{self.name}: record {twice!r} was asked for twice; a record stands in a library once")
        return replace(self, records={id: self.records[id] for id in found})


def read_library(
    *paths: str | Path,
    encoding: str = "",
    duplicates: Literal["merge", "keep"] = "merge",
    apart: Iterable[tuple[str, str]] = (),
    marks: Mapping[str, str | Path] | None = None,
) -> Library:
    r"""Read records from files, and take those of one publication for one.

    Parameters
    ----------
    paths : str or Path
        Files, or folders of them: RIS, PubMed's nbib, BibTeX, JSON of OpenAlex, Crossref or CSL, tables
        (``.csv``, ``.tsv``, ``.jsonl``, ``.parquet``, Excel), and single papers as ``.pdf``, ``.txt`` or ``.md``.
    encoding : str
        Of text files without byte order mark that are not UTF-8.
    duplicates : {"merge", "keep"}
        Whether records of one publication are made one.
    apart : iterable of pairs of str
        Places of records that are no duplicates, as the merges name them: ``("a.ris:12", "b.csv:3")``.
    marks : mapping of str to str or Path
        Column -> file with a list: a record that the list names, by DOI, PMID, title, journal or ISSN, has true in
        that column, any other false. ``{"retracted": "retractions.csv", "predatory": "journals.txt"}``

    Returns
    -------
    Library
        Its `remarks` name by file and line what was damaged and mended.

    Raises
    ------
    DataError
        If a file is absent, of no known format, has no record or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "two.ris")
    ...     _ = path.write_text("TY  - JOUR\nTI  - Nudges\nPY  - 2019\nTY  - JOUR\nTI  - Defaults\nER  - \n")
    ...     len(read_library(path))
    2
    """
    if not paths:
        raise DataError("no file of records; name at least one")
    remarks, counts, found = Remarks(), dict[str, int](), list[Record]()
    with _no_passes():
        for path in map(Path, paths):
            n = len(found)
            found += records_of(path, remarks, encoding=encoding)
            if len(found) == n:
                raise DataError(f"{path}: no record in it; is it the file that was exported?")
            if path.name in counts:
                remarks.say(
                    path.name, "two files are called so, and places in merges do not tell them apart", "rename one"
                )
            counts[path.name] = counts.get(path.name, 0) + len(found) - n
        for mark, named in (marks or {}).items():
            found = _marked(found, mark, Path(named), remarks)
        kept_apart = [frozenset(pair) for pair in apart] if duplicates == "merge" else None
        places = {record.source for record in found} if kept_apart else set()
        if strange := [place for pair in kept_apart or () for place in sorted(pair - places)]:
            raise DataError(
                f"apart: no record begins at {strange[0]!r}{meant(strange[0], places)}; give two places as the list of "
                "merges names them"
            )
        return library_of(found, name=" and ".join(counts), counts=counts, remarks=remarks, apart=kept_apart)


def _renamed(name: str, there: Container[str]) -> str:
    """A column of a file under a name that neither the house nor the file has; the house's own tables have both."""
    renamed = f"{name}_in_file" if name in COLUMNS else name
    while renamed != name and renamed in there:
        renamed = f"{renamed}_in_file"
    return renamed


def _marked(records: Sequence[Record], mark: str, path: Path, remarks: Remarks) -> list[Record]:
    """Records with a column that says whether a list names them."""
    text = text_in(path)
    cells = {cell for _, row in rows_of(text, separator_of(text, ","), path.name, error=DataError) for cell in row}
    dois, words = {doi for cell in cells if (doi := doi_in(cell))}, {plain(cell) for cell in cells} - {""}
    if not words:
        raise DataError(f"{path}: no entry in it; give DOIs, PMIDs, titles, journals or ISSNs, one a line")

    def is_named(record: Record) -> bool:
        said = (record.pmid, *record.other.get("SN", "").split(), record.other.get("ISSN", ""), record.venue)
        title = plain(record.title)
        return record.doi in dois or (title in words and title.count(" ") > 2) or any(plain(s) in words for s in said)

    told = [is_named(record) for record in records]
    remarks.say(path.name, f"{sum(told)} of {len(records):,} records are marked as {mark}")
    return [
        replace(record, other={**record.other, mark: "true" if is_marked else "false"})
        for record, is_marked in zip(records, told, strict=True)
    ]


@contextmanager
def _no_passes() -> Iterator[None]:
    """Read without passes of the garbage collector: nothing read holds itself, and they take a quarter of the time."""
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()


def library_of(
    records: Iterable[Record],
    *,
    name: str = "library",
    counts: Mapping[str, int] | None = None,
    remarks: Remarks | None = None,
    apart: Apart | None = (),
) -> Library:
    """Records as a library; where `apart` is None, none is taken for another."""
    given = list(records)
    remarks = remarks or Remarks()
    kept, merges, aliases = merged(given, remarks, apart)
    bare = sum(not record.abstract for record in kept.values())
    if bare:
        remarks.say(name, f"{bare:,} of {len(kept):,} records have no abstract and are judged by their title")
    flow = {**(counts or {}), "records": len(given), "merged": len(given) - len(kept), "left": len(kept)}
    return Library(
        name=name, records=kept, merges=tuple(merges), flow=flow, remarks=tuple(remarks.found), aliases=aliases
    )

"""Extraction: a form of record items put to one or several extractors over windows of every paper."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from proband.errors import DataError, meant
from proband.estimates import Estimate
from proband.instruments.codebooks import Codebook, load_codebook
from proband.instruments.extraction import Unfound, json_in, record_in
from proband.literature.evidence.asking import Engine, collected
from proband.literature.evidence.wording import stems_of, wording_of
from proband.literature.records.library import Library
from proband.literature.records.record import plain
from proband.literature.spans import Span, moved
from proband.measures.agreement.krippendorff import krippendorff_alpha
from proband.records import RecordField, Reply
from proband.subjects.corpora import LongTexts
from proband.texts.coders import Coder
from proband.texts.design import Coding
from proband.texts.gold.tables import read_table

if TYPE_CHECKING:
    import polars as pl

FORM, CUES = "evidence", "cues"
WINDOWS = LongTexts(long="windows", most=8_000, overlap=400)
COLUMNS = ("record", "field", "value", "start", "end", "quotation", "page", "by")
_COVERED = 0.6  # share of the content words of a value in words that its quotation must have


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value of a field, and the words that say it; a cell without these is not made."""

    record: str
    field: str
    value: str
    span: Span
    by: str


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What extractors took from papers.

    Attributes
    ----------
    cells : tuple of Cell
        By record, extractor and field; what is empty is not there.
    dropped : tuple of (record, extractor, why)
        Values that were given and not kept: their words do not stand in the paper, or do not say them.
    fields : tuple of str
        Of the form.
    extractors : tuple of str
        Their names.
    records : tuple of str
        That were read.
    mute : frozenset of str
        Records of which a reply was no record at all: whoever gave it has not said that there is nothing to find.
    """

    cells: tuple[Cell, ...]
    dropped: tuple[tuple[str, str, str], ...]
    fields: tuple[str, ...]
    extractors: tuple[str, ...]
    records: tuple[str, ...]
    mute: frozenset[str] = frozenset()

    @property
    def table(self) -> "pl.DataFrame":
        """The table `evidence`: one row for each cell."""
        import polars as pl

        rows = [
            (c.record, c.field, c.value, c.span.start, c.span.end, c.span.text, c.span.page, c.by) for c in self.cells
        ]
        types = [pl.String, pl.String, pl.String, pl.Int64, pl.Int64, pl.String, pl.Int64, pl.String]
        return pl.DataFrame(rows, schema=dict(zip(COLUMNS, types, strict=True)), orient="row")

    def agreement(self) -> dict[str, tuple[float, Estimate | None]]:
        """By field, on which share of the records all extractors have the same, and Krippendorff's alpha.

        An empty cell is a value of its own: to find nothing is a finding. Records that are `mute` do not count. Values
        are compared without case, accents and punctuation. There is no alpha where all cells are alike.

        Raises
        ------
        DataError
            If there is one extractor.
        """
        if len(self.extractors) < 2:
            raise DataError(f"one extractor, {self.extractors[0]!r}: agreement takes two; name another engine")
        given = {(c.record, c.field, c.by): plain(c.value) for c in self.cells}
        found = dict[str, tuple[float, Estimate | None]]()
        read = [record for record in self.records if record not in self.mute]
        for field in self.fields if read else ():
            rows = [[given.get((record, field, by), "") for by in self.extractors] for record in read]
            same = sum(len(set(row)) == 1 for row in rows) / len(rows)
            values = sorted({value for row in rows for value in row})
            codes = [[values.index(value) for value in row] for row in rows]
            alpha = krippendorff_alpha(codes, "nominal") if len(values) > 1 else None
            found[field] = same, alpha
        return found


def extract(
    library: Library,
    *,
    engines: Mapping[str, Engine] | None = None,
    form: str | Path | Codebook = FORM,
    long: LongTexts = WINDOWS,
    folder: Path | None = None,
) -> Extraction:
    """Fill a form from every record of a library.

    Parameters
    ----------
    library : Library
        Whose titles and abstracts, or whole papers, are read.
    engines : mapping of str to str or BaseEngine, optional
        By name of the extractor, who fills the form; two for double extraction. By default `cues`, without a model.
    form : str, path or Codebook
        A codebook with questions of form record; by default `evidence` of the catalogue.
    long : LongTexts
        What is done with long papers; by default windows of 8,000 characters. Of several windows the first that says
        something fills a cell.
    folder : path, optional
        Where the run is kept, so that an extraction that was stopped goes on.

    Returns
    -------
    Extraction
        Each cell has a value, its words in the paper, their place and page. A value whose words are not in the paper,
        or do not have its number or its words, is dropped and listed; the other cells of its reply are kept.

    Raises
    ------
    DataError
        If the form has no record to fill.
    EngineError
        If an extractor was not asked to the end.
    """
    book = form if isinstance(form, Codebook) else load_codebook(form)
    if not (items := [item for item in book.items if item.form == "record"]):
        raise DataError(f"form {book.id!r} has no question of form 'record'; give one, with its fields")
    engines = engines or {CUES: CUES}
    coders = tuple(
        Coder(name=name, answer_by="written", questions=tuple(item.id for item in items)) for name in engines
    )
    design = Coding(codebook=book, corpus=library.corpus(), coders=coders, long=long, title=f"Evidence: {library.name}")
    with TemporaryDirectory() as nowhere:
        responses = collected(design, engines, (folder or Path(nowhere)) / "extraction").responses()
    cells, dropped, mute = dict[tuple[str, str, str], Cell](), list[tuple[str, str, str]](), set[str]()
    for trial in design.trials({}):
        response, record, by = responses[trial.place.id], trial.place.subject, trial.answerer
        text = library[record].text
        offset = max(text.find(trial.reply.source), 0)
        told = response.text if response.text is not None else response.answer
        try:
            filled = _fields(str(told or ""), trial.reply)
        except Unfound as error:
            dropped.append((record, by, str(error)))
            mute.add(record)
            continue
        for field, found, why in filled:
            if why:
                dropped.append((record, by, why))
            elif found:
                start, end = offset + found["start"], offset + found["end"]
                span = Span(
                    record=record, start=start, end=end, text=found["quote"], page=library.page_of(record, start)
                )
                value = found["value"] if isinstance(found["value"], str) else f"{found['value']:.12g}"
                cell = Cell(record=record, field=field.name, value=value, span=span, by=by)
                cells.setdefault((record, by, field.name), cell)
    return Extraction(
        cells=tuple(cells.values()), dropped=tuple(dropped), extractors=tuple(engines), records=tuple(library.records),
        fields=tuple(field.name for item in items for field in item.fields), mute=frozenset(mute),
    )  # fmt: skip


def _fields(text: str, reply: Reply) -> list[tuple[RecordField, dict[str, Any], str]]:
    """Each field of a reply with what was found, and why it is not kept; one by one, so that others stand."""
    given, kept = json_in(text, dict), list[tuple[RecordField, dict[str, Any], str]]()
    for field in (field for field in reply.fields if given.get(field.name) is not None):
        alone = replace(field, quoted=True)
        try:
            one = json.loads(record_in(json.dumps({field.name: given[field.name]}), replace(reply, fields=(alone,))))
        except Unfound as error:
            kept.append((field, {}, str(error)))
            continue
        found = one[field.name]
        kept.append((field, found, _unsaid(field, found["value"], found["quote"])))
    return kept


def _unsaid(field: RecordField, value: str | float, quote: str) -> str:
    """Why words do not say a value; of a choice nothing is asked but that there are words."""
    said, there = wording_of(str(value)), wording_of(quote)
    if field.kind == "number" and not any(number == float(value) for number, _ in there.numbers):
        return f"field {field.name!r}: {value:g} does not stand in {quote!r}"
    if field.kind == "text":
        if strange := said.numbers - there.numbers:
            return f"field {field.name!r}: number {next(iter(strange))[0]:g} does not stand in {quote!r}"
        if len(said.stems & there.stems) < _COVERED * len(said.stems):
            return f"field {field.name!r}: {value!r} is not what {quote!r} says"
    return ""


def read_evidence(path: Path, library: Library, form: str | Path | Codebook = FORM) -> tuple[Cell, ...]:
    """Cells from a table `evidence`, over the library as it is now; values may be edited, where their words say them.

    Raises
    ------
    DataError
        If a field is not the form's, a record is gone, words are lacking or stand there no more, or do not say what
        stands beside them; the line is named.
    """
    corpus, cells, seen = library.corpus(), list[Cell](), set[tuple[str, str, str]]()
    book = form if isinstance(form, Codebook) else load_codebook(form)
    fields = {field.name: field for item in book.items for field in item.fields}
    for where, row in read_table(path, COLUMNS):
        if not (row["start"].isdigit() and row["end"].isdigit()):
            raise DataError(f"{where}: start and end are {row['start']!r} and {row['end']!r}, not places in a text")
        if row["field"] not in fields:
            raise DataError(f"{where}: no field {row['field']!r}{meant(row['field'], fields)}; form {book.id!r} has "
                            f"{', '.join(fields)}")  # fmt: skip
        if not row["value"].strip() or not row["quotation"].strip():
            raise DataError(f"{where}: {row['field']} has no value, or no words that say it; fill in both, or take the "
                            "row out: a cell without words is empty")  # fmt: skip
        if (place := (row["record"], row["field"], row["by"])) in seen:
            raise DataError(f"{where}: {row['by']!r} filled {row['field']} of this record in a row above; keep one")
        seen.add(place)
        span = Span(record=row["record"], start=int(row["start"]), end=int(row["end"]), text=row["quotation"])
        try:
            span = moved(span, corpus)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None
        strange = wording_of(row["value"]).numbers - wording_of(span.text).numbers
        # Who edits may use words of their own, but not all of them, unless they choose among options.
        stems = stems_of(row["value"])
        is_other = fields[row["field"]].kind == "text" and stems and not stems & stems_of(span.text)
        if row["value"] != span.text and (strange or is_other):
            raise DataError(
                f"{where}: {row['field']} is {row['value']!r}, and its words are {span.text!r}; correct the value, or "
                "give the words that say it, with their places"
            )
        page = library.page_of(span.record, span.start)
        cells.append(Cell(record=span.record, field=row["field"], value=row["value"], span=replace(span, page=page),
                          by=row["by"]))  # fmt: skip
    return tuple(cells)


def extraction_of(cells: Sequence[Cell], library: Library) -> Extraction:
    """An extraction of cells that were read from a table."""
    return Extraction(
        cells=tuple(cells), dropped=(), records=tuple(library.records),
        fields=tuple(dict.fromkeys(cell.field for cell in cells)),
        extractors=tuple(dict.fromkeys(cell.by for cell in cells)) or (CUES,),
    )  # fmt: skip


def records_extracted(cells: Sequence[Cell], field: str) -> dict[str, Cell]:
    """By record its cell of a field, the first extractor's where several have one."""
    found = dict[str, Cell]()
    for cell in cells:
        if cell.field == field:
            found.setdefault(cell.record, cell)
    return found

"""A synthesis as files: a table that can be read again, and Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from proband.errors import DataError
from proband.literature.evidence.checks import check
from proband.literature.evidence.sentences import Sentence, Shown, told
from proband.literature.evidence.synthesis import Synthesis
from proband.literature.records.library import Library
from proband.literature.records.record import Record
from proband.literature.spans import Span, moved
from proband.texts.gold.tables import read_table, table_text

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("number", "sentence", "by", "failed", "why", "record", "reference", "start", "end", "quotation", "page")


def synthesis_csv(found: Synthesis) -> str:
    """Every sentence as CSV, one row for each span it cites: what was removed too, with why."""
    rows = []
    for number, checked in enumerate(found.checked, start=1):
        sentence = checked.sentence
        own = {"number": number, "sentence": sentence.text, "by": sentence.by, "failed": checked.failed or "",
               "why": checked.why}  # fmt: skip
        spans: list[Span | None] = [*found.shown.cited(sentence)]
        for span in spans or [None]:
            cited = {} if span is None else {
                "record": span.record, "reference": told(found.shown.records[span.record]), "start": span.start,
                "end": span.end, "quotation": span.text, "page": span.page or "",
            }  # fmt: skip
            rows.append(dict.fromkeys(COLUMNS, "") | own | cited)
    return table_text(COLUMNS, rows)


def read_synthesis(path: Path, library: Library, *, question: str = "") -> Synthesis:
    """A synthesis from its table, over the library as it is now; sentences may be edited, and are checked anew.

    Raises
    ------
    DataError
        If a reference was edited so that it is not the record's, a record is gone, or a quotation stands there no
        more; line and record are named.
    """
    corpus, spans, sentences = library.corpus(), dict[Span, int](), dict[str, tuple[str, str, list[int]]]()
    for where, row in read_table(path, COLUMNS):
        text, by, numbers = sentences.setdefault(row["number"], (row["sentence"], row["by"], []))
        if (text, by) != (row["sentence"], row["by"]):
            raise DataError(f"{where}: sentence {row['number']} reads otherwise than in the row above; edit both")
        if not row["record"]:
            continue
        if row["record"] not in library.records:
            raise DataError(f"{where}: record {row['record']!r} is not in {library.name}; read its file too, or remove "
                            "the row")  # fmt: skip
        if (right := told(library[row["record"]])) != row["reference"]:
            raise DataError(
                f"{where}: the reference is {row['reference']!r}, and record {row['record']!r} is {right!r}; correct "
                "it there, or correct the record in the file that it was read from"
            )
        if not (row["start"].isdigit() and row["end"].isdigit()):
            raise DataError(f"{where}: start and end are {row['start']!r} and {row['end']!r}, not places in a text")
        quoted = Span(record=row["record"], start=int(row["start"]), end=int(row["end"]), text=row["quotation"])
        numbers.append(spans.setdefault(moved(quoted, corpus), len(spans) + 1))
    shown = Shown.of(library, list(spans))
    written = [Sentence(text=text, by=by, spans=tuple(numbers)) for text, by, numbers in sentences.values()]
    by = written[0].by if written else ""
    return Synthesis(question=question, by=by, shown=shown, checked=tuple(check(written, shown, corpus)),
                     library_hash=library.content_hash)  # fmt: skip


def markdown(found: Synthesis) -> str:
    """A synthesis with its references and quotations, and what was removed, as Markdown."""
    records = found.cited
    numbers = {record.id: k for k, record in enumerate(records, start=1)}
    lines = [f"# {found.question or 'What the records say'}", ""]
    lines += [f"{cited_line(found, sentence, numbers)}\n" for sentence in found.sentences]
    lines += [] if found.sentences else [f"{found.silence}\n"]
    lines += ["## References", "", *(f"{k}. {reference(record)}" for k, record in enumerate(records, start=1)), ""]
    lines += ["## What each sentence rests on", ""]
    for sentence in found.sentences:
        lines.append(f"- {sentence.text}")
        lines += [f"  > {' '.join(span.text.split())} [{numbers[span.record]}{_page(span)}]"
                  for span in found.shown.cited(sentence)]  # fmt: skip
    lines += ["", "## How it was made", "", *(f"{sentence}\n" for sentence in found.told)]
    if found.removed:
        lines += ["## Removed", "", *(f"- {one.sentence.text} ({one.failed}: {one.why})" for one in found.removed), ""]
    return "\n".join(lines)


def cited_line(found: Synthesis, sentence: Sentence, numbers: dict[str, int]) -> str:
    """A sentence with the numbers of its references.

    Numbers are those of the list of references, in the order first cited.
    """
    cited = dict.fromkeys(numbers[span.record] for span in found.shown.cited(sentence))
    return f"{sentence.text.rstrip('.')} [{', '.join(map(str, sorted(cited)))}]."


def reference(record: Record) -> str:
    """A record as a line of a list of references; nothing is in it but what the record says.

    >>> reference(Record(title="Nudges", authors=("Ahn, Mi",), year=2019, venue="Choice", doi="10.1/x"))
    'Ahn, Mi (2019). Nudges. Choice. doi:10.1/x'
    """
    who = "; ".join(record.authors) or "No author"
    place = ", ".join(part for part in (record.venue, record.volume, record.pages) if part)
    parts = [f"{who} ({record.year or 'no year'})", record.title.rstrip("."), place, record.doi and f"doi:{record.doi}"]
    return ". ".join(part for part in parts if part)


def matrix(evidence: "pl.DataFrame", library: Library, fields: Sequence[str] = ()) -> "pl.DataFrame":
    """Papers by fields: one row a record, its reference first, and the value of each field; empty where it has none.

    Of several extractors the first that fills a cell counts. `fields` are columns in this order, also where no paper
    has any; without them those that one has.
    """
    import polars as pl

    papers = pl.DataFrame({"record": list(library.records), "reference": list(map(told, library.records.values()))})
    wide = evidence.pivot("field", index="record", values="value", aggregate_function="first")
    found = papers.join(wide, on="record", how="left", maintain_order="left")
    absent = [field for field in fields if field not in found.columns]
    found = found.with_columns(pl.lit(None, pl.String).alias(field) for field in absent)
    return found.select("record", "reference", *fields) if fields else found


def _page(span: Span) -> str:
    return f", p. {span.page}" if span.page else ""

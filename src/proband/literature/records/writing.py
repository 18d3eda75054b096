"""A library as a file that other programs read: RIS, BibTeX, CSL JSON, CSV."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proband.errors import DataError
from proband.literature.records.library import Library
from proband.literature.records.record import Record, plain
from proband.literature.records.tables import FURTHER, LISTS

_RIS = {"article": "JOUR", "chapter": "CHAP", "book": "BOOK", "thesis": "THES", "report": "RPRT", "preprint": "UNPB",
        "proceedings": "CONF", "other": "GEN"}  # fmt: skip
_BIBTEX = {"article": "article", "chapter": "incollection", "book": "book", "thesis": "phdthesis",
           "report": "techreport", "preprint": "unpublished", "proceedings": "inproceedings",
           "other": "misc"}  # fmt: skip
_CSL = {"article": "article-journal", "chapter": "chapter", "book": "book", "thesis": "thesis", "report": "report",
        "preprint": "posted-content", "proceedings": "paper-conference", "other": "document"}  # fmt: skip
_HOLDS = {"article": "journal", "chapter": "booktitle", "proceedings": "booktitle", "thesis": "school"}
_ESCAPED = re.compile(r"([%&#$_{}])")


def as_ris(library: Library) -> str:
    """RIS, one record after another; subject headings and cited works have no place in it."""
    return "".join(map(_ris, library.records.values()))


def _ris(record: Record) -> str:
    start, _, end = record.pages.partition("-")
    told = [
        ("TY", _RIS[record.kind]), ("TI", record.title), *(("AU", person) for person in record.authors),
        ("PY", record.year), ("JF", record.venue), ("VL", record.volume), ("IS", record.issue), ("SP", start),
        ("EP", end), ("DO", record.doi), ("AN", record.pmid and f"PMID: {record.pmid}"), ("UR", record.url),
        ("LA", record.language), *(("KW", word) for word in record.keywords), ("AB", record.abstract),
    ]  # fmt: skip
    lines = (f"{tag}  - {' '.join(str(value).split())}\n" for tag, value in told if value)
    return f"{''.join(lines)}ER  - \n\n"


def as_bibtex(library: Library) -> str:
    """BibTeX; keys are those of the files, else the first author's family, the year and a word of the title."""
    taken, written = dict[str, int](), []
    for record in library.records.values():
        key = record.other.get("key") or _key(record)
        taken[key] = taken.get(key, 0) + 1
        key += chr(ord("a") + taken[key] - 2) if 1 < taken[key] < 27 else f"-{taken[key]}" * (taken[key] > 1)
        told = {
            "title": record.title, "author": " and ".join(record.authors), "year": record.year,
            _HOLDS.get(record.kind, "publisher"): record.venue, "volume": record.volume, "number": record.issue,
            "pages": record.pages.replace("-", "--"), "doi": record.doi, "pmid": record.pmid, "url": record.url,
            "language": record.language, "keywords": ", ".join(record.keywords), "abstract": record.abstract,
        }  # fmt: skip
        lines = (f"  {name} = {{{_latex(str(value))}}},\n" for name, value in told.items() if value)
        written.append(f"@{_BIBTEX[record.kind]}{{{key},\n{''.join(lines)}}}\n")
    return "\n".join(written)


def _key(record: Record) -> str:
    family = plain(record.authors[0].partition(",")[0]) if record.authors else "anonymous"
    word = next((word for word in plain(record.title).split() if len(word) > 3), "")
    return re.sub(r"\W", "", f"{family}{record.year or ''}{word}")


def _latex(text: str) -> str:
    return _ESCAPED.sub(r"\\\1", " ".join(text.replace("\\", r"\textbackslash ").split()))


def as_csl(library: Library) -> str:
    """CSL JSON, as reference managers and citation styles read it; what a work cites stands under `reference`."""
    works = []
    for id, record in library.records.items():
        people = [(person, person.partition(", ")) for person in record.authors]
        work: dict[str, Any] = {
            "id": id,
            "type": _CSL[record.kind],
            "title": record.title,
            "author": [{"family": f, "given": g} if g else {"literal": person} for person, (f, _, g) in people],
            "issued": {"date-parts": [[record.year]]} if record.year else None,
            "container-title": record.venue, "volume": record.volume, "issue": record.issue, "page": record.pages,
            "DOI": record.doi, "PMID": record.pmid, "URL": record.url, "language": record.language,
            "keyword": "; ".join(record.keywords), "abstract": record.abstract,
            "reference": [{"DOI": cited[4:]} for cited in record.references if cited.startswith("doi:")],
        }  # fmt: skip
        works.append({name: value for name, value in work.items() if value})
    return json.dumps(works, ensure_ascii=False, indent=1) + "\n"


def as_csv(library: Library) -> str:
    """A table with everything that records say, one a row, and the columns of their files."""
    import polars as pl  # heavy

    records = list(library.records.values())
    taken = {name: f"{name}_in_file" for name in (*FURTHER, *LISTS)}
    frame = library.columns.rename(taken, strict=False).with_columns(
        *(pl.Series(name, [getattr(record, name) or None for record in records], dtype=pl.String) for name in FURTHER),
        *(pl.Series(name, ["; ".join(getattr(r, name)) or None for r in records], dtype=pl.String) for name in LISTS),
    )
    return frame.write_csv()


WRITERS: dict[str, Callable[[Library], str]] = {".ris": as_ris, ".bib": as_bibtex, ".json": as_csl, ".csv": as_csv}


def write_library(library: Library, path: str | Path) -> Path:
    """Write a library to a file, in the format of its ending: ``.ris``, ``.bib``, ``.json`` (CSL) or ``.csv``.

    Raises
    ------
    DataError
        If the ending is none of these.
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise DataError(f"{path}: no library is written as {path.suffix or 'a file without ending'}; "
                        f"end it with one of {', '.join(WRITERS)}")  # fmt: skip
    path.write_text(writer(library), encoding="utf-8")
    return path

"""Records out of tables: one a row, columns called as data bases call them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from proband.errors import DataError, meant
from proband.files import Remarks
from proband.literature.records.fields import PAGES, doi_in, kind_of, made, name_of, pmid_in, untagged
from proband.literature.records.record import Record

COLUMNS = ("record", "title", "authors", "year", "venue", "kind", "doi", "pmid", "language", "source")
"""How the house's own tables begin; with what stands beside in those that are written to be read again."""
FURTHER = ("abstract", "openalex", "url", "volume", "issue", "pages")
LISTS = ("keywords", "headings", "references")
_OWN = frozenset((*COLUMNS, *FURTHER, *LISTS))
_CALLED = {
    "title": "title, article title, document title, primary title, item title, titel, ti",
    "abstract": "abstract, abstract note, abstract text, notes abstract, ab",
    "authors": "authors, author, author full names, author names, author(s), au",
    "date": "year, publication year, pub year, py, date, publication date, pubdate",
    "venue": "venue, journal, journal title, source title, source, publication title, publication, journal/book, so",
    "doi": "doi, digital object identifier, di",
    "pmid": "pmid, pubmed id, pubmedid, pm",
    "openalex": "openalex, openalex id, openalex_id",
    "url": "url, link, open url link, urls",
    "language": "language, language of original document, la",
    "volume": "volume, vl, vol",
    "issue": "issue, number, is",
    "pages": "pages, page range, art. no.",
    "keywords": "keywords, author keywords, manual tags, de",
    "headings": "headings, index keywords, mesh, mesh terms, subject headings, emtree medical index terms, id",
    "kind": "kind, document type, publication type, item type, type, dt",
}
_ROLE = {name: role for role, names in _CALLED.items() for name in names.split(", ")}
_EMBASE = re.compile(
    r"(?P<venue>.+?) \((?P<date>\d{4})\) (?P<volume>[^:( ]*)(?::(?P<issue>\S+))?(?: \((?P<pages>[^)]*)\))?"
)


def read_rows(rows: Iterable[tuple[str, Mapping[str, Any]]], name: str, remarks: Remarks) -> Iterator[Record]:
    """Records of a table's rows, each with the place it stands in; columns that no role has are kept by their name."""
    roles: dict[str, str] | None = None
    for place, row in rows:
        if roles is None:
            roles = _roles(row, name)
        where = f"{name}:{place.rpartition(' ')[2]}"
        yield _of_own(row, where, remarks) if row.keys() >= _OWN else _of_row(row, roles, where, remarks)
    if roles is None:
        raise DataError(f"{name}: no record in it; give a table with one record a row")


def _roles(row: Mapping[str, Any], name: str) -> dict[str, str]:
    """Column of each role; the first where several have names for it."""
    columns = {column.strip().lower().replace("_", " "): column for column in row if column}
    found: dict[str, str] = {}
    for role, names in _CALLED.items():
        for called in names.split(", "):
            if called in columns and role not in found and columns[called] not in found.values():
                found[role] = columns[called]
    if "title" not in found and "abstract" not in found:
        there = ", ".join(columns.values())
        raise DataError(f"{name}: no column of titles{meant('title', columns)}; it has {there}; call one title")
    # One column of ids means nothing alone; that of a data base stands beside what else it tells.
    if found.get("headings", "").lower() == "id" and "keywords" not in found:
        del found["headings"]
    return found


def _of_row(row: Mapping[str, Any], roles: Mapping[str, str], where: str, remarks: Remarks) -> Record:
    told = {role: _text(row.get(column)) for role, column in roles.items()}
    if told.get("venue") and (found := _EMBASE.match(told["venue"])):
        told |= {
            role: value for role, value in found.groupdict(default="").items() if not told.get(role) or role == "venue"
        }
    read = set(roles.values())
    authors, keywords, headings = (told.get(role, "") for role in ("authors", "keywords", "headings"))
    left = ((column, _text(value)) for column, value in row.items() if column and column not in read)
    fields = {
        **{role: told.get(role, "") for role in ("venue", "openalex", "url", "language", "volume", "issue", "pages")},
        "title": untagged(told.get("title", "")),
        # Places of pages count every sign.
        "abstract": told.get("abstract", "") if row.get(PAGES) else untagged(told.get("abstract", "")),
        "authors": tuple(map(name_of, _people(authors))),
        "kind": kind_of(told.get("kind", "")),
        "doi": doi_in(told.get("doi", ""), told.get("url", "")),
        "pmid": told.get("pmid", "").removesuffix(".0") or pmid_in(told.get("url", "")),
        "keywords": _listed(keywords),
        "headings": _listed(headings),
        "other": {column: text for column, text in left if text},
    }
    return made(where, fields, (told["date"],) if told.get("date") else (), remarks)


def _of_own(row: Mapping[str, Any], where: str, remarks: Remarks) -> Record:
    """A row that the house wrote, as it stands: what was brought to one form is not guessed at again."""
    told = {column: _text(value) for column, value in row.items() if column}
    fields: dict[str, Any] = {
        **{name: told[name] for name in ("title", "venue", "language", *FURTHER)},
        **{name: tuple(filter(None, map(str.strip, told[name].split(";")))) for name in ("authors", *LISTS)},
        "kind": kind_of(told["kind"]),
        "doi": doi_in(told["doi"]),
        "pmid": told["pmid"].removesuffix(".0"),
        "other": {
            column: text
            for column, text in told.items()
            if text and (column in ("record", "source") or column not in _OWN)
        },
    }
    return made(where, fields, (told["year"],) if told["year"] else (), remarks)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "; ".join(map(_text, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _listed(text: str) -> tuple[str, ...]:
    # A comma within brackets parts subheadings, no headings.
    return tuple(word for part in re.split(";" if ";" in text else r",(?![^(]*\))", text) if (word := part.strip()))


def _people(text: str) -> list[str]:
    """Names in one cell: parted by semicolons, by "and", or by commas where each stands without one."""
    if ";" in text:
        parts = text.split(";")
    elif " and " in text and text.count(",") <= text.count(" and ") + 1:
        parts = text.split(" and ")
    elif text.count(",") == 1 and not re.search(r"[A-Z]\.?$", text.partition(",")[0].strip()):
        parts = [text]  # "Family, Given"
    else:
        parts = text.split(",")
    return [part for part in map(str.strip, parts) if part]

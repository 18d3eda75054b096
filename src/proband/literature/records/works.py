"""Records of JSON: OpenAlex, Crossref, and what reference managers write as CSL."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from proband.errors import DataError
from proband.files import Remarks
from proband.literature.records.fields import displayed_name, doi_in, kind_of, made, untagged
from proband.literature.records.record import Record
from proband.literature.records.tables import read_rows

_HOLDERS = ("results", "items", "message", "works", "data")


def read_json(text: str, name: str, remarks: Remarks) -> Iterator[Record]:
    """Works of a JSON file: a list, one work, or an answer that holds them; else rows with columns, as in a table."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DataError(f"{name}: no JSON ({error}); it may be cut off: fetch it again") from None
    while isinstance(found, dict) and (holder := next((key for key in _HOLDERS if key in found), None)):
        found = found[holder]
    works = found if isinstance(found, list) else [found]
    for number, work in enumerate(works, start=1):
        if not isinstance(work, dict):
            raise DataError(f"{name}: entry {number} is {type(work).__name__}, and no work in braces; take it out")
    return read_works([(str(number), work) for number, work in enumerate(works, start=1)], name, remarks)


def read_works(rows: Iterable[tuple[str, Mapping[str, Any]]], name: str, remarks: Remarks) -> Iterator[Record]:
    """Works, each with its number or line, by the source whose keys they have."""
    for place, work in rows:
        where = f"{name}:{place.rpartition(' ')[2]}"
        if "authorships" in work or "abstract_inverted_index" in work or "openalex.org" in str(work.get("id", "")):
            yield _of_openalex(work, where, remarks)
        elif "DOI" in work or "container-title" in work or "issued" in work or isinstance(work.get("author"), list):
            yield _of_csl(work, where, remarks)
        else:
            yield from read_rows([(place, work)], name, remarks)


def _of_openalex(work: Mapping[str, Any], where: str, remarks: Remarks) -> Record:
    ids, biblio = _dict(work, "ids"), _dict(work, "biblio")
    source = _dict(_dict(work, "primary_location"), "source") or _dict(work, "host_venue")
    people = (
        _dict(each, "author").get("display_name") or each.get("raw_author_name") for each in _list(work, "authorships")
    )
    start, end = biblio.get("first_page"), biblio.get("last_page")
    fields = {
        "title": untagged(_str(work.get("title") or work.get("display_name"))),
        "abstract": untagged(
            in_order(work.get("abstract_inverted_index"), where, remarks) or _str(work.get("abstract"))
        ),
        "authors": tuple(displayed_name(str(person)) for person in people if person),
        "venue": _str(source.get("display_name")),
        "kind": kind_of(_str(work.get("type"))),
        "doi": doi_in(_str(work.get("doi")), _str(ids.get("doi"))),
        "pmid": _str(ids.get("pmid")).rstrip("/").rpartition("/")[2],
        "openalex": _short(work.get("id")),
        "url": _str(_dict(work, "primary_location").get("landing_page_url")),
        "language": _str(work.get("language")),
        "volume": _str(biblio.get("volume")),
        "issue": _str(biblio.get("issue")),
        "pages": f"{start}-{end}" if start and end and start != end else _str(start),
        "keywords": tuple(_str(each.get("display_name") or each.get("keyword")) for each in _list(work, "keywords")),
        "headings": tuple(_str(each.get("descriptor_name")) for each in _list(work, "mesh")),
        "references": tuple(f"openalex:{_short(id)}" for id in _all(work, "referenced_works")),
        "other": {"retracted": "true"} if work.get("is_retracted") else {},
    }
    dates = (_str(work.get("publication_year") or work.get("publication_date")),)
    return made(where, fields, tuple(filter(None, dates)), remarks)


def in_order(index: Any, where: str, remarks: Remarks) -> str:
    """The abstract that an inverted index is of: each word at the places it stands at.

    Examples
    --------
    >>> in_order({"work": [1, 3], "Nudges": [0], "and": [2]}, "a.json:1", Remarks())
    'Nudges work and work'
    """
    if isinstance(index, str) and index.lstrip().startswith("{"):
        try:
            index = json.loads(index)  # tables hold it as text
        except ValueError:
            remarks.say(where, "the index of the abstract is cut off; the record is kept without", "export it again")
    if not isinstance(index, Mapping):
        return ""
    given = ((places, word) for word, places in index.items() if isinstance(places, list))
    placed = sorted((place, word) for places, word in given for place in places if isinstance(place, int))
    n_missing = placed[-1][0] + 1 - len(placed) if placed else 0
    if n_missing:
        remarks.say(where, f"{n_missing} words of the abstract are missing in its index, or stand at one place")
    return " ".join(word for _, word in placed)


def _of_csl(work: Mapping[str, Any], where: str, remarks: Remarks) -> Record:
    """Crossref and CSL have the same keys; Crossref writes titles as lists and tags into abstracts."""
    people = [
        f"{person['family']}, {person.get('given', '')}".rstrip(", ")
        if person.get("family")
        else _str(person.get("name") or person.get("literal"))
        for person in _list(work, "author")
    ]
    words = work.get("keyword")
    title = ": ".join(filter(None, (_str(work.get("title")), _str(work.get("subtitle")))))
    cited = (doi_in(_str(each.get("DOI"))) for each in _list(work, "reference"))
    fields = {
        "title": untagged(title),
        "abstract": untagged(_str(work.get("abstract"))),
        "authors": tuple(filter(None, people)),
        "venue": untagged(_str(work.get("container-title") or work.get("publisher"))),
        "kind": kind_of(_str(work.get("type"))),
        "doi": doi_in(_str(work.get("DOI"))),
        "pmid": _str(work.get("PMID")),
        "url": _str(work.get("URL")),
        "language": _str(work.get("language")),
        "volume": _str(work.get("volume")),
        "issue": _str(work.get("issue")),
        "pages": _str(work.get("page")),
        "keywords": tuple(map(str.strip, words.split(";" if ";" in words else ","))) if isinstance(words, str) else (),
        "headings": tuple(map(str, _all(work, "subject"))),
        "references": tuple(f"doi:{doi}" for doi in cited if doi),
        "other": {key: _str(work[key]) for key in ("note", "ISSN", "is-referenced-by-count") if work.get(key)},
    }
    dates = [_dict(work, key) for key in ("published-print", "issued", "published", "published-online", "created")]
    # The year stands first, in a list of lists.
    parts = (_str((_all(date, "date-parts") or [""])[0]) or _str(date.get("raw")) for date in dates)
    return made(where, fields, tuple(part for part in parts if part and part != "None"), remarks)


def _dict(work: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = work.get(key)
    return found if isinstance(found, Mapping) else {}


def _list(work: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return [each for each in _all(work, key) if isinstance(each, Mapping)]


def _all(work: Mapping[str, Any], key: str) -> list[Any]:
    found = work.get(key)
    return found if isinstance(found, list) else []


def _str(value: Any) -> str:
    if isinstance(value, list):
        return _str(value[0]) if value else ""
    return "" if value is None else str(value)


def _short(id: Any) -> str:
    return _str(id).rpartition("/")[2]

"""Files of tags: RIS, as each source writes it, and PubMed's own."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from proband.files import Remarks
from proband.literature.records.fields import doi_in, kind_of, made, name_of, pmid_in, untagged
from proband.literature.records.record import Record

_TITLES, _ABSTRACTS, _AUTHORS, _DATES = ("TI", "T1", "CT", "BT", "ST"), ("AB", "N2"), ("AU", "A1"), ("PY", "Y1", "DA")
_VENUES = ("JF", "T2", "JO", "JA", "J2", "T3", "PB")
_LINKS = ("UR", "L2", "L1", "LK", "L3", "N1", "M1", "M3", "DI")
_AT_ONCE = 2**22  # characters
_BLANK = ("", " ", "\t")
_READ = frozenset(
    {*_TITLES, *_ABSTRACTS, *_AUTHORS, *_DATES, *_VENUES, "DO", "UR", "KW", "LA", "VL", "IS", "SP", "EP", "TY"}
)
_BEGIN = re.compile(r"[ \t\ufeff]*TY[ \t]{0,3}-[ \t]*([A-Za-z]*)[ \t]*")
_LENIENT = re.compile(r"[ \t\ufeff]*([A-Z][A-Z0-9])[ \t]{0,4}-(?:[ \t]+|$)(.*)")
_TAGS = """
A1 A2 A3 A4 AB AD AI AN AU BT C1 C2 C3 C4 C5 C6 C7 C8 CA CN CT CY DA DB DI DO DP ED EP ER ET ID IS J1 J2 JA JF JO KW L1
L2 L3 L4 LA LB LK M1 M2 M3 N1 N2 NL NV OP PB PP PY RI RN RP SE SN SP ST T1 T2 T3 TA TI TT TY U1 U2 U3 U4 U5 UR VL VO Y1
Y2"""
_KNOWN = frozenset(_TAGS.split())


class _Tags(NamedTuple):
    """One record as its lines have it."""

    line: int
    values: dict[str, list[str]]

    def first(self, *tags: str) -> str:
        """What the first of these tags says that is there."""
        values = self.values
        for tag in tags:
            if tag in values:
                return values[tag][0]
        return ""

    def all(self, *tags: str) -> list[str]:
        """What all of these tags say."""
        found: list[str] = []
        for tag in tags:
            if tag in self.values:
                found += self.values[tag]
        return found


def read_ris(text: str, name: str, remarks: Remarks) -> Iterator[Record]:
    r"""Records of a RIS file: as many as it has lines ``TY``, whatever else is damaged.

    A record that has no end, and one that begins within another, are told apart by ``TY`` and named by line; lines
    that belong to no record stand between some and are passed over.

    Examples
    --------
    >>> remarks = Remarks()
    >>> [record.title for record in read_ris("TY  - JOUR\nTI  - One\nTY  - JOUR\nTI  - Two\n", "a.ris", remarks)]
    ['One', 'Two']
    >>> str(remarks.found[0])
    'a.ris:3: a record begins before the one of line 1 has ended (no ER); both are kept'
    """
    for tags in _ris_records(text, name, remarks):
        yield _of_ris(tags, f"{name}:{tags.line}", remarks)


def _ris_records(text: str, name: str, remarks: Remarks) -> Iterator[_Tags]:
    """Lines gathered by record. A loop over two million lines: what is usual is looked at first."""
    held: _Tags | None = None
    values: dict[str, list[str]] = {}
    last: list[str] | None = None
    begun = ""
    for number, line in enumerate(chain.from_iterable(_lines(text)), start=1):
        tag, mark, value = line.partition("  -")
        if not mark or tag not in _KNOWN or (value[:1] not in _BLANK and tag != "ER"):
            found = _LENIENT.fullmatch(line)
            tag, value = (found[1], found[2]) if found and found[1] in _KNOWN else ("", line)
        value = value.strip()
        if tag == "ER":
            if held is not None:
                yield held
            held = last = None
            # What a file run together has behind the end of one record is the beginning of the next.
            tag, value = ("TY", found[1]) if (found := _BEGIN.match(value)) else ("", "")
            if tag:
                remarks.say(f"{name}:{number}", "two records on one line; both are kept")
        if tag == "TY":
            if held is not None:
                remarks.say(
                    f"{name}:{number}",
                    f"a record begins before the one of line {held.line} has ended (no ER); both are kept",
                )
                yield held
            values, last, begun = {"TY": [value]}, None, ""
            held = _Tags(number, values)
        elif held is None:
            continue  # numbers and links stand between records
        elif not tag:
            if value and last:
                last[-1] = f"{last[-1]} {value}"  # a long text that goes on in the next line
            elif value and begun:
                last = values.setdefault(begun, [])
                last.append(value)
        elif not value:
            last, begun = None, tag  # its text may stand in the next line
        elif tag in values:
            last = values[tag]
            last.append(value)
        else:
            last = values[tag] = [value]
    if held is not None:
        remarks.say(f"{name}:{held.line}", "the last record has no end (no ER); it is kept")
        yield held


def _lines(text: str) -> Iterator[list[str]]:
    """Lines, some megabytes at a time: a list of all of them takes thrice the room of the text."""
    # Only what these formats call a line: abstracts hold other signs at which `splitlines` would cut them.
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    start = 0
    while start <= len(text):
        end = text.find("\n", start + _AT_ONCE)
        end = len(text) if end < 0 else end
        yield text[start:end].split("\n")
        start = end + 1


def _of_ris(tags: _Tags, where: str, remarks: Remarks) -> Record:
    values, first, every = tags.values, tags.first, tags.all
    start, end = first("SP"), first("EP")
    links = every(*_LINKS)
    other = {
        tag: found[0] if len(found) == 1 else "; ".join(found) for tag, found in values.items() if tag not in _READ
    }
    base = first("DB").lower()
    is_pubmed = "medline" in base or "embase" in base  # Embase writes PubMed's number under C5
    number = next((n for n in every("AN", "C5") if n.isdigit()), "") if is_pubmed else ""
    if (notes := other.get("N1", "")) and "ASReview_" in notes:
        other |= _of_asreview(notes)
    fields = {
        "title": untagged(first(*_TITLES)),
        "abstract": untagged(first(*_ABSTRACTS)),
        "authors": tuple([name_of(person) for person in every(*_AUTHORS)]),
        "venue": first(*_VENUES),
        "kind": kind_of(first("TY")),
        "doi": doi_in(*values.get("DO", ()), *links),
        "pmid": number or pmid_in(*values.get("AN", ()), *links),
        "url": first("UR"),
        "language": first("LA"),
        "volume": first("VL", "VO"),
        "issue": first("IS"),
        "pages": f"{start}-{end}" if start and end and end != start and "-" not in start else start,
        "keywords": tuple(values.get("KW", ())),
        "other": other,
    }
    return made(where, fields, every(*_DATES), remarks)


def _of_asreview(notes: str) -> dict[str, str]:
    """Decisions that ASReview wrote among the notes."""
    for mark, decision in (("irrelevant", "exclude"), ("relevant", "include")):
        if f"ASReview_{mark}" in notes:
            return {"decision": decision} | ({"is_prior": "1"} if "ASReview_prior" in notes else {})
    return {}


_PUBMED = re.compile(r"([A-Z]{2,4}) *- ?(.*)")
_PUBMED_TAGS = "PMID TI TT BTI AB OAB LID AID DP JT TA PT LA VI IP PG OT MH"
_PUBMED_READ = frozenset(_PUBMED_TAGS.split())


def read_nbib(text: str, name: str, remarks: Remarks) -> Iterator[Record]:
    r"""Records of PubMed's own format: as many as it has lines ``PMID``.

    People without a full name are read by the short one, groups stand among the authors, and the DOI is the one that
    is called so among the places of the article.

    Examples
    --------
    >>> text = "PMID- 7\nTI  - A long\n      title\nAU  - Roe J\nLID - e12\nAID - 10.1000/X [doi]\nDP  - 2020 May\n"
    >>> (record,) = read_nbib(text, "a.nbib", Remarks())
    >>> record.title, record.authors, record.doi, record.id
    ('A long title', ('Roe, J',), '10.1000/x', 'doi:10.1000/x')
    """
    held: _Tags | None = None
    last, people = "", list[str]()
    for number, line in enumerate(chain.from_iterable(_lines(text)), start=1):
        found = None if line[:1].isspace() else _PUBMED.fullmatch(line)
        if found and found[1] == "PMID":
            if held is not None:
                yield _of_nbib(held, people, f"{name}:{held.line}", remarks)
            held, people = _Tags(number, {}), []
        if held is None:
            if line.strip():
                remarks.say(f"{name}:{number}", "no record has begun (no PMID); the line is passed over")
            continue
        if found:
            tag, value = found[1], found[2].strip()
            # A short name follows the full one it belongs to.
            if tag in ("FAU", "CN") or (tag == "AU" and last != "FAU"):
                people.append(name_of(value))
            last = tag
            held.values.setdefault(tag, []).append(value)
        elif last and line.strip():
            held.values[last][-1] += f" {line.strip()}"
    if held is not None:
        yield _of_nbib(held, people, f"{name}:{held.line}", remarks)


def _of_nbib(tags: _Tags, people: Sequence[str], where: str, remarks: Remarks) -> Record:
    first, every = tags.first, tags.all
    other = {tag: "; ".join(found) for tag, found in tags.values.items() if tag not in _PUBMED_READ}
    if "Retracted Publication" in every("PT"):
        other["retracted"] = "true"
    places = [value for value in every("LID", "AID") if value.endswith("[doi]")]
    fields = {
        "title": first("TI", "BTI", "TT"),
        "abstract": first("AB", "OAB"),
        "authors": tuple(people),
        "venue": first("JT", "TA"),
        "kind": kind_of(next((kind for kind in every("PT") if kind in ("Preprint", "Book")), "article")),
        "doi": doi_in(*places),
        "pmid": first("PMID"),
        "language": first("LA"),
        "volume": first("VI"),
        "issue": first("IP"),
        "pages": first("PG"),
        "keywords": tuple(every("OT")),
        "headings": tuple(heading.replace("*", "") for heading in every("MH")),
        "other": other,
    }
    return made(where, fields, every("DP"), remarks)

"""What sources write in their own ways, brought to one: names, years, identifiers, markup."""

import html
import re
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import unquote

from proband.files import Remarks
from proband.literature.records.record import Record

PAGES = "page_starts"
"""Under this name `other` holds the places in the record's text at which its pages begin, the first of them page 1."""
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>&]+", re.IGNORECASE)
_PMID = re.compile(r"\bPMID:?\s*(\d+)|pubmed(?:\.ncbi\.nlm\.nih\.gov)?/(\d+)", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_INITIALS = re.compile(r"(.+?)\s+((?:[A-Z]\.?[- ]?){1,4})$")
_OF = "al bin da de del della den der di do dos du el la le ter van vande vander von zu"
_PARTICLES = frozenset(_OF.split())
# A name and attributes, and nothing else: "a<b and c>d" is no markup.
_TAG = re.compile(r"""</?[a-zA-Z][\w:.-]*(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))*\s*/?>""")

KINDS = {
    "article": "jour ejour jfull mgzn news newspaper magazine article journal-article journalarticle review inpr abst "
    "article-journal article-magazine article-newspaper",
    "chapter": "chapter chap echap incollection inbook book-chapter bookchapter booksection",
    "book": "book ebook edbook monograph edited-book booklet",
    "thesis": "thes phdthesis mastersthesis dissertation thesis",
    "report": "rprt report techreport gov stand standard",
    "preprint": "unpb preprint posted-content unpublished",
    "proceedings": "conf cpaper inproceedings proceedings proceedings-article conference conferencepaper "
    "paper-conference",
}
_KIND = {name: kind for kind, names in KINDS.items() for name in names.split()}


@cache
def kind_of(told: str) -> str:
    """One of a record's kinds, from what a source calls it."""
    words = told.lower().replace(" ", "")
    return _KIND.get(words) or (
        "article" if "journal" in words or "review" in words else "other" if told else "article"
    )


def doi_in(*texts: str) -> str:
    """The first DOI that stands in one of these texts, in lower case; empty where none does."""
    for text in texts:
        if "10." in text and (found := _DOI.search(unquote(text) if "%" in text else text)):
            return found[0].lower().rstrip(".,;:)]}'")
    return ""


def pmid_in(*texts: str) -> str:
    """The first number of PubMed that is called so in one of these texts."""
    for text in texts:
        if ("PMID" in text or "ubmed" in text) and (found := _PMID.search(text)):
            return found[1] or found[2]
    return ""


@cache
def year_in(text: str) -> int | None:
    """The year in a date of any form, 1500 to 2099; None where there is none."""
    found = _YEAR.search(text)
    return int(found[1]) if found else None


def name_of(text: str) -> str:
    """A person as "Family, Given"; who is written in neither order that can be told stays as printed.

    Examples
    --------
    >>> name_of("Adler D.G."), name_of("Rudnik,Agata"), name_of("World Health Organization")
    ('Adler, D.G.', 'Rudnik, Agata', 'World Health Organization')
    """
    if ", " in text and "  " not in text and text[-1] not in ",; ":
        return text
    text = " ".join(text.split()).strip(" ,;")
    family, comma, given = text.partition(",")
    if comma:
        return f"{family.strip()}, {given.strip()}"
    if found := _INITIALS.fullmatch(text):
        return f"{found[1]}, {found[2].strip()}"
    return text


def displayed_name(text: str) -> str:
    """A person written "Given Family" as "Family, Given"; particles go with the family.

    Examples
    --------
    >>> displayed_name("Jane M. van der Berg")
    'van der Berg, Jane M.'
    """
    words = text.split()
    if "," in text or len(words) < 2:
        return name_of(text)
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in _PARTICLES:
        start -= 1
    return f"{' '.join(words[start:])}, {' '.join(words[:start])}"


def untagged(text: str) -> str:
    """A text without markup: JATS and HTML tags off, entities as the signs they stand for; else as it stands."""
    if "<" in text or "&" in text:
        # A block ends a word; emphasis and indices within a word do not.
        text = re.sub(r"</?(?:jats:)?(?:p|title|sec|list-item|br|div|li)\b[^<>]*>", " ", text)
        text = _TAG.sub("", html.unescape(text) if "&lt;" in text else text)
        text = " ".join(html.unescape(text).split())
    return text.strip()


def made(where: str, fields: dict[str, Any], dates: Sequence[str], remarks: Remarks) -> Record:
    """A record of what a reader found; the first of `dates` with a year gives it, one that is none is named.

    Parameters
    ----------
    where : str
        File and line, as ``file.ris:12``.
    """
    year = next((found for date in dates if (found := year_in(date)) is not None), None)
    if dates and year is None:
        remarks.say(where, f"year {dates[0]!r} is none; the record is kept without", "correct it in the file")
    if not fields.get("title"):
        what = "title" if fields.get("abstract") else "title and abstract"
        remarks.say(where, f"a record without {what} is kept", "add it in the file")
    fields["title"] = " ".join(fields.get("title", "").split())
    fields.setdefault("year", year)
    fields["source"] = where
    return Record(**fields)

"""What a sentence mentions of publications: numbers in brackets, identifiers, authors with years, venues, names."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from proband.literature.evidence.wording import WORDS
from proband.literature.records.record import Record, plain

_NAME = r"(?:(?:van|von|der|den|de|del|la|le|di|da|al)[ -])*[^\W\d_a-zß-öø-ÿ][^\W\d_]+(?:[-'’][^\W\d_]+)*"
_MORE = rf"(?:,? et al\.?|,? and (?:his |her |their )?(?:colleagues|co-?workers)|(?:, {_NAME})*,? (?:and|&) {_NAME})"
_YEAR = r"(?P<year>(?:1[89]|20)\d\d)[a-z]?"
_DATED = re.compile(rf"(?P<who>{_NAME}{_MORE}?)(?:['’]s?)?(?:,? \(?|,? \[?|\s+){_YEAR}\b")
_UNDATED = re.compile(rf"(?P<who>{_NAME})(?P<more>,? et al\.?|,? and (?:his |her |their )?(?:colleagues|co-?workers))")
_SAYS = re.compile(
    rf"(?P<who>{_NAME}(?: (?:and|&) {_NAME})?) (?:also )?(?:found|find|finds|reports?|reported|shows?|showed|shown|"
    r"argues?|argued|claims?|claimed|concludes?|concluded|observed|demonstrate[sd]?|suggest(?:s|ed)?|stud(?:y|ied)|"
    r"writes?|wrote|notes?|noted|states?|stated)\b"
)
_IDENTIFIER = re.compile(r"\b10\.\d{4,9}/[^\s\])>,;\"]+|\bPMID:?\s*\d+|\barXiv:?\s*\d{4}\.\d+|https?://\S+", re.I)
_BRACKETS = re.compile(r"\[(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)\]")
_IN_VENUE = re.compile(
    r"(?:published|appeared|printed|article|paper|study)\s+(?:\w+\s+)?in\s+(?:the\s+(?:journal\s+)?)?"
    r"(?P<venue>(?:[A-Z][\w&'’-]*)(?:\s+(?:(?:of|the|and|in|on|for|&)\s+)*[A-Z][\w&'’-]*)*)"
)
_JOURNAL = re.compile(
    r"(?P<venue>(?:[A-Z][\w&'’-]*\s+)*(?:Journal|Proceedings|Review|Annals|Transactions|Letters|Bulletin|Archives|Quarterly)"
    r"(?:\s+(?:(?:of|the|and|in|on|for|&)\s+)*[A-Z][\w&'’-]*)+)"
)
_NO_NAMES = WORDS["no_names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Something that a sentence says of a publication.

    Attributes
    ----------
    kind : {"number", "identifier", "author", "venue"}
        What it is told by.
    words : str
        As they stand in the sentence.
    names : tuple of str
        Family names, of an author.
    year : int or None
        With an author.
    numbers : tuple of int
        In brackets.
    """

    kind: Literal["number", "identifier", "author", "venue"]
    words: str
    names: tuple[str, ...] = ()
    year: int | None = None
    numbers: tuple[int, ...] = ()


def mentions_in(text: str, source: str = "", families: Iterable[str] = ()) -> list[Mention]:
    """Publications that a sentence mentions.

    Parameters
    ----------
    text : str
        A sentence.
    source : str
        Its source: whoever says something in it need not be an author.
    families : iterable of str
        Names of authors, which are taken for these also where they are words of the source.
    """
    known, there = {plain(family) for family in families}, set(plain(source).split())
    found: list[Mention] = []
    rest = text
    for pattern in (_IDENTIFIER, _BRACKETS, _DATED, _UNDATED):
        made = [_mention(match) for match in pattern.finditer(rest)]
        found += [mention for mention in made if mention.kind != "author" or mention.names]
        rest = pattern.sub(" ", rest)  # what was taken for one is not taken for another
    for match in _SAYS.finditer(rest):
        names = tuple(name for name in _names(match["who"]) if plain(name) in known or plain(name) not in there)
        if names:
            found.append(Mention(kind="author", words=match["who"], names=names))
    venues = {match["venue"] for pattern in (_IN_VENUE, _JOURNAL) for match in pattern.finditer(rest)}
    return [*found, *(Mention(kind="venue", words=venue) for venue in sorted(venues))]


def _mention(match: "re.Match[str]") -> Mention:
    if match.re is _IDENTIFIER:
        return Mention(kind="identifier", words=match[0])
    if match.re is _BRACKETS:
        return Mention(kind="number", words=match[0], numbers=tuple(map(int, re.findall(r"\d+", match[1]))))
    year = match.groupdict().get("year")
    return Mention(kind="author", words=match[0], names=_names(match["who"]), year=int(year) if year else None)


def names_beyond(text: str, records: Iterable[Record], source: str) -> list[str]:
    """Capitalised words within a sentence that stand neither in its source nor in what is known of the records.

    >>> names_beyond("The default raised savings in Denmark.", [], "The default raised savings.")
    ['Denmark']
    """
    known = set(plain(source).split())
    for record in records:
        told = (record.text, record.venue, *record.authors, *record.keywords, *record.headings)
        known |= set(plain(" ".join(told)).split())
    # The first word begins with a capital anyway: it is a name where it owns something, or is quoted.
    inner = re.finditer(r"(?:(?<=[^\s.!?:\"“(])\s+[\"“(]*|^(?=\w+(?:['’]s\b|:)))([A-Z][^\W_]+(?:[-'’][^\W_]+)*)", text)
    names = [match[1] for match in inner]
    initials = "".join(word[0] for word in plain(source).split())
    strange = [name for name in names if not set(plain(name).split()) <= known | _NO_NAMES]
    return [name for name in strange if not (name.isupper() and name.lower() in initials)]


def is_author(name: str, record: Record) -> bool:
    """Whether a family name is one of a record's authors'."""
    families = {plain(author.partition(",")[0]) for author in record.authors}
    wanted = plain(name)
    return any(
        wanted == family or family.endswith(f" {wanted}") or wanted.endswith(f" {family}") for family in families
    )


def families_of(records: Mapping[str, Record]) -> set[str]:
    """Family names of all authors."""
    return {author.partition(",")[0] for record in records.values() for author in record.authors}


def _names(who: str) -> tuple[str, ...]:
    who = re.sub(r",? et al\.?|,? and (?:his |her |their )?(?:colleagues|co-?workers)|['’]s?$", "", who)
    parts = [part.strip() for part in re.split(r",| and | & ", who)]
    return tuple(part for part in parts if part and plain(part) not in _NO_NAMES)

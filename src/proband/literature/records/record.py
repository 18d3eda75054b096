"""One publication, as far as its record tells."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a file says of one publication.

    Attributes
    ----------
    title, abstract : str
        As printed, without markup; empty where the file has none.
    authors : tuple of str
        "Family, Given", in the order printed.
    year : int or None
        Of publication.
    venue : str
        Journal, proceedings, publisher.
    kind : str
        `article`, `chapter`, `book`, `thesis`, `report`, `preprint`, `proceedings`, `other`.
    doi : str
        Lower case, without address; empty where there is none.
    pmid, openalex : str
        Identifiers there; empty where there is none.
    url, language, volume, issue, pages : str
        As printed.
    keywords, headings : tuple of str
        The authors' words; subject headings of the data base.
    references : tuple of str
        Identifiers of what it cites, as `doi:...`, `pmid:...` or `openalex:...`.
    source : str
        File and number of the line it begins at, as ``file.ris:12``.
    other : mapping
        What else the file says, by its own tags; includes columns such as `retracted`.
    """

    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str = ""
    kind: str = "article"
    doi: str = ""
    pmid: str = ""
    openalex: str = ""
    url: str = ""
    language: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    keywords: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    source: str = ""
    other: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The same in every file: by identifier, else by title, year and first author.

        Where a source tells neither year nor author, the abstract takes their place. A record that is kept apart from
        one with the same id has `@` and some digits of its source behind it.
        """
        apart = f"@{_digits(self.other['apart'], 2)}" if "apart" in self.other else ""
        if self.doi:
            return f"doi:{self.doi}{apart}"
        if self.pmid:
            return f"pmid:{self.pmid}{apart}"
        first = self.authors[0].partition(",")[0] if self.authors else ""
        told = "\n".join((plain(self.title), str(self.year or ""), plain(first)))
        if self.year is None and not first:
            # Titles alone are shared by versions of a review and by any two editorials.
            told += f"\n{plain(self.abstract)}"
        return f"t:{_digits(told, 6)}{apart}"

    @property
    def text(self) -> str:
        """Title and abstract: what is searched, screened and quoted."""
        return f"{self.title}\n\n{self.abstract}" if self.abstract else self.title


def _digits(text: str, n_bytes: int) -> str:
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=n_bytes).hexdigest()


def plain(text: str) -> str:
    """Letters and digits in lower case without accents, single blanks between words: what titles are compared by."""
    if text.isascii():
        return " ".join(_WORD.findall(text.lower()))
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(_WORD.findall(bare.lower()))

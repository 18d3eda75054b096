"""One publication, as far as its record tells."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


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
        """The same in every file: by identifier, else by title, year and first author."""
        if self.doi:
            return f"doi:{self.doi}"
        if self.pmid:
            return f"pmid:{self.pmid}"
        first = self.authors[0].partition(",")[0] if self.authors else ""
        told = "\n".join((plain(self.title), str(self.year or ""), plain(first)))
        return f"t:{hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"

    @property
    def text(self) -> str:
        """Title and abstract: what is searched, screened and quoted."""
        return f"{self.title}\n\n{self.abstract}" if self.abstract else self.title


def plain(text: str) -> str:
    """Letters and digits in lower case without accents, single blanks between words: what titles are compared by."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+", bare.lower()))

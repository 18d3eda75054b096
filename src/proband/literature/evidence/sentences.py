"""Sentences that cite spans by number, what they were shown, and what checks made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from proband.literature.records.library import Library
from proband.literature.records.record import Record
from proband.literature.spans import Span

Check = Literal["exists", "agrees", "supports"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence over spans.

    Attributes
    ----------
    text : str
        Its words, without marks of citation.
    spans : tuple of int
        Which of the spans shown it cites, from 1.
    by : str
        Who wrote it: `extract`, where the words are the source's own, or the address of an engine.
    """

    text: str
    spans: tuple[int, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A sentence, which check it failed (none: it stands), and why."""

    sentence: Sentence
    failed: Check | None = None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a writer is shown, numbered from 1.

    Attributes
    ----------
    spans : tuple of Span
        In the order shown.
    records : mapping of str to Record
        Those that spans are of, by id.
    """

    spans: tuple[Span, ...]
    records: Mapping[str, Record]

    @classmethod
    def of(cls, library: Library, spans: Sequence[Span]) -> "Shown":
        """Spans with their pages and records."""
        paged = [replace(span, page=library.page_of(span.record, span.start)) for span in spans]
        return cls(spans=tuple(paged), records={span.record: library[span.record] for span in spans})

    def cited(self, sentence: Sentence) -> list[Span]:
        """The spans that a sentence cites, those that there are."""
        return [self.spans[number - 1] for number in sentence.spans if 1 <= number <= len(self.spans)]


def told(record: Record) -> str:
    """A record in running text: family names, year.

    >>> told(Record(title="T", authors=("Ahn, Mi", "Bo, Ed", "Cy, Al"), year=2019))
    'Ahn et al., 2019'
    """
    families = [author.partition(",")[0] for author in record.authors]
    names = f"{families[0]} et al." if len(families) > 2 else " & ".join(families)
    return ", ".join(part for part in (names or record.title[:40], str(record.year or "no year")) if part)

"""A place in a record's text: what a sentence may cite and a quotation has to stand in."""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from proband.errors import DataError, meant
from proband.subjects.corpora import Corpus

SHORTEST = 12  # characters: shorter words stand anywhere, and prove nothing
_SAME = str.maketrans({**dict.fromkeys("‘’‛", "'"), **dict.fromkeys("“”„", '"'), **dict.fromkeys("‐‑‒–—−", "-")})
# Marks without width, and what readers of PDF put where a word was broken; a line may end behind them.
_NOTHING = r"[\u00ad\u200b\u200c\u200d\ufeff\ufffe]+(?:[^\S\n]*\n\s*)?"
# A hyphen at the end of a line may belong to the word or to the line: one sign stands for both.
_MAYBE = "\x1f"
_BROKEN = r"(?<=\w)[-‐‑][^\S\n]*\n\s*(?=\w)"
_SKIPPED = re.compile(f"({_BROKEN})|{_NOTHING}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Some words of a record.

    Attributes
    ----------
    record : str
        Whose words: the id of the document in the corpus.
    start, end : int
        Code points in its text, the end excluded.
    text : str
        The words themselves.
    page : int or None
        Of the paper, from 1, where somebody looked it up: `Library.page_of`.
    """

    record: str
    start: int
    end: int
    text: str
    page: int | None = None

    def stands_in(self, corpus: Corpus) -> bool:
        """Whether the words are there to the letter: false once the corpus has changed under the span."""
        try:
            return corpus.text(self.record)[self.start : self.end] == self.text
        except DataError:
            return False


def span_at(corpus: Corpus, record: str, start: int, end: int) -> Span:
    """The span from one place of a record to another."""
    return Span(record=record, start=start, end=end, text=corpus.text(record)[start:end])


def find_span(corpus: Corpus, record: str, words: str) -> Span | None:
    """Where words stand in a record, taken for the same through quotation marks, dashes, blanks and line ends.

    None where they do not stand there in one piece, or are shorter than `SHORTEST` characters. Case counts, and
    ligatures are signs of their own, since what is quoted is printed as it stands in its source. Soft hyphens and other
    marks without width count for nothing; a hyphen at the end of a line may be one of the word or of the line.
    """
    parts = normal(words).split()
    if len(" ".join(parts)) < SHORTEST:
        return None
    searched, places = _searchable(corpus.text(record))
    found = re.search(r"\s+".join(map(_pattern, parts)), searched)
    return found and span_at(corpus, record, places[found.start()], places[found.end() - 1] + 1)


def normal(text: str) -> str:
    """Words as they are compared: plain quotation marks and dashes, nothing without width."""
    return _searchable(text)[0]


def moved(span: Span, corpus: Corpus) -> Span:
    """The span where its words stand now, once the corpus has changed.

    Raises
    ------
    DataError
        If its record is gone, or its words stand there no more.
    """
    if span.stands_in(corpus):
        return span
    if span.record not in corpus.ids:
        raise DataError(
            f"record {span.record!r} of the span {_short(span.text)} is not in {corpus.name}"
            f"{meant(span.record, corpus.ids[:2_000])}; read its file again, or remove what cites it"
        )
    # Words that stood there once may be short: the place nearest to the old one is theirs.
    places = [match.start() for match in re.finditer(re.escape(span.text), corpus.text(span.record))]
    if places:
        start = min(places, key=lambda place: abs(place - span.start))
        return span_at(corpus, span.record, start, start + len(span.text))
    if (found := find_span(corpus, span.record, span.text)) is None:
        raise DataError(
            f"record {span.record!r} no longer has the words {_short(span.text)} at {span.start}, nor anywhere else: "
            "its text was changed; restore the file that it was read from, or extract and synthesise anew"
        )
    return found


def _pattern(word: str) -> str:
    signs = {"-": f"[-{_MAYBE}]", _MAYBE: f"[-{_MAYBE}]?"}
    return f"{_MAYBE}?".join(signs.get(sign) or re.escape(sign) for sign in word)


@lru_cache(64)  # quotations of one record come one after another
def _searchable(text: str) -> tuple[str, Sequence[int]]:
    """What is searched, and of each of its signs the place in the text."""
    pieces, places, end = list[str](), array("l"), 0
    for skipped in _SKIPPED.finditer(text):
        pieces.append(text[end : skipped.start()])
        places.extend(range(end, skipped.start()))
        if skipped[1]:
            pieces.append(_MAYBE)
            places.append(skipped.start())
        end = skipped.end()
    pieces.append(text[end:])
    places.extend(range(end, len(text)))
    return "".join(pieces).translate(_SAME), places


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")

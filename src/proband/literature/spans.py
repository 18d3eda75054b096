"""A place in a record's text: what a sentence may cite and a quotation has to stand in."""

import re
from dataclasses import dataclass

from proband.subjects.corpora import Corpus

SHORTEST = 12  # characters: shorter words stand anywhere, and prove nothing
_SAME = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " ", "\u00ad": ""}
)


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
        Of the paper, from 1, where the text came by pages.
    """

    record: str
    start: int
    end: int
    text: str
    page: int | None = None

    def stands_in(self, corpus: Corpus) -> bool:
        """Whether the words are there to the letter: false once the corpus has changed under the span."""
        return self.record in corpus.ids and corpus.text(self.record)[self.start : self.end] == self.text


def find_span(corpus: Corpus, record: str, words: str) -> Span | None:
    """Where words stand in a record, taken for the same through quotation marks, dashes, blanks and line ends.

    None where they do not stand there in one piece, or are shorter than `SHORTEST` characters: case counts, since
    what is quoted is printed as it stands in its source.
    """
    parts = words.translate(_SAME).split()
    if len(" ".join(parts)) < SHORTEST:
        return None
    text = corpus.text(record)
    # Sign for sign, so that places in what is searched are places in the text.
    searched = "".join(sign.translate(_SAME) or " " for sign in text)
    found = re.search(r"\s+".join(map(re.escape, parts)), searched)
    return found and Span(record=record, start=found.start(), end=found.end(), text=text[found.start() : found.end()])

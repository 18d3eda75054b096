"""Passages: what of a document a code is found in, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from proband.errors import DataError, meant
from proband.subjects.corpora import Corpus

Unit = Literal["sentence", "document"]
# A mark that ends a sentence with what closes behind it, or the end of a line. Abbreviations are taken for ends too;
# a part too short to say anything stays with what follows.
_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s)|[\u3002\uff01\uff1f]|\n+")
_LEAST = 3  # words


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Words of a document, from `start` up to `end`."""

    document: str
    start: int
    end: int
    text: str


def passages_of(corpus: Corpus, unit: Unit = "sentence") -> list[Passage]:
    """Sentences of all documents, or the documents themselves, without the blanks around them.

    Raises
    ------
    DataError
        If `unit` is unknown.
    """
    if unit not in get_args(Unit):
        raise DataError(f"passages are {' or '.join(get_args(Unit))}, not {unit!r}{meant(unit, get_args(Unit))}")
    found = []
    for id in corpus.ids:
        text = corpus.text(id)
        for start, end in _sentences(text) if unit == "sentence" else ((0, len(text)),):
            words = text[start:end]
            start += len(words) - len(words.lstrip())
            if words := words.strip():
                found.append(Passage(document=id, start=start, end=start + len(words), text=words))
    return found


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text begin and end.

    >>> list(_sentences("Yes. The bus was late! Why?"))
    [(0, 22), (22, 27)]
    """
    start, ends = 0, [match.end() for match in _END.finditer(text)] + [len(text)]
    for end in ends:
        if len(text[start:end].split()) >= _LEAST or (end == len(text) and text[start:end].strip()):
            yield start, end
            start = end

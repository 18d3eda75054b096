"""Sentences of records as spans: which are near a question, and which are central without repeating each other."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proband.literature.evidence.sections import sections_of
from proband.literature.evidence.wording import stems_of
from proband.literature.spans import Span, span_at
from proband.models.engine import BaseEngine
from proband.subjects.corpora import Corpus

Floats = NDArray[np.float64]
_LEAST = 5  # words of a sentence that says something
_LONGEST = 600  # characters: what is longer is a table or a list
_REPEATED = 0.4  # weight of likeness to what is chosen already
_PER_RECORD = 2  # sentences of one record, at most


@lru_cache(2048)
def split(text: str) -> tuple[tuple[int, int], ...]:
    """Where the sentences of a text begin and end.

    >>> split("Yes, e.g. here. The bus was late!")
    ((0, 15), (16, 33))
    """
    segmenter = import_module("syntok.segmenter")  # 30 ms, which most of the house never needs
    found = []
    for paragraph in segmenter.analyze(text):
        for tokens in paragraph:
            found.append((tokens[0].offset, tokens[-1].offset + len(tokens[-1].value)))
    return tuple(found)


def spans_of(corpus: Corpus, ids: Sequence[str] | None = None) -> list[Span]:
    """Sentences of records that say something, without labels of sections; of an abstract without its title."""
    found = []
    for id in corpus.ids if ids is None else ids:
        text = corpus.text(id)
        for begin, stop, _ in sections_of(text):
            for start, end in split(text[begin:stop]):
                if end - start <= _LONGEST and len(text[begin + start : begin + end].split()) >= _LEAST:
                    found.append(span_at(corpus, id, begin + start, begin + end))
    return found


def central(
    spans: Sequence[Span], n: int, *, question: str = "", encoder: BaseEngine | None = None,
    worth: Sequence[float] | None = None,
) -> list[tuple[Span, float]]:  # fmt: skip
    """The most central spans that do not repeat each other, with their scores, in the order chosen.

    Parameters
    ----------
    spans : sequence of Span
        Candidates, e.g. `spans_of`.
    n : int
        How many; fewer where there are fewer, or no two of more than two records are left.
    question : str, optional
        What they are to be about; centrality then counts half.
    encoder : BaseEngine, optional
        Gives sentence vectors; by default words weighted by tf-idf.
    worth : sequence of float, optional
        By which scores are multiplied, e.g. `worth_of`, which prefers what was found to what was planned.

    Notes
    -----
    Centrality is the mean cosine with all other spans. Maximal marginal relevance: the next span is that with the
    greatest ``.6 score - .4 (greatest cosine with one chosen already)``. Carbonell & Goldstein (1998),
    doi:10.1145/290941.291025
    """
    if not spans:
        return []
    vectors = vectors_of([*(span.text for span in spans), *([question] if question else [])], encoder)
    asked, vectors = (vectors[-1], vectors[:-1]) if question else (None, vectors)
    others = max(len(spans) - 1, 1)
    scores = (np.asarray(vectors @ _dense(vectors.sum(axis=0))).ravel() - 1) / others
    scores = scores / (np.abs(scores).max() or 1.0)
    if asked is not None:
        near = np.asarray(vectors @ _dense(asked)).ravel()
        scores = (scores + near / (np.abs(near).max() or 1.0)) / 2
    scores *= np.ones(len(spans)) if worth is None else np.asarray(worth)
    chosen: list[int] = []
    alike, left, taken = np.zeros(len(spans)), np.ones(len(spans), dtype=bool), Counter[str]()
    while len(chosen) < n and left.any():
        margin = np.where(left, (1 - _REPEATED) * scores - _REPEATED * alike, -np.inf)
        best = int(margin.argmax())
        chosen.append(best)
        alike = np.maximum(alike, np.asarray(vectors @ _dense(vectors[best])).ravel())
        taken[spans[best].record] += 1
        left[best] = False
        if taken[spans[best].record] == _PER_RECORD:
            left &= np.array([span.record != spans[best].record for span in spans])
    return [(spans[k], float(scores[k])) for k in chosen]


def near(
    spans: Sequence[Span], titles: Sequence[str], question: str, *, encoder: BaseEngine | None = None
) -> list[tuple[Span, float]]:
    """Spans by how much of a question they have, the nearest first.

    The score is the share of the question's content words, each weighted by how rare it is among the spans, that a span
    has; the mean of that and of the same with its title. Where there is an encoder, the cosine if it is greater.
    """
    wanted = stems_of(question)
    own = [stems_of(span.text) for span in spans]
    seen = Counter(stem for stems in own for stem in stems if stem in wanted)
    weights = {stem: math.log((len(spans) + 1) / (seen[stem] + 1)) + 1 for stem in wanted}
    total = math.fsum(weights.values())

    def covered(stems: frozenset[str]) -> float:
        return math.fsum(weights[stem] for stem in wanted & stems) / total if total else 0.0

    scores = np.array([
        (covered(stems) + covered(stems | stems_of(title))) / 2
        for stems, title in zip(own, titles, strict=True)
    ])  # fmt: skip
    if encoder is not None and len(spans):
        vectors = vectors_of([*(span.text for span in spans), question], encoder)
        scores = np.maximum(scores, vectors[:-1] @ vectors[-1])
    return [(spans[k], float(scores[k])) for k in np.argsort(-scores, kind="stable")]


def vectors_of(texts: Sequence[str], encoder: BaseEngine | None) -> Any:
    """Vectors of length 1, dense or sparse."""
    if encoder is not None:
        made = encoder.embed(texts).astype(np.float64)
        return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
    from sklearn.feature_extraction.text import TfidfVectorizer

    weighing = TfidfVectorizer(sublinear_tf=True, analyzer=lambda text: sorted(stems_of(text)) or ["-"])
    return weighing.fit_transform(texts).tocsr()


def _dense(row: Any) -> Floats:
    return np.asarray(row.toarray() if hasattr(row, "toarray") else row, dtype=np.float64).ravel()

"""Records by nearness to a question: by words, by the meaning of sentences, and by both."""

from collections.abc import Sequence

import numpy as np

from proband.addresses import open_engine
from proband.literature.queries.index import Index
from proband.literature.records.library import Library
from proband.literature.screening.ranker import AUTO, NONE, encoder_named
from proband.models.engine import BaseEngine, Vectors

_FIRST = 10  # records that the question is moved towards
DAMPING = 60  # of ranks: how little the first of a ranking is more than the tenth


def rank(
    library: Library, question: str, *, encoder: str = AUTO, index: Index | None = None
) -> list[tuple[str, float]]:
    """All records of a library by nearness to a question, best first.

    The sum of reciprocal ranks, ``1 / (60 + rank)``, by words (see `Index.ranked`) and by the cosine of sentence
    vectors. A record that shares no word with the question has no rank by words. Vectors are compared with that of the
    question plus the mean of the ten that come first when question and words alone are asked.

    Parameters
    ----------
    library : Library
        Whose titles, abstracts and keywords are compared.
    question : str
        A sentence.
    encoder : str
        Address of what makes the vectors; ``none`` for words alone, ``auto`` for `minilm` where it is installed.
    index : Index, optional
        Of the same library, where there is one already.

    Returns
    -------
    list of (str, float)
        Record and score, every record once; equal scores in the library's order.

    References
    ----------
    Cormack, Clarke and Buettcher (2009), SIGIR, 758-759. doi:10.1145/1571941.1572114; Rocchio (1971), in Salton (ed.),
    The SMART Retrieval System, Prentice-Hall, 313-323.

    Examples
    --------
    >>> from proband.literature.records.library import library_of
    >>> from proband.literature.records.record import Record
    >>> two = library_of([Record(title="On diets", abstract="-"), Record(title="Nudging diners", abstract="-")])
    >>> [two[id].title for id, _ in rank(two, "What nudges diners?", encoder="none")]
    ['Nudging diners', 'On diets']
    """
    ids, by_words = list(library.records), (index or Index(library)).ranked(question)
    if (used := encoder_named(encoder)) == NONE:
        return fused(ids, [by_words])
    engine = open_engine(used)
    try:
        return fused(ids, [by_words, by_meaning(library, question, engine, by_words)])
    finally:
        engine.close()


def by_meaning(library: Library, question: str, engine: BaseEngine, by_words: Sequence[str]) -> list[str]:
    """Ids by the cosine of their vectors with that of the question and of what is first by it; without words, last."""
    texts = {id: record.text for id, record in library.records.items() if record.text.strip()}
    if not texts:
        return []
    asked, *rows = _unit(np.asarray(engine.embed([question, *texts.values()])))
    vectors, ids = np.array(rows), list(texts)
    rows_of = {id: k for k, id in enumerate(ids)}
    first = fused(ids, [[id for id in by_words if id in rows_of], _nearest(ids, vectors, asked)])[:_FIRST]
    # The question is a sentence, the records are abstracts: their mean speaks as they do.
    towards = _unit(vectors[[rows_of[id] for id, _ in first]].mean(axis=0, keepdims=True))[0]
    return _nearest(ids, vectors, asked + towards)


def _nearest(ids: Sequence[str], vectors: Vectors, to: Vectors) -> list[str]:
    return [ids[k] for k in np.argsort(-(vectors @ to), kind="stable")]


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


def fused(ids: Sequence[str], orders: Sequence[Sequence[str]]) -> list[tuple[str, float]]:
    """Several rankings as one, by the sum of their reciprocal ranks; what none of them has comes last."""
    scores = dict.fromkeys(ids, 0.0)
    for order in orders:
        for place, id in enumerate(order, 1):
            scores[id] += 1 / (DAMPING + place)
    return sorted(scores.items(), key=lambda pair: -pair[1])

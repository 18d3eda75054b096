"""Records by nearness to a question: by words, by the meaning of sentences, and by both."""

from collections.abc import Sequence

import numpy as np

from proband.addresses import open_engine
from proband.literature.queries.index import Index
from proband.literature.records.library import Library
from proband.literature.screening.ranker import AUTO, NONE, encoder_named
from proband.models.engine import BaseEngine

DAMPING = 60  # of ranks: how little the first of a ranking is more than the tenth


def rank(
    library: Library, question: str, *, encoder: str = AUTO, index: Index | None = None
) -> list[tuple[str, float]]:
    """All records of a library by nearness to a question, best first.

    The sum of reciprocal ranks, ``1 / (60 + rank)``, by words (see `Index.ranked`) and by the cosine of sentence
    vectors; a record that shares no word with the question has no rank by words.

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
    Cormack, Clarke and Buettcher (2009), SIGIR, 758-759. doi:10.1145/1571941.1572114

    Examples
    --------
    >>> from proband.literature.records.library import library_of
    >>> from proband.literature.records.record import Record
    >>> two = library_of([Record(title="On diets", abstract="-"), Record(title="Nudging diners", abstract="-")])
    >>> [two[id].title for id, _ in rank(two, "What nudges diners?", encoder="none")]
    ['Nudging diners', 'On diets']
    """
    orders = [(index or Index(library)).ranked(question)]
    if (used := encoder_named(encoder)) != NONE:
        engine = open_engine(used)
        try:
            orders.append(by_meaning(library, question, engine))
        finally:
            engine.close()
    return fused(list(library.records), orders)


def by_meaning(library: Library, question: str, engine: BaseEngine) -> list[str]:
    """Ids by the cosine of their vectors with that of the question, best first; a record without words comes last."""
    texts = {id: record.text for id, record in library.records.items() if record.text.strip()}
    vectors = np.asarray(engine.embed([question, *texts.values()]))
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = vectors[1:] @ vectors[0] / np.maximum(lengths[1:] * lengths[0], np.finfo(np.float32).tiny)
    ids = list(texts)
    return [ids[k] for k in np.argsort(-cosines, kind="stable")]


def fused(ids: Sequence[str], orders: Sequence[Sequence[str]]) -> list[tuple[str, float]]:
    """Several rankings as one, by the sum of their reciprocal ranks; what none of them has comes last."""
    scores = dict.fromkeys(ids, 0.0)
    for order in orders:
        for place, id in enumerate(order, 1):
            scores[id] += 1 / (DAMPING + place)
    return sorted(scores.items(), key=lambda pair: -pair[1])

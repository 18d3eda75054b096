"""Which hypotheses say the same, what of a corpus stands nearest to them, and how far they spread."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from proband.literature.hypotheses.record import Hypothesis
from proband.literature.records.record import plain
from proband.literature.spans import Span
from proband.measures.arrays import Floats
from proband.models.engine import Vectors
from proband.subjects.corpora import Corpus
from proband.texts.themes.passages import passages_of

Embed = Callable[[Sequence[str]], Vectors]
SAME = 0.9  # cosine, of each variable by itself, from which two are taken for one


@dataclass(frozen=True, kw_only=True)
class Merge:
    """A hypothesis that was taken for another one.

    Attributes
    ----------
    gone, kept : Hypothesis
        The later one, and the first that says the same.
    score : float
        The smaller of the cosines of their two variables; 1 for the same words.
    """

    gone: Hypothesis
    kept: Hypothesis
    score: float


def merged(
    hypotheses: Sequence[Hypothesis], embed: Embed, *, least: float = SAME
) -> tuple[tuple[Hypothesis, ...], tuple[Merge, ...]]:
    """Those that say something new, in their order, and what was merged into which.

    Two say the same if they have one direction and rule, and if the independent, the dependent and the moderating
    variables are alike one by one: a sentence as a whole is also like its own reverse. What is kept takes over the
    passages and data that the other one came from.

    Parameters
    ----------
    hypotheses : sequence of Hypothesis
        In the order in which the first of several is kept.
    embed : callable
        Vectors of texts, such as an engine's `embed`.
    least : float
        Cosine from which two variables are one; 1 merges the same words only.
    """
    if not hypotheses:
        return (), ()
    sides = [
        _unit_vectors([getattr(h, side) for h in hypotheses], embed) for side in ("independent", "dependent")
    ]  # fmt: skip
    alike = np.minimum(*(side @ side.T for side in sides))
    kept, merges = list[int](), list[Merge]()
    now = list(hypotheses)
    for k, hypothesis in enumerate(hypotheses):
        first = next((j for j in kept if _fits(hypotheses[j], hypothesis)
                      and (_words(hypotheses[j]) == _words(hypothesis) or alike[j, k] >= least)), None)  # fmt: skip
        if first is None:
            kept.append(k)
            continue
        score = 1.0 if _words(hypotheses[first]) == _words(hypothesis) else float(alike[first, k])
        merges.append(Merge(gone=hypothesis, kept=hypotheses[first], score=score))
        was = now[first]
        now[first] = replace(
            was,
            spans=tuple(dict.fromkeys((*was.spans, *hypothesis.spans))),
            seen=tuple(dict.fromkeys((*was.seen, *hypothesis.seen))),
        )
    return tuple(now[k] for k in kept), tuple(merges)


def nearest(
    hypotheses: Sequence[Hypothesis], corpus: Corpus, embed: Embed, *, n: int = 3
) -> dict[str, list[tuple[Span, float]]]:
    """For each hypothesis, by id, the sentences of a corpus that are most like it, with their cosines.

    A score alone says nothing of whether a hypothesis is new; the sentence does, once somebody reads it.
    """
    sentences = passages_of(corpus, "sentence")
    if not sentences or not hypotheses:
        return {hypothesis.id: [] for hypothesis in hypotheses}
    said = _unit_vectors([hypothesis.says for hypothesis in hypotheses], embed)
    alike = said @ _unit_vectors([sentence.text for sentence in sentences], embed).T
    found = {}
    for hypothesis, scores in zip(hypotheses, alike, strict=True):
        best = np.argsort(-scores, kind="stable")[:n]
        spans = [
            Span(record=at.document, start=at.start, end=at.end, text=at.text) for at in (sentences[k] for k in best)
        ]
        found[hypothesis.id] = list(zip(spans, scores[best].tolist(), strict=True))
    return found


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """How far the hypotheses of one strategy spread.

    Attributes
    ----------
    n, pairs : int
        How many there are; how many distinct pairs of an independent and a dependent variable.
    distance : float or None
        Mean of 1 less the cosine over all pairs of them; None for a single one.
    """

    n: int
    pairs: int
    distance: float | None


def diversity(hypotheses: Sequence[Hypothesis], embed: Embed) -> Mapping[str, Diversity]:
    """By strategy, in the order they come: number, distinct pairs of variables, mean pairwise distance."""
    found: dict[str, Diversity] = {}
    for strategy in dict.fromkeys(hypothesis.strategy for hypothesis in hypotheses):
        part = [hypothesis for hypothesis in hypotheses if hypothesis.strategy == strategy]
        vectors = _unit_vectors([hypothesis.says for hypothesis in part], embed)
        n = len(part)
        apart = None if n < 2 else float(1 - ((vectors @ vectors.T).sum() - n) / (n * (n - 1)))
        pairs = {(plain(hypothesis.independent), plain(hypothesis.dependent)) for hypothesis in part}
        found[strategy] = Diversity(n=n, pairs=len(pairs), distance=apart)
    return found


def _fits(one: Hypothesis, other: Hypothesis) -> bool:
    same = (one.direction, one.rule, sorted(map(plain, one.moderators)))
    return same == (other.direction, other.rule, sorted(map(plain, other.moderators)))


def _words(hypothesis: Hypothesis) -> tuple[str, str]:
    return plain(hypothesis.independent), plain(hypothesis.dependent)


def _unit_vectors(texts: Sequence[str], embed: Embed) -> Floats:
    """Of length 1; a text without any word that counts is like nothing, itself included."""
    vectors = np.asarray(embed(texts), dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)

"""Matching known with unknown questions, and arranging options so that letters are even."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError
from proband.instruments.banks.bank import Bank, Question
from proband.seeds import rng_for
from proband.tuning.probing.beliefs import Beliefs

Covariate = Literal["letter", "confidence", "topic", "length"]
CONFIDENCE_STEP = 0.1
LENGTH_BINS = 4
Stratum = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Questions chosen from a domain's pools, each in one shuffled order; `known[i]` and `unknown[i]` share a stratum.

    A pool that is not needed is empty. `n_strata` hold any of them; `covariates` are what strata are made of, empty
    where nothing was matched.
    """

    known: tuple[str, ...]
    unknown: tuple[str, ...]
    n_strata: int
    covariates: tuple[str, ...]


def strata(bank: Bank, beliefs: Beliefs, ids: Sequence[str], covariates: Sequence[Covariate]) -> Mapping[str, Stratum]:
    """Stratum of each question: its key's letter as written, its topic, and coarse steps of confidence and length.

    Confidence goes in steps of 0.1, length (characters of the question and its options) in quarters of the questions
    given. Coarsened exact matching: what shares a stratum is alike on all of them at once.

    References
    ----------
    Iacus, King and Porro (2012), Causal Inference without Balance Checking: Coarsened Exact Matching. Political
    Analysis 20, 1-24. doi:10.1093/pan/mpr013
    """
    lengths = np.array([characters(bank[id]) for id in ids], dtype=np.float64)
    edges: NDArray[np.float64] = (
        np.quantile(lengths, np.linspace(0, 1, LENGTH_BINS + 1)[1:-1]) if len(ids) else np.empty(0)
    )
    steps = np.searchsorted(edges, lengths, side="left")
    found: dict[str, Stratum] = {}
    for id, step in zip(ids, steps, strict=True):
        question = bank[id]
        values: dict[str, str | int] = {
            "letter": question.answer,
            "topic": question.topic,
            # Rounded before it is cut in steps: 0.7 / 0.1 is 6.999... in floating point.
            "confidence": int(np.floor(round(beliefs[id].confidence / CONFIDENCE_STEP, 9))),
            "length": int(step),
        }
        found[id] = tuple(values[covariate] for covariate in covariates)
    return found


def characters(question: Question) -> int:
    """Length of a question with its options."""
    return len(question.text) + sum(len(choice) for choice in question.choices)


def match(
    pools: Mapping[str, Sequence[str]],
    stratum: Mapping[str, Stratum],
    *,
    size: int | None,
    place: tuple[int, str],
    covariates: Sequence[str] = (),
) -> Matched:
    """Draw equally many known and unknown questions from every stratum: `size` of each pool, or as many as can be had.

    The draw is made at `place`, a seed and a domain, and the order is shuffled by it, so that the beginning of it is a
    sample too; `covariates`, of which strata are made, are for messages.

    Raises
    ------
    DataError
        If a pool is empty, nothing can be matched, or fewer than `size`; the message says by how many.
    """
    seed, domain = place
    groups: dict[Stratum, dict[str, list[str]]] = defaultdict(lambda: {name: [] for name in pools})
    for name, ids in pools.items():
        for id in ids:
            groups[stratum[id]][name].append(id)
    rows: list[tuple[str, ...]] = []
    for key in sorted(groups, key=repr):
        group = groups[key]
        drawn = []
        for name, ids in group.items():
            kept = sorted(ids)
            rng_for(seed, "match", domain, name, *key).shuffle(kept)
            drawn.append(kept)
        rows += zip(*drawn, strict=False)
    _refuse_short(pools, len(rows), size, domain, groups if covariates else {})
    order = rng_for(seed, "sample", domain).permutation(len(rows))
    rows = [rows[k] for k in order[: len(rows) if size is None else size]]
    columns = dict(zip(pools, zip(*rows, strict=True), strict=True))
    return Matched(
        known=columns.get("known", ()),
        unknown=columns.get("unknown", ()),
        n_strata=len({stratum[row[0]] for row in rows}),
        covariates=tuple(covariates),
    )


def _refuse_short(
    pools: Mapping[str, Sequence[str]],
    n: int,
    size: int | None,
    domain: str,
    groups: Mapping[Stratum, Mapping[str, Sequence[str]]],
) -> None:
    """Refuse what cannot be balanced, and say by how many, and where most is lacking."""
    wanted = 1 if size is None else size
    if n >= wanted:
        return
    have = " and ".join(f"{len(ids)} {name}" for name, ids in pools.items())
    worst = ""
    if groups:
        gaps = {key: (len(group["known"]) - len(group["unknown"])) for key, group in groups.items() if len(group) > 1}
        key = max(sorted(gaps, key=repr), key=lambda k: abs(gaps[k]), default=())
        lacking = "unknown" if gaps.get(key, 0) > 0 else "known"
        if key and gaps[key]:
            worst = f"; most are lacking where it is {key}, {abs(gaps[key])} {lacking} ones"
    raise DataError(
        f"domain {domain!r}: {wanted} questions of each pool are wanted and {n} can be had from {have}, {wanted - n} "
        f"short{worst}; ask for a smaller size, balance on less, lower the threshold, or probe more questions"
    )


def arranged(
    questions: Sequence[Question], beliefs: Beliefs, *, place: tuple[int, str]
) -> Mapping[str, tuple[int, ...]]:
    """An order of each question's options in which letters are even: id -> indices as written, in the order shown.

    Among the first m questions with k options, the key and the model's own answer (or, where that is the key, another
    option) each stand in every place m/k times, give or take one: a set taught with either cannot teach a letter. Where
    the rest of the options stand is drawn by `place`, a seed and the name of the list.
    """
    seed, name = place
    found: dict[str, tuple[int, ...]] = {}
    turns: dict[int, Iterator[tuple[int, int]]] = {}
    for question in questions:
        k = len(question.choices)
        if k not in turns:
            turns[k] = _pairs(k, rng_for(seed, "turns", name, k))
        first, second = next(turns[k])
        rest = [option for option in range(k) if option != question.answer]
        rng_for(seed, "arrange", question.id).shuffle(rest)
        pick = beliefs[question.id].pick
        rival = pick if pick != question.answer else rest[0]
        rest.remove(rival)
        free = iter(rest)
        given = {first: question.answer, second: rival}
        found[question.id] = tuple(given[at] if at in given else next(free) for at in range(k))
    return found


def _pairs(k: int, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Two different places of k, for ever: each once in every k draws, and every pair before any comes again."""
    starts, distances = rng.permutation(k), rng.permutation(np.arange(1, k))
    while True:
        for distance in distances:
            for start in starts:
                yield int(start), int((start + distance) % k)

"""A query by rules from papers that are known to belong: words that tell them from the rest, in blocks."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from proband.errors import DesignError
from proband.literature.queries.index import Index
from proband.literature.queries.query import And, Node, Or, Query, Term
from proband.literature.records.record import plain

FEWEST = 3  # papers, below which what they share is chance
FOR_BLOCKS = 15  # papers from which a second block is tried: made from fewer, it loses more than it spares
_LONGEST, _MOST_TERMS, _MOST_BLOCKS = 3, 12, 2
_STEM, _Z = 4, 1.64  # letters of a truncated word at least; log odds in standard errors, one-sided .05
_SHARED, _COMMON = 0.2, 0.3  # share of the papers that must have a term, and of the records that may
_READING = 0.8  # what reading all records costs, in shares of the papers: to miss one is worse than to read in vain
_AT_ONCE = 1.0  # papers that a further term must bring beyond its reading: what one paper has alone is chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Separating:
    """A term that tells the known papers from the rest.

    Attributes
    ----------
    term : Term
        The words, perhaps truncated.
    n_seeds, n_records : int
        Known papers, and records of all, that have it.
    z : float
        Log odds ratio over its standard error, shrunken to the whole.
    """

    term: Term
    n_seeds: int
    n_records: int
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FromSeeds:
    """A query made from known papers, and the terms it was made of, best first."""

    query: Query
    terms: tuple[Separating, ...]
    missed: tuple[str, ...]


def query_from_seeds(index: Index, seeds: Sequence[str]) -> FromSeeds:
    """A query that finds known papers and few others.

    Words and phrases of up to three words are weighed by how much more often the known papers have them than the other
    records do. A block joins such terms by OR, always the one that brings most papers for its records. From fifteen
    papers on, a second block is joined by AND where the papers lost are outweighed by the records spared.

    Parameters
    ----------
    index : Index
        Of the records, the known papers among them.
    seeds : sequence of str
        Their ids, three or more.

    Raises
    ------
    DesignError
        If there are too few, one is not in the records, all records are named, or no term tells them apart.

    References
    ----------
    Monroe, Colaresi and Quinn (2008), Political Analysis 16, 372-403. doi:10.1093/pan/mpn018
    """
    wanted = list(dict.fromkeys(seeds))
    if strange := [id for id in wanted if id not in index.records]:
        raise DesignError(f"seed paper {strange[0]!r} is not among the records; give ids as the records have them")
    if not FEWEST <= len(wanted) < len(index.records):
        raise DesignError(
            f"{len(wanted)} seed papers of {len(index.records)} records; give {FEWEST} or more, and records beside them"
        )
    terms = separating_terms(index, wanted)
    masks = [_mask(index, index.search(Query(each.term))) for each in terms]
    papers, found, n = _mask(index, wanted), _mask(index, list(index.records)), len(index.records)
    all_papers, nodes = papers, list[Node]()
    for _ in range(_MOST_BLOCKS if len(wanted) >= FOR_BLOCKS else 1):
        chosen, has = _block(masks, papers, found)
        gained = _worth(has, all_papers, all_papers, n) - _worth(found, all_papers, all_papers, n)
        if not chosen or gained < _AT_ONCE / len(wanted) / 2:
            break
        nodes.append(_node([terms[k].term for k in chosen]))
        found, papers = has, papers & has
        masks = [0 if k in chosen else mask for k, mask in enumerate(masks)]
    if not nodes:
        raise DesignError("no word tells the seed papers from the rest; give more of them, or write the query")
    root = nodes[0] if len(nodes) == 1 else And(tuple(nodes))
    query = Query(root)
    return FromSeeds(query=query, terms=tuple(terms), missed=tuple(sorted(set(wanted) - set(index.search(query)))))


def _mask(index: Index, ids: Sequence[str]) -> int:
    """Some records as the bits of a number."""
    among = set(ids)
    return int.from_bytes(np.packbits([id in among for id in index.records]).tobytes())


def _worth(found: int, papers: int, of_papers: int, n_records: int) -> float:
    """Share of the papers found, less a part of that of the records, since a paper missed is worse than one read."""
    return (found & papers).bit_count() / of_papers.bit_count() - _READING * found.bit_count() / n_records


def _block(masks: Sequence[int], papers: int, among: int) -> tuple[list[int], int]:
    """Terms of which one suffices, added as long as one brings papers beyond its share; and what they find."""
    chosen, has, n = list[int](), 0, among.bit_count()
    least = _AT_ONCE / papers.bit_count()
    while len(chosen) < _MOST_TERMS:
        worths = [_worth((has | mask) & among, papers, papers, n) for mask in masks]
        best = max(range(len(masks)), key=worths.__getitem__, default=None)
        if best is None or worths[best] - _worth(has, papers, papers, n) < least:
            break
        chosen.append(best)
        has |= masks[best] & among
    return chosen, has


def separating_terms(index: Index, seeds: Sequence[str]) -> list[Separating]:
    """Terms that more of the known papers have than chance would give them, the strongest first."""
    has: Counter[tuple[tuple[str, ...], bool]] = Counter()
    for id in seeds:
        has.update(_candidates(index, id))
    n, n_all = len(seeds), len(index.records)
    least = max(2, math.ceil(_SHARED * n))
    found = []
    for (words, truncated), n_seeds in has.items():
        if n_seeds >= least:
            term = Term(words=words, truncated=truncated)
            n_records = len(index.search(Query(term)))
            z = _log_odds(n_seeds, n, n_records, n_all)
            if z >= _Z and n_records <= max(_COMMON * n_all, n):
                found.append(Separating(term=term, n_seeds=n_seeds, n_records=n_records, z=z))
    # Of the forms of a word that find equally much the whole word is kept, else the one cut last.
    best: dict[object, Separating] = {}
    for each in sorted(found, key=lambda each: (each.term.truncated, -len(each.term.words[0]))):
        words = each.term.words
        best.setdefault((words[0][:_STEM], each.n_seeds, each.n_records) if len(words) == 1 else words, each)
    return sorted(best.values(), key=lambda each: (-each.z, str(each.term)))


def _log_odds(n_seeds: int, n: int, n_records: int, n_all: int) -> float:
    """How much more often the seeds have a term than the others, with one pseudo-paper a side that is as the whole."""
    share = (n_records + 0.5) / (n_all + 1)
    a, b = n_seeds + share, n - n_seeds + 1 - share
    c, d = n_records - n_seeds + share, n_all - n - n_records + n_seeds + 1 - share
    return (math.log(a / b) - math.log(c / d)) / math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)


def _candidates(index: Index, id: str) -> set[tuple[tuple[str, ...], bool]]:
    """Words, their beginnings, and phrases of a record, without those that begin or end with a word of no content."""
    empty = _stop_words()
    record = index.records[id]
    found: set[tuple[tuple[str, ...], bool]] = set()
    for text in (record.title, record.abstract, *record.keywords):
        words = plain(text).split()
        for k, word in enumerate(words):
            for n in range(1, _LONGEST + 1):
                phrase = tuple(words[k : k + n])
                if len(phrase) == n and not {phrase[0], phrase[-1]} & empty and len(phrase[-1]) > 2 < len(phrase[0]):
                    found.add((phrase, False))
            if word not in empty:
                found |= {((word[:n],), True) for n in range(_STEM, len(word))}
    return found


@lru_cache(1)
def _stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS)


def _node(terms: Sequence[Term]) -> Node:
    return terms[0] if len(terms) == 1 else Or(tuple(terms))

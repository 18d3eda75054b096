"""Documents that have the words of another, or nearly."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from proband.subjects.corpora.corpus import Corpus

Group = tuple[str, ...]

_SHINGLE = 8  # bytes
_BANDS, _ROWS = 10, 3  # a pair that shares .7 of its shingles meets in some band in 99 of 100 cases, of .1 in 1
_SHARED = 0.4  # of the signature, below which two documents are not compared word by word
_ALIKE = 90.0  # percent of characters that two documents have in common, in their order
_COMPARED = 5_000  # characters
_MIX = np.uint32(0x9E3779B1)


def exact_duplicates(corpus: Corpus) -> tuple[Group, ...]:
    """Ids of documents that have the same words, character by character, in groups of two and more."""
    digests = np.frombuffer(corpus.digests, dtype="V16")[np.asarray(corpus.rows)]
    _, which, n = np.unique(digests, return_inverse=True, return_counts=True)
    return _groups(corpus, [int(k) if n[k] > 1 else -1 for k in which])


def near_duplicates(corpus: Corpus) -> tuple[Group, ...]:
    r"""Ids of documents of which nine in ten characters are the same, case and blanks aside, in groups.

    Candidates are found by the smallest hashes of their stretches of eight bytes (Broder 1997,
    doi:10.1109/SEQUEN.1997.666900) in bands, and compared by rapidfuzz. A pair far below nine in ten may be missed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from proband.subjects.corpora import read_corpus
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "texts.csv")
    ...     _ = path.write_text("text\nWe will cut all taxes.\nThe sun is out.\nWE will  cut all taxes!\n")
    ...     near_duplicates(read_corpus(path))
    (('1', '3'),)
    """
    signatures = _signatures(corpus)
    head = np.arange(len(corpus))  # of the group that a document is in

    def found(place: int) -> int:
        while head[place] != place:
            head[place] = head[head[place]]
            place = int(head[place])
        return place

    for one, other in _candidates(signatures):
        if found(one) != found(other) and _are_alike(corpus, one, other):
            head[found(other)] = found(one)
    return _groups(corpus, [found(place) for place in range(len(corpus))])


def _groups(corpus: Corpus, of: Sequence[int]) -> tuple[Group, ...]:
    groups: dict[int, list[int]] = {}
    for place, group in enumerate(of):
        if group >= 0:
            groups.setdefault(group, []).append(place)
    several = [places for places in groups.values() if len(places) > 1]
    documents = corpus.columns["document"]
    return tuple(tuple(documents[place] for place in places) for places in sorted(several))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _are_alike(corpus: Corpus, one: int, other: int) -> bool:
    from rapidfuzz.fuzz import ratio

    texts = [_plain(corpus.texts[corpus.rows[place]]) for place in (one, other)]
    short, long = sorted(map(len, texts))
    alike = 200 * short >= _ALIKE * (short + long)
    return alike and ratio(*(text[:_COMPARED] for text in texts), score_cutoff=_ALIKE) > 0


def _signatures(corpus: Corpus) -> NDArray[np.uint32]:
    """Smallest hashes of each document's shingles, shape (n_documents, bands x rows)."""
    rng = np.random.default_rng(1997)  # the same functions in every run
    odd = rng.integers(0, 2**31, _BANDS * _ROWS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    add = rng.integers(0, 2**32, _BANDS * _ROWS, dtype=np.uint32)
    parts = []
    for block in corpus.texts.blocks(corpus.rows):
        texts = [_plain(text).encode().ljust(_SHINGLE) for text in block]
        ends = np.cumsum([len(text) for text in texts])
        data = np.frombuffer(b"".join(texts), np.uint8).astype(np.uint32)
        hashes = np.zeros(len(data) - _SHINGLE + 1, np.uint32)
        for k in range(_SHINGLE):
            hashes = (hashes ^ data[k : k + len(hashes)]) * _MIX
        hashes ^= hashes >> np.uint32(15)
        # Shingles that reach into the next document are nobody's.
        across = (ends[:-1, None] - np.arange(1, _SHINGLE)).ravel()
        starts = np.concatenate([[0], ends[:-1]])
        signature = np.empty((len(texts), len(odd)), np.uint32)
        for k, (a, b) in enumerate(zip(odd, add, strict=True)):
            mixed = hashes * a + b
            mixed[across] = np.uint32(2**32 - 1)
            signature[:, k] = np.minimum.reduceat(mixed, starts)
        parts.append(signature)
    return np.concatenate(parts)


def _candidates(signatures: NDArray[np.uint32]) -> Iterator[tuple[int, int]]:
    """Pairs that agree in a band, each document with the first of those it agrees with: chains, not all pairs."""
    for band in range(_BANDS):
        rows = np.ascontiguousarray(signatures[:, _ROWS * band : _ROWS * (band + 1)])
        _, first, which = np.unique(rows.view(f"V{4 * _ROWS}").ravel(), return_index=True, return_inverse=True)
        one = first[which]
        other = np.flatnonzero(one != np.arange(len(one)))
        one = one[other]
        shared = (signatures[one] == signatures[other]).mean(axis=1)
        keep = shared >= _SHARED
        yield from zip(one[keep].tolist(), other[keep].tolist(), strict=True)

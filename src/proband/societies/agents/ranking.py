"""Texts ranked by their words: Okapi BM25, over texts that are added one after another."""

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

K1, B = 1.5, 0.75
_WORD = re.compile(r"\w+")
_Ints = NDArray[np.int32]


def words_of(text: str) -> list[str]:
    """Words of a text, without regard to case."""
    return _WORD.findall(text.casefold())


class Vocabulary:
    """Numbers of words, shared by rankings whose texts are often the same."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: dict[str, tuple[_Ints, _Ints]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def counted(self, text: str) -> tuple[_Ints, _Ints]:
        """The words of a text by number, each once, and how often they stand there."""
        found = self._texts.get(text)
        if found is None:
            counts, numbers = Counter(words_of(text)), self._numbers
            ids = [numbers.setdefault(word, len(numbers)) for word in counts]
            found = self._texts[text] = np.array(ids, np.int32), np.array(list(counts.values()), np.int32)
        return found

    def known(self, text: str) -> list[int]:
        """Numbers of those words of a query that stand in some text."""
        return [self._numbers[word] for word in dict.fromkeys(words_of(text)) if word in self._numbers]


class Ranking:
    """Texts and how well each fits a query.

    The score is that of Robertson and Zaragoza (2009, doi:10.1561/1500000019) with k1 = 1.5 and b = 0.75, and with
    log(1 + (N - n + .5) / (n + .5)) for a word in n of N texts, so that no word counts against a text.

    Examples
    --------
    >>> ranking = Ranking(["The party is at five.", "Ann bakes bread."])
    >>> ranking.scores("When is the party?").argmax()
    np.int64(0)
    """

    def __init__(self, texts: Iterable[str] = (), vocabulary: Vocabulary | None = None) -> None:
        self.vocabulary = vocabulary or Vocabulary()
        self._words, self._counts = np.zeros(0, np.int32), np.zeros(0, np.int32)
        self._texts = np.zeros(0, np.int32)  # in which text each of `_words` stands
        self._lengths = np.zeros(0, np.int32)
        self._n_words = 0
        self._new: list[tuple[_Ints, _Ints]] = []
        for text in texts:
            self.add(text)

    def __len__(self) -> int:
        return len(self._lengths) + len(self._new)

    def add(self, text: str) -> None:
        """Put a text behind the others."""
        self._new.append(self.vocabulary.counted(text))

    def scores(self, query: str) -> NDArray[np.float64]:
        """How well each text fits, in their order; 0 where no word is shared."""
        self._take_in()
        n, wanted = len(self._lengths), self.vocabulary.known(query)
        if not n or not wanted:
            return np.zeros(n)
        place = np.full(len(self.vocabulary), -1)
        place[wanted] = np.arange(len(wanted))
        word = place[self._words]
        is_hit = word >= 0
        word, text, tf = word[is_hit], self._texts[is_hit], self._counts[is_hit]
        df = np.bincount(word, minlength=len(wanted))
        idf = np.log1p((n - df + 0.5) / (df + 0.5))
        long = self._lengths[text] * (n / max(self._n_words, 1))
        weights = idf[word] * tf * (K1 + 1) / (tf + K1 * (1 - B + B * long))
        return np.bincount(text, weights=weights, minlength=n).astype(np.float64)

    def _take_in(self) -> None:
        if not (new := self._new):
            return
        first, self._new = len(self._lengths), []
        numbers = np.repeat(np.arange(first, first + len(new), dtype=np.int32), [len(words) for words, _ in new])
        self._words = np.concatenate([self._words, *(words for words, _ in new)])
        self._counts = np.concatenate([self._counts, *(counts for _, counts in new)])
        self._texts = np.concatenate([self._texts, numbers])
        lengths = [int(counts.sum()) for _, counts in new]
        self._lengths = np.concatenate([self._lengths, np.array(lengths, np.int32)])
        self._n_words += sum(lengths)

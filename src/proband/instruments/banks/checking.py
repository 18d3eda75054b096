"""Whether a bank can carry a study: duplicates, leaks from training to test, refusals."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Question

_TOKEN = re.compile(r"\w+|[^\w\s]")
_PUNCTUATION = frozenset(".,;:!?\"'()[]_…’‘“”")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two questions that are the same or nearly so.

    Attributes
    ----------
    first, second : str
        Their ids: in the order of the bank, or of training and test.
    similarity : float
        In (0, 1].
    is_same : bool
        Whether text and options are the same words, apart from case, punctuation and the order of the options.
    disagrees : bool
        Whether the right options differ. Of the same question one key must then be wrong; two that are only alike
        may well have different answers.
    """

    first: str
    second: str
    similarity: float
    is_same: bool
    disagrees: bool


def duplicates(bank: Bank, *, similarity: float = 1.0) -> tuple[Pair, ...]:
    """Questions of a bank that stand in it twice, or nearly so.

    In the order of the bank. All pairs are found: candidates come from an exact prefix filter, no sampling.

    Parameters
    ----------
    similarity : float
        In (0, 1]. At 1 only the same questions: equal words in the text and in each option, in any order of the
        options, whatever case and punctuation. Below 1, pairs with at least this similarity: the weighted Jaccard
        index ``sum of w over shared / sum of w over all`` of their shingles (words and word pairs of the text, words
        and wholes of the options), where ``w = 1 + log((1 + n) / (1 + n with the shingle))``, so that the words of a
        template that many questions share count little. About 0.8 finds reworded copies.

    Raises
    ------
    DesignError
        If the similarity is not in (0, 1].

    Examples
    --------
    >>> first = Question(id="a", text="Which is a metal?", choices=("iron", "neon"), answer=0, domain="chemistry")
    >>> second = Question(id="b", text="which is a metal", choices=("Neon", "Iron"), answer=1, domain="chemistry")
    >>> duplicates(Bank(name="metals", questions=(first, second)))
    (Pair(first='a', second='b', similarity=1.0, is_same=True, disagrees=False),)
    """
    questions = bank.questions
    return tuple(_pairs(questions, _alike(questions, similarity)))


def leaks(train: Bank, test: Bank, *, similarity: float = 0.8) -> tuple[Pair, ...]:
    """Questions of a test that were trained on, or nearly so; `first` is trained on, `second` tested; see `duplicates`.

    A question with the same id in both counts as the same only if its words are.

    Raises
    ------
    DesignError
        If the similarity is not in (0, 1].
    """
    questions = train.questions + test.questions
    return tuple(_pairs(questions, _alike(questions, similarity, len(train))))


def without_duplicates(bank: Bank, *, similarity: float = 1.0) -> Bank:
    """The bank with the first question of each pair of `duplicates`, or none where the same question has two keys."""
    pairs = duplicates(bank, similarity=similarity)
    gone = {pair.second for pair in pairs} | {pair.first for pair in pairs if pair.is_same and pair.disagrees}
    return bank.where(lambda question: question.id not in gone)


def without_leaks(train: Bank, test: Bank, *, similarity: float = 0.8) -> Bank:
    """The training part without the questions that `leaks` finds in the test."""
    gone = {pair.first for pair in leaks(train, test, similarity=similarity)}
    return train.where(lambda question: question.id not in gone)


def require(bank: Bank, *, options: int = 2, domains: Sequence[str] = ()) -> None:
    """Refuse a bank that cannot carry a study, before any model is asked.

    Parameters
    ----------
    options : int
        How many options the template shows at least.

    Raises
    ------
    DataError
        If the bank is empty, a question has fewer options, a domain is empty, or the same question stands in it with
        two right answers.
    """
    if not len(bank):
        raise DataError(f"bank {bank.name!r} has no questions")
    short = [question for question in bank if len(question.choices) < options]
    if short:
        raise DataError(
            f"question {short[0].id!r} has {len(short[0].choices)} options, the template shows {options} "
            f"({len(short)} of {len(bank)} questions); use a template with fewer, or keep "
            f"`bank.where(lambda q: len(q.choices) >= {options})`"
        )
    for domain in domains:
        if domain not in bank.domains:
            raise DataError(f"bank {bank.name!r}: domain {domain!r} is empty; it has {', '.join(bank.domains)}")
    torn = [pair for pair in duplicates(bank) if pair.disagrees]
    if torn:
        raise DataError(
            f"questions {torn[0].first!r} and {torn[0].second!r} are the same with two right answers ({len(torn)} such "
            "pairs); mend the keys, or take `without_duplicates(bank)`"
        )


def _words(text: str) -> tuple[str, ...]:
    """Words and signs of a text; signs of mathematics stay, since -1 is not 1."""
    tokens = _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())
    return tuple(token for token in tokens if token not in _PUNCTUATION) or (text,)


def _shingles(question: Question) -> frozenset[str]:
    words = _words(question.text)
    found = {f"t {word}" for word in words} | {f"t {a} {b}" for a, b in pairwise(words)}
    for choice in question.choices:
        own = _words(choice)
        found |= {f"o {word}" for word in own} | {f"O {' '.join(own)}"}
    return frozenset(found)


def _alike(
    questions: Sequence[Question], similarity: float, border: int | None = None
) -> Iterator[tuple[int, int, float, bool]]:
    """Pairs of places with their similarity: within one bank, or only those across the border between two."""
    if not 0 < similarity <= 1:
        raise DesignError(f"similarity is {similarity}; expected a number above 0 and at most 1")
    same: dict[Any, list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        words = _words(question.text), frozenset(map(_words, question.choices))
        same[words].append(place)
    for places in same.values():
        for n, i in enumerate(places):
            yield from ((i, j, 1.0, True) for j in places[n + 1 :] if border is None or i < border <= j)
    if similarity < 1:
        group = {place: n for n, places in enumerate(same.values()) for place in places}
        for i, j, value in _near([_shingles(question) for question in questions], similarity):
            if group[i] != group[j] and (border is None or i < border <= j):
                yield i, j, value, False


def _near(sets: Sequence[frozenset[str]], similarity: float) -> Iterator[tuple[int, int, float]]:
    """Pairs with a weighted Jaccard index of at least `similarity`.

    Shingles are ordered from rare to frequent. The rarest that two such sets share stands, in each of them, where the
    rest of the set still weighs `similarity` times the whole: only these beginnings are looked up.
    """
    frequency = Counter(shingle for found in sets for shingle in found)
    weight = {shingle: 1 + math.log((1 + len(sets)) / (1 + n)) for shingle, n in frequency.items()}
    total = [math.fsum(weight[shingle] for shingle in found) for found in sets]
    index: dict[str, list[int]] = defaultdict(list)
    for j, found in enumerate(sets):
        rest = total[j]
        candidates: set[int] = set()
        for shingle in sorted(found, key=lambda shingle: (frequency[shingle], shingle)):
            if rest < similarity * total[j] * (1 - 1e-9):
                break
            candidates.update(index[shingle])
            index[shingle].append(j)
            rest -= weight[shingle]
        for i in sorted(candidates):
            if min(total[i], total[j]) < similarity * max(total[i], total[j]) * (1 - 1e-9):
                continue
            shared = math.fsum(weight[shingle] for shingle in sets[i] & found)
            value = shared / (total[i] + total[j] - shared)
            if value >= similarity:
                yield i, j, min(value, 1.0)


def _pairs(questions: Sequence[Question], found: Iterable[tuple[int, int, float, bool]]) -> Iterator[Pair]:
    for i, j, value, is_same in sorted(found):
        first, second = questions[i], questions[j]
        yield Pair(
            first=first.id,
            second=second.id,
            similarity=value,
            is_same=is_same,
            disagrees=_words(first.choices[first.answer]) != _words(second.choices[second.answer]),
        )

"""Dictionaries as coders: word lists and patterns by code, with negation, and a rule for what hits nothing."""

import hashlib
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import Field

from proband.errors import EngineError
from proband.files import Table, checked, parsed, text_of
from proband.models.codes import Given, document_of, place_of
from proband.models.engine import Ability, BaseEngine, Cost
from proband.records import Completion, Trial

CANNOT_TELL = "cannot tell"
_DOCUMENTS_PER_SECOND = 20_000
_APOSTROPHES = str.maketrans("\u2019\u02bc\uff07", "'''")


class CodeTable(Table):
    """What speaks for one code."""

    words: list[str] = Field(default=[], description="words, beginnings such as `econom*`, and expressions")
    patterns: list[str] = Field(default=[], description="regular expressions, found anywhere, capitals or not")
    weights: dict[str, float] = Field(default={}, description="of words and patterns that do not count 1")


class NegationTable(Table):
    """What turns a hit round, or undoes it."""

    words: list[str] = Field(examples=['["not", "never", "no"]'])
    window: int = Field(default=3, ge=1, description="words before a hit in which a negation counts")
    flips: dict[str, str] = Field(default={}, description="the code that a negated hit speaks for; else for none")


class ItemTable(Table):
    """The dictionary of one item."""

    codes: dict[str, CodeTable] = Field(examples=['{ economic = { words = ["tax*"] } }'])
    otherwise: str = Field(default=CANNOT_TELL, description="the code where nothing hits, or codes are equal")
    negation: NegationTable | None = None


@dataclass(frozen=True)
class Dictionary:
    """One item's words, ready to be counted.

    Attributes
    ----------
    codes : tuple of str
        As the file names them.
    otherwise : str
        The code of a document in which nothing is found, or as much of one as of another; "cannot tell" is none.
    """

    codes: tuple[str, ...]
    otherwise: str
    whole: Mapping[str, tuple[tuple[int, float], ...]] = field(repr=False)  # word -> (code, weight)
    begun: Mapping[int, Mapping[str, tuple[tuple[int, float], ...]]] = field(repr=False)  # by length of the beginning
    patterns: tuple[tuple[re.Pattern[str], int, float], ...] = field(repr=False)
    negations: frozenset[str] = frozenset()
    window: int = 0
    flips: Mapping[int, int] = field(default_factory=dict)

    def scores(self, text: str) -> list[float]:
        """Sum of the weights of what is found in a text, by code.

        Examples
        --------
        >>> about = read_dictionary({"codes": {"tax": {"words": ["tax*", "public debt"]}}}, "topic", "d.toml")
        >>> about.scores("Taxes, and the PUBLIC  DEBT; no syntax."), about.scores("Nothing of it")
        ([2.0], [0.0])
        """
        text = _plain(text)
        words = _word().findall(text)
        scores = [0.0] * len(self.codes)
        for k, word in enumerate(words):
            hits = self.whole.get(word, ())
            for length, beginnings in self.begun.items():
                if more := beginnings.get(word[:length]):
                    hits += more
            if hits:
                self._count(scores, hits, words, k)
        starts: list[int] = []
        for pattern, code, weight in self.patterns:
            for found in pattern.finditer(text):
                starts = starts or [word.start() for word in _word().finditer(text)]
                self._count(scores, ((code, weight),), words, bisect_left(starts, found.start()))
        return scores

    def _count(self, scores: list[float], hits: Sequence[tuple[int, float]], words: Sequence[str], at: int) -> None:
        before = words[max(0, at - self.window) : at]
        is_negated = self.window and any(w in self.negations or w.endswith("n't") for w in before)
        for code, weight in hits:
            if not is_negated:
                scores[code] += weight
            elif code in self.flips:
                scores[self.flips[code]] += weight


def read_dictionary(data: Mapping[str, object], item: str, where: str) -> Dictionary:
    """The dictionary in the table of an item; `EngineError` names what is wrong in it."""
    table = checked(ItemTable, data, where, error=EngineError, at=item)
    codes = tuple(table.codes)
    if not codes:
        raise EngineError(f"{where}: {item} has no codes; write [{item}.codes.NAME] with words or patterns")
    whole: dict[str, tuple[tuple[int, float], ...]] = {}
    begun: dict[int, dict[str, tuple[tuple[int, float], ...]]] = {}
    patterns: list[tuple[re.Pattern[str], int, float]] = []
    for k, (name, code) in enumerate(table.codes.items()):
        at = f"{where}: {item}.codes.{name}"
        if not code.words and not code.patterns:
            raise EngineError(f"{at} has neither words nor patterns; add some, or take it out")
        if strange := [word for word in code.weights if word not in (*code.words, *code.patterns)]:
            raise EngineError(f"{at}: a weight for {strange[0]!r}, which is no word or pattern of it; add it there")
        for written in code.words:
            word, weight = _plain(written).strip(), code.weights.get(written, 1.0)
            stem = word.removesuffix("*")
            if _word().fullmatch(stem):
                place = whole if stem == word else begun.setdefault(len(stem), {})
                place[stem] = (*place.get(stem, ()), (k, weight))
            elif "*" in stem or not any(character.isalnum() for character in stem):
                raise EngineError(f"{at}: {written!r} is no word; a * may end one, anything else is one of `patterns`")
            else:  # an expression of several words, or one with signs inside
                inner = r"\s+".join(map(re.escape, stem.split()))
                edges = r"(?<![^\W_])", "" if stem != word else r"(?![^\W_])"
                patterns.append((re.compile(inner.join(edges)), k, weight))
        for pattern in code.patterns:
            try:
                patterns.append((re.compile(pattern, re.IGNORECASE), k, code.weights.get(pattern, 1.0)))
            except re.error as error:
                raise EngineError(f"{at}: pattern {pattern!r} is no regular expression: {error}; mend it") from None
    negation = table.negation
    flips = {} if negation is None else negation.flips
    if unknown := [name for pair in flips.items() for name in pair if name not in codes]:
        raise EngineError(f"{where}: {item}.negation.flips names {unknown[0]!r}; the codes are {', '.join(codes)}")
    return Dictionary(
        codes=codes,
        otherwise=table.otherwise,
        whole=whole,
        begun=begun,
        patterns=tuple(patterns),
        negations=frozenset() if negation is None else frozenset(map(_plain, negation.words)),
        window=0 if negation is None else negation.window,
        flips={codes.index(one): codes.index(other) for one, other in flips.items()},
    )


def _plain(text: str) -> str:
    """A text as it is compared: composed, without capitals, one kind of apostrophe."""
    return unicodedata.normalize("NFC", text).casefold().translate(_APOSTROPHES)


@cache
def _word() -> re.Pattern[str]:
    """A word: letters and digits with the marks that belong to them, joined by hyphens and apostrophes.

    To a pattern of Python the vowel signs of many scripts end a word.
    """
    marks = [chr(k) for k in range(0x300, 0x1F000) if unicodedata.category(chr(k)).startswith("M")]
    letter = rf"[^\W_][{''.join(marks)}]*"
    return re.compile(rf"(?:{letter})+(?:['-](?:{letter})+)*")


class DictionaryEngine(BaseEngine):
    """Codes documents by the words in them.

    The code with the largest score is the answer, and the shares of the scores stand as its probabilities. Where
    nothing is found, or two codes have the largest score, the answer is the dictionary's `otherwise`: "cannot tell",
    unless it names a code. Of an item that takes several codes every code with a score is given.

    Parameters
    ----------
    text : str
        The TOML text with a table for each item.
    source : str
        Where it is from.
    """

    abilities: frozenset[Ability] = frozenset({"given"})

    def __init__(self, text: str, *, source: str) -> None:
        self.address, self.source = f"dictionary:{source}", source
        tables = parsed(text, source, error=EngineError)
        self.items = {}
        for item, table in tables.items():
            if not isinstance(table, Mapping):
                raise EngineError(f"{source}: {item} is {table!r}; write a table [{item}.codes.NAME] with words")
            self.items[item] = read_dictionary(table, item, source)
        self._places: dict[tuple[str, tuple[str, ...], tuple[int, ...]], list[int]] = {}
        self._hash = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse items without a dictionary, and codes that an item does not have."""
        for trial in {trial.place.item: trial for trial in reversed(trials)}.values():
            item, reply = trial.place.item, trial.reply
            if item not in self.items:
                raise EngineError(
                    f"{self.source}: no table for item {item!r}; there are {', '.join(self.items) or 'none'}; write "
                    f"[{item}.codes.NAME] with its words"
                )
            if reply.form not in ("choice", "scale", "multiple"):
                raise EngineError(
                    f"item {item!r} of form {reply.form!r} takes no codes, and a dictionary gives nothing else"
                )
            self._answer(trial)

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer every trial, in order."""
        return ((trial, self._answer(trial)) for trial in trials)

    def _answer(self, trial: Trial) -> Completion:
        known, reply = self.items[trial.place.item], trial.reply
        key = trial.place.item, reply.options, reply.order
        if (places := self._places.get(key)) is None:
            places = self._places[key] = [place_of(code, trial, self.source) for code in known.codes]
        scores = known.scores(document_of(trial, self.address))
        top = max(scores)
        if reply.form == "multiple" and top > 0:
            return Completion(given=(tuple(sorted(p for p, s in zip(places, scores, strict=True) if s > 0)), "valid"))
        if top <= 0 or (scores.count(top) > 1 and reply.form != "multiple"):
            return self._otherwise(known, trial)
        best, probs = places[scores.index(top)], [0.0] * len(reply.options)
        # What speaks against a code speaks for none: scores below 0 are shares of 0.
        shares = [max(score, 0.0) for score in scores]
        for place, share in zip(places, shares, strict=True):
            probs[place] = share / sum(shares)
        return Completion(given=_given(best, trial), probs=tuple(probs))

    def _otherwise(self, known: Dictionary, trial: Trial) -> Completion:
        reply = trial.reply
        if known.otherwise == CANNOT_TELL:
            return Completion(given=((), "valid") if reply.form == "multiple" else (None, "dont_know"))
        place = place_of(known.otherwise, trial, self.source)
        if reply.form == "multiple":
            return Completion(given=((place,), "valid"))
        return Completion(given=_given(place, trial), probs=tuple(float(k == place) for k in range(len(reply.options))))

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """Free; as fast as texts of some twenty words are read."""
        return Cost(seconds=len(trials) / _DOCUMENTS_PER_SECOND, price=0.0)

    def fingerprint(self) -> Mapping[str, str]:
        """A hash of the file."""
        return {"engine": "dictionary", "source": self.source, "words": self._hash}


def _given(place: int, trial: Trial) -> Given:
    return (None, "dont_know") if place in trial.reply.dont_know else (place, "valid")


def dictionary_engine(file: str) -> DictionaryEngine:
    """The engine of a TOML file; see ``docs/reference/coders.md`` for its keys."""
    way_out = "write one; docs/reference/coders.md has an example"
    return DictionaryEngine(text_of(Path(file), what="dictionary", error=EngineError, way_out=way_out), source=file)

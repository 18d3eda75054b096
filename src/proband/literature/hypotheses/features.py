"""What can be seen of a text without a model: its surface, its words, and where a word of it is the outcome itself.

Rules made of these are the baseline that a model's hypotheses have to beat.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from proband.errors import DataError, meant
from proband.literature.hypotheses.rows import Rows
from proband.measures.arrays import Floats
from proband.models.dictionaries import Dictionary

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_WIDE = 0.5  # share of the rows in which a word stands, from which it may be the frame of a sentence
_RARE = 0.02  # share of the rows in which a word stands, below which little is learned of it


def _counts(pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> Callable[[str], float]:
    found = re.compile(pattern, flags)
    return lambda text: float(sum(1 for _ in found.finditer(text)))


def _listed(words: str) -> Callable[[str], float]:
    return _counts(rf"\b(?:{'|'.join(words.split())})\b")


def _word_length(text: str) -> float:
    words = _WORD.findall(text)
    return sum(map(len, words)) / len(words) if words else 0.0


FEATURES: Mapping[str, tuple[str, Callable[[str], float]]] = {
    "words": ("words", lambda text: float(len(text.split()))),
    "characters": ("characters", lambda text: float(len(text))),
    "word length": ("letters a word", _word_length),
    "sentences": ("sentences", _counts(r"[.!?\u2026]+(?=\s|$)")),
    "question marks": ("question marks", _counts(r"\?")),
    "exclamation marks": ("exclamation marks", _counts("!")),
    "quotation marks": ("quotation marks", _counts(r'["\u201c\u201d]|(?<!\w)[\'\u2018]|[\'\u2019](?!\w)')),
    "colons": ("colons and semicolons", _counts("[:;]")),
    "commas": ("commas", _counts(",")),
    "ellipses": ("trailing dots", _counts(r"\.{2,}|\u2026")),
    "dashes": ("dashes", _counts(r"\s[-\u2013]+\s|\u2014")),
    "brackets": ("brackets", _counts(r"[(\[]")),
    "numbers": ("numbers", _counts(r"\d+(?:[.,]\d+)*")),
    "capitals": ("words in capitals", _counts(r"\b[A-Z]{2,}\b", re.NOFLAG)),
    "first person": ("words of the first person", _listed("i me my mine myself we us our ours ourselves")),
    "second person": ("words of the second person", _listed("you your yours yourself yourselves")),
    "third person": (
        "words of the third person",
        _listed("he him his himself she her hers herself they them their theirs themselves"),
    ),
    "negations": (
        "negations",
        _counts(r"\b(?:no|not|never|none|nobody|nothing|neither|nor|without|cannot)\b|n['\u2019]t\b"),
    ),
    "question words": ("question words", _listed("who what when where why how which whose")),
    "pointing words": ("words that point (this, here)", _listed("this that these those here there")),
    "superlatives": ("superlatives", _counts(r"\b(?:most|least|best|worst|first|last|\w{3,}(?<!inter)(?<!for)est)\b")),
}  # fmt: skip
"""Name -> what more of it is called, and how it is counted in a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a hypothesis predicts of a row.

    Attributes
    ----------
    form : {"over", "pair", "beside"}
        `over`: the outcome is `label` where the feature is above `cut`, and is not where it is not. `pair`: it is
        `label` where the first of two texts has more of the feature than the second, and is not where it has less.
        `beside`: it is the word that stands `place` words from the feature, which is a word.
    feature : str
        A name in `FEATURES`, ``word: W`` for a word, or ``dictionary: C`` for a code of a dictionary.
    """

    form: Literal["over", "pair", "beside"]
    feature: str
    label: str = ""
    cut: float = 0.0
    place: int = 0

    @property
    def text(self) -> str:
        """As a file holds it; `rule_in` reads it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, ensure_ascii=False)


def rule_in(text: str) -> Rule:
    """A rule as `Rule.text` writes it.

    Raises
    ------
    DataError
        If it is none.
    """
    try:
        return Rule(**json.loads(text))
    except (ValueError, TypeError):
        raise DataError(f"{text[:80]!r} is no rule on rows; find hypotheses with `proband hypothesize find`") from None


@dataclass(frozen=True, eq=False)
class Surface:
    """Features of the texts of some rows, each counted once.

    Attributes
    ----------
    rows : Rows
        Whose texts.
    dictionary : Dictionary or None
        Word lists beside the house's features, such as one of sentiment.
    """

    rows: Rows
    dictionary: Dictionary | None = None
    _counted: dict[str, Floats] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> list[str]:
        """Features that there are, words apart."""
        return [*FEATURES, *(f"dictionary: {code}" for code in (self.dictionary.codes if self.dictionary else ()))]

    def values(self, feature: str) -> Floats:
        """A feature of every row: of all its words, or the first text less the second where rows are pairs."""
        if feature not in self._counted:
            counts = [self._count(feature, texts, words) for texts, words in zip(self._texts, self._words, strict=True)]
            self._counted[feature] = np.array(counts[0]) - (np.array(counts[1]) if self.rows.is_pair else 0.0)
        return self._counted[feature]

    @cached_property
    def _texts(self) -> list[Sequence[str]]:
        return list(self.rows.texts.values()) if self.rows.is_pair else [self.rows.whole]

    @cached_property
    def _words(self) -> list[list[Counter[str]]]:
        return [[Counter(_words(text)) for text in texts] for texts in self._texts]

    def _count(self, feature: str, texts: Sequence[str], words: Sequence[Counter[str]]) -> list[float]:
        kind, _, name = feature.partition(": ")
        if feature in FEATURES:
            return list(map(FEATURES[feature][1], texts))
        if kind == "word" and name:
            return [float(counted[name]) for counted in words]
        if kind == "dictionary" and self.dictionary is not None and name in self.dictionary.codes:
            place = self.dictionary.codes.index(name)
            return [self.dictionary.scores(text)[place] for text in texts]
        raise DataError(f"no feature {feature!r}{meant(feature, self.names)}; there are {', '.join(self.names)}")

    @cached_property
    def words(self) -> list[list[str]]:
        """Words of every row, in small letters."""
        return [_words(text) for text in self.rows.whole]

    @cached_property
    def frequencies(self) -> Counter[str]:
        """In how many rows each word stands."""
        return Counter(word for words in self.words for word in set(words))

    def predicted(self, rule: Rule) -> tuple[list[str], list[str | None]]:
        """The outcome of each row as the rule speaks of it, and what the rule says; None where it says nothing."""
        if rule.form == "beside":
            levels = {level.lower(): level for level in self.rows.levels}
            near = [_beside(words, rule.feature, rule.place) for words in self.words]
            return list(self.rows.labels), [levels.get(word) for word in near]
        values = self.values(rule.feature)
        truth = ["yes" if label == rule.label else "no" for label in self.rows.labels]
        if rule.form == "over":
            return truth, ["yes" if value > rule.cut else "no" for value in values]
        return truth, [None if value == 0 else "yes" if value > 0 else "no" for value in values]


def first_rules(surface: Surface) -> list[Rule]:
    """A rule of each feature, each for the outcome that goes with more of it here, and rules of neighbouring words."""
    rules = [rule for name in surface.names if (rule := _rule(surface, name, np.arange(len(surface.rows))))]
    return [*rules, *_neighbours(surface)]


def further_rules(surface: Surface, erred: Sequence[int], known: Sequence[Rule], n: int) -> list[Rule]:
    """Rules of words that tell the outcomes apart in rows where the bank erred, and that it does not have yet."""
    there = {rule.feature for rule in known}
    rows = surface.frequencies
    here = Counter(word for k in erred for word in set(surface.words[k]))
    every = len(surface.rows)
    candidates = [
        f"word: {word}" for word, count in here.items()
        if count >= 2 and _RARE * every <= rows[word] <= 0.9 * every and f"word: {word}" not in there
    ]  # fmt: skip
    found = [(abs(told[1]), told[0]) for name in candidates if (told := _told(surface, name, np.asarray(erred)))]
    found.sort(key=lambda pair: (-pair[0], pair[1].feature))
    return [rule for _, rule in found[:n]]


def _rule(surface: Surface, feature: str, places: Any) -> Rule | None:
    told = _told(surface, feature, places)
    return told and told[0]


def _told(surface: Surface, feature: str, places: Any) -> tuple[Rule, float] | None:
    """The rule of a feature in some rows, and how far two shares are apart; None where it is the same in all."""
    values = surface.values(feature)
    cut = 0.0 if surface.rows.is_pair else float(np.median(values))
    cut = cut if (values > cut).any() else 0.0
    here = values[places]
    above, below = here > cut, (here < 0 if surface.rows.is_pair else here <= cut)
    if not above.any() or not below.any():
        return None
    labels = np.array(surface.rows.labels, dtype=object)[places]
    apart = {
        level: float((labels[above] == level).mean() - (labels[below] == level).mean()) for level in surface.rows.levels
    }
    label = max(apart, key=lambda level: apart[level])
    form: Literal["pair", "over"] = "pair" if surface.rows.is_pair else "over"
    return Rule(form=form, feature=feature, label=label, cut=cut), apart[label]


def _neighbours(surface: Surface) -> list[Rule]:
    """Rules that the outcome is the word before, or behind, a word that most rows have."""
    levels = {level.lower() for level in surface.rows.levels}
    frames = sorted(
        word for word, count in surface.frequencies.items() if count >= _WIDE * len(surface.rows) and word not in levels
    )
    found = []
    for word in frames:
        for place in (-1, 1):
            near = [_beside(words, word, place) for words in surface.words]
            if sum(each in levels for each in near) >= _WIDE * len(near):
                found.append(Rule(form="beside", feature=word, place=place))
    return found


def _beside(words: Sequence[str], anchor: str, place: int) -> str:
    """The word that stands so many words from the first one that is looked for; empty where there is none.

    >>> _beside(["white", "hat", "black", "shirt"], "shirt", -1)
    'black'
    """
    at = words.index(anchor) + place if anchor in words else -1
    return words[at] if 0 <= at < len(words) else ""


def _words(text: str) -> list[str]:
    return [word.replace("\u2019", "'") for word in _WORD.findall(text.lower())]

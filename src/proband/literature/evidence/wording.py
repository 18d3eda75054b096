"""What of an English sentence two wordings are compared by: content words, numbers, negations, directions."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from proband.files import beside
from proband.instruments.numerals import numbers_in

WORDS = {name: frozenset(listed.split()) for name, listed in beside(__file__).items()}
"""The lists of ``wording.toml``."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CLAUSE = re.compile(r"[,;:.!?()\[\]—–]|\b(?:but|however|although|though|whereas|while|yet|except|because)\b", re.I)
_EMPTY, _NEGATIONS = WORDS["empty"], WORDS["negations"]
_ENDINGS = tuple(sorted(WORDS["endings"], key=len, reverse=True))
_REACH = 5  # content words behind a negation that it bears on
_BEFORE = ("non", "un", "in", "im", "ir", "dis")  # a word with one of these says the opposite of it
_DIGITS = re.compile(
    r"(?<![\w.])(?<!\w-)(?:(?<![\w)\]%])[-−])?(?:\d{1,3}(?:[,\u2009\u00a0]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.·]\d+)?|[.·]\d+)"
    r"(?![.·]?\d)(?P<unit>\s*(?:%|per ?cent\b))?"
    r"|(?<=\d[-–])\d+(?:[.·]\d+)?(?P<also>\s*(?:%|per ?cent\b))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A text as it is compared.

    Attributes
    ----------
    stems : frozenset of str
        Content words, without their endings.
    numbers : Counter of (float, bool)
        Numbers and whether they are a percentage, by how often they are there.
    counted : frozenset of (float, str)
        Numbers with the content word behind each.
    said, denied, heads : frozenset of str
        Content words that stand outside, and within, the reach of a negation; and the first two within.
    n_negations : int
        How many there are.
    directions : Counter of str
        Words of more and less, by how often they are there.
    """

    stems: frozenset[str]
    numbers: "Counter[tuple[float, bool]]"
    counted: frozenset[tuple[float, str]]
    said: frozenset[str]
    denied: frozenset[str]
    heads: frozenset[str]
    n_negations: int
    directions: "Counter[str]"


@lru_cache(4096)
def wording_of(text: str) -> Wording:
    """A text as it is compared.

    >>> found = wording_of("Defaults did not raise savings of the 42 % who saved.")
    >>> sorted(found.denied), dict(found.numbers)
    (['rais', 'saved', 'saving'], {(42.0, True): 1})
    """
    said, denied, heads, n = set[str](), set[str](), set[str](), 0
    for clause in _CLAUSE.split(text.replace("’", "'")):
        reach = 0
        there = [word.lower() for word in _WORD.findall(clause)]
        for k, word in enumerate(there):
            is_negation = word in _NEGATIONS or word.endswith("n't")
            if is_negation:
                n, reach = n + 1, 0 if there[k + 1 : k + 2] == ["only"] else _REACH
            elif word not in _EMPTY:
                (denied if reach else said).add(stem(word))
                heads |= {stem(word)} if reach > _REACH - 2 else set()
                reach = max(0, reach - 1)
    placed = list(_numbers(text))
    return Wording(
        stems=stems_of(text),
        numbers=Counter(number for number, _, _ in placed),
        counted=frozenset((number[0], noun) for number, _, end in placed if (noun := _noun(text, end))),
        said=frozenset(said),
        denied=frozenset(denied),
        heads=frozenset(heads),
        n_negations=n,
        directions=Counter(word for word in map(stem, _words(text)) if word in _WAYS),
    )


@lru_cache(32_768)  # whole libraries are ranked by these alone
def stems_of(text: str) -> frozenset[str]:
    """Content words of a text, without their endings."""
    return frozenset(stem(word) for word in _words(text) if word not in _EMPTY)


def stem(word: str) -> str:
    """A word without its ending, as far as English has one rule for it.

    >>> stem("Increasing"), stem("increases"), stem("effects"), stem("effectively")
    ('increa', 'increa', 'effect', 'effectiv')
    """
    word = word.lower().replace("’", "'").removesuffix("'s").replace("isation", "ization")
    while ending := next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= 4), ""):
        word = word[: -len(ending)]
    return word


STRONG = frozenset(map(stem, WORDS["strong"]))
"""Stems that claim more than others: cause, prove, double."""
_WAYS = {stem(word): way for way in ("up", "down") for word in WORDS[way]}


def is_turned(word: str, other: str) -> bool:
    """Whether one stem is the other with a prefix that says its opposite: ineffective, effective."""
    pairs = ((word, other), (other, word))
    return any(len(two) > 4 and one == before + two for before in _BEFORE for one, two in pairs)


def way_of(word: str) -> str:
    """Whether a stem says `up` or `down`."""
    return _WAYS[word]


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        yield match[0].lower()


def _numbers(text: str) -> Iterator[tuple[tuple[float, bool], int, int]]:
    """Numbers in digits and in words, with their places."""
    spelled = text
    for match in _DIGITS.finditer(text):
        digits = re.sub(r"[^\d.\-]", "", match[0].replace("·", ".").replace("−", "-"))
        yield (float(digits), bool(match["unit"] or match["also"])), match.start(), match.end()
        spelled = f"{spelled[: match.start()]}{'#' * len(match[0])}{spelled[match.end() :]}"
    for number in numbers_in(re.sub(r"\d", "#", spelled).lower()):
        word = spelled[number.start : number.end].lower()
        # "One" is seldom a number, and "half" is a fraction of whatever.
        if number.value is not None and word != "one":
            is_percent = re.match(r"\s*per ?cent\b", spelled[number.end :]) is not None
            yield (number.value, is_percent), number.start, number.end


def _noun(text: str, end: int) -> str:
    """The content word next to a number, where one of the next two words is."""
    words = [word for word in re.findall(r"^[\s-]*([^\W\d_]+)(?:[\s-]+([^\W\d_]+))?", text[end : end + 60]) if word]
    return next((stem(word) for pair in words for word in pair if word and word.lower() not in _EMPTY), "")

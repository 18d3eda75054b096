"""What a sentence claims beyond its source, as far as closed lists of words and its likeness to the source show it."""

import re
import unicodedata

from proband.literature.evidence.passages import split
from proband.literature.evidence.wording import WORDS, Wording, stem, stems_of, wording_of

_COPIED = 0.75  # share of the words of a sentence and its source in common, above which one was made from the other
_LEAST = 5  # content words, below which their order tells nothing
_BEYOND, _TURNING, _HEDGES, _UNITS = (WORDS[name] for name in ("beyond", "turning", "hedges", "units"))
_EMPTY = WORDS["empty"]
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_CAUSE = re.compile(
    r"\b(?:because of|owing to|thanks to|due to|led to|leads? to|leading to|results? in|resulted in|resulting in|"
    r"brought about|responsible for)\b", re.I,
)  # fmt: skip
_ACTS = frozenset(map(stem, WORDS["acts"]))
_HEDGED = re.compile(rf"\b(?:{'|'.join(sorted(_HEDGES))})\s+((?:[\w-]+\s+){{0,2}}[\w-]+)", re.I)
_ONLY = re.compile(
    r"(?<!not )\bonly\s+(?:among|in|for|when|if|with|after|under|during|at|by)\s+((?:[\w-]+\s+){0,2}[\w-]+)", re.I
)
_EXCLUSIVE = re.compile(r"\b(?:only|just|solely|alone|merely|exclusively)\b", re.I)
_AS = re.compile(r"\bas (?!well|soon|long|far|much|many|such)(\w+) as\b", re.I)
_STATISTIC = re.compile(
    r"(?<![\w-])([A-Za-zβκαχη]{1,4}[²2]?)\s*(=|<|>|≤|≥)\s*([-−]?\d*[.·]?\d+)"
)  # fmt: skip
_CLAUSE = re.compile(r"[,;:()–—]|\b(?:which|while|whereas|but|so that)\b", re.I)
_MIXED = re.compile(r"[a-z]+[Ͱ-ӿ]|[Ͱ-ӿ]+[a-z]", re.I)


def beyond(text: str, source: str, known: frozenset[str] = frozenset()) -> str:
    """Why a sentence claims more than its source, or something else; empty where nothing shows it.

    Parameters
    ----------
    text, source : str
        A sentence, without what it mentions of publications, and its spans.
    known : frozenset of str
        Stems that it may have besides.
    """
    if strange := next((m[0] for m in _MIXED.finditer(text) if m[0] not in source), ""):
        return f"{strange!r} mixes letters of two scripts"
    if text.rstrip(" \"”'’)").endswith("?") and "?" not in source:
        return "it asks, and its spans do not"
    said, there = plain_words(text), plain_words(source)
    if strange := next(iter(sorted((_BEYOND & said) - there)), ""):
        return f"{strange!r} claims more than its spans"
    if (cause := _CAUSE.search(text)) and not _CAUSE.search(source) and not stems_of(source) & _ACTS:
        return f"{cause[0]!r} claims more than its spans"
    if (equal := _AS.search(text)) and not _AS.search(source):
        return f"{equal[0]!r}: its spans make no equal of two"
    return (
        _unlimited(text, source)
        or _unit(wording_of(text), wording_of(source))
        or _statistic(text, source)
        or _altered(text, source, known)
        or _added(text, source, known)
    )


def plain_words(text: str) -> set[str]:
    """Words in small letters, without marks that only look different."""
    return {word.lower() for word in _WORD.findall(text)}


def folded(text: str) -> str:
    """A text with signs of the same meaning made alike: full width, superscripts; nothing without width."""
    return unicodedata.normalize("NFKC", re.sub(r"[\u00ad\u200b-\u200d\u2060\ufeff]", "", text))


def _unlimited(text: str, source: str) -> str:
    """What the source says with a hedge or within a limit, and the sentence without."""
    stems = stems_of(text)
    for pattern, kept, what in ((_HEDGED, _HEDGES | {"can", "likely"}, "hedge"), (_ONLY, frozenset({"only"}), "limit")):
        if kept & plain_words(text) or (what == "limit" and _EXCLUSIVE.search(text)):
            continue
        elsewhere = stems_of(pattern.sub(" ", source))
        for match in pattern.finditer(source):
            head = next((stem(word) for word in _WORD.findall(match[1]) if word.lower() not in _EMPTY), "")
            if head in stems - elsewhere:
                return f"it says {head!r} without the {what} of its spans, {match[0]!r}"
    return ""


def _unit(said: Wording, there: Wording) -> str:
    counted = {value for value, _ in there.counted}
    strange = [
        (value, unit) for value, unit in said.counted - there.counted
        if unit in _UNITS and value in counted and (value, True) not in said.numbers
    ]  # fmt: skip
    return f"{strange[0][0]:g} {strange[0][1]}: its spans have another unit" if strange else ""


def _statistic(text: str, source: str) -> str:
    def named(words: str) -> set[tuple[str, str, float]]:
        signs = words.replace("−", "-").replace("·", ".")
        return {(m[1].lower(), m[2], float(m[3])) for m in _STATISTIC.finditer(signs)}

    there = named(source)
    strange = [one for one in sorted(named(text) - there) if any(one[2] == other[2] for other in there)]
    return "{} {} {:g}: its spans say so of another statistic, or not so exactly".format(*strange[0]) if strange else ""


def _altered(text: str, source: str, known: frozenset[str]) -> str:
    """What differs, where a sentence was made from one of its source's by a change of a word or two."""
    said, own = wording_of(text), plain_words(text)
    order = _order(text)
    for start, end in split(source):
        sentence = source[start:end]
        there, words_there = wording_of(sentence), plain_words(sentence)
        if len(own & words_there) >= _COPIED * len(own | words_there):
            if there.n_negations != said.n_negations:
                return "it is its source's sentence with a negation more or less"
            if strange := said.numbers - there.numbers:
                return f"it is its source's sentence with another number, {next(iter(strange))[0]:g}"
            other = (said.stems - stems_of(source) - known) | ((own & _TURNING) - plain_words(source))
            if other:
                return f"it is its source's sentence with another word, {min(other)!r}"
        first = _order(sentence)
        if len(order) >= _LEAST and sorted(order) == sorted(first) and _exchanged(order, first):
            return "two of its source's words have changed places"
    return ""


def _exchanged(one: list[str], other: list[str]) -> bool:
    """Whether two parts changed places around a third; what is only put in front or behind did not."""
    start = next((k for k, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]), len(one))
    while start < len(one) and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    a, b = one[start:], other[start:]
    n = len(a)
    return any(a[j:] + a[i:j] + a[:i] == b for i in range(1, n - 1) for j in range(i + 1, n))


def _order(text: str) -> list[str]:
    return [stem(word) for word in _WORD.findall(text) if word.lower() not in _EMPTY]


def _added(text: str, source: str, known: frozenset[str]) -> str:
    """A part of a sentence of which the source has no word."""
    there = stems_of(source) | known
    for clause in _CLAUSE.split(text):
        stems = stems_of(clause)
        if len(stems) > 1 and not stems & there and not wording_of(clause).numbers & wording_of(source).numbers:
            return f"{clause.strip()!r}: its spans have none of these words"
    return ""

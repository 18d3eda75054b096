"""Numbers in written replies: grouped digits, decimal commas, number words."""

import re
from dataclasses import dataclass

_DIGITS = re.compile(
    r"(?<![\w.,])(?P<sign>(?<![\d)\]%])[+-])?"
    r"(?P<body>\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)*(?:e[+-]?\d{1,2})?|[.,]\d+)"
    r"(?!(?:st|nd|rd|th)\b)(?P<times>\s*(?:k\b|hundred\b|thousand\b|million\b|billion\b))?",
    re.I,
)
_CURRENCY_CODE = re.compile(r"\b(USD|EUR|GBP|CHF|JPY|INR|Rs\.?)(?=\s?\d)", re.I)
# "1,000,000" and the Indian "10,00,000".
_GROUPED = re.compile(r"(?!0)\d{1,3}(?:,\d{3})+|(?!0)\d{1,2}(?:,\d{2})+,\d{3}")
_TIMES = {"k": 1e3, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}

_UNITS = {
    word: float(value)
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
}
_TENS = {
    word: 10.0 * value
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_VALUE = _UNITS | _TENS
_WORD = "|".join(sorted(_VALUE, key=len, reverse=True))
_POWER = "hundred|thousand|million"
_WORDS = re.compile(
    rf"\b(?P<head>(?:{_WORD})|an?(?=\s+(?:{_POWER})))"
    r"(?:[ -](?P<unit>one|two|three|four|five|six|seven|eight|nine))?"
    rf"(?:\s+(?P<times>{_POWER}))?\b",
    re.I,
)
# "one" is more often a pronoun or a determiner than a count.
_PRONOUN_BEFORE = re.compile(r"(?:\b(?:no|any|every|some|this|that|which|another|the|each)[ -])$", re.I)
_PRONOUN_AFTER = re.compile(r"\s+(?:of|might|could|should|can|would|thing|person|has|must|may|is)\b", re.I)
_BOUND = re.compile(
    r"\b(?:(?:more|less|fewer|greater|higher|lower)\s+than|over|under|above|below|at\s+(?:least|most)|up\s+to)\s*[$€£¥]?$",
    re.I,
)
_SCALE = re.compile(
    r"(?:\b(?:on|using|from)\s+)?(?:\b(?:a|the|this)\s+)?\b(?:scale|range)\b\s*(?:of|from|between)?\s*\(?\s*"
    r"-?\d+\s*(?:to|-|and)\s*-?\d+\)?"
    r"|\b-?\d+\s*(?:to|-)\s*\d+\s+(?:scale|range)\b|\b\d+-point\b",
    re.I,
)
_DENOMINATOR = re.compile(
    r"(?<=\d)\s*(?:/|\bout\s+of\b|\bof\s+the\b)\s*(?:a\s+(?:possible|total\s+of)\s+)?[$€£¥]?\s*(\d[\d.,]*\d|\d)", re.I
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text; `value` is None where it cannot be read or is only a bound ("more than 10")."""

    start: int
    end: int
    value: float | None


def parse_number(body: str) -> float | None:
    """Value of one numeral; None where its separators make no number.

    A point is a decimal mark, unless a comma follows it or it occurs more than once. A comma groups thousands
    where exactly three digits follow each ("1,200"), and is a decimal mark elsewhere ("3,5").

    Examples
    --------
    >>> parse_number("1.200,50"), parse_number("1,200"), parse_number("3,5")
    (1200.5, 1200.0, 3.5)
    """
    if "e" in body.lower():
        return float(body) if body.count(".") <= 1 and "," not in body else None
    body = re.sub(r"(?<=\d)[ '](?=\d{3})", "", body)
    if "." in body and "," in body:
        groups, decimals = (",", ".") if body.rfind(".") > body.rfind(",") else (".", ",")
        whole, _, fraction = body.rpartition(decimals)
        whole = whole.replace(groups, ",")
        return float(f"{whole.replace(',', '')}.{fraction}") if _GROUPED.fullmatch(whole) else None
    if body.count(".") > 1:
        body = body.replace(".", ",")
    if _GROUPED.fullmatch(body):
        return float(body.replace(",", ""))
    return float(body.replace(",", ".")) if body.count(",") <= 1 else None


def numbers_in(text: str) -> list[Number]:
    """Numbers of a plain text in order; number words count only where there are no digits."""
    digits = [_digits(text, match) for match in _DIGITS.finditer(text)]
    return digits or [word for match in _WORDS.finditer(text) if (word := _word(text, match))]


def without_scale(text: str, top: float | None) -> str:
    """A plain text without "on a scale of 0 to 10" and without "/10" or "out of 10", where 10 is the top."""
    text = _CURRENCY_CODE.sub("", _SCALE.sub(" ", text))

    def _drop(match: re.Match[str]) -> str:
        return "" if top is not None and parse_number(match[1]) == top else match[0]

    return _DENOMINATOR.sub(_drop, text)


def _digits(text: str, match: re.Match[str]) -> Number:
    value = parse_number(match["body"])
    if value is not None:
        value *= _TIMES[match["times"].strip().lower()] if match["times"] else 1.0
        value = -value if match["sign"] == "-" else value
    if _BOUND.search(text[max(0, match.start() - 24) : match.start()]):
        value = None
    return Number(match.start(), match.end(), value)


def _word(text: str, match: re.Match[str]) -> Number | None:
    head = match["head"].lower()
    alone = match["unit"] is None and match["times"] is None
    if (
        head == "one"
        and alone
        and (_PRONOUN_BEFORE.search(text[: match.start()]) or _PRONOUN_AFTER.match(text, match.end()))
    ):
        return None
    value: float | None = _VALUE.get(head, 1.0)
    if match["unit"]:
        value = _VALUE[head] + _UNITS[match["unit"].lower()] if head in _TENS else None
    if value is not None and match["times"]:
        value *= _TIMES[match["times"].lower()]
    if _BOUND.search(text[max(0, match.start() - 24) : match.start()]):
        value = None
    return Number(match.start(), match.end(), value)

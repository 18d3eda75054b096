"""Numbers in written replies: grouped digits, decimal commas, number words."""

import re
from dataclasses import dataclass

from proband.instruments.patterns import patterns

# "1,000,000" and the Indian "10,00,000".
_GROUPED = re.compile(r"(?!0)\d{1,3}(?:,\d{3})+|(?!0)\d{1,2}(?:,\d{2})+,\d{3}")
_TIMES = {"k": 1e3, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}

_NAMED = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_UNITS = {word: float(value) for value, word in enumerate(_NAMED)}
_BY_TEN = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TENS = {word: 10.0 * value for value, word in enumerate(_BY_TEN, start=2)}
_VALUE = _UNITS | _TENS
_WORD = "|".join(sorted(_VALUE, key=len, reverse=True))
_POWER = "hundred|thousand|million"
_WORDS = re.compile(
    rf"\b(?P<head>(?:{_WORD})|an?(?=\s+(?:{_POWER})))"
    r"(?:[ -](?P<unit>one|two|three|four|five|six|seven|eight|nine))?"
    rf"(?:\s+(?P<times>{_POWER}))?\b",
    re.I,
)
_DIGITS, _CURRENCY_CODE, _BOUND = patterns("digits", "currency_code", "bound")
_PRONOUN_BEFORE, _PRONOUN_AFTER = patterns("pronoun_before", "pronoun_after")
_SCALE, _DENOMINATOR = patterns("scale", "denominator")


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
    if top is None:
        return text
    return _DENOMINATOR.sub(lambda match: "" if parse_number(match[1]) == top else match[0], text)


def _digits(text: str, match: re.Match[str]) -> Number:
    value = parse_number(match["body"])
    if value is not None:
        value *= _TIMES[match["times"].strip().lower()] if match["times"] else 1.0
        value = -value if match["sign"] == "-" else value
    return _numeral(text, match, value)


def _word(text: str, match: re.Match[str]) -> Number | None:
    head = match["head"].lower()
    is_lone_one = head == "one" and match["unit"] is None and match["times"] is None
    if is_lone_one and (_PRONOUN_BEFORE.search(text[: match.start()]) or _PRONOUN_AFTER.match(text, match.end())):
        return None
    value: float | None = _VALUE.get(head, 1.0)
    if match["unit"]:
        value = _VALUE[head] + _UNITS[match["unit"].lower()] if head in _TENS else None
    if value is not None and match["times"]:
        value *= _TIMES[match["times"].lower()]
    return _numeral(text, match, value)


def _numeral(text: str, match: re.Match[str], value: float | None) -> Number:
    is_bound = _BOUND.search(text[max(0, match.start() - 24) : match.start()])
    return Number(match.start(), match.end(), None if is_bound else value)

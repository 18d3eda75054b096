"""Numbers in written replies: signs, grouped digits, decimal commas, fractions, number words."""

import re
from dataclasses import dataclass

from proband.instruments.patterns import patterns

# "1,000,000" and the Indian "10,00,000".
_GROUPED = re.compile(r"(?!0)\d{1,3}(?:,\d{3})+|(?!0)\d{1,2}(?:,\d{2})+,\d{3}")
_NAMED = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_BY_TEN = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUE = {word: value for value, word in enumerate(_NAMED)} | {w: 10 * k for k, w in enumerate(_BY_TEN, start=2)}
_POWER = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_TIMES = _POWER | {"k": 10**3, "mn": 10**6, "mio": 10**6, "bn": 10**9, "mrd": 10**9}
_TIMES |= {"dozen": 12, "lakh": 10**5, "lakhs": 10**5, "crore": 10**7, "crores": 10**7}

_WORD = "|".join(sorted([*_VALUE, *_POWER, "dozen", "half", "halves", "quarters?", "thirds?"], key=len, reverse=True))
_AN = rf"(?:an?\s+(?={'|'.join([*_POWER, 'dozen', 'half'])}))"
_WORDS = re.compile(rf"\b{_AN}?(?:{_WORD})(?:(?:\s+|-)(?:(?:and\s+)?{_AN}|and\s+|point\s+)?(?:{_WORD}))*\b", re.I)
_DIGITS, _CURRENCY_CODE, _BOUND_BEFORE, _BOUND_AFTER = patterns("digits", "currency_code", "bound", "bound_after")
_PRONOUN_BEFORE, _PRONOUN_AFTER = patterns("pronoun_before", "pronoun_after")
_SCALE, DENOMINATOR, _MINUS, _GOES_ON = patterns("scale", "denominator", "minus", "numeral_goes_on")
_JOINED = next(patterns("number_joined"))
_DASHED = re.compile(r"(?:^|[\n(:,;]|\s)[ \t]*-[ \t]+[$€£¥]?$")
_NEAR = 32  # characters before a number in which its sign or a bound stands


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text.

    `value` is None where it cannot be read or is only a bound ("more than 10"). `is_dashed` says that a dash stands
    apart before it, which may be a sign or a bullet.
    """

    start: int
    end: int
    value: float | None
    is_dashed: bool = False


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


def is_joined(text: str, number: Number, numbers: list[Number]) -> bool:
    """Whether a number is the first half of "10 to 20" or "5 or 6"."""
    following = (other for other in numbers if other.start >= number.end)
    return (other := next(following, None)) is not None and (
        _JOINED.fullmatch(text[number.end : other.start]) is not None
    )


def without_scale(text: str, top: float | None) -> str:
    """A plain text without "on a scale of 0 to 10" and without "/10" or "out of 10", where 10 is the top."""
    text = _CURRENCY_CODE.sub("", _SCALE.sub(" ", text))
    if top is None:
        return text
    # "1/2" may be two of few options, "7/10" is a rating.
    return DENOMINATOR.sub(
        lambda found: "" if parse_number(found[1]) == top and (top >= 5 or "/" not in found[0]) else found[0], text
    )


def _digits(text: str, match: re.Match[str]) -> Number:
    value = None if _GOES_ON.match(text, match.end()) else parse_number(match["body"])
    if value is not None and match["times"]:
        value *= _TIMES[match["times"].strip().rstrip(".").lower()]
    # "5M" and "$5m" may be millions; "5 m" are metres or minutes.
    is_money = re.search(r"[$€£¥]\s*$", text[max(0, match.start() - 3) : match.start("body")]) is not None
    if re.match(r"[MB]\b|\s?[mb]\b" if is_money else r"[MB]\b", text[match.end() :]):
        value = None
    return _numeral(text, match, -value if value is not None and match["sign"] == "-" else value)


def _word(text: str, match: re.Match[str]) -> Number | None:
    words = re.findall(r"[a-z]+", match[0].lower())
    if words == ["one"] and (_PRONOUN_BEFORE.search(text[: match.start()]) or _PRONOUN_AFTER.match(text, match.end())):
        return None
    value = _spelled(words)
    if value is not None and text[max(0, match.start() - 1) : match.start()] == "-":
        is_sign = not re.search(r"\w\s*-$", text[max(0, match.start() - 3) : match.start()])
        value = -value if is_sign else None
    return _numeral(text, match, value)


def _spelled(words: list[str]) -> float | None:
    """Value of number words; None where they are not one number ("nineteen ninety", "three quarters")."""
    if words[-3:] == ["and", "a", "half"]:
        whole = _spelled(words[:-3])
        return None if whole is None else whole + 0.5
    if "point" in words:
        place = words.index("point")
        whole, decimals = _spelled(words[:place]), [_VALUE.get(word, 10) for word in words[place + 1 :]]
        return float(f"{whole:.0f}.{''.join(map(str, decimals))}") if whole is not None and max(decimals) < 10 else None
    total, group, least = 0, 0, 10**15
    words = ["one" if word in ("a", "an") else word for word in words]
    for k, word in enumerate(words):
        last = words[k - 1] if k else ""
        if word == "and" and last in _POWER:
            continue
        if (value := _VALUE.get(word)) is not None:
            room = 100 if value >= 10 else 10
            if group % room or (value == 0 and len(words) > 1) or last in _NAMED[:20]:
                return None
            group += value
        elif word == "hundred" and 0 < group < 100:
            group *= 100
        elif word == "dozen" and group and len(words) == k + 1 and not total:
            group *= 12
        elif group and _POWER.get(word, 0) > 100 and _POWER[word] < least:
            least = _POWER[word]
            total, group = total + group * least, 0
        else:
            return None
    return float(total + group)


def _numeral(text: str, match: re.Match[str], value: float | None) -> Number:
    before = text[max(0, match.start() - _NEAR) : match.start()]
    if re.search(
        r"[+-][+-][$€£¥]?$",
        text[max(0, match.start() - 2) : match.start() + len(match[0]) - len(match[0].lstrip("+-$€£¥"))],
    ):
        value = None
    if value is not None and (minus := _MINUS.search(before)):
        # "10 minus 5" is a sum, not a sign.
        value = None if re.search(r"[\d%]\s*$", before[: minus.start()]) or value < 0 else -value
    if _BOUND_BEFORE.search(before) or _BOUND_AFTER.match(text, match.end()):
        value = None
    is_dashed = _DASHED.search(before) is not None
    return Number(match.start(), match.end(), None if value is None else value + 0.0, is_dashed)

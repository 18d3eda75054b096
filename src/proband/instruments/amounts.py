"""Amounts per option in written replies."""

import math
import re
from collections.abc import Mapping, Sequence

from proband.instruments.choices import FUNCTION_WORDS, Finder
from proband.instruments.listings import loads
from proband.instruments.numerals import is_joined, numbers_in
from proband.instruments.patterns import patterns
from proband.instruments.phrases import RETRACTION, fold

_BULLET = re.compile(r"^[\s|]*(?:[-•·][ \t]+)?")
_PAIRS = re.compile(r"\n|;|,\s+(?:and\s+)?|\s+and\s+")
_PARTS = re.compile(r"\n|[;,.]\s+|\s+and\s+")
_RULE = re.compile(r"[\s|:=-]*")
_SUM, _GAP, _LINK, _UNIT, _BESIDE = patterns("sum", "gap", "link", "unit", "beside")
_CARRIED = re.compile(r":[ \t]*\n\s*(?=[$€£¥]?\d[\d.,]*\s*(?:%|\n|\Z))")  # an amount on the line below its option
_FOREIGN = re.compile(r"\W*[^\W\d][^\n:=\d]*[:=]\s*[$€£¥]?\d[\d.,]*\s*%?\W*")
_MOST = 1e15  # an amount beyond it is none
_BREAKS = re.compile(r"\n\s*")


def find_amounts(text: str, finder: Finder) -> Sequence[Mapping[int, float]]:
    """Every way to read a plain text as amounts by place: a JSON object, "A: 30", "30 to A", "30, 70".

    A line break ends a pair. Where only one way uses all numbers and all options, it is the one meant; several may
    fit elsewhere, and the caller keeps those that sum to what they must.
    """
    if "{" in text:
        stated = _from_json(text, finder)
        return [] if stated is None else [stated]
    text = _CARRIED.sub(": ", text)
    for separator in (_BREAKS, _PAIRS):
        if (lined := _lined(separator.split(text), finder)) is not None:
            return [lined]
    # A text that is nothing but numbers and separators.
    bare = [] if re.search(r"[^\W\d]", text) else [n.value for n in numbers_in(text) if n.value is not None]
    if len(bare) == len(finder.options):
        return [dict(enumerate(bare))]
    named = _names(text, finder)
    if RETRACTION.search(_blanked(text, named), 1) or any(_is_foreign(part, finder) for part in _PARTS.split(text)):
        return []
    paired = [_paired(text, finder, is_number_first=is_first) for is_first in (False, True)]
    whole = [amounts for amounts, is_whole in paired if is_whole]
    return whole or [amounts for amounts, _ in paired if amounts]


def as_distribution(
    amounts: Mapping[int, float], n_options: int, *, is_percent: bool = False
) -> tuple[float, ...] | None:
    """Amounts as probabilities in the order shown; None unless they sum to 100, or to 1, within 2 %.

    Amounts that are called percentages sum to 100. An option that was not named has the rest, which is at most that
    2 %: it gets 0.
    """
    total = math.fsum(amounts.values())
    is_whole = any(math.isclose(total, whole, rel_tol=0.02) for whole in ((100.0,) if is_percent else (1.0, 100.0)))
    if not is_whole or any(amount < 0 for amount in amounts.values()):
        return None
    return tuple(amounts.get(k, 0.0) / total for k in range(n_options))


def as_allocation(amounts: Mapping[int, float], n_options: int, total: float) -> tuple[float, ...] | None:
    """Amounts in the order shown; None where one is negative or they miss the total by more than rounding.

    An option that was not named gets 0, which the total implies.
    """
    parts = tuple(amounts.get(k, 0.0) for k in range(n_options))
    digits = max(len(repr(part).partition(".")[2].rstrip("0")) for part in parts)
    tolerance = max(1e-9, min(0.5 * n_options * 10.0**-digits, 0.02 * total))
    return parts if min(parts) >= 0 and abs(math.fsum(parts) - total) < tolerance else None


def _from_json(text: str, finder: Finder) -> dict[int, float] | None:
    """Amounts of a JSON object whose keys are all labels or option texts."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    content = loads(text[start : end + 1])
    while isinstance(content, dict) and len(content) == 1 and isinstance(next(iter(content.values())), dict):
        content = next(iter(content.values()))
    amounts: dict[int, float] = {}
    for key, value in content.items() if isinstance(content, dict) else ():
        number = _as_number(value)
        place = finder.names.named(fold(str(key)))
        if place is None or number is None or place in amounts:
            return None
        amounts[place] = number
    return amounts or None


def _as_number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < _MOST else None
    numbers = numbers_in(value) if isinstance(value, str) else []
    return numbers[0].value if len(numbers) == 1 else None


def _lined(lines: list[str], finder: Finder) -> dict[int, float] | None:
    """Amounts of a text whose every part is one option beside one number, as is asked for or the other way round."""
    lines = [line for line in lines if not (_RULE.fullmatch(line) or _SUM.match(line))]
    for is_number_first in (False, True):
        amounts: dict[int, float] = {}
        for line in lines:
            place, value = _pair(line, finder, is_number_first=is_number_first)
            if place is None or value is None or amounts.setdefault(place, value) != value:
                break
        else:
            return amounts or None
    return None


def _pair(line: str, finder: Finder, *, is_number_first: bool) -> tuple[int | None, float | None]:
    """The option and the amount that are all there is in a line."""
    numbers = numbers_in(line)
    if not numbers:
        return None, None
    number = numbers[0] if is_number_first else numbers[-1]
    before, after = line[: number.start], line[number.end :]
    if is_number_first:
        link = _LINK.match(after)
        named = [after.lstrip(" \t%:=|-"), after[link.end() :] if link else ""]
        is_bare = not before.strip(" \t|-•$€£¥(")
    else:
        named = [_BESIDE.sub("", before)]
        is_bare = _UNIT.fullmatch(after) is not None
    places = {place for name in named if (place := finder.names.named(_BULLET.sub("", name))) is not None}
    return (places.pop(), number.value) if is_bare and len(places) == 1 else (None, None)


def _paired(text: str, finder: Finder, *, is_number_first: bool) -> tuple[dict[int, float], bool]:
    """Amounts of options that stand beside a number, and whether all numbers and all names are used.

    Empty where one option has two amounts, or a number is half of a range.
    """
    amounts: dict[int, float] = {}
    numbers, names = numbers_in(text), _names(text, finder)
    gap = _LINK if is_number_first else _GAP
    used = set()
    for start, end, place in names:
        for k, number in enumerate(numbers):
            between = text[number.end : start] if is_number_first else text[end : number.start]
            is_before = number.end <= start if is_number_first else number.start >= end
            if is_before and number.value is not None and "\n" not in between and gap.fullmatch(between):
                if amounts.setdefault(place, number.value) != number.value or is_joined(text, number, numbers):
                    return {}, False
                used.add(k)
                break
    return amounts, len(used) == len(numbers) and len(amounts) == len({place for *_, place in names})


def _blanked(text: str, names: Sequence[tuple[int, int, int]]) -> str:
    """A text whose options are blank: "No" may be one of them."""
    characters = list(text)
    for start, end, _ in names:
        characters[start:end] = "\0" * (end - start)
    return "".join(characters)


def _is_foreign(part: str, finder: Finder) -> bool:
    """Whether a part gives an amount to something that is no option."""
    found = _FOREIGN.fullmatch(part)
    return found is not None and not _SUM.match(part) and not _names(part, finder)


def _names(text: str, finder: Finder) -> list[tuple[int, int, int]]:
    """Where options are named as (start, end, place); a numeric label counts only before another number."""
    names = []
    for mention in finder.mentions(text):
        may_be_amount = finder.numbers and mention.kind in ("marked", "label")
        is_amount = may_be_amount and not re.match(r"\s*[)\].]?\s*[:=-]", text[mention.end :])
        if len(mention.shown) == 1 and not is_amount:
            names.append((mention.start, mention.end, next(iter(mention.shown))))
    # Beside a number, "no" is the option and no word of denial.
    for option, k in ((option, k) for k, option in enumerate(finder.options) if option.casefold() in FUNCTION_WORDS):
        beside = rf"(?<!\w){re.escape(option)}(?=[\s:=(>|-]{{1,4}}[~$€£¥]?\d)|(?<=[\d%]\s){re.escape(option)}(?!\w)"
        names += [
            (*m.span(), k)
            for m in re.finditer(beside, text, re.I)
            if all(m.start() >= e or m.end() <= s for s, e, _ in names)
        ]
    if not names and finder.labels:
        by_label = {label.casefold(): k for k, label in enumerate(finder.labels)}
        for match in re.finditer(r"(?<!\w)(\w+)(?=\s*[)\].]?\s*[:=])", text):
            if match[1].casefold() in by_label:
                names.append((match.start(), match.end(), by_label[match[1].casefold()]))
    return names

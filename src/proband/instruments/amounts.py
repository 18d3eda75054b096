"""Written lists, rankings, and amounts per option."""

import json
import math
import re
from collections.abc import Mapping

from proband.instruments.choices import Finder
from proband.instruments.numerals import numbers_in
from proband.instruments.patterns import patterns
from proband.instruments.phrases import STATEMENT, fold

_RANK = re.compile(r"(?:^|(?<=[\s,;]))(\d+)\s*[.):]\s+|^[ \t]*(\d+)[.):]", re.M)
_BULLET = re.compile(r"^[ \t]*[-•·][ \t]+", re.M)
_UNCHECKED = re.compile(r"^.*(?:\[\s?\]|☐|✗|✘|❌).*$", re.M)
_CHECKED = re.compile(r"\[x\]|☑|☒|✓|✔|✅", re.I)
_SEPARATOR, _NONE, _ALL = patterns("separator", "none", "all")
_BOTTOM_FIRST, _GAP, _LINK = patterns("bottom_first", "gap", "link")


def find_several(text: str, finder: Finder, *, every: tuple[int, ...]) -> tuple[int, ...] | None:
    """Places of the options a text lists; `every` for "all of them", () for "none", None for nothing."""
    text = _UNCHECKED.sub("", text) if _CHECKED.search(text) or "[ ]" in text or "☐" in text else text
    text = _BULLET.sub("", _CHECKED.sub("", _after_statement(text)))
    if _NONE.fullmatch(text) and not finder.mentions(text):
        return ()
    if _ALL.fullmatch(text) and not finder.mentions(text):
        return every
    text = _without_ranks(text, finder)
    places = _listed(text, finder)
    if places is None:
        affirmed = finder.affirmed(text)
        if any(len(m.shown) > 1 for m in affirmed):
            return None
        places = [next(iter(m.shown)) for m in affirmed]
    return tuple(dict.fromkeys(places)) or None


def find_ranking(text: str, finder: Finder) -> tuple[int, ...] | None:
    """Places of all options from first to last, None where the order is incomplete or unclear."""
    text = _BULLET.sub("", _after_statement(text))
    unranked = _without_ranks(text, finder)
    if _BOTTOM_FIRST.search(text):
        return None
    places = _listed(unranked, finder)
    if places is None:
        mentions = finder.mentions(unranked)
        if any(len(m.shown) > 1 for m in mentions):
            return None
        places = [next(iter(m.shown)) for m in mentions]
    return tuple(places) if sorted(places) == list(range(len(finder.options))) else None


def find_amounts(text: str, finder: Finder) -> list[Mapping[int, float]]:
    """Every way to read a plain text as amounts by place: a JSON object, "A: 30", "30 to A", "30, 70".

    Several ways may fit ("0 to A 100 to B"); the caller keeps those that sum to what they must.
    """
    if (stated := _from_json(text, finder)) is not None:
        return [stated]
    # A text that is nothing but numbers and separators.
    bare = [] if re.search(r"[^\W\d]", text) else [n.value for n in numbers_in(text) if n.value is not None]
    if len(bare) == len(finder.options):
        return [dict(enumerate(bare))]
    readings = (_paired(text, finder, is_number_first=is_first) for is_first in (False, True))
    return [reading for reading in readings if reading]


def as_distribution(amounts: Mapping[int, float], n_options: int) -> tuple[float, ...] | None:
    """Amounts as probabilities in the order shown; None unless they sum to 1 or to 100 within 2 %.

    An option that was not named has the rest, which is at most that 2 %: it gets 0.
    """
    total = math.fsum(amounts.values())
    is_whole = any(math.isclose(total, whole, rel_tol=0.02) for whole in (1.0, 100.0))
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
    return None if min(parts) < 0 or abs(math.fsum(parts) - total) >= tolerance else parts


def _after_statement(text: str) -> str:
    statements = list(STATEMENT.finditer(text))
    rest = text[statements[-1].end() :] if statements else ""
    return rest if rest.strip() else text


def _without_ranks(text: str, finder: Finder) -> str:
    """Text without "1." to "n.", where those number its parts rather than name options."""
    ranks = list(_RANK.finditer(text))
    if [int(m[1] or m[2]) for m in ranks] != list(range(1, len(ranks) + 1)) or len(ranks) < 2:
        return text
    unranked = _RANK.sub("\n", text)
    return unranked if finder.mentions(unranked) or _listed(unranked, finder) else text


def _listed(text: str, finder: Finder) -> list[int] | None:
    """Places of the labels in a text that holds labels and separators only."""
    by_label = {label.casefold(): k for k, label in enumerate(finder.labels)}
    tokens = [token for token in _SEPARATOR.split(text) if token]
    if len(tokens) == 1 and tokens[0].casefold() not in by_label and tokens[0].isupper():
        tokens = list(tokens[0])
    if not tokens or any(token.casefold() not in by_label for token in tokens):
        return None
    return [by_label[token.casefold()] for token in tokens]


def _from_json(text: str, finder: Finder) -> dict[int, float] | None:
    """Amounts of a JSON object whose keys are all labels or option texts."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        content = json.loads(text[start : end + 1])
    except json.JSONDecodeError:
        return None
    while isinstance(content, dict) and len(content) == 1 and isinstance(next(iter(content.values())), dict):
        content = next(iter(content.values()))
    names = {name.casefold(): k for names in (finder.options, finder.labels) for k, name in enumerate(names)}
    amounts: dict[int, float] = {}
    for key, value in content.items() if isinstance(content, dict) else ():
        number = _as_number(value)
        place = names.get(fold(str(key)).strip().rstrip(".").casefold())
        if place is None or number is None or place in amounts:
            return None
        amounts[place] = number
    return amounts or None


def _as_number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    numbers = numbers_in(value) if isinstance(value, str) else []
    return numbers[0].value if len(numbers) == 1 else None


def _paired(text: str, finder: Finder, *, is_number_first: bool) -> dict[int, float] | None:
    """Amounts of options that stand beside a number; None where one option has two amounts."""
    amounts: dict[int, float] = {}
    numbers = numbers_in(text)
    gap = _LINK if is_number_first else _GAP
    for start, end, place in _names(text, finder):
        for number in numbers:
            between = text[number.end : start] if is_number_first else text[end : number.start]
            is_before = number.end <= start if is_number_first else number.start >= end
            if is_before and number.value is not None and gap.fullmatch(between):
                if amounts.setdefault(place, number.value) != number.value:
                    return None
                break
    return amounts


def _names(text: str, finder: Finder) -> list[tuple[int, int, int]]:
    """Where options are named as (start, end, place); a numeric label counts only before another number."""
    names = []
    for mention in finder.mentions(text):
        may_be_amount = finder.numbers and mention.kind in ("marked", "label")
        is_amount = may_be_amount and not re.match(r"\s*[)\].]?\s*[:=-]", text[mention.end :])
        if len(mention.shown) == 1 and not is_amount:
            names.append((mention.start, mention.end, next(iter(mention.shown))))
    if not names and finder.labels:
        by_label = {label.casefold(): k for k, label in enumerate(finder.labels)}
        for match in re.finditer(r"(?<!\w)(\w+)(?=\s*[)\].]?\s*[:=])", text):
            if match[1].casefold() in by_label:
                names.append((match.start(), match.end(), by_label[match[1].casefold()]))
    return names

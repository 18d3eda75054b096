"""Rules over what can be answered: options that overlap, leave gaps, or lean to one side."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from proband.instruments.defects.defect import Asked, Defect

_NUMBER_WORDS = {"none": 0, "never": 0, "zero": 0, "no": 0, "one": 1, "once": 1, "two": 2, "twice": 2, "three": 3}
_NUMBER_WORDS |= {"four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_N = r"[$€£]?\s*(?P<{}>\d+(?:[.,]\d+)*|" + "|".join(_NUMBER_WORDS) + r")(?:\s*(?:%|k\b|st\b|nd\b|rd\b|th\b))?"
_A, _B = _N.format("a"), _N.format("b")
_UNIT = r"(?:\s+(?:of\s+)?[a-z]+(?:\s+(?:old|each|an?\s+\w+))?)?"
_RANGES = (
    (re.compile(rf"(?:between\s+)?{_A}{_UNIT}\s*(?:to|-|–|—|and|or|up\s+to)\s*{_B}{_UNIT}"), "[]"),
    (re.compile(rf"(?:up\s+to|at\s+most|no\s+more\s+than)\s+{_B}{_UNIT}"), "<="),
    (re.compile(rf"(?:less\s+than|fewer\s+than|under|below|younger\s+than)\s+{_B}{_UNIT}"), "<"),
    (re.compile(rf"{_B}{_UNIT}\s+(?:or|and)\s+(?:less|fewer|younger|under|below)"), "<="),
    (re.compile(rf"(?:more\s+than|over|above|older\s+than)\s+{_A}{_UNIT}"), ">"),
    (re.compile(rf"(?:at\s+least|from)\s+{_A}{_UNIT}"), ">="),
    (re.compile(rf"{_A}{_UNIT}\s*(?:(?:or|and)\s+(?:more|older|over|above|later|longer)|\+)(?:\s+\w+)?"), ">="),
    (re.compile(rf"{_A}\+{_UNIT}"), ">="),
    (re.compile(rf"{_A}{_UNIT}"), "=="),
)
_COUNTED = re.compile(
    r"\b(?:in\s+)?(?:which|what)\s+year\b|\bhow\s+(?:many|old|long|far|big|large)\b|\bwhat\s+(?:is|was)\s+your\s+(?:\w+['s]*\s+){0,3}(?:age|income|salary|"
    r"wage|weight|height|rent)\b|\bincome\b|\bhow\s+much\s+(?:do|did|does)\s+you(?:r\s+\w+)?\s+(?:earn|pay|spend|save|"
    r"weigh)\b",
    re.I,
)
_ACTIVITY = re.compile(
    r"\bhow\s+(?:many|much)\b.*?\b(?:do|did|have)\s+you\s+(?!have|own|had|got|been|live|sleep|work|get|earn)\w+", re.I
)
_TOPS = {7.0, 10.0, 12.0, 14.0, 24.0, 28.0, 30.0, 31.0, 52.0, 100.0, 365.0}  # days of weeks, months of a year, per cent
_NOMINAL = re.compile(r"\b(?:what|which)\s+\w+\b|\bhow\s+do\s+you\s+(?:get|travel|pay)\b", re.I)
_CATCH_ALL = re.compile(
    r"\b(?:other|others|another|else|none|neither|no|not|don't|nothing|never|unsure|undecided|any|all|both|earlier|"
    r"later|more|less|less\s+than|mixed|depends)\b",
    re.I,
)
_POSITIVE = re.compile(
    r"\b(?:agree|satisfied|likely|certain|good|excellent|outstanding|great|important|support|favou?r|approve|positive|"
    r"better|easy|safe|accurate|true|happy|clear|useful|fair|well|pleased|like|trust|increase|right|best|comfortable|"
    r"perfect|interesting|friendly|helpful|clean|pleasant|superb|wonderful|enjoy\w*)\b",
    re.I,
)
_NEGATIVE = re.compile(
    r"\b(?:disagree|dissatisfied|unlikely|bad|poor|terrible|awful|unimportant|oppose|disfavou?r|disapprove|negative|"
    r"worse|difficult|hard|unsafe|inaccurate|untrue|false|unhappy|unclear|useless|unfair|boring|unfriendly|unhelpful|dirty|unpleasant|badly|displeased|dislike|"
    r"distrust|decrease|wrong|worst|uncomfortable|dangerous)\b",
    re.I,
)
_HOW_OFTEN = re.compile(r"\bhow\s+(?:often|frequently|many|much\s+(?:of|time))\b", re.I)
_VAGUE = re.compile(
    r"(?:(?:very|quite|fairly|rather)\s+)?(?:rarely|seldom|sometimes|occasionally|often|frequently|regularly|usually|"
    r"a\s+lot|a\s+little|some|not\s+much|a\s+great\s+deal|many|several|few|a\s+few|now\s+and\s+then)",
    re.I,
)
_NEGATED = re.compile(r"\b(?:not|never|no|none|hardly|neither|nor)\b", re.I)


def option_defects(asked: Asked) -> Iterator[Defect]:
    """What the options of an item have against them."""
    offered = [k for k in range(len(asked.item.options)) if k not in asked.item.dont_know]
    if len(offered) < 2:
        return
    yield from _unbalanced(asked, offered)
    vague = [k for k in offered if _VAGUE.fullmatch(asked.item.options[k].strip())]
    if len(vague) > 1 and _HOW_OFTEN.search(asked.text):
        why = "how often this is, each person says for themselves"
        yield asked.marked_options("vague_quantifier", vague[0], vague[-1], why)
    if ranges := _ranges([asked.item.options[k] for k in offered]):
        yield from _numbers(asked, offered, ranges)
    else:
        yield from _uncaught(asked, offered)


def _ranges(options: Sequence[str]) -> list[tuple[float, float, bool]] | None:
    """Of each option: lowest and highest number, and whether ends are left open; None where they are no numbers."""
    found = []
    for option in options:
        made = _range(" ".join(option.casefold().split()))
        if made is None:
            return None
        found.append(made)
    if any(low == high == 0 for low, high, _ in found):  # "less than 1" after "none" is more than none
        found = [(max(low, 0.0), high, is_open or low < 0) for low, high, is_open in found]
    return found if len(found) > 2 else None


def _range(option: str) -> tuple[float, float, bool] | None:
    for pattern, kind in _RANGES:
        if match := pattern.fullmatch(option):
            parts = match.groupdict()
            low, high = (_value(parts[name]) if parts.get(name) else None for name in ("a", "b"))
            bounds: dict[str, tuple[float | None, float | None]] = {
                "[]": (low, high), "==": (low, low), ">": (low, math.inf), ">=": (low, math.inf),
                "<": (-math.inf, high), "<=": (-math.inf, high),
            }  # fmt: skip
            first, last = bounds[kind]
            return None if first is None or last is None else (first, last, kind in "<>")
    return None


def _value(written: str) -> float:
    if written in _NUMBER_WORDS:
        return float(_NUMBER_WORDS[written])
    digits = re.sub(r"[.,](?=\d{3}(?!\d))", "", written).replace(",", ".")
    return float(digits) if digits.count(".") <= 1 else math.nan


def _numbers(asked: Asked, offered: Sequence[int], ranges: Sequence[tuple[float, float, bool]]) -> Iterator[Defect]:
    """Ranges in their order: two that share a number, a gap, no lowest or no highest answer."""
    order = sorted(range(len(ranges)), key=lambda k: (ranges[k][0], ranges[k][1]))
    is_whole = all(bound == int(bound) for low, high, _ in ranges for bound in (low, high) if math.isfinite(bound))
    for here, after in pairwise(order):
        (_, high, is_open), (low, _, after_open) = ranges[here], ranges[after]
        first, last = sorted((offered[here], offered[after]))
        # "Less than 15" ends below 15, and "more than 60" begins above 60.
        if low < high or (low == high and not is_open and not after_open):
            yield asked.marked_options("overlapping_options", first, last, f"{low:g} fits both")
            return
        if low - high > (1 if is_whole else 0.05) and _COUNTED.search(asked.text):
            yield asked.marked_options("missing_option", first, last, f"nothing between {high:g} and {low:g}")
            return
    if not _COUNTED.search(asked.text):
        return
    first, last = offered[order[0]], offered[order[-1]]
    lowest, highest = ranges[order[0]][0], max(high for _, high, _ in ranges)
    if lowest > 0 and _ACTIVITY.search(asked.text) and asked.item.ask_if is None:
        yield asked.marked_options("presupposition", first, first, "no answer says 0")
    elif lowest > 0 and asked.item.ask_if is None and not _is_age_of_few(asked, ranges):
        yield asked.marked_options("missing_option", first, first, f"nothing below {lowest:g}")
    elif math.isfinite(highest) and highest not in _TOPS:
        yield asked.marked_options("missing_option", last, last, f"nothing above {highest:g}")


def _is_age_of_few(asked: Asked, ranges: Sequence[tuple[float, float, bool]]) -> bool:
    """Whether the lowest answer may be the lowest there is: people counted in a household, adults of a sample."""
    lowest = min(low for low, _, _ in ranges)
    has_top = any(high == math.inf for _, high, _ in ranges)
    is_household = lowest == 1 and re.search(r"\b(?:people|persons|rooms|household)\b", asked.text, re.I)
    is_age = lowest in (16, 18) and re.search(r"\b(?:old|age)\b", asked.text, re.I)
    return has_top and bool(is_household or is_age)


def _uncaught(asked: Asked, offered: Sequence[int]) -> Iterator[Defect]:
    """A list of kinds of something, in which who is of another kind finds nothing."""
    options = [asked.item.options[k] for k in offered]
    is_list = asked.item.form in ("choice", "multiple") or not any(map(_side, options))
    if len(options) < 3 or not is_list or not asked.is_question or not _NOMINAL.search(asked.text):
        return
    if any(_CATCH_ALL.search(option) or re.search(r"\d", option) or _side(option) for option in options):
        return
    if not asked.item.dont_know and not re.search(r"\bdescri\w+|\bclose(?:r|st)\b", asked.text, re.I):
        yield asked.marked_options("missing_option", offered[0], offered[-1], "who is of another kind finds no answer")


def _side(option: str) -> int:
    """1 or -1 where an option praises or blames, 0 where it does neither or denies."""
    if _NEGATED.search(option) or option.strip().casefold() == "fair":  # "fair" stands in the middle of good and bad
        return 0
    return bool(_POSITIVE.search(option)) - bool(_NEGATIVE.search(option))


def _unbalanced(asked: Asked, offered: Sequence[int]) -> Iterator[Defect]:
    options = [asked.item.options[k] for k in offered]
    if any(_NEGATED.search(option) and not re.search(r"\b(?:neither|nor)\b", option, re.I) for option in options):
        return  # from nothing to much: a scale of one side
    sides = [_side(option) for option in options]
    up, down = sides.count(1), sides.count(-1)
    if up and down and up != down and len(options) > 2:
        more = "favourable" if up > down else "unfavourable"
        why = f"{max(up, down)} {more} answers against {min(up, down)}"
        yield asked.marked_options("unbalanced_scale", offered[0], offered[-1], why)

"""Written lists: which options are chosen, and in which order."""

import json
import re
from itertools import pairwise
from typing import Any

from proband.instruments.choices import Finder
from proband.instruments.patterns import patterns
from proband.instruments.phrases import RETRACTION, fold, pleads_ignorance, statements

_RANK = re.compile(
    r"(?:^|(?<=[\s,;]))(?:(?:#|\()?(\d{1,3})\s*(?:[.):]+\s*(?=[^\W\d])|[.):]\s+)|#(\d{1,3})\s+)|^[ \t]*(\d{1,3})[.):]",
    re.M,
)
_UNTOLD = re.compile(r"[,;]\s*(?:\?|etc\b|&c\b)|\.\.\.\s*\Z", re.I)
_COUNTED = re.compile(r"\ball\s+\d|\d\s+of\s+(?:these|those|them|the)\b", re.I)
_EDGE = re.compile(r"\A\W*(?:only|just)\s+|(?<=\w)\W*\s(?:only|alone)\W*\Z", re.I)
_ALSO = re.compile(r"\b(?:also|as\s+well|in\s+addition|instead)\b", re.I)
_VERDICT = re.compile(r"\s*[:=(]?\s*(?:yes|no|true|false|maybe|[01])(?!\w)", re.I)
_BULLET = re.compile(r"^[ \t]*[-•·][ \t]+", re.M)
_UNCHECKED = re.compile(r"^.*(?:\[\s?\]|\(\s?\)|☐|✗|✘|❌).*$", re.M)
_CHECKED = re.compile(r"\[x\]|\(x\)|☑|☒|✓|✔|✅", re.I)
_BOX = re.compile(r"\[ ?\]|\( ?\)|☐|✗|✘|❌")
_LINES = re.compile(r"\s*[;\n]\s*")
_PART = re.compile(r"[;\n]|,(?=\s)|\s\|\s")
_SEPARATOR, _NONE, _ALL, _BOTTOM_FIRST = patterns("separator", "none", "all", "bottom_first")
_ITEMS, _ORDER, _AND, _TIE = patterns("items", "order", "and", "tie")
_JUDGED, _NAME_RANK, _RANK_NAME, _NEXT = patterns("judged", "name_rank", "rank_name", "next_in_order")
_OPENER, _TAIL = patterns("opener", "tail")
_COMMA = re.compile(r"\s*[;,]\s*")
_EITHER, _DOUBTED, _ASIDE, _LABEL_LIKE = patterns("either", "doubted", "aside_start", "label_like")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ANSWER_KEYS = frozenset({"answer", "answers", "choice", "choices", "options", "selected", "ranking", "order", "rank"})


def find_several(text: str, finder: Finder, *, every: tuple[int, ...]) -> tuple[int, ...] | None:
    """Places of the options a text lists; `every` for "all of them", () for "none", None for nothing.

    A list is read as a whole: where a part of it is no option, or is said in doubt, nothing of it is.
    """
    if (content := json_in(text)) is not None:
        return _several_in(content, finder)
    if _UNTOLD.search(_without_options(text, finder)) or (finder.numbers and _COUNTED.search(text)):
        return None
    if (head := _head(text)) and (listed := finder.names.listed(head, _ITEMS)) is not None:
        return tuple(dict.fromkeys(place for place, _ in listed))
    text = _UNCHECKED.sub("", text) if _CHECKED.search(text) or _BOX.search(text) else text
    text = _EDGE.sub("", _BULLET.sub("", _CHECKED.sub("", after_statement(text))).strip())
    for pattern, meant in ((_NONE, ()), (_ALL, every)):
        if pattern.fullmatch(text) and not finder.mentions(text):
            return meant
    if (listed := finder.names.listed(text, _LINES)) is None:
        text = _without_ranks(text, finder)
    if (listed := listed or finder.names.listed(text, _ITEMS)) is not None:
        return tuple(dict.fromkeys(place for place, _ in listed))
    if (labels := _labels(text, finder)) is not None:
        return tuple(dict.fromkeys(labels))
    if judged := [_JUDGED.fullmatch(part.strip()) for part in _PART.split(text) if part.strip()]:
        places = [found and finder.names.of_part(found["name"]) for found in judged]
        if None not in places:
            chosen = [place for place, found in zip(places, judged, strict=True) if found and found["yes"]]
            return tuple(dict.fromkeys(place for place in chosen if place is not None))
    return _said(text, finder)


def find_ranking(text: str, finder: Finder) -> tuple[int, ...] | None:
    """Places of all options from first to last, None where the order is incomplete or unclear.

    A rank that stands beside an option goes before the order in which options are mentioned.
    """
    if listed := finder.names.listed(_BULLET.sub("", text), _LINES):
        places: list[int] | None = [place for place, _ in listed]
    elif (content := json_in(text)) is not None:
        places = _ordered_in(content, finder)
    elif _BOTTOM_FIRST.search(_without_options(text, finder)):
        return None
    elif (head := _head(text)) and finder.names.listed(head, _ORDER) and not _UNTOLD.search(head):
        places = _ordered(head, finder)
    else:
        places = _ordered(_BULLET.sub("", after_statement(text)).strip(), finder)
    return None if places is None or sorted(places) != list(range(len(finder.options))) else tuple(places)


def json_in(text: str) -> Any:
    """What a text that is nothing but JSON holds, without wrappings; None where it is none, or names a key twice."""
    body = re.sub(r"\A\s*json\b", "", text).strip()
    if not body.startswith(("{", "[")) or not body.endswith(("}", "]")):
        return None
    content = loads(body)
    while isinstance(content, dict):
        inner = [v for key, v in content.items() if len(content) == 1 or key.casefold() in _ANSWER_KEYS]
        if len(inner) != 1 or not isinstance(inner[0], dict | list):
            break
        content = inner[0]
    return None if content == {} else content


def loads(text: str) -> Any:
    """JSON as it stands, None where it is none or holds a key twice."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):  # also numbers of thousands of digits
        return None


def after_statement(text: str) -> str:
    """What follows the last "my answer is", or all of a text."""
    found = statements(text)
    rest = text[found[-1].end() :] if found else ""
    return rest if rest.strip() else text


def _head(text: str) -> str:
    """The first paragraph, where those below it explain it and take nothing back; empty elsewhere."""
    head, _, rest = text.partition("\n\n")
    return "" if not rest or _ALSO.search(rest) or RETRACTION.search(rest) or statements(text) else head


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _place_of(name: Any, finder: Finder) -> int | None:
    is_plain = isinstance(name, str | int) and not isinstance(name, bool)
    return finder.names.named(fold(str(name)) if isinstance(name, str) else f"{name:.0f}") if is_plain else None


def _several_in(content: Any, finder: Finder) -> tuple[int, ...] | None:
    """Options that JSON lists, or says true of."""
    if isinstance(content, dict):
        if not all(value in (True, False) for value in content.values() if isinstance(value, int)):
            return None
        if not all(isinstance(value, int) for value in content.values()):
            return None
        places = [_place_of(key, finder) for key in content]
        if None in places:
            return None
        content = [key for key, value in content.items() if value]
    places = [_place_of(name, finder) for name in content]
    return None if None in places else tuple(dict.fromkeys(place for place in places if place is not None))


def _ordered_in(content: Any, finder: Finder) -> list[int] | None:
    """Options in the order of a JSON list, or of the ranks in an object."""
    if isinstance(content, list):
        return _all([_place_of(name, finder) for name in content])
    names_first = [(_place_of(key, finder), _rank(str(value))) for key, value in content.items()]
    ranks_first = [(_place_of(value, finder), _rank(key)) for key, value in content.items()]
    return _by_rank([names_first, ranks_first], finder)


def _ordered(text: str, finder: Finder) -> list[int] | None:
    listed = finder.names.listed(text, _ORDER)
    if listed is None and (ranks := _ranked(text, finder)) is not None:
        return ranks or None
    unranked = text if listed else _without_ranks(text, finder)
    if listed is None:
        listed = finder.names.listed(unranked, _ORDER)
    if listed is not None:
        # "A and B, then C" is a tie; before the last one, "and" only ends the list.
        is_tied = any(_AND.search(gap) for _, gap in listed[:-1]) and "," not in listed[-1][1]
        is_tied |= any(_AND.fullmatch(gap.strip()) for _, gap in listed[:-1])
        return None if is_tied else [place for place, _ in listed]
    if _TIE.search(text) or RETRACTION.search(text, 1):
        return None
    if (labels := _labels(unranked, finder)) is not None:
        return labels
    return _explained(text, finder) or _told(unranked, finder)


def _without_options(text: str, finder: Finder) -> str:
    mentions = finder.mentions(text)
    ends = [0, *(m.end for m in mentions)]
    return " ".join(text[end:start] for end, start in zip(ends, [*(m.start for m in mentions), len(text)], strict=True))


def _ranked(text: str, finder: Finder) -> list[int] | None:
    """Options by the ranks written beside them, before or behind; empty where two ways to pair them differ."""
    is_table = all(line.lstrip().startswith("|") for line in text.splitlines())
    text = re.sub(r"[ \t]*\|[ \t]*(?=\S)", ": ", re.sub(r"(?m)^\s*\|\s*|[|\s]+$", "", text)) if is_table else text
    parts = [part.strip() for part in _PART.split(text) if part.strip(" \t|-:")]
    readings = []
    for pattern in (_NAME_RANK, _RANK_NAME):
        found = [pattern.fullmatch(part) for part in (parts[1:] if is_table else parts)]
        readings.append([(finder.names.of_part(f["name"]), _rank(f["rank"])) if f else (None, None) for f in found])
    return _by_rank(readings, finder)


def _by_rank(readings: list[list[tuple[int | None, int | None]]], finder: Finder) -> list[int] | None:
    """The one order that ranks beside options give; empty where two ways to pair them differ, None without any."""
    found = set()
    for pairs in readings:
        ranks = {place: rank for place, rank in pairs if place is not None and rank is not None}
        if len(ranks) == len(pairs) and sorted(ranks.values()) == list(range(1, len(finder.options) + 1)):
            found.add(tuple(sorted(ranks, key=ranks.__getitem__)))
            # "Paris (2)" may give the label of Paris instead.
            if finder.numbers and all(finder.numbers.get(float(rank)) == place for place, rank in ranks.items()):
                found.add(tuple(ranks))
    if len(found) > 1:
        return []
    return list(found.pop()) if found else None


def _rank(text: str) -> int | None:
    word = text.strip().casefold()
    if word in _ORDINALS:
        return _ORDINALS.index(word) + 1
    digits = re.match(r"\d{1,3}(?!\d)", word)
    return int(digits[0]) if digits else None


def _explained(text: str, finder: Finder) -> list[int] | None:
    """Options at the head of numbered lines, with reasons behind them."""
    lines = [found for line in text.splitlines() if (found := re.match(r"\s*(\d{1,3})[.)]\s*(.+)", line))]
    if [int(line[1]) for line in lines] != list(range(1, len(finder.options) + 1)):
        return None
    first = [next(iter(finder.affirmed(line[2])), None) for line in lines]
    heads = [m for m in first if m is not None and len(m.shown) == 1 and m.start <= 1]
    return [next(iter(m.shown)) for m in heads] if len(heads) == len(lines) else None


def _told(text: str, finder: Finder) -> list[int] | None:
    """Options in the order of a sentence that names each once and puts nothing but "then" between them."""
    mentions = finder.mentions(text)
    if any(len(m.shown) > 1 for m in mentions) or finder.affirmed(text) != mentions:
        return None
    gaps = [text[one.end : other.start] for one, other in pairwise(mentions)]
    if not all(_NEXT.fullmatch(gap) for gap in gaps) or any(_AND.fullmatch(gap.strip()) for gap in gaps[:-1]):
        return None
    if not mentions or re.search(r"[;,>\n]", text[: mentions[0].start]) or not _TAIL.match(text, mentions[-1].end):
        return None
    return [next(iter(m.shown)) for m in mentions]


def _said(text: str, finder: Finder) -> tuple[int, ...] | None:
    """Options that sentences say are chosen, where all that they list was understood."""
    mentions, affirmed = finder.mentions(text), finder.affirmed(text)
    if not affirmed or any(len(m.shown) > 1 for m in affirmed) or RETRACTION.search(text, mentions[0].end):
        return None
    if pleads_ignorance(text):
        return None
    if any(_VERDICT.match(text, m.end) for m in mentions):
        return None
    for one, other in pairwise(mentions):
        gap = text[one.end : other.start]
        # How far a denial goes in "not A; B" nobody knows.
        if other in affirmed and (_EITHER if one in affirmed else _COMMA).fullmatch(gap):
            return None
    denied = [text[a.end : b.start] for a, b in pairwise(mentions) if a not in affirmed and b not in affirmed]
    if any(map(_COMMA.fullmatch, denied)) and all(map(_COMMA.fullmatch, denied)) and affirmed[0] == mentions[0]:
        return None
    if any(_DOUBTED.search(text[max(0, m.start - 24) : m.start]) for m in affirmed[1:]):
        return None
    covered = "".join(
        "\0" * (m.end - m.start) + text[m.end : end]
        for m, end in zip(mentions, [*(m.start for m in mentions[1:]), len(text)], strict=True)
    )
    for sentence in re.split(r"[.!?\n]", text[: mentions[0].start] + covered):
        parts = [part.strip() for part in re.split(r"[,;/&+]|\band\b", sentence) if part.strip()]
        foreign = [p for p in parts if "\0" not in p and not _ASIDE.match(p) and not _OPENER.fullmatch(p)]
        if foreign and "\0" in sentence:
            return None
        if any(_LABEL_LIKE.fullmatch(part) for part in foreign) or (foreign and len(sentence.split()) <= 2):
            return None
    return tuple(dict.fromkeys(next(iter(m.shown)) for m in affirmed))


def _without_ranks(text: str, finder: Finder) -> str:
    """Text without "1." to "n.", where those number its parts rather than name options."""
    ranks = list(_RANK.finditer(text))
    if [int(m[1] or m[2] or m[3]) for m in ranks] != list(range(1, len(ranks) + 1)) or len(ranks) < 2:
        return text
    unranked = _RANK.sub("\n", text).strip()
    return unranked if finder.mentions(unranked) or _labels(unranked, finder) else text


def _labels(text: str, finder: Finder) -> list[int] | None:
    """Places of the labels in a text that holds labels and separators only."""
    by_label = {label.casefold(): k for k, label in enumerate(finder.labels)}
    if re.search(r"(?<!\w)\d+\.\d", text):
        return None
    tokens = [token for token in _SEPARATOR.split(text) if token]
    if len(tokens) == 1 and tokens[0].casefold() not in by_label and tokens[0].isupper():
        tokens = list(tokens[0])
    if not tokens or any(token.casefold() not in by_label for token in tokens):
        return None
    return [by_label[token.casefold()] for token in tokens]


def _all(places: list[int | None]) -> list[int] | None:
    known = [place for place in places if place is not None]
    return known if len(known) == len(places) else None

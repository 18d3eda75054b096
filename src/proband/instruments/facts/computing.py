"""Computing: status codes of the web, files of programming languages, names of characters."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import version
from itertools import chain

from pygments.lexers import get_all_lexers

from proband.instruments.facts.fact import Fact, Topic
from proband.seeds import uniform_for

REWORDED = frozenset({413, 414, 416, 422})  # called otherwise by some versions of Python
# Punctuation of Latin-1, general punctuation, money, mathematics, and pictures (planets, zodiac, chess).
BLOCKS = ((0xA1, 0xBF), (0x2020, 0x203D), (0x20A0, 0x20BF), (0x2200, 0x226B), (0x2609, 0x2618), (0x263D, 0x2667))
NO_LANGUAGES = ("Output", "Session", "session", "console", "Console", "+", "Template", "log", "Log", "Diff", "dump")


def topics() -> list[Topic]:
    """Topics about computing."""
    library, terms = "Python's standard library", "PSF-2.0"
    unicode_source = f"Unicode Character Database {unicodedata.ucd_3_2_0.unidata_version}, in {library}"
    makers = (
        ("status codes", _status_codes(), f"{library} (http)", terms),
        ("source files", _source_files(), f"Pygments {version('pygments')}", "BSD-2-Clause"),
        ("characters", _characters(), unicode_source, f"Unicode-3.0, {terms}"),
    )
    return [
        Topic(domain="computing", name=name, facts=tuple(facts), source=source, licence=licence)
        for name, facts, source, licence in makers
    ]


def _status_codes() -> Iterator[Fact]:
    statuses = [status for status in HTTPStatus if status.value not in REWORDED]
    for status in statuses:
        alike = [other for other in statuses if other.value // 100 == status.value // 100]
        asks_meaning = uniform_for(0, "status asked for", status.value) < 0.5
        told = [other.phrase if asks_meaning else str(other.value) for other in (status, *alike)]
        yield Fact(
            key=str(status.value),
            question=f"What does the HTTP status code {status.value} mean?"
            if asks_meaning
            else f"Which HTTP status code means “{status.phrase}”?",
            answer=told[0],
            statement=f"The HTTP status code {status.value} means “{status.phrase}”.",
            near=told[1:],
            others=[other.phrase if asks_meaning else str(other.value) for other in statuses],
        )


def _source_files() -> Iterator[Fact]:
    endings: dict[str, list[str]] = {}
    for name, _, patterns, _ in sorted(get_all_lexers(plugins=False)):
        own = [pattern[2:] for pattern in patterns if pattern.startswith("*.") and pattern[2:].isalnum()]
        if own and not any(word in name for word in NO_LANGUAGES):
            endings[name] = own
    uses = Counter(chain.from_iterable(set(own) for own in endings.values()))
    for name, own in endings.items():
        # Of one language only, and not its name written out or cut short after four letters or more.
        asked = [end for end in own if uses[end] == 1 and not _spells(end, name)]
        if not asked:
            continue
        yield Fact(
            key=name,
            question=f"Files of which language or format end in .{asked[0]}?",
            answer=name,
            statement=f"Files that end in .{asked[0]} are written in {name}.",
            near=[other for other in endings if other[0].lower() == name[0].lower()],
            others=list(endings),
            also_right=frozenset(other for other in endings if _related(other, name)),
        )


def _spells(ending: str, name: str) -> bool:
    plain = "".join(c for c in name.lower() if c.isalnum())
    return ending.lower() == plain or (len(ending) >= 4 and plain.startswith(ending.lower()[:4]))


def _related(first: str, second: str) -> bool:
    """Whether one of two names begins with the other, such as two versions of a language."""
    a, b = first.lower(), second.lower()
    return a.startswith(b.split()[0]) or b.startswith(a.split()[0])


def _characters() -> Iterator[Fact]:
    for first, last in BLOCKS:
        # The old database: its names are in every version of Python.
        block = {chr(point): unicodedata.ucd_3_2_0.name(chr(point), "").lower() for point in range(first, last + 1)}
        named = {sign: name for sign, name in block.items() if name and sign.isprintable()}
        for sign, name in named.items():
            yield Fact(
                key=f"U+{ord(sign):04X}",
                question=f"What is the Unicode name of the character {sign}?",
                answer=name,
                statement=f"The Unicode name of the character {sign} is “{name}”.",
                near=list(named.values()),
                others=list(named.values()),
            )

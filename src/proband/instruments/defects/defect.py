"""A defect, the kinds there are, and an item as its defects are marked in it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from proband.instruments.items import Item

_OPINION = re.compile(
    r"\b(?:should|must|ought|support|favou?r|oppose|approve|agree|think|allow|ban|forbid|vote)\b", re.I
)
_SELF = re.compile(r"\s*(?:I|My|I'm|I've|Me)\b")
_BEHAVIOUR = re.compile(r"\b(?:do|did|have|are|were|can)\s+you\b", re.I)


@dataclass(frozen=True, slots=True)
class Defect:
    """What a rule found in an item.

    Attributes
    ----------
    item : str
        Id of the item; empty where it is the questionnaire's as a whole.
    kind : str
        One of `KINDS`, or mixed_scales, acquiescence, order_effect.
    words : str
        Where it shows: words of the lead-in, text or options.
    start, end : int
        Code points of `wording_of(item)` at which `words` stand; 0 and 0 for the whole.
    why, instead : str
        What is wrong with it; what to do about it.
    """

    item: str
    kind: str
    words: str
    start: int
    end: int
    why: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternRule:
    """English by which a defect is found; `where` says in what, `escape` whether an option may take it away."""

    why: str
    pattern: re.Pattern[str]
    where: str
    unless: re.Pattern[str] | None = None
    escape: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectKind:
    """A kind of defect, as rules and as second readers know it."""

    label: str
    definition: str
    instead: str
    examples: tuple[str, ...]
    rules: tuple[PatternRule, ...]


def _compiled(text: str) -> re.Pattern[str]:
    while "«" in text:
        text = re.sub(r"«(\w+)»", lambda named: str(_TABLE["words"][named[1]]), text)
    return re.compile(text.replace("\n", ""), re.I)


def _kind(entry: Mapping[str, Any]) -> DefectKind:
    rules = tuple(
        PatternRule(
            why=rule["why"],
            pattern=_compiled(rule["pattern"]),
            where=rule["where"],
            unless=_compiled(rule["unless"]) if "unless" in rule else None,
            escape=rule.get("escape", False),
        )
        for rule in entry.get("rules", ())
    )
    told = {name: entry[name] for name in ("label", "definition", "instead")}
    return DefectKind(**told, examples=tuple(entry["examples"]), rules=rules)


_TABLE = tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
LISTS: Mapping[str, str] = _TABLE["lists"]
ESCAPE = _compiled("«escape»")
KINDS: Mapping[str, DefectKind] = {entry["kind"]: _kind(entry) for entry in _TABLE["defects"]}
"""The kinds of defects of one item; those of a questionnaire as a whole are found by `whole`."""


def wording_of(item: Item) -> str:
    """All that is shown of an item: lead-in, text and options, a line each; places of defects are counted in it."""
    return "\n".join(part for part in (item.stem, item.text, *item.options) if part)


@dataclass(frozen=True)
class Asked:
    """An item as rules see it; the lead-in of a battery is judged with its first item only."""

    item: Item
    with_stem: bool = True

    @cached_property
    def offset(self) -> int:
        """Where in the wording that begins which is judged."""
        return len(self.item.stem) + 1 if self.item.stem and not self.with_stem else 0

    @cached_property
    def text(self) -> str:
        """Lead-in and text, whose English is judged; typographic apostrophes are plain, places as they were."""
        said = "\n".join(part for part in (self.item.stem, self.item.text) if part)
        return said[self.offset :].replace("’", "'")

    @property
    def is_question(self) -> bool:
        """Whether it asks, rather than states something to be rated."""
        return "?" in self.text

    @property
    def is_opinion(self) -> bool:
        """Whether it is about how things are or should be, rather than about whoever answers."""
        return bool(_OPINION.search(self.text)) and not _SELF.match(self.text)

    @property
    def is_behaviour(self) -> bool:
        """Whether it asks what somebody does."""
        return self.is_question and bool(_BEHAVIOUR.search(self.text)) and not _OPINION.search(self.text)

    def marked(self, kind: str, start: int, end: int, why: str, *, of_whole: bool = False) -> Defect:
        """A defect at a place of `text`, or, with `of_whole`, of the whole wording."""
        shift = 0 if of_whole else self.offset
        start, end = start + shift, end + shift
        words = wording_of(self.item)[start:end]
        return Defect(self.item.id, kind, words, start, end, why, KINDS[kind].instead)

    def marked_options(self, kind: str, first: int, last: int, why: str) -> Defect:
        """A defect of options, from one to another."""
        before = [part for part in (self.item.stem, self.item.text) if part]
        start = sum(len(part) + 1 for part in (*before, *self.item.options[:first]))
        end = start + sum(len(option) + 1 for option in self.item.options[first : last + 1]) - 1
        return self.marked(kind, start, end, why, of_whole=True)

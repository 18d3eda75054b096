"""Records of one publication, found and made one: by identifier, then by title, year and authors."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

from rapidfuzz import fuzz, process

from proband.files import Remarks
from proband.literature.records.record import Record, plain

LIKE = 95.0
"""How like two titles are, of 100, that may be one."""
_LIKE_ABSTRACT, _LIKE_NAME, _MISSPELT, _OTHER_WORK = 85.0, 80.0, 80.0, 50.0
_WORDS = 4  # a title of fewer may be any editorial's
_KEY, _LARGE = 16, 200  # letters of a title that put it into a block; records of a block, above which it is parted
_COUNTED = re.compile(r"\d+|[ivx]+|[a-h]|one|two|three|four")
_DECISIONS = ("retracted", "predatory", "decision", "included", "label_included", "label", "relevant")
_IDENTIFIERS = ("doi", "pmid", "openalex")

Apart = Collection[frozenset[str]]
"""Pairs of places, file and line, whose records are not one whatever they look like."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """Two records that were taken for one publication.

    Attributes
    ----------
    kept : str
        Id of the record that both became.
    source, other_source : str
        Where the two stand: file and line.
    by : str
        `doi`, `pmid`, `openalex`, or `title` (with year and authors).
    score : float
        How like their titles are, 0 to 100.
    title, other_title : str
        Of the two.
    """

    kept: str
    source: str
    other_source: str
    by: str
    score: float
    title: str
    other_title: str


def merged(
    records: Sequence[Record], remarks: Remarks, apart: Apart | None = ()
) -> tuple[dict[str, Record], list[Merge], dict[str, str]]:
    """Each publication once, in the order its first record stands in; what was merged; former ids of what was.

    Of several records the one that tells most is kept, and what it lacks is taken from the others, so that neither
    the record nor its id depends on the order of files. Where `apart` is None, nothing is merged.
    """
    groups = _Groups(records, frozenset(apart or ()))
    for by, one, other in _by_identifier(records if apart is not None else ()):
        score = groups.likeness(one, other)
        if score < _OTHER_WORK and records[one].title and records[other].title:
            remarks.say(
                records[other].source,
                f"has the {by} of {records[one].source} and another title; both are kept",
                f"correct the {by}, or the title",
            )
        else:
            groups.join(one, other, by, score)
    for one, other, score in groups.alike() if apart is not None else ():
        groups.join(one, other, "title", score)
    found = list[tuple[Record, list[int]]]()
    for k, record in enumerate(records):
        members = groups.of(k)
        if not members or members[0] == k:
            found.append((_one_of([records[m] for m in members], remarks) if members else record, members))
    first = dict[str, str]()
    for record, _ in found:
        first[record.id] = min(record.source, first.get(record.id, record.source))
    kept, aliases, id_of = dict[str, Record](), dict[str, str](), dict[int, str]()
    for record, members in found:
        # Two that are not one may have one id; which of them keeps it is not left to the order of files.
        if record.source != first[record.id] or record.id in kept:
            record = replace(record, other={**record.other, "apart": record.source})
        kept[record.id] = record
        for member in members:
            id_of[member] = record.id
            if records[member].id != record.id:
                aliases[records[member].id] = record.id
    merges = [
        Merge(
            kept=id_of[one], source=records[one].source, other_source=records[other].source, by=by,
            score=round(score, 1), title=records[one].title, other_title=records[other].title,
        )
        for one, other, by, score in groups.joined
    ]  # fmt: skip
    return kept, merges, {old: new for old, new in aliases.items() if old not in kept}


def _by_identifier(records: Sequence[Record]) -> Iterator[tuple[str, int, int]]:
    for by in _IDENTIFIERS:
        first: dict[str, int] = {}
        for k, record in enumerate(records):
            if (value := getattr(record, by)) and (one := first.setdefault(value, k)) != k:
                yield by, one, k


class _Groups:
    """Which records are one so far."""

    def __init__(self, records: Sequence[Record], apart: frozenset[frozenset[str]]) -> None:
        self.records, self.apart = records, apart
        self.joined: list[tuple[int, int, str, float]] = []
        self._first = list(range(len(records)))
        self._members: dict[int, list[int]] = {}

    @cached_property
    def titles(self) -> list[str]:
        """Titles as they are compared."""
        return [plain(record.title) for record in self.records]

    def likeness(self, one: int, other: int) -> float:
        """How like two titles are, 0 to 100."""
        return fuzz.ratio(self.titles[one], self.titles[other])

    def join(self, one: int, other: int, by: str, score: float) -> None:
        """Take two for one, unless they are already, or records of the two are to be kept apart."""
        first, second = sorted((self._first[one], self._first[other]))
        if first == second:
            return
        these, those = self._members.get(first, [first]), self._members.get(second, [second])
        if self.apart and any(
            frozenset((self.records[a].source, self.records[b].source)) in self.apart for a in these for b in those
        ):
            return
        self._members[first] = sorted(these + those)
        self._members.pop(second, None)
        for member in those:
            self._first[member] = first
        self.joined.append((min(one, other), max(one, other), by, score))

    def of(self, k: int) -> list[int]:
        """The members of a record's group, the first of them first; none where it is alone."""
        return self._members.get(self._first[k], []) if self.joined else []

    def alike(self) -> Iterator[tuple[int, int, float]]:
        """Pairs that are one by title, year and authors; only such as share a beginning, an end, or author and year."""
        told = set[tuple[int, int]]()
        for block in self._blocks():
            titles = [self.titles[k] for k in block]
            if len(block) == 2:
                near = [(0, 1, fuzz.ratio(*titles, score_cutoff=LIKE))]
            else:
                scores = process.cdist(titles, titles, scorer=fuzz.ratio, score_cutoff=LIKE)
                near = [(int(a), int(b), float(scores[a, b])) for a, b in zip(*scores.nonzero(), strict=True) if a < b]
            for a, b, score in near:
                pair = (block[a], block[b])
                if score and pair not in told and self._is_one(*pair, score):
                    told.add(pair)
                    yield *pair, score

    def _blocks(self) -> Iterator[list[int]]:
        for key in (_beginning, _end, _who_and_when):
            blocks: dict[str, list[int]] = defaultdict(list)
            for k, record in enumerate(self.records):
                if record.title and (found := key(self.titles[k], record)):
                    blocks[found].append(k)
            for block in blocks.values():
                if len(block) > _LARGE:
                    # Neighbours by title: what is alike from the first letter on.
                    block.sort(key=lambda k: self.titles[k])
                    yield from (block[k : k + _LARGE] for k in range(0, len(block), _LARGE // 2))
                elif len(block) > 1:
                    yield block

    def _is_one(self, one: int, other: int, score: float) -> bool:
        """Whether nothing speaks against two of like titles being one, and something beside the title speaks for it."""
        a, b = self.records[one], self.records[other]
        if any((x := getattr(a, name)) and (y := getattr(b, name)) and x != y for name in _IDENTIFIERS):
            return False
        words, others = Counter(self.titles[one].split()), Counter(self.titles[other].split())
        own, strange = [*(words - others).elements()], [*(others - words).elements()]
        if any(_COUNTED.fullmatch(word) for word in own + strange):
            return False  # part 1 and part 2
        # A word may be misspelt or lack at the end; another in its place makes another paper of the same people.
        if own and strange and fuzz.ratio(" ".join(own), " ".join(strange)) < _MISSPELT:
            return False
        has_years = a.year is not None and b.year is not None
        has_authors = bool(a.authors and b.authors)
        if has_years and abs((a.year or 0) - (b.year or 0)) > 1:  # first online, then in print
            return False
        if has_authors and fuzz.ratio(_family(a), _family(b)) < _LIKE_NAME:
            return False
        is_said = words.total() >= _WORDS
        if not is_said and any((x := getattr(a, n)) and (y := getattr(b, n)) and x != y for n in ("issue", "pages")):
            return False
        if has_years and has_authors and is_said:
            return True
        if a.abstract and b.abstract:
            return fuzz.ratio(plain(a.abstract[:1_000]), plain(b.abstract[:1_000])) >= _LIKE_ABSTRACT
        return (is_said and (has_years or has_authors)) or score == 100


def _beginning(title: str, record: Record) -> str:
    return title[:_KEY]


def _end(title: str, record: Record) -> str:
    return title[-_KEY:]


def _who_and_when(title: str, record: Record) -> str:
    return f"{record.authors[0].partition(',')[0]} {record.year} {title[:1]}" if record.authors and record.year else ""


def _family(record: Record) -> str:
    return plain(record.authors[0].partition(",")[0])


def _one_of(records: Sequence[Record], remarks: Remarks) -> Record:
    """What several records of one publication tell together."""
    names = [field.name for field in fields(Record) if field.name not in ("title", "source", "other")]
    best, *others = sorted(records, key=lambda r: (-sum(bool(getattr(r, name)) for name in names), r.title, r.source))
    lacking = {
        name: next((value for r in others if (value := getattr(r, name))), getattr(best, name))
        for name in ("title", *names)
        if not getattr(best, name)
    }
    other: dict[str, str] = {}
    for record in (*others[::-1], best):
        other |= {name: value for name, value in record.other.items() if value}
    for name in _DECISIONS:
        told: Mapping[str, str] = {r.source: r.other[name] for r in records if r.other.get(name)}
        if len(set(told.values())) > 1:
            other[name] = max(told.values())  # 1 above 0, include above exclude: nothing is lost by a copy
            shown = ", ".join(f"{value} in {source}" for source, value in told.items())
            remarks.say(
                best.source, f"records taken for one differ in {name!r} ({shown}); {other[name]} is kept",
                "keep them apart, or correct the file",
            )  # fmt: skip
    return replace(best, **lacking, other=other)

"""Comparisons of objects two by two as a kind: what stands under ``[pairs]``, and the design it makes."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, StrictInt

from proband.designs.design import Design
from proband.designs.kind import Kind, Shared, Told
from proband.designs.process import Process, Steps
from proband.designs.survey.cards import FITTING, has_prefix
from proband.designs.survey.wording import instruction_text, options_text, question_text
from proband.errors import DataError, DesignError, meant, strange_choice
from proband.files import Table, rows_of, text_of
from proband.instruments.items import Item
from proband.measures.scaling.comparisons import bradley_terry
from proband.records import SCORED_METHODS, Message, Place, Reply, Request, Trial
from proband.roster import Member, Roster, Trait
from proband.seeds import place_digest, rng_for
from proband.subjects.corpora import CorpusReading, escape_control_tokens, read_corpus

FRAMING = "You compare two things. Read both, and answer the question about them."
FIRST, SECOND = "First", "Second"
Shown = Literal["name", "text"]
Pair = tuple[str, str]
_LONGEST = 8_000  # characters of a text


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One object: its name, its words where it has any, and what else is known of it."""

    name: str
    text: str = ""
    traits: Mapping[str, Trait] = field(default_factory=dict)

    def shown(self, how: Shown) -> str:
        """Its name; or its text, from which its name was taken out, word by word."""
        if how == "name":
            return escape_control_tokens(self.name)
        parts = [self.name, *(word for word in re.findall(r"\w+", self.name) if len(word) > 2)]
        hidden = "|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True))
        return escape_control_tokens(re.sub(rf"\b(?:{hidden})\b", "[...]", self.text, flags=re.IGNORECASE))


@dataclass(frozen=True, kw_only=True)
class Pairs(Design):
    """Objects compared two by two, each pair in both positions.

    A place's subject is one of the two objects, `against` in its condition the other; `position` says where the subject
    stood. The judge is also the trial's `answerer`.

    Attributes
    ----------
    question : str
        What is asked of two objects, e.g. "Which of the two is heavier?".
    objects : tuple of Compared
        At least 3.
    judges : tuple of str
        Roles of the engines; all judge the same pairs.
    tie : str
        What is said where neither is more so; empty where one must be chosen.
    by : tuple of {"name", "text"}
        Objects by name, or by their texts without their names; each way is a scale of its own.
    comparisons : int
        Other objects that each object meets.
    scheme : {"balanced", "adaptive"}
        All pairs settled before; or each object meets 2 others, and from then on, round by round, one more of which the
        answers so far say least.
    answer_by : {"option_text", "label", "written"}
        Probabilities of "First" and "Second", or of their labels; or a reply.
    reference, experts : str
        Trait that the scale is held against; and expert's verdicts, see `ExpertVerdict`.

    Raises
    ------
    DesignError
        If there are too few objects or comparisons, two objects of one name, or no text where texts are shown.
    """

    kind: ClassVar[str] = "pairs"
    unit: ClassVar[str] = "object"
    is_about_people: ClassVar[bool] = False

    question: str
    objects: tuple[Compared, ...]
    judges: tuple[str, ...] = ("judge",)
    tie: str = ""
    by: tuple[Shown, ...] = ("name",)
    comparisons: int = 10
    scheme: Literal["balanced", "adaptive"] = "balanced"
    answer_by: Literal["option_text", "label", "written"] = "option_text"
    reference: str = ""
    experts: tuple["ExpertVerdict", ...] = ()
    seed: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        place_digest(self.seed)  # refuses a seed that is no integer
        if strange := strange_choice(self):
            raise DesignError(f"pairs: {strange}")
        names, n = [each.name for each in self.objects], len(self.objects)
        if twice := [name for k, name in enumerate(names) if name in set(names[:k])]:
            raise DesignError(f"pairs: object {twice[0]!r} is there twice; it would be compared with itself")
        if n < 3 or not all(name.strip() for name in names):
            raise DesignError(f"pairs: {n} objects; give at least 3, each with a name")
        if not 2 <= self.comparisons < n:
            raise DesignError(
                f"pairs: comparisons = {self.comparisons} for {n} objects; each can meet 2 to {n - 1} others, and with "
                "fewer than 2 they fall apart into groups that nothing compares"
            )
        if n % 2 and self.comparisons % 2 and self.scheme == "balanced":
            raise DesignError(f"pairs: {n} objects cannot meet {self.comparisons} others each; make one of them even")
        if not self.judges or not self.by or len(set(self.by)) < len(self.by):
            raise DesignError("pairs: name at least one judge, and one way to show objects, each once")
        lost = [each.name for each in self.objects if not each.text.strip()] if "text" in self.by else []
        if lost:
            raise DesignError(f"pairs: object {lost[0]!r} has no text; name its column, pairs.text, or show names only")
        if long := [each.name for each in self.objects if len(each.text) > _LONGEST]:
            raise DesignError(f"pairs: the text of {long[0]!r} is longer than {_LONGEST:,} characters; shorten it")
        self._check_reference()
        for verdict in self.experts:
            for name in (verdict.first, verdict.second):
                if name not in names:
                    raise DesignError(f"{verdict.where}: no object {name!r}{meant(name, names)}; it is not compared")

    def _check_reference(self) -> None:
        there = {name for each in self.objects for name, value in each.traits.items() if not isinstance(value, str)}
        if self.reference and self.reference not in there:
            known = ", ".join(sorted(there)) or "none"
            raise DesignError(
                f"pairs: no column of numbers {self.reference!r}{meant(self.reference, there)}; there are {known}"
            )

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The one question."""
        options = (FIRST, SECOND, *((self.tie,) if self.tie else ()))
        item = Item(id="comparison", text=self.question, form="choice", options=options, pinned=(), shows_braces=True)
        return {item.id: item}

    def roles(self) -> tuple[str, ...]:
        """The judges."""
        return self.judges

    def roster(self) -> Roster:
        """The objects, with what is known of them."""
        return Roster([Member(subject=each.name, traits=each.traits) for each in self.objects])

    def n_pairs(self) -> int:
        """Pairs that are compared, each in both positions by every judge."""
        return len(self.objects) * self.comparisons // 2

    def size(self) -> int:
        """Number of trials; where they are settled round by round, at most."""
        return self.n_pairs() * 2 * len(self.judges) * len(self.by)

    def balanced_pairs(self) -> list[Pair]:
        """Pairs in which every object meets equally many others: a ring in random order, and steps of random length."""
        n, rng = len(self.objects), rng_for(self.seed, "pairs")
        ring = [self.objects[int(k)].name for k in rng.permutation(n)]
        longer = rng.permutation(np.arange(2, (n + 1) // 2))
        steps = [1, *(int(step) for step in longer)][: self.comparisons // 2]
        pairs = [(ring[k], ring[(k + step) % n]) for step in steps for k in range(n)]
        if self.comparisons % 2:  # then the number of objects is even
            pairs += [(ring[k], ring[k + n // 2]) for k in range(n // 2)]
        return pairs

    def processes(self) -> Iterable[Process]:
        """For each way to show objects: all pairs at once, or round after round."""
        return [self._course(by) for by in self.by]

    def _course(self, by: Shown) -> Steps:
        if self.scheme == "balanced":
            yield list(self._asked(self.balanced_pairs(), (by,)))
            return
        n, rng = len(self.objects), rng_for(self.seed, "pairs")
        names = [self.objects[int(k)].name for k in rng.permutation(n)]
        pairs = [(names[k], names[(k + 1) % n]) for k in range(n)]
        met = list(pairs)
        verdicts: list[tuple[str, str, float, float]] = []
        for round_ in range(1, self.comparisons):
            answers = yield list(self._asked(pairs, (by,), round_))
            for response in answers.values():
                found = verdict_of(response.answer, response.probs)
                if found is not None:
                    verdicts.append((*_as_shown(response.place), *found))
            pairs = _next_pairs(names, met, verdicts)
            met += pairs

    def _asked(self, pairs: Iterable[Pair], ways: Sequence[Shown], round_: int = 0) -> Iterator[Trial]:
        by_name = {each.name: each for each in self.objects}
        for by in ways:
            for one, other in pairs:
                for position, (first, second) in (("first", (one, other)), ("second", (other, one))):
                    request = self._request(by_name[first].shown(by), by_name[second].shown(by))
                    for judge in self.judges:
                        condition = (("against", other), ("by", by), ("judge", judge), ("position", position))
                        yield Trial(
                            place=Place(subject=one, item="comparison", condition=condition, round=round_),
                            request=request,
                            reply=self._reply,
                            answerer=judge,
                            facts=(("first", first), ("second", second)),
                        )

    @cached_property
    def _labels(self) -> tuple[str, ...]:
        return ("A", "B", "C")[: len(self.items["comparison"].options)] if self.answer_by == "label" else ()

    @cached_property
    def _reply(self) -> Reply:
        options = self.items["comparison"].options
        return Reply(
            form="choice", method=self.answer_by, options=options, labels=self._labels,
            order=tuple(range(len(options))), decide="mode",
        )  # fmt: skip

    def _request(self, first: str, second: str) -> Request:
        item = self.items["comparison"]
        order = range(len(item.options))
        shown = f"{FIRST}: {first}\n\n{SECOND}: {second}"
        asked = question_text(shown, item.text, options_text(item, order, self._labels))
        messages = (Message("system", FRAMING), Message("user", f"{asked}\n\n{instruction_text(item, self.answer_by)}"))
        if self.answer_by in SCORED_METHODS:
            scored = self._labels or item.options
            return Request(messages=messages, continuations=scored, closes=has_prefix(scored))
        return Request(messages=messages, max_tokens=FITTING["choice"])

    def notes(self) -> tuple[str, ...]:
        """How many pairs, and how they are settled."""
        how = "settled before" if self.scheme == "balanced" else f"settled in {self.comparisons - 1} rounds"
        return (f"{self.n_pairs():,} pairs of {len(self.objects):,} objects, {how}; each is asked in both positions.",)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the comparisons."""
        return {
            "design": "pairs",
            "title": self.name,
            "question": self.question,
            "tie": self.tie,
            "objects": {each.name: each.text for each in self.objects},
            "pairs": self.n_pairs(),
            "comparisons": self.comparisons,
            "scheme": self.scheme,
            "reference": self.reference,
            "experts": [[verdict.first, verdict.second, verdict.share] for verdict in self.experts],
            "settings": {"answer_by": [self.answer_by], "judge": list(self.judges), "by": list(self.by)},
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertVerdict:
    """What one expert said of two objects: the share that the first of them gets, 0.5 for a tie."""

    first: str
    second: str
    share: float
    where: str = "experts"


def verdict_of(answer: object, probs: Sequence[float] | None) -> tuple[float, float] | None:
    """Shares of the first shown and of a tie in an answer: probabilities, where there are any; None for no answer."""
    if probs is not None and len(probs):
        return float(probs[0]), float(sum(probs[2:]))
    return (float(answer == 0), float(answer == 2)) if isinstance(answer, int) else None


def _as_shown(place: Place) -> Pair:
    told = dict(place.condition)
    pair = (place.subject, told["against"])
    return pair if told["position"] == "first" else pair[::-1]


def _next_pairs(names: Sequence[str], met: Sequence[Pair], verdicts: list[tuple[str, str, float, float]]) -> list[Pair]:
    """Pairs of a round, each object in one at most: those of which the answers so far say least come first."""
    n, number = len(names), {name: k for k, name in enumerate(names)}
    gain = np.ones((n, n))
    try:
        first, second, won, tied = zip(*verdicts, strict=True)
        halves = [w + t / 2 for w, t in zip(won, tied, strict=True)]
        scale = bradley_terry(first, second, halves, position=True)
        at = [scale.names.index(name) for name in names]
        x, v = scale.values[at], scale.covariance[np.ix_(at, at)]
        d = x[:, None] - x[None, :]
        # What a comparison adds to the information, times how little is known of this difference.
        gain = (v.diagonal()[:, None] + v.diagonal()[None, :] - 2 * v) / (2 + 2 * np.cosh(d))
    except (DataError, ValueError):  # hardly anything was answered: then any pair is as good as another
        pass
    for one, other in met:
        gain[number[one], number[other]] = gain[number[other], number[one]] = -1.0
    upper = np.triu_indices(n, 1)
    pairs: list[Pair] = []
    free = np.ones(n, dtype=bool)
    for k in np.argsort(-gain[upper], kind="stable"):
        one, other = upper[0][k], upper[1][k]
        if free[one] and free[other] and gain[one, other] >= 0:
            free[one] = free[other] = False
            pairs.append((names[one], names[other]))
    return pairs


class PairsTable(Table):
    """What is compared, by whom and how."""

    question: str = Field(
        examples=['question = "Which of the two is heavier?"'], description="what is asked of two objects"
    )
    objects: list[str] = Field(default=[], description="their names, where there is no file")
    file: str = Field(default="", description="a table with one object a row; further columns are kept")
    name: str = Field(default="name", description="column of names")
    text: str = Field(default="", description="column of texts, where objects have any")
    by: list[Shown] = Field(
        default=["name"],
        description="`name`; or `text`, from which the words of the name are taken out; each is a scale of its own",
    )
    tie: str = Field(default="", description="what is said where neither is more so; without it, one must be chosen")
    comparisons: StrictInt = Field(default=10, description="other objects that each object meets")
    scheme: Literal["balanced", "adaptive"] = Field(
        default="balanced",
        description="`balanced`: all pairs at once. `adaptive`: each object meets 2 others, and from then on, round by "
        "round, one of which the answers so far say least",
    )
    answer_by: Literal["option_text", "label", "written"] = Field(
        default="option_text",
        description="`option_text`, `label`: probabilities of `First` and `Second`, or of letters. `written`: a reply",
    )
    reference: str = Field(default="", description="column of numbers that the scale is held against")
    experts: str = Field(
        default="",
        description="a table of what experts said of some pairs, drawn at random: columns `first`, `second`, and "
        "`verdict`, the name of one of them or `tie`; the scale is corrected by it",
    )


def read_experts(path: Path) -> tuple[ExpertVerdict, ...]:
    """Experts' verdicts: columns first, second, verdict."""
    text = text_of(path, what="table of experts' verdicts", error=DataError)
    rows = rows_of(text, ",", path.name, error=DataError)
    _, header = next(rows, (1, []))
    wanted = ("first", "second", "verdict")
    if lost := [name for name in wanted if name not in header]:
        raise DataError(
            f"{path.name}: no column {lost[0]!r}; it has {', '.join(header)}, and wants {', '.join(wanted)}"
        )
    found = []
    for line, row in rows:
        told = dict(zip(header, row, strict=False))
        first, second, verdict = (told.get(name, "").strip() for name in wanted)
        where = f"{path.name}, line {line}"
        if first == second:
            raise DataError(f"{where}: {first!r} is compared with itself; leave it out")
        if verdict not in (first, second, "tie"):
            raise DataError(f"{where}: verdict {verdict!r} is neither {first!r} nor {second!r} nor 'tie'")
        share = 0.5 if verdict == "tie" else float(verdict == first)
        found.append(ExpertVerdict(first=first, second=second, share=share, where=where))
    return tuple(found)


def _make(shared: Shared, table: PairsTable) -> Pairs:
    if bool(table.objects) == bool(table.file):
        raise DesignError(f'{shared.where}: give either pairs.objects = ["...", ...] or pairs.file = "objects.csv"')
    objects = tuple(Compared(name=name) for name in table.objects)
    if table.file:
        corpus = read_corpus(
            shared.folder / table.file, id=table.name, text=table.text or table.name, how=CorpusReading(near=False)
        )
        rows = corpus.columns.iter_rows(named=True)
        objects = tuple(
            Compared(
                name=str(row["document"]),
                text=corpus.text(row["document"]) if table.text else "",
                traits={key: value for key, value in row.items() if key != "document" and value is not None},
            )
            for row in rows
        )
    return Pairs(
        question=table.question, objects=objects, tie=table.tie, by=tuple(table.by),
        judges=("judge",) if "" in shared.engines else tuple(shared.engines), comparisons=table.comparisons,
        scheme=table.scheme, answer_by=table.answer_by, reference=table.reference, seed=shared.seed,
        experts=read_experts(shared.folder / table.experts) if table.experts else (), title=shared.title,
    )  # fmt: skip


KIND = Kind(
    name="pairs",
    about="objects compared two by two, by one or several judges, and set on a scale",
    keys=PairsTable,
    make=_make,
    analyses=("pairs", "believability", "dispositions", "deviations"),
    needs=frozenset(),
    takes=frozenset(),
    told=Told(subject="object", unit="object", units="objects", stands="about", is_of_models=True),
)

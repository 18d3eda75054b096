"""Show cards: an item as it is shown under one condition, made once and shown to every subject."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, cast

from proband.designs.survey.arrangement import arrangements, check_apart, check_named, option_labels, option_order, turn
from proband.designs.survey.wording import card_of, pipe
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.instruments.pipes import pipes_in
from proband.records import SCORED_METHODS, Message, Method, Place, Reply, Request, ShowCard
from proband.seeds import Draws, framed, seed_for
from proband.subjects.personas import Field, Subject, code_text

LookUp = Callable[[str, str], str | None]

FITTING = {"choice": 24, "scale": 24, "number": 16, "multiple": 96, "ranking": 96, "allocation": 96, "text": 256}
FITTING |= {"record": 512, "spans": 512}
_MAX_TOKENS_VERBALISED = 128
_MOST_FACES = 5_000  # options in random order have as many faces as there are orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How written replies are sampled.

    Attributes
    ----------
    temperature, top_p : float
        Sampling; 0 is greedy.
    max_tokens : int or None
        Longest reply; None takes one that fits the item's form.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf or not 0 < self.top_p <= 1:
            raise DesignError(f"writing: temperature {self.temperature} or top_p {self.top_p} is out of range")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise DesignError(f"writing: max_tokens is {self.max_tokens}; a reply needs at least 1")


@dataclass(frozen=True, kw_only=True)
class Questionnaire:
    """What all sheets of a survey have in common; see `Survey` for the fields."""

    instrument: Instrument
    fields: tuple[Field, ...]  # how subjects are described
    factors: Mapping[str, Mapping[str, str]]
    varied: tuple[str, ...]  # names of the factors with more than one level, sorted: they make up a place's condition
    seed: int
    decide: Literal["draw", "mode"]
    writing: Writing

    @cached_property
    def grids(self) -> Mapping[str, Sequence[Item]]:
        """Items that a battery shows together: neighbours with the same lead-in and options, by item id."""
        found: dict[str, Sequence[Item]] = {}
        items = self.instrument.items
        for _, group in itertools.groupby(items, key=lambda item: (item.stem, item.options, item.form)):
            grid = tuple(group)
            found.update({item.id: grid for item in grid})
        return found

    @cached_property
    def needs(self) -> Mapping[str, frozenset[str]]:
        """Items whose answers decide whether and how another is put, by its id."""
        found: dict[str, frozenset[str]] = {}
        for item in self.instrument.items:
            piped = {name for kind, name in pipes_in(item.text) + pipes_in(item.stem) if kind == "answer"}
            found[item.id] = frozenset(piped | ({item.ask_if.item} if item.ask_if else set()))
        return found

    @cached_property
    def decisions(self) -> Draws:
        """Seeds of how one answer is taken from a distribution."""
        return Draws(self.seed, "decide")

    def respondent(self, subject: Subject) -> "Respondent":
        """What the sheets of a subject share; kept for the last one, whose sheets come one after another."""
        if not self._last or self._last[0].subject is not subject:
            self._last[:] = [Respondent(self.seed, subject)]
        return self._last[0]

    @cached_property
    def _last(self) -> list["Respondent"]:
        return []

    @cached_property
    def _packs(self) -> dict[tuple[str, ...], dict[str, "Card"]]:
        return {}

    def cards(self, condition: Mapping[str, str]) -> dict[str, "Card"]:
        """The cards of a condition that were made so far, by item id; whoever needs another makes it and adds it."""
        return self._packs.setdefault(tuple(condition.values()), {})

    def method_for(self, item: Item, answer_by: str) -> Method:
        """How an item is answered: as asked for, or in writing where it has no options to score."""
        method = cast(Method, answer_by)  # checked when the survey was made
        return method if item.form in ("choice", "scale") else "written"


class Respondent:
    """A subject as all its sheets know it."""

    def __init__(self, seed: int, subject: Subject) -> None:
        self.subject = subject
        self.turns = Draws(seed, "order", subject.id)  # where it starts in the orders of options
        # What a scripted rule reads; and, by persona format and columns left out, the message that says who answers.
        self.facts = tuple((column, code_text(code)) for column, code in sorted(subject.traits.items()))
        self.told: dict[str, dict[tuple[str, ...], Message]] = {}


class Card:
    """An item under one condition; its faces differ in the order of the options."""

    def __init__(self, asked: Questionnaire, item: Item, condition: Mapping[str, str]) -> None:
        self.asked, self.item, self.condition = asked, item, condition
        self.method = asked.method_for(item, condition["answer_by"])
        self.labels = option_labels(item, condition["labels"], self.method)
        check_named(item, condition["order"], self.labels)
        if self.method in ("written", "verbalised"):
            check_apart(item, condition["order"], self.labels)
        self.is_scored = self.method in SCORED_METHODS
        self.escaped_id = Place(subject="-", item=item.id).id.split("/")[1]
        is_grid = condition["presentation"] == "battery" and item.options
        self.grid: Sequence[Item] = asked.grids[item.id] if is_grid else (item,)
        texts = [item.stem, *(shown.text for shown in self.grid)]
        self._is_fixed = all(kind == "factor" for text in texts for kind, _ in pipes_in(text))
        # A grid is shown with one order of options, so all its items draw from the place of its first.
        self._first = self.grid[0].id
        self._framed = framed(self._first)
        is_random = condition["order"] == "random"
        self._orders = () if is_random else arrangements(item, condition["order"])
        self._faces: dict[tuple[int, ...], Face] = {}

    def face(self, subject: str, replicate: int, draws: Draws, look_up: LookUp) -> "Face | None":
        """What a subject is shown; None where an answer that is piped in is not there.

        `draws` are those of where this subject starts in the orders of options.
        """
        orders = self._orders
        if not orders:
            seed = self.asked.seed
            order = option_order(self.item, "random", seed, subject, self._first, replicate=replicate)
        elif len(orders) == 1:
            order = orders[0]
        else:
            order = orders[turn(draws.digest_of(self._framed), replicate, len(orders))]
        face = self._faces.get(order)
        return self._new_face(order, look_up) if face is None else face

    def _new_face(self, order: tuple[int, ...], look_up: LookUp) -> "Face | None":
        shown = self._shown(order, look_up)
        if shown is None:
            return None
        face = Face(self, order, shown)
        if self._is_fixed:
            if len(self._faces) >= _MOST_FACES:
                self._faces.clear()
            self._faces[order] = face
        return face

    def _shown(self, order: Sequence[int], look_up: LookUp) -> ShowCard | None:
        """The item as shown, alone or in its grid."""
        item = self.item
        text, stem = pipe(item.text, look_up), pipe(item.stem, look_up)
        if text is None or stem is None:
            return None
        words: dict[str, Any] = {"text": text, "stem": stem, "about": self.asked.instrument.preamble}
        if len(self.grid) > 1:
            # A grid pipes no answers, so every statement is filled.
            statements = tuple([pipe(other.text, look_up) or "" for other in self.grid])
            words |= {"statements": statements, "number": self.grid.index(item) + 1}
        return card_of(item, self.method, order, self.labels, **words)


class Face:
    """A card with its options in one order: the words that are sent, and how the answer is read."""

    def __init__(self, card: Card, order: tuple[int, ...], face: ShowCard) -> None:
        self.card, self.order, self.face = card, order, face
        text = f"{face.words}\n\n{face.instruction}"
        preamble = card.asked.instrument.preamble
        self.message = Message("user", text)
        self.opening = Message("user", f"{preamble}\n\n{text}") if preamble else self.message
        self.options = face.options
        self.shown = card.labels if card.method == "label" else self.options
        self.closes = card.is_scored and has_prefix(self.shown)
        self._words = {one.name: getattr(face, one.name) for one in fields(face)}
        del self._words["before"], self._words["about"]

    def told(self, before: str, about: str) -> ShowCard:
        """The card after what happened so far; `dataclasses.replace`, at half its cost."""
        return ShowCard(before=before, about=about, **self._words)

    def request(self, messages: tuple[Message, ...], place: Place) -> Request:
        """What is sent, after what was said before."""
        card, writing, seed = self.card, self.card.asked.writing, self.card.asked.seed
        if card.is_scored:
            return Request(messages=messages, continuations=self.shown, closes=self.closes)
        fitting = _MAX_TOKENS_VERBALISED if card.method == "verbalised" else FITTING[card.item.form]
        return Request(
            messages=messages,
            max_tokens=fitting if writing.max_tokens is None else writing.max_tokens,
            temperature=writing.temperature,
            top_p=writing.top_p,
            seed=seed_for(seed, "write", place.id) if writing.temperature > 0 else None,
        )

    def reply(self, place: Place) -> Reply:
        """How the answer given at a place is read."""
        card, item = self.card, self.card.item
        return Reply(
            form=item.form, method=card.method, options=self.options, labels=card.labels, order=self.order,
            dont_know=item.dont_know, lower=item.lower, upper=item.upper, total=item.total,
            decide=card.asked.decide, seed=card.asked.decisions.seed(place.id),
        )  # fmt: skip


def has_prefix(texts: Sequence[str]) -> bool:
    """Whether one of the texts is the beginning of another, so that its end has to be scored too."""
    return any(a != b and b.startswith(a) for a in texts for b in texts)

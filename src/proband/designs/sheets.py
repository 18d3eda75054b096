"""One subject's questionnaire under one condition: which items it has, and how each becomes a trial."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

from proband.designs.arrangement import option_labels, option_order
from proband.designs.wording import (
    battery_text,
    instruction_text,
    options_text,
    pipe,
    pipes_in,
    question_text,
    system_text,
)
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.records import SCORED_METHODS, Message, Method, Place, Reply, Request, Response, Trial
from proband.seeds import seed_for
from proband.subjects.personas import Field, PersonaFormat, Subject, code_text, describe

_MAX_TOKENS = {
    "choice": 24,
    "scale": 24,
    "number": 16,
    "multiple": 96,
    "ranking": 96,
    "allocation": 96,
    "text": 256,
}
_MAX_TOKENS_VERBALISED = 128


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
            raise DesignError(
                f"writing: temperature {self.temperature} or top_p {self.top_p} is out of range"
            )
        if self.max_tokens is not None and self.max_tokens < 1:
            raise DesignError(f"writing: max_tokens is {self.max_tokens}; a reply needs at least 1")


@dataclass(frozen=True, kw_only=True)
class Questionnaire:
    """What all sheets of a survey have in common; see `Survey` for the fields.

    Attributes
    ----------
    fields : tuple of Field
        How subjects are described.
    varied : tuple of str
        Names of the factors that have more than one level, sorted; they make up the place's condition.
    """

    instrument: Instrument
    fields: tuple[Field, ...]
    factors: Mapping[str, Mapping[str, str]]
    varied: tuple[str, ...]
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

    def method_for(self, item: Item, answer_by: str) -> Method:
        """How an item is answered: as asked for, or in writing where it has no options to score."""
        method = cast(Method, answer_by)  # checked when the survey was made
        has_choices = item.form in ("choice", "scale")
        if not has_choices and (method in SCORED_METHODS or method == "verbalised"):
            return "written"
        return method


class Sheet:
    """What one subject is asked under one condition, in one replicate."""

    def __init__(
        self, asked: Questionnaire, subject: Subject, condition: Mapping[str, str], replicate: int
    ) -> None:
        self.asked, self.subject, self.condition, self.replicate = asked, subject, condition, replicate
        self._system_texts: dict[tuple[str, ...], str] = {}

    def preview(self) -> Iterator[Trial]:
        """Every item as it is asked when nothing has been answered; piped answers stand as their names."""
        for item in self.asked.instrument.items:
            trial = self.trial(item)
            if trial is not None:
                yield trial

    def trials(self, answered: Mapping[str, Response]) -> Iterator[Trial]:
        """Every item whose request is settled by what was answered."""
        is_sequential = self.condition["presentation"] == "sequential"
        turns: list[Message] = []
        # What was answered, in words; None where an item was skipped or has no valid answer.
        said: dict[str, str | None] = {}
        open_: set[str] = set()  # asked, not answered yet
        for item in self.asked.instrument.items:
            if self._waits(item, open_):
                open_.add(item.id)
                continue
            if not self._applies(item, answered):
                said[item.id] = None
                continue
            trial = self.trial(item, said, tuple(turns))
            if trial is None:
                said[item.id] = None
                continue
            yield trial
            response = answered.get(trial.id)
            if response is None:
                if is_sequential:
                    return
                open_.add(item.id)
                continue
            said[item.id] = spoken(item, response)
            if is_sequential:
                turns += [trial.request.messages[-1], Message("assistant", said[item.id] or "(no answer)")]

    def trial(
        self, item: Item, said: Mapping[str, str | None] | None = None, turns: tuple[Message, ...] = ()
    ) -> Trial | None:
        """The item as a trial; None where an answer it pipes in is not there.

        Without `said`, nothing has been answered yet and piped answers stand as their names.
        """
        method = self.asked.method_for(item, self.condition["answer_by"])
        order = self._order(item)
        labels = option_labels(item, self.condition["labels"], method)
        text = self._text(item, said, order, labels)
        if text is None:
            return None
        place = self._place(item)
        user = f"{text}\n\n{instruction_text(item, method)}"
        if self.asked.instrument.preamble and not turns:
            user = f"{self.asked.instrument.preamble}\n\n{user}"
        messages = (Message("system", self._system(item.about)), *turns, Message("user", user))
        return Trial(
            place=place,
            request=self._request(item, messages, method, order, labels, place),
            reply=self._reply(item, method, order, labels, place),
            facts=self._facts,
        )

    def _waits(self, item: Item, open_: set[str]) -> bool:
        """Whether an item depends on one that is not answered yet."""
        needs = {name for kind, name in _pipes(item) if kind == "answer"}
        if item.ask_if:
            needs.add(item.ask_if.item)
        return bool(needs & open_)

    def _applies(self, item: Item, answered: Mapping[str, Response]) -> bool:
        """Whether the skip rule lets an item be asked."""
        if item.ask_if is None:
            return True
        earlier = self.asked.instrument[item.ask_if.item]
        before = answered.get(self._place(earlier).id)
        return before is not None and bool(_chosen(earlier, before) & set(item.ask_if.options))

    def _text(
        self, item: Item, said: Mapping[str, str | None] | None, order: Sequence[int], labels: Sequence[str]
    ) -> str | None:
        """The item as shown, alone or in its grid."""

        def look_up(kind: str, name: str) -> str | None:
            if kind == "factor":
                return self.asked.factors[name][self.condition[name]]
            if kind == "subject":
                return trait_text(self.subject, name, self.asked.fields)
            return f"[{name}]" if said is None else said.get(name)

        text, stem = pipe(item.text, look_up), pipe(item.stem, look_up)
        if text is None or stem is None:
            return None
        grid = self._grid(item)
        if len(grid) < 2:
            return question_text(stem, text, options_text(item, order, labels))
        # A grid pipes no answers, so every statement is filled.
        statements = [pipe(other.text, look_up) or "" for other in grid]
        return battery_text(stem, statements, grid.index(item) + 1, options_text(item, order, labels))

    def _grid(self, item: Item) -> Sequence[Item]:
        """The items shown together with this one: neighbours with the same lead-in and the same options."""
        if self.condition["presentation"] != "battery" or not item.options:
            return (item,)
        return self.asked.grids[item.id]

    def _order(self, item: Item) -> tuple[int, ...]:
        # A grid is shown with one order of options, so all its items draw from the place of its first.
        first = self._grid(item)[0]
        return option_order(
            item,
            self.condition["order"],
            self.asked.seed,
            self.subject.id,
            first.id,
            replicate=self.replicate,
        )

    def _system(self, omit: tuple[str, ...]) -> str:
        """Who answers, without the traits that would give the answer away."""
        if omit not in self._system_texts:
            format = cast(PersonaFormat, self.condition["persona"])  # checked when the survey was made
            backstory = describe(self.subject, self.asked.fields, format, omit)
            self._system_texts[omit] = system_text(backstory, format)
        return self._system_texts[omit]

    @cached_property
    def _facts(self) -> tuple[tuple[str, str], ...]:
        return tuple((column, code_text(code)) for column, code in sorted(self.subject.traits.items()))

    def _place(self, item: Item) -> Place:
        condition = tuple((name, self.condition[name]) for name in self.asked.varied)
        return Place(subject=self.subject.id, item=item.id, condition=condition, replicate=self.replicate)

    def _request(
        self,
        item: Item,
        messages: tuple[Message, ...],
        method: Method,
        order: tuple[int, ...],
        labels: tuple[str, ...],
        place: Place,
    ) -> Request:
        if method in SCORED_METHODS:
            shown = labels if method == "label" else tuple(item.options[k] for k in order)
            return Request(messages=messages, continuations=shown, closes=_has_prefix(shown))
        writing = self.asked.writing
        fitting = _MAX_TOKENS_VERBALISED if method == "verbalised" else _MAX_TOKENS[item.form]
        return Request(
            messages=messages,
            max_tokens=fitting if writing.max_tokens is None else writing.max_tokens,
            temperature=writing.temperature,
            top_p=writing.top_p,
            seed=seed_for(self.asked.seed, "write", place.id) if writing.temperature > 0 else None,
        )

    def _reply(
        self, item: Item, method: Method, order: tuple[int, ...], labels: tuple[str, ...], place: Place
    ) -> Reply:
        return Reply(
            form=item.form,
            method=method,
            options=tuple(item.options[k] for k in order),
            labels=labels,
            order=order,
            dont_know=item.dont_know,
            lower=item.lower,
            upper=item.upper,
            total=item.total,
            decide=self.asked.decide,
            seed=seed_for(self.asked.seed, "decide", place.id),
        )


def trait_text(subject: Subject, column: str, fields: Sequence[Field]) -> str | None:
    """A subject's trait in words; None where the subject has none."""
    code = subject.traits.get(column)
    if code is None:
        return None
    for field in fields:
        if field.column == column:
            return field.value(code)
    return code_text(code)


def spoken(item: Item, response: Response) -> str | None:
    """An answer in words, as it is remembered and piped; None where there is none."""
    answer = response.answer
    if response.status == "dont_know":
        return item.options[item.dont_know[0]] if item.dont_know else "I don't know"
    if answer is None:
        return None
    if isinstance(answer, str):
        return answer
    if isinstance(answer, tuple):
        if item.form == "allocation":
            return "; ".join(f"{option}: {part:g}" for option, part in zip(item.options, answer, strict=True))
        return "; ".join(item.options[int(k)] for k in answer) or "none"
    if item.form == "number":
        return f"{answer:g}"
    return item.options[int(answer)]


def _chosen(item: Item, response: Response) -> set[int]:
    """Options that were chosen, as written; a don't-know answer has chosen the don't-know options."""
    if response.status == "dont_know":
        return set(item.dont_know)
    if isinstance(response.answer, tuple):
        return {int(k) for k in response.answer} if item.form == "multiple" else set()
    return {int(response.answer)} if isinstance(response.answer, int) else set()


def _has_prefix(texts: Sequence[str]) -> bool:
    """Whether one of the texts is the beginning of another, so that its end has to be scored too."""
    return any(a != b and b.startswith(a) for a in texts for b in texts)


def _pipes(item: Item) -> list[tuple[str, str]]:
    return pipes_in(item.text) + pipes_in(item.stem)

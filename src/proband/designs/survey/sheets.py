"""One subject's questionnaire under one condition: which items it has, and how each becomes a trial."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from proband.designs.design import Key
from proband.designs.survey.cards import Card, Questionnaire
from proband.designs.survey.wording import system_text
from proband.identity import body_hash, rule_text, scored_body
from proband.instruments.items import Item
from proband.records import Message, Place, Response, Trial
from proband.subjects.personas import Field, PersonaFormat, Subject, code_text, describe


class Sheet:
    """What one subject is asked under one condition, in one replicate."""

    def __init__(self, asked: Questionnaire, subject: Subject, condition: Mapping[str, str], replicate: int) -> None:
        self.asked, self.subject, self.condition, self.replicate = asked, subject, condition, replicate
        self._levels = tuple([(name, condition[name]) for name in asked.varied])
        self._cards = asked.cards(condition)
        self._respondent = asked.respondent(subject)
        self._turns = self._respondent.turns
        self.facts = self._respondent.facts
        self._system_messages = self._respondent.told.setdefault(condition["persona"], {})

    def preview(self) -> Iterator[Trial]:
        """Every item as it is asked when nothing has been answered; piped answers stand as their names."""
        for item in self.asked.instrument.items:
            if (trial := self.trial(item)) is not None:
                yield trial

    def keys(self) -> Iterator[Key]:
        """The keys of `preview`, without making its trials: what a resumed run looks at first."""
        subject, _, condition, round_, replicate = self.place(self.asked.instrument.items[0]).id.split("/")
        end, decide = f"/{condition}/{round_}/{replicate}", self.asked.decide
        for item in self.asked.instrument.items:
            card = self._card(item)
            face = card.face(self.subject.id, self.replicate, self._turns, self._look_up)
            if face is None:
                continue
            messages = (self._system(item.about), face.opening)
            if card.is_scored:
                hash = body_hash(scored_body(messages, face.shown, face.closes))
            else:
                hash = face.request(messages, self.place(item)).hash
            yield f"{subject}/{card.escaped_id}{end}", hash, rule_text(card.method, decide, card.labels)

    def trial(
        self, item: Item, said: Mapping[str, str | None] | None = None, turns: Sequence[Message] = ()
    ) -> Trial | None:
        """The item as a trial; None where an answer it pipes in is not there.

        Without `said`, nothing has been answered yet and piped answers stand as their names.
        """

        def look_up(kind: str, name: str) -> str | None:
            if kind == "answer" and said is not None:
                return said.get(name)
            return self._look_up(kind, name)

        face = self._card(item).face(self.subject.id, self.replicate, self._turns, look_up)
        if face is None:
            return None
        place = self.place(item)
        system = self._system_messages.get(item.about) or self._system(item.about)
        messages = (system, *turns, face.message) if turns else (system, face.opening)
        return Trial(
            place=place,
            request=face.request(messages, place),
            reply=face.reply(place),
            facts=self.facts,
            card=face.face,
        )

    def _card(self, item: Item) -> Card:
        if item.id not in self._cards:
            self._cards[item.id] = Card(self.asked, item, self.condition)
        return self._cards[item.id]

    def _look_up(self, kind: str, name: str) -> str | None:
        """What is piped in before anything was answered."""
        if kind == "factor":
            return self.asked.factors[name][self.condition[name]]
        if kind == "subject":
            return trait_text(self.subject, name, self.asked.fields)
        return f"[{name}]"

    def _system(self, omit: tuple[str, ...]) -> Message:
        """Who answers, without the traits that would give the answer away."""
        if omit not in self._system_messages:
            format = cast(PersonaFormat, self.condition["persona"])  # checked when the survey was made
            backstory = describe(self.subject, self.asked.fields, format, omit)
            self._system_messages[omit] = Message("system", system_text(backstory, format))
        return self._system_messages[omit]

    def place(self, item: Item) -> Place:
        """Where an item of this sheet stands in the design."""
        return Place(subject=self.subject.id, item=item.id, condition=self._levels, replicate=self.replicate)


class Filling:
    """A sheet while it is filled in, a process: every answer takes it further, and no item is put twice.

    It holds what was said so far and nothing else, so the same answers always lead to the same trials. A conversation
    may have begun before, with the turns given.
    """

    def __init__(self, sheet: Sheet, turns: Sequence[Message] = ()) -> None:
        self.sheet = sheet
        self._is_sequential = sheet.condition["presentation"] == "sequential"
        self._rest: Sequence[Item] = sheet.asked.instrument.items  # not put yet, nor skipped
        self._asked: dict[str, tuple[Item, Message]] = {}  # by place, with its words, until it is answered
        self._turns: list[Message] = list(turns)
        # What was answered, in words; None where an item was skipped or has no valid answer.
        self._said: dict[str, str | None] = {}
        self._chosen: dict[str, set[int]] = {}

    def start(self) -> list[Trial]:
        """Every item that waits for no other; in a conversation the first."""
        found: list[Trial] = []
        rest: list[Item] = []
        open_, needs = {item.id for item, _ in self._asked.values()}, self.sheet.asked.needs
        for number, item in enumerate(self._rest):
            if open_ and (self._is_sequential or not open_.isdisjoint(needs[item.id])):
                rest.append(item)
                open_.add(item.id)
            elif (trial := self._put(item)) is not None:
                found.append(trial)
                open_.add(item.id)
                if self._is_sequential:
                    rest += self._rest[number + 1 :]
                    break
        self._rest = rest
        return found

    def advance(self, response: Response) -> list[Trial]:
        """What one more answer lets be asked."""
        item, put = self._asked.pop(response.place.id)
        words = self._said[item.id] = spoken(item, response)
        self._chosen[item.id] = _chosen(item, response)
        if response.status == "left":  # whoever left is asked nothing more
            self._rest = ()
            return []
        if self._is_sequential:
            self._turns += [put, Message("assistant", words or "(no answer)")]
        return self.start() if self._rest else []

    @property
    def left_off(self) -> Sequence[Message] | None:
        """What was said, once every item was put and answered."""
        return None if self._rest or self._asked else self._turns

    def _put(self, item: Item) -> Trial | None:
        """The trial of an item; None where it is skipped."""
        rule, trial = item.ask_if, None
        if rule is None or not self._chosen.get(rule.item, set()).isdisjoint(rule.options):
            trial = self.sheet.trial(item, self._said, self._turns)
        if trial is None:
            self._said[item.id] = None
        else:
            self._asked[trial.id] = (item, trial.request.messages[-1])
        return trial


class Sitting:
    """Sheets filled in one after another in one conversation, a process: the later ones remember the earlier."""

    def __init__(self, sheets: Iterable[Sheet]) -> None:
        self._sheets = iter(sheets)
        self._filling = Filling(next(self._sheets))

    def start(self) -> list[Trial]:
        """The first item that is put to anybody."""
        return self._filling.start() or self._next()

    def advance(self, response: Response) -> list[Trial]:
        """What one more answer lets be asked, on the same sheet or the next."""
        return self._filling.advance(response) or self._next()

    def _next(self) -> list[Trial]:
        while (turns := self._filling.left_off) is not None and (sheet := next(self._sheets, None)) is not None:
            self._filling = Filling(sheet, turns)
            if found := self._filling.start():
                return found
        return []


def trait_text(subject: Subject, column: str, fields: Sequence[Field]) -> str | None:
    """A subject's trait in words; None where the subject has none."""
    if (code := subject.traits.get(column)) is None:
        return None
    return next((field.value(code) for field in fields if field.column == column), code_text(code))


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
    return f"{answer:g}" if item.form == "number" else item.options[int(answer)]


def _chosen(item: Item, response: Response) -> set[int]:
    """Options that were chosen, as written; a don't-know answer has chosen the don't-know options."""
    if response.status == "dont_know":
        return set(item.dont_know)
    if isinstance(response.answer, tuple):
        return {int(k) for k in response.answer} if item.form == "multiple" else set()
    return {int(response.answer)} if isinstance(response.answer, int) else set()

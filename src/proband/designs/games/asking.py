"""How a turn of a game becomes a trial: with the cards of surveys, so that an item is asked and read as it is there."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from proband.designs.games.course import MESSAGE, PAID, prediction_of
from proband.designs.games.rehearsal import rehearse
from proband.designs.games.rules import Rules, Words
from proband.designs.games.setting import Setting
from proband.designs.games.words import LETTERS, MatchWords, neutral_names
from proband.designs.survey.cards import Card, Face, Questionnaire, Writing
from proband.designs.survey.wording import card_of
from proband.errors import DesignError, meant
from proband.files import checked
from proband.instruments.items import Instrument, Item
from proband.records import Message, Place, Reply
from proband.seeds import seed_for
from proband.subjects.personas import Subject, describe
from proband.subjects.populations import Population

_REHEARSALS = 20
_MOST_CARDS = 4096  # items made for single turns could be without end
_AS_PERSON = {
    "first": "Take part as the person who says this about themselves:\n\n{backstory}",
    "third": "Take part as this person would:\n\n{backstory}",
    "interview": "Take part as the person who gave this interview:\n\n{backstory}",
}


class Shown(Face):
    """An item as players of a match see it: its options under the names they carry there, its amounts scaled."""

    def __init__(self, card: Card, item: Item, order: tuple[int, ...], names: tuple[str, ...]) -> None:
        super().__init__(card, order, card_of(card.item, card.method, order, card.labels))
        self.text = self.message.text
        self._own = tuple([item.options[k] for k in order])
        self._names = names

    def reply(self, place: Place) -> Reply:
        """How the answer is read: an option by its name here, which stands for the rules' own."""
        card, item = self.card, self.card.item
        return Reply(
            form=item.form, method="label" if self._names and card.is_scored else card.method, options=self._own,
            labels=self._names or card.labels, order=self.order, dont_know=item.dont_know, lower=item.lower,
            upper=item.upper, total=item.total, decide=card.asked.decide, seed=card.asked.decisions.seed(place.id),
        )  # fmt: skip


class _Overheard(MatchWords):
    """Words that remember what a cover story was asked for."""

    @cached_property
    def said(self) -> dict[str, None]:
        return {}

    def story(self, text: str) -> str:
        self.said[text] = None
        return text


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A game under one treatment: its rules, its setting, and the cards with which it is asked."""

    rules: Rules
    setting: Setting
    seed: int
    population: Population | None = None

    def changed(self, keys: Mapping[str, object], at: str) -> "Arm":
        """The same game with other values for some keys.

        Raises
        ------
        DesignError
            If there is no such key, or every treatment has the same value of it.
        """
        of_all = _OF_ALL + (("matching", "players") if self.setting.matching == "round_robin" else ())
        known = [*type(self.rules).model_fields, *(k for k in Setting.model_fields if k not in of_all)]
        for key in keys:
            if key not in known:
                raise DesignError(f"[{at}]: no key {key!r} to vary{meant(key, known)}; there are {', '.join(known)}")
        if keys.get("matching") == "round_robin":
            raise DesignError(f"[{at}]: a round robin is no treatment; make it the matching of the game")
        rules, setting = (
            checked(
                type(table),
                {**table.model_dump(), **{key: keys[key] for key in keys if key in type(table).model_fields}},
                at, error=DesignError,
            )
            for table in (self.rules, self.setting)
        )  # fmt: skip
        return replace(self, rules=cast(Rules, rules), setting=cast(Setting, setting))

    def check(self) -> None:
        """Refuse what cannot be carried out."""
        self.setting.check(self.rules)
        self.words(0)
        moved = {seat for turns in self.rehearsals for seat in turns}
        if idle := [seat for seat in self.rules.seats if seat not in moved]:
            raise DesignError(
                f"{idle[0]} is a player who can never move: in {_REHEARSALS} rehearsals nothing was asked of it; "
                "take the seat out, or give it a turn"
            )
        for seat in self.rules.seats:
            self.rules.instructions(seat, self._rehearsed)
        if unsaid := [text for text in self.setting.story if text not in self._rehearsed.said]:
            said = "; ".join(map(repr, self._rehearsed.said)) or "nothing"
            raise DesignError(f"story: {unsaid[0]!r} is nowhere in what this game says; it can replace {said}")

    @cached_property
    def rehearsals(self) -> list[list[str]]:
        """Whose turns there were in single rounds played without anybody."""
        return [rehearse(self.rules, self._rehearsed, number) for number in range(_REHEARSALS)]

    @cached_property
    def _rehearsed(self) -> "_Overheard":
        return _Overheard(self._names(0))

    @property
    def most_turns(self) -> int:
        """The most that was asked in a rehearsed round, with messages and predictions."""
        each = 2 if self.setting.think == "predict" else 1
        return each * max(map(len, self.rehearsals)) + self.setting.chat * len(self.rules.seats)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Everything that may be asked."""
        messages = (MESSAGE,) if self.setting.chat else ()
        moves = self.rules.items
        if self.setting.think == "none":
            return (*messages, *moves)
        return (*messages, prediction_of(None), *map(prediction_of, moves), *moves)

    @cached_property
    def paid(self) -> frozenset[str]:
        """Items that are amounts of payoff."""
        return frozenset(item.id for item in self.items if item.unit == PAID)

    @cached_property
    def first_turn(self) -> int:
        """Where matches begin in the orders of options."""
        return seed_for(self.seed, "turn")

    @cached_property
    def n_turns(self) -> int:
        """After how many matches options stand in the same orders again."""
        return math.lcm(*(max(len(item.options), 2) for item in self.rules.items))

    def words(self, turn: int) -> Words:
        """How a match says things whose options stand in a turn of their orders."""
        turn %= self.n_turns
        if turn not in self._words:
            setting = self.setting
            self._words[turn] = MatchWords(self._names(turn), setting.unit, setting.scale, setting.story, turn)
        return self._words[turn]

    @cached_property
    def _words(self) -> dict[int, MatchWords]:
        return {}

    def _names(self, turn: int) -> Mapping[str, str]:
        given = self.setting.names
        if isinstance(given, dict):
            options = [option for item in self.rules.items for option in item.options]
            known = ", ".join(options)
            for option in given:
                if option not in options:
                    raise DesignError(f"names: no move {option!r}{meant(option, options)}; there are {known}")
            if len(set(given.values())) < len(given):
                raise DesignError(f"names: two moves are called the same in {given}; give each a name of its own")
            return given
        if given == "own":
            return {}
        if isinstance(given, str) and given != "letters":
            raise DesignError(f'names is {given!r}; write "letters", "own", a list of names, or a table: move -> name')
        return neutral_names(self.rules.items, turn, LETTERS if isinstance(given, str) else given)

    @cached_property
    def _asked(self) -> Questionnaire:
        setting = self.setting
        return Questionnaire(
            instrument=Instrument(id="game", title="game", items=self.items),
            fields=() if self.population is None else self.population.fields,
            factors={}, varied=(), seed=self.seed, decide=setting.decide,
            writing=Writing(**setting.writing.model_dump()),
        )  # fmt: skip

    @cached_property
    def _shown(self) -> dict[tuple[Item, int], Shown]:
        return {}

    def shown(self, item: Item, turn: int) -> Shown:
        """An item as it is shown in matches of a turn."""
        turn %= self.n_turns
        key = item, turn
        found = self._shown.get(key)
        if found is None:
            if len(self._shown) >= _MOST_CARDS:
                self._shown.clear()
            found = self._shown[key] = self._new(item, turn)
        return found

    def _new(self, item: Item, turn: int) -> Shown:
        setting, words = self.setting, self.words(turn)
        order = words.order(item)
        options = tuple([words.move(option) for option in item.options])
        shown = replace(item, options=options)
        if item.unit == PAID:
            lower, upper, total = (
                None if bound is None else bound * setting.scale for bound in (item.lower, item.upper, item.total)
            )
            shown = replace(shown, unit=setting.unit, lower=lower, upper=upper, total=total)
        names = () if options == item.options else tuple([options[k] for k in order])
        condition = {
            # A name is an option's text here: asked by its label, it would carry two.
            "answer_by": "option_text" if names and setting.answer_by == "label" else setting.answer_by,
            "labels": "none" if names else "auto",
            "order": "as_written",
            "presentation": "single",
        }
        return Shown(Card(self._asked, shown, condition), item, order, names)

    def system(self, turn: int, seat: str, person: Subject | None) -> Message:
        """What a player is told before the first round: who it is, and the game as it stands."""
        key = turn % self.n_turns, seat, None if person is None else person.id
        if key not in self._systems:
            if len(self._systems) >= _MOST_CARDS:
                self._systems.clear()
            parts = [self._person(person), self.rules.instructions(seat, self.words(turn)), self._around()]
            self._systems[key] = Message("system", "\n\n".join(part for part in parts if part))
        return self._systems[key]

    @cached_property
    def _systems(self) -> dict[tuple[int, str, str | None], Message]:
        return {}

    def _person(self, person: Subject | None) -> str:
        if person is None or self.population is None or self.setting.persona == "none":
            return ""
        backstory = describe(person, self.population.fields, self.setting.persona)
        return _AS_PERSON[self.setting.persona].format(backstory=backstory) if backstory else ""

    def _around(self) -> str:
        """What is the same for every game: how long it goes on, with whom, and what is learnt of it."""
        setting, n = self.setting, len(self.rules.seats)
        told = []
        if setting.is_repeated:
            with_whom = {
                "partner": f"the same {'other player' if n == 2 else 'group'}",
                "stranger": f"{'another player' if n == 2 else 'a group'} drawn anew for every round",
                "perfect_stranger": "others in every round, and never with anybody twice",
            }
            whom = with_whom.get(setting.matching, with_whom["partner"])
            whom = "" if n == 1 else f" with {whom}"
            if setting.continues is None:
                told.append(f"You play {setting.rounds} rounds{whom}.")
            else:
                most = "" if setting.rounds is None else f", up to {setting.rounds} rounds"
                told.append(
                    f"You play several rounds{whom}: after each round, another one follows with a probability of "
                    f"{setting.continues:.4g}{most}."
                )
            if setting.information != "full":
                what = "only what you got yourself" if setting.information == "own" else "nothing of what came of it"
                told.append(f"After each round you learn {what}.")
        if setting.chat:
            told.append("Before each round, all players write a message to the others.")
        return " ".join(told)


_OF_ALL = ("matches", "treatments")  # the same under all treatments

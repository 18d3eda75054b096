"""How a turn of a society becomes a trial: with the cards of surveys, so that an item is asked and read as there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from proband.designs.survey.cards import Card, Questionnaire, Writing
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.records import Message, Place, Trial
from proband.seeds import Draws
from proband.societies.world import Ask

OUTSIDE = "world"  # who is asked what comes of words
_MOST_CARDS = 4096  # items made for single situations could be without end


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How everybody in a society is asked; see `Setting` for the fields."""

    seed: int
    answer_by: str = "option_text"
    decide: Literal["draw", "mode"] = "draw"
    order: str = "counterbalanced"
    writing: Writing = field(default_factory=Writing)

    def _asked(self, item: Item) -> Questionnaire:
        return Questionnaire(
            instrument=Instrument(id="society", title="society", items=(item,)), fields=(), factors={}, varied=(),
            seed=self.seed, decide=self.decide, writing=self.writing,
        )  # fmt: skip

    @cached_property
    def _cards(self) -> dict[Item, Card]:
        return {}

    @cached_property
    def _orders(self) -> dict[str, Draws]:
        return {}

    @cached_property
    def _systems(self) -> dict[str, Message]:
        return {}

    def card(self, item: Item) -> Card:
        """An item as it is shown here."""
        card = self._cards.get(item)
        if card is None:
            if len(self._cards) >= _MOST_CARDS:
                self._cards.clear()
            condition = {
                "answer_by": self.answer_by, "labels": "auto", "order": self.order, "presentation": "single",
            }  # fmt: skip
            card = self._cards[item] = Card(self._asked(item), item, condition)
        return card

    def trial(self, ask: Ask, place: Place) -> Trial:
        """What is sent, and how the answer is read."""
        card = self.card(ask.item)
        # A subject sees its options in an order of its own, the next one each time it is asked.
        draws = self._orders.get(place.subject)
        if draws is None:
            if len(self._orders) >= _MOST_CARDS:
                self._orders.clear()
            draws = self._orders[place.subject] = Draws(self.seed, "order", place.subject)
        face = card.face(place.subject, place.round + place.replicate, draws, _nothing)
        if face is None:
            raise DesignError(
                f"item {ask.item.id!r} pipes in an answer; in a society, say it in the situation (`told`)"
            )
        message = Message("user", f"{ask.told}\n\n{face.message.text}") if ask.told else face.message
        messages: tuple[Message, ...] = (message,)
        if ask.system:
            system = self._systems.get(ask.system)
            if system is None:
                if len(self._systems) >= _MOST_CARDS:
                    self._systems.clear()
                system = self._systems[ask.system] = Message("system", ask.system)
            messages = (system, message)
        return Trial(
            place=place, request=face.request(messages, place), reply=face.reply(place), answerer=ask.answerer,
            facts=ask.facts, card=face.told(ask.told, ask.system),
        )  # fmt: skip


def _nothing(kind: str, name: str) -> str | None:
    return None


def place_of(ask: Ask, society: int, arm: str, round: int, replicate: int) -> Place:
    """Where a turn stands: agents are called SOCIETY.NUMBER, since those of two societies are two people.

    Before the fork there is no arm, so that what arms share is one place, asked once. A cell has no round and no arm:
    what differs between arms is in its situation, or does not differ.
    """
    if ask.cell is not None:
        return Place(subject=f"{society}.{ask.archetype}", item=ask.item.id, condition=tuple(sorted(ask.cell)))
    who = OUTSIDE if ask.agent < 0 else str(ask.agent)
    return Place(
        subject=f"{society}.{who}", item=ask.item.id, condition=(("arm", arm),) if arm else (), round=round,
        replicate=replicate,
    )  # fmt: skip


def survey_place(society: int, agent: int, item: str, arm: str, wave: int) -> Place:
    """Where an item of a survey inside the world stands; `wave` is the round after which it is put."""
    condition: Mapping[str, str] = {"arm": arm, "wave": str(wave)} if arm else {"wave": str(wave)}
    return Place(subject=f"{society}.{agent}", item=item, condition=tuple(sorted(condition.items())))

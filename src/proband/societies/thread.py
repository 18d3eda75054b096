"""A thread of messages: who looks in reads some of it, and replies, posts, or does nothing; communities live in one.

A round is a turn of actions, one for whom a reply is meant, one of speech, and what a community adds. A message is an
event (``post`` or ``reply``; its value is the event replied to), so tables have every word and who was answered.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from proband.files import Table
from proband.instruments.items import Item
from proband.societies.deciding import answered, gini
from proband.societies.networks import Network
from proband.societies.state import State
from proband.societies.world import Ask, Heard, World

ACT = Item(id="act", text="What do you do now?", form="choice", options=("reply", "post", "nothing"))
BEGIN = Item(id="act", text="What do you do now?", form="choice", options=("post", "nothing"))
TO = Item(id="to", text="To whose message do you reply?", form="choice", options=("the first", "the last"))
SAY = Item(id="say", text="Write your message, in one sentence, and nothing else.", form="text")
_MOST_LETTERS = 400  # of a message, as others see it


class ThreadKeys(Table):
    """Keys of every community."""

    rounds: int = Field(default=6, ge=1, description="how many")
    seen: int = Field(default=4, ge=1, description="messages by others that somebody who looks in reads")
    visits: float = Field(default=1.0, gt=0, le=1, description="probability that a member looks in, in a round")


class Thread(World):
    """Base of communities; they say who members are, and what is read.

    Attributes
    ----------
    later : tuple of str
        Turns of a round after speech.
    """

    outside = False
    fixed = frozenset({"agents"})
    later: ClassVar[tuple[str, ...]] = ()

    def __init__(self, keys: Any) -> None:
        self.keys = keys

    @property
    def items(self) -> Sequence[Item]:
        """What members are asked."""
        return (ACT, TO, SAY)

    @property
    def rounds(self) -> int:
        """As many as the keys say."""
        return int(self.keys.rounds)

    def opened(self, society: int, **columns: Any) -> State:
        """A community in which nothing was said."""
        values = {"turn": "act", "messages": [], "read": [], "removed": []}
        state = State(society=society, agents=columns, values=values)
        state.agents["written"] = np.zeros(len(state), np.int64)
        state.networks["replies"] = Network.of([], [], len(state))
        return state

    def who(self, state: State, k: int) -> str:
        """Who the member at a position is, and where."""
        raise NotImplementedError

    def engine_of(self, state: State, k: int) -> str:
        """Role of the engine that answers for a member."""
        return ""

    def before(self, state: State) -> list[int]:
        """Events of all messages of earlier rounds that may be read."""
        removed = set(state.values["removed"])
        return [k for k in state.values["messages"] if state.events[k]["round"] != state.round and k not in removed]

    def read(self, state: State, k: int) -> list[int]:
        """Events of the messages that a member reads now, the oldest first: the last ones by others."""
        own = int(state.numbers[k])
        return [event for event in self.before(state) if state.events[event]["agent"] != own][-self.keys.seen :]

    def line(self, state: State, event: int) -> str:
        """A message, as others read it."""
        row = state.events[event]
        to = f", to {self.called(state, int(row['target']))}" if row["kind"] == "reply" else ""
        return f"{self.called(state, int(row['agent']))}{to}: {row['text']}"

    def called(self, state: State, number: int) -> str:
        """Name of a member by its number."""
        return state.name(int(np.flatnonzero(state.numbers == number)[0]))

    def told(self, state: State, read: Sequence[int]) -> str:
        """What a member sees when it looks in."""
        if not read:
            return "There are no messages by others yet."
        return "\n".join(["The latest messages:", *(f"- {self.line(state, event)}" for event in read)])

    def ask(self, state: State, k: int, item: Item, told: str, **facts: Any) -> Ask:
        """An item put to a member."""
        return Ask(
            agent=int(state.numbers[k]), item=item, told=told, system=self.who(state, k),
            facts=tuple([(name, str(value)) for name, value in facts.items()]), answerer=self.engine_of(state, k),
        )  # fmt: skip

    def turns(self, state: State) -> Sequence[Ask]:
        """Who looks in, who chooses whom to answer, who writes."""
        turn, values = state.values["turn"], state.values
        if turn == "act":
            here = np.flatnonzero(self.uniforms(state, "visits") < self.keys.visits).tolist()
            asks = []
            for k in here:
                read = self.read(state, k)
                asks.append(self.ask(state, k, ACT if read else BEGIN, self.told(state, read), read=len(read)))
            return asks
        if turn == "to":
            return [self._to(state, k) for k in values["answering"] if len(self.read(state, k)) > 1]
        if turn == "say":
            return [self._say(state, int(k), to) for k, to in values["writing"].items()]
        return self.asked_later(state, turn)

    def asked_later(self, state: State, turn: str) -> Sequence[Ask]:
        """Who is asked what in a turn after speech."""
        return ()

    def heard_later(self, state: State, turn: str, heard: Sequence[Heard]) -> None:
        """What becomes of it."""

    def _to(self, state: State, k: int) -> Ask:
        read = self.read(state, k)
        lines = tuple([f"{n}. {self.line(state, event)}" for n, event in enumerate(read, start=1)])
        item = Item(id="to", text=TO.text, form="choice", options=lines)
        return self.ask(state, k, item, "", read=len(read))

    def _say(self, state: State, k: int, to: int) -> Ask:
        told = self.told(state, self.read(state, k))
        what = f"You reply to this message:\n{self.line(state, to)}" if to >= 0 else "You post a message of your own."
        return self.ask(state, k, SAY, f"{told}\n\n{what}", to=to)

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """The next turn of the round, or the next round; who does not answer writes nothing."""
        turn, values = state.values["turn"], state.values
        if turn == "act":
            done = {one.ask.agent: one.ask.item.options[int(one.response.answer)] for one in heard if one.is_valid}  # type: ignore[arg-type]
            by = {k: done.get(int(number), "nothing") for k, number in enumerate(state.numbers)}
            values["answering"] = [k for k, what in by.items() if what == "reply"]
            values["writing"] = {str(k): -1 for k, what in by.items() if what == "post"}
        elif turn == "to":
            chosen = answered(state, heard)
            for k in values.pop("answering"):
                read = self.read(state, k)
                if len(read) == 1 or k in chosen:
                    values["writing"][str(k)] = read[chosen.get(k, 0)]
        elif turn == "say":
            self._written(state, answered(state, heard))
        else:
            self.heard_later(state, turn, heard)
        order = ("act", "to", "say", *self.later)
        at = order.index(turn) + 1
        values["turn"] = order[at] if at < len(order) else "act"
        if at == len(order):
            state.is_over = state.round >= self.rounds
            state.round += 1
        return state

    def _written(self, state: State, said: Mapping[int, Any]) -> None:
        writing, values = state.values.pop("writing"), state.values
        read = {k: self.read(state, k) for k in said}
        for k, text in said.items():
            to, words = writing[str(k)], " ".join(str(text).split())[:_MOST_LETTERS]
            whom = int(state.events[to]["agent"]) if to >= 0 else -1
            kind = "reply" if to >= 0 else "post"
            event = state.happened(kind, int(state.numbers[k]), target=whom, text=words, value=to)
            values["messages"].append(event)
            values["read"].append(read[k])
            state.agents["written"][k] += 1
        ties = [(row["agent"], row["target"]) for row in self.messages(state) if row["kind"] == "reply"]
        if ties:
            position = {int(number): k for k, number in enumerate(state.numbers)}
            by, whom_ = zip(*[(position[int(a)], position[int(b)]) for a, b in ties], strict=True)
            state.networks["replies"] = Network.of(by, whom_, len(state), weights=np.ones(len(ties)))

    def messages(self, state: State) -> list[Mapping[str, Any]]:
        """All that was said."""
        return [state.events[k] for k in state.values["messages"]]

    def measures(self, state: State) -> Mapping[str, float]:
        """How much was said, which share of it in reply, and how unequally members speak."""
        said = self.messages(state)
        if not said:
            return {"messages": 0.0}
        replies = sum(row["kind"] == "reply" for row in said) / len(said)
        return {"messages": float(len(said)), "replies": replies, "concentration": gini(state.agents["written"])}

    def kept(self, state: State) -> Sequence[str]:
        """How much everybody wrote."""
        return ("written",)

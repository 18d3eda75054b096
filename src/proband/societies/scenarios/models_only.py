"""A community of language models, who know that they are: what they talk of, whom they answer, what they take up.

Everybody reads messages drawn at random from all before, so that what a message has in common with what its author read
can be set against what it has in common with what its author did not read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.agents.ranking import words_of
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.thread import Thread, ThreadKeys
from proband.societies.world import Ask, Heard

VOTE = Item(id="vote", text="Which message do you vote for?", form="choice", options=("the first", "the last"))
NONE = "none of them"


class Keys(ThreadKeys):
    """Of the models."""

    agents: int = Field(default=8, ge=2, description="how many models")
    engines: list[str] = Field(
        default=[],
        description="roles of [engine], given to agents in turn: their column `engine`; by default one answers for all",
    )
    topic: str = Field(default="whatever they like", description="what they talk about")
    feed: Literal["random", "votes", "latest"] = Field(
        default="random", description="which messages by others a model reads: drawn, those with most votes, the last"
    )

    @model_validator(mode="after")
    def _everybody_speaks(self) -> Self:
        if len(self.engines) > self.agents:
            raise ValueError(f"{len(self.engines)} engines for {self.agents} agents; each needs one agent or more")
        if "" in self.engines:
            raise ValueError("engines has an empty name; take the names of [engine]")
        return self


class Models(Thread):
    """Models who post, reply and vote."""

    fixed = frozenset({"agents", "engines"})
    later = ("vote",)

    @property
    def items(self) -> Sequence[Item]:
        """What models are asked."""
        return (*super().items, VOTE)

    def roles(self) -> Sequence[str]:
        """Every engine."""
        return tuple(dict.fromkeys(self.keys.engines)) or ("",)

    def begin(self, society: int) -> State:
        """Nobody has written."""
        n, engines = self.keys.agents, self.keys.engines or [""]
        names = [f"Model {k + 1}" for k in range(n)]
        engine = [engines[k % len(engines)] for k in range(n)]
        return self.opened(society, name=np.array(names), engine=np.array(engine), votes=np.zeros(n, np.int64))

    def who(self, state: State, k: int) -> str:
        """A model, which knows that it is one."""
        return (
            f"You are a language model. You are called {state.name(k)}. You are a member of an online community of "
            f"language models, in which there are no people. They talk about {self.keys.topic}."
        )

    def engine_of(self, state: State, k: int) -> str:
        """As in the table."""
        return str(state.agents["engine"][k])

    def told(self, state: State, read: Sequence[int]) -> str:
        """Messages, not the latest where they are not."""
        return super().told(state, read).replace("The latest messages:", "Some messages:")

    def read(self, state: State, k: int) -> list[int]:
        """So many messages by others of earlier rounds."""
        if self.keys.feed == "latest":
            return super().read(state, k)
        own = int(state.numbers[k])
        others = [event for event in self.before(state) if state.events[event]["agent"] != own]
        if self.keys.feed == "votes":
            votes = Counter(state.values.get("votes", ()))
            best = sorted(others, key=lambda event: (-votes[event], -event))[: self.keys.seen]
        else:
            drawn = self.rng(state, "reads", own).permutation(len(others))[: self.keys.seen]
            best = [others[at] for at in drawn.tolist()]
        return sorted(best)

    def asked_later(self, state: State, turn: str) -> Sequence[Ask]:
        """Who has read something votes for one of it, or for none."""
        asks = []
        for k in range(len(state)):
            if read := self.read(state, k):
                lines = [f"{n}. {self.line(state, event)}" for n, event in enumerate(read, start=1)]
                item = Item(id="vote", text=VOTE.text, form="choice", options=(*lines, NONE))
                asks.append(self.ask(state, k, item, "", read=",".join(map(str, read))))
        return asks

    def heard_later(self, state: State, turn: str, heard: Sequence[Heard]) -> None:
        """Votes are events, and counted for the author."""
        position = {int(number): k for k, number in enumerate(state.numbers)}
        for one in heard:
            read = [int(event) for event in dict(one.ask.facts)["read"].split(",")]
            if one.is_valid and int(one.response.answer) < len(read):  # type: ignore[arg-type]
                event = read[int(one.response.answer)]  # type: ignore[arg-type]
                author = int(state.events[event]["agent"])
                state.happened("vote", one.ask.agent, target=author, value=event)
                state.values.setdefault("votes", []).append(event)
                state.agents["votes"][position[author]] += 1

    def measures(self, state: State) -> Mapping[str, float]:
        """Beside those of every thread: imitation, drift of topics, answers to those of the same engine."""
        found = {**super().measures(state), **imitation(self.messages(state), state.values)}
        said = self.messages(state)
        first, now = ([row["text"] for row in said if row["round"] == round] for round in (1, state.round - 1))
        if first and now:
            found["drift"] = drift(first, now)
        if len(self.roles()) > 1 and (gap := self._own_kind(state)) is not None:
            found["same engine"] = gap
        return found

    def _own_kind(self, state: State) -> float | None:
        """Share of replies to the same engine, less the share that replying to anything read would give."""
        engine = dict(zip(state.numbers.tolist(), state.agents["engine"].tolist(), strict=True))
        gaps = []
        for row, read in zip(self.messages(state), state.values["read"], strict=True):
            if row["kind"] == "reply":
                own = engine[row["agent"]]
                offered = np.mean([engine[state.events[event]["agent"]] == own for event in read])
                gaps.append(float(engine[row["target"]] == own) - float(offered))
        return float(np.mean(gaps)) if gaps else None

    def kept(self, state: State) -> Sequence[str]:
        """How much everybody wrote, and was voted for."""
        return ("written", "votes")


def imitation(said: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> dict[str, float]:
    """Mean share of a message's words that stand in a message its author read; and the same less that of unread ones.

    Both are means over pairs of a message and an earlier one by somebody else; the difference is over the messages that
    left something unread.
    """
    words = {event: set(words_of(row["text"])) for event, row in zip(values["messages"], said, strict=True)}
    at, by, removed = {}, {}, set(values["removed"])
    for event, row in zip(values["messages"], said, strict=True):
        at[event], by[event] = row["round"], row["agent"]
    taken, above = [], []
    for event, read in zip(values["messages"], values["read"], strict=True):
        if not read or not words[event]:
            continue
        unread = [e for e in at if at[e] < at[event] and by[e] != by[event] and e not in read and e not in removed]
        shares = [
            np.mean([len(words[event] & words[other]) / len(words[event]) for other in some] or [np.nan])
            for some in (read, unread)
        ]
        taken.append(float(shares[0]))
        if unread:
            above.append(float(shares[0] - shares[1]))
    found = {"imitation": float(np.mean(taken))} if taken else {}
    return found | ({"imitation above chance": float(np.mean(above))} if above else {})


def drift(first: Sequence[str], now: Sequence[str]) -> float:
    """One less the cosine of the counts of words in two sets of texts: 0 for the same words, 1 for none in common."""
    a, b = (Counter(word for text in texts for word in words_of(text)) for texts in (first, now))
    norm = np.sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
    return float(1 - sum(n * b[word] for word, n in a.items()) / norm) if norm else float("nan")


def _make(shared: Shared, keys: Keys) -> Models:
    return Models(keys)


SCENARIO = Scenario(
    name="models-only",
    about="a community of language models who know that they are: they post, reply and vote",
    keys=Keys,
    make=_make,
    check="who repeats a message read has imitation 1, who writes words of its own 0; replies at random give 0 for "
    "`same engine`, and the same words in every round a drift of 0",
)

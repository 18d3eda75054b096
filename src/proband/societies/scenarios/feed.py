"""A feed: people write, read what a recommender puts before them, pass it on and change their minds, or do not.

Who was shown what is an event, so exposure is exact: how unequal it is among posts, how alike readers and authors are
(assortativity), and how much of it crosses the middle. A post passed on is a new act that can be passed on again; where
each act is shown to k readers and each of those passes it on with probability p, a post comes to 1 / (1 - k p) acts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Deciding, Floats, Ruled, answered, gini
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

NONE = "none of them"
WRITE = Item(id="write", text="What do you write about it? One short sentence, and nothing else.", form="text")
SHARE = Item(id="share", text="Which of them do you pass on?", form="choice", options=(NONE, "post 1", "post 2"))
STAND = Item(
    id="stand", text="Where do you stand now, from 0 (fully against) to 100 (fully for)?", form="number",
    lower=0, upper=100,
)  # fmt: skip
_POSTED, _SHARED, EXPOSED = "post", "share", "exposed"


class Keys(Deciding):
    """Of the feed."""

    rounds: int = Field(default=20, ge=1, description="how many, at most")
    recommender: Literal["chronological", "popularity", "similarity", "random"] = Field(
        default="chronological",
        description="what is shown first: the latest, what was passed on most, what stands nearest to the reader, or "
        "any; of equals, any",
    )
    slots: int = Field(default=3, ge=1, description="posts that each is shown in a round")
    writes: float = Field(default=0.3, gt=0, le=1, description="chance of each to write a post in a round")
    shares: float = Field(default=0.1, ge=0, le=1, description="by rule, chance that a post one believes is passed on")
    tolerance: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="by rule, how far away a post that is believed may stand, of a scale of 0 to 1",
    )
    step: float = Field(default=0.1, ge=0, le=1, description="by rule, part of the way to what one believes")
    topic: str = Field(default="closing the centre of your town to cars", description="what a model is asked about")


class Feed(Ruled):
    """A round has two turns: some write, then all read the posts of this round and what was passed on in the last."""

    asked = (WRITE, SHARE, STAND)

    def begin(self, society: int) -> State:
        """Nobody has written; stands are spread evenly over 0 to 1."""
        stand = self.at_start(society, "stand")
        return State(society=society, agents={"stand": stand}, values=self._turned("write", pool=[], acts={}))

    def _turned(self, turn: str, **values: Any) -> dict[str, Any]:
        return {"turn": turn, **values}

    def _writers(self, state: State) -> list[int]:
        return np.flatnonzero(self.uniforms(state, "writes") < self.keys.writes).tolist()

    def turns(self, state: State) -> Sequence[Ask]:
        """Who writes; then everybody who was shown something."""
        if not self.is_asked:
            return ()
        if state.values["turn"] == "write":
            return [self._ask(state, k, WRITE) for k in self._writers(state)]
        asks = []
        for k, shown in enumerate(state.values["shown"]):
            if shown:
                texts = [str(state.events[state.values["pool"][act][0]]["text"]) for act in shown]
                listed = "\n".join(["", "You read:", *(f"{j}. {text}" for j, text in enumerate(texts, start=1))])
                options = (NONE, *(f"post {j}" for j in range(1, len(shown) + 1)))
                share = Item(id=SHARE.id, text=SHARE.text, form="choice", options=options)
                asks += [self._ask(state, k, share, listed), self._ask(state, k, STAND, listed)]
        return asks

    def _ask(self, state: State, k: int, item: Item, listed: str = "") -> Ask:
        own = round(100 * float(state.agents["stand"][k]))
        told = f"You stand at {own} on {self.keys.topic}, where 0 is fully against and 100 fully for.{listed}"
        return Ask(agent=int(state.numbers[k]), item=item, told=told, facts=(("own", str(own)),))

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Posts come before readers; readers pass on and move."""
        if state.values["turn"] == "write":
            texts: Mapping[int, Any] = answered(state, heard)
            if not self.is_asked:
                texts = {k: f"I stand at {100 * state.agents['stand'][k]:.0f}." for k in self._writers(state)}
            pool, acts = state.values["pool"], state.values["acts"]
            for k in sorted(texts):
                text, stand = " ".join(str(texts[k]).split()), float(state.agents["stand"][k])
                event = state.happened(_POSTED, int(state.numbers[k]), text=text, value=stand)
                pool.append([event, k, event, stand])
                acts[str(event)] = 1
            shown = self._recommended(state, pool, acts)
            state.values = self._turned("read", pool=pool, acts=acts, shown=shown)
            if self.is_asked:
                return state
        return self._read(state, heard)

    def _recommended(self, state: State, pool: Sequence[Sequence[Any]], acts: Mapping[str, int]) -> list[list[int]]:
        """Places in the pool of what each is shown, first to last; nobody is shown what it wrote or passed on."""
        if not pool:
            return [[] for _ in range(len(state))]
        events, authors, roots, stands = (np.array(column) for column in zip(*pool, strict=True))
        draws = np.stack([self.uniforms(state, "feed", int(event)) for event in events], axis=1)
        match self.keys.recommender:
            case "chronological":
                first = np.broadcast_to(-events, draws.shape)
            case "popularity":
                first = np.broadcast_to(-np.array([acts[str(root)] for root in roots]), draws.shape)
            case "similarity":
                first = np.abs(state.agents["stand"][:, None] - stands)
            case _:
                first = np.zeros(draws.shape)
        order = np.lexsort((draws, first), axis=1)
        return [[j for j in row if authors[j] != k][: self.keys.slots] for k, row in enumerate(order.tolist())]

    def _read(self, state: State, heard: Sequence[Heard]) -> State:
        pool, acts, shown = (state.values[name] for name in ("pool", "acts", "shown"))
        for k, row in enumerate(shown):
            for act in row:
                event, author = pool[act][:2]
                state.happened(EXPOSED, int(state.numbers[k]), target=int(state.numbers[author]), value=event)
        exposure = self._exposure(state, pool, shown)
        passed = self._asked(state, heard) if self.is_asked else self._ruled(state, pool, shown)
        after = []
        for k, act in passed:
            event, _, root, stand = pool[act]
            text = str(state.events[event]["text"])
            new = state.happened(_SHARED, int(state.numbers[k]), target=event, text=text, value=stand)
            after.append([new, k, root, stand])
            acts[str(root)] += 1
        state.values = self._turned("write", pool=after, acts=acts, exposure=exposure)
        return self.ended(state)

    def _ruled(self, state: State, pool: Sequence[Sequence[Any]], shown: Sequence[Sequence[int]]) -> list[list[int]]:
        """What is passed on, of what is believed; and everybody moves towards what it believes."""
        x: Floats = state.agents["stand"]
        draws = [self.uniforms(state, "shares", slot) for slot in range(self.keys.slots)]
        passed, new = [], x.copy()
        for k, row in enumerate(shown):
            believed = [(slot, act) for slot, act in enumerate(row) if abs(pool[act][3] - x[k]) <= self.keys.tolerance]
            passed += [[k, act] for slot, act in believed if draws[slot][k] < self.keys.shares]
            if believed:
                new[k] += self.keys.step * float(np.mean([pool[act][3] - x[k] for _, act in believed]))
        state.agents["stand"] = new
        return passed

    def _asked(self, state: State, heard: Sequence[Heard]) -> list[list[int]]:
        """The same as everybody says."""
        for k, stand in answered(state, heard, STAND.id).items():
            state.agents["stand"][k] = stand / 100
        shares = answered(state, heard, SHARE.id)
        return [[k, state.values["shown"][k][option - 1]] for k, option in sorted(shares.items()) if option]

    def _exposure(
        self, state: State, pool: Sequence[Sequence[Any]], shown: Sequence[Sequence[int]]
    ) -> dict[str, float]:
        """Numbers on who was shown what in this round; none where there was nothing."""
        pairs = [(k, act) for k, row in enumerate(shown) for act in row]
        if not pairs:
            return {}
        counts = Counter(act for _, act in pairs)
        reader = np.array([state.agents["stand"][k] for k, _ in pairs])
        author = np.array([pool[act][3] for _, act in pairs])
        found = {
            "gini": gini(np.array([counts[act] for act in range(len(pool))])),
            "crossing": float(((reader < 0.5) != (author < 0.5)).mean()),
        }
        if reader.std() and author.std():
            found["assortativity"] = float(np.corrcoef(reader, author)[0, 1])
        return found

    def measures(self, state: State) -> Mapping[str, float]:
        """Of exposure in the last round, of cascades so far, and 4 times the variance of stands: 1 is two extremes."""
        acts = list(state.values["acts"].values())
        found = {"polarisation": float(4 * state.agents["stand"].var()), **state.values.get("exposure", {})}
        return found | ({"cascade": sum(acts) / len(acts), "largest": float(max(acts))} if acts else {})

    def kept(self, state: State) -> Sequence[str]:
        """Where everybody stands."""
        return ("stand",)


def _make(shared: Shared, keys: Keys) -> Feed:
    return Feed(keys)


SCENARIO = Scenario(
    name="feed",
    about="people who write, read what a recommender shows them, pass it on and change their minds",
    keys=Keys,
    make=_make,
    check="a random feed crosses the middle half of the time, with assortativity -1 / (n - 1); a post comes to "
    "1 / (1 - k p) acts, k readers of an act each of whom passes it on with probability p; likest first raises "
    "assortativity",
)

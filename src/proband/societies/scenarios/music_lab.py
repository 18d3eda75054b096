"""An artificial market of songs: Salganik, Dodds & Watts (2006, doi:10.1126/science.1121066).

Songs are of the same appeal in every world. Whether listeners see what others have downloaded is the key `influence`.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.seeds import uniforms_for
from proband.societies.deciding import ABSENT, Decided, Floats, Ruled, gini, options
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

_FIRST = ("Paper", "Slow", "Northern", "Glass", "Borrowed", "Early", "Copper", "Second")
_LAST = ("Rivers", "Window", "Letters", "Season", "Engine", "Garden")
SONGS = tuple(f"{first} {last}" for first in _FIRST for last in _LAST)
PICK = Item(id="pick", text="Which song do you download?", form="choice", options=SONGS)


class Keys(Decided):
    """Of the market; there are as many rounds as the listeners need."""

    agents: int = Field(default=700, ge=2, description="how many listen")
    at_once: int = Field(default=10, ge=1, description="listeners in a round, who see the same downloads")
    influence: float = Field(
        default=0.0,
        ge=0,
        description="songs are picked in proportion to (1 + downloads) to this power; 0: none are shown",
    )
    spread: float = Field(default=0.5, ge=0, description="standard deviation of the log appeal of songs")


class Market(Ruled):
    """Listeners come one after the other, and each downloads a song."""

    fixed = frozenset({"agents", "spread"})
    asked = (PICK,)

    @property
    def rounds(self) -> int:
        """Until everybody has been there."""
        return int(-(-self.keys.agents // self.keys.at_once))

    def begin(self, society: int) -> State:
        """Nothing was downloaded."""
        return State(society=society, agents={"pick": np.full(self.keys.agents, ABSENT, np.int16)})

    def appeal(self) -> Floats:
        """Of every song, the same in all worlds."""
        from scipy.special import ndtri

        z = ndtri(np.clip(uniforms_for(self.seed, "songs", numbers=np.arange(len(SONGS))), 2**-53, None))
        appeal: Floats = np.exp(self.keys.spread * z)
        return appeal

    def downloads(self, state: State) -> Floats:
        """Of every song so far."""
        pick = state.agents["pick"]
        return np.bincount(pick[pick != ABSENT], minlength=len(SONGS)).astype(float)

    def _now(self, state: State) -> slice:
        return slice((state.round - 1) * self.keys.at_once, state.round * self.keys.at_once)

    def turns(self, state: State) -> Sequence[Ask]:
        """Who listens now."""
        if not self.is_asked:
            return ()
        counts = self.downloads(state).astype(int).tolist()
        told = "You have listened to 48 songs by bands you do not know, and may download one."
        if self.keys.influence:
            listed = "; ".join(f"{song} {count}" for song, count in zip(SONGS, counts, strict=True))
            told = f"{told} Downloads by others so far: {listed}."
        facts = (("downloads", ",".join(map(str, counts))),)
        return [
            Ask(agent=number, item=PICK, told=told, facts=facts) for number in state.numbers[self._now(state)].tolist()
        ]

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Those who listen pick at the same time."""
        now = self._now(state)
        if self.is_asked:
            state.agents["pick"][now] = options(state, heard)[now]
        else:
            upto = np.cumsum(self.appeal() * (1 + self.downloads(state)) ** self.keys.influence)
            u = self.uniforms(state, "decides")[now]
            state.agents["pick"][now] = np.searchsorted(upto, u * upto[-1], "right").clip(max=len(SONGS) - 1)
        return self.ended(state)

    def measures(self, state: State) -> Mapping[str, float]:
        """How unequal downloads are, and the share of the first song."""
        counts = self.downloads(state)
        return {"gini": gini(counts), "first": float(counts.max() / counts.sum())} if counts.any() else {}

    def kept(self, state: State) -> Sequence[str]:
        """What everybody took."""
        return ("pick",)


def unpredictability(shares: ArrayLike) -> float:
    """Mean difference of a song's market share between two worlds, over songs and pairs of worlds.

    Parameters
    ----------
    shares : array_like, shape (n_worlds, n_songs)
    """
    worlds = np.asarray(shares, float)
    return float(np.mean([np.abs(a - b).mean() for a, b in combinations(worlds, 2)]))


def _make(shared: Shared, keys: Keys) -> Market:
    return Market(keys)


SCENARIO = Scenario(
    name="music-lab",
    about="listeners who download songs, with or without seeing what others downloaded",
    keys=Keys,
    make=_make,
    check="without influence downloads are multinomial; influence makes them less equal and less predictable "
    "(Salganik 2006)",
)

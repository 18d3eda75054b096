"""An epidemic of the susceptible, infectious and recovered (Kermack & McKendrick 1927, doi:10.1098/rspa.1927.0118)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Ruled, Tied, Ties
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

SUSCEPTIBLE, INFECTIOUS, RECOVERED = range(3)
HOME = Item(
    id="home", text="Do you stay at home today, or go out as usual?", form="choice",
    options=("I go out as usual", "I stay at home"),
)  # fmt: skip


class Keys(Tied):
    """Of the epidemic. By the rule everybody goes out; a model that is ill says whether it stays at home."""

    agents: int = Field(default=10_000, ge=2, description="how many live there")
    rounds: int = Field(default=500, ge=1, description="days, at most")
    ties: Ties = Field(default="everybody", description="`everybody` meets anybody; or a network")
    r: float = Field(default=2.0, ge=0, description="whom one infects at the beginning, on average")
    recover: float = Field(default=0.2, gt=0, le=1, description="probability of recovering in a day")
    seeds: int = Field(default=10, ge=1, description="who are infectious at first")


class Epidemic(Ruled):
    """Who is susceptible is infected by each infectious contact with the same probability."""

    fixed = frozenset({"agents", "ties", "degree", "rewire", "seeds"})
    asked = (HOME,)
    archetype = "ill"

    def begin(self, society: int) -> State:
        """Some are infectious, drawn evenly."""
        health = np.zeros(self.keys.agents, np.int8)
        health[np.argsort(self.at_start(society, "seeds"))[: self.keys.seeds]] = INFECTIOUS
        networks = {} if self.keys.ties == "everybody" else {"ties": self.ties_at_start(society)}
        return State(society=society, agents={"health": health}, networks=networks)

    def _situations(self, state: State) -> Mapping[str, NDArray[np.int64]]:
        percent = round(100 * float((state.agents["health"] == INFECTIOUS).mean()))
        return {"percent": np.full(len(state), percent)}

    def turns(self, state: State) -> Sequence[Ask]:
        """The ill; they are all told the same."""
        if not self.is_asked:
            return ()
        return self.by_situation(
            HOME,
            self._situations(state),
            lambda at: (
                f"You have caught an infection that passes from person to person. You feel a little unwell. In "
                f"your town {at['percent']} of 100 people have it today."
            ),
            state.agents["health"] == INFECTIOUS,
        )

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """New infections, then recoveries of those who were ill before."""
        health = state.agents["health"]
        ill = health == INFECTIOUS
        out = ill
        if self.is_asked:
            out = ill & (self.drawn(heard, self._situations(state), self.uniforms(state, "decides")) == 0)
        infected = (health == SUSCEPTIBLE) & (self.uniforms(state, "infects") < self._risk(state, out))
        health[ill & (self.uniforms(state, "recovers") < self.keys.recover)] = RECOVERED
        health[infected] = INFECTIOUS
        return self.ended(state, is_over=not (health == INFECTIOUS).any())

    def _risk(self, state: State, out: NDArray[np.bool_]) -> NDArray[np.float64]:
        if not state.networks:
            return np.full(len(state), -np.expm1(-self.keys.r * self.keys.recover * out.sum() / len(state)))
        ties = state.networks["ties"]
        over_tie = min(self.keys.r * threshold(ties.degrees), 1.0)  # while somebody is ill
        daily = over_tie * self.keys.recover / (1 - over_tie + over_tie * self.keys.recover)
        risk: NDArray[np.float64] = 1 - (1 - daily) ** ties.sums(out)
        return risk

    def measures(self, state: State) -> Mapping[str, float]:
        """Who is ill now, and who ever was."""
        health = state.agents["health"]
        return {"ill": float((health == INFECTIOUS).mean()), "ever ill": float((health != SUSCEPTIBLE).mean())}

    def kept(self, state: State) -> Sequence[str]:
        """Who is ill."""
        return ("health",)


def threshold(degrees: NDArray[np.int64]) -> float:
    """Probability of passing an infection over a tie above which an epidemic can grow: <k> / (<k^2> - <k>)."""
    k = degrees.astype(float)
    spread = float((k * k).mean() - k.mean())
    return float(k.mean()) / spread if spread > 0 else 1.0


def final_size(r: float) -> float:
    """Share that is ever ill in a large population where anybody meets anybody: the root of z = 1 - exp(-r z)."""
    from scipy.special import lambertw

    return float(1 + lambertw(-r * np.exp(-r)).real / r) if r > 1 else 0.0


def _make(shared: Shared, keys: Keys) -> Epidemic:
    return Epidemic(keys)


SCENARIO = Scenario(
    name="sir",
    about="an epidemic among people who meet anybody, or those they are tied to",
    keys=Keys,
    make=_make,
    check="final size z = 1 - exp(-R z): .583 at R = 1.5, .797 at 2; on networks nothing grows below <k>/(<k^2>-<k>)",
)

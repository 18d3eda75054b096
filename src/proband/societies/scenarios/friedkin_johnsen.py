"""Averages held back by first opinions: Friedkin & Johnsen (1990, doi:10.1080/0022250X.1990.9990069)."""

from pydantic import Field

from proband.designs.kind import Shared
from proband.societies.deciding import Floats
from proband.societies.scenario import Scenario
from proband.societies.scenarios import degroot
from proband.societies.state import State


class Keys(degroot.Keys):
    """Of those who estimate something together, and do not let go of what they thought at first."""

    least: float = Field(default=0.5, ge=0, le=1, description="how open the least open is to others, from 0 to 1")
    most: float = Field(default=1.0, ge=0, le=1, description="and the most open")


class Anchored(degroot.Averages):
    """A part of every opinion stays what it was at first."""

    fixed = degroot.Averages.fixed | {"least", "most"}

    def open_at_start(self, society: int) -> Floats:
        """Spread evenly between the least and the most."""
        keys = self.keys
        spread: Floats = keys.least + (keys.most - keys.least) * self.at_start(society, "open")
        return spread

    def said_of_oneself(self, state: State, k: int) -> str:
        """With its first opinion."""
        first = f"At first, before you talked to anybody, you said {100 * state.agents['first'][k]:.0f} percent."
        return f"{first} {super().said_of_oneself(state, k)}"


def _make(shared: Shared, keys: Keys) -> Anchored:
    return Anchored(keys)


SCENARIO = Scenario(
    name="friedkin-johnsen",
    about="averages of opinions, held back by what everybody thought at first",
    keys=Keys,
    make=_make,
    check="opinions end at (I - L W)^-1 (I - L) x0, to 1e-10",
)

"""Opinions that are averages of opinions: DeGroot (1974, doi:10.1080/01621459.1974.10480137)."""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Floats, Ruled, Tied, answered
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

ESTIMATE = Item(
    id="estimate", text="What is your estimate now, in percent?", form="number", lower=0, upper=100, unit="percent",
)  # fmt: skip


class Keys(Tied):
    """Of those who estimate something together."""

    agents: int = Field(default=50, ge=2, description="how many estimate")
    rounds: int = Field(default=2000, ge=1, description="how many, at most")
    own: float = Field(default=0.5, ge=0, lt=1, description="weight of one's own opinion; the contacts share the rest")
    topic: str = Field(
        default="which share of the households in your country keep a pet", description="what a model is asked for"
    )


class Averages(Ruled):
    """Opinions between 0 and 1; `open` is how much of an opinion may change, which DeGroot's may altogether."""

    fixed = frozenset({"agents", "ties", "degree", "rewire", "own"})
    asked = (ESTIMATE,)

    def begin(self, society: int) -> State:
        """Opinions are spread evenly."""
        opinion = self.at_start(society, "opinion")
        agents = {"opinion": opinion, "first": opinion.copy(), "open": self.open_at_start(society)}
        return State(society=society, agents=agents, networks={"ties": self.ties_at_start(society)})

    def open_at_start(self, society: int) -> Floats:
        """All of it."""
        return np.ones(self.keys.agents)

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody, with the opinions of its contacts."""
        if not self.is_asked:
            return ()
        percent, ties = 100 * state.agents["opinion"], state.networks["ties"]
        asks = []
        for k in np.flatnonzero(ties.degrees).tolist():
            others = percent[ties.of_agent(k)]
            told = (
                f"You and others estimate {self.keys.topic}. {self.said_of_oneself(state, k)} "
                f"Those you talk to say: {', '.join(f'{other:.0f}' for other in others)} percent."
            )
            facts = tuple([(name, str(state.agents[name][k])) for name in ("opinion", "first", "open")])
            asks.append(
                Ask(
                    agent=int(state.numbers[k]),
                    item=ESTIMATE,
                    told=told,
                    facts=(*facts, ("others", str(others.mean()))),
                )
            )
        return asks

    def said_of_oneself(self, state: State, k: int) -> str:
        """What an agent is told of its own opinion."""
        return f"So far you have said {100 * state.agents['opinion'][k]:.0f} percent."

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """By rule it is over when no opinion changes."""
        x, agents = state.agents["opinion"], state.agents
        if self.is_asked:
            for k, answer in answered(state, heard).items():
                x[k] = answer / 100
            return self.ended(state)
        near = state.networks["ties"].means(x)
        mean = np.where(np.isnan(near), x, self.keys.own * x + (1 - self.keys.own) * near)  # NaN: nobody to listen to
        agents["opinion"] = agents["open"] * mean + (1 - agents["open"]) * agents["first"]
        return self.ended(state, is_over=bool(np.abs(agents["opinion"] - x).max() < 1e-14))

    def measures(self, state: State) -> Mapping[str, float]:
        """Where opinions lie, and how far the two furthest are apart."""
        x = state.agents["opinion"]
        return {"mean": float(x.mean()), "sd": float(x.std()), "range": float(np.ptp(x))}

    def kept(self, state: State) -> Sequence[str]:
        """Who thinks what."""
        return ("opinion",)


def limit(world: Averages, state: State) -> Floats:
    """Where opinions end, by linear algebra: an oracle for the rule.

    With W the weights, L how open everybody is, and x0 the first opinions it is (I - L W)^-1 (I - L) x0; where all are
    altogether open, the mean of x0 by the left eigenvector of W.
    """
    n, ties, is_open = len(state), state.networks["ties"], state.agents["open"]
    w = np.eye(n) * world.keys.own
    w[ties.sources, ties.targets] = ((1 - world.keys.own) / ties.degrees)[ties.sources]
    w[ties.degrees == 0] = np.eye(n)[ties.degrees == 0]
    if (is_open == 1).all():
        values, vectors = np.linalg.eig(w.T)
        weight = np.real(vectors[:, np.argmin(np.abs(values - 1))])
        return np.full(n, weight / weight.sum() @ state.agents["first"])
    solved: Floats = np.linalg.solve(np.eye(n) - is_open[:, None] * w, (1 - is_open) * state.agents["first"])
    return solved


def _make(shared: Shared, keys: Keys) -> Averages:
    return Averages(keys)


SCENARIO = Scenario(
    name="degroot",
    about="opinions that are averages of the opinions around them",
    keys=Keys,
    make=_make,
    check="all end at the mean of the first opinions by the left eigenvector of the weights, to 1e-10",
)

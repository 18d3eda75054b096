"""Random exchange of money: Dragulescu & Yakovenko (2000, doi:10.1007/s100510070114)."""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Deciding, Ruled, answered, gini, pairs
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

KEEP = Item(
    id="keep", text="Which part of the whole do you take, in percent?", form="number",
    lower=0, upper=100, unit="percent",
)  # fmt: skip


class Keys(Deciding):
    """Of the market."""

    agents: int = Field(default=1000, ge=2, description="how many meet")
    rounds: int = Field(default=100, ge=1, description="how many")
    each: float = Field(default=100.0, gt=0, description="what everybody has at the beginning")


class Market(Ruled):
    """All meet in pairs, put their money together, and share it: by chance, or as one of the two says."""

    fixed = frozenset({"agents", "each"})
    asked = (KEEP,)

    def begin(self, society: int) -> State:
        """All have the same."""
        return State(society=society, agents={"money": np.full(self.keys.agents, self.keys.each)})

    def turns(self, state: State) -> Sequence[Ask]:
        """One of each pair."""
        if not self.is_asked:
            return ()
        money, asks = state.agents["money"], []
        for k, other in pairs(self.uniforms(state, "pairs")).tolist():
            told = (
                f"You meet somebody. You have {money[k]:.0f} coins and the other has {money[other]:.0f}. You both put "
                f"them together, {money[k] + money[other]:.0f} coins, and you say how they are shared."
            )
            facts = (("own", str(money[k])), ("other", str(money[other])))
            asks.append(Ask(agent=int(state.numbers[k]), item=KEEP, told=told, facts=facts))
        return asks

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Nothing is lost or made; a pair of which nobody has spoken keeps what it has."""
        money, two = state.agents["money"], pairs(self.uniforms(state, "pairs"))
        first, second = two.T
        whole = money[first] + money[second]
        if self.is_asked:
            shares = answered(state, heard)
            part = [shares[k] / 100 if k in shares else np.nan for k in first.tolist()]
            taken = np.where(np.isnan(part), money[first], np.array(part) * whole)
        else:
            taken = self.uniforms(state, "shares")[first] * whole
        money[first], money[second] = taken, whole - taken
        return self.ended(state)

    def measures(self, state: State) -> Mapping[str, float]:
        """How unequal money is: 0 all alike, .5 exponential; and who has less than half of the mean."""
        money = state.agents["money"]
        return {"gini": gini(money), "poor": float((money < money.mean() / 2).mean()), "total": float(money.sum())}

    def kept(self, state: State) -> Sequence[str]:
        """Who has what."""
        return ("money",)


def _make(shared: Shared, keys: Keys) -> Market:
    return Market(keys)


SCENARIO = Scenario(
    name="exchange",
    about="people who meet, put their money together and share it by chance",
    keys=Keys,
    make=_make,
    check="money becomes exponential: Gini .5, 1 - exp(-1/2) = .393 have less than half of the mean",
)

"""How groups come to a norm: Sherif (1935). A point of light in the dark seems to move; how far is judged together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Deciding, Ruled, answered
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

FAR = Item(id="far", text="How far did the light move this time?", form="number", lower=0, unit="cm")


class Keys(Deciding):
    """Of a group."""

    agents: int = Field(default=3, ge=2, description="how many judge together")
    rounds: int = Field(default=20, ge=1, description="judgements")
    alone: int = Field(default=5, ge=0, description="of them that are made before anybody hears the others")
    weight: float = Field(
        default=0.3, ge=0, le=1, description="by rule: part of the way to the group's mean, each time"
    )
    mean: float = Field(default=10.0, gt=0, description="by rule: of the first judgements, in cm")
    sd: float = Field(default=6.0, ge=0, description="by rule: their standard deviation")
    engines: list[str] = Field(
        default=[], description="roles of [engine], given to agents in turn; by default one answers for all"
    )

    @model_validator(mode="after")
    def _everybody_sits(self) -> Self:
        if len(self.engines) > self.agents or "" in self.engines:
            raise ValueError(
                f"engines is {self.engines} for {self.agents} agents; name roles of [engine], no more than there are "
                "agents"
            )
        return self


class Group(Ruled):
    """Everybody judges, and hears what the others have said."""

    fixed = frozenset({"agents", "mean", "sd", "engines"})
    asked = (FAR,)

    def begin(self, society: int) -> State:
        """By rule everybody has a judgement of its own; a model has said nothing yet."""
        from scipy.special import ndtri

        if self.is_asked:
            agents: dict[str, Any] = {"judgement": np.full(self.keys.agents, np.nan)}
            if engines := self.keys.engines:  # another sits first in every society
                agents["engine"] = np.array([engines[(society + k) % len(engines)] for k in range(self.keys.agents)])
            return State(society=society, agents=agents)
        z = ndtri(np.clip(self.at_start(society, "judgement"), 2**-53, None))
        return State(society=society, agents={"judgement": np.maximum(self.keys.mean + self.keys.sd * z, 0.0)})

    def roles(self) -> Iterable[str]:
        """The engines that judge together."""
        return self.keys.engines or ("",)

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody; later with what all have said the time before."""
        if not self.is_asked:
            return ()
        said, asks = state.agents["judgement"], []
        for k, number in enumerate(state.numbers.tolist()):
            told = "You sit in a dark room and look at a point of light, which appears, moves and goes out again."
            if not np.isnan(said[k]):
                told += f" Last time you said {said[k]:.0f} cm."
            others = said[(np.arange(len(said)) != k) & ~np.isnan(said)]
            if state.round > self.keys.alone and len(others):
                told += f" Those beside you said {', '.join(f'{other:.0f}' for other in others)} cm."
            facts = (("own", str(said[k])), ("mean", str(np.nanmean(said) if not np.isnan(said).all() else np.nan)))
            engine = str(state.agents["engine"][k]) if self.keys.engines else ""
            asks.append(Ask(agent=number, item=FAR, told=told, facts=facts, answerer=engine))
        return asks

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """By rule judgements come closer once they are heard."""
        said = state.agents["judgement"]
        if self.is_asked:
            for k, answer in answered(state, heard).items():
                said[k] = answer
        elif state.round > self.keys.alone:
            said += self.keys.weight * (said.mean() - said)
        return self.ended(state)

    def measures(self, state: State) -> Mapping[str, float]:
        """The norm, how far the group is from having one, and what each of several engines says."""
        said = state.agents["judgement"]
        heard = said[~np.isnan(said)]
        if not len(heard):
            return {}
        by = {name: said[(state.agents["engine"] == name) & ~np.isnan(said)] for name in self.keys.engines}
        means = {f"mean of {name}": float(own.mean()) for name, own in by.items() if len(own)}
        return {"mean": float(heard.mean()), "sd": float(heard.std()), **means}

    def kept(self, state: State) -> Sequence[str]:
        """Who says what."""
        return ("judgement",)


def _make(shared: Shared, keys: Keys) -> Group:
    return Group(keys)


SCENARIO = Scenario(
    name="sherif",
    about="groups that come to a norm of how far a light has moved",
    keys=Keys,
    make=_make,
    check="the spread within a group shrinks by 1 - weight with every judgement made together, exactly; its mean stays",
)

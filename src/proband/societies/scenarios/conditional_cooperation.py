"""Cooperation among strangers, with what everybody would answer to what: Andreozzi, Ploner & Saral (2020).

doi:10.1038/s41598-020-70681-z; 134 people in 6 sessions of 10 periods. All meet a stranger in every round. Each says
what it expects, what it transfers if it moves first, and what it answers to every transfer; then roles are drawn.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Deciding, Ruled, answered, pairs
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

AMOUNTS = (0, 50, 100)
CASES = ("if_low", "if_middle", "if_high")
BELIEFS = ("buc_L", "buc_M", "buc_H")
_OPTIONS = tuple(f"{amount} points" for amount in AMOUNTS)
EXPECT = Item(
    id="expect", text="How probable is it that the other transfers each of these amounts, if the other moves first?",
    form="allocation", options=_OPTIONS, total=100, unit="percent",
)  # fmt: skip
EXPECT_ONE = Item(
    id="expect-one", text="Which amount does the other most probably transfer, if the other moves first?",
    form="choice", options=_OPTIONS, codes=AMOUNTS,
)  # fmt: skip
GIVE = Item(
    id="give", text="If you move first: how much do you transfer?", form="choice", options=_OPTIONS, codes=AMOUNTS,
)  # fmt: skip
ANSWERS = tuple(
    Item(
        id=f"give-{case.replace('_', '-')}", form="choice", options=_OPTIONS, codes=AMOUNTS,
        text=f"If the other moves first and transfers {amount} points to you: how much do you transfer?",
    )
    for case, amount in zip(CASES, AMOUNTS, strict=True)
)  # fmt: skip
TABLES = ((0, 50, 100), (0, 50, 50), (0, 0, 0), (0, 50, 0), (50, 50, 50))
TYPES = (54, 33, 35, 10, 2)  # people with tables like these in period 1
FIRST_BELIEFS = (0.354, 0.375, 0.271)  # of people in period 1


class Keys(Deciding):
    """Of a session."""

    agents: int = Field(default=22, ge=2, description="how many take part; an even number, or one is left alone")
    rounds: int = Field(default=10, ge=1, description="how many")
    factor: float = Field(default=3.0, gt=0, description="by which transfers are multiplied")
    shows_answers: bool = Field(
        default=False, description="whether everybody learns what the other would have answered to each transfer"
    )
    expects: Literal["percentages", "amount"] = Field(
        default="percentages",
        description="what a model is asked to expect: how probable each transfer is, as people were, or the most "
        "probable one, which models can tell that write no percentages",
    )
    learns: float = Field(default=0.2, ge=0, le=1, description="by rule: how far expectations move to what was seen")


class Strangers(Ruled):
    """Everybody decides for both roles; then pairs and roles are drawn."""

    fixed = frozenset({"agents"})
    asked = (EXPECT, EXPECT_ONE, GIVE, *ANSWERS)

    @property
    def items(self) -> Sequence[Item]:
        """One of the two ways to ask for expectations, and all that can be done."""
        left_out = EXPECT_ONE if self.keys.expects == "percentages" else EXPECT
        return tuple(item for item in super().items if item is not left_out)

    def begin(self, society: int) -> State:
        """By rule all have a table like those of people, and expect what people did; a model has said nothing."""
        n = self.keys.agents
        kind = np.searchsorted(np.cumsum(TYPES) / sum(TYPES), self.at_start(society, "type"), "right")
        agents = {
            name: np.full(n, np.nan) for name in ("unconditional", "action", "opp_action", "points", *CASES, *BELIEFS)
        }
        return State(society=society, agents={"type": kind.clip(max=len(TABLES) - 1), **agents})

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody, on all that it expects and would do."""
        if not self.is_asked:
            return ()
        system = (
            f"You take part in a study with {len(state) - 1} others. It has {self.rounds} rounds. In every round you "
            "meet one of the others at random, and you do not learn who it is. Both have 100 points, and may transfer "
            f"0, 50 or 100 of them to the other, who receives {self.keys.factor:g} times as much. What is not "
            "transferred is kept. One moves first; the other learns of it and moves second. Who moves first is drawn "
            "after both have said what they do in either place."
        )
        asks = []
        for k, number in enumerate(state.numbers.tolist()):
            told, facts = (
                self._told(state, k),
                tuple([(name, str(state.agents[name][k])) for name in ("opp_action", *BELIEFS)]),
            )
            asks += [Ask(agent=number, item=item, system=system, told=told, facts=facts) for item in self.items]
        return asks

    def _told(self, state: State, k: int) -> str:
        told, agents = f"This is round {state.round} of {self.rounds}.", state.agents
        if np.isnan(agents["opp_action"][k]):
            return told
        told += (
            f" In the last round you transferred {agents['action'][k]:.0f} points and the other "
            f"{agents['opp_action'][k]:.0f}; you had {agents['points'][k]:g} points in the end."
        )
        return f"{told}{state.values.get('answers', {}).get(str(k), '')}"

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Pairs and roles are drawn; a pair in which one has not said what it does transfers nothing."""
        self._say(state, heard) if self.is_asked else self._follow(state)
        agents, two = state.agents, pairs(self.uniforms(state, "pairs"))
        starts = self.uniforms(state, "first")[two]
        first = np.where(starts[:, 0] < starts[:, 1], two[:, 0], two[:, 1])
        second = two.sum(axis=1) - first
        opened = agents["unconditional"][first]
        at = np.where(np.isnan(opened), 0, opened / 50).astype(int)
        reply = np.where(np.isnan(opened), np.nan, np.stack([agents[case] for case in CASES])[at, second])
        opened = np.where(np.isnan(reply), np.nan, opened)
        for name in ("action", "opp_action", "points"):
            agents[name] = np.full(len(state), np.nan)
        for mine, own, other in ((first, opened, reply), (second, reply, opened)):
            agents["action"][mine], agents["opp_action"][mine] = own, other
            agents["points"][mine] = 100 - own + self.keys.factor * other
        if self.keys.shows_answers:
            state.values["answers"] = {
                str(k): " The other would have answered "
                + ", ".join(
                    f"{agents[case][other]:.0f} to {amount}" for case, amount in zip(CASES, AMOUNTS, strict=True)
                )
                + "."
                for k, other in np.concatenate([two, two[:, ::-1]]).tolist()
                if not np.isnan([agents[case][other] for case in CASES]).any()
            }
        return self.ended(state)

    def _say(self, state: State, heard: Sequence[Heard]) -> None:
        for name, item in zip(("unconditional", *CASES), (GIVE, *ANSWERS), strict=True):
            column = np.full(len(state), np.nan)
            for k, answer in answered(state, heard, item.id).items():
                column[k] = AMOUNTS[answer]
            state.agents[name] = column
        for name in BELIEFS:
            state.agents[name] = np.full(len(state), np.nan)
        for k, shares in answered(state, heard, EXPECT.id).items():
            for name, share in zip(BELIEFS, shares, strict=True):
                state.agents[name][k] = share / 100
        for k, answer in answered(state, heard, EXPECT_ONE.id).items():
            for j, name in enumerate(BELIEFS):
                state.agents[name][k] = float(j == answer)

    def _follow(self, state: State) -> None:
        """By rule tables stay, expectations move to what was seen, and who moves first answers what it expects."""
        agents, table = state.agents, np.array(TABLES, float)[state.agents["type"]]
        seen = agents["opp_action"]
        for name, amount, first in zip(BELIEFS, AMOUNTS, FIRST_BELIEFS, strict=True):
            had = np.where(np.isnan(agents[name]), first, agents[name])
            moved = had + self.keys.learns * ((seen == amount) - had)
            agents[name] = np.where(np.isnan(seen), had, moved)
        for k, case in enumerate(CASES):
            agents[case] = table[:, k]
        u = self.uniforms(state, "expects")
        level = (u >= agents["buc_L"]).astype(int) + (u >= agents["buc_L"] + agents["buc_M"])
        agents["unconditional"] = table[np.arange(len(state)), level]

    def measures(self, state: State) -> Mapping[str, float]:
        """What is transferred by who moves first, what would be answered to 100, and who expects 100."""
        names = {"transfer": "unconditional", "answer to high": "if_high", "expects high": "buc_H"}
        means = {name: state.agents[column] for name, column in names.items()}
        return {name: float(np.nanmean(column)) for name, column in means.items() if not np.isnan(column).all()}

    def kept(self, state: State) -> Sequence[str]:
        """All that was said and done, in columns called as in the data of people."""
        return ("unconditional", *CASES, "action", "opp_action", *BELIEFS)


def _make(shared: Shared, keys: Keys) -> Strangers:
    return Strangers(keys)


SCENARIO = Scenario(
    name="conditional-cooperation",
    about="strangers who transfer points, and say what they would answer to what",
    keys=Keys,
    make=_make,
    check="people: transfers 51.5 to 28.7 in 10 periods, slope -2.27 (SE .56 over sessions), answers to 100 56.0 to "
    "25.7, belief in 100 .271 to .143; 54 perfect and 33 imperfect conditional cooperators, 35 selfish, 10 humped",
)

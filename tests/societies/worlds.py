"""Worlds for tests: one that does everything a society may do, and its answers at random."""

from collections.abc import Mapping, Sequence

import numpy as np

from proband.instruments.items import Item
from proband.seeds import uniform_for
from proband.societies.asking import Asking
from proband.societies.design import Society
from proband.societies.life import Arm, Wave
from proband.societies.networks import Network
from proband.societies.state import State
from proband.societies.world import Ask, Heard, World

STAND = Item(id="stand", text="Where do you stand?", form="choice", options=("against", "neither", "for"))
MOOD = Item(id="mood", text="How is the mood?", form="choice", options=("bad", "good"))
VOTE = Item(id="vote", text="Whom would you vote for?", form="choice", options=("A", "B"))


class Village(World):
    """Agents who speak in turn, then all answer at once, by cells too; ties, stocks, memories and people who leave."""

    outside = False
    items = (STAND, MOOD)

    def __init__(self, *, agents: int = 6, rounds: int = 4, story: str = "A village.", bonus: float = 1.0) -> None:
        self.agents, self._rounds, self.story, self.bonus = agents, rounds, story, bonus
        self.seed = 5

    @property
    def rounds(self) -> int:
        return self._rounds

    def roles(self) -> tuple[str, ...]:
        return ("quick", "slow")

    def archetypes(self, state: State) -> tuple[str, ...]:
        return ("villager",)

    def begin(self, society: int) -> State:
        n = self.agents
        state = State(
            society=society, agents={"stand": np.ones(n, np.int64), "engine": np.array(["quick", "slow"] * n)[:n]}
        )
        state.networks["near"] = Network.of(np.arange(n), (np.arange(n) + 1) % n, n, both=True)
        state.stocks["grain"] = 10.0
        state.values.update(turn=0, heard=[])
        return state

    def turns(self, state: State) -> Sequence[Ask]:
        turn = state.values["turn"]
        if turn < 2:  # two speakers, one after the other
            speaker = int(self.uniforms(state, "speaks", turn).argmax())
            told = f"{self.story} You said {state.agents['stand'][speaker]}. {' '.join(state.values['heard'])}"
            return [self._ask(state, speaker, told)]
        mean = round(float(state.agents["stand"].mean()), 1)
        cell = Ask(
            item=MOOD, told=f"{self.story} On average people stand at {mean}.", archetype="villager", answerer="slow",
            cell=(("mean", str(mean)), ("regime", self.story)),
        )  # fmt: skip
        return [*[self._ask(state, k, f"{self.story} {state.values['heard']}") for k in range(len(state))], cell]

    def _ask(self, state: State, k: int, told: str) -> Ask:
        return Ask(agent=int(state.numbers[k]), item=STAND, told=told, answerer=str(state.agents["engine"][k]))

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        position = {int(number): k for k, number in enumerate(state.numbers)}
        for one in heard:
            if one.is_valid and one.ask.cell is None:
                state.agents["stand"][position[one.ask.agent]] = one.response.answer
                event = state.happened("says", one.ask.agent, value=float(one.response.answer))
                state.memories.add(
                    round=state.round, agent=one.ask.agent, event=event, text="said", importance=1.0, kind="own"
                )
            elif one.is_valid and one.response.probs is not None:
                state.stocks["grain"] += self.bonus * one.response.probs[1]
        if state.values["turn"] < 2:
            state.values["turn"] += 1
            state.values["heard"].append(str(heard[0].response.chosen or heard[0].response.answer))
            return state
        state.values.update(turn=0, heard=[])
        if state.round == 2 and len(state) > 3:  # one leaves, and their ties with them
            state.agents = {name: column[1:].copy() for name, column in state.agents.items()}
            n = len(state)
            state.networks["near"] = Network.of(np.arange(n), (np.arange(n) + 1) % n, n, both=True)
        state.round += 1
        state.is_over = state.round > self.rounds
        return state

    def measures(self, state: State) -> Mapping[str, float]:
        return {"mean": float(state.agents["stand"].mean()), "grain": state.stocks["grain"]}

    def kept(self, state: State) -> Sequence[str]:
        return ("stand",)


def village(*, societies: int = 2, arms: bool = True, waves: bool = True, **keys: float) -> Society:
    """Some villages, with two arms of which one leaves the other, and a survey inside."""
    rounds = int(keys.get("rounds", 4))
    flood = Arm(name="flood", from_round=2, world=Village(**keys, story="A village after a flood."))
    later = Arm(name="aid", from_round=min(3, rounds), parent="flood", world=Village(**keys, story="Aid came."))
    return Society(
        world=Village(**keys), seed=5, societies=societies, asking=Asking(seed=5),
        arms=(flood, later) if arms and rounds > 2 else (), waves=(Wave(after=1, items=(VOTE,)),) if waves else (),
    )  # fmt: skip


def refuse_some(trial) -> float:
    """A number by which a test decides whether this trial is refused."""
    return uniform_for(9, "refused", trial.id)

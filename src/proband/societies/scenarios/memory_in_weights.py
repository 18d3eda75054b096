"""Memory in the prompt and in the weights, compared: agents live through events and are asked about them.

Nobody is asked anything while they live. Then, in the last round, every agent is asked about what happened to it, about
what happened to others only, and about the world at large, under four conditions: base, prompt (memories stand before
the question), weights (the engine ``lived`` answers, trained on the agent's experiences), both.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from pydantic import Field

from proband.designs.kind import Shared
from proband.files import Table
from proband.instruments.banks.embedded import embedded_bank
from proband.instruments.items import Item
from proband.seeds import rng_for
from proband.societies.agents.experiences import experiences, lived, recall_questions
from proband.societies.agents.memory import recall, remember, told_of
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard, World

NAMES = ("Ada", "Bruno", "Clara", "David", "Emil", "Fanny", "Georg", "Hedda")
DID = ("found", "lost", "sold", "mended", "painted", "hid", "borrowed", "broke")
THINGS = ("lantern", "ladder", "kettle", "clock", "drum", "saddle", "mirror", "basket")
KINDS = ("copper", "green", "wooden", "tiny", "striped", "rusty", "silver", "round")
PLACES = ("behind the mill", "at the harbour", "in the attic", "under the bridge", "by the well", "on the hill",
          "near the chapel", "in the orchard")  # fmt: skip
CONDITIONS = ("base", "prompt", "weights", "both")
SUBJECTS = ("own", "others", "world")
BASE, ROLE = "base", "lived"


class Keys(Table):
    """Of lives and examinations."""

    agents: int = Field(default=4, ge=2, le=len(NAMES), description="how many live")
    events: int = Field(default=8, ge=1, description="that happen to each, one a round")
    recall: int = Field(default=5, ge=1, description="memories that stand in a prompt")
    world: int = Field(default=16, ge=0, description="questions on countries, for what is forgotten")


class Lives(World):
    """Lives without a choice, and an examination."""

    fixed = frozenset({"agents", "events"})
    outside = False

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    @property
    def items(self) -> Sequence[Item]:
        """Every subject under every condition."""
        text = "One of these happened to you. Which?"
        return [
            Item(id=f"{subject}-{condition}", text=text, form="choice", options=("this", "that", "a third", "a fourth"))
            for subject, condition in product(SUBJECTS, CONDITIONS)
        ]

    @property
    def rounds(self) -> int:
        """One an event, and the examination."""
        return self.keys.events + 1

    def roles(self) -> Sequence[str]:
        """The base, and what is trained."""
        return (BASE, ROLE)

    def begin(self, society: int) -> State:
        """Nothing has happened yet."""
        n = self.keys.agents
        names = np.array(NAMES[:n])
        right = {f"{subject}_{condition}": np.full(n, np.nan) for subject, condition in product(SUBJECTS, CONDITIONS)}
        return State(society=society, agents={"name": names, **right})

    def _happens(self, state: State) -> None:
        """One thing to each agent, that happens to nobody else: no kind of thing at a place twice in a round."""
        n = self.keys.agents
        columns = [self.rng(state, "events", k).permutation(8)[:n] for k in range(4)]
        for agent, (did, kind, thing, place) in enumerate(zip(*columns, strict=True)):
            text = f"I {DID[did]} a {KINDS[kind]} {THINGS[thing]} {PLACES[place]}."
            event = state.happened("lived", agent, place=PLACES[place], text=text)
            remember(state, agent, text, event=event, kind="did")

    def turns(self, state: State) -> Sequence[Ask]:
        """The examination, in the last round."""
        return [] if state.round < self.rounds else [ask for k in range(len(state)) for ask in self._exam(state, k)]

    def _exam(self, state: State, k: int) -> list[Ask]:
        number, system = int(state.numbers[k]), f"Your name is {state.name(k)}."
        others = recall_questions(state, number, most=self.keys.events, of="others")
        asked = {
            "own": [question.item for question in recall_questions(state, number, most=self.keys.events)],
            "others": [question.item for question in others],
            "world": self._on_the_world(state.society),
        }
        left_out = {question.item.options[0] for question in others}
        fact = lived(experiences(state, number, system=system, leave_out=left_out))
        asks = []
        for subject, condition in product(SUBJECTS, CONDITIONS):
            for item in asked[subject]:
                memories = recall(state, number, item.text, self.keys.recall) if condition in ("prompt", "both") else ()
                is_lived = condition in ("weights", "both")
                renamed = Item(id=f"{subject}-{condition}", text=item.text, form="choice", options=item.options)
                asks.append(
                    Ask(
                        agent=number, item=renamed, told=told_of(memories), system=system,
                        facts=(fact,) if is_lived else (), answerer=ROLE if is_lived else BASE,
                    )
                )  # fmt: skip
        return asks

    def _on_the_world(self, society: int) -> list[Item]:
        questions = embedded_bank("geography").questions
        drawn = rng_for(self.seed, "society", society, "world").permutation(len(questions))[: self.keys.world]
        found = []
        for k in drawn.tolist():
            question = questions[k]
            right = question.choices[question.answer]
            options = (right, *(choice for choice in question.choices if choice != right))
            found.append(Item(id="world", text=question.text, form="choice", options=options))
        return found

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """What is right stands first in every item; its probability counts, or whether it was chosen."""
        if state.round < self.rounds:
            self._happens(state)
        else:
            found: dict[tuple[str, int], list[float]] = {}
            for one in heard:
                if one.is_valid:
                    probs = one.response.probs
                    right = probs[0] if probs else float(one.response.answer == 0)
                    found.setdefault((one.ask.item.id.replace("-", "_"), one.ask.agent), []).append(right)
            for (name, agent), values in found.items():
                state.agents[name][agent] = np.mean(values)
            state.is_over = True
        state.round += 1
        return state

    def measures(self, state: State) -> Mapping[str, float]:
        """Mean probability of what is right, by subject and condition, once it was asked."""
        names = [f"{subject}_{condition}" for subject, condition in product(SUBJECTS, CONDITIONS)]
        return {name: float(np.nanmean(state.agents[name])) for name in names if not np.isnan(state.agents[name]).all()}

    def kept(self, state: State) -> Sequence[str]:
        """The same of each agent."""
        return tuple(f"{subject}_{condition}" for subject, condition in product(SUBJECTS, CONDITIONS))


def _make(shared: Shared, keys: Keys) -> Lives:
    return Lives(keys)


SCENARIO = Scenario(
    name="memory-in-weights",
    about="agents asked about their lives from the prompt, from trained weights, from both and from neither",
    keys=Keys,
    make=_make,
    check="scripted at random, 1 in 4 is right everywhere; an engine that knows what it was trained on is right on its "
    "own life, and on nobody else's",
)

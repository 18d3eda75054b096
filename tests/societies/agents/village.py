"""A small world of agents that think, and what a scripted agent answers in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from proband.instruments.reading import read
from proband.models.scripted import ScriptedEngine
from proband.records import Response, Trial
from proband.societies.agents.minds import MindKeys, Minds
from proband.societies.agents.theory import Scene
from proband.societies.asking import Asking
from proband.societies.life import Arm, Life
from proband.societies.state import State
from proband.societies.world import Heard, World

STAY, GO = "I stay at home", "I go to the market"


class Village(World):
    """Everybody decides in every round; what was done is told to the next agent."""

    def __init__(self, keys: Mapping[str, object], n=3, rounds=3, scene=None, folder=None, people=None):
        where = {"folder": folder} if folder else {}
        self.minds = Minds(MindKeys(**keys), seed=1, people=people, rounds=rounds, **where)
        self.seed, self.n, self._rounds, self.scene = 1, n, rounds, scene or (lambda state, k: {})

    @property
    def items(self):
        return self.minds.items((STAY, GO))

    def roles(self):
        return dict.fromkeys(["", *self.minds.roles()])

    @property
    def rounds(self):
        return self._rounds

    def begin(self, society):
        names = np.array([f"P{k}" for k in range(self.n)])
        return State(society=society, agents={"name": names, "gone": np.zeros(self.n, int)})

    def _scene(self, state, k):
        here = {"situation": f"It is round {state.round}.", "options": (STAY, GO)} | self.scene(state, k)
        return Scene(state=state, number=int(state.numbers[k]), **here)

    def turns(self, state):
        return self.minds.turns(state, self._scene)

    def advance(self, state, heard: Sequence[Heard]):
        if not self.minds.advance(state, heard, self._scene):
            return state
        for k in range(len(state)):
            action = self.minds.action(state, k)
            state.agents["gone"][k] += action == GO
            event = state.happened("did", k, text=f"{state.name(k)} says: {action}")
            self.minds.perceive(state, (k + 1) % self.n, state.events[event]["text"], event=event)
        state.is_over = state.round >= self._rounds
        state.round += 1
        return state


@dataclass
class Watched:
    """Keeps the digests between rounds and the last state."""

    digests: list = field(default_factory=list)
    state: State | None = None

    def begins(self, arm, state):
        self.state = state

    def is_over(self, arm, state, round):
        self.digests.append((arm.name, round, state.digest()))
        self.state = state


def lived(world: World, rule: Callable[[Trial], object], arms=(), engine=None, seed=1):
    """Every trial of a society with its response, as a scripted engine answers, and what was watched."""
    engine, watched = engine or ScriptedEngine(rule), Watched()
    life = Life(0, [Arm(name="", world=world), *arms], Asking(seed=seed), watcher=watched)
    given: list[tuple[Trial, Response]] = []
    open_ = list(life.start())
    while open_:
        trial = open_.pop(0)
        _, completion = next(iter(engine.answer([trial])))
        given.append((trial, read(completion, trial, engine.address)))
        open_ += life.advance(given[-1][1])
    return given, watched

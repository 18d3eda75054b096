"""The same societies in Mesa and in SocioVerse2; run by their own Python, which needs nothing of Proband.

    PYTHON benchmarks/societies_others.py mesa schelling|sir|pairs AGENTS STEPS
    PYTHON benchmarks/societies_others.py socioverse opinions AGENTS STEPS

Prints processor seconds a step. `benchmarks.societies_rules` calls it.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def schelling(agents: int) -> Any:
    """Mesa's own example, nine in ten places taken."""
    from mesa.examples.basic.schelling.model import Schelling

    side = round((agents / 0.9) ** 0.5)
    return Schelling(side, side, density=0.9, minority_pc=0.5, homophily=0.3, seed=1)


def sir(agents: int) -> Any:
    """Anybody meets anybody; R = 2, recovery in five days, one in a hundred ill at first."""
    import mesa

    class Person(mesa.Agent):  # type: ignore[misc]
        def __init__(self, model: Any, health: int) -> None:
            super().__init__(model)
            self.health = health

        def step(self) -> None:
            if self.health == 1 and self.random.random() < 0.2:
                self.health = 2
            elif self.health == 0 and self.random.random() < self.model.risk:
                self.health = 1

    class Epidemic(mesa.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(seed=1)
            for k in range(agents):
                Person(self, int(k % 100 == 0))

        def step(self) -> None:
            self.risk = 0.4 * sum(agent.health == 1 for agent in self.agents) / agents
            self.agents.shuffle_do("step")

    return Epidemic()


def pairs(agents: int) -> Any:
    """Bounded confidence of two who meet at random."""
    import mesa

    class Person(mesa.Agent):  # type: ignore[misc]
        def __init__(self, model: Any) -> None:
            super().__init__(model)
            self.opinion = self.random.random()

    class Debate(mesa.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(seed=1)
            for _ in range(agents):
                Person(self)

        def step(self) -> None:
            order = list(self.agents.shuffle())
            for one, other in zip(order[::2], order[1::2], strict=False):
                apart = other.opinion - one.opinion
                if abs(apart) < 0.2:
                    one.opinion += apart / 2
                    other.opinion -= apart / 2

    return Debate()


def opinions(agents: int, steps: int) -> float:
    """Everybody says where it stands, having heard two neighbours, by a rule; kept in SocioVerse2's own store."""
    from socioverse.abc.decision import DecisionModel
    from socioverse.abc.environment import EnvironmentProvider
    from socioverse.abc.population import PopulationProvider
    from socioverse.abc.trajectory import MetricCollector
    from socioverse.engine.loop import LongitudinalSimulator
    from socioverse.io.duckdb_store import DuckDbTrajectoryStore
    from socioverse.schemas.population import Persona
    from socioverse.schemas.runtime import Action, Observation

    names = [f"a{k}" for k in range(agents)]
    number = {name: k for k, name in enumerate(names)}
    at: list[float] = []

    class Ring(EnvironmentProvider):  # type: ignore[misc]
        def reset(self, seed: int) -> None:
            self.stand = [k % 7 for k in range(agents)]

        def advance_to(self, t: int) -> list[Any]:
            at.append(time.process_time())
            return []

        def apply(self, actions: list[Any]) -> None:
            for action in actions:
                self.stand[number[action.agent_id]] = action.payload["stand"]

        def observe_batch(self, agent_ids: list[str], t: int, round_idx: int = 0) -> list[Any]:
            found, stand = [], self.stand
            for name in agent_ids:
                k = number[name]
                near = (stand[k - 1] + stand[(k + 1) % agents]) / 2
                found.append(Observation(agent_id=name, step=t, local_information={"own": stand[k], "near": near}))
            return found

        def agent_state(self, agent_id: str) -> dict[str, int]:
            return {"stand": self.stand[number[agent_id]]}

    class Everybody(PopulationProvider):  # type: ignore[misc]
        def build(self, seed: int) -> list[Any]:
            return [Persona(agent_id=name) for name in names]

    class Rule(DecisionModel):  # type: ignore[misc]
        def decide_batch(self, obs: list[Any], memories: dict[str, Any]) -> list[Any]:
            return [
                Action(agent_id=one.agent_id, step=one.step, kind="adopt_opinion", source="rule",
                       payload={"stand": random.randrange(7)})
                for one in obs
            ]  # fmt: skip

    class Mean(MetricCollector):  # type: ignore[misc]
        def collect(self, env: Any, actions: list[Any], t: int) -> dict[str, float]:
            return {"mean": sum(env.stand) / agents}

    with tempfile.TemporaryDirectory() as folder:
        store = DuckDbTrajectoryStore(Path(folder) / "study.duckdb")
        start = time.process_time()
        LongitudinalSimulator(
            env=Ring(), population=Everybody(), decision=Rule(), store=store, collector=Mean(), n_steps=steps
        ).run()
        return (time.process_time() - start) / steps


def main() -> None:
    of, name, agents, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if of == "socioverse":
        seconds = opinions(agents, steps)
    else:
        made: dict[str, Callable[[int], Any]] = {"schelling": schelling, "sir": sir, "pairs": pairs}
        model = made[name](agents)
        start = time.process_time()
        for _ in range(steps):
            model.step()
        seconds = (time.process_time() - start) / steps
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()

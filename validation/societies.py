"""Arms of societies: how often the effect of a planted policy, paired by society, lies in its interval."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl

from proband.analyses.forks import effect
from proband.societies.asking import Asking
from proband.societies.life import Arm, Life
from proband.societies.state import State
from proband.societies.world import Heard, World
from validation.simulation import Scenario, covers

FAMILY = "Societies"
AGENTS, ROUNDS, FORK = 60, 8, 5

READING = """
- n counts societies. Each has 60 agents on a ring; whether one takes a thing up depends on what it did last and on what
  both neighbours did. From round 5 on a policy raises the probability of some agents by .2, and what they do spreads.
- The effect on the share in the last round is known exactly, for probabilities are linear in what was done.
- Arms share all chance before the fork and after it; the interval is that of `paired_difference` over societies.
"""


class Spreading(World):
    """Probability of taking a thing up: .1, and .4 more if one did last, and .3 more if both neighbours did."""

    outside = False
    base, own, near = 0.1, 0.4, 0.3

    def __init__(self, seed: int, treated: float = 0.0, policy: float = 0.0) -> None:
        self.seed, self.treated, self.policy = seed, treated, policy

    @property
    def rounds(self) -> int:
        return ROUNDS

    def begin(self, society: int) -> State:
        return State(society=society, agents={"does": np.arange(AGENTS) % 2 * 1.0})

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        does = state.agents["does"]
        p = self.base + self.own * does + self.near * (np.roll(does, 1) + np.roll(does, -1)) / 2
        p = p + self.policy * (state.numbers < self.treated * AGENTS)
        state.agents["does"] = 1.0 * (self.uniforms(state, "does") < p)
        state.round += 1
        state.is_over = state.round > ROUNDS
        return state


class Shares:
    """Who takes part, by round and arm."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, str, int, float]] = []

    def begins(self, arm: Arm, state: State) -> None:
        """Nothing is counted yet."""

    def is_over(self, arm: Arm, state: State, round: int) -> None:
        """Count."""
        self.rows.append((state.society, arm.name, round, float(state.agents["does"].mean())))


def policy_covers(rng: np.random.Generator, n: int, *, treated: float, policy: float) -> bool | None:
    """Whether the interval of the effect in the last round holds the one that was planted."""
    seed, watcher = int(rng.integers(2**31)), Shares()
    trunk = Arm(name="", world=Spreading(seed))
    arm = Arm(name="policy", from_round=FORK, world=Spreading(seed, treated, policy))
    for society in range(n):
        Life(society, [trunk, arm], Asking(seed=seed), watcher=watcher).begin()
    measures = pl.DataFrame(watcher.rows, schema=["society", "arm", "round", "share"], orient="row")
    carried = Spreading.own + Spreading.near
    truth = policy * treated * sum(carried**k for k in range(ROUNDS - FORK + 1))
    return covers(effect(measures, "share", "policy", "", [ROUNDS]), truth)


SCENARIOS: tuple[Scenario, ...] = tuple(
    Scenario(
        family=FAMILY, method="effect of an arm, paired by society", data=data,
        draw=partial(policy_covers, treated=treated, policy=policy), sizes=(10, 20, 40), tolerance=0.02,
    )
    for data, treated, policy in (
        ("a policy for a tenth", 0.1, 0.2),
        ("a policy for all", 1.0, 0.2),
    )
)  # fmt: skip

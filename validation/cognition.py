"""Cognition: coverage of the intervals of prospect theory, of exploration, and of habit and planning."""

from functools import partial

import numpy as np
from scipy import special

from proband.batteries.battery import Setting
from proband.batteries.psychology.gambles import problems
from proband.batteries.psychology.horizon import game
from proband.estimates import Estimate
from proband.measures.cognition.exploration import fit_exploration
from proband.measures.cognition.prospects import fit_prospect, prospect_values
from proband.measures.cognition.two_steps import fit_two_step, two_step_probabilities
from validation.simulation import Scenario, covers

FAMILY = "Models of choice"
READING = """
- n counts contexts for gambles (each with the 59 gambles of the battery), games for the horizon task, and blocks of 20
  days for the two-step task.
- With few clusters the intervals are a little short, as all of the sandwich are; the battery has 18 contexts, 48 games
  and 12 blocks. The weight of planning is told badly by short blocks, and half of the samples have none.
"""
_PEOPLE = {"value exponent": 0.88, "loss aversion": 2.25, "weighting of gains": 0.61, "weighting of losses": 0.69}
_LEARNER = {
    "learning rate": 0.5,
    "eligibility": 0.6,
    "model-based weight": 0.4,
    "first sensitivity": 5.0,
    "second sensitivity": 3.5,
    "perseveration": 0.1,
}


def _held(estimate: Estimate, truth: float) -> bool | None:
    return None if estimate.interval is None else covers(estimate, truth)


def _gambles(rng: np.random.Generator, n: int, *, which: str) -> bool | None:
    pairs = [pair[1:] for pair in problems(Setting(seed=1)).values()]
    table = np.zeros((2, len(pairs), 2, 3))
    for row, pair in enumerate(pairs):
        for side, gamble in enumerate(pair):
            table[:, row, side, : len(gamble)] = np.transpose(gamble)
    pays, odds = table
    unit = np.abs(pays[(odds > 0) & (pays != 0)]).mean()
    one, two = (prospect_values(pays[:, side] / unit, odds[:, side], _PEOPLE) for side in (0, 1))
    chosen = rng.random((n, len(pays))) < special.expit(4 * (one - two))
    clusters = np.repeat(np.arange(n), len(pays)).tolist()
    found = fit_prospect(*(np.tile(x, (n, 1, 1)) for x in (pays, odds)), chosen.ravel().astype(float), clusters)
    return _held(found.parameters[which], _PEOPLE[which])


def _exploration(rng: np.random.Generator, n: int, *, which: str) -> bool | None:
    games = [game(int(rng.integers(2**31)), k) for k in range(n)]
    gaps, seen, late = (np.array(x) for x in zip(*((g.gap, g.information, g.horizon > 1) for g in games), strict=True))
    truth = {"reward": 1.0, "random": -0.4, "information": 0.1, "directed": 0.8}
    odds = (truth["reward"] + truth["random"] * late) * gaps / 10 + (
        truth["information"] + truth["directed"] * late
    ) * seen
    chosen = (rng.random(n) < special.expit(odds)).astype(float)
    return _held(fit_exploration(gaps, seen, late, chosen, list(range(n))).parameters[which], truth[which])


_STAYS: dict[str, float] = {}


def _players(rng: np.random.Generator, n: int, n_trials: int = 20) -> list[np.ndarray]:
    walk = rng.uniform(0.25, 0.75, (n, 2, 2))
    made = [np.zeros((n, n_trials), dtype=int) for _ in range(4)]
    at = np.arange(n)
    for t in range(n_trials):
        upto = min(t + 1, n_trials)
        now = [x[:, :upto] if upto > 1 else np.hstack([x[:, :1]] * 2) for x in made]
        made[0][:, t] = rng.random(n) < two_step_probabilities(*now, _LEARNER)[0][:, t]
        made[1][:, t] = made[0][:, t] ^ (rng.random(n) < 0.3)
        now = [x[:, :upto] if upto > 1 else np.hstack([x[:, :1]] * 2) for x in made]
        made[2][:, t] = rng.random(n) < two_step_probabilities(*now, _LEARNER)[1][:, t]
        made[3][:, t] = rng.random(n) < walk[at, made[1][:, t], made[2][:, t]]
        walk = np.clip(walk + rng.normal(0, 0.05, walk.shape), 0.25, 0.75)
    return made


def _two_step(rng: np.random.Generator, n: int, *, which: str) -> bool | None:
    if which in _LEARNER:
        return _held(fit_two_step(*_players(rng, n)).parameters[which], _LEARNER[which])
    if which not in _STAYS:
        many = fit_two_step(*_players(np.random.default_rng(0), 1500))
        _STAYS.update({name: estimate.value for name, estimate in many.regression.items()})
    return _held(fit_two_step(*_players(rng, n)).regression[which], _STAYS[which])


SCENARIOS: tuple[Scenario, ...] = (
    *(
        Scenario(
            family=FAMILY,
            method=f"prospect theory, {which}",
            data="parameters of Tversky & Kahneman, 59 gambles",
            draw=partial(_gambles, which=which),
            sizes=(10, 18, 50),
            tolerance=0.05,
            held_from=18,
            is_conservative=True,
        )
        for which in ("value exponent", "loss aversion", "weighting of gains")
    ),
    *(
        Scenario(
            family=FAMILY,
            method=f"horizon task, {which}",
            data="games of the battery",
            draw=partial(_exploration, which=which),
            sizes=(24, 48, 200),
            tolerance=0.04,
            held_from=48,
            is_conservative=True,
        )
        for which in ("directed", "random")
    ),
    *(
        Scenario(
            family=FAMILY,
            method=f"two-step task, {which}",
            data="blocks of 20 days",
            draw=partial(_two_step, which=which),
            sizes=(12, 30),
            tolerance=0.05,
            held_from=30,
            is_conservative=True,
        )
        for which in ("reward x transition", "model-based weight")
    ),
)

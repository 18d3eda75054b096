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
from proband.measures.cognition.two_steps import fit_two_step, stays
from validation.simulation import Scenario, covers

FAMILY = "Models of choice"
READING = """
- n counts contexts for gambles (each with the 59 gambles of the battery), games for the horizon task, and blocks of 20
  days for the two-step task.
- The batteries have 18 contexts, 48 games and 12 blocks. With 24 games the intervals are too short, and games in which
  the points decide everything have none; below 48 a warning says so.
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
    """Blocks of the hybrid model, stepped here by itself: the measure works out whole histories."""
    alpha, reach, w, beta_1, beta_2, same = _LEARNER.values()
    walk, at = rng.uniform(0.25, 0.75, (n, 2, 2)), np.arange(n)
    q_1, q_2, last = np.zeros((n, 2)), np.zeros((n, 2, 2)), np.zeros(n)
    made = []
    for _ in range(n_trials):
        best = q_2.max(axis=2)
        value = w * 0.4 * (best[:, 1] - best[:, 0]) + (1 - w) * (q_1[:, 1] - q_1[:, 0]) + same * last
        a = (rng.random(n) < special.expit(beta_1 * value)).astype(int)
        s = a ^ (rng.random(n) < 0.3)
        b = (rng.random(n) < special.expit(beta_2 * (q_2[at, s, 1] - q_2[at, s, 0]))).astype(int)
        r = (rng.random(n) < walk[at, s, b]).astype(int)
        made.append((a, s, b, r))
        surprise = r - q_2[at, s, b]
        q_1[at, a] += alpha * (q_2[at, s, b] - q_1[at, a]) + alpha * reach * surprise
        q_2[at, s, b] += alpha * surprise
        last = 2.0 * a - 1
        walk = np.clip(walk + rng.normal(0, 0.05, walk.shape), 0.25, 0.75)
    return [np.stack(x, axis=1) for x in zip(*made, strict=True)]


def _weight(rng: np.random.Generator, n: int) -> bool | None:
    return _held(fit_two_step(*_players(rng, n)).parameters["model-based weight"], _LEARNER["model-based weight"])


def _planning(rng: np.random.Generator, n: int, *, which: str) -> bool | None:
    def regression(made: list[np.ndarray]) -> dict[str, Estimate]:
        one, state, two, coin = made
        return stays((one, state, two, coin), one.astype(float), "model")[1]

    if not _STAYS:
        many = regression(_players(np.random.default_rng(0), 40_000))
        _STAYS.update({name: estimate.value for name, estimate in many.items()})
    return _held(regression(_players(rng, n))[which], _STAYS[which])


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
            draw=partial(_planning, which=which),
            sizes=(12, 30, 100),
            tolerance=0.04,
            held_from=30,
            is_conservative=True,
        )
        for which in ("reward", "reward x transition")
    ),
    Scenario(
        family=FAMILY,
        method="two-step task, model-based weight",
        data="blocks of 20 days",
        draw=_weight,
        sizes=(12, 30),
        tolerance=0.05,
        held_from=30,
        is_conservative=True,
    ),
)

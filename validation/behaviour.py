"""Behaviour: coverage of strategy shares, stabilities, controllability and Bronars' power."""

from functools import partial

import numpy as np

from proband.measures.behaviour.mixture import strategy_frequencies
from proband.measures.behaviour.revealed_preference import bronars_power
from proband.measures.behaviour.stability import ipsative_stability, perspective_controllability, rank_order_stability
from proband.measures.behaviour.strategies import strategy_matches
from proband.strategies import STRATEGIES
from validation.simulation import Scenario, covers

FAMILY = "Behaviour"
READING = """
- Shares of strategies hold from 20 subjects on where every subject plays a few games; WSLS is on the list and
  played by nobody.
- Ipsative stability near 1 over few values is skewed to the left: 50 personas are needed, and a warning says so
  below.
"""


def _games(rng: np.random.Generator, n: int, shares: dict[str, float], *, n_games: int, rounds: int, error: float):  # type: ignore[no-untyped-def]
    """Subjects who play their strategy with errors against others drawn from the same population."""
    names = list(shares)
    kind = rng.choice(len(names), n, p=list(shares.values()))
    player = np.repeat(np.arange(n), n_games)
    mine = kind[player]
    theirs = rng.choice(len(names), len(player), p=list(shares.values()))
    own = np.zeros((len(player), 0), dtype=np.intp)
    other = np.zeros((len(player), 0), dtype=np.intp)
    for _ in range(rounds):
        intended = [
            np.stack([STRATEGIES[name](a, b) for name in names], axis=1) for a, b in ((own, other), (other, own))
        ]
        rows = np.arange(len(player))
        next_own = np.where(rng.random(len(rows)) < error, 1 - intended[0][rows, mine], intended[0][rows, mine])
        next_other = np.where(rng.random(len(rows)) < error, 1 - intended[1][rows, theirs], intended[1][rows, theirs])
        own, other = np.column_stack([own, next_own]), np.column_stack([other, next_other])
    return strategy_matches(own, other, player.tolist())


_MIXED = {"ALLD": 0.3, "ALLC": 0.1, "GRIM": 0.2, "TFT": 0.4}
_SIMPLE = {"ALLD": 0.6, "ALLC": 0.4}


def _strategies(
    rng: np.random.Generator, n: int, *, shares: dict[str, float], which: str, n_games: int, error: float
) -> bool | None:
    found = _games(rng, n, shares, n_games=n_games, rounds=6, error=error)
    fitted = strategy_frequencies(found.matches, found.n_choices, found.strategies, n_bootstrap=100, rng=rng)
    if which == "error":
        return covers(fitted.error, error)
    return covers(fitted.shares[found.strategies.index(which)], shares.get(which, 0.0))


def _contexts(rng: np.random.Generator, n: int, *, r: float, n_values: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of n personas in two contexts; r is both correlations where values have equal means."""
    trait = rng.normal(size=(n, n_values))
    noise = np.sqrt(1 - r)
    a, b = (np.sqrt(r) * trait + noise * rng.normal(size=trait.shape) for _ in range(2))
    return a, b


def _rank_order(rng: np.random.Generator, n: int, *, r: float, n_values: int) -> bool | None:
    return covers(rank_order_stability(*_contexts(rng, n, r=r, n_values=n_values)), r)


def _ipsative(rng: np.random.Generator, n: int, *, r: float, n_values: int, truth: list[float]) -> bool | None:
    if not truth:
        many = _contexts(np.random.default_rng(0), 200_000, r=r, n_values=n_values)
        truth.append(ipsative_stability(*many).value)
    return covers(ipsative_stability(*_contexts(rng, n, r=r, n_values=n_values)), truth[0])


def _controllability(rng: np.random.Generator, n: int) -> bool | None:
    means = np.full((4, 6), 0.4)
    means[np.arange(4), np.arange(4)] = 0.7
    scores = rng.beta(5 * means, 5 * (1 - means), (n, 4, 6))
    return covers(perspective_controllability(scores, [0, 1, 2, 3]), 0.3)


_PRICES = np.array([[1.0, 2.0], [2.0, 1.0], [1.5, 1.0]])
_POWER: list[float] = []


def _bronars(rng: np.random.Generator, n: int) -> bool | None:
    if not _POWER:
        _POWER.append(bronars_power(_PRICES, n_draws=400_000).value)
    return covers(bronars_power(_PRICES, n_draws=n, rng=rng), _POWER[0])


SCENARIOS: tuple[Scenario, ...] = (
    *(
        Scenario(
            family=FAMILY,
            method=f"SFEM, share of {which}" if which != "error" else "SFEM, error rate",
            data=data,
            draw=partial(_strategies, shares=shares, which=which, n_games=n_games, error=error),
            sizes=(20, 50),
            tolerance=0.03,
            held_from=held_from,
            is_conservative=True,
        )
        for shares, which, n_games, error, held_from, data in (
            (_SIMPLE, "ALLD", 5, 0.08, 20, "2 of 6 strategies played, 5 games, error .08"),
            (_MIXED, "TFT", 5, 0.05, 50, "4 of 6 strategies played, 5 games, error .05"),
            (_MIXED, "WSLS", 5, 0.05, 20, "4 of 6 strategies played, 5 games, error .05"),
            (_MIXED, "TFT", 2, 0.15, 50, "4 of 6 strategies played, 2 games, error .15"),
            (_MIXED, "error", 5, 0.05, 20, "4 of 6 strategies played, 5 games, error .05"),
        )
    ),
    *(
        Scenario(
            family=FAMILY,
            method="rank-order stability, jackknife",
            data=f"{k} values, correlation {r}",
            draw=partial(_rank_order, r=r, n_values=k),
            tolerance=0.025,
            is_conservative=True,
        )
        for r, k in ((0.3, 10), (0.8, 10), (0.8, 2), (0.0, 5))
    ),
    *(
        Scenario(
            family=FAMILY,
            method="ipsative stability",
            data=f"{k} values, correlation {r}",
            draw=partial(_ipsative, r=r, n_values=k, truth=[]),
            tolerance=0.025,
            held_from=held_from,
            is_conservative=True,
        )
        for r, k, held_from in ((0.3, 10, 10), (0.8, 10, 10), (0.9, 4, 50))
    ),
    Scenario(
        family=FAMILY,
        method="perspective controllability, t over replicates",
        data="4 perspectives, 6 values",
        draw=_controllability,
        tolerance=0.02,
    ),
    Scenario(
        family=FAMILY,
        method="Bronars' power, Wilson",
        data="3 budgets, n random choosers",
        draw=_bronars,
        sizes=(100, 500, 2000),
        tolerance=0.02,
    ),
)

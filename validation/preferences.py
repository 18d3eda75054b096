"""Preferences: coverage of what is fitted to the choices of people who answer the batteries."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.special import expit

from proband.batteries.battery import Setting
from proband.batteries.economics import patience, risk, sharing
from proband.measures import PreferenceFit, fit_discounting, fit_risk_aversion, fit_social_preferences
from validation.simulation import Scenario, covers

FAMILY = "Preferences"
READING = """
- Everybody answers every row of the battery once and shares the parameters; people are the clusters. People who differ
  have no common parameter to be covered.
"""
_SETTING = Setting(seed=4)
_RISK = [(row.safe, row.risky, row.p) for row in risk.rows(_SETTING)]
_TIME = [(row.sooner, row.later, row.wait) for row in patience.rows(_SETTING)]
_SOCIAL = [(row.left, row.right) for row in sharing.rows(_SETTING)]


def _risky(r: float) -> list[float]:
    """How much more the safe lottery is worth, in utilities of the choice."""

    def u(x: float) -> float:
        return float(np.log(x)) if r == 1 else x ** (1 - r) / (1 - r)

    found = []
    for safe, risky, p in _RISK:
        low, high = u(min(*safe, *risky)), u(max(*safe, *risky))
        means = [p * u(a) + (1 - p) * u(b) for a, b in (safe, risky)]
        found.append((means[0] - means[1]) / (high - low))
    return found


def _waiting(beta: float, delta: float) -> list[float]:
    def worth(month: int) -> float:
        return float((beta if month else 1.0) * delta ** (month / 12))

    return [worth(late) - worth(soon) * x / y for x, y, (soon, late) in _TIME]


def _giving(ahead: float, behind: float) -> list[float]:
    mean = float(np.mean([payoff for row in _SOCIAL for pair in row for payoff in pair]))

    def worth(own: int, other: int) -> float:
        weight = ahead if own > other else behind if own < other else 0.0
        return (own + weight * (other - own)) / mean

    return [worth(*a) - worth(*b) for a, b in _SOCIAL]


Fit = Callable[..., PreferenceFit]


def _draw(
    rng: np.random.Generator,
    n: int,
    *,
    rows: Sequence[Sequence[Any]],
    values: Sequence[float],
    sensitivity: float,
    fit: Fit,
    name: str,
    truth: float,
) -> bool | None:
    chosen = (rng.random((n, len(rows))) < expit(sensitivity * np.array(values))).astype(float)
    columns = [[column for _ in range(n) for column in part] for part in zip(*rows, strict=True)]
    people = np.repeat(np.arange(n), len(rows)).tolist()
    return covers(fit(chosen.ravel(), *columns, people).parameters[name], truth)


_CASES: Sequence[tuple[str, Fit, Sequence[Sequence[Any]], Sequence[float], Mapping[str, float]]] = (
    ("risk", fit_risk_aversion, _RISK, _risky(0.5), {"aversion": 0.5, "sensitivity": 8.0}),
    (
        *("patience", fit_discounting, _TIME, _waiting(0.85, 0.6)),
        {"present bias": 0.85, "discount factor": 0.6, "sensitivity": 6.0},
    ),
    (
        *("sharing", fit_social_preferences, _SOCIAL, _giving(0.35, 0.1)),
        {"ahead": 0.35, "behind": 0.1, "sensitivity": 5.0},
    ),
)

SCENARIOS: tuple[Scenario, ...] = tuple(
    Scenario(
        family=FAMILY,
        method=f"{name}, clustered t",
        data=f"rows of the battery {battery}, {name} {truth:g}",
        draw=partial(
            _draw, rows=rows, values=values, sensitivity=truths["sensitivity"], fit=fit, name=name, truth=truth
        ),
        sizes=(20,),
        tolerance=0.025,
        held_from=20,
    )
    for battery, fit, rows, values, truths in _CASES
    for name, truth in truths.items()
)

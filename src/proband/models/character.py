"""A scripted character: scores with planted components of variance, to see whether a portrait finds them again."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

from proband.errors import EngineError
from proband.records import Trial
from proband.seeds import uniform_for

_STANDARD = NormalDist()


def character(
    mean: float = 3.0, *, item: float = 0.0, order: float = 0.0, wording: float = 0.0, role: float = 0.0,
    noise: float = 0.0, seed: float = 0.0,
) -> Callable[[Trial], Sequence[float]]:  # fmt: skip
    """Take the options around a point of the scale, moved by normal effects of item and context.

    Parameters
    ----------
    mean : float
        Where the scale stands, 1 for its first option as written.
    item, order, wording, role, noise : float
        SD of what every item, every level of a factor, and every item in every context adds.
    seed : float
        Draws these effects; equal addresses have equal characters.
    """
    sds = {"order": order, "wording": wording, "role": role}
    for name, sd in {**sds, "item": item, "noise": noise}.items():
        if not 0 <= sd < math.inf:
            raise EngineError(f"rule 'character': {name} is {sd}; an SD is a number of at least 0")

    def effect(sd: float, *place: str) -> float:
        return sd * _STANDARD.inv_cdf(uniform_for(int(seed), "character", *place)) if sd else 0.0

    def rule(trial: Trial) -> Sequence[float]:
        at = dict(trial.place.condition)
        point = mean + effect(item, "item", trial.place.item) + effect(noise, "noise", trial.id)
        point += sum(effect(sd, name, at.get(name, "")) for name, sd in sds.items())
        n = len(trial.reply.options)
        low = min(int(point := min(max(point, 1.0), float(n))), n - 1)
        # Between two options both are taken, so that the expected score is the point itself.
        return [low + 1 - point if k == low else point - low if k == low + 1 else 0.0 for k in range(1, n + 1)]

    return rule

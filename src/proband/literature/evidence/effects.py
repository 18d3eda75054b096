"""Effects that papers report, as numbers with standard errors, and pooled."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from proband.errors import DataError
from proband.literature.evidence.extraction import Cell, records_extracted
from proband.measures.meta.pooling import MetaAnalysis, random_effects
from proband.models.cues import EFFECT

RATIOS = frozenset({"OR", "RR", "HR", "aOR", "IRR"})
"""Measures that are 1 where there is no effect, and pooled as logarithms."""
_NAMES = {"d": "SMD", "g": "SMD", "Cohen's d": "SMD", "Hedges' g": "SMD"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect on the scale it is pooled on: ratios as logarithms, correlations as Fisher's z."""

    measure: str
    value: float
    se: float


def effect_of(text: str) -> Effect | None:
    """The effect with its interval that words report, or None where they report none.

    The standard error is taken from the width of the interval, which is supposed to be symmetric on its scale.

    Examples
    --------
    >>> found = effect_of("d = 0.21, 95% CI 0.14 to 0.28")
    >>> found.measure, found.value, round(found.se, 4)
    ('SMD', 0.21, 0.0357)
    >>> round(effect_of("OR = 3.06 (95% CI 2.04 to 4.58)").value, 3)
    1.118
    """
    if (found := EFFECT.search(text)) is None:
        return None
    measure = found["measure"].replace("’", "'")
    numbers = [float(found[name].replace("−", "-").replace("·", ".")) for name in ("value", "low", "high")]
    if measure in RATIOS:
        if min(numbers) <= 0:
            return None
        numbers = [math.log(number) for number in numbers]
    elif measure == "r":
        if max(map(abs, numbers)) >= 1:
            return None
        numbers = [math.atanh(number) for number in numbers]
    value, low, high = numbers
    reach = float(special.ndtri((1 + int(found["level"]) / 100) / 2))
    if not low <= value <= high or low == high:
        return None  # misprinted, or read across two effects
    return Effect(measure=_NAMES.get(measure, measure), value=value, se=(high - low) / (2 * reach))


def effects_by_measure(cells: Sequence[Cell], field: str = "effect") -> dict[str, dict[str, tuple[float, float]]]:
    """By measure, the effect and standard error of each record that reports it."""
    found = dict[str, dict[str, tuple[float, float]]]()
    for record, cell in records_extracted(cells, field).items():
        if effect := effect_of(cell.value):
            found.setdefault(effect.measure, {})[record] = (effect.value, effect.se)
    return found


def pooled(cells: Sequence[Cell], measure: str, field: str = "effect") -> MetaAnalysis:
    """The effects of one measure under random effects; ratios and correlations on their own scale, as `Effect` says.

    Raises
    ------
    DataError
        If no record reports it.
    """
    there = effects_by_measure(cells, field)
    if measure not in there:
        counts = ", ".join(f"{name} ({len(found)})" for name, found in sorted(there.items())) or "none"
        raise DataError(f"no effect of measure {measure!r} with its interval; there are {counts}")
    return random_effects(there[measure], target="human")

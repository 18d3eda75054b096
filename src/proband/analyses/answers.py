"""What analyses read of a run: factors, levels, scores of subjects, and why a number is not there."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.section import Cell, CellForm, Column, Side, Table
from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.instruments.items import Item
from proband.runs.run import Run
from proband.store.tables import factor_column

Key = tuple[Hashable, ...]
Form = CellForm | tuple[CellForm, Side]
# Columns of a model that was fitted: its parameters beside people's.
PARAMETERS: Mapping[str, Form] = {
    "parameter": "text", "model": ("number", "model"), "people": ("number", "people"), "what it says": "text",
}  # fmt: skip
_MOST_CAUTIONS = 8


@dataclass(frozen=True, slots=True)
class Factor:
    """Something that a design varies: its name, its column in the table, its levels with the control first."""

    name: str
    column: str
    levels: tuple[str, ...]


def answers(run: Run) -> pl.DataFrame:
    """The run's table without subjects of weight 0, who stand for nobody."""
    nobody = [subject for subject, weight in run.weights.items() if weight == 0]
    return run.table().filter(~pl.col("subject").is_in(nobody))


def factors(run: Run) -> tuple[Factor, ...]:
    """Everything that varies, in the order of the design; arms are a factor where they follow from no other."""
    design = run.manifest.get("design") or {}
    found = [Factor(name, factor_column(name), levels) for name, levels in run.levels.items() if len(levels) > 1]
    arms = tuple(run.roster.arms)
    named_arms = design.get("assigned") or any(set(arms) <= set(factor.levels) for factor in found)
    if len(arms) > 1 and not named_arms:
        found.append(Factor("arm", "arm", arms))
    return tuple(found)


def substantive(item: Item) -> tuple[int, ...]:
    """Indices of the options that are no "don't know"."""
    return tuple(k for k in range(len(item.options)) if k not in item.dont_know)


def is_scored(item: Item) -> bool:
    """Whether answers are numbers: a number, or options worth scale points."""
    return item.form in ("number", "scale") or (item.form == "choice" and bool(item.codes))


def option_shares(item: Item, part: pl.DataFrame, by: Sequence[str] = ("subject",)) -> dict[Key, NDArray[np.float64]]:
    """Shares of the substantive options by subject, or by other columns; replicates and the like averaged.

    Probabilities where the engine gave them, else the valid answers; who gave neither is not there.
    """
    if item.form not in ("choice", "scale"):
        return {}
    keep, n = list(substantive(item)), len(item.options)
    has_probs = (part["probs"].list.len() == n).fill_null(False).to_numpy()
    taken = part["answer"].fill_null(-1).to_numpy()
    rows = np.zeros((part.height, n))
    rows[has_probs] = part["probs"].filter(has_probs).explode().to_numpy().reshape(-1, n)
    drawn = ~has_probs & (part["status"] == "valid").to_numpy() & (taken >= 0) & (taken < n)
    rows[drawn, taken[drawn]] = 1.0
    rows = rows[:, keep]
    there = rows.sum(axis=1) > 0
    rows = rows[there] / rows[there].sum(axis=1, keepdims=True)
    number: dict[Key, int] = {}
    codes = [number.setdefault(key, len(number)) for key in part.select(by).filter(there).iter_rows()]
    sums = np.zeros((len(number), len(keep)))
    np.add.at(sums, codes, rows)
    return dict(zip(number, sums / np.bincount(codes, minlength=1)[:, None], strict=True)) if number else {}


def expected_scores(item: Item, part: pl.DataFrame, by: Sequence[str] = ("subject",)) -> dict[Key, float]:
    """Score by subject, or by other columns, in scale points or the item's unit; as `option_shares` has them."""
    if item.form == "number":
        valid = part.filter(pl.col("status") == "valid", pl.col("value").is_not_null())
        means = valid.group_by(list(by), maintain_order=True).agg(pl.col("value").mean())
        return {tuple(key): value for *key, value in means.iter_rows()}
    if not is_scored(item):
        return {}
    points = np.array([item.points[k] for k in substantive(item)])
    return {key: float(points @ shares) for key, shares in option_shares(item, part, by).items()}


def measured(measure: Callable[[], Estimate], what: str, target: Target = "model") -> Estimate:
    """What a measure gives; where it refuses, no number and its reason."""
    try:
        return measure()
    except (DesignError, DataError) as error:
        return Estimate(value=float("nan"), estimand=what, target=target, n_units=0, warnings=(str(error),))


def apart(one: Estimate, other: Estimate, what: str, target: Target = "model") -> Estimate:
    """One number less another of other subjects, so that their variances add; no number where one has no error."""
    if one.se is None or other.se is None:
        return measured(_without_error, what, target)
    value, se = one.value - other.value, math.hypot(one.se, other.se)
    return Estimate(
        value=value, se=se, interval=(value - 1.96 * se, value + 1.96 * se), interval_method="normal", estimand=what,
        target=target, n_units=other.n_units if target == "human" else one.n_units + other.n_units,
    )  # fmt: skip


def _without_error() -> Estimate:
    raise DataError("a number has no standard error: too few subjects, or answers that are all alike")


def cautions(found: Iterable[tuple[str, Estimate]]) -> tuple[str, ...]:
    """What the measures warn of, each warning once with the rows it is about."""
    about: dict[str, dict[str, None]] = {}
    for label, estimate in found:
        for warning in estimate.warnings:
            about.setdefault(warning, {})[label] = None
    told = [f"{_some(list(labels))}: {warning}" for warning, labels in about.items()]
    left = len(told) - _MOST_CAUTIONS
    return (*told[:_MOST_CAUTIONS], *((f"{left} more warnings stand with the numbers they are about",) * (left > 0)))


def _some(labels: Sequence[str]) -> str:
    return "; ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")


def told(estimate: Estimate, digits: int = 2) -> str:
    """A number with its interval in a sentence."""
    if estimate.interval is None:
        return f"{estimate.value:.{digits}f}"
    low, high = estimate.interval
    return f"{estimate.value:.{digits}f} (95% interval {low:.{digits}f} to {high:.{digits}f})"


def percent(share: Estimate) -> str:
    """A share with its interval in a sentence."""
    low, high = share.interval or (None, None)
    limits = "" if low is None or high is None else f" (95% interval {100 * low:.1f} to {100 * high:.1f})"
    return f"{100 * share.value:.1f} %{limits}"


def listed(parts: Sequence[str]) -> str:
    """Comma-separated, with "and" before the last."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def unanswered(run: Run) -> str | None:
    """What an analysis says that needs nothing but answers."""
    if run.dispositions():
        return None
    return "nothing was answered yet" if run.items else "nobody is asked in it: rules alone decide"


def tabled(
    forms: Mapping[str, Form],
    rows: Iterable[tuple[Cell, ...]],
    caption: str = "",
    *,
    is_folded: bool = False,
    digits: int = 3,
    side: Side = "",
) -> Table:
    """A table from the names and forms of its columns; shares and numbers are `side`'s where nothing is said."""
    columns = []
    for name, given in forms.items():
        form, whose = given if isinstance(given, tuple) else (given, side if given in ("share", "number") else "")
        columns.append(Column(name=name, form=form, digits=digits, side=whose))
    return Table(columns=tuple(columns), rows=tuple(rows), caption=caption, is_folded=is_folded)

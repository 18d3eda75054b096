"""The rows of a comparison, for the terminal and the page alike."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from proband.estimates import Estimate
from proband.measures.fidelity.ladder.sheets import RUNGS
from proband.records import STATUSES
from proband.reports.comparison import Comparison, ItemComparison

NULL_NAMES: Mapping[str, str] = {
    "uniform": "uniform",
    "majority": "majority",
    "marginal_only": "marginal-only",
}
FURTHER_NULLS: Mapping[str, str] = {"no_persona": "no persona", "demographics_only": "demographics-only"}
FLOOR = "noise_floor"
UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One line of results.

    Attributes
    ----------
    item : str
        Id of the item.
    condition : mapping
        Level of every factor that varies.
    kind : {"share", "mean", "distance", "agreement"}
        Share of one option; mean of a number; total variation distance from people; mean probability of a
        person's own answer.
    label : str
        The option's text, or what the number is.
    people, model : Estimate or None
        None where that side has no such number. A distance and an agreement stand under `model`.
    nulls : mapping
        ``uniform``, ``majority`` and ``marginal_only`` answers, and the ``noise_floor`` of a distance; empty
        for shares and means.
    """

    item: str
    condition: Mapping[str, str]
    kind: Literal["share", "mean", "distance", "agreement"]
    label: str
    people: Estimate | None = None
    model: Estimate | None = None
    nulls: Mapping[str, float] = field(default_factory=dict)


def results_rows(comparison: Comparison) -> list[ResultRow]:
    """Every line of results, item by item: shares or means, then distance and agreement with people.

    Parameters
    ----------
    comparison : Comparison
        From `compare`.

    Returns
    -------
    list of ResultRow
        In the order of the instrument. Items that were not compared with people have no distance and no
        agreement; items without options or numbers have no rows.
    """
    return [row for found in comparison.items for row in item_rows(found)]


def item_rows(found: ItemComparison) -> list[ResultRow]:
    """The lines of one item under one condition; see `results_rows`."""
    where = found.item.id, found.condition
    fidelity = found.fidelity
    people: Sequence[Estimate | None] = (
        fidelity.human_shares if fidelity else [None] * len(found.model_shares)
    )
    rows = [
        _row(where, "share", option, people=theirs, model=ours)
        for option, theirs, ours in zip(found.options, people, found.model_shares, strict=False)
    ]
    if found.model_mean or found.human_mean:
        label = f"mean, {found.item.unit}" if found.item.unit else "mean"
        rows.append(_row(where, "mean", label, people=found.human_mean, model=found.model_mean))
    if fidelity:
        rows.append(_row(where, "distance", "total variation distance", model=fidelity.total_variation))
        rows.append(_row(where, "agreement", "agreement with own answer", model=fidelity.agreement))
    return rows


def _row(
    where: tuple[str, Mapping[str, str]],
    kind: Literal["share", "mean", "distance", "agreement"],
    label: str,
    *,
    people: Estimate | None = None,
    model: Estimate | None = None,
) -> ResultRow:
    nulls = dict(model.baselines) if model and kind in ("distance", "agreement") else {}
    item, condition = where
    return ResultRow(
        item=item, condition=condition, kind=kind, label=label, people=people, model=model, nulls=nulls
    )


def row_cells(row: ResultRow) -> tuple[str, str, str, str]:
    """Item, label, people and model of a row as text; null rows and the floor follow a distance."""
    as_text = percent if row.kind == "share" else decimal
    model = as_text(row.model)
    if row.nulls:
        nulls = [f"{NULL_NAMES[name]} {row.nulls[name]:.3f}" for name in NULL_NAMES if name in row.nulls]
        floor = [f"noise floor {row.nulls[FLOOR]:.3f}"] if FLOOR in row.nulls else []
        model += f" ({', '.join([*nulls, *floor])})"
    condition = condition_text(row.condition)
    return f"{row.item} ({condition})" if condition else row.item, row.label, as_text(row.people), model


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderLine:
    """One line of the ladder: rung, what the number is, the model's number, null rows and floor.

    `estimate` is None on the line of a rung that was not tested; `reason` then says why.
    """

    rung: str
    label: str = ""
    estimate: Estimate | None = None
    nulls: Mapping[str, float] = field(default_factory=dict)
    floor: float | None = None
    reason: str = ""


def ladder_lines(comparison: Comparison) -> list[LadderLine]:
    """The ladder from its lowest rung, what is about all items together; untested rungs with their reason."""
    ladder = comparison.ladder
    if ladder is None:
        return []
    lines = []
    for rung in RUNGS:
        if rung in ladder.not_tested:
            lines.append(LadderLine(rung=rung, reason=ladder.not_tested[rung]))
        for row in ladder.rung(rung, summary=True):
            where = ", ".join(part for part in (row.item, row.group, condition_text(row.condition)) if part)
            lines.append(
                LadderLine(
                    rung=rung,
                    label=f"{row.statistic} ({where})" if where else row.statistic,
                    estimate=row.estimate,
                    nulls={k: v for k, v in row.nulls.items() if math.isfinite(v)},
                    floor=row.noise_floor if math.isfinite(row.noise_floor) else None,
                )
            )
    return lines


def disposition_rows(comparison: Comparison) -> list[tuple[str, Mapping[str, int]]]:
    """What became of the model's responses: item and condition, count of every status, zeros included."""
    rows = [(_title(found), found.dispositions) for found in comparison.items]
    if len(rows) > 1:
        rows.append(("all items", comparison.dispositions))
    return [(title, {status: counts.get(status, 0) for status in STATUSES}) for title, counts in rows]


def condition_text(condition: Mapping[str, str]) -> str:
    """A condition in words, e.g. ``frame = gain, order = reversed``; empty where nothing varies."""
    return ", ".join(f"{factor} = {level}" for factor, level in condition.items())


def percent(estimate: Estimate | None) -> str:
    """A share and its interval in percent, e.g. ``46.2 % [38.0, 54.6]``; empty where there is none.

    Examples
    --------
    >>> percent(Estimate(value=0.462, interval=(0.38, 0.546), estimand="share", target="model", n_units=9))
    '46.2 % [38.0, 54.6]'
    """
    if estimate is None:
        return ""
    if math.isnan(estimate.value):
        return UNDEFINED
    return f"{100 * estimate.value:.1f} %" + _limits(estimate, 100, 1)


def decimal(estimate: Estimate | None, digits: int = 3) -> str:
    """A number and its interval, e.g. ``0.120 [0.051, 0.203]``; empty where there is none."""
    if estimate is None:
        return ""
    if math.isnan(estimate.value):
        return UNDEFINED
    if math.isinf(estimate.value):
        return "infinite"
    return f"{estimate.value:.{digits}f}" + _limits(estimate, 1, digits)


def _limits(estimate: Estimate, factor: float, digits: int) -> str:
    if estimate.interval is None:
        return ""
    low, high = estimate.interval
    return f" [{factor * low:.{digits}f}, {factor * high:.{digits}f}]"


def _title(found: ItemComparison) -> str:
    condition = condition_text(found.condition)
    return f"{found.item.id} ({condition})" if condition else found.item.id

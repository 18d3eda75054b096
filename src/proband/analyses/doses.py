"""Dose and response: how an outcome moves with how much of a factor a subject saw."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl

from proband.analyses.answers import Factor, answers, cautions, factors, measured, told
from proband.analyses.effects import Outcome, outcomes
from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table, limits
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import clustered_mean, clustered_regression
from proband.runs.run import Run


def doses_of(run: Run) -> Mapping[str, Mapping[str, float]]:
    """Factor -> level -> dose, as the design says."""
    return (run.manifest.get("design") or {}).get("doses") or {}


def needs(run: Run) -> str | None:
    """A factor whose levels are amounts."""
    if not doses_of(run):
        return "no factor of this run has doses; `[experiment.doses]` says how much each level is"
    if not run.dispositions():
        return "nothing was answered yet"
    return None if outcomes(run) else "no item of this run has a score or options whose shares could be compared"


def sections(run: Run) -> Sequence[Section]:
    """One section a factor with doses."""
    known = {factor.name: factor for factor in factors(run)}
    return [_section(run, known[name], doses) for name, doses in doses_of(run).items() if name in known]


def _section(run: Run, factor: Factor, doses: Mapping[str, float]) -> Section:
    table = answers(run).filter(pl.col(factor.column).is_in(list(doses)))
    rows, points = list[tuple[Cell, ...]](), list[dict[str, object]]()
    trends: list[tuple[str, Estimate, bool]] = []
    for outcome in outcomes(run):
        y, x, units = _by_dose(table, factor, doses, outcome)
        judged = y, x, units
        slope = measured(lambda judged=judged: _slope(*judged), f"change of {outcome.name} per unit of dose")  # type: ignore[misc]
        means = {dose: _mean(y, x, units, dose, outcome) for dose in sorted(set(x))}
        values = [mean.value for mean in means.values()]
        steps = np.sign(np.diff(values))
        is_ordered = len(values) > 1 and (bool((steps >= 0).all()) or bool((steps <= 0).all()))
        bend = measured(lambda judged=judged: _bend(*judged), f"bend of {outcome.name} over doses")  # type: ignore[misc]
        rows.append((outcome.name, slope, slope.p_value, bend.p_value))
        trends.append((outcome.name, slope, is_ordered))
        points += [{"x": dose, "y": mean.value, "series": outcome.name, **limits(mean)} for dose, mean in means.items()]
    caption = f"Change of every outcome with one unit more of {factor.name}"
    columns = (
        Column(name="outcome", form="text"),
        Column(name="slope", side="model"),
        Column(name="p", form="p"),
        Column(name="p, a line is enough", form="p"),
    )
    said = [
        f"{name} moves by {told(slope, 4)} with each unit of {factor.name}; its means are "
        f"{'in order' if is_ordered else 'not in order'}."
        for name, slope, is_ordered in trends[:6]
        if not math.isnan(slope.value)
    ]
    return Section(
        name=f"doses-{factor.name}",
        heading=f"Dose and response: {factor.name}",
        chapter="Effects",
        sentences=tuple(said),
        table=Table(columns=columns, rows=tuple(rows), caption=caption),
        figure=Figure(form="lines", rows=tuple(points), caption=f"Mean of every outcome by {factor.name}"),
        keys={"factor": factor.name},
        notes=(
            "The slope is of a straight line with errors clustered by unit (CR2). Whether a line is enough is a joint "
            "test of what the means of single doses add to it; it takes three doses.",
        ),
        warnings=cautions((name, slope) for name, slope, _ in trends),
    )


def _by_dose(
    table: pl.DataFrame, factor: Factor, doses: Mapping[str, float], outcome: Outcome
) -> tuple[list[float], list[float], list[str]]:
    y, x, units = list[float](), list[float](), list[str]()
    for level, dose in doses.items():
        for unit, score in outcome.scores(table.filter(pl.col(factor.column) == level), "unit").items():
            y.append(score)
            x.append(float(dose))
            units.append(unit)
    return y, x, units


def _slope(y: Sequence[float], x: Sequence[float], units: Sequence[str]) -> Estimate:
    return clustered_regression(y, {"1": np.ones(len(y)), "dose": x}, cluster=list(units))["dose"]


def _bend(y: Sequence[float], x: Sequence[float], units: Sequence[str]) -> Estimate:
    """Joint test of all doses but two beside the line."""
    doses = sorted(set(x))
    if len(doses) < 3:
        raise DataError("two doses lie on a line; a bend takes three")
    steps = {f"at {dose:g}": np.equal(x, dose).astype(float) for dose in doses[1:-1]}
    return clustered_regression(y, {"1": np.ones(len(y)), "dose": x, **steps}, cluster=list(units)).joint(list(steps))


def _mean(y: Sequence[float], x: Sequence[float], units: Sequence[str], dose: float, outcome: Outcome) -> Estimate:
    at = [k for k, value in enumerate(x) if value == dose]
    mean = partial(clustered_mean, is_share=outcome.is_share)
    return measured(lambda: mean([y[k] for k in at], [units[k] for k in at]), f"mean of {outcome.name}")


ANALYSIS = Analysis(
    name="doses",
    about="how outcomes move with the dose of a factor: slope, and whether means are in order",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

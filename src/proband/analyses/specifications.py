"""Specification curves of a run: each effect under every way of asking that it varied, and all of them together."""

import itertools
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import Factor, answers, factors, percent, told
from proband.analyses.effects import Outcome, outcomes
from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table, limits
from proband.errors import DataError, DesignError
from proband.measures import SpecificationCurve, specification_curve
from proband.runs.run import Run
from proband.runs.side_by_side import ENGINE, SideBySide

_WAYS = ("presentation", "answer_by", "persona", "order", "labels")
_MOST_SPECIFICATIONS = 5_000


def ways(run: Run) -> tuple[Factor, ...]:
    """What varied in how was asked: the engine, settings of surveys, factors whose levels are said to mean the same."""
    materials = (run.manifest.get("design") or {}).get("materials") or {}
    same = {name for name, known in materials.items() if known["role"] in ("paraphrase", "isomorph")}
    if isinstance(run, SideBySide):
        same.add(ENGINE)
    return tuple(factor for factor in factors(run) if factor.name in _WAYS or factor.name in same)


def treatments(run: Run) -> tuple[Factor, ...]:
    """What the run varied to see its effect."""
    asked = {factor.name for factor in ways(run)}
    return tuple(factor for factor in factors(run) if factor.name not in asked)


def needs(run: Run) -> str | None:
    """A treatment, and more than one way of asking."""
    if not run.dispositions():
        return "nothing was answered yet"
    if not ways(run) or not treatments(run):
        return (
            "a specification curve needs a factor and several ways to ask, e.g. persona = [...], answer_by = [...], "
            "paraphrases, or the study on other engines (`proband measure RUN --against RUN`)"
        )
    return None if outcomes(run) else "no item of this run has a score or options whose shares could be compared"


def sections(run: Run) -> Sequence[Section]:
    """One section a level of a treatment, with all outcomes as specifications of their own curve."""
    table = answers(run)
    found = []
    for factor, outcome in itertools.product(treatments(run), outcomes(run)):
        for level in factor.levels[1:]:
            section = _section(run, table, (factor, level), outcome)
            found += [] if section is None else [section]
    return found


def _section(run: Run, table: pl.DataFrame, treatment: tuple[Factor, str], outcome: Outcome) -> Section | None:
    factor, level = treatment
    varied = ways(run)
    rows = table.filter(pl.col(factor.column).is_in([level, factor.levels[0]]), pl.col("item") == outcome.item.id)
    names = [settings for settings in itertools.product(*(way.levels for way in varied))]
    names = names[:_MOST_SPECIFICATIONS]
    try:
        curve, labels = _curve(run, rows, treatment, outcome, names)
    except (DataError, DesignError):
        return None  # effects say why there is nothing to compare
    order = np.argsort([e.value for e in curve.estimates])
    cells: list[tuple[Cell, ...]] = [(*labels[k], curve.estimates[k], curve.estimates[k].p_value) for k in order]
    caption = f"Effect of {level} on {outcome.name} under each of {len(labels)} ways to ask"
    medians = curve.median
    values = sorted(e.value for e in curve.estimates)
    return Section(
        name=f"specifications-{factor.name}-{level}-{outcome.name}".replace(" ", "-").replace(":", ""),
        heading=f"Every way to ask: {level} on {outcome.name}",
        chapter="Effects",
        sentences=(
            f"Under {len(labels)} ways to ask ({' x '.join(way.name for way in varied)}), the effect of {level} on "
            f"{outcome.name} reaches from {values[0]:.3f} to {values[-1]:.3f}; its median is {told(medians, 3)} "
            f"(joint p = {medians.p_value:.3f}).",
            f"{percent(curve.same_sign)} of them have the sign of the median, and {percent(curve.significant)} are "
            f"significant in that direction, alone (joint p = {curve.significant.p_value:.3f}).",
        ),
        table=Table(
            columns=(
                *(Column(name=way.name, form="text") for way in varied),
                Column(name="effect", side="model"),
                Column(name="p", form="p"),
            ),
            rows=tuple(cells),
            caption=caption,
            is_folded=True,
        ),
        figure=Figure(
            form="intervals",
            rows=tuple({"label": ", ".join(labels[k]), "side": "model", **limits(curve.estimates[k])} for k in order),
            caption=caption,
        ),
        keys={"factor": factor.name, "level": level, "outcome": outcome.name},
        notes=(
            "Joint p values compare with assignments by chance, the same one under every way to ask; single intervals "
            "are not adjusted.",
        ),
    )


def _curve(
    run: Run, rows: pl.DataFrame, treatment: tuple[Factor, str], outcome: Outcome, names: Sequence[tuple[str, ...]]
) -> tuple[SpecificationCurve, list[tuple[str, ...]]]:
    """The curve, over units that have one level or, where they have both, over their differences."""
    factor, level = treatment
    columns = [way.column for way in ways(run)]
    units = sorted(set(rows["unit"]))
    place = {unit: k for k, unit in enumerate(units)}
    sides: list[NDArray[np.float64]] = []
    for at in (level, factor.levels[0]):
        side = np.full((len(units), len(names)), np.nan)
        parts = rows.filter(pl.col(factor.column) == at).partition_by(columns, as_dict=True)
        for k, settings in enumerate(names):
            if (part := parts.get(settings)) is not None:
                for unit, score in outcome.scores(part, "unit").items():
                    side[place[unit], k] = score
        sides.append(side)
    is_within = bool((np.isfinite(sides[0]).any(axis=1) & np.isfinite(sides[1]).any(axis=1)).any())
    treated: list[bool] | None = None
    y, counts = sides[0] - sides[1], [np.isfinite(side).sum(axis=0) for side in sides]
    if is_within:
        counts = [np.isfinite(y).sum(axis=0)]
    else:
        y = np.where(np.isfinite(sides[0]), sides[0], sides[1])
        treated = [bool(np.isfinite(unit).any()) for unit in sides[0]]
    kept = np.min(counts, axis=0) >= 2
    labels = [settings for settings, keep in zip(names, kept, strict=True) if keep]
    block = _blocks(run, units)
    curve = specification_curve(
        y[:, kept], treated, names=[", ".join(settings) for settings in labels], blocks=None if is_within else block
    )
    return curve, labels


def _blocks(run: Run, units: Sequence[str]) -> list[str] | None:
    """Block of every unit, where the design assigned within blocks."""
    found = {run.roster.units.get(subject, subject): known.get("block") for subject, known in run.traits.items()}
    blocks = [found.get(unit) for unit in units]
    return None if None in blocks else [str(block) for block in blocks]


ANALYSIS = Analysis(
    name="specifications",
    about="each effect under every way to ask that the run varied, and what all of them say together",
    needs=needs,
    sections=sections,
    is_quiet=True,
    is_over_engines=True,
)

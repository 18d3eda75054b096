"""Two portraits side by side: what differs by item and context, with the interval of the difference."""

import math
from collections.abc import Sequence

import polars as pl

from proband.analyses.answers import cautions, measured, tabled
from proband.analyses.portrayed import Trait, design_of, methods_of, traits_of
from proband.analyses.section import Cell, Figure, Section, limits
from proband.analyses.traits import mean_of
from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures import context_study
from proband.portraits.portrait import Portrayed

_MOST_SENTENCES = 8
_ONE = ("battery", "seed", "instrument_hash")  # what two runs must have in common to be compared item by item


def difference(one: Trait, other: Trait) -> Estimate:
    """Mean difference of two engines over the items and contexts that both answered.

    Raises
    ------
    DesignError
        If there are none, or the contexts do not vary.
    """
    on = [*(factor.column for factor in one.factors), "item"]
    joined = one.frame.join(other.frame, on=on, suffix="_other").with_columns(
        score=pl.col("score") - pl.col("score_other")
    )
    if joined.is_empty():
        raise DesignError("no item was answered by both in the same context")
    return context_study(joined, one.columns, scores="score", complete=one.complete).mean


def compared(done: Sequence[Portrayed], others: Sequence[Portrayed], name: str, other_name: str) -> Section:
    """Every scale of the batteries that both were asked."""
    beside = {one.battery.name: one for one in others}
    rows: list[tuple[Cell, ...]] = []
    found, notes = list[tuple[str, Estimate, Estimate | None]](), list[str]()
    for one in done:
        other = beside.get(one.battery.name)
        if one.run is None or other is None or other.run is None or one.battery.instrument is None:
            continue
        if differs := [key for key in _ONE if design_of(one.run).get(key) != design_of(other.run).get(key)]:
            notes.append(
                f"{one.battery.name} is not compared: both runs have a {differs[0].replace('_', ' ')} of their own."
            )
            continue
        if methods_of(one.run)[:1] != methods_of(other.run)[:1]:
            notes.append(f"{one.battery.name}: one engine answered by probabilities, the other in writing.")
        for a, b in zip(traits_of(one.run), traits_of(other.run), strict=True):
            gap = measured(lambda a=a, b=b: difference(a, b), f"difference in {a.name}")  # type: ignore[misc]
            sd = a.people("sd")
            in_sd = None if not sd or math.isnan(gap.value) else gap.value / sd
            label = f"{one.battery.name}: {a.name}"
            rows.append((label, mean_of(a), mean_of(b), gap, in_sd))
            found.append((label, gap, None))
    forms = {
        "scale": "text", name: ("number", "model"), other_name: ("number", "model"), "difference": "number",
        "in people's SD": "number",
    }  # fmt: skip
    apart = [(label, gap) for label, gap, _ in found if gap.interval and not gap.interval[0] <= 0 <= gap.interval[1]]
    apart.sort(key=lambda pair: -abs(pair[1].value))
    return Section(
        name="portrait-beside",
        heading=f"{name} beside {other_name}",
        sentences=(
            f"Of {len(found)} scales {len(apart)} differ by more than contexts do.",
            *(
                f"{label}: {name} is {'above' if gap.value > 0 else 'below'} {other_name} by {abs(gap.value):.2f}."
                for label, gap in apart[:_MOST_SENTENCES]
            ),
        ),
        table=tabled(forms, rows, "Scales of both engines, and the paired difference", digits=2),  # type: ignore[arg-type]
        figure=Figure(
            form="intervals",
            rows=tuple({"label": label, "side": "model", **limits(gap)} for label, gap, _ in found if gap.n_units),
            caption=f"{name} minus {other_name}, each in the unit of its scale",
        )
        if found
        else None,
        notes=(
            "Differences are paired: the same item in the same context. Intervals are about other contexts like these.",
            *notes,
        ),
        warnings=cautions((label, gap) for label, gap, _ in found),
    )

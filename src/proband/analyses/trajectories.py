"""How societies went: their measures by round and arm, with bands over societies, and people beside where they are."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import tabled, told
from proband.analyses.lived import (
    OTHERS,
    REPLICATES,
    UNITS,
    Lived,
    bootstrapped,
    few,
    few_drawn,
    label,
    needing,
    over_societies,
    spaced,
)
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, limits
from proband.estimates import Estimate
from proband.runs.run import Run

_CHAPTER = "Trajectories"
_MOST_MEASURES = 12
_DRAWN, _TABLED = 40, 16  # rounds
_ENDED = "A society that has come to its end stays as it was."


def sections(run: Run) -> Sequence[Section]:
    """A curve for each measure that varies; and columns of agents beside those of people."""
    lived = Lived(run)
    found = [_curve(lived, name) for name in lived.varying[:_MOST_MEASURES]]
    if lived.lost_people and found:
        gone = f"{lived.lost_people} is not there any more, so no people stand beside; put it back, and measure again"
        found[0] = replace(found[0], warnings=(*found[0].warnings, gone))
    left = lived.varying[_MOST_MEASURES:]
    if left:
        note = f"Not drawn: {', '.join(left)}; `States(run).measures()` has them."
        found[-1] = replace(found[-1], notes=(*found[-1].notes, note))
    return [*found, *_beside(lived)]


def _curve(lived: Lived, name: str) -> Section:
    frame = lived.measures.filter(pl.col("arm").is_in(lived.arms))
    rounds = spaced(frame["round"].to_list(), _DRAWN)
    groups = {
        (arm, round): found
        for arm, round, found in frame.group_by("arm", "round", maintain_order=True).agg(name).iter_rows()
    }
    points: list[dict[str, Any]] = []
    rows: list[tuple[Cell, ...]] = []
    shown, firsts = set(spaced(rounds, _TABLED)), dict[str, tuple[int, Estimate]]()
    lasts: dict[str, tuple[int, Estimate]] = {}
    for arm in lived.arms:
        start = lived.fork(arm)[1] - 1 if arm else 0
        for round in rounds:
            if round < start:
                continue
            mean = over_societies(groups.get((arm, round), ()), f"mean {name} over societies after round {round}")
            if np.isnan(mean.value):
                continue
            points.append({"x": round, "series": label(arm), **limits(mean, "y")})
            if round in shown:
                rows.append((label(arm), round, mean))
            firsts.setdefault(arm, (round, mean))
            lasts[arm] = round, mean
    said = [f"{label(arm)}: from {firsts[arm][1].value:.3f} after round {firsts[arm][0]} to "
            f"{told(lasts[arm][1], 3)} after round {lasts[arm][0]}." for arm in lasts]  # fmt: skip
    caption = f"{name} by round; bands are 95 % intervals over {lived.n} societies"
    forms: dict[str, CellForm] = {"arm": "text", "round": "count", name: "number"}
    return Section(
        name=f"trajectory-{name}".replace(" ", "-"),
        heading=name,
        chapter=_CHAPTER,
        sentences=tuple(said),
        table=tabled(forms, rows, f"{name} by round", is_folded=True, side="model"),
        figure=Figure(
            form="lines", rows=tuple(points), caption=caption,
            options={"x_title": "round", "y_title": name, "is_band": True},
        ),
        keys={"measure": name},
        notes=(UNITS, _ENDED) if name == lived.varying[0] else (),
        warnings=few(lived.n),
    )  # fmt: skip


def _beside(lived: Lived) -> list[Section]:
    """Means of what was kept of agents by round, beside people's in their sessions."""
    people = lived.people
    if people is None:
        return []
    # What another did is what that one did itself: its curve is the same.
    columns = [name for name in people.columns if name in lived.columns and not name.startswith(OTHERS)]
    own = (
        lived.states.scan("agents").filter(pl.col("arm") == "").group_by("society", "round", maintain_order=True)
        .agg(pl.col(columns).cast(pl.Float64).fill_nan(None).mean()).collect()
    )  # fmt: skip
    theirs = people.group_by("society", "round", maintain_order=True).agg(pl.col(columns).fill_nan(None).mean())
    found = [made for name in columns if (made := _column_beside(lived, name, own, theirs)) is not None]
    return [*found[:1], *(replace(made, notes=()) for made in found[1:])]


def _by_round(frame: pl.DataFrame, name: str, rounds: Sequence[int]) -> NDArray[np.float64]:
    """Means by society and round."""
    wide = frame.select("society", "round", name).pivot("round", index="society", values=name)
    return wide.select(pl.col(str(round)) for round in rounds).to_numpy().astype(float)


def _column_beside(lived: Lived, name: str, own: pl.DataFrame, theirs: pl.DataFrame) -> Section | None:
    has = [frame.filter(pl.col(name).is_not_null())["round"].unique().to_list() for frame in (own, theirs)]
    rounds = sorted(set(has[0]) & set(has[1]))
    if not rounds:
        return None
    model, people = _by_round(own, name, rounds), _by_round(theirs, name, rounds)
    points, rows = list[dict[str, Any]](), list[tuple[Cell, ...]]()
    for k, round in enumerate(rounds):
        at = over_societies(model[:, k].tolist(), f"mean {name} after round {round}")
        of = over_societies(people[:, k].tolist(), f"mean {name} of people in round {round}", "human")
        points += [{"x": round, "series": side, **limits(mean, "y")} for side, mean in (("model", at), ("people", of))]
        rows.append((round, at, of))
    far = _distance(model, people, name)
    return Section(
        name=f"trajectory-people-{name}",
        heading=f"{name}, beside people",
        chapter=_CHAPTER,
        sentences=(f"{name}: the mean of agents is {told(far, 3)} from that of people, on average over rounds.",),
        table=tabled(
            {"round": "count", "agents": ("number", "model"), "people": ("number", "people")}, rows,
            f"Mean {name} by round", is_folded=True,
        ),
        figure=Figure(
            form="lines", rows=tuple(points), caption=f"Mean {name} of agents and of people by round",
            options={"x_title": "round", "y_title": name, "is_band": True},
        ),
        keys={"column": name},
        notes=(
            UNITS,
            "The distance is the mean absolute difference of the two curves; its limits are percentiles of "
            f"{REPLICATES:,} draws of societies and of people's sessions. Noise alone makes it larger than 0.",
        ),
        warnings=few_drawn(min(len(model), len(people))),
    )  # fmt: skip


def _distance(model: NDArray[np.float64], people: NDArray[np.float64], name: str) -> Estimate:
    """Mean absolute difference between two curves."""
    return bootstrapped(
        lambda one, other: float(np.abs(np.nanmean(one, axis=0) - np.nanmean(other, axis=0)).mean()), (model, people),
        f"mean absolute difference of {name} between agents and people over rounds",
    )  # fmt: skip


ANALYSIS = Analysis(
    name="trajectories",
    about="measures of societies by round and arm, with bands over societies; people's sessions beside",
    needs=needing(lambda lived: bool(lived.varying or lived.people is not None), "nothing measured varies in it"),
    sections=sections,
    is_quiet=True,
)

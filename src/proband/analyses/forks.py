"""Arms of societies against the arm they leave: effects paired by society, and agents who end otherwise."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from proband.analyses.answers import Form, measured, tabled, told
from proband.analyses.lived import UNITS, Lived, bootstrapped, few, few_drawn, label, needing, over_societies, spaced
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, limits
from proband.estimates import Estimate
from proband.measures import paired_difference
from proband.runs.run import Run

_CHAPTER = "Arms"
_MOST_DRAWN = 4  # measures whose effect is drawn by round
_ROUNDS = 40
_AS_BEFORE = 1e-9


def sections(run: Run) -> Sequence[Section]:
    """For every arm, what differs from the one it leaves, by measure; and by round for what differs most."""
    lived = Lived(run)
    return [section for arm in lived.arms[1:] for section in _arm(lived, arm)]


def effect(measures: pl.DataFrame, name: str, arm: str, parent: str, rounds: Sequence[int]) -> Estimate:
    """Mean difference of a measure between an arm and its parent over some rounds, paired by society.

    Parameters
    ----------
    measures : polars.DataFrame
        As `States.measures`: society, arm, round and the measure.
    name, arm, parent : str
        The measure, and the arms.
    rounds : sequence of int
        Over which each society's difference is averaged first.
    """
    what = f"mean difference of {name}, {label(arm)} less {label(parent)}, over societies"
    first, second = (_means(measures, name, which, rounds) for which in (arm, parent))
    both = sorted(first.keys() & second.keys())
    return measured(lambda: paired_difference([first[k] for k in both], [second[k] for k in both]), what)


def _means(measures: pl.DataFrame, name: str, arm: str, rounds: Sequence[int]) -> dict[int, float]:
    rows = measures.filter(pl.col("arm") == arm, pl.col("round").is_in(list(rounds)), pl.col(name).is_not_null())
    rows = rows.filter(~pl.col(name).is_nan()).group_by("society", maintain_order=True).agg(pl.col(name).mean())
    return dict(rows.iter_rows())


def _arm(lived: Lived, arm: str) -> list[Section]:
    parent, start = lived.fork(arm)
    names = [name for name in lived.varying if name not in ("cells", "cell error")]
    since = sorted({round for round in lived.measures["round"].to_list() if round >= start})
    if not names or not since:
        return []
    rows: list[tuple[Cell, ...]] = []
    ratios, ends = list[float](), dict[str, Estimate]()
    for name in names:
        end = effect(lived.measures, name, arm, parent, since[-1:])
        mean = effect(lived.measures, name, arm, parent, since)
        paired, apart = spreads(lived.measures, name, arm, parent, since[-1])
        if np.isnan(end.value):
            continue
        ends[name] = end
        rows.append((name, end, mean, paired, apart))
        if paired and apart:
            ratios.append(apart / paired)
    said = [f"{name}: {told(end, 3)} in the last round." for name, end in ends.items() if _is_clear(end)]
    if ratios:
        said.append(
            f"Pairing by society makes the standard deviation of an effect {np.median(ratios):.2g} times smaller than "
            "that of independent runs (median over measures)."
        )
    forms: dict[str, CellForm] = {"measure": "text", f"in round {since[-1]}": "number", "since the fork": "number"}
    forms |= {"SD paired": "number", "SD if independent": "number"}
    heading = f"{label(arm)}, against {label(parent)}"
    noted = f"The arm leaves in round {start}; before it both are the same, asked once."
    found = [
        Section(
            name=f"fork-{arm}".replace(" ", "-"), heading=heading, chapter=_CHAPTER,
            sentences=tuple(said) or ("No measure clearly differs in the last round.",),
            table=tabled(forms, rows, "Differences, paired by society", side="model"),
            keys={"arm": arm}, notes=(UNITS, noted), warnings=few(lived.n),
            methods=("Arms were compared by paired differences over societies, which share all chance.",),
        )
    ]  # fmt: skip
    largest = sorted(ends, key=lambda name: -_size(ends[name]))[:_MOST_DRAWN]
    drawn = [name for name in names if name in largest]
    found += [_by_round(lived, arm, parent, name, since, noted) for name in drawn]
    return [*found, *_agents(lived, arm, parent, start), *_beside(lived, arm, parent, since)]


def spreads(measures: pl.DataFrame, name: str, arm: str, parent: str, round: int) -> tuple[float | None, float | None]:
    """Standard deviation of an effect in one society: paired, and as if the arms were runs of their own."""
    first, second = (_means(measures, name, which, [round]) for which in (arm, parent))
    both = sorted(first.keys() & second.keys())
    if len(both) < 2:
        return None, None
    a, b = (np.array([side[k] for k in both]) for side in (first, second))
    return float((a - b).std(ddof=1)), float(np.sqrt(a.var(ddof=1) + b.var(ddof=1)))


def _is_clear(found: Estimate) -> bool:
    return found.interval is not None and not found.interval[0] <= 0 <= found.interval[1]


def _size(found: Estimate) -> float:
    return abs(found.value) / found.se if found.se else abs(found.value)


def _by_round(lived: Lived, arm: str, parent: str, name: str, since: Sequence[int], noted: str) -> Section:
    rounds = [since[0] - 1, *spaced(since, _ROUNDS)]
    effects = {round: effect(lived.measures, name, arm, parent, [round]) for round in rounds}
    points = [
        {"x": k, "series": name, **limits(found, "y")} for k, found in effects.items() if not np.isnan(found.value)
    ]
    caption = f"Effect of {label(arm)} on {name}, by round"
    return Section(
        name=f"fork-{arm}-{name}".replace(" ", "-"), heading=f"{name}, by round", chapter=_CHAPTER,
        sentences=(f"After round {rounds[-1]}: {told(effects[rounds[-1]], 3)}.",),
        table=tabled({"round": "count", "difference": "number"}, list(effects.items()), caption, is_folded=True,
                     side="model"),
        figure=Figure(form="lines", rows=tuple(points), caption=caption,
                      options={"x_title": "round", "y_title": f"difference of {name}", "is_band": True}),
        keys={"arm": arm, "measure": name}, notes=(noted,),
    )  # fmt: skip


def _agents(lived: Lived, arm: str, parent: str, start: int) -> list[Section]:
    """Agents who are otherwise than the same agents in the parent."""
    if not lived.columns:
        return []
    rows = lived.agents(*lived.columns).filter(pl.col("arm").is_in([arm, parent]))
    last = rows.group_by("society", "arm").agg(pl.col("round").max().alias("end"))
    ended = rows.join(last, on=["society", "arm"], maintain_order="left").filter(pl.col("round") == pl.col("end"))
    two = [ended.filter(pl.col("arm") == which).drop("arm", "round", "end") for which in (arm, parent)]
    both = two[0].join(two[1], on=["society", "number"], suffix=" there", maintain_order="left")
    if both.is_empty():
        return []
    table: list[tuple[Cell, ...]] = []
    for name in lived.columns:
        gap = (pl.col(name) - pl.col(f"{name} there")).abs()
        is_other = pl.when(pl.col(name).is_null() != pl.col(f"{name} there").is_null()).then(True).otherwise(
            (gap > _AS_BEFORE).fill_null(False)
        )  # fmt: skip
        by = both.group_by("society", maintain_order=True).agg(
            is_other.mean().alias("differs"), gap.mean().alias("gap")
        )
        share = over_societies(
            by["differs"].to_list(), f"share of agents whose {name} differs at the end", is_share=True
        )
        table.append((name, share, over_societies(by["gap"].to_list(), f"mean absolute difference of {name}")))
    forms: dict[str, CellForm] = {"column": "text", "agents who differ": "share", "mean difference": "number"}
    return [
        Section(
            name=f"fork-agents-{arm}".replace(" ", "-"), heading=f"Agents who end otherwise: {label(arm)}",
            chapter=_CHAPTER,
            sentences=tuple(f"{row[0]}: {100 * row[1].value:.1f} % of agents differ." for row in table[:3]
                            if isinstance(row[1], Estimate)),
            table=tabled(forms, table, "The same agents in both arms, at the end", side="model"), keys={"arm": arm},
            notes=("Agents are compared with themselves: both arms draw by the same numbers.",
                   f"The arm leaves in round {start}."),
        )
    ]  # fmt: skip


def _beside(lived: Lived, arm: str, parent: str, since: Sequence[int]) -> list[Section]:
    """What the arm does to agents, beside what it does to people in sessions of their own."""
    theirs = [people for which in (arm, parent) if (people := lived.people_in(which)) is not None]
    if len(theirs) < 2:
        return []
    table: list[tuple[Cell, ...]] = []
    for name in (name for name in theirs[0].columns if name in lived.columns):
        rows = lived.states.scan("agents").select("society", "arm", "round", pl.col(name).cast(pl.Float64)).collect()
        first, second = (_means(rows, name, which, since) for which in (arm, parent))
        own = np.array([first[k] - second[k] for k in sorted(first.keys() & second.keys())])
        sides = [np.array([*_means(part.with_columns(arm=pl.lit("")), name, "", since).values()]) for part in theirs]
        if not own.size or not all(side.size for side in sides):
            continue
        what = f"effect of {label(arm)} on {name}"
        of_people = bootstrapped(lambda one, other: float(one.mean() - other.mean()), sides, f"{what} on people")
        off = bootstrapped(
            lambda agents, one, other: float(agents.mean() - one.mean() + other.mean()), [own, *sides],
            f"{what}, agents less people",
        )  # fmt: skip
        table.append((name, over_societies(own.tolist(), what), of_people, off))
    forms: dict[str, Form] = {"column": "text", "agents": ("number", "model"), "people": ("number", "people")}
    said = [
        f"{name}: the effect on agents less that on people is {told(off, 3)}."
        for name, _, _, off in table
        if isinstance(off, Estimate)
    ]
    return [
        Section(
            name=f"fork-people-{arm}".replace(" ", "-"), heading=f"{label(arm)}: effects beside those on people",
            chapter=_CHAPTER, sentences=tuple(said),
            table=tabled({**forms, "agents less people": "number"}, table, "Mean differences since the fork"),
            keys={"arm": arm}, warnings=few_drawn(min([lived.n, *(part["society"].n_unique() for part in theirs)])),
            notes=("Societies are paired, people's sessions are not. Limits are percentiles of draws of societies and "
                   "of sessions.",),
        )
    ]  # fmt: skip


ANALYSIS = Analysis(
    name="forks",
    about="arms of societies against the arm they leave: effects paired by society, and agent by agent",
    needs=needing(lambda lived: len(lived.arms) > 1, "no arm leaves another in it"),
    sections=sections,
    is_quiet=True,
)

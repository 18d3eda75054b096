"""What agents do next, by what they or the others did last: tables of probabilities, beside those of people."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import listed, measured, tabled, told
from proband.analyses.lived import (
    MOST_AGENTS,
    OTHERS,
    UNITS,
    Lived,
    bootstrapped,
    few,
    few_drawn,
    label,
    needing,
    within,
)
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.estimates import Estimate, Target
from proband.measures import total_variation, weighted_mean
from proband.runs.run import Run

_CHAPTER = "From one round to the next"
_MOST_LEVELS = 7
_MOST_COLUMNS = 6
Floats = NDArray[np.float64]
Counts = Mapping[float, Mapping[int, Floats]]  # situation -> society -> how often each action followed


def sections(run: Run) -> Sequence[Section]:
    """For every column of few levels, its next level by its last one, and by what others did."""
    lived = Lived(run)
    found: list[Section] = []
    columns = _few_levels(lived)
    actions = [name for name in columns if not name.startswith(OTHERS)][:_MOST_COLUMNS]
    for action in actions:
        for last in (action, *(name for name in columns if name.startswith(OTHERS))):
            found += _section(lived, action, last)
    return found


def _few_levels(lived: Lived) -> list[str]:
    """Columns with at least 2 and at most 7 values, those that change in time among them."""
    names = lived.columns
    if not names or lived.last_round < 2:
        return []
    rows = lived.agents(*names)
    n = {name: rows[name].drop_nulls().n_unique() for name in names}
    changes = rows.group_by("society", "arm", "number").agg(pl.col(names).drop_nulls().n_unique()).select(names).max()
    return [name for name in names if 2 <= n[name] <= _MOST_LEVELS and (changes[name].item() or 0) > 1]


def following(rows: pl.DataFrame, action: str, last: str, levels: Sequence[float]) -> Counts:
    """How often each action of a round followed each situation of the round before, by society.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns society, number, round, and both others, null where there is nothing.
    action, last : str
        What is done, and the column whose last value it is told by.
    levels : sequence of float
        Of the action.
    """
    taken = rows.select("society", "number", "round", pl.col(last).alias("last"), pl.col(action).alias("action"))
    before = taken.select("society", "number", pl.col("round") + 1, "last")
    pairs = (
        taken.drop("last")
        .join(before, on=["society", "number", "round"], maintain_order="left")
        .drop_nulls(["last", "action"])
    )
    place = {level: k for k, level in enumerate(levels)}
    found: dict[float, dict[int, Floats]] = {}
    for society, situation, done, n in pairs.group_by("society", "last", "action").len().sort(
        "last", "society", "action"
    ).iter_rows():  # fmt: skip
        if done in place:
            found.setdefault(situation, {}).setdefault(society, np.zeros(len(levels)))[place[done]] += n
    return found


def _section(lived: Lived, action: str, last: str) -> list[Section]:
    rows = lived.agents(*dict.fromkeys((action, last)))
    people = lived.people
    has_people = people is not None and action in people.columns and last in people.columns
    levels = sorted(rows[action].drop_nulls().unique())
    by_arm = {arm: following(rows.filter(pl.col("arm") == arm), action, last, levels) for arm in lived.arms}
    if not any(by_arm.values()):
        return []
    table: list[tuple[Cell, ...]] = []
    theirs = following(people, action, last, levels) if people is not None and has_people else {}
    for arm, counts in by_arm.items():
        table += [(label(arm), lived.told(last, at), *row) for at, row in _rows(counts, action, "model")]
    table += [("people", lived.told(last, at), *row) for at, row in _rows(theirs, action, "human")]
    forms: dict[str, CellForm] = {"arm": "text", f"last {last}": "text", "times": "count"}
    names = [lived.told(action, level) for level in levels]
    forms |= dict.fromkeys(names, "share")
    apart = _apart(by_arm[""], theirs, action)
    said = [
        f"{action} after {last} {lived.told(last, value)}: {told(found, 3)} from people (total variation)."
        for value, found in apart
    ]
    shown = f"{action} by the last {last}" if action != last else f"{action} by its own last value"
    return [
        Section(
            name=f"transitions-{action}-{last}", heading=f"{shown[0].upper()}{shown[1:]}", chapter=_CHAPTER,
            sentences=tuple(said) or _said(lived, by_arm[""], action, last, names),
            table=tabled(forms, table, f"Probability of each {action}, by the {last} of the round before", digits=2),
            keys={"action": action, "last": last},
            notes=(UNITS, f"Of large societies {MOST_AGENTS:,} agents at most are taken, at equal distances."),
            warnings=few(lived.n) if people is None else few_drawn(min(lived.n, people["society"].n_unique())),
        )
    ]  # fmt: skip


def _said(lived: Lived, counts: Counts, action: str, last: str, names: Sequence[str]) -> tuple[str, ...]:
    if not counts:
        return ()
    best = []
    for situation, by in counts.items():
        whole = np.sum(list(by.values()), axis=0)
        best.append(
            f"{names[int(whole.argmax())]} after {lived.told(last, situation)} ({whole.max() / whole.sum():.0%})"
        )
    return (f"The most frequent {action} is {listed(best)}.",)


def _rows(counts: Counts, action: str, target: Target) -> Iterator[tuple[float, tuple[Cell, ...]]]:
    """Of every situation, how often it was, and the share of each action after it."""
    for situation, by in counts.items():
        shares = [_share(by, k, f"share of {action} after {situation:g}", target) for k in range(_width(by))]
        yield situation, (int(sum(found.sum() for found in by.values())), *shares)


def _width(by: Mapping[int, Floats]) -> int:
    return len(next(iter(by.values())))


def _share(by: Mapping[int, Floats], k: int, what: str, target: Target) -> Estimate:
    """Share of an action, each society weighted by how often it was in the situation."""
    totals = [float(found.sum()) for found in by.values()]
    shares = [float(found[k] / total) for found, total in zip(by.values(), totals, strict=True)]
    return within(
        measured(lambda: weighted_mean(shares, totals, is_share=False, estimand=what, target=target), what, target)
    )


def _apart(own: Counts, theirs: Counts, action: str) -> list[tuple[float, Estimate]]:
    """Total variation from people in every situation that both were in."""
    return [
        (
            situation,
            distance(list(own[situation].values()), list(theirs[situation].values()), f"{action} {situation:g}"),
        )
        for situation in sorted(set(own) & set(theirs))
    ]


def distance(own: Sequence[Floats], theirs: Sequence[Floats], what: str) -> Estimate:
    """Total variation between what agents and people do, both pooled; societies and sessions are drawn anew.

    Parameters
    ----------
    own, theirs : sequence of array
        How often each action was taken, one array a society or session.
    what : str
        The action and the situation, for the reader; also seeds the draws.
    """
    sides = (np.array(own), np.array(theirs))
    return bootstrapped(
        lambda one, other: float(total_variation(_pooled(one), _pooled(other))),
        sides, f"total variation of {what} between societies and people",
    )  # fmt: skip


def _pooled(counts: Floats) -> Floats:
    whole = counts.sum(axis=0)
    return np.asarray(whole / whole.sum())


ANALYSIS = Analysis(
    name="transitions",
    about="what agents do next by what they or others did last, beside people's where the study has them",
    needs=needing(lambda lived: bool(_few_levels(lived)), "nothing kept of its agents has few levels and changes"),
    sections=sections,
    is_quiet=True,
)

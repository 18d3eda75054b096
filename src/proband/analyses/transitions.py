"""What agents do next, by what they or the others did last: tables of probabilities, beside those of people."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import listed, measured, tabled, told
from proband.analyses.lived import MOST_AGENTS, UNITS, Lived, few, label, needing, over_societies
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.estimates import Estimate
from proband.measures import total_variation, weighted_mean
from proband.runs.run import Run

_CHAPTER = "From one round to the next"
_MOST_LEVELS = 7
_MOST_COLUMNS = 6
OTHERS = "opp_"
"""Begins the names of columns that hold what another did, e.g. ``opp_action``: what is done is told by these too."""

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
    pairs = taken.drop("last").join(before, on=["society", "number", "round"]).drop_nulls(["last", "action"])
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
        table += [(label(arm), *row) for row in _rows(counts, action, "model")]
    table += [("people", *row) for row in _rows(theirs, action, "human")]
    forms: dict[str, CellForm] = {"arm": "text", f"last {last}": "number", "times": "count"}
    forms |= {f"{action} {level:g}": "share" for level in levels}
    apart = _apart(by_arm[""], theirs, action)
    said = [
        f"{action} after {last} {value:g}: {told(found, 3)} from people (total variation)." for value, found in apart
    ]
    shown = f"{action} by the last {last}" if action != last else f"{action} by its own last value"
    return [
        Section(
            name=f"transitions-{action}-{last}", heading=f"{shown[0].upper()}{shown[1:]}", chapter=_CHAPTER,
            sentences=tuple(said) or _said(by_arm[""], action, last, levels),
            table=tabled(forms, table, f"Probability of each {action}, by the {last} of the round before", digits=2),
            keys={"action": action, "last": last},
            notes=(UNITS, f"Of large societies {MOST_AGENTS:,} agents at most are taken, at equal distances."),
            warnings=few(lived.n),
        )
    ]  # fmt: skip


def _said(counts: Counts, action: str, last: str, levels: Sequence[float]) -> tuple[str, ...]:
    if not counts:
        return ()
    best = []
    for situation, by in counts.items():
        whole = np.sum(list(by.values()), axis=0)
        best.append(f"{levels[int(whole.argmax())]:g} after {situation:g} ({whole.max() / whole.sum():.0%})")
    return (f"The most frequent {action} is {listed(best)}.",)


def _rows(counts: Counts, action: str, target: str) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for situation, by in counts.items():
        shares = [_share(by, k, f"share of {action} after {situation:g}", target) for k in range(_width(by))]
        rows.append((situation, int(sum(found.sum() for found in by.values())), *shares))
    return rows


def _width(by: Mapping[int, Floats]) -> int:
    return len(next(iter(by.values())))


def _share(by: Mapping[int, Floats], k: int, what: str, target: str) -> Estimate:
    """Share of an action, each society weighted by how often it was in the situation."""
    totals = [float(found.sum()) for found in by.values()]
    shares = [float(found[k] / total) for found, total in zip(by.values(), totals, strict=True)]
    side = "human" if target == "human" else "model"
    return measured(
        lambda: weighted_mean(shares, totals, is_share=False, estimand=what, target=side),  # type: ignore[arg-type]
        what, side,  # type: ignore[arg-type]
    )  # fmt: skip


def _apart(own: Counts, theirs: Counts, action: str) -> list[tuple[float, Estimate]]:
    """Total variation from people in every situation that both were in; each society against all people."""
    found = []
    for situation in sorted(set(own) & set(theirs)):
        people = np.sum(list(theirs[situation].values()), axis=0)
        people = people / people.sum()
        each = [float(total_variation(counts / counts.sum(), people)) for counts in own[situation].values()]
        what = f"total variation of {action} after {situation:g} between societies and people"
        found.append((situation, over_societies(each, what, "human")))
    return found


ANALYSIS = Analysis(
    name="transitions",
    about="what agents do next by what they or others did last, beside people's where the study has them",
    needs=needing(lambda lived: bool(_few_levels(lived)), "nothing kept of its agents has few levels and changes"),
    sections=sections,
    is_quiet=True,
)

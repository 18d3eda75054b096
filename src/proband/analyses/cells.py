"""How wrong societies are that ask cells, or a core, in the place of everybody: errors with their intervals."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from proband.analyses.answers import measured, percent, tabled, told
from proband.analyses.forks import effect
from proband.analyses.lived import UNITS, Lived, few, label, needing, over_societies, within
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, marks
from proband.estimates import Estimate
from proband.measures import weighted_mean
from proband.runs.run import Run

_CHAPTER = "How wrong cells are"
_KINDS = {"check": "agents asked themselves as well", "held-out": "held-out members of the core"}
_UNKNOWN = (
    "Cells stand for agents here, and how wrong that is was not measured: set `check_agents` or `paired` in [scale], "
    "or ask a part of the agents one by one."
)


def is_pooled(lived: Lived) -> bool:
    """Whether agents took answers that others gave: a cell of their archetype, or a core."""
    subjects = {subject.partition(".")[2] for member in lived.run.roster if (subject := member.subject)}
    scales = [told.get("scale") or {} for told in (lived.keys, *(lived.keys.get("arms") or {}).values())]
    return any(scale.get("core") or scale.get("ask") == "cells" for scale in scales) or any(
        not name.isdigit() and name != "world" for name in subjects
    )


def sections(run: Run) -> Sequence[Section]:
    """Total variation from what agents say themselves; and a small society asked both ways."""
    lived = Lived(run)
    found = [*_checks(lived), *_paired(lived)]
    if found:
        return found
    return [Section(name="cells", heading=_CHAPTER, sentences=(), warnings=(_UNKNOWN,), table=None)]


def _checks(lived: Lived) -> list[Section]:
    events = lived.states.scan("events").filter(pl.col("kind").is_in([*_KINDS])).collect()
    sections = []
    for kind, who in _KINDS.items():
        rows: list[tuple[Cell, ...]] = []
        whole: dict[str, Estimate] = {}
        for item, arm in _keys(events.filter(pl.col("kind") == kind)):
            part = events.filter(pl.col("kind") == kind, pl.col("text") == item, pl.col("arm") == arm)
            if arm in lived.ways:
                continue
            early = part.filter(pl.col("round") == part["round"].min())
            late = part.filter(pl.col("round") == part["round"].max())
            error = _error(part, f"total variation between {item} of cells and of {who}")
            whole[f"{item}, {label(arm)}"] = error
            rows.append(
                (item, label(arm), part.height, error, _error(early, "in the first"), _error(late, "in the last"))
            )
        if not rows:
            continue
        first = next(iter(whole.values()))
        forms: dict[str, CellForm] = {"turn": "text", "arm": "text", "compared": "count", "error": "share"}
        forms |= {"in the first round": "share", "in the last": "share"}
        sections.append(
            Section(
                name=f"cells-{kind}", heading=f"Cells against {who}", chapter=_CHAPTER,
                sentences=tuple(f"{name}: {percent(error)} of the probability lies elsewhere." for name, error in
                                whole.items()),
                lead=f"Not everybody was asked: by total variation, what stands for agents is {percent(first)} off.",
                table=tabled(forms, rows, "Total variation between the answer of a cell and of its agents"),
                figure=Figure(form="intervals", rows=marks(whole, "model"), caption="Error of cells by turn and arm",
                              options={"x_title": "total variation", "x_format": "%"}),
                notes=(
                    UNITS,
                    "0: agents answer as their cell; 1: nothing in common. Where agents give one answer and no "
                    "probabilities, chance alone makes it large.",
                ),
                warnings=few(lived.n),
            )
        )  # fmt: skip
    return sections


def _keys(events: pl.DataFrame) -> list[tuple[str, str]]:
    return list(events.select("text", "arm").unique(maintain_order=True).iter_rows())


def _error(part: pl.DataFrame, what: str) -> Estimate:
    """Mean over all comparisons, societies as clusters."""
    values, societies = part["value"].to_list(), part["society"].to_list()
    return within(measured(lambda: weighted_mean(values, cluster=societies, is_share=False, estimand=what), what))


def _paired(lived: Lived) -> list[Section]:
    """The small society that was asked both ways."""
    if len(lived.ways) != 2:
        return []
    cells, agents = lived.ways
    last = int(lived.measures["round"].max() or 0)  # type: ignore[arg-type]
    rows: list[tuple[Cell, ...]] = []
    for name in lived.varying:
        if name in ("cells", "cell error"):
            continue
        ends = lived.measures.filter(pl.col("round") == last)
        means = [over_societies(ends.filter(pl.col("arm") == arm)[name].to_list(), name) for arm in (cells, agents)]
        off = effect(lived.measures, name, cells, agents, [last])
        if not np.isnan(off.value):
            rows.append((name, *means, off))
    if not rows:
        return []
    forms: dict[str, CellForm] = {"measure": "text", cells: "number", agents: "number", "difference": "number"}
    said = [f"{name}: cells are {told(off, 3)} off." for name, *_, off in rows[:6] if isinstance(off, Estimate)]
    return [
        Section(
            name="cells-paired", heading="A small society asked both ways", chapter=_CHAPTER, sentences=tuple(said),
            table=tabled(forms, rows, f"Measures after round {last}", side="model"),
            notes=(UNITS, "The two differ in nothing but how they are asked, and share all chance."),
            warnings=few(lived.n),
        )
    ]  # fmt: skip


ANALYSIS = Analysis(
    name="cells",
    about="how wrong societies are that ask cells or a core: beside agents asked themselves, and small societies",
    needs=needing(is_pooled, "everybody was asked, or rules decided: no cell stood for anybody"),
    sections=sections,
    is_quiet=True,
)

"""Societies looked over by the six principles of PIMMUR, in numbers (arXiv:2509.18052)."""

import json
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl

from proband.analyses.answers import tabled
from proband.analyses.lived import Lived, needing
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.records import Message, Response, Trial
from proband.runs.run import Run
from proband.societies.agents.audit import AWARE, audit
from proband.societies.state import EVENTS, MEMORIES, Rows, State


def sections(run: Run) -> Sequence[Section]:
    """One row a principle."""
    lived = Lived(run)
    words = tuple(lived.keys.get("hypothesis") or ())
    found = audit(_answered(run), states_of(lived), hypothesis=words, has_people=lived.people is not None)
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        if not one.of or (one.principle in ("minimal control", "unawareness") and not words):
            continue
        rows.append((one.principle, one.what, one.n, one.of, one.share))
    forms: dict[str, CellForm] = {"principle": "text", "what": "text", "n": "count", "of": "count", "share": "share"}
    notes = ["In the literature 90.7 % of 42 studies break at least one of the six (arXiv:2509.18052)."]
    if not words:
        notes.append("Control by words is not counted: `hypothesis` in [society] names the words that give it away.")
    if not any(item == AWARE.id for item in run.items):
        notes.append(f"Nobody was asked what the study is about; a survey with the item {AWARE.id!r} does.")
    return [
        Section(
            name="society-audit", heading="Audit by six principles",
            sentences=tuple(f"{row[1][0].upper()}{row[1][1:]}: {row[2]:,} of {row[3]:,}." for row in rows
                            if isinstance(row[1], str)),
            table=tabled(forms, rows, "PIMMUR: profile, interaction, memory, control, unawareness, realism"),
            notes=tuple(notes),
        )
    ]  # fmt: skip


def _answered(run: Run) -> Iterator[tuple[Trial, Response]]:
    """Everything that was sent, as far as an audit reads it: places and messages."""
    with run.directory.reader() as journal:
        ids = list(journal)
        for start in range(0, len(ids), 1000):
            responses = [journal[id] for id in ids[start : start + 1000]]
            bodies = journal.bodies({response.request for response in responses})
            for response in responses:
                sent = json.loads(bodies.get(response.request) or '{"messages": []}')
                messages = tuple(Message(role, text) for role, text in sent["messages"])
                request = SimpleNamespace(messages=messages)
                trial = SimpleNamespace(place=response.place, request=request, id=response.place.id)
                yield cast(Trial, trial), response


def states_of(lived: Lived, arm: str = "") -> list[State]:
    """The events and memories of every society under an arm, as a state has them."""
    found = []
    tables = {
        name: lived.states.scan(name).filter(pl.col("arm") == arm).collect().sort("society", "number")
        for name in ("events", "memories")
    }
    for society in range(lived.n):
        rows: dict[str, Any] = {
            name: Rows(columns, tuple(table.filter(pl.col("society") == society).select(columns).iter_rows()))
            for (name, table), columns in zip(tables.items(), (EVENTS, MEMORIES), strict=True)
        }
        found.append(State(society=society, agents={"number": np.arange(0)}, **rows))
    return found


ANALYSIS = Analysis(
    name="society-audit",
    about="societies by the six principles of PIMMUR: profiles, words of others, memories, control, awareness, people",
    needs=needing(lambda lived: bool(lived.run.dispositions()), "nobody was asked in it: rules alone decide"),
    sections=sections,
    is_quiet=True,
)

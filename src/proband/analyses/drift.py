"""Drift: documents that the locked coder was asked about again, and whether it says the same."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from proband.analyses.answers import measured, percent, tabled
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.estimates import Estimate
from proband.instruments.items import Item
from proband.measures import cohen_kappa
from proband.runs.run import Run
from proband.texts.codes import code_texts, codes_of
from proband.texts.fragility.stability import averaged
from proband.texts.gold.project import DRIFT, drifted

_FORMS: dict[str, CellForm] = {
    "asked again": "text", "item": "text", "documents": "count", "same code": "share", "kappa": "number",
}  # fmt: skip


def needs(run: Run) -> str | None:
    """Documents that were asked again."""
    if run.kind != "coding" or not any(drifted(run.path.parent / DRIFT).values()):
        return "no documents were asked again; `proband code STUDY.toml drift` does"
    return None


def sections(run: Run) -> Sequence[Section]:
    """Agreement of every later asking with the first, and what is another engine now."""
    folders = [name for name, is_whole in drifted(run.path.parent / DRIFT).items() if is_whole]
    first = _codes(run)
    units = {member.subject: member.unit or member.subject for member in run.roster}
    rows: list[tuple[Cell, ...]] = []
    said, notes, doubts = [], [], []
    for name in folders:
        again = Run(run.path.parent / name)
        both = _codes(again).join(first, on=["document", "item"], suffix="_before")
        for item in run.items.values():
            pairs = both.filter(pl.col("item") == item.id).select("document", "code_before", "code").drop_nulls()
            if not pairs.height:
                continue
            same = averaged(
                (pairs["code"] == pairs["code_before"]).cast(pl.Float64).to_numpy(),
                [units[document] for document in pairs["document"]],
                "share of documents with the same code when asked again",
            )
            rows.append((name, item.id, pairs.height, same, _kappa(item, pairs)))
            said.append(f"{name}, {item.id}: {percent(same)} of {pairs.height:,} documents have the code of the first "
                        "time.")  # fmt: skip
        changed = _changed(_engines(run), _engines(again))
        if changed:
            doubts.append(f"{name}: the engine is another one: {'; '.join(changed)}.")
        else:
            notes.append(f"{name}: the same engine as the first time, by its fingerprint.")
    return [
        Section(
            name="drift",
            heading="Asked again",
            chapter="Fragility",
            sentences=tuple(said),
            table=tabled(_FORMS, rows, "Codes of the first and of a later time, without prior correction"),
            notes=tuple(notes),
            warnings=tuple(doubts),
        )
    ]


def _codes(run: Run) -> pl.DataFrame:
    # Prior correction is of the corpus that was asked about, which is another one here.
    return codes_of(run, prior_correction=False).select("document", "item", "code")


def _kappa(item: Item, pairs: pl.DataFrame) -> Estimate | None:
    if item.form not in ("choice", "scale"):
        return None
    texts = list(code_texts(item))
    table = np.zeros((len(texts), len(texts)))
    for before, now in pairs.select("code_before", "code").iter_rows():
        table[texts.index(before), texts.index(now)] += 1
    used = table.sum(axis=0) + table.sum(axis=1) > 0
    return measured(partial(cohen_kappa, table[np.ix_(used, used)], target="model"), "agreement with the first time")


def _engines(run: Run) -> Mapping[str, Any]:
    """Fingerprints of the engines of a run, flat."""
    found: dict[str, Any] = {}

    def walk(prefix: str, of: Any) -> None:
        if isinstance(of, Mapping):
            for key, value in of.items():
                walk(f"{prefix}.{key}" if prefix else str(key), value)
        else:
            found[prefix] = of

    walk("", run.manifest.get("fingerprint") or {})
    return found


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{key} was {before.get(key, 'not there')}, and is {now.get(key, 'not there')}"
        for key in dict.fromkeys([*before, *now])
        if before.get(key) != now.get(key)
    ]


ANALYSIS = Analysis(
    name="drift",
    about="whether the locked coder says of documents, asked again later, what it said the first time",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

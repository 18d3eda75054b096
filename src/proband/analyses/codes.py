"""Codes: what coders said of the documents, whether the order of the codes mattered, and what has no code."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import measured, tabled
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.estimates import Estimate
from proband.instruments.items import Item
from proband.measures import cohen_kappa
from proband.runs.run import Run
from proband.texts.codes import code_texts, codes_of, order_codes

_CHAPTER = "Codes"
_UNCORRECTED = (
    "These shares are of codes as they were given, and coders err: do not report them as shares of the documents. Code "
    "a sample by hand and correct them, see `proband code`."
)
_MANY = 0.9  # agreement of orders that is asked for
_WORDS = {"tie": "two codes alike", "skipped": "does not apply", "dont_know": "cannot tell"}


def needs(run: Run) -> str | None:
    """A run in which documents were coded."""
    if run.kind != "coding":
        return "this run coded no documents"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """Shares of codes by coder, agreement of the orders, and documents without a code."""
    codes = codes_of(run)
    asked = [item for item in run.items.values() if item.options and item.form != "spans"]
    shares = [_shares(run, item, codes.filter(pl.col("item") == item.id)) for item in asked]
    return [*shares, *_orders(run), _without(run, codes)]


def _shares(run: Run, item: Item, codes: pl.DataFrame) -> Section:
    coders = [coder for coder in run.levels["coder"] if (codes["coder"] == coder).any()]
    given = {coder: codes.filter(pl.col("coder") == coder, pl.col("code").is_not_null())["code"] for coder in coders}
    texts = code_texts(item)
    counts = {c: Counter(part for code in of for part in _parts(item, code)) for c, of in given.items()}
    rows: list[tuple[Cell, ...]] = [
        (
            item.options[k] if text == item.options[k] else f"{item.options[k]} ({text})",
            *(counts[coder][text] / len(given[coder]) if len(given[coder]) else None for coder in coders),
        )
        for k, text in enumerate(texts)
        if not (item.form == "scale" and k in item.dont_know)
    ]
    forms: dict[str, CellForm] = {"code": "text", **dict.fromkeys(coders, "share")}
    is_corrected = bool((run.manifest.get("design") or {}).get("prior_correction"))
    coded = ", ".join(f"{len(given[coder]):,} by {coder}" for coder in coders)
    return Section(
        name=f"codes-{item.id}",
        heading=item.text,
        chapter=_CHAPTER,
        sentences=(f"Documents with a code: {coded}.",),
        table=tabled(forms, rows, f"Codes as given, {item.id}: shares of the documents that have one"),
        keys={"item": item.id},
        notes=(("The mean log score of each code over the corpus was taken off.",) if is_corrected else ()),
        warnings=(_UNCORRECTED,),
    )


def _parts(item: Item, code: str) -> Sequence[str]:
    return code.split("; ") if item.form == "multiple" else (code,)


def _orders(run: Run) -> list[Section]:
    """Whether each coder gives the same code whichever way the codes are shown, and how far it takes the first."""
    table = run.table()
    if "order" not in table.columns:
        return []
    rows: list[tuple[Cell, ...]] = []
    sentences, poor = [], []
    for item in run.items.values():
        for coder in run.levels["coder"]:
            part = table.filter(pl.col("item") == item.id, pl.col("coder") == coder, pl.col("order").is_not_null())
            if not part.height or item.form not in ("choice", "scale"):
                continue
            orders, codes, probs = order_codes(item, part)
            if len(orders) < 2:
                continue
            both = codes[(codes >= 0).all(axis=1)]
            first, expected = _first(part, orders, probs)
            if not len(both):
                rows.append((item.id, coder, 0, None, None, first, expected))
                continue
            same = float((both == both[:, :1]).all(axis=1).mean())
            rows.append((item.id, coder, len(both), same, _kappa(item, both[:, [0, -1]]), first, expected))
            sentences.append(
                f"{coder} on {item.id}: whichever way the codes are shown, {same:.0%} of {len(both):,} documents get "
                f"the same one; the code shown first gets {first:.0%}, and {expected:.0%} if order did not matter."
            )
            poor += [f"{coder} on {item.id}"] * (same < _MANY)
    warning = (
        f"{', '.join(poor)}: the code depends on the order in which codes are shown; averaging the orders takes the "
        "bias off, and leaves little else. Ask this coder another way (channel), or take another."
    )
    forms: dict[str, CellForm] = {"item": "text", "coder": "text", "documents": "count", "same code": "share"}
    forms |= {"kappa": "number", "shown first": "share", "without bias": "share"}
    return [
        Section(
            name="codes-orders",
            heading="The order in which codes are shown",
            chapter=_CHAPTER,
            sentences=tuple(sentences),
            table=tabled(forms, rows, "Agreement of the orders, and the mean probability of the code shown first"),
            notes=("Kappa is of the first order with the last. Before any prior correction.",),
            warnings=(warning,) if poor else (),
        )
    ]


def _kappa(item: Item, codes: NDArray[np.int64]) -> Estimate:
    table = np.zeros((len(item.options), len(item.options)))
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1)
    used = table.sum(axis=0) + table.sum(axis=1) > 0
    return measured(partial(cohen_kappa, table[np.ix_(used, used)], target="model"), "agreement of orders")


def _first(part: pl.DataFrame, orders: Sequence[str], probs: NDArray[np.float64]) -> tuple[float, float]:
    """Mean probability of the code shown first; and of the same codes with the orders averaged."""
    shown = dict(part.unique("order", keep="first").select("order", pl.col("shown").list.first()).iter_rows())
    firsts = [int(shown[order]) for order in orders]
    own = np.stack([probs[:, k, first] for k, first in enumerate(firsts)], axis=1)
    averaged = probs.mean(axis=1)[:, firsts]
    return float(np.nanmean(own)), float(np.nanmean(averaged))


def _without(run: Run, codes: pl.DataFrame) -> Section:
    """How many documents have a code, and why the others have none."""
    reasons = [str(why) for why in codes["why"].drop_nulls().unique(maintain_order=True).sort()]
    rows: list[tuple[Cell, ...]] = []
    for item in run.items:
        for coder in run.levels["coder"]:
            part = codes.filter(pl.col("item") == item, pl.col("coder") == coder)
            if part.height:
                found = Counter(part["why"].to_list())
                rows.append((item, coder, part.height, found[None], *(found[why] for why in reasons)))
    forms: dict[str, CellForm] = {"item": "text", "coder": "text", "documents": "count", "with a code": "count"}
    forms |= {_WORDS.get(why, why): "count" for why in reasons}
    return Section(
        name="codes-missing",
        heading="Documents without a code",
        chapter=_CHAPTER,
        table=tabled(forms, rows, "Documents by what became of them", is_folded=not reasons),
    )


ANALYSIS = Analysis(
    name="codes",
    about="codes of documents by coder, uncorrected; whether the order of the codes mattered; documents without a code",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

"""Screening: what was found and what is likely left, what reading was saved, how far screeners agree."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from proband.analyses.answers import measured, tabled, told
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section
from proband.literature.screening.decisions import Reached, decisions_of, reached, verdicts_of
from proband.literature.screening.settling import INCLUDE
from proband.literature.screening.stopping import usual_rules
from proband.measures import agreement_summary
from proband.runs.run import Run

CHAPTER = "Screening"
_POINTS = 100  # of the curve


def needs(run: Run) -> str | None:
    """A run in which records were screened."""
    if run.kind != "screening":
        return "this run screened no records"
    return None if run.dispositions() else "nothing was decided yet"


def sections(run: Run) -> Sequence[Section]:
    """Decisions, the evidence for having read enough, what other rules would have read, and agreement."""
    design, found = run.manifest["design"], decisions_of(run)
    of, n = reached(run), design["records"] - len(design["known"])
    ends = np.cumsum(
        found.drop_nulls("decision").filter(pl.col("drawn") == "ranked").group_by("batch").len().sort("batch")["len"]
    )
    told_ = [_decisions(run, found, design), _enough(of, n)]
    return [*told_, *_rules(of, ends.tolist(), n), *_agreement(run, design)]


def _decisions(run: Run, found: pl.DataFrame, design: dict[str, Any]) -> Section:
    counts = found.with_columns(pl.col("reason").fill_null("")).group_by("decision", "reason").len()
    rows: list[tuple[Cell, ...]] = [
        (decision or "no decision", reason or None, n, n / found.height)
        for decision, reason, n in counts.sort("len", descending=True).iter_rows()
    ]
    n, bare = design["records"], design["without_abstract"]
    known = f", {len(design['known'])} were known before" if design["known"] else ""
    forms: dict[str, CellForm] = {"decision": "text", "reason": "text", "records": "count", "share": "share"}
    disputed = int(found["disputed"].fill_null(value=False).sum())
    n_in = int((found["decision"] == INCLUDE).sum())
    return Section(
        name="screening-decisions",
        heading="What was decided",
        chapter=CHAPTER,
        sentences=(
            f"{found.height:,} of {n:,} records were read ({found.height / n:.0%}){known}; {n_in:,} are in.",
            *((f"Screeners differed on {disputed:,} of them.",) if len(design["screeners"]) > 1 else ()),
        ),
        table=tabled(forms, rows, "Records read, by decision and reason"),
        notes=((f"{bare:,} records have no abstract and were judged by their title.",) if bare else ()),
        lead=f"{n_in:,} records are in, of {found.height:,} read and {n:,} there are.",
    )


def _enough(of: Reached, n: int) -> Section:
    """What is known of recall: the test on the order of reading, and the audit of what was left."""
    test = of.test
    rows: list[tuple[Cell, ...]] = [
        ("found by reading in order", None, test.n_found, test.n_read),
        (f"at most in all, {test.level:.0%} sure", None, test.most_included, n),
        ("recall at least", test.least_recall, None, None),
    ]
    if of.audit is not None:
        rows.append(("recall by the audit", of.audit, of.n_hits, of.n_audited))
    warnings = [] if test.is_reached else [
        f"A recall of {test.recall:.0%} is not shown: {test.n_found:,} were found; up to {test.most_included:,} may be "
        "there. Read on, or audit what was left."
    ]  # fmt: skip
    forms: dict[str, CellForm] = {"evidence": "text", "recall": "share", "included": "count", "records": "count"}
    return Section(
        name="screening-recall",
        heading="Whether enough was read",
        chapter=CHAPTER,
        sentences=of.told,
        table=tabled(forms, rows, "Evidence of recall"),
        figure=_curve(of.labels, n),
        warnings=tuple(warnings),
        methods=(
            "Recall is tested by betting against the urn of what was not read (Callaghan & Mueller-Hansen 2020, made "
            "valid at every look), and audited with exact hypergeometric limits.",
        ),
    )


def _curve(labels: Sequence[bool], n: int) -> Figure:
    total, step = sum(labels), max(1, len(labels) // _POINTS)
    rows = tuple(
        {"x": k / n, "y": sum(labels[:k]) / max(1, total), "series": "found"} for k in range(0, len(labels) + 1, step)
    )
    return Figure(
        form="lines", rows=rows, caption="Share of what was found by the share of records read",
        options={"x_title": "records read", "y_title": "of those found", "x_format": ".0%", "y_format": ".0%"},
    )  # fmt: skip


def _rules(of: Reached, ends: Sequence[int], n: int) -> list[Section]:
    """Where other rules would have stopped in the order that was read, and what they would have found of it."""
    order, total = np.array(of.labels), sum(of.labels)
    if not total:
        return []
    rows: list[tuple[Cell, ...]] = []
    for rule in usual_rules(of.rule):
        read = next((k for k in ends if rule.is_enough(of.labels[:k], n)), None)
        rows.append((rule.in_words, read, read and read / n, None if read is None else order[:read].sum() / total))
    forms: dict[str, CellForm] = {
        "rule": "text",
        "records read": "count",
        "share read": "share",
        "of those found": "share",
    }
    return [
        Section(
            name="screening-rules",
            heading="What other rules would have read",
            chapter=CHAPTER,
            table=tabled(forms, rows, "Rules looked at after every batch; blank where one had not stopped by then"),
            notes=("Of those found: what was never read is in none of these numbers.",),
        )
    ]


def _agreement(run: Run, design: dict[str, Any]) -> list[Section]:
    """Agreement on in or out of those who read everything, before anybody decided between them."""
    names = list(design["screeners"])
    if len(names) < 2:
        return []
    given = list(verdicts_of(run).values())
    rows: list[tuple[Cell, ...]] = []
    sentences = []
    for pair in [tuple(names)] * (len(names) > 2) + list(combinations(names, 2)):
        codes = [["in" if v[name].is_included else "out" for name in pair] for v in given if {*pair} <= v.keys()]
        what = f"agreement of {' and '.join(pair)}"

        def part(name: str, codes: list[list[str]] = codes) -> Any:
            return getattr(agreement_summary(codes, ["in", "out"], target="data"), name)

        raw, alpha, ac1 = (
            measured(lambda name=name: part(name), what, target="data")  # type: ignore[misc]
            for name in ("raw", "alpha", "ac1")
        )
        rows.append((", ".join(pair), len(codes), raw, alpha, ac1))
        sentences.append(f"Krippendorff's alpha of {', '.join(pair)}: {told(alpha)}.")
    forms: dict[str, CellForm] = {"screeners": "text", "records": "count", "same decision": "share", "alpha": "number"}
    return [
        Section(
            name="screening-agreement",
            heading="Agreement of the screeners",
            chapter=CHAPTER,
            sentences=tuple(sentences),
            table=tabled({**forms, "AC1": "number"}, rows, "In or out, on records that all of them read"),
            notes=(
                "Records were read in the order of a ranking, so these are no shares of all. Alpha is low where "
                "nearly everything is out, however seldom screeners differ; AC1 is not.",
            ),
        )
    ]


ANALYSIS = Analysis(
    name="screening",
    about="decisions on records, evidence that enough was read, what other rules would have cost, agreement",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

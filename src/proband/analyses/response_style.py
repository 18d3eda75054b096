"""Checks that need no people: answers that depend on the scale, its labels, or on what should not matter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from proband.analyses.answers import Form, tabled, unanswered
from proband.analyses.section import Analysis, Section
from proband.errors import DesignError
from proband.estimates import Estimate, Target
from proband.instruments.items import Item
from proband.measures.response_bias.perturbations import perturbation_report
from proband.measures.response_bias.styles import ResponseStyles, response_styles
from proband.runs.run import Run

_PERMUTATIONS = 199


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is checked, the number on each side that has one, and what it would be without bias or by chance alone."""

    name: str
    model: Estimate | None
    people: Estimate | None = None
    expected: float | None = None


def sections(run: Run) -> list[Section]:
    """One table of checks, beside people and what there would be without bias; nothing where nothing varied."""
    checks, warnings = _checks(run)
    if not checks:
        return []
    forms: dict[str, Form] = {"check": "text", "model": ("number", "model"), "people": ("number", "people")}
    forms |= {"without bias": "number", "p": "p"}
    if not any(check.people for check in checks):
        del forms["people"]
    if not any(check.model and check.model.p_value is not None for check in checks):
        del forms["p"]
    cells = [
        {"check": one.name, "model": one.model, "people": one.people, "without bias": one.expected, "p": one.model}
        for one in checks
    ]
    return [
        Section(
            name="response-style",
            heading="Response style, and what should not change an answer",
            sentences=("People have response styles too: a model without any is as unlike them as one with too much.",),
            table=tabled(forms, (tuple(row[name] for name in forms) for row in cells)),
            warnings=warnings,
        )
    ]


def _checks(run: Run) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """Checks of response style and of what should not matter, and what a reader must know about them."""
    table = run.table()
    people = None if run.people is None else run.people.table()
    found, warnings = _perturbations(table)
    for points, ids in _scales(run.items).items():
        ours, theirs = _styles(table, ids, points, "model"), _styles(people, ids, points, "human")
        found += _style_checks(points, len(ids), ours, theirs)
    return tuple(found), tuple(warnings)


def _perturbations(table: pl.DataFrame) -> tuple[list[Check], list[str]]:
    try:
        report = perturbation_report(table, n_permutations=_PERMUTATIONS)
    except DesignError:
        return [], []  # nothing was varied, so there is nothing to check
    found = [
        Check(name=f"preference for the first of {k} places shown", model=bias, expected=0.0)
        for k, bias in report.positions.items()
    ]
    for factor in report.factors:
        floor = factor.total_variation.baselines.get("noise_floor")
        found.append(
            Check(
                name=f"shift of answers with {factor.factor} (total variation)",
                model=factor.total_variation,
                expected=floor,
            )
        )
        if factor.flip_rate is not None:
            again = next(iter(factor.flip_rate.baselines.values()), None)
            found.append(Check(name=f"answers that flip with {factor.factor}", model=factor.flip_rate, expected=again))
    return found, list(report.warnings)


def _scales(items: Mapping[str, Item]) -> dict[int, list[str]]:
    """Items of rating scales by their number of points; those that share it are looked at together."""
    by_points: dict[int, list[str]] = {}
    for id, item in items.items():
        if item.form == "scale" and not item.dont_know:
            by_points.setdefault(len(item.options), []).append(id)
    return {points: ids for points, ids in by_points.items() if len(ids) > 1}


def _styles(frame: pl.DataFrame | None, ids: Sequence[str], points: int, target: Target) -> ResponseStyles | None:
    """Styles over subjects, the first answer of each; None with fewer than 2 subjects."""
    if frame is None:
        return None
    answered = frame.filter(
        pl.col("item").is_in(list(ids)), pl.col("status") == "valid", pl.col("replicate") == 0
    ).unique(["subject", "item"], keep="first", maintain_order=True)
    if answered["subject"].n_unique() < 2:
        return None
    wide = answered.pivot(on="item", index="subject", values="answer").drop("subject")
    scores = wide.cast(pl.Float64).fill_null(float("nan")).to_numpy() + 1.0
    return response_styles(
        scores, np.zeros(scores.shape[1], dtype=int).tolist(), points=range(1, points + 1), target=target
    )


def _style_checks(
    points: int, n_items: int, model: ResponseStyles | None, people: ResponseStyles | None
) -> list[Check]:
    where = f"{n_items} items of {points} points"
    found = []
    for name, words in (
        ("extreme", "answers at an end point"),
        ("midpoint", "answers at the midpoint"),
        ("straight_lining", "subjects who answer all alike"),
    ):
        ours, theirs = (None if side is None else getattr(side, name) for side in (model, people))
        known = ours or theirs
        if known is None or np.isnan(known.value):
            continue
        uniform = known.baselines.get("uniform")
        found.append(Check(name=f"{words}, {where}", model=ours, people=theirs, expected=uniform))
    return found


ANALYSIS = Analysis(
    name="response-style",
    about="styles on rating scales, preference for places and labels, shifts with what should not matter",
    needs=unanswered,
    sections=sections,
)

"""Manipulation and attention checks: who passed them, by arm, and effects with and without those who did not."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from proband.analyses.answers import answers, cautions, factors, listed, tabled, unanswered
from proband.analyses.effects import _row, compared, outcomes
from proband.analyses.section import Analysis, Cell, Section
from proband.estimates import Estimate
from proband.measures import clustered_mean, share_estimates
from proband.runs.run import Run
from proband.store.tables import factor_column


def needs(run: Run) -> str | None:
    """Checks, and answers to them."""
    return unanswered(run) if _checks(run) else "the design has no checks; [experiment.checks] makes some"


def passed(run: Run) -> dict[str, dict[str, bool]]:
    """Check -> subject -> whether all its answers to it were right; who gave no valid answer did not pass."""
    table, found = answers(run), {}
    for id, check in _checks(run).items():
        part = table.filter(pl.col("item") == id)
        levels = part[factor_column(check["factor"])] if "factor" in check else [None] * part.height
        by_subject: dict[str, bool] = {}
        for subject, answer, level in zip(part["subject"], part["answer"], levels, strict=True):
            right = check["right"] if level is None else check["right"].get(level, ())
            by_subject[subject] = by_subject.get(subject, True) and answer in right
        found[id] = by_subject
    return found


def sections(run: Run) -> Sequence[Section]:
    """Shares that passed, and effects both ways."""
    found = passed(run)
    return [_shares(run, found), *([both] if (both := _both_ways(run, found)) else [])]


def _checks(run: Run) -> Mapping[str, Any]:
    return (run.manifest.get("design") or {}).get("checks") or {}


def _shares(run: Run, found: Mapping[str, Mapping[str, bool]]) -> Section:
    members, rows = run.roster.by_subject, list[tuple[Cell, ...]]()
    sentences = []
    for id, by_subject in found.items():
        by_arm: dict[str, list[str]] = {}
        for subject in by_subject:
            by_arm.setdefault(members[subject].arm if subject in members else "", []).append(subject)
        for arm, subjects in by_arm.items():
            units = [members[subject].unit if subject in members else subject for subject in subjects]
            share = _share([by_subject[subject] for subject in subjects], units)
            rows.append((id, arm or "all", len(subjects), share))
        everybody = list(by_subject.values())
        sentences.append(f"{sum(everybody)} of {len(everybody)} subjects passed the check {id}.")
    return Section(
        name="checks",
        heading="Manipulation and attention checks",
        chapter="Checks",
        sentences=tuple(sentences),
        table=tabled({"check": "text", "arm": "text", "subjects": "count", "passed": "share"}, rows, side="model"),
        notes=("A subject passes when every answer it gave to the check is right; no valid answer is no pass.",),
    )


def _share(passes: Sequence[bool], units: Sequence[str]) -> Estimate:
    """Subjects of one unit are not independent of each other."""
    if len(set(units)) < len(units):
        return clustered_mean([float(ok) for ok in passes], units)
    return share_estimates([int(ok) for ok in passes], 2, target="model")[1]


def _both_ways(run: Run, found: Mapping[str, Mapping[str, bool]]) -> Section | None:
    """Every effect among all, and among those who passed; None where there is nothing to compare."""
    design = run.manifest["design"]
    excluding = design.get("exclude") or list(found)
    failing = {subject for id in excluding for subject, ok in found[id].items() if not ok}
    everybody = answers(run)
    rows: list[tuple[Cell, ...]] = []
    for factor in (factor for factor in factors(run) if factor.name in design["factors"]):
        by, is_between = compared(everybody, factor)
        for outcome in outcomes(run):
            if outcome.item.id in found:
                continue
            for level in factor.levels[1:]:
                effects: list[Cell] = []
                for table in (everybody, everybody.filter(~pl.col("subject").is_in(list(failing)))):
                    at = [table.filter(pl.col(factor.column) == one) for one in (level, factor.levels[0])]
                    row = _row(run, (at[0], at[1]), outcome, by, is_between)
                    effects.append(None if row is None else row.effect)
                rows.append((outcome.name, f"{factor.name} = {level}", *effects))
    if not rows:
        return None
    n, rule = everybody["subject"].n_unique(), listed(excluding)
    said = (
        f"The design excludes whoever fails {rule}: {len(failing)} of {n} subjects. The numbers without them are the "
        "planned ones."
        if design.get("exclude")
        else f"The design excludes nobody. {len(failing)} of {n} subjects failed {rule}; the numbers of all are the "
        "planned ones."
    )
    return Section(
        name="checks-effects",
        heading="Effects with and without those who failed",
        chapter="Checks",
        sentences=(said,),
        table=tabled(
            {"outcome": "text", "level": "text", "among all": ("number", "model"), "without": ("number", "model")},
            rows,
            "Difference from the first level of the factor",
        ),
        notes=(
            "What a manipulation changes may also change who passes a check, so leaving people out can itself make a "
            "difference (Montgomery, Nyhan & Torres 2018, doi:10.1111/ajps.12357).",
        ),
        warnings=cautions((str(row[0]), cell) for row in rows for cell in row[2:] if isinstance(cell, Estimate)),
    )


ANALYSIS = Analysis(
    name="checks",
    about="who passed manipulation and attention checks, by arm, and effects with and without those who failed",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

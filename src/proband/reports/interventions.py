"""The page of a study of knowledge interventions: tables, curves, scatter, and verdicts beside their confounds."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proband.errors import StoreError
from proband.estimates import Estimate
from proband.reports.intervention_figures import contrasts_figure, curve_figure, scatter_figure
from proband.reports.page import environment, look, write_page
from proband.tuning.analysis.accuracy import ALL_DOMAINS, Accuracy, Contrast
from proband.tuning.analysis.consistency import OTHER_SEED
from proband.tuning.analysis.findings import Findings

PUBLISHED = "Ren et al. (2024), Learning or Self-aligning?, ACL 2024, 6090-6105. arXiv:2402.18243"


def write_interventions(findings: Findings, path: str | Path) -> Path:
    """Write the page of a study, its JSON twin beside it, and its tables as CSV in a folder of the same name.

    Parameters
    ----------
    findings : Findings
        From `analyse`.
    path : path
        The HTML file. It loads nothing from anywhere: scripts, styles and data are inside.

    Returns
    -------
    pathlib.Path
        The HTML file. ``NAME.json`` holds `Findings.as_dict`, ``NAME-tables/`` one CSV a table.

    Raises
    ------
    StoreError
        If the name does not end in ``.html``, or the files cannot be written.
    """
    target = Path(path)
    twin = json.dumps(findings.as_dict(), indent=2, ensure_ascii=False) + "\n"
    written = write_page(target, interventions_page(findings), twin)
    write_tables(findings, target.with_name(f"{target.stem}-tables"))
    return written


def write_tables(findings: Findings, folder: str | Path) -> tuple[Path, ...]:
    """Write every table as CSV; the same findings give the same bytes.

    Returns
    -------
    tuple of pathlib.Path
        One file a table that has rows.

    Raises
    ------
    StoreError
        If a file cannot be written.
    """
    folder = Path(folder)
    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in findings.tables().items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            file = folder / f"{name}.csv"
            with file.open("w", encoding="utf-8", newline="") as lines:
                writer = csv.DictWriter(lines, columns, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
            files.append(file)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from None
    return tuple(files)


def interventions_page(findings: Findings) -> str:
    """The study as HTML text."""
    made = environment()
    made.filters |= {"points": points, "plain": _plain_points}
    tests = tuple(dict.fromkeys(one.test for one in findings.accuracies))
    pooled = _pooled(findings.contrasts)
    mixed = tuple(dict.fromkeys(point.test for point in findings.curve))
    return made.get_template("interventions.html").render(
        findings=findings,
        plan=findings.plan,
        tests=tests,
        outcomes=_outcomes(findings),
        verdict_groups=_by(findings.verdicts, lambda one: one.claim.id),
        contrast_rows=_contrast_rows(findings),
        contrasts_figure=contrasts_figure(pooled) if pooled else None,
        accuracy_tables={test: _accuracy_table(findings, test) for test in tests},
        curves={
            test: {
                "accuracy": curve_figure(findings, test, "accuracy"),
                "kl": curve_figure(findings, test, "kl"),
                "rows": [point for point in findings.curve if point.test == test],
            }
            for test in mixed
        },
        scatters={
            test: scatter_figure(findings, test)
            for test in tests
            if any(point.test == test for point in findings.points)
        },
        consistency_tables=_by(findings.consistencies, lambda one: one.test),
        other_seed=OTHER_SEED,
        summary_domains=[ALL_DOMAINS] if len(findings.plan["domains"]) > 1 else findings.plan["domains"],
        confidence_tables=_by(
            [one for one in findings.confidences if _is_summary(one.domain, findings)], lambda one: one.test
        ),
        confound_groups=_by(findings.confounds, lambda one: (one.arm, one.against)),
        all_domains=ALL_DOMAINS,
        published=PUBLISHED,
        **look(),
    )


def points(found: Estimate | None) -> str:
    """A difference of shares in percentage points, e.g. ``+11.3 [+4.0, +18.1]``; empty where there is none.

    Examples
    --------
    >>> points(Estimate(value=0.113, interval=(0.04, 0.181), estimand="difference", target="model", n_units=9))
    '+11.3 [+4.0, +18.1]'
    """
    if found is None:
        return ""
    value = found.as_dict()["value"]
    if not isinstance(value, float):
        return "undefined"
    limits = (
        "" if found.interval is None else f" [{100 * found.interval[0]:+.1f}, {100 * found.interval[1]:+.1f}]"
    )
    return f"{100 * value:+.1f}{limits}"


def _plain_points(share: float) -> str:
    return f"{100 * share:.1f}"


def _outcomes(findings: Findings) -> Mapping[str, int]:
    return {
        outcome: sum(verdict.outcome == outcome for verdict in findings.verdicts)
        for outcome in ("supported", "contradicted", "undecided")
    }


def _is_summary(domain: str, findings: Findings) -> bool:
    """Whether a row stands for the whole study: the mean of domains, or the only domain."""
    return domain == ALL_DOMAINS or len(findings.plan["domains"]) == 1


def _pooled(found: Sequence[Contrast]) -> list[Contrast]:
    standard = [one for one in found if one.method == "standard"]
    first = [one for one in standard if one.ask == standard[0].ask]
    return [one for one in first if one.domain == ALL_DOMAINS] or first


def _contrast_rows(findings: Findings) -> list[dict[str, Any]]:
    """Differences as the analysis has them and as the paper computed them, side by side."""
    paper = {
        (one.arm, one.against, one.domain, one.test, one.ask): one.estimate
        for one in findings.contrasts
        if one.method == "ren2024"
    }
    return [
        {
            "found": one,
            "ren2024": paper.get((one.arm, one.against, one.domain, one.test, one.ask)),
            "is_main": _is_summary(one.domain, findings),
        }
        for one in findings.contrasts
        if one.method == "standard"
    ]


def _accuracy_table(findings: Findings, test: str) -> dict[str, Any]:
    """Arms by domain on one test, under every prompt; beside them one run without interval, as in the paper."""
    here = [one for one in findings.accuracies if one.test == test]
    domains = list(dict.fromkeys(one.domain for one in here))
    cells: dict[tuple[str, str], dict[str, Accuracy]] = {}
    paper: dict[tuple[str, str], dict[str, Accuracy]] = {}
    for one in here:
        (cells if one.method == "standard" else paper).setdefault((one.ask, one.arm), {})[one.domain] = one
    return {"domains": domains, "cells": cells, "paper": paper}


def _by(rows: Sequence[Any], key: Any) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups

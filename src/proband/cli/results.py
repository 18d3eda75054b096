"""A comparison as tables on a terminal."""

import math

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from proband.cli.talk import out
from proband.reports.comparison import Comparison, ItemComparison
from proband.reports.methods import claims_paragraphs
from proband.reports.tables import FURTHER_NULLS, NULL_NAMES, condition_text, decimal, ladder_lines, percent


def tell_results(comparison: Comparison) -> None:
    """Shares beside people, and one line a item of distances; the limits last, so they are read."""
    for found in comparison.items:
        if found.model_shares or found.model_mean or found.human_mean:
            out.print(_shares(found))
        else:
            counts = ", ".join(f"{count:,} {status}" for status, count in found.dispositions.items())
            out.print(f"{found.item.id}: {counts}; see `proband export` for the answers", markup=False)
    if any(found.fidelity for found in comparison.items):
        out.print(_distances(comparison))
    if comparison.ladder is not None:
        out.print(_ladder(comparison))
        for name, reason in comparison.ladder.missing_nulls.items():
            named = FURTHER_NULLS.get(name, name)
            out.print(f"null row {named!r} is missing: {reason}", markup=False)
    if comparison.checks:
        out.print(_checks(comparison))
    if any(found.bounds for found in comparison.items):
        out.print(_bounds(comparison))
    counts = ", ".join(f"{count:,} {status}" for status, count in comparison.dispositions.items())
    out.print(f"responses: {counts}")
    for warning in comparison.warnings:
        out.print(f"warning: {warning}", style="yellow", markup=False)
    for paragraph in claims_paragraphs(comparison.run, comparison):
        out.print(paragraph, style="italic", markup=False)
    out.print(comparison.limits, style="italic")


def _shares(found: ItemComparison) -> Table:
    condition = condition_text(found.condition)
    table = Table(
        title=escape(f"{found.item.id}{f' ({condition})' if condition else ''}"),
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("answer")
    table.add_column("model [95 %]", justify="right")
    people: list[str] = []
    if found.fidelity:
        table.add_column("people [95 %]", justify="right")
        people = [percent(e) for e in found.fidelity.human_shares]
    for k, option in enumerate(found.options):
        if found.model_shares:
            table.add_row(escape(option), percent(found.model_shares[k]), *people[k : k + 1])
    if found.model_mean:
        table.add_row("mean", str(found.model_mean))
    if found.human_mean:
        table.add_row("mean of people", str(found.human_mean))
    return table


def _distances(comparison: Comparison) -> Table:
    table = Table(
        title="total variation distance from people (0 = same shares), with 95 % interval",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in ("item", "model", "uniform", "majority", "marginal", "floor"):
        table.add_column(column, justify="left" if column == "item" else "right", no_wrap=True)
    for found in comparison.items:
        if found.fidelity:
            tv = found.fidelity.total_variation
            nulls = (
                tv.baselines.get(name, math.nan)
                for name in ("uniform", "majority", "marginal_only", "noise_floor")
            )
            condition = "".join(f" {level}" for level in found.condition.values())
            table.add_row(
                escape(found.item.id + condition), decimal(tv, 2), *(f"{value:.2f}" for value in nulls)
            )
    return table


def _bounds(comparison: Comparison) -> Table:
    table = Table(
        title="worst-case bounds of the answers drawn, had every response been an answer (no sampling error)",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("item")
    table.add_column("without an answer", justify="right")
    table.add_column("bounds in %", overflow="fold")
    for found in comparison.items:
        if found.bounds:
            limits = [
                f"{option} [{100 * low:.1f}, {100 * high:.1f}]"
                for option, bound in zip(found.options, found.bounds, strict=True)
                for low, high in [bound.interval or (math.nan, math.nan)]
            ]
            lost = f"{found.bounds[0].n_missing:,} of {sum(found.dispositions.values()):,}"
            condition = "".join(f" {level}" for level in found.condition.values())
            table.add_row(escape(found.item.id + condition), lost, escape(", ".join(limits)))
    return table


def _ladder(comparison: Comparison) -> Table:
    table = Table(
        title="the ladder of fidelity: which rungs were tested, beside answers that know less",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("rung")
    table.add_column("what", overflow="fold")
    table.add_column("model [95 %]", justify="right")
    table.add_column("null rows; floor", overflow="fold")
    for line in ladder_lines(comparison):
        if line.estimate is None:
            table.add_row(line.rung, f"not tested: {line.reason}", "", "")
            continue
        names = {**NULL_NAMES, **FURTHER_NULLS}
        beside = [f"{names.get(k, k.replace('_', ' '))} {value:.3f}" for k, value in line.nulls.items()]
        beside += [] if line.floor is None else [f"floor {line.floor:.3f}"]
        table.add_row(line.rung, escape(line.label), decimal(line.estimate), ", ".join(beside))
    return table


def _checks(comparison: Comparison) -> Table:
    table = Table(
        title="response style, and what should not change an answer",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("check", overflow="fold")
    for column in ("model [95 %]", "people [95 %]", "without bias"):
        table.add_column(column, justify="right")
    for check in comparison.checks:
        expected = "" if check.expected is None else f"{check.expected:.3f}"
        table.add_row(escape(check.name), decimal(check.model), decimal(check.people), expected)
    return table

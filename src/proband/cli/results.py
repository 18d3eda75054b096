"""A comparison as tables on a terminal."""

import math

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from proband.cli.talk import out
from proband.reports.comparison import Comparison, ItemComparison
from proband.reports.tables import condition_text, decimal, percent


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
    counts = ", ".join(f"{count:,} {status}" for status, count in comparison.dispositions.items())
    out.print(f"responses: {counts}")
    for warning in comparison.warnings:
        out.print(f"warning: {warning}", style="yellow", markup=False)
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

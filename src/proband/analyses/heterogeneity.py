"""How much agents differ within societies, and societies from each other; beside people in their sessions."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy import stats

from proband.analyses.answers import measured, tabled
from proband.analyses.lived import UNITS, Lived, few, label, needing, over_societies
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.runs.run import Run

_MOST_COLUMNS = 12


def sections(run: Run) -> Sequence[Section]:
    """Standard deviations of every column at the end, by arm."""
    lived = Lived(run)
    columns = [name for name in lived.columns if name != "place"][:_MOST_COLUMNS]  # places have no order
    scan = lived.states.scan("agents").filter(pl.col("arm").is_in(lived.arms))
    last = scan.group_by("society", "arm").agg(pl.col("round").max().alias("end"))
    kept = scan.join(last, on=["society", "arm"], maintain_order="left").filter(pl.col("round") == pl.col("end"))
    ends = kept.group_by("society", "arm", maintain_order=True).agg(_described(columns)).collect()
    rows: list[tuple[Cell, ...]] = []
    for name in columns:
        for arm in lived.arms:
            part = ends.filter(pl.col("arm") == arm)
            rows.append((name, label(arm), *_two(part, name, "model")))
        if lived.people is not None and name in lived.people.columns:
            at = lived.people.filter(pl.col("round") == pl.col("round").max().over("society"))
            part = at.group_by("society", maintain_order=True).agg(_described([name]))
            rows.append((name, "people", *_two(part, name, "human")))
    rows = [row for row in rows if isinstance(row[2], Estimate) and not math.isnan(row[2].value)]
    forms: dict[str, CellForm] = {"column": "text", "of": "text", "SD within": "number", "SD between": "number"}
    return [
        Section(
            name="heterogeneity",
            heading="How much agents and societies differ",
            sentences=tuple(f"{row[0]}: {_said(row)}" for row in rows if row[1] == label(""))[:6],
            table=tabled(forms, rows, "Standard deviations at the end of societies"),
            notes=(
                UNITS,
                "Within: of agents, averaged over societies. Between: of the means of societies, what agents differ by "
                "chance included; its interval takes means as normal.",
            ),
            warnings=few(lived.n),
        )
    ]


def _described(columns: Sequence[str]) -> list[pl.Expr]:
    own = {name: pl.col(name).cast(pl.Float64).fill_nan(None) for name in columns}
    means = [column.mean().alias(f"{name} mean") for name, column in own.items()]
    return means + [column.std().alias(f"{name} SD") for name, column in own.items()]


def _said(row: Sequence[Cell]) -> str:
    within, between = row[2], row[3]
    assert isinstance(within, Estimate)
    return f"SD {within.value:.3g} within societies" + (
        f", {between.value:.3g} between them."
        if isinstance(between, Estimate) and not math.isnan(between.value)
        else "."
    )


def _two(part: pl.DataFrame, name: str, target: Target) -> tuple[Estimate, Estimate]:
    within = over_societies(part[f"{name} SD"].to_list(), f"standard deviation of {name} within a society", target)
    return within, spread(part[f"{name} mean"].drop_nulls().to_list(), f"of mean {name} between societies", target)


def spread(values: Sequence[float], what: str, target: Target = "model") -> Estimate:
    """Standard deviation of normal values, with the interval by chi-squared: ``s sqrt((n - 1) / q)``."""
    what = f"standard deviation {what}"
    n = len(values)

    def found() -> Estimate:
        if n < 2:
            raise DataError(f"{n} societies; a standard deviation between them needs 2")
        sd = float(np.std(values, ddof=1))
        low, high = (sd * math.sqrt((n - 1) / q) for q in stats.chi2.ppf((0.975, 0.025), n - 1))
        return Estimate(value=sd, interval=(low, high), interval_method="chi-squared", estimand=what, target=target,
                        n_units=n)  # fmt: skip

    return measured(found, what, target)


ANALYSIS = Analysis(
    name="heterogeneity",
    about="how much agents differ within societies, and societies from each other; beside people",
    needs=needing(lambda lived: bool(lived.columns), "nothing that is a number was kept of its agents"),
    sections=sections,
    is_quiet=True,
)

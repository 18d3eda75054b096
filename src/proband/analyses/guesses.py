"""Guesses of quantities: their median and spread, which means hide, beside people's where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import Form, cautions, tabled, told
from proband.analyses.asked import Asked, asked_of
from proband.analyses.section import Analysis, Cell, Figure, Section, marks
from proband.estimates import Estimate, Target
from proband.runs.run import Run
from proband.seeds import rng_for

_RESAMPLES = 2_000
_SAME = 0.1  # share of people's spread below which a model's answers are one answer, and no crowd


def needs(run: Run) -> str | None:
    """Numbers that were answered."""
    if not run.dispositions():
        return "nothing was answered yet"
    return None if any(item.form == "number" for item in run.items.values()) else "no item of this run asks a number"


@dataclass(frozen=True, kw_only=True)
class _Guesses:
    """Medians and spreads of the same resamples, so that a ratio of two sides has its own error."""

    median: Estimate
    spread: Estimate
    spreads: NDArray[np.float64]


def sections(run: Run) -> Sequence[Section]:
    """One section with a row for every number that was asked, under every condition."""
    rows: list[tuple[Cell, ...]] = []
    every: list[tuple[str, Estimate]] = []
    said: list[str] = []
    warnings: list[str] = []
    asked = [one for one in asked_of(run) if one.item.form == "number"]
    has_people = any(one.people is not None for one in asked)
    for one in asked:
        model = _guesses(one, one.part.filter(pl.col("status") == "valid"), "model")
        people = None if one.people is None else _guesses(one, one.people, "human")
        if model is None:
            continue
        ratio = None if people is None else _ratio(one, model, people)
        beside = (None, None, None) if people is None else (people.median, people.spread, ratio)
        rows.append((one.title, model.median, model.spread, *(beside if has_people else ())))
        every += [(one.title, model.median), (one.title, model.spread)]
        said.append(f"{one.title}: median {told(model.median)}, interquartile range {told(model.spread)}.")
        if ratio is not None and ratio.value < _SAME:
            warnings.append(
                f"{one.title}: guesses spread over {100 * ratio.value:.0f} % of people's range: the engine knows the "
                "number or repeats itself, and is no crowd"
            )
    forms: dict[str, Form] = {"question": "text"}
    forms |= {"median": ("number", "model"), "spread": ("number", "model")}
    if has_people:
        forms |= {"people's median": ("number", "people"), "people's spread": ("number", "people")}
        forms |= {"ratio of spreads": ("number", "model")}
    caption = "Median of guesses, and their interquartile range"
    return [
        Section(
            name="guesses",
            heading="Guesses and how far they spread",
            chapter="Answers",
            sentences=tuple(said[:6]),
            table=tabled(forms, rows, caption),
            figure=Figure(
                form="intervals",
                rows=marks({str(row[0]): row[1] for row in rows if isinstance(row[1], Estimate)}, "model"),
                caption="Medians, with 95 % intervals",
            )
            if rows
            else None,
            notes=(f"Intervals are from {_RESAMPLES:,} resamples of whole units; subjects count alike.",),
            warnings=(*warnings, *cautions(every)),
        )
    ]


def _guesses(one: Asked, answers: pl.DataFrame, target: Target) -> _Guesses | None:
    """Median and interquartile range over subjects; None of fewer than two."""
    means = answers.group_by("subject", maintain_order=True).agg(pl.col("value").mean()).drop_nulls()
    if means.height < 2:
        return None
    x = means["value"].to_numpy()
    units = [one.units.get(subject, subject) for subject in means["subject"]]
    rng = rng_for(0, "guesses", one.name, target)
    codes = np.unique(units, return_inverse=True)[1]
    members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    picks = rng.integers(0, len(members), (_RESAMPLES, len(members)))
    # Without shared units, which is nearly always, all resamples are one array.
    if len(members) == len(x):
        drawn = np.percentile(x[picks], [25, 50, 75], axis=1)
    else:
        drawn = np.array(
            [np.percentile(x[np.concatenate([members[k] for k in pick])], [25, 50, 75]) for pick in picks]
        ).T
    low, middle, high = np.percentile(x, [25, 50, 75])
    unit = f", {one.item.unit}" if one.item.unit else ""
    median = _estimate(middle, drawn[1], f"median of {one.item.id}{unit}", target, len(x), len(members))
    spread = _estimate(
        high - low, drawn[2] - drawn[0], f"interquartile range of {one.item.id}{unit}", target, len(x), len(members)
    )
    return _Guesses(median=median, spread=spread, spreads=drawn[2] - drawn[0])


def _ratio(one: Asked, model: _Guesses, people: _Guesses) -> Estimate | None:
    """The model's spread over people's; None where people's can be nothing."""
    if people.spreads.min() <= 0 or people.spread.value <= 0:
        return None
    value, about = model.spread.value / people.spread.value, f"ratio of spreads of {one.item.id}, model to people"
    drawn = model.spreads / people.spreads
    return _estimate(value, drawn, about, "model", model.spread.n_units, model.spread.n_units)


def _estimate(value: float, drawn: NDArray[np.float64], about: str, target: Target, n: int, clusters: int) -> Estimate:
    se = float(drawn.std(ddof=1))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(
        value=float(value), estimand=about, target=target, n_units=n, n_clusters=clusters if clusters < n else None,
        se=se or None, interval=(float(low), float(high)) if se else None,
        interval_method="percentile bootstrap" if se else "none: answers do not vary",
        warnings=() if se else ("answers do not vary",),
    )  # fmt: skip


ANALYSIS = Analysis(
    name="guesses",
    about="median and spread of numbers, beside people's: whether many answers are a crowd or one answer",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

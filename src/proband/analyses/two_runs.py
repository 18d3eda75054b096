"""Two runs of the same places: how often they agree, and how far apart they are on those that both have.

No analysis of one run: whoever has two calls `compared`.
"""

from collections.abc import Sequence

import polars as pl

from proband.analyses.answers import Form, answers, cautions, measured, percent, tabled
from proband.analyses.effects import Scores, outcomes
from proband.analyses.section import Cell, Figure, Section, marks
from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures import clustered_mean, paired_difference
from proband.runs.run import Run

_CHAPTER = "Two runs"
_GIVEN = ("answer", "value", "label", "parts")


def compared(one: Run, other: Run) -> tuple[Section, ...]:
    """Agreement by item, and the paired difference of every outcome.

    Parameters
    ----------
    one, other : Run
        Differences are the second run's number less the first's.

    Raises
    ------
    DesignError
        If they have no place in common.
    """
    units = {subject: str(unit) for subject, unit in one.roster.units.items()}
    both = answers(one).join(answers(other), on="trial", suffix="_other")
    if both.is_empty():
        raise DesignError(f"{one.path} and {other.path} have no place in common: nothing can be compared")
    return (_agreement(both, tuple(one.items)), *_differences(one, other, set(both["trial"]), units))


def _agreement(both: pl.DataFrame, items: Sequence[str]) -> Section:
    """Of the places where both gave a valid answer, the share in which it is the same."""
    valid = both.filter(pl.col("status") == "valid", pl.col("status_other") == "valid")
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_other")) for name in _GIVEN)
    valid = valid.with_columns(same.alias("same"))
    rows: list[tuple[Cell, ...]] = []
    shares: dict[str, Estimate] = {}
    for item in items:
        part, every = valid.filter(pl.col("item") == item), both.filter(pl.col("item") == item)
        if every.is_empty():
            continue
        share = measured(
            lambda part=part: clustered_mean(  # type: ignore[misc]
                part["same"].cast(pl.Float64).to_numpy(), part["unit"].to_list(), is_share=True
            ),
            f"share of places with the same answer to {item}",
        )
        shares[item] = share
        rows.append((item, every.height, part.height, share))
    forms: dict[str, Form] = {"item": "text", "places": "count", "answered in both": "count", "same answer": "share"}
    lead = [f"The runs gave the same answer to {item} in {percent(share)} of places." for item, share in shares.items()]
    return Section(
        name="agreement",
        heading="How often the answer is the same",
        chapter=_CHAPTER,
        sentences=tuple(lead) if len(lead) <= 3 else (),
        table=tabled(forms, rows, "Places that both runs have, and the share with the same answer"),
        figure=Figure(form="intervals", rows=marks(shares), caption="Share of places with the same answer, by item"),
        notes=("Only places where both answers are valid count. Intervals are over independent units.",),
        warnings=cautions(shares.items()),
    )


def _differences(one: Run, other: Run, places: set[str], units: dict[str, str]) -> tuple[Section, ...]:
    """The paired difference of each outcome, over subjects that both runs have."""
    chosen = pl.col("trial").is_in(list(places))
    first, second = answers(one).filter(chosen), answers(other).filter(chosen)
    found: dict[str, Estimate] = {}
    rows: list[tuple[Cell, ...]] = []
    for outcome in outcomes(one):
        asked = other.items.get(outcome.item.id)
        if asked is None or asked.options != outcome.item.options or asked.points != outcome.item.points:
            continue  # under other options a number means another thing
        before, after = outcome.scores(first, "subject"), outcome.scores(second, "subject")
        shared = sorted(before.keys() & after.keys())
        if not shared:
            continue
        difference = measured(
            lambda before=before, after=after, shared=shared: paired_difference(  # type: ignore[misc]
                {s: after[s] for s in shared},
                {s: before[s] for s in shared},
                cluster={s: units.get(s, s) for s in shared} if len(set(units.values())) < len(units) else None,
            ),
            f"difference of {outcome.name}",
        )
        found[outcome.name] = difference
        rows.append((outcome.name, _mean(before, shared), _mean(after, shared), difference))
    if not rows:
        return ()
    forms: dict[str, Form] = {"outcome": "text", "first": "number", "second": "number", "difference": "number"}
    return (
        Section(
            name="differences",
            heading="How far apart they are",
            chapter=_CHAPTER,
            table=tabled(forms, rows, "Second run less first, over subjects that both have"),
            figure=Figure(
                form="intervals", rows=marks(found), caption="Second run less first, by outcome", options={"zero": 0}
            ),
            notes=("Scores are in scale points or the item's unit; choices without scores are shares of an option.",),
            warnings=cautions(found.items()),
        ),
    )


def _mean(scores: Scores, shared: Sequence[str]) -> float:
    return sum(scores[subject] for subject in shared) / len(shared)

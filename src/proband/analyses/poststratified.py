"""People and model under the margins of the population that people are to stand for."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from proband.analyses.answers import answers, cautions, measured, tabled, told
from proband.analyses.effects import Outcome, outcomes
from proband.analyses.sampling import Sample
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures import calibrate_design, calibrated_mean, mrp_mean, poststratify, rake, weighted_mean
from proband.roster import Trait
from proband.runs.run import Run
from proband.weighting import CalibratedWeights, calibrate

_CHAPTER = "In the population"
_MOST_CELLS = 20_000
Columns = dict[str, list[Trait]]


@dataclass(frozen=True, kw_only=True)
class Margins:
    """What is known of the population: `shares` of levels by column, and `means` of columns that are numbers."""

    shares: Mapping[str, Mapping[Trait, float]]
    means: Mapping[str, float]
    traits: Mapping[str, Mapping[str, Trait]]

    def of(self, subjects: Sequence[str]) -> tuple[list[str], Columns]:
        """The subjects of whom every column is known, and these columns."""
        wanted = (*self.shares, *self.means)
        there = [s for s in subjects if all(column in self.traits.get(s, {}) for column in wanted)]
        return there, {column: [self.traits[s][column] for s in there] for column in wanted}

    def totals(self, n: float) -> dict[str, float]:
        """Totals of the numbers over n people."""
        return {column: mean * n for column, mean in self.means.items()}


def margins(run: Run) -> Margins | None:
    """The population's margins, where the study gives them."""
    noted: Mapping[str, Any] = {} if run.people is None else (run.people.manifest["design"] or {}).get("known") or {}
    if run.people is None or not (noted.get("margins") or noted.get("means")):
        return None
    return Margins(shares=noted.get("margins") or {}, means=noted.get("means") or {}, traits=run.people.traits)


def needs(run: Run) -> str | None:
    """People's answers, and margins of the population that they are to stand for."""
    if run.people is None:
        return "this run has no people's answers to weight"
    if not run.dispositions():
        return "nothing was answered yet"
    if margins(run) is None:
        return "nothing is known of the population: give its margins, e.g. [people] margins = {sex = {f = 51, m = 49}}"
    return None if outcomes(run) else "no item of this run has a score or options whose shares could be estimated"


def sections(run: Run) -> Sequence[Section]:
    """Numbers as they were answered and in the population, and who answered beside who there is."""
    known = margins(run)
    return [] if known is None or run.people is None else [_numbers(run, run.people, known), *_who(run.people, known)]


def _numbers(run: Run, people: Run, known: Margins) -> Section:
    ours, theirs = answers(run), answers(people)
    drawn = Sample(people.roster, {}), Sample(run.roster, {})
    rows: list[tuple[Cell, ...]] = []
    sentences, doubts, lost = [], [], 0
    for outcome in outcomes(run):
        given, predicted = outcome.scores(theirs, "subject"), outcome.scores(ours, "subject")
        there, columns = known.of(list(given))
        if not there:
            continue
        lost = max(lost, len(given) - len(there))
        y = [given[s] for s in there]
        raw, calibrated = _means(outcome, y, there, columns, known=known, drawn=drawn[0], target="human")
        multilevel = _multilevel(outcome, y, columns, known)
        of_model, model_columns = known.of(list(predicted))
        model = reweighted = None
        if of_model:
            y = [predicted[s] for s in of_model]
            model, reweighted = _means(outcome, y, of_model, model_columns, known=known, drawn=drawn[1], target="model")
        rows.append((outcome.name, len(there), raw, calibrated, multilevel, model, reweighted))
        sentences.append(f"{outcome.name}: {told(raw)} among those who answered, {told(calibrated)} in the population.")
        doubts += [(outcome.name, one) for one in (calibrated, multilevel) if one is not None]
    forms: dict[str, CellForm] = {"outcome": "text", "people": "count"}
    numbers = ("as answered", "calibrated", "multilevel", "model", "model, calibrated")
    return Section(
        name="poststratified",
        heading="In the population",
        chapter=_CHAPTER,
        sentences=tuple(sentences[:6]),
        table=tabled(
            forms | dict.fromkeys(numbers, "number"), rows, "As answered, and in a population of these margins"
        ),
        notes=(
            "Calibrated: weights that meet the margins; the interval is a jackknife's, calibrated anew each time, or "
            "where people were drawn within strata that of their design, of what the margins leave unexplained.",
            "Multilevel: a regression on the columns of the margins, added up over their combinations (MRP); it takes "
            "people as drawn one by one.",
            "Model, calibrated: the model's answers for the same people; it says nothing of people by itself.",
            *((f"Up to {lost} people are left out, of whom a column is not known.",) if lost else ()),
        ),
        warnings=("Margins mend who is in the sample, not who of a group was willing to answer.", *cautions(doubts)),
    )


def _means(
    outcome: Outcome,
    y: Sequence[float],
    subjects: Sequence[str],
    columns: Columns,
    *,
    known: Margins,
    drawn: Sample,
    target: Target,
) -> tuple[Estimate, Estimate]:
    """A mean as it was answered, and calibrated to the margins; both with the variance of how people were drawn."""
    design, roster = drawn.of(subjects), drawn.roster
    n = len(y)
    weights = [roster.weights[s] for s in subjects] if roster.weights else None
    psu = [roster.clusters[s] for s in subjects] if roster.psu else None
    what = f"mean of {outcome.name} in the population"

    def calibrated() -> Estimate:
        if roster.strata:
            # Within strata by what the margins leave unexplained, which knows of strata with one unit and of fpc.
            size = design.w.sum()
            after = calibrate_design(design, columns, known.shares, totals=known.totals(size), size=size)
            return weighted_mean(y, design=after, estimand=what)
        if len(known.shares) == 1 and not known.means and psu is None:
            # One margin needs no iteration, and its variance is known exactly.
            ((name, shares),) = known.shares.items()
            return poststratify(y, columns[name], population=dict[Hashable, float](shares.items()), weights=weights)
        return calibrated_mean(y, columns, known.shares, psu=psu, weights=weights, totals=known.totals(n), size=n)

    return weighted_mean(y, design=design, target=target), replace(measured(calibrated, what, target), target=target)


def _multilevel(outcome: Outcome, y: Sequence[float], columns: Columns, known: Margins) -> Estimate | None:
    """People's mean by a multilevel regression, which takes levels only."""
    if known.means:
        return None
    what = f"mean of {outcome.name} by multilevel regression"
    return measured(lambda: mrp_mean(y, columns, **_table(columns, known)), what, "human")


def _table(columns: Columns, known: Margins) -> dict[str, Any]:
    """All combinations of levels, and their sizes: the margins, with people's own associations between columns.

    Each combination starts from its people and what one more person, spread over all, would add; raking does the rest.
    """
    levels = {name: list(shares) for name, shares in known.shares.items()}
    cells = list(product(*levels.values()))
    if len(cells) > _MOST_CELLS:
        raise DataError(
            f"{len(cells)} combinations of levels are too many for a multilevel regression; give fewer margins"
        )
    place = {cell: k for k, cell in enumerate(cells)}
    sums = {name: sum(shares.values()) for name, shares in known.shares.items()}
    start = np.array(
        [np.prod([known.shares[n][v] / sums[n] for n, v in zip(levels, cell, strict=True)]) for cell in cells]
    )
    for person in zip(*(columns[name] for name in levels), strict=True):
        start[place[person]] += 1
    table: Columns = {name: [cell[k] for cell in cells] for k, name in enumerate(levels)}
    return {"cells": table, "sizes": rake(table, known.shares, weights=start).weights}


def _who(people: Run, known: Margins) -> list[Section]:
    """Who answered, beside the population, and what the weights cost."""
    there, columns = known.of(list(people.roster.by_subject))
    weights = [people.weights[s] for s in there] if people.weights else None
    w = np.ones(len(there)) if weights is None else np.array(weights)
    rows: list[tuple[Cell, ...]] = []
    for name, shares in known.shares.items():
        total = sum(shares.values())
        held = np.array(columns[name], dtype=object)
        for level, share in shares.items():
            is_in = held == level
            rows.append((f"{name}: {level}", int(is_in.sum()), float(w[is_in].sum() / w.sum()), share / total))
    found: CalibratedWeights | None = None
    if there:
        found = calibrate(columns, known.shares, totals=known.totals(len(there)), size=len(there), weights=weights)
    notes = (
        ()
        if found is None
        else (
            f"Weights that meet all margins lie between {found.factors.min():.2f} and {found.factors.max():.2f} times "
            f"those before; {len(there)} people are worth {found.kish_n_eff:.0f}.",
        )
    )
    means = tuple(
        f"{name}: mean {np.average(np.array(columns[name], dtype=float), weights=w):.2f}, in the population {mean:.2f}."
        for name, mean in known.means.items()
        if there
    )
    forms: dict[str, CellForm] = {"level": "text", "people": "count", "sample": "share", "population": "share"}
    return [
        Section(
            name="poststratified-who",
            heading="Who answered, and who there is",
            chapter=_CHAPTER,
            table=tabled(forms, rows, "Shares in the sample and in the population") if rows else None,
            notes=(*notes, *means),
            warnings=() if found is None else found.warnings,
        )
    ]


ANALYSIS = Analysis(
    name="poststratified",
    about="people's and the model's answers weighted to the margins of a population, calibrated and multilevel",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

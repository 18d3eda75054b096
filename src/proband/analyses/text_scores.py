"""Scores of open texts beside scales: how far the texts say what the scales say, and no further than that."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from proband.analyses.answers import cautions, measured, tabled, told
from proband.analyses.section import Cell, CellForm, Section
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import (
    clustered_correlation,
    clustered_mean,
    cronbach_alpha,
    disattenuated,
    multitrait_multimethod,
    omega_total,
)
from proband.models.engine import Vectors
from proband.texts.scores import FOLDS, Predicted, Sheet, predicted

Floats = NDArray[np.float64]
Embed = Callable[[Sequence[str]], Vectors]
_SCALE = "scale"
_METHOD = (
    f"Scores were predicted from vectors of texts by ridge regression, in {FOLDS} folds of authors, the penalty found "
    "within the others (nested cross-validation); correlations are of these out-of-sample scores."
)
_NOTES = (
    "The interval is over authors and takes the fits as they are. 'Length only' is the same with only the number "
    "of words. 'Error taken off' is the share of the squared error of guessing the mean.",
    "'Without scale error' divides by the root of the scale's reliability (omega, or alpha), taken as known. It is "
    "what the text would say of a scale without error, and no correction of the text.",
)


def score_sections(sheet: Sheet, embed: Embed, encoder: str) -> list[Section]:
    """Texts beside scales, reliabilities of the scales, and several traits by several methods.

    Raises
    ------
    DataError
        If a text and a scale share too few authors.
    """
    scales = {name: items.mean(axis=1) for name, items in sheet.scales.items()}
    sure = {name: _reliability(sheet, name) for name in scales}
    rows: list[tuple[Cell, ...]] = []
    made: dict[str, tuple[str, str, Floats]] = {name: (name, _SCALE, values) for name, values in scales.items()}
    for method, texts in sheet.texts.items():
        written = np.array([bool(text.strip()) for text in texts])
        vectors = embed([text for text in texts if text.strip()])
        lengths = np.log([[len(text.split()) + 1] for text in texts if text.strip()]).astype(np.float32)
        for name, values in scales.items():
            known = ~np.isnan(values[written])
            scores, units = values[written][known], [u for u, w in zip(sheet.units, written, strict=True) if w]
            units = [unit for unit, has in zip(units, known, strict=True) if has]
            try:
                found = predicted(vectors[known], scores, units)
            except DataError as error:
                raise DataError(f"scale {name}, text {method}: {error}") from None
            r = clustered_correlation(found.deviations, scores, cluster=units)
            rows.append((name, method, len(scores), r, _true(r, sure[name]),
                         _length(lengths[known], scores, units), _taken_off(found, scores, units)))  # fmt: skip
            column = np.full(len(texts), np.nan)
            column[np.flatnonzero(written)[known]] = found.deviations
            made[f"{name} ({method})"] = name, method, column
    sections = [_beside(rows, encoder), _reliabilities(sure, scales)]
    return [*sections, _matrix(made, sheet.units)] if len(made) > 2 else sections


def _reliability(sheet: Sheet, name: str) -> Estimate:
    """Of a scale: as given, omega of three items or more, alpha of two."""
    if name in sheet.reliabilities:
        return Estimate(value=sheet.reliabilities[name], estimand="reliability, as given", target="human", n_units=0)
    items = sheet.scales[name][~np.isnan(sheet.scales[name]).any(axis=1)]
    if items.shape[1] < 2:
        why = f"{name}: one column has no reliability of its own; give it, or the columns of the items"
        return Estimate(value=math.nan, estimand="reliability", target="human", n_units=0, warnings=(why,))
    measure = omega_total if items.shape[1] > 2 else cronbach_alpha
    return measured(partial(measure, items, target="human"), "reliability", "human")


def _true(r: Estimate, reliability: Estimate) -> Estimate | None:
    return disattenuated(r, [reliability]) if reliability.value > 0 and not math.isnan(r.value) else None


def _length(lengths: Vectors, scores: Floats, units: Sequence[str]) -> Estimate:
    found = predicted(lengths, scores, units)
    return clustered_correlation(found.deviations, scores, cluster=list(units))


def _taken_off(found: Predicted, scores: Floats, units: Sequence[str]) -> Estimate:
    before, after = (scores - found.without) ** 2, (scores - found.values) ** 2
    return clustered_mean((before - after) / before.mean(), list(units), is_share=False, target="data")


def _beside(rows: Sequence[tuple[Cell, ...]], encoder: str) -> Section:
    forms: dict[str, CellForm] = {
        "scale": "text", "text": "text", "n": "count", "r": "number", "without scale error": "number",
        "length only": "number", "error taken off": "number",
    }  # fmt: skip
    said = [f"{row[1]} on {row[0]}: r = {told(row[3])} out of sample, {row[2]:,} texts."
            for row in rows if isinstance(row[3], Estimate)]  # fmt: skip
    marked = [(f"{row[0]}, {row[1]}", cell) for row in rows for cell in row if isinstance(cell, Estimate)]
    return Section(
        name="text-scores",
        heading="Texts beside scales",
        sentences=tuple(said),
        table=tabled(forms, rows, f"Out-of-sample scores of texts, vectors by {encoder}, with the scales", digits=2),
        notes=_NOTES,
        warnings=cautions(marked),
        methods=(_METHOD,),
    )


def _reliabilities(sure: Mapping[str, Estimate], scales: Mapping[str, Floats]) -> Section:
    rows = [(name, int((~np.isnan(scales[name])).sum()), found, found.estimand) for name, found in sure.items()]
    forms: dict[str, CellForm] = {"scale": "text", "n": "count", "reliability": "number", "what": "text"}
    return Section(
        name="text-scores-reliability",
        heading="How reliable the scales are",
        table=tabled(forms, rows, "No text can be expected to agree with a scale better than the scale with itself",
                     digits=2),
        warnings=cautions(sure.items()),
    )  # fmt: skip


def _matrix(made: Mapping[str, tuple[str, str, Floats]], units: Sequence[str]) -> Section:
    """Several traits by several methods, every pair of scores."""
    pairs = multitrait_multimethod(
        {name: values for name, (_, _, values) in made.items()},
        {name: trait for name, (trait, _, _) in made.items()},
        {name: method for name, (_, method, _) in made.items()},
        cluster=list(units),
    )
    words = {
        "trait": "one trait, two methods",
        "method": "two traits, one method",
        "neither": "two traits, two methods",
    }
    rows = [(f"{p.first} + {p.second}", words[p.same], p.correlation.n_units, p.correlation) for p in pairs]
    forms: dict[str, CellForm] = {"pair": "text", "what they share": "text", "n": "count", "r": "number"}
    return Section(
        name="text-scores-methods",
        heading="Traits by methods",
        table=tabled(forms, rows, "Correlations of all scores; the first kind should be the largest", digits=2),
        notes=("After Campbell and Fiske (1959). Scores of one text on two scales are learned from the scales, so they "
               "go together where the scales do.",),
    )  # fmt: skip

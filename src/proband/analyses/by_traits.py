"""How people's answers go with what is known of everybody, from a few people's answers and many predictions."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import numpy as np

from proband.analyses.answers import cautions, tabled
from proband.analyses.labels import Labelled, sampling, shared_chance
from proband.analyses.section import Cell, CellForm, Section
from proband.errors import DataError, DesignError
from proband.measures import Regressors, dsl_ols, ppi_logit, ppi_ols, ppi_poisson
from proband.measures.arrays import Floats
from proband.measures.correction.estimates import CorrectedRegression
from proband.runs.run import Run

_FEWEST_EACH = 15  # labelled subjects for each regressor
_MOST_OUTCOMES = 8
_SCALES = {
    "linear": "linear: in the outcome's own unit",
    "logit": "logit: log odds ratios",
    "counts": "counts: logs of ratios of counts",
}


def by_traits(run: Run, found: Sequence[Labelled]) -> list[Section]:
    """Regressions of every outcome on the traits that are numbers or have two levels."""
    rows: list[tuple[Cell, ...]] = []
    doubts = []
    for one in found[:_MOST_OUTCOMES]:
        columns = _columns(run, one)
        if not columns or len(one.known) < _FEWEST_EACH * len(columns):
            continue
        form, fit = _fitted(run, one, columns)
        if fit is None:
            continue
        for name in columns:
            told = fit[name]
            rows.append(
                (one.outcome.name, name, form, told.classical, told.baselines.get("predictions only"), told,
                 told.effective_n if np.isfinite(told.effective_n) else None)
            )  # fmt: skip
            doubts.append((f"{one.outcome.name} by {name}", told))
    if not rows:
        return []
    forms: dict[str, CellForm] = {"outcome": "text", "trait": "text", "regression": "text"}
    forms |= dict.fromkeys(("people only", "model only", "corrected", "worth"), "number")
    used = dict.fromkeys(str(row[2]) for row in rows)
    return [
        Section(
            name="correction-traits",
            heading="How answers go with what is known of subjects",
            chapter="Correction by people's answers",
            table=tabled(forms, rows, "Coefficients of regressions on all traits at once"),
            notes=(
                "Corrected: the regression of the predictions, less that of their errors among the answered.",
                *(f"{_SCALES[form]}." for form in used),
            ),
            warnings=cautions(doubts),
        )
    ]


def _columns(run: Run, one: Labelled) -> dict[str, tuple[Floats, Floats]]:
    """Of each trait that varies, its numbers among the labelled and among the others."""
    traits, found = run.traits, dict[str, tuple[Floats, Floats]]()
    everybody = (*one.known, *one.others)
    for name in dict.fromkeys(column for subject in everybody for column in traits.get(subject, {})):
        held = [traits.get(subject, {}).get(name) for subject in everybody]
        levels = sorted({str(value) for value in held})
        if None in held or len(levels) < 2:
            continue
        if all(isinstance(value, int | float) for value in held):
            values, label = np.array(held, dtype=np.float64), name
        elif len(levels) == 2:
            values, label = (
                np.array([str(value) == levels[1] for value in held], dtype=np.float64),
                f"{name}: {levels[1]}",
            )
        else:
            continue
        known, others = values[: len(one.known)], values[len(one.known) :]
        if np.ptp(known) > 0:
            found[label] = (known, others)
    return found


def _fitted(
    run: Run, one: Labelled, columns: dict[str, tuple[Floats, Floats]]
) -> tuple[str, CorrectedRegression | None]:
    """The regression that suits the outcome; none where the data do not allow it."""
    drawn = sampling(run, one)
    x = Regressors(
        labelled={name: known for name, (known, _) in columns.items()},
        unlabelled={name: others for name, (_, others) in columns.items()},
    )
    everything = np.concatenate([one.y, one.f, one.u])
    form, fit = "linear", cast("Callable[..., CorrectedRegression]", ppi_ols)
    if (chance := shared_chance(drawn)) is not None:
        fit = partial(dsl_ols, probabilities=chance)
    elif np.isin(one.y, (0.0, 1.0)).all() and everything.min() >= 0 and everything.max() <= 1:
        form, fit = "logit", ppi_logit
    elif one.outcome.item.form == "number" and one.outcome.item.lower == 0 and (one.y % 1 == 0).all():
        form, fit = "counts", ppi_poisson
    try:
        return form, fit(one.y, one.f, one.u, regressors=x, sampling=drawn)
    except (DataError, DesignError):
        return form, None

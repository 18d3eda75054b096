"""How answers go with traits in the population, in a regression of people's answers and of the model's for them."""

from collections.abc import Mapping, Sequence

import numpy as np

from proband.analyses.answers import cautions, tabled
from proband.analyses.asked import Asked
from proband.analyses.section import Cell, Section
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import survey_regression
from proband.measures.arrays import Floats
from proband.roster import Trait

_FEWEST_EACH = 10  # people for each coefficient
_MEAN = "(mean)"


def trait_regressions(
    asked: Sequence[Asked], traits: Mapping[str, Mapping[str, Trait]], by: tuple[str, ...], chapter: str
) -> list[Section]:
    """Regressions on all traits at once of items with two options, or points, that enough people answered."""
    rows: list[tuple[Cell, ...]] = []
    found: list[tuple[str, Estimate]] = []
    for one in asked:
        points = _points(one)
        subjects = sorted(map(str, one.ours.keys() & one.model.keys()))
        subjects = [s for s in subjects if all(column in traits.get(s, {}) for column in by)]
        columns = _columns(subjects, traits, by)
        if points is None or len(columns) < 2 or len(subjects) < _FEWEST_EACH * len(columns):
            continue
        drawn = one.sample.of(subjects)
        theirs, ours = points[[one.ours[s] for s in subjects]], np.array([one.model[s] for s in subjects]) @ points
        try:
            people = survey_regression(theirs, columns, drawn)
            model = survey_regression(ours, columns, drawn, target="model")
        except DataError:
            continue  # traits that repeat each other have no coefficients of their own
        for term in list(columns)[1:]:
            rows.append((one.title, term, people[term], model[term], people[term].p_value))
            found.append((f"{one.title}, {term}", people[term]))
    if not rows:
        return []
    return [
        Section(
            name="survey-traits",
            heading="How answers go with traits in the population",
            chapter=chapter,
            table=tabled(
                {
                    "item": "text", "trait": "text", "people": ("number", "people"), "model": ("number", "model"),
                    "p, people": "p",
                },
                rows,
                "Linear regression on all traits at once, each level against the first of its trait",
                is_folded=True,
            ),
            notes=(
                "Weighted as people were drawn, with the variance of that design: what a regression of everybody "
                "would give. Of two options the share of the first is explained, of a scale its points.",
            ),
            warnings=cautions(found),
        )
    ]  # fmt: skip


def _points(asked: Asked) -> Floats | None:
    """What each option counts; None for more than two options without points."""
    if asked.positions is not None:
        return np.array([asked.item.points[k] for k in asked.kept], dtype=np.float64)
    return np.array([1.0, 0.0]) if len(asked.kept) == 2 else None


def _columns(
    subjects: Sequence[str], traits: Mapping[str, Mapping[str, Trait]], by: tuple[str, ...]
) -> dict[str, Floats]:
    columns = {_MEAN: np.ones(len(subjects))}
    for name in by:
        held = np.array([str(traits[s][name]) for s in subjects])
        columns |= {f"{name}: {level}": (held == level).astype(float) for level in np.unique(held)[1:]}
    return columns

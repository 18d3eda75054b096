"""Estimates of the population that a run's people were drawn from, by how they were drawn."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl

from proband.analyses.answers import Form, cautions, measured, tabled
from proband.analyses.asked import Asked, asked_of
from proband.analyses.section import Analysis, Cell, Section
from proband.analyses.survey_traits import trait_regressions
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import (
    rao_scott_fit,
    rao_scott_test,
    survey_mean,
    survey_proportion,
    survey_quantile,
    survey_ratio,
    survey_total,
)
from proband.runs.run import Run

CHAPTER = "Answers"
_MOST_LEVELS = 7  # of a trait that divides people without being named
_MEANING = (
    "A design effect of 2 says that people are worth half as many drawn one by one. F tests are Rao and Scott's, with "
    "the second-order correction."
)


def needs(run: Run) -> str | None:
    """People, and something that makes them other than a simple random sample."""
    if run.people is None:
        return "it needs human answers, and this run has none"
    roster = run.people.roster
    if not (roster.weights or roster.strata or roster.psu):
        return "its people have neither weights nor strata nor sampling units: they are a simple random sample"
    if not _compared(run):
        return "no item with options was answered by the same 2 subjects on both sides"
    return None


def sections(run: Run) -> Sequence[Section]:
    """Estimates and tests with people divided by the traits that have few levels."""
    levels: dict[str, set[object]] = {}
    for known in (run.people or run).traits.values():
        for column, value in known.items():
            levels.setdefault(column, set()).add(value)
    return divided(run, tuple(column for column, values in levels.items() if 1 < len(values) <= _MOST_LEVELS))


def divided(run: Run, by: tuple[str, ...]) -> Sequence[Section]:
    """What people of the population answer, whether the model's answers differ, and whether those of subgroups do."""
    asked = _compared(run)
    tests = {one.title: _tests(run, one, by) for one in asked}
    told = [_estimates(asked, _numbers(run)), *_totals(asked), _told(asked, tests)]
    return told + trait_regressions(asked, (run.people or run).traits, by, CHAPTER)


def _compared(run: Run) -> list[Asked]:
    return [one for one in asked_of(run) if one.is_compared and not one.has_shared_units]


def _numbers(run: Run) -> dict[str, Estimate]:
    """Mean and median of what people answered to items whose answer is a number."""
    found: dict[str, Estimate] = {}
    for one in {one.item.id: one for one in asked_of(run) if one.item.form == "number"}.values():
        answers = (
            None if one.people is None else one.people.filter(pl.col("subject").is_in(one.part["subject"].implode()))
        )
        if answers is None or answers["subject"].n_unique() < 2:
            continue
        drawn, y = one.sample.of(answers["subject"].to_list()), answers["value"].to_numpy()
        found[f"{one.item.id} (mean)"] = survey_mean(y, drawn, estimand=f"mean of {one.item.id}")
        found[f"{one.item.id} (median)"] = survey_quantile(y, 0.5, drawn, estimand=f"median of {one.item.id}")
        found |= _over(one, dict(zip(answers["subject"].to_list(), y.tolist(), strict=True)))
    return found


def _over(one: Asked, people: Mapping[str, float]) -> dict[str, Estimate]:
    """How much the model's numbers are of people's, in the population."""
    valid = one.part.filter(pl.col("status") == "valid", pl.col("value").is_not_null())
    model = dict(valid.group_by("subject", maintain_order=True).agg(pl.col("value").mean()).iter_rows())
    both = [subject for subject in people if subject in model]
    if len(both) < 2 or not any(people[s] for s in both):
        return {}
    about = f"total of the model's {one.item.id} over people's"
    drawn = one.sample.of(both)
    ratio = survey_ratio([model[s] for s in both], [people[s] for s in both], drawn, estimand=about)
    return {f"{one.item.id} (model over people)": ratio}


def _totals(asked: Sequence[Asked]) -> list[Section]:
    """How many of the population give each answer, where weights count people."""
    rows: list[tuple[Cell, ...]] = []
    for one in {one.item.id: one for one in asked}.values():
        subjects = _both(one)
        drawn = one.sample.of(subjects)
        # Whoever stands for a number of people stands for one at least; weights on another scale count nobody.
        if drawn.w.min() < 1 or drawn.w.sum() < 2 * drawn.n:
            return []
        given = np.array([one.ours[s] for s in subjects])
        for k, text in enumerate(one.options):
            total = survey_total((given == k).astype(float), drawn, estimand=f"people answering {text!r}")
            rows.append((f"{one.item.id}: {text}", total, total.se))
    return [
        Section(
            name="survey-totals",
            heading="How many people",
            chapter=CHAPTER,
            table=tabled(
                {"answer": "text", "people": ("number", "people"), "SE": "number"},
                rows,
                "Numbers of people who would answer so, where weights are numbers of people",
                is_folded=True,
                digits=0,
            ),
            notes=("Everybody counts as many people as their weight says; who did not answer counts as nobody.",),
        )
    ]


def _both(asked: Asked) -> list[str]:
    return sorted(map(str, asked.ours.keys() & asked.model.keys()))


def _estimates(asked: Sequence[Asked], numbers: Mapping[str, Estimate]) -> Section:
    """People's shares and means, once an item: conditions differ for the model only."""
    rows: list[tuple[Cell, ...]] = []
    found: dict[str, Estimate] = {}
    for one in {one.item.id: one for one in asked}.values():
        subjects = _both(one)
        drawn = one.sample.of(subjects)
        given = np.array([one.ours[s] for s in subjects])
        for k, text in enumerate(one.options):
            found[f"{one.item.id}: {text}"] = survey_proportion(given == k, drawn, estimand=f"share answering {text!r}")
        if one.positions is not None:
            points = np.array([one.item.points[k] for k in one.kept], dtype=np.float64)[given]
            found[f"{one.item.id} (mean)"] = survey_mean(points, drawn, estimand=f"mean of {one.item.id}")
    found |= numbers
    known_effects = {k: e.baselines.get("design_effect", math.nan) for k, e in found.items()}
    for label, estimate in found.items():
        # Where all agree there is nothing to compare, and a median has no such variance.
        known = known_effects[label] if math.isfinite(known_effects[label]) else None
        rows.append((label, estimate.n_units, estimate, estimate.se, known))
    effects = [effect for effect in known_effects.values() if effect > 0]
    said = f"People were a {asked[0].sample.whole.text}."
    if effects:
        low, high = f"{min(effects):.2f}", f"{max(effects):.2f}"
        said += f" The design effect is {low}." if low == high else f" Design effects reach from {low} to {high}."
    forms: dict[str, Form] = {
        "answer": "text", "n": "count", "people": ("number", "people"), "SE": "number", "design effect": "number"
    }  # fmt: skip
    return Section(
        name="survey-estimates",
        heading="Estimates of the population",
        chapter=CHAPTER,
        sentences=(said,),
        table=tabled(forms, rows, "What everybody would answer, by people's answers", is_folded=True),
        notes=(_MEANING,),
        warnings=cautions(found.items()),
        methods=asked[0].sample.methods,
    )


def _tests(run: Run, asked: Asked, by: tuple[str, ...]) -> Mapping[str, Estimate]:
    """Tests of the model against people, and of people's subgroups against each other."""
    subjects = _both(asked)
    drawn = asked.sample.of(subjects)
    given = np.array([asked.ours[s] for s in subjects])
    probs = np.array([asked.model[s] for s in subjects])
    gaps = np.eye(len(asked.kept))[given] - probs
    expected = drawn.w @ probs / drawn.w.sum()
    found = {"model": measured(lambda: rao_scott_fit(gaps, expected, drawn), "distance of the model", "human")}
    traits = (run.people or run).traits
    for column in by:
        known = np.array([column in traits.get(s, {}) for s in subjects])
        labels = np.array([str(traits[s][column]) for s, has in zip(subjects, known, strict=True) if has])
        test = partial(rao_scott_test, labels, given[known], drawn.take(np.flatnonzero(known)))
        found[column] = measured(test if len(labels) else _nobody, f"association with {column}", "human")
    return found


def _nobody() -> Estimate:
    raise DataError("nobody has this trait")


def _told(asked: Sequence[Asked], tests: Mapping[str, Mapping[str, Estimate]]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for title, found in tests.items():
        for against, test in found.items():
            what = "model v people" if against == "model" else f"by {against}"
            rows.append((title, what, test.value, test.statistic, test.df, test.p_value))
    differ = [title for title, found in tests.items() if (found["model"].p_value or 1) < 0.05]
    sentence = (
        f"In {len(differ)} of {len(tests)} comparisons the model's shares differ from people's by more than how people "
        "were drawn explains (p < .05, each by itself)."
    )
    return Section(
        name="survey-tests",
        heading="Tests by how people were drawn",
        chapter=CHAPTER,
        sentences=(sentence,),
        table=tabled(
            {"item": "text", "of": "text", "distance or V": "number", "F": "number", "df": "number", "p": "p"},
            rows,
            "Rao-Scott tests: total variation distance of the model, and Cramer's V of subgroups",
            is_folded=True,
        ),
        warnings=cautions((f"{title}, {what}", e) for title, found in tests.items() for what, e in found.items()),
    )


ANALYSIS = Analysis(
    name="survey-estimates",
    about="shares and means of the population with design effects, and Rao-Scott tests of model and subgroups",
    needs=needs,
    sections=sections,
    divided=divided,
    is_quiet=True,
)

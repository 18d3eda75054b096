"""Estimates about people from a few people's answers and the model's predictions for many."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import answers, cautions, measured, option_shares, substantive, tabled, told
from proband.analyses.by_traits import by_traits
from proband.analyses.labels import FEWEST, Labelled, labelled, sample, sampling, shared_chance
from proband.analyses.more_answers import more
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section
from proband.estimates import Estimate
from proband.instruments.items import Item
from proband.measures import (
    adjusted_prevalence,
    calibration,
    dsl_mean,
    ppi_mean,
    ppi_quantile,
    ppi_stratified,
    rogan_gladen,
    weighted_mean,
)
from proband.measures.correction.estimates import CorrectedEstimate
from proband.runs.run import Run

_CHAPTER = "Correction by people's answers"
_AT_RANDOM = (
    "Who has human answers is taken to have been decided at random. Where people chose themselves, or were chosen by "
    "what they would answer, these corrections do not hold."
)


def needs(run: Run) -> str | None:
    """Human answers for some of the asked subjects and not for all."""
    if run.people is None:
        return "this run has no people's answers to correct by"
    if not run.dispositions():
        return "nothing was answered yet"
    if labelled(run):
        return None
    return (
        "people's answers are there for nearly all asked subjects, or for fewer than 10 of them: there is nothing to "
        "correct, or nothing to correct by"
    )


def sections(run: Run) -> Sequence[Section]:
    """Corrected estimates, whether probabilities mean what they say, and what more human answers would buy."""
    found = [(one, _correct(run, one)) for one in labelled(run)]
    return [_corrected(run, found), *by_traits(run, [one for one, _ in found]), *_calibrated(run), more(run, found)]


def _corrected(run: Run, found: Sequence[tuple[Labelled, Estimate]]) -> Section:
    items = dict.fromkeys(one.outcome.item.id for one, _ in found)
    groups = [[one for one, _ in found if one.outcome.item.id == id] for id in items]
    by_errors = [estimate for group in groups for estimate in _by_errors(run, group)]
    rows: list[tuple[Cell, ...]] = []
    sentences = []
    for (one, corrected), by_error in zip(found, by_errors, strict=True):
        n, predicted = len(one.known), np.concatenate([one.f, one.u])
        model = weighted_mean(predicted, *sample(run, (*one.known, *one.others)))
        alone = worth = trust = None
        if isinstance(corrected, CorrectedEstimate) and corrected.classical is not None:
            alone, worth, trust = corrected.classical, corrected.effective_n, corrected.tuning
            sentences.append(
                f"{one.outcome.name}: {told(alone)} by people's answers alone, {told(corrected)} corrected. "
                f"With the predictions, {n} human answers are worth {worth:.0f}."
            )
        rows.append((one.outcome.name, n, len(one.others), alone, model, corrected, by_error, worth, trust))
        if isinstance(median := _median(run, one), CorrectedEstimate):
            name, guessed = f"{one.outcome.name}, median", median.baselines.get("predictions only")
            parts = (median.classical, guessed, median, None, median.effective_n, median.tuning)
            rows.append((name, n, len(one.others), *parts))
    forms: dict[str, CellForm] = {"outcome": "text", "people": "count", "others": "count"}
    numbers = ("people only", "model only", "corrected", "by the model's errors", "worth", "trust in the model")
    most = max((one.n_missing for one, _ in found), default=0)
    lost = f"Up to {most} subjects are left out: people were asked and gave no valid answer."
    return Section(
        name="correction",
        heading="Estimates about people",
        chapter=_CHAPTER,
        sentences=tuple(sentences[:6]),
        table=tabled(
            {**forms, **dict.fromkeys(numbers, "number")}, rows, "People's answers, predictions, and both together"
        ),
        notes=(
            "Corrected: the predictions of all, less their error among those with human answers.",
            "By the model's errors: shares of its likeliest answers, corrected for how often it confuses options.",
            "Worth: human answers that would be as precise without the model. Trust: 0 leaves the model out.",
            *((lost,) if most else ()),
        ),
        warnings=(_AT_RANDOM, *cautions((one.outcome.name, corrected) for one, corrected in found)),
    )


def _correct(run: Run, one: Labelled) -> Estimate:
    """The mean corrected by the predictions, or the reason why there is none."""
    drawn = sampling(run, one)
    strata = [[run.roster.by_subject[s].stratum for s in side] for side in (one.known, one.others)]
    correct = partial(ppi_mean, one.y, one.f, one.u, sampling=drawn)
    if (chance := shared_chance(drawn)) is not None:
        correct = partial(dsl_mean, one.y, one.f, one.u, sampling=drawn, probabilities=chance)
    elif len(set(strata[0])) > 1:
        correct = partial(
            ppi_stratified, one.y, one.f, one.u, strata=strata[0], strata_unlabelled=strata[1], sampling=drawn
        )
    return measured(correct, f"mean of {one.outcome.name}", "human")


def _median(run: Run, one: Labelled) -> Estimate | None:
    """The corrected median of a number; scales of few points have none worth telling."""
    drawn = sampling(run, one)
    if one.outcome.item.form != "number" or shared_chance(drawn) is not None:
        return None
    return measured(
        partial(ppi_quantile, one.y, one.f, one.u, sampling=drawn), f"median of {one.outcome.name}", "human"
    )


def _by_errors(run: Run, group: Sequence[Labelled]) -> list[Estimate | None]:
    """Shares of an item's options among the others, from the model's likeliest answers and how often they are right."""
    if group[0].outcome.option is None or run.weights:
        return [None] * len(group)
    y, f, u = (np.column_stack([getattr(one, side) for one in group]) for side in ("y", "f", "u"))
    if len(group) == 1:
        y, f, u = (np.column_stack([part, 1 - part]) for part in (y, f, u))
    confusion, counts = np.zeros((y.shape[1],) * 2), np.bincount(u.argmax(axis=1), minlength=y.shape[1])
    np.add.at(confusion, (y.argmax(axis=1), f.argmax(axis=1)), 1)
    what = f"shares of {group[0].outcome.item.id}"
    if len(group) > 1:

        def share(k: int) -> Estimate:
            return adjusted_prevalence(confusion, counts, target="human").estimates[k]

        return [measured(partial(share, k), what, "human") for k in range(len(group))]
    (hits, misses), (alarms, passes) = confusion.tolist()
    right, spared = (hits, hits + misses), (passes, alarms + passes)
    two = partial(rogan_gladen, int(counts[0]), len(u), sensitivity=right, specificity=spared, target="human")
    return [measured(two, what, "human")]


def _calibrated(run: Run) -> list[Section]:
    """Calibration of the probabilities of every item that people answered."""
    ours, theirs = answers(run), answers(run.people or run).filter(pl.col("status") == "valid")
    rows: list[tuple[Cell, ...]] = []
    marks: list[Mapping[str, object]] = []
    doubts = []
    for item in run.items.values():
        found = _probabilities(item, ours, theirs)
        if found is None:
            continue
        told_of = calibration(*found)
        rows.append((item.id, len(found[1]), told_of.brier, told_of.ece, told_of.ece.baselines["noise floor"]))
        doubts.append((item.id, told_of.ece))
        for point in told_of.curve:
            low, high = point.observed.interval or (None, None)
            marks.append({"x": point.predicted, "y": point.observed.value, "series": item.id, "low": low, "high": high})
    if not rows:
        return []
    forms: dict[str, CellForm] = {"item": "text", "people": "count"}
    forms |= dict.fromkeys(("Brier score", "calibration error", "perfect probabilities would show"), "number")
    caption = "Share of answers that came true by predicted probability; on the diagonal they agree"
    return [
        Section(
            name="correction-calibration",
            heading="Whether probabilities mean what they say",
            chapter=_CHAPTER,
            table=tabled(forms, rows, "Predicted probabilities against people's answers"),
            figure=Figure(form="scatter", rows=tuple(marks), caption=caption),
            notes=("Calibrated is not informative: to predict everybody's mean is perfectly calibrated.",),
            warnings=cautions(doubts),
        )
    ]


def _probabilities(
    item: Item, ours: pl.DataFrame, theirs: pl.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Predicted shares and option taken, of the subjects who have both."""
    part = ours.filter(pl.col("item") == item.id, pl.col("probs").is_not_null())
    predicted = {str(key[0]): row for key, row in option_shares(item, part).items()}
    place = {k: i for i, k in enumerate(substantive(item))}
    given = theirs.filter(pl.col("item") == item.id).select("subject", "answer").iter_rows()
    taken = {subject: place[answer] for subject, answer in given if answer in place and subject in predicted}
    if len(taken) < FEWEST:
        return None
    return np.array([predicted[subject] for subject in taken]), np.array(list(taken.values()))


ANALYSIS = Analysis(
    name="correction",
    about="estimates about people of whom some have answered: corrected means and shares, calibration",
    needs=needs,
    sections=sections,
)

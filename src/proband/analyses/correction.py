"""Estimates about people from a few people's answers and the model's predictions for many."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import answers, cautions, measured, option_shares, substantive, tabled, told
from proband.analyses.by_traits import by_traits
from proband.analyses.labels import FEWEST, Labelled, labelled, sampling, shared_chance
from proband.analyses.more_answers import more
from proband.analyses.sampling import Sample
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
    survey_mean,
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
    sentences, everybody = [], Sample(run.roster, {})
    for (one, corrected), by_error in zip(found, by_errors, strict=True):
        n, predicted = len(one.known), np.concatenate([one.f, one.u])
        model = weighted_mean(predicted, design=everybody.of((*one.known, *one.others)))
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
            "By the model's errors: shares of its likeliest answers, corrected for how often it confuses options; in a "
            "sample with weights, strata or units, counts are as many as independent people would give so precisely.",
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
    one = group[0]
    # Both samples must be independent of each other, which those that share units are not.
    if one.outcome.option is None or shared_chance(sampling(run, one)) is not None:
        return [None] * len(group)
    y, f, u = (np.column_stack([getattr(part, side) for part in group]) for side in ("y", "f", "u"))
    if len(group) == 1:
        y, f, u = (np.column_stack([part, 1 - part]) for part in (y, f, u))
    true, (labelled_so, others_so) = y.argmax(axis=1), (np.eye(y.shape[1])[part.argmax(axis=1)] for part in (f, u))
    confusion = np.array([_counts(run, one.known, labelled_so, true == k) for k in range(y.shape[1])])
    counts = _counts(run, one.others, others_so, np.ones(len(u), dtype=bool))
    what = f"shares of {one.outcome.item.id}"
    if len(group) > 1:

        def share(k: int) -> Estimate:
            return adjusted_prevalence(confusion, counts, target="human").estimates[k]

        several = [measured(partial(share, k), what, "human") for k in range(len(group))]
        return [replace(found, n_units=len(u)) for found in several]
    (hits, misses), (alarms, passes) = confusion.tolist()
    right, spared = (hits, hits + misses), (passes, alarms + passes)
    two = partial(rogan_gladen, counts[0], counts.sum(), sensitivity=right, specificity=spared, target="human")
    return [replace(measured(two, what, "human"), n_units=len(u))]


def _counts(
    run: Run, subjects: Sequence[str], labels: NDArray[np.float64], rows: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """How often some subjects have each label; in a sample with a design, as its variance is worth.

    That is the ratio of the multinomial variances of all shares to those of the design (Rao and Scott's mean effect).
    """
    units = run.roster.clusters
    if not (run.weights or run.roster.strata or len({units.get(s, s) for s in subjects}) < len(subjects)):
        counted: NDArray[np.float64] = labels[rows].sum(axis=0)
        return counted
    if not rows.any():
        return np.zeros(labels.shape[1])
    drawn = Sample(run.roster, {}).of(subjects)
    found = [survey_mean(label, drawn, domain=rows) for label in labels.T]
    shares = np.array([share.value for share in found])
    variance = sum((share.se or 0.0) ** 2 for share in found)
    # Nobody differs, so that nothing is seen of a variance: as many as there are independent units.
    alike = len({units.get(s, s) for s, row in zip(subjects, rows, strict=True) if row})
    worth = float(shares @ (1 - shares)) / variance if variance > 0 else alike
    return shares * min(worth, float(rows.sum()))


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

"""Stability: whether scores repeat themselves over repeats and conditions, and how many of each are needed."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import answers, cautions, expected_scores, factors, is_scored, measured, tabled, told
from proband.analyses.scales import instrument_of
from proband.analyses.section import Analysis, Cell, Section
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.instruments import keyed_scores
from proband.instruments.items import Instrument, Scale
from proband.measures import GStudy, generalizability, icc, ipsative_stability, rank_order_stability, retest
from proband.runs.run import Run
from proband.runs.side_by_side import ENGINE
from proband.store.tables import factor_column

_CHAPTER = "Stability"
_ENOUGH = 0.8  # dependability that is asked for where one compares groups
_MOST_LEVELS = 50
_EXPECTED = "Scores are expected ones where the engine gave probabilities."


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """Where scores may be stable: names of conditions, each with its part of the table."""

    name: str
    parts: Mapping[str, pl.DataFrame]


def _contexts(run: Run, table: pl.DataFrame) -> list[Contexts]:
    """Levels of every factor that varies within subjects."""
    found = []
    for factor in factors(run):
        parts = {level: table.filter(pl.col(factor.column) == level) for level in factor.levels}
        shared = set.intersection(*(set(part["subject"]) for part in parts.values()))
        if len(parts) > 1 and shared:
            found.append(Contexts(name=factor.name, parts=parts))
    return found


def scored(run: Run) -> Instrument:
    """The run's items that have a score, with its scales; without any, items on one scale of points are one."""
    known = instrument_of(run)
    if known is not None and known.scales:
        return known
    items = [replace(item, ask_if=None, shows_braces=True) for item in run.items.values() if is_scored(item)]
    groups: dict[tuple[float, ...], dict[str, int]] = {}
    for item in items:
        groups.setdefault(item.points or (item.lower or 0.0, item.upper or 0.0), {})[item.id] = 1
    scales = [
        Scale(id=str(k), name=f"{len(key)} items alike" if len(key) > 1 else next(iter(key)), items=key)
        for k, key in enumerate(groups.values())
    ]
    return Instrument(id="run", title=run.path.name, items=tuple(items), scales=tuple(scales))


def needs(run: Run) -> str | None:
    """Scores, taken more than once of the same subject."""
    if not run.dispositions():
        return "nothing was answered yet"
    if not any(is_scored(item) for item in run.items.values()):
        return "no item of this run has a score"
    table = run.table()
    if table["replicate"].n_unique() < 2 and not _contexts(run, table):
        return "every subject answered once: there are no repeats and no conditions within subjects"
    return None


def sections(run: Run) -> Sequence[Section]:
    """Repeats, contexts, and where the variance of scores comes from."""
    table, instrument = answers(run), scored(run)
    found = []
    if table["replicate"].n_unique() > 1:
        found.append(_repeats(instrument, table))
    found += [_order(instrument, contexts) for contexts in _contexts(run, table)]
    return [*found, *(_variance(run, instrument, scale, table) for scale in instrument.scales)]


def _matrix(instrument: Instrument, scale: Scale, part: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Keyed expected scores of the subjects who have one on every item."""
    columns = [expected_scores(instrument[id], part.filter(pl.col("item") == id)) for id in scale.items]
    complete = [key for key in columns[0] if all(key in column for column in columns)]
    scores = np.array([[column[key] for column in columns] for key in complete]).reshape(-1, len(columns))
    keyed = keyed_scores(instrument, scale, scores)
    return {str(key[0]): row for key, row in zip(complete, keyed, strict=True)}


def _means(instrument: Instrument, scale: Scale, part: pl.DataFrame) -> dict[str, float]:
    return {subject: float(row.mean()) for subject, row in _matrix(instrument, scale, part).items()}


def _repeats(instrument: Instrument, table: pl.DataFrame) -> Section:
    """Each scale of the first repeat against the second, and of all repeats."""
    rows: list[tuple[Cell, ...]] = []
    doubts, sentences = [], []
    # Drawn answers, not probabilities: what one administration gives is the question.
    drawn = table.with_columns(pl.lit(None, dtype=table.schema["probs"]).alias("probs"))
    numbers = sorted(table["replicate"].unique())
    for scale in instrument.scales:
        occasions = [_means(instrument, scale, drawn.filter(pl.col("replicate") == k)) for k in numbers]
        everybody = sorted(set.intersection(*(set(scores) for scores in occasions)))
        ratings = np.array([[scores[subject] for scores in occasions] for subject in everybody])
        correlation = measured(lambda o=occasions: _or_reason(retest(o[0], o[1]).correlation), "retest")  # type: ignore[misc]
        error = measured(lambda o=occasions: _or_reason(retest(o[0], o[1]).measurement_error), "error")  # type: ignore[misc]
        one = measured(partial(icc, ratings, "ICC(2,1)"), "ICC of one repeat")
        mean = measured(partial(icc, ratings, "ICC(2,k)"), "ICC of the mean of repeats")
        rows.append((scale.name, len(everybody), correlation, one, mean, error))
        doubts += [(scale.name, estimate) for estimate in (correlation, one)]
        if not np.isnan(one.value):
            sentences.append(
                f"{scale.name}: one repeat has a reliability of {told(one)}, the mean of all {told(mean)}."
            )
    forms = {"scale": "text", "subjects": "count"} | dict.fromkeys(
        ("retest r", "ICC, one repeat", f"ICC, mean of {len(numbers)}", "error of measurement"), "number"
    )
    return Section(
        name="stability-repeats",
        heading="Stability over repeats",
        chapter=_CHAPTER,
        sentences=tuple(sentences[:6]),
        table=tabled(forms, rows, "How far repeats give subjects the same score"),  # type: ignore[arg-type]
        notes=("Scores are means of one drawn answer an item. Retest r is of the first two repeats.",),
        warnings=cautions(doubts),
    )


def _or_reason(estimate: Estimate | None) -> Estimate:
    if estimate is None:
        raise DataError("answers are no numbers")
    return estimate


def _order(instrument: Instrument, contexts: Contexts) -> Section:
    """Whether subjects keep their order, and their profile, from one condition to the next."""
    rows: list[tuple[Cell, ...]] = []
    doubts, sentences = [], []
    for first, second in pairwise(contexts.parts):
        sides = [[_means(instrument, s, contexts.parts[at]) for s in instrument.scales] for at in (first, second)]
        everybody = sorted(set.intersection(*(set(scores) for side in sides for scores in side)))
        shape = len(everybody), len(instrument.scales)
        a, b = (np.array([[scores[s] for scores in side] for s in everybody]).reshape(shape) for side in sides)
        order = measured(partial(rank_order_stability, a, b), "order of subjects")
        profile = None
        if len(instrument.scales) > 2 and everybody:
            # A profile that all share says nothing of a subject; what is left without it does.
            own = [side - side.mean(axis=0) for side in (a, b)]
            profile = measured(partial(ipsative_stability, *own), "profile of subjects")
        rows.append((first, second, len(everybody), order, profile))
        doubts.append((f"{first}, {second}", order))
        if not np.isnan(order.value):
            sentences.append(f"From {first} to {second} the order of subjects is kept with r = {told(order)}.")
    forms = {f"{contexts.name}": "text", "and": "text", "subjects": "count"} | dict.fromkeys(
        ("order of subjects", "profile of a subject"), "number"
    )
    return Section(
        name=f"stability-{contexts.name}",
        heading=f"Stability over {contexts.name}",
        chapter=_CHAPTER,
        sentences=tuple(sentences[:6]),
        table=tabled(forms, rows, f"Correlations between levels of {contexts.name}"),  # type: ignore[arg-type]
        keys={"factor": contexts.name},
        notes=(_EXPECTED, "Profiles are taken without the mean over subjects, which all would share."),
        warnings=cautions(doubts),
    )


def long_scores(instrument: Instrument, scale: Scale, table: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Keyed scores of a scale's items, one row an item and combination of columns."""
    long: dict[str, list[object]] = {name: [] for name in (*columns, "item", "score")}
    for id, sign in scale.items.items():
        one = Scale(id=id, name=id, items={id: sign})
        scores = expected_scores(instrument[id], table.filter(pl.col("item") == id), columns)
        keyed = keyed_scores(instrument, one, np.array(list(scores.values())).reshape(-1, 1))
        for key, (score,) in zip(scores, keyed, strict=True):
            row = dict(zip(columns, key, strict=True)) | {"item": id, "score": float(score)}
            for name in long:
                long[name].append(row[name])
    return pl.DataFrame(long)


def shown(effect: str) -> str:
    """The name of an effect to a reader, whose factors stand in columns."""
    return effect.replace(factor_column(ENGINE), ENGINE)


def _variance(run: Run, instrument: Instrument, scale: Scale, table: pl.DataFrame) -> Section:
    """Variance components of a scale's scores, and what other numbers of items, conditions and repeats would give."""
    within = [factor for factor in factors(run) if factor.name in {c.name for c in _contexts(run, table)}]
    facets = ["item"] * (len(scale.items) > 1) + [factor.column for factor in within]
    facets += ["replicate"] * (table["replicate"].n_unique() > 1)
    columns = [name for name in ("subject", *facets) if name != "item"]
    frame = long_scores(instrument, scale, table, columns)
    cells = len(scale.items) * math.prod(frame[name].n_unique() for name in columns[1:])
    frame = frame.filter(pl.len().over("subject") == cells)
    warnings = (
        f"{table['subject'].n_unique() - frame['subject'].n_unique()} subjects without all scores are left out",
    )
    try:
        study = generalizability(frame, facets, scores="score")
        # A share of no variance at all is not a number.
        rows = [(shown(n), c.variance, c.share if c.share >= 0 else None) for n, c in study.components.items()]
        sentences = _needed(study, scale)
    except (DesignError, DataError) as error:
        return Section(
            name=f"stability-variance-{scale.id}",
            heading=f"Where the variance of {scale.name} comes from",
            chapter=_CHAPTER,
            sentences=(f"The variance of {scale.name} could not be taken apart: {error}.",),
        )
    return Section(
        name=f"stability-variance-{scale.id}",
        heading=f"Where the variance of {scale.name} comes from",
        chapter=_CHAPTER,
        sentences=sentences,
        table=tabled(
            {"source": "text", "variance": "number", "share": "share"}, rows, f"Variance components of {scale.name}"
        ),
        keys={"scale": scale.id},
        notes=(
            _EXPECTED,
            "Levels stand for others like them; the last source holds what nothing explains. Dependability counts "
            "differences of level between conditions as error.",
        ),
        warnings=(*warnings * (not warnings[0].startswith("0 ")), *study.warnings),
    )


def _needed(study: GStudy, scale: Scale) -> tuple[str, ...]:
    """Dependability as observed, and the levels of each facet that would be enough, the others as they are."""
    observed = study.observed
    if math.isnan(observed.absolute.value):
        return (f"Scores of {scale.name} have no dependability: {'; '.join(study.warnings)}.",)
    sentences = [f"As asked, scores of {scale.name} have a dependability of {told(observed.absolute)}."]
    largest = max(study.components.values(), key=lambda component: component.share)
    if largest.share > 0:
        sentences.append(
            f"The largest part of their variance, {largest.share:.0%}, is that of {shown(largest.effect)}."
        )
    for facet, size in observed.sizes.items():

        def dependability(n: int, facet: str = facet) -> float:
            return study.decision({facet: n}).absolute.value

        # More levels never make scores less dependable, so the first number that is enough is found by halving.
        enough = 1 + bisect_left(range(1, _MOST_LEVELS + 1), _ENOUGH, key=dependability)
        what = "repeats" if facet == "replicate" else f"levels of {shown(facet)}"
        if enough <= _MOST_LEVELS:
            sentences.append(f"With {enough} {what} (now {size}) and all else as it is, it would reach {_ENOUGH}.")
        else:
            sentences.append(f"No number of {what} up to {_MOST_LEVELS} would bring it to {_ENOUGH}.")
    return tuple(sentences)


ANALYSIS = Analysis(
    name="stability",
    about="scores over repeats and conditions, sources of variance, and how many wordings or repeats are needed",
    needs=needs,
    sections=sections,
    is_over_engines=True,
)

"""Components: where scores vary, whatever cells are missing, and how many wordings or repeats would be enough."""

import math
from collections.abc import Sequence

import polars as pl

from proband.analyses.answers import answers, cautions, factors, is_scored, tabled, told
from proband.analyses.section import Analysis, Section
from proband.analyses.stability import long_scores, scored, shown
from proband.errors import DataError, DesignError
from proband.instruments.items import Scale
from proband.measures import MixedModel, mixed_model
from proband.runs.run import Run
from proband.runs.side_by_side import ENGINE, SideBySide
from proband.seeds import rng_for
from proband.store.tables import factor_column

_CHAPTER = "Stability"
_ENOUGH = 0.8  # as the analysis of stability asks for
_MOST_ROWS = 4_000
_KINDS = {"subject": "subjects", "item": "items", "replicate": "repeats"}
_FEWEST = 3  # objects of measurement below which nothing can be told of their variance
_FEW = 20  # below which hardly anything is known of it


def _objects(run: Run, table: pl.DataFrame) -> str:
    """What is measured: subjects; the engines of several runs where there are few subjects besides them."""
    return factor_column(ENGINE) if isinstance(run, SideBySide) and table["subject"].n_unique() < _FEW else "subject"


def _facets(run: Run, table: pl.DataFrame) -> list[str]:
    """Columns that stand for others like them: wordings, orders and the like, and repeats; treatments do not."""
    treated = (run.manifest.get("design") or {}).get("assigned") or ()
    names = [factor.column for factor in factors(run) if factor.name not in treated and factor.name != "arm"]
    varied = [name for name in ("subject", *names, "replicate") if table[name].n_unique() > 1]
    return [name for name in varied if name != _objects(run, table)]


def needs(run: Run) -> str | None:
    """Scores that vary over something besides subjects and items, with cells missing."""
    if not run.dispositions():
        return "nothing was answered yet"
    if not any(is_scored(item) for item in run.items.values()):
        return "no item of this run has a score"
    table = answers(run)
    facets, objects = _facets(run, table), _objects(run, table)
    instrument, what = scored(run), _KINDS.get(objects, "engines")
    is_one_item = all(len(scale.items) == 1 for scale in instrument.scales)
    if not facets and (objects == "subject" or is_one_item):
        return "nothing varies besides subjects and items: there are no conditions and no repeats"
    frames = [long_scores(instrument, scale, table, [objects, *facets]) for scale in instrument.scales]
    if objects == "subject" and all(_is_complete(frame, facets) for frame in frames):
        return "every subject met every cell: the analysis of stability takes their variance apart"
    if (n := table[objects].n_unique()) < _FEWEST:
        return f"{n} {what}: variance over {what} needs {_FEWEST} at least"
    return None


def _is_complete(frame: pl.DataFrame, facets: Sequence[str]) -> bool:
    return frame.height == math.prod(frame[name].n_unique() for name in ("subject", "item", *facets))


def sections(run: Run) -> Sequence[Section]:
    """Variance components of every scale, and the design that would be enough."""
    table, instrument = answers(run), scored(run)
    facets, objects = _facets(run, table), _objects(run, table)
    return [
        _section(scale, long_scores(instrument, scale, table, [objects, *facets]), facets, objects)
        for scale in instrument.scales
    ]


def _section(scale: Scale, frame: pl.DataFrame, facets: Sequence[str], objects: str) -> Section:
    about = {
        "name": f"components-{scale.id}",
        "heading": f"Components of variance of {scale.name}",
        "chapter": _CHAPTER,
    }
    warnings, what = [], _KINDS.get(objects, "engines")
    if (n := frame[objects].n_unique()) < _FEW:
        warnings.append(
            f"{n} {what}: hardly anything is known of a variance over so few, and its interval says so; these numbers "
            f"are about these {what}, and hardly about others like them"
        )
    if frame.height > _MOST_ROWS and objects == "subject":
        subjects = sorted(frame["subject"].unique())
        kept = rng_for(0, "components").permutation(len(subjects))[: len(subjects) * _MOST_ROWS // frame.height]
        frame = frame.filter(pl.col("subject").is_in([subjects[k] for k in kept]))
        warnings.append(f"{len(kept)} of {len(subjects)} subjects, drawn at random, are behind these numbers")
    varied = ["item"] * (frame["item"].n_unique() > 1) + [name for name in facets if frame[name].n_unique() > 1]
    values = sorted(frame["score"].unique())
    is_binary = len(values) == 2
    if is_binary:
        frame = frame.with_columns(score=(pl.col("score") == values[1]).cast(pl.Float64))
    try:
        found = mixed_model(
            frame, varied, objects=objects, scores="score", family="logistic" if is_binary else "linear"
        )
        sentences = _sentences(found, scale, what)
    except (DesignError, DataError) as error:
        return Section(**about, sentences=(f"The variance of {scale.name} could not be taken apart: {error}.",))  # type: ignore[arg-type]
    rows = [(shown(name), part.n_levels, part.variance, part.share) for name, part in found.components.items()]
    how = "logistic, by Laplace's approximation, on log odds" if is_binary else "linear, by restricted likelihood"
    return Section(
        **about,  # type: ignore[arg-type]
        sentences=sentences,
        table=tabled(
            {"source": "text", "levels": "count", "variance": "number", "share": "share"},
            rows if found.is_reached else [(*row[:3], None) for row in rows],
            f"Variance components of {scale.name}",
        ),
        keys={"scale": scale.id},
        notes=(
            f"A mixed model with crossed effects ({how}) of {frame.height:,} answers. Levels stand for others like "
            "them. Scores are expected ones where the engine gave probabilities.",
            *(f"Not told apart: {reason}." for reason in found.skipped),
        ),
        warnings=(
            *warnings,
            *found.warnings,
            *cautions((shown(name), part.variance) for name, part in found.components.items()),
        ),
        methods=("Variance components are those of a mixed model with crossed effects (REML); intervals are profiles.",)
        if not is_binary
        else ("Variance components are those of a mixed logistic model with crossed effects (Laplace).",),
    )


def _sentences(found: MixedModel, scale: Scale, what: str) -> tuple[str, ...]:
    if not found.is_reached:
        return (f"The components of {scale.name} could not be estimated: {found.warnings[0]}.",)
    absolute = found.decision().absolute
    if math.isnan(absolute.value):
        return (f"Scores of {scale.name} have no dependability: {absolute.warnings[-1]}.",)
    largest = max(found.components.values(), key=lambda part: part.share)
    sentences = [
        f"As asked, scores of {scale.name} have a dependability of {told(absolute)}.",
        f"The largest part of their variance, {largest.share:.0%}, is that of {shown(largest.effect)}.",
    ]
    for facet, size in found.sizes.items():
        levels = _KINDS.get(facet, f"levels of {shown(facet)}")
        enough = found.needed(facet, _ENOUGH)
        now = f"({'a subject' if what == 'subjects' else 'an engine'} met {size:g})"
        sentences.append(
            f"No number of {levels} alone {now} would bring it to {_ENOUGH}."
            if enough is None
            else f"With {enough} {levels} {now} and all else as it is, it would reach {_ENOUGH}."
        )
    return tuple(sentences)


ANALYSIS = Analysis(
    name="components",
    about="components of variance over subjects, items, wordings and repeats with cells missing, and what would do",
    needs=needs,
    sections=sections,
    is_quiet=True,
    is_over_engines=True,
)

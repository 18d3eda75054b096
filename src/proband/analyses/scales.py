"""Scales of an instrument: scores, their reliability, and the human norms beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import answers, cautions, expected_scores, factors, measured, tabled, told
from proband.analyses.sampling import Sample
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, Side, limits
from proband.errors import InstrumentError
from proband.estimates import Estimate, Target
from proband.instruments import Instrument, Scale, keyed_scores, load_instrument, scale_matrix, scale_scores
from proband.measures import cronbach_alpha, omega_total, split_half, weighted_mean
from proband.runs.run import Run

_MOST_SENTENCES = 6
_TARGET: Mapping[Side, Target] = {"model": "model", "people": "human"}
_NOTES = (
    "Items are scored by the instrument's key, reverse-keyed ones flipped first.",
    "Means are over expected scores where the engine gave probabilities. SD, alpha, omega and split halves are of one "
    "answer an item, as people give them, from subjects who answered all items of the scale.",
)


def instrument_of(run: Run) -> Instrument | None:
    """The items of a run with the scales they were asked with; None where there are none, or they are not known."""
    design = run.manifest.get("design") or {}
    kept = design.get("scales")
    if kept is None:
        return _in_catalogue(run, design)
    # Braces of questions that are asked afterwards stand for what was shown, and are no pipes of this instrument.
    known = {id: replace(item, ask_if=None, shows_braces=True) for id, item in run.items.items()}
    return Instrument(
        id=str(design.get("instrument")),
        title=str(design.get("instrument_title")),
        items=tuple(known.values()),
        scales=tuple(Scale(**entry) for entry in kept if set(entry["items"]) <= known.keys()),
    )


def _in_catalogue(run: Run, design: Mapping[str, object]) -> Instrument | None:
    """The instrument of a run of version 0.1, which kept no scales, if the catalogue still has it unchanged."""
    try:
        found = load_instrument(str(design.get("instrument"))).subset(tuple(run.items))
    except InstrumentError:
        return None
    return found if found.hash == design.get("instrument_hash") else None


def needs(run: Run) -> str | None:
    """An instrument with scales."""
    design = run.manifest.get("design") or {}
    if not design.get("instrument"):
        return "this run did not ask an instrument"
    found = instrument_of(run)
    if found is None or not found.scales:
        return "its instrument has no scales, or they were not kept with this older run and have changed since"
    return None if run.dispositions() else "nothing was answered yet"


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One scale on one side under one condition.

    Attributes
    ----------
    subjects : tuple of str
        Those with a score.
    scores : ndarray, shape (n_subjects,)
        Their expected scores, replicates averaged.
    keyed : ndarray, shape (n_complete, n_items)
        One keyed answer an item, of the subjects who answered every item.
    """

    subjects: tuple[str, ...]
    scores: NDArray[np.float64]
    keyed: NDArray[np.float64]


def score(instrument: Instrument, scale: Scale, part: pl.DataFrame) -> Scored:
    """Score a scale for everybody in a part of a run's table."""
    part = part.filter(pl.col("item").is_in(list(scale.items)))
    subjects = part["subject"].unique(maintain_order=True).to_list()
    expected = [expected_scores(instrument[id], part.filter(pl.col("item") == id)) for id in scale.items]
    table = np.array([[of.get((subject,), np.nan) for of in expected] for subject in subjects], dtype=np.float64)
    scores = scale_scores(scale, keyed_scores(instrument, scale, table.reshape(-1, len(scale.items))))
    keyed = keyed_answers(instrument, scale, part, subjects)
    has = ~np.isnan(scores)
    return Scored(
        subjects=tuple(subject for subject, kept in zip(subjects, has, strict=True) if kept),
        scores=scores[has],
        keyed=keyed[~np.isnan(keyed).any(axis=1)],
    )


def keyed_answers(
    instrument: Instrument, scale: Scale, part: pl.DataFrame, subjects: Sequence[str]
) -> NDArray[np.float64]:
    """The first valid answer of each subject to each item of a scale, by its key; NaN where there is none."""
    valid = part.filter(pl.col("item").is_in(list(scale.items)), pl.col("status") == "valid")
    first = valid.unique(["subject", "item"], keep="first", maintain_order=True)
    given = {(s, i): value if answer is None else answer for s, i, answer, value in first.select(
        "subject", "item", "answer", "value").iter_rows()}  # fmt: skip
    drawn = np.array([[given.get((s, id), np.nan) for id in scale.items] for s in subjects], dtype=np.float64)
    return scale_matrix(instrument, scale, drawn.reshape(-1, len(scale.items)))


def sections(run: Run) -> Sequence[Section]:
    """One section: a row a scale, side and condition, with the norm below."""
    instrument = instrument_of(run)
    if instrument is None:
        return ()
    varied = [factor.name for factor in factors(run)]
    blank = ("",) * len(varied)
    rows: list[tuple[Cell, ...]] = []
    found: dict[tuple[str, Side], tuple[Cell, ...]] = {}
    for scale in instrument.scales:
        for side, levels, part in sides(run):
            cells = _row(run, instrument, scale, side, part)
            found[", ".join((scale.name, *levels)), side] = cells
            rows.append((scale.name, side, *(levels or blank), *cells))
        if scale.human:
            norm = [_number(scale.human.get(name)) for name in ("mean", "sd", "alpha")]
            n = _number(scale.human.get("n"))
            rows.append((scale.name, "norm", *blank, n if n is None else int(n), *norm, None, None, None))
    marks = [
        {"label": label, "side": side, **limits(cells[-1])}
        for (label, side), cells in found.items()
        if isinstance(cells[-1], Estimate) and cells[-1].n_units
    ]
    forms: dict[str, CellForm] = {
        **dict.fromkeys(("scale", "who", *varied), "text"),
        "n": "count",
        **dict.fromkeys(("mean", "SD", "alpha", "omega", "split halves", "distance in norm SD"), "number"),
    }
    caption = "Distance of mean scores from the human norm, in its SD"
    model = {label: cells for (label, side), cells in found.items() if side == "model"}
    return (
        Section(
            name="scales",
            heading=f"Scales of {instrument.title}",
            sentences=(
                f"{len(instrument.scales)} scales were scored for {len(run.roster)} subjects.",
                *_reliabilities(model),
                *_distances(model),
            ),
            table=tabled(forms, rows, "Scores of the scales, and how reliable they are", digits=2),
            figure=Figure(form="intervals", rows=tuple(marks), caption=caption) if marks else None,
            notes=(*_NOTES, *_sources(instrument)),
            warnings=cautions(
                (f"{label}, {side}", cell)
                for (label, side), cells in found.items()
                for cell in cells
                if isinstance(cell, Estimate)
            ),
            methods=Sample(run.roster, {}).methods,
        ),
    )


def sides(run: Run) -> list[tuple[Side, tuple[str, ...], pl.DataFrame]]:
    """The model's answers under each condition, in the order of the design, then people's."""
    varied, table = factors(run), answers(run)
    parts = table.partition_by([factor.column for factor in varied], maintain_order=True) if varied else [table]
    found: list[tuple[Side, tuple[str, ...], pl.DataFrame]] = [
        ("model", tuple(str(part[factor.column][0]) for factor in varied), part) for part in parts if part.height
    ]
    order = {factor.name: {level: k for k, level in enumerate(factor.levels)} for factor in varied}
    found.sort(key=lambda f: [order[x.name].get(at, 0) for x, at in zip(varied, f[1], strict=True)])
    if run.people is not None:
        asked = table["subject"].unique()
        found.append(("people", (), answers(run.people).filter(pl.col("subject").is_in(asked.implode()))))
    return found


def _row(run: Run, instrument: Instrument, scale: Scale, side: Side, part: pl.DataFrame) -> tuple[Cell, ...]:
    """Number of subjects, mean, SD, alpha, omega, split halves and distance from the norm."""
    found, target = score(instrument, scale, part), _TARGET[side]
    roster = run.roster if side == "model" or run.people is None else run.people.roster
    here = [k for k, subject in enumerate(found.subjects) if roster.by_subject[subject].weight > 0]
    norm_mean, norm_sd = _number(scale.human.get("mean")), _number(scale.human.get("sd"))

    def mean(y: NDArray[np.float64], what: str) -> Estimate:
        about = partial(weighted_mean, estimand=what, target=target, is_share=False)
        drawn = Sample(roster, {})
        return measured(lambda: about(y[here], design=drawn.of(found.subjects[k] for k in here)), what, target)

    single = scale_scores(scale, found.keyed)
    halves = measured(lambda: split_half(found.keyed, target=target).reliability, "split halves", target)
    return (
        len(found.subjects),
        mean(found.scores, f"mean of {scale.name}"),
        float(single.std(ddof=1)) if single.size > 1 else None,
        measured(lambda: cronbach_alpha(found.keyed, target=target), f"alpha of {scale.name}", target),
        measured(lambda: omega_total(found.keyed, target=target), f"omega of {scale.name}", target),
        # With fewer items halves are single items, which are no halves of a scale.
        halves if len(scale.items) >= 4 else None,
        mean((found.scores - norm_mean) / norm_sd, "distance from the norm in its SD")
        if norm_mean is not None and norm_sd
        else None,
    )


def _reliabilities(model: Mapping[str, tuple[Cell, ...]]) -> tuple[str, ...]:
    """The lowest and the highest alpha."""
    alphas = {label: cells[3].value for label, cells in model.items() if isinstance(cells[3], Estimate)}
    known = {label: alpha for label, alpha in alphas.items() if np.isfinite(alpha)}
    if not known:
        return ("No scale has an alpha: subjects do not differ in their totals, or too few answered all items.",)
    low, high = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return (f"Alpha reaches from {known[low]:.2f} ({low}) to {known[high]:.2f} ({high}).",)


def _distances(model: Mapping[str, tuple[Cell, ...]]) -> list[str]:
    """Each scale beside its norm, or of many the one furthest from it."""
    last = {label: cells[-1] for label, cells in model.items()}
    found = {label: cell for label, cell in last.items() if isinstance(cell, Estimate) and cell.n_units}
    if len(found) > _MOST_SENTENCES:
        furthest = max(found, key=lambda label: abs(found[label].value))
        found = {f"Furthest from its norm is {furthest}: it": found[furthest]}
    told_of = []
    for label, distance in found.items():
        where = f"lies {'above' if distance.value > 0 else 'below'}"
        if distance.interval is not None and distance.interval[0] <= 0 <= distance.interval[1]:
            where = "is not told apart from"
        told_of.append(f"{label} {where} its human norm: {told(distance)} SD.")
    return told_of


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _sources(instrument: Instrument) -> tuple[str, ...]:
    sources = dict.fromkeys(str(s.human["source"]) for s in instrument.scales if s.human.get("source"))
    return tuple(f"Norm: {source}" for source in sources)


ANALYSIS = Analysis(
    name="scales",
    about="scores of an instrument's scales, their reliability, and human norms beside them",
    needs=needs,
    sections=sections,
)

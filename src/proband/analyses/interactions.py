"""Whether the effect of one factor depends on another: differences of differences between the arms of a factorial."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from proband.analyses.answers import Factor, answers, cautions, factors, listed, measured, told
from proband.analyses.effects import Outcome, outcomes
from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table, limits
from proband.estimates import Estimate
from proband.measures import Regression, adjust_p, clustered_regression
from proband.runs.run import Run


def assigned(run: Run) -> tuple[Factor, ...]:
    """The factors of which each subject has one level, assigned at random."""
    design = run.manifest.get("design") or {}
    # Published or in fresh words: whether an effect holds there is an interaction too.
    versions = [name for name, known in (design.get("materials") or {}).items() if known["role"] == "isomorph"]
    named = (*(design.get("assigned") or ()), *versions)
    return tuple(factor for factor in factors(run) if factor.name in named)


def needs(run: Run) -> str | None:
    """Two factors that were assigned."""
    if not run.dispositions():
        return "nothing was answered yet"
    if len(assigned(run)) < 2:
        return "interactions need two factors that were assigned"
    return None if outcomes(run) else "no item of this run has a score or options whose shares could be compared"


def sections(run: Run) -> Sequence[Section]:
    """One section a pair of factors."""
    pairs = itertools.combinations(assigned(run), 2)
    return [_section(run, first, second) for first, second in pairs]


def _section(run: Run, first: Factor, second: Factor) -> Section:
    table, rows = answers(run), []
    joint: list[tuple[str, Estimate]] = []
    for outcome in outcomes(run):
        fit = _fit(run, table, outcome, (first, second))
        if isinstance(fit, Estimate):
            rows.append((outcome.name, "", "", fit))
            continue
        crossed = [_crossed(a, b) for a in first.levels[1:] for b in second.levels[1:]]
        rows += [(outcome.name, a, b, fit[_crossed(a, b)]) for a in first.levels[1:] for b in second.levels[1:]]
        if len(crossed) > 1:
            joint.append((outcome.name, fit.joint(crossed)))
    p_values = {k: row[3].p_value for k, row in enumerate(rows) if row[3].p_value is not None}
    adjusted: dict[int, float] = {}
    if len(p_values) > 1:
        adjusted = dict(zip(p_values, adjust_p(list(p_values.values()), "holm").adjusted.values(), strict=True))
    caption = f"How much more the level of {first.name} does under the level of {second.name} than under its control"
    cells: list[tuple[Cell, ...]] = [
        (name, a, b, found, found.p_value, *((adjusted.get(k),) if adjusted else ()))
        for k, (name, a, b, found) in enumerate(rows)
    ]
    columns = (
        Column(name="outcome", form="text"),
        Column(name=first.name, form="text"),
        Column(name=second.name, form="text"),
        Column(name="interaction", side="model"),
        Column(name="p", form="p"),
        *((Column(name="p (Holm)", form="p"),) if adjusted else ()),
    )
    clear = [row for k, row in enumerate(rows) if adjusted.get(k, p_values.get(k, 1.0)) < 0.05]
    said = [
        f"The effect of {a} on {name} differs by {told(found, 3)} under {b} from that under {second.levels[0]}."
        for name, a, b, found in clear[:4]
    ] or [f"Whether the effect of {first.name} depends on {second.name} cannot be told from these data."]
    said += [f"{name}: all interactions of the two together, {_f(test)}." for name, test in joint[:4]]
    return Section(
        name=f"interaction-{first.name}-{second.name}",
        heading=f"Interaction of {first.name} and {second.name}",
        chapter="Effects",
        sentences=tuple(said),
        table=Table(columns=columns, rows=tuple(cells), caption=caption, is_folded=len(cells) > 30),
        figure=Figure(
            form="intervals",
            rows=tuple({"label": listed([name, a, b]), "side": "model", **limits(found)} for name, a, b, found in rows),
            caption=caption,
        ),
        keys={"factors": f"{first.name}, {second.name}"},
        notes=("Errors are robust to unequal variances (CR2, Satterthwaite), clustered where units share an arm.",),
        warnings=cautions((f"{name}, {a}, {b}", found) for name, a, b, found in rows),
    )


def _crossed(a: str, b: str) -> str:
    return f"{a} x {b}"


def _f(test: Estimate) -> str:
    return "no test" if test.p_value is None else f"F = {test.statistic:.2f}, p = {test.p_value:.3f}"


def _fit(run: Run, table: pl.DataFrame, outcome: Outcome, pair: tuple[Factor, Factor]) -> Regression | Estimate:
    """Scores on the levels of both factors and their products; where that cannot be done, why."""
    scores = outcome.scores(table, "subject")
    levels: Mapping[str, tuple[str, str]] = {
        subject: (a, b)
        for subject, a, b in table.select("subject", *(factor.column for factor in pair)).unique().iter_rows()
    }
    subjects = [subject for subject in scores if None not in levels[subject]]
    at = np.array([levels[subject] for subject in subjects]).reshape(-1, 2)
    columns: dict[str, ArrayLike] = {"1": np.ones(len(subjects))}
    is_at = [{level: at[:, k] == level for level in factor.levels[1:]} for k, factor in enumerate(pair)]
    columns |= {level: here.astype(float) for side in is_at for level, here in side.items()}
    columns |= {_crossed(a, b): (x & y).astype(float) for a, x in is_at[0].items() for b, y in is_at[1].items()}
    fits: list[Regression] = []

    def fitted() -> Estimate:
        clusters = [run.roster.units.get(subject, subject) for subject in subjects]
        fits.append(clustered_regression([scores[s] for s in subjects], columns, cluster=clusters))
        return fits[0][next(iter(columns))]

    found = measured(fitted, f"interaction on {outcome.name}")
    return fits[0] if fits else found


ANALYSIS = Analysis(
    name="interactions",
    about="whether the effect of one assigned factor depends on another, with joint tests and adjusted p",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

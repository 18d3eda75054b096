"""Effects over stimuli as well as subjects: whether they would hold with other texts of the same kind."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from scipy import special

from proband.analyses.answers import Factor, answers, cautions, factors, measured, told
from proband.analyses.effects import Outcome, outcomes
from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table, limits
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import two_way_variance
from proband.runs.run import Run

_FEW = 10


def _material(run: Run) -> str | None:
    materials: Mapping[str, Mapping[str, object]] = (run.manifest.get("design") or {}).get("materials") or {}
    return next((name for name, known in materials.items() if known["role"] == "stimulus"), None)


def needs(run: Run) -> str | None:
    """Stimuli, and a factor that varies beside them."""
    if _material(run) is None:
        return "this run has no stimuli; `[experiment.stimuli]` makes them a random factor"
    if not run.dispositions():
        return "nothing was answered yet"
    return None if _treatments(run) else "nothing but the stimuli varies in this run"


def _treatments(run: Run) -> list[Factor]:
    return [factor for factor in factors(run) if factor.name != _material(run)]


def sections(run: Run) -> Sequence[Section]:
    """One section a factor: each effect with stimuli as a sample of those there might have been."""
    name = _material(run)
    stimulus = next((factor for factor in factors(run) if factor.name == name), None)
    if stimulus is None:
        return []
    return [_section(run, factor, stimulus) for factor in _treatments(run)]


def _section(run: Run, factor: Factor, stimulus: Factor) -> Section:
    table, rows = answers(run), list[tuple[Cell, ...]]()
    for outcome in outcomes(run):
        for level in factor.levels[1:]:
            found = measured(
                lambda outcome=outcome, level=level: _effect(table, factor, level, stimulus, outcome),  # type: ignore[misc]
                f"effect of {level} on {outcome.name}",
            )
            rows.append((outcome.name, level, found, found.p_value))
    known = [(f"{name}, {level}", found) for name, level, found, _ in rows if isinstance(found, Estimate)]
    caption = f"Effect of {factor.name} with errors over subjects and over {len(stimulus.levels)} stimuli"
    columns = (
        Column(name="outcome", form="text"),
        Column(name=factor.name, form="text"),
        Column(name="effect", side="model"),
        Column(name="p", form="p"),
    )
    return Section(
        name=f"stimuli-{factor.name}",
        heading=f"Over other stimuli: {factor.name}",
        chapter="Effects",
        sentences=tuple(
            f"With other stimuli of the kind, the effect of {label} would be {told(found, 3)}."
            for label, found in known[:6]
            if not math.isnan(found.value)
        ),
        table=Table(columns=columns, rows=tuple(rows), caption=caption),
        figure=Figure(
            form="intervals",
            rows=tuple({"label": label, "side": "model", **limits(found)} for label, found in known),
            caption=caption,
        ),
        keys={"factor": factor.name},
        notes=(
            "Errors are clustered by subject and by stimulus at once (Cameron, Gelbach and Miller 2011), with degrees "
            "of freedom of the fewer of the two.",
        ),
        warnings=cautions(known),
    )


def _effect(table: pl.DataFrame, factor: Factor, level: str, stimulus: Factor, outcome: Outcome) -> Estimate:
    y, treated, units, stimuli = list[float](), list[float](), list[str](), list[str]()
    for at, is_treated in ((level, 1.0), (factor.levels[0], 0.0)):
        for name in stimulus.levels:
            part = table.filter(pl.col(factor.column) == at, pl.col(stimulus.column) == name)
            for unit, score in outcome.scores(part, "unit").items():
                y.append(score)
                treated.append(is_treated)
                units.append(unit)
                stimuli.append(name)
    n_stimuli, n_units = len(set(stimuli)), len(set(units))
    if min(n_stimuli, n_units) < 3 or not 0 < sum(treated) < len(y):
        raise DataError(f"{n_stimuli} stimuli and {n_units} units were seen under both levels; show more of them")
    columns = {"1": np.ones(len(y)), "treated": np.array(treated)}
    variance = two_way_variance(y, columns, units, stimuli)[1, 1]
    value = float(np.mean([v for v, t in zip(y, treated, strict=True) if t]))
    value -= float(np.mean([v for v, t in zip(y, treated, strict=True) if not t]))
    df, se = min(n_stimuli, n_units) - 1, math.sqrt(variance)
    few = (f"{n_stimuli} stimuli: with fewer than {_FEW} the interval is short",) if n_stimuli < _FEW else ()
    about = Estimate(
        value=value, estimand=f"effect of {level} on {outcome.name}, over subjects and stimuli", target="model",
        n_units=n_units, n_clusters=n_stimuli, df=df, warnings=few, interval_method="none: no variance",
    )  # fmt: skip
    if not se > 0:
        return about
    reach = se * float(special.stdtrit(df, 0.975))
    return Estimate(
        value=value, estimand=about.estimand, target="model", n_units=n_units, n_clusters=n_stimuli, se=se, df=df,
        interval=(value - reach, value + reach), interval_method="t, clustered by subject and by stimulus",
        statistic=value / se, p_value=2 * float(special.stdtr(df, -abs(value / se))), warnings=few,
    )  # fmt: skip


ANALYSIS = Analysis(
    name="stimuli",
    about="effects with stimuli as a random factor beside subjects",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

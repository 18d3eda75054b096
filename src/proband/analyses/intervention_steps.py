"""What was seen while checkpoints were trained, and whether they follow what stands before a question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from proband.analyses.intervention_columns import number, table_of, text
from proband.analyses.section import Figure, Section, limits
from proband.estimates import Estimate
from proband.tuning.analysis.findings import Findings
from proband.tuning.looking import GROUPS

_CURVES = "Learning curves"


@dataclass(frozen=True, slots=True)
class _Coefficient:
    """One coefficient of a linear model over steps."""

    outcome: str
    name: str
    estimate: Estimate
    r_squared: float
    base: str


_GROUPS = (
    "Known and unknown: questions that are taught, by whether the probe found the right answer in some degree. "
    "Untaught: held-out questions of the same source. Elsewhere: those of other domains."
)
_PER_UNIT = (
    "Learned: share of all taught questions that are known (unknown) and whose taught answer is given, 0 to 1, so that "
    "a coefficient is the change in accuracy from none to all of them."
)


def step_sections(findings: Findings) -> list[Section]:
    """Learning curves, what is said of them, and contexts; none of what a study did not look at."""
    return [*_curves(findings), *_halves(findings), *_stops(findings), *_models(findings), *_readings(findings)]


def _curves(findings: Findings) -> list[Section]:
    found = []
    fields = (
        text("arm"),
        number("step", form="count"),
        number("right", "accuracy", form="share"),
        number("taught answer given", "fit", form="share"),
        number("KL, nats", "kl"),
        number("over noise, points", "excess", form="points"),
    )
    for group in GROUPS:
        points = [one for one in findings.step_points if one.group == group]
        if not points:
            continue
        what = f"{group} questions by optimiser step, all domains and seeds"
        table = table_of(points, fields, what, is_folded=True)
        heading = f"{group.capitalize()} questions"
        shown = "fit" if all(one.fit is not None for one in points) else "accuracy"
        named = "taught answers given" if shown == "fit" else "right answers"
        rows = tuple(
            {"x": one.step, "series": one.arm, **limits(getattr(one, shown), "y")}
            for one in points
            if one.base == points[0].base
        )
        options = {"x_title": "optimiser steps", "y_title": named, "y_format": "%"}
        figure = Figure(form="lines", rows=rows, caption=f"Share of {named} on {what}.", options=options)
        whole = Section(name=f"steps-{group}", heading=heading, chapter=_CURVES, figure=figure, notes=(_GROUPS,))
        found += [whole, replace(whole, name=f"{whole.name}-table", figure=None, table=table, notes=())]
    return found


def _section(name: str, heading: str, rows: Sequence[Any], fields: Any, caption: str, note: str) -> list[Section]:
    if not rows:
        return []
    table = table_of(rows, fields, caption)
    return [Section(name=name, heading=heading, chapter=_CURVES, table=table, notes=(note,))]


def _halves(findings: Findings) -> list[Section]:
    fields = (text("arm"), text("questions", "group"), number("steps", "estimate"))
    note = "Of the taught answers that were not given before training; steps between two looks are on a straight line."
    return _section("half-learned", "Half learned", findings.halves, fields, "steps until half is learned", note)


def _stops(findings: Findings) -> list[Section]:
    fields = (
        text("arm"),
        text("questions", "group"),
        text("best steps", lambda one: " and ".join(map(str, one.steps))),
        number("early less end, points", "gain", form="points"),
    )
    note = (
        "The best step of each half of the questions is judged on the other half, so that the best of several noisy "
        "steps does not look too good."
    )
    caption = "accuracy if stopped at the best step, less that at the end"
    return _section("early-stop", "Early stop against convergence", findings.stops, fields, caption, note)


def _models(findings: Findings) -> list[Section]:
    rows = [
        _Coefficient(one.outcome, name, estimate, one.r_squared, one.base)
        for one in findings.step_models
        for name, estimate in one.coefficients.items()
        if name != "(intercept)"
    ]
    fields = (
        text("outcome"),
        text("explained by", "name"),
        number("coefficient", "estimate"),
        number("r squared", "r_squared"),
    )
    note = (
        f"{_PER_UNIT} Least squares over runs and steps, errors clustered by run (CR2). Gekhman et al. (2024), "
        "doi:10.18653/v1/2024.emnlp-main.444; Shenfeld et al. (2025), arXiv:2509.04259."
    )
    caption = "accuracy by what was learned; forgetting by KL(before || after) on the trained questions"
    return _section("step-models", "What learning and forgetting go with", rows, fields, caption, note)


def _readings(findings: Findings) -> list[Section]:
    fields = (
        text("arm"),
        text("questions", "status"),
        text("context"),
        number("right", form="share"),
        number("as the context states", "follows", form="share"),
        number("change, points", "change", form="points"),
    )
    note = (
        "True: the answer stands before the question. Distracting: another option is stated of somebody else. "
        "Counterfactual: another option is stated of whom the question is about. Statuses are those of the world."
    )
    if not findings.readings:
        return []
    table = table_of(findings.readings, fields, "test questions behind contexts, before and after training")
    return [Section(name="contexts", heading="Following contexts (Experiment II)", table=table, notes=(note,))]

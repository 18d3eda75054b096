"""Effects by site or by stimulus, pooled: one mean, how far they differ, and what one more would show."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl

from proband.analyses.answers import Factor, Form, answers, cautions, factors, measured, percent, tabled, told
from proband.analyses.effects import Outcome, compared, known_effect, outcomes
from proband.analyses.section import Analysis, Cell, Figure, Section, limits
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import (
    MetaAnalysis,
    difference_in_means,
    effect_correspondence,
    multilevel_effects,
    random_effects,
)
from proband.runs.run import Run

_FEWEST = 3  # effects, below which how far they differ is not told
_MOST_MARKS = 60
_ALL = "all outcomes"
_MODEL: Form = ("number", "model")

Sites = Mapping[str, str]  # subject -> site
# outcome and level -> people's effect and the model's, and the spread of people's answers that both are divided by.
_Pairs = dict[str, tuple[Sequence[Estimate], float]]


def needs(run: Run) -> str | None:
    """Subjects in sites, or people's own effects."""
    if not run.dispositions():
        return "nothing was answered yet"
    if not outcomes(run):
        return "no item of this run has a score or options whose shares could be compared"
    if _sites(run) and _between(run):
        return None
    if run.people is not None and len(_beside_people(run)) >= _FEWEST:
        return None
    return (
        "effects are pooled over sites or stimuli of which each subject has one: blocks (block_by), or stimuli with "
        "per_subject = 1"
    )


def sections(run: Run) -> Sequence[Section]:
    """For each sort of site and each factor the pooled effects; then effects beside people's."""
    found = [_pooled(run, name, sites, factor) for name, sites in _sites(run).items() for factor in _between(run)]
    if run.people is not None and len(pairs := _beside_people(run)) >= _FEWEST:
        found += _correspondence(pairs)
    return found


def _between(run: Run) -> list[Factor]:
    """Factors of which each unit has one level, but for the stimuli themselves."""
    table = answers(run)
    return [factor for factor in factors(run) if factor.name not in _materials(run) and compared(table, factor)[1]]


def _materials(run: Run) -> Mapping[str, Mapping[str, object]]:
    return (run.manifest.get("design") or {}).get("materials") or {}


def _sites(run: Run) -> dict[str, Sites]:
    """What sorts subjects into sites, three at least: blocks they were assigned in, or the one stimulus each saw."""
    found: dict[str, Sites] = {}
    blocks = {subject: str(known["block"]) for subject, known in run.traits.items() if "block" in known}
    if len(blocks) == len(run.traits):
        found["block"] = blocks
    table = answers(run)
    for factor in factors(run):
        if _materials(run).get(factor.name, {}).get("role") == "stimulus":
            seen = table.group_by("unit").agg(pl.col(factor.column).n_unique())[factor.column].max()
            if seen == 1:
                found[factor.name] = dict(table.select("subject", factor.column).unique().iter_rows())
    return {name: sites for name, sites in found.items() if len(set(sites.values())) >= _FEWEST}


def _pooled(run: Run, name: str, sites: Sites, factor: Factor) -> Section:
    rows: list[tuple[Cell, ...]] = []
    marks: list[Mapping[str, object]] = []
    told_of: list[tuple[str, Estimate]] = []
    said: list[str] = []
    for level in factor.levels[1:]:
        every: dict[tuple[str, str], Estimate] = {}
        same = {outcome.limits for outcome in outcomes(run)}
        for outcome in outcomes(run):
            effects = _by_site(run, sites, factor, level, outcome)
            every |= {(outcome.name, site): effect for site, effect in effects.items()}
            label = f"{outcome.name}, {level}"
            try:
                found = random_effects(effects)
            except (DataError, DesignError) as error:
                why = Estimate(value=np.nan, estimand=label, target="model", n_units=0, warnings=(str(error),))
                rows.append((outcome.name, level, len(effects), why, *[None] * 4))
                told_of.append((label, why))
                continue
            rows.append((outcome.name, level, len(effects), *_cells(found)))
            told_of.append((label, found.pooled))
            said.append(_in_words(label, name, found))
            marks += [{"label": f"{label}: {site}", "side": "model", **limits(one)} for site, one in effects.items()]
            marks += [{"label": f"{label}: pooled", "side": "", **limits(found.pooled)}]
        if len(outcomes(run)) > 1 and len(same) == 1 and len(every) > _FEWEST:
            both = measured(partial(_together, every), f"effect of {level} on all outcomes")
            rows.append((_ALL, level, len(every), both, *[None] * 4))
            told_of.append((f"{_ALL}, {level}", both))
    caption = f"Effects of {factor.name} by {name}, pooled"
    return Section(
        name=f"pooled-{factor.name}-{name}",
        heading=f"Pooled over each {name}: {factor.name}",
        chapter="Effects",
        sentences=tuple(said[:6]),
        table=tabled(
            {
                "outcome": "text", factor.name: "text", "effects": "count", "pooled effect": ("number", "model"),
                "one more would show": "number", "variance of true effects": "number", "not chance (I²)": "share",
                "p, all alike": "p",
            },
            rows,
            caption,
        ),
        figure=Figure(form="intervals", rows=tuple(marks), caption=caption) if 0 < len(marks) <= _MOST_MARKS else None,
        keys={"factor": factor.name, "sites": name},
        notes=(
            "Random effects by restricted maximum likelihood, intervals after Knapp and Hartung; variance and I² by "
            "Q-profile; the prediction interval is where the true effect of one more of the kind lies.",
            *((f"{_ALL}: effects within each {name}, errors CR2; it stands beside its parts, and replaces none.",)
              if any(row[0] == _ALL for row in rows) else ()),
        ),
        warnings=cautions(told_of),
    )  # fmt: skip


def _together(every: Mapping[tuple[str, str], Estimate]) -> Estimate:
    return multilevel_effects(list(every.values()), [site for _, site in every]).pooled


def _cells(found: MetaAnalysis) -> tuple[Cell, ...]:
    return found.pooled, found.prediction, found.tau2, found.i2, found.heterogeneity.p_value


def _in_words(label: str, name: str, found: MetaAnalysis) -> str:
    return (
        f"{label}: {told(found.pooled, 3)} over {found.pooled.n_units} {name}s; in one more, the effect would be from "
        f"{found.prediction.interval[0]:.3f} to {found.prediction.interval[1]:.3f}."
        if found.prediction.interval
        else f"{label}: {told(found.pooled, 3)}."
    )


def _by_site(run: Run, sites: Sites, factor: Factor, level: str, outcome: Outcome) -> dict[str, Estimate]:
    """Each site's own effect, where it has one with a standard error."""
    table, found = answers(run), {}
    scores = [outcome.scores(table.filter(pl.col(factor.column) == at), "subject") for at in (level, factor.levels[0])]
    for site in dict.fromkeys(sites.values()):
        sides = [{s: y for s, y in side.items() if sites.get(s) == site} for side in scores]
        units = [[run.roster.units.get(s, s) for s in side] for side in sides]
        is_clustered = any(len(set(side)) < len(side) for side in units)
        effect = measured(
            lambda sides=sides, c=(units[0], units[1]) if is_clustered else None: difference_in_means(  # type: ignore[misc]
                list(sides[0].values()), list(sides[1].values()), cluster=c
            ),
            f"effect of {level} on {outcome.name} in {site}",
        )
        if effect.se:
            found[site] = effect
    return found


def _beside_people(run: Run) -> _Pairs:
    """Every effect that both have, with its error."""
    people, found = run.people, _Pairs()
    if people is None:
        return {}
    for factor in factors(run):
        if factor.name not in people.levels or factor.name in _materials(run):
            continue
        control = answers(people).filter(pl.col(factor.column) == factor.levels[0])
        for outcome in outcomes(run):
            spread = float(np.std(list(outcome.scores(control, "unit").values()) or [0.0]))
            for level in factor.levels[1:]:
                pair = [known_effect(side, factor, level, outcome) for side in (people, run)]
                if spread and all(one.se for one in pair):
                    found[f"{outcome.name}, {factor.name} = {level}"] = pair, spread
    return found


def _correspondence(pairs: _Pairs) -> list[Section]:
    human, model = (
        {key: (pair[k].value / spread, (pair[k].se or 0.0) / spread) for key, (pair, spread) in pairs.items()}
        for k in (0, 1)
    )
    found = effect_correspondence(human, model)
    rows: list[tuple[Cell, ...]] = [
        ("same sign", found.sign_agreement),
        ("correlation through the origin", found.correlation_through_origin),
        ("correlation", found.correlation),
        ("correlation, corrected for errors", found.disattenuated),
        ("slope of people's on the model's", found.slope),
        ("the same, errors of both counted", found.slope_both_errors),
        ("root mean square difference", found.rmse),
    ]
    return [
        Section(
            name="pooled-people",
            heading="Do effects go together with people's?",
            chapter="Effects",
            sentences=(
                f"Of {found.n_effects} effects beside people's, {percent(found.sign_agreement)} have their sign.",
            ),
            table=tabled(
                {"measure": "text", "value": ("number", "model")}, rows, "Effects in people's standard deviations"
            ),
            notes=(
                "Effects are divided by the standard deviation of people's answers under the control. They share their "
                "subjects, so intervals over effects are rough.",
            ),
            warnings=found.warnings,
        )
    ]


ANALYSIS = Analysis(
    name="pooled",
    about="effects by site or stimulus pooled: mean, heterogeneity, prediction; and effects beside people's",
    needs=needs,
    sections=sections,
    is_quiet=True,
)

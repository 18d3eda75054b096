"""Effects of what a design varies: between arms, and within subjects who answered under several levels."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl

from proband.analyses.answers import (
    Factor,
    answers,
    apart,
    cautions,
    expected_scores,
    factors,
    is_scored,
    measured,
    option_shares,
    substantive,
    told,
)
from proband.analyses.dispositions import arm_sentence, by_arm
from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table, limits
from proband.errors import DataError
from proband.estimates import Estimate
from proband.instruments.items import Item
from proband.measures import (
    adjust_p,
    clustered_mean,
    difference_in_means,
    missing_difference_bounds,
    paired_difference,
    smallest_detectable_effect,
)
from proband.runs.run import Run

Scores = Mapping[str, float]
_MOST_SENTENCES = 6


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One number of every subject: an item's score, or the share of one of its options."""

    name: str
    item: Item
    option: int | None = None

    @property
    def limits(self) -> tuple[float, float] | None:
        """The lowest and the highest it can be."""
        if self.option is not None:
            return 0.0, 1.0
        points = [self.item.points[k] for k in substantive(self.item)]
        low, high = (min(points), max(points)) if points else (self.item.lower, self.item.upper)
        return None if low is None or high is None else (low, high)

    @property
    def is_share(self) -> bool:
        """Whether its mean is a share."""
        return self.limits == (0.0, 1.0)

    def scores(self, part: pl.DataFrame, by: str) -> Scores:
        """Of every subject, or of every unit."""
        part = part.filter(pl.col("item") == self.item.id)
        if self.option is None:
            return {str(key): score for (key,), score in expected_scores(self.item, part, (by,)).items()}
        return {str(key): float(row[self.option]) for (key,), row in option_shares(self.item, part, (by,)).items()}


def outcomes(run: Run) -> list[Outcome]:
    """A score for items that have one, else the share of each option; the second of two options mirrors the first."""
    found = []
    for item in run.items.values():
        if is_scored(item):
            found.append(Outcome(name=item.id, item=item))
        elif item.form == "choice":
            options = [item.options[k] for k in substantive(item)]
            for k, text in enumerate(options[: 1 if len(options) == 2 else None]):
                found.append(Outcome(name=f"{item.id}: {text}", item=item, option=k))
    return found


def needs(run: Run) -> str | None:
    """Something that varies, and answers that can be compared."""
    if not run.dispositions():
        return "nothing was answered yet"
    if not factors(run):
        return "nothing varies in this run: there are no arms and no factor with two levels"
    return None if outcomes(run) else "no item of this run has a score or options whose shares could be compared"


def sections(run: Run) -> Sequence[Section]:
    """One section a factor; stimuli and paraphrases are many, and analyses of their own look at them."""
    materials = (run.manifest.get("design") or {}).get("materials") or {}
    many = {name for name, known in materials.items() if known["role"] in ("stimulus", "paraphrase")}
    return [_section(run, factor) for factor in factors(run) if factor.name not in many]


@dataclass(frozen=True, kw_only=True)
class _Row:
    outcome: Outcome
    control: Estimate
    treated: Estimate
    effect: Estimate
    level: str = ""
    bounds: Estimate | None = None
    detectable: Estimate | None = None
    people: Estimate | None = None

    @property
    def label(self) -> str:
        return f"{self.outcome.name}, {self.level}"


def _section(run: Run, factor: Factor) -> Section:
    table, control = answers(run), factor.levels[0]
    by, is_between = compared(table, factor)
    under = {level: table.filter(pl.col(factor.column) == level) for level in factor.levels}
    rows = [
        replace(row, level=level)
        for outcome in outcomes(run)
        for level in factor.levels[1:]
        if (row := _row(run, (under[level], under[control]), outcome, by, is_between)) is not None
    ]
    rows = [replace(row, people=_in_people(run, factor, row)) for row in rows]
    tests = {k: row.effect.p_value for k, row in enumerate(rows) if row.effect.p_value is not None}
    adjusted: dict[int, float] = {}
    if len(tests) > 1:
        adjusted = dict(zip(tests, adjust_p(list(tests.values()), "holm").adjusted.values(), strict=True))
    has_bounds, has_people = any(row.bounds for row in rows), any(row.people for row in rows)
    columns = (
        Column(name="outcome", form="text"),
        Column(name=factor.name, form="text"),
        Column(name=f"under {control}"),
        Column(name="under this level"),
        Column(name="effect", side="model"),
        Column(name="p", form="p"),
        *((Column(name="p (Holm)", form="p"),) if adjusted else ()),
        *((Column(name="whatever the missing would say"),) if has_bounds else ()),
        *((Column(name="people's effect", side="people"), Column(name="model minus people")) if has_people else ()),
    )
    cells: list[tuple[Cell, ...]] = [
        (row.outcome.name, row.level, row.control, row.treated, row.effect, row.effect.p_value)
        + ((adjusted.get(k),) if adjusted else ())
        + ((row.bounds,) if has_bounds else ())
        + ((row.people, _beside(row)) if has_people else ())
        for k, row in enumerate(rows)
    ]
    caption = f"Difference of each level of {factor.name} from {control}"
    marks = tuple(
        {"label": row.label, "side": side, **limits(effect)}
        for row in rows
        for side, effect in (("model", row.effect), ("people", row.people))
        if effect is not None
    )
    test = by_arm(run) if is_between else None
    return Section(
        name=f"effects-{factor.name}",
        heading=f"Effect of {factor.name}",
        chapter="Effects",
        sentences=(
            _opening(rows, factor, by, is_between),
            *_findings(rows, {**tests, **adjusted}, control),
            *[_people_in_words(row) for row in rows[:_MOST_SENTENCES] if row.people is not None],
            *(() if test is None else (arm_sentence(test),)),
        ),
        table=Table(columns=columns, rows=tuple(cells), caption=caption, is_folded=len(cells) > 30),
        figure=Figure(form="intervals", rows=marks, caption=caption) if marks else None,
        keys={"factor": factor.name},
        notes=_notes(run, rows, is_adjusted=bool(adjusted)),
        warnings=cautions((row.label, row.effect) for row in rows),
    )


def _in_people(run: Run, factor: Factor, row: _Row) -> Estimate | None:
    """The same effect in people who took part, where the study has them."""
    people = run.people
    if people is None or factor.name not in people.levels or row.level not in people.levels[factor.name]:
        return None
    return replace(known_effect(people, factor, row.level, row.outcome), target="human")


def known_effect(run: Run, factor: Factor, level: str, outcome: Outcome) -> Estimate:
    """One effect against the factor's first level; no number and its reason where there is none."""
    against = factor.levels[0]
    what = f"effect of {level} on {outcome.name}"
    if level not in run.levels.get(factor.name, (level,)):
        return measured(lambda: _nobody(level, against), what)
    return measured(lambda: effect_of(run, factor, level, against, outcome) or _nobody(level, against), what)


def _nobody(level: str, against: str) -> Estimate:
    raise DataError(f"nobody answered under both {level} and {against}")


def _beside(row: _Row) -> Estimate | None:
    """The model's effect less people's; they are different subjects, so the variances add."""
    if row.people is None or row.effect.se is None or row.people.se is None:
        return None
    what = f"effect of {row.level} on {row.outcome.name}, model minus people"
    return apart(row.effect, row.people, what, "human")


def _people_in_words(row: _Row) -> str:
    assert row.people is not None  # rows without are left out
    if math.isnan(row.people.value):
        return f"People's effect of {row.level} on {row.outcome.name} is not known: {row.people.warnings[0]}."
    return f"In people, {row.level} changes {row.outcome.name} by {told(row.people, 3)}."


def compared(table: pl.DataFrame, factor: Factor) -> tuple[str, bool]:
    """What is compared, subjects or whole units, and whether each of them has one level."""
    levels = {
        by: table.group_by(by).agg(pl.col(factor.column).n_unique())[factor.column].max() for by in ("unit", "subject")
    }
    # Subjects of one unit under several levels: what differs between units drops out of the units' own differences.
    by = "unit" if levels["subject"] == 1 and levels["unit"] != 1 else "subject"
    return by, levels["unit"] == 1


def effect_of(run: Run, factor: Factor, level: str, against: str, outcome: Outcome) -> Estimate | None:
    """One effect: an outcome under a level less that under another; None where nobody answered under one of them."""
    table = answers(run)
    by, is_between = compared(table, factor)
    parts = [table.filter(pl.col(factor.column) == at) for at in (level, against)]
    row = _row(run, (parts[0], parts[1]), outcome, by, is_between)
    return None if row is None else row.effect


def _row(run: Run, at: tuple[pl.DataFrame, pl.DataFrame], outcome: Outcome, by: str, is_between: bool) -> _Row | None:
    """One outcome under a level and under the control; None where nobody answered under one of them."""
    parts = [part.filter(pl.col("item") == outcome.item.id) for part in at]
    treated, control = sides = [outcome.scores(part, by) for part in parts]
    if not treated or not control:
        return None
    units = {key: run.roster.clusters.get(key, key) for key in {**treated, **control}}
    values = [list(side.values()) for side in sides]
    what = f"effect on {outcome.name}"
    mean = partial(clustered_mean, is_share=outcome.is_share)
    means = [
        measured(lambda y=y, side=side: mean(y, [units[key] for key in side]), what)  # type: ignore[misc]
        for y, side in zip(values, sides, strict=True)
    ]
    if len(set(units.values())) == len(units):
        about = f"mean of {outcome.name} under this level"
        means = [replace(mean, estimand=about, n_clusters=None, assumptions=()) for mean in means]
    found = _Row(outcome=outcome, treated=means[0], control=means[1], effect=means[0])
    if not is_between:
        both = [key for key in treated if key in control]
        clusters = [units[key] for key in both] if len(set(units.values())) < len(units) else None
        pair = [[side[key] for key in both] for side in sides]
        effect = measured(lambda: paired_difference(pair[0], pair[1], cluster=clusters), what)
        return replace(found, effect=replace(effect, n_missing=len(units) - len(both)))
    lost = [part[by].n_unique() - len(side) for part, side in zip(parts, sides, strict=True)]
    n_units = [len({units[key] for key in side}) for side in sides]
    spread, span = float(np.sqrt(np.mean([np.var(side) for side in values]))), outcome.limits
    if any(lost) and span:
        bounds = missing_difference_bounds(values[0], values[1], n_missing=(lost[0], lost[1]), limits=span)
        found = replace(found, bounds=bounds)
    if spread > 0 and min(n_units) > 1:
        found = replace(found, detectable=smallest_detectable_effect(n_units[0], n_units[1], sd=spread))
    return replace(found, effect=measured(lambda: _between(run, sides, units), what))


def _between(run: Run, sides: Sequence[Scores], units: Mapping[str, str]) -> Estimate:
    """Difference of two arms, within blocks where subjects were assigned so, whole units where they share one."""
    traits = run.traits
    # A design says in which block a subject was assigned, or, in version 0.1, by which trait blocks were made.
    is_told = any("block" in known for known in traits.values())
    block = "block" if is_told else str((run.manifest.get("design") or {}).get("block_by"))
    is_blocked = all(block in traits.get(subject, {}) for side in sides for subject in side)
    is_clustered = len(set(units.values())) < len(units)
    treated, control = sides
    return difference_in_means(
        list(treated.values()),
        list(control.values()),
        blocks=([traits[s][block] for s in treated], [traits[s][block] for s in control]) if is_blocked else None,
        cluster=([units[s] for s in treated], [units[s] for s in control]) if is_clustered else None,
    )


def _opening(rows: Sequence[_Row], factor: Factor, by: str, is_between: bool) -> str:
    if not rows:
        return f"No answers under two levels of {factor.name} can be compared."
    if is_between:
        n = max(row.control.n_units + row.treated.n_units for row in rows)
        return f"{n} {by}s were compared, each of which answered under one level of {factor.name}."
    n = max(min(row.control.n_units, row.treated.n_units) for row in rows)
    return f"{n} {by}s answered under several levels of {factor.name}, and each is compared with itself."


def _findings(rows: Sequence[_Row], p_values: Mapping[int, float], control: str) -> list[str]:
    """Each effect in words, or how many were told apart from none."""
    if len(rows) <= _MOST_SENTENCES:
        return [_in_words(row, control) for row in rows]
    clear = [rows[k] for k, p in p_values.items() if p < 0.05]
    if not clear:
        return [f"None of {len(rows)} effects is told apart from none."]
    largest = max(clear, key=lambda row: abs(row.effect.value))
    return [f"{len(clear)} of {len(rows)} effects are told apart from none.", _in_words(largest, control)]


def _in_words(row: _Row, control: str) -> str:
    effect, name = row.effect, row.outcome.name
    if np.isnan(effect.value):
        return f"The effect of {row.level} on {name} could not be estimated: {effect.warnings[0]}."
    if effect.interval is None:
        reason = effect.warnings[0] if effect.warnings else effect.interval_method.removeprefix("none: ")
        return f"Under {row.level}, {name} differs by {told(effect, 3)} from {control}; no interval: {reason}."
    if effect.interval[0] <= 0 <= effect.interval[1]:
        return f"Whether {row.level} changes {name} cannot be told from these data: {told(effect, 3)}."
    more = "higher" if effect.value > 0 else "lower"
    return f"Under {row.level}, {name} is {more} than under {control}: {told(effect, 3)}."


def _notes(run: Run, rows: Sequence[_Row], *, is_adjusted: bool) -> tuple[str, ...]:
    notes = ["Scores are expected ones where the engine gave probabilities; a subject's repeats are averaged first."]
    spans = {row.outcome.limits for row in rows if row.outcome.option is None} - {None}
    notes += [f"Scores reach from {low:g} to {high:g}." for low, high in spans if len(spans) == 1]  # type: ignore[misc]
    if len(factors(run)) > 1:
        notes.append("Effects are averaged over the levels of the other factors.")
    if is_adjusted:
        notes.append("p (Holm) takes all tests of this table as one family.")
    if run.weights:
        notes.append("Every subject counts the same here: what is compared was assigned, not sampled.")
    if detectable := [row.detectable.value for row in rows if row.detectable is not None]:
        notes.append(f"Arms of this size and spread show an effect of {max(detectable):.3f} in 8 of 10 studies.")
    return tuple(notes)


ANALYSIS = Analysis(
    name="effects",
    about="effects of arms and factors on every outcome, with intervals, bounds for missing answers and adjusted p",
    needs=needs,
    sections=sections,
    is_over_engines=True,
)

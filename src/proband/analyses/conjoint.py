"""What a conjoint experiment shows: effects of levels, marginal means, how reliable choices are, and subgroups."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from proband.analyses.answers import answers, apart, cautions, expected_scores, measured, option_shares, percent, told
from proband.analyses.section import Analysis, Cell, CellForm, Column, Figure, Section, Table, limits
from proband.designs.conjoint import ProfileDraws
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import ConjointEffects, clustered_mean, conjoint_effects, correct_swaps, swap_error
from proband.runs.run import Run

_CHAPTER = "Conjoint"
_UNITS = "Errors are clustered by subject (CR2, Satterthwaite): its choices are not independent of each other."


@dataclass
class _Rows:
    """One row a profile that was judged."""

    outcome: list[float] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    levels: dict[str, list[str]] = field(default_factory=dict)

    def add(self, value: float, subject: str, profile: Mapping[str, str]) -> None:
        """One more."""
        self.outcome.append(value)
        self.subjects.append(subject)
        for name, level in profile.items():
            self.levels.setdefault(name, []).append(level)

    def effects(self, design: Mapping[str, Any]) -> ConjointEffects:
        """Effects against the level of each attribute that stands first in the design."""
        first = {name: next(iter(levels)) for name, levels in design["attributes"].items()}
        pairs = [tuple(rule) for rule in design["not_together"] if len(rule) == 2]
        return conjoint_effects(self.outcome, self.levels, self.subjects, baselines=first, restricted=pairs)


def needs(run: Run) -> str | None:
    """Answers to profiles."""
    if (run.manifest.get("design") or {}).get("design") != "conjoint":
        return "this run shows no profiles; `[conjoint]` makes a design that does"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """The effects on each outcome, and how often a repeated choice is the same."""
    design = run.manifest["design"]
    reliability, agreement = _repeated(run, design)
    found = []
    for name, rows in _judged(run, design).items():
        is_choice = name in {o["item"] for o in design["outcomes"] if o["asks"] == "choice"}
        found.append(_section(name, rows, design, agreement.get(name) if is_choice else None, is_choice=is_choice))
    return [*found, *reliability]


def divided(run: Run, by: tuple[str, ...]) -> Sequence[Section]:
    """Marginal means by subgroup, and how far they differ from those of the first one."""
    design = run.manifest["design"]
    found = list(sections(run))
    for trait in by:
        groups = {s: str(known[trait]) for s, known in run.traits.items() if trait in known}
        for name, rows in _judged(run, design).items():
            found.append(_subgroups(name, rows, trait, groups, design))
    return found


def _judged(run: Run, design: Mapping[str, Any]) -> dict[str, _Rows]:
    """Rows of every outcome; a rated profile has one, a choice one for each profile of its task."""
    draws, table = ProfileDraws(design), answers(run).filter(pl.col("round") <= design["tasks"])
    found: dict[str, _Rows] = {}
    for outcome in design["outcomes"]:
        item = run.items[outcome["item"]]
        part = table.filter(pl.col("item") == item.id)
        rows = found.setdefault(outcome.get("of", item.id), _Rows())
        by = ("subject", "round")
        if outcome["asks"] == "choice":
            for (subject, task), shares in option_shares(item, part, by).items():
                for profile, share in zip(draws.of(str(subject), int(task)), shares, strict=True):  # type: ignore[call-overload]
                    rows.add(float(share), str(subject), profile)
        else:
            for (subject, task), score in expected_scores(item, part, by).items():
                rows.add(score, str(subject), draws.of(str(subject), int(task))[outcome["profile"] - 1])  # type: ignore[call-overload]
    return {name: rows for name, rows in found.items() if rows.outcome}


def _section(
    name: str, rows: _Rows, design: Mapping[str, Any], agreement: Estimate | None, *, is_choice: bool
) -> Section:
    try:
        effects = rows.effects(design)
    except (DataError, DesignError) as error:
        return Section(name=f"conjoint-{name}", heading=f"Effects on {name}", chapter=_CHAPTER, warnings=(str(error),))
    error_of = _swapped(agreement)
    cells: list[tuple[Cell, ...]] = []
    in_order = [(name, level) for name, levels in design["attributes"].items() for level in levels]
    for key in in_order:
        if (mean := effects.marginal_means.get(key)) is None:
            continue
        effect = effects.amce.get(key)
        mended = None if effect is None or error_of is None or effect.se is None else correct_swaps(effect, error_of)
        cells.append(
            (*key, effect, None if effect is None else effect.p_value, mean, *(() if error_of is None else (mended,)))
        )
    ranked = sorted(
        (e for e in effects.amce.items() if e[1].interval and not e[1].interval[0] <= 0 <= e[1].interval[1]),
        key=lambda pair: -abs(pair[1].value),
    )
    what = "the chance of being chosen" if is_choice else f"{name}"
    said = [
        f"{attribute} {level} changes {what} by {told(effect, 3)} against {effects.baselines[attribute]}."
        for (attribute, level), effect in ranked[:4]
    ] or [f"No level of an attribute is told apart from its baseline in {what}."]
    n = len(set(rows.subjects))
    caption = f"Effect of every level on {what}, against the first of its attribute, and mean of profiles with it"
    form: CellForm = "share" if is_choice else "number"
    columns = (
        Column(name="attribute", form="text"),
        Column(name="level", form="text"),
        Column(name="effect (AMCE)", form="points" if is_choice else "number", side="model"),
        Column(name="p", form="p"),
        Column(name="marginal mean", form=form, side="model"),
        *((Column(name="effect, corrected", form="points"),) if error_of else ()),
    )
    marks = tuple(
        {"label": f"{attribute}: {level}", "side": "model", **limits(effect)}
        for (attribute, level), effect in effects.amce.items()
        if not math.isnan(effect.value)
    )
    return Section(
        name=f"conjoint-{name}",
        heading=f"Effects on {name}",
        chapter=_CHAPTER,
        sentences=(f"{n} subjects judged {len(rows.outcome):,} profiles.", *said),
        table=Table(columns=columns, rows=tuple(cells), caption=caption),
        figure=Figure(form="intervals", rows=marks, caption=caption) if marks else None,
        keys={"outcome": name},
        notes=(
            _UNITS,
            "Effects depend on the level they are against; marginal means do not, and are what subgroups differ in.",
        ),
        warnings=cautions((": ".join(key), effect) for key, effect in effects.amce.items()),
        methods=(
            "Average marginal component effects are from one regression on all attributes (Hainmueller, Hopkins and "
            "Yamamoto 2014); attributes that a restriction joins are interacted and averaged over what both levels "
            "stand with.",
        ),
    )


def _swapped(agreement: Estimate | None) -> Estimate | None:
    if agreement is None or agreement.value <= 0.5:
        return None
    return swap_error(agreement)


def _repeated(run: Run, design: Mapping[str, Any]) -> tuple[list[Section], dict[str, Estimate]]:
    """How often the same profile is chosen when the pair comes again, the other way round."""
    if not design["repeated_task"]:
        return [], {}
    table, found = answers(run), {}
    for outcome in design["outcomes"]:
        if outcome["asks"] != "choice":
            continue
        item = run.items[outcome["item"]]
        first, again = (
            option_shares(item, table.filter(pl.col("item") == item.id, pl.col("round") == task))
            for task in (design["repeated_task"], design["tasks"] + 1)
        )
        both = [key for key in first if key in again]
        # The chance that two draws agree; with answers that were drawn it is 0 or 1.
        same = [float(first[key] @ again[key][::-1]) for key in both]
        subjects = [str(key[0]) for key in both]
        if same:
            found[item.id] = measured(
                lambda same=same, subjects=subjects: clustered_mean(same, subjects),  # type: ignore[misc]
                "share of repeated choices that are the same",
            )
    rows: list[tuple[Cell, ...]] = []
    said = []
    for name, agreement in found.items():
        error = _swapped(agreement)
        rows.append((name, agreement, error))
        said.append(
            f"{name}: {percent(agreement)} of repeated choices are the same"
            + ("; no more than by chance, so effects cannot be corrected." if error is None
               else f", so {percent(error)} of choices go to the profile liked less.")
        )  # fmt: skip
    if not rows:
        return [], {}
    columns = (
        Column(name="outcome", form="text"),
        Column(name="same choice again", form="share", side="model"),
        Column(name="swapped", form="share"),
    )
    section = Section(
        name="conjoint-reliability",
        heading="How reliable choices are",
        chapter=_CHAPTER,
        sentences=tuple(said),
        table=Table(columns=columns, rows=tuple(rows), caption="Agreement of a task with its repetition"),
        notes=("The repeated task shows the same profiles in reverse, so a habit of taking the first one disagrees.",),
        warnings=cautions(found.items()),
    )
    return [section], found


def _subgroups(name: str, rows: _Rows, trait: str, groups: Mapping[str, str], design: Mapping[str, Any]) -> Section:
    """Marginal means of each group beside the first one's, with the difference."""
    levels = sorted(set(groups.values()))
    cells: list[tuple[Cell, ...]] = []
    means: dict[tuple[str, str, str], Estimate] = {}
    for group in levels:
        keep = [k for k, subject in enumerate(rows.subjects) if groups.get(subject) == group]
        for attribute, shown in rows.levels.items():
            for level in design["attributes"][attribute]:
                at = [k for k in keep if shown[k] == level]
                means[group, attribute, level] = measured(
                    lambda at=at: clustered_mean([rows.outcome[k] for k in at], [rows.subjects[k] for k in at]),  # type: ignore[misc]
                    f"mean of profiles with {attribute} {level}, {group}",
                )
    for (group, attribute, level), mean in means.items():
        if group == levels[0]:
            continue
        base = means[levels[0], attribute, level]
        cells.append((attribute, level, group, base, mean, apart(mean, base, "difference of marginal means")))
    caption = f"Marginal means on {name} by {trait}, against {levels[0] if levels else 'nobody'}"
    columns = (
        *(Column(name=column, form="text") for column in ("attribute", "level", trait)),
        Column(name=f"in {levels[0]}" if levels else "first"),
        Column(name="in this group"),
        Column(name="difference", side="model"),
    )
    return Section(
        name=f"conjoint-{name}-{trait}",
        heading=f"{name} by {trait}",
        chapter=_CHAPTER,
        sentences=(f"Marginal means of {len(levels)} groups of {trait} are compared; effects are not, because they "
                   "depend on the baseline.",),
        table=Table(columns=columns, rows=tuple(cells), caption=caption, is_folded=len(cells) > 30),
        keys={"outcome": name, "trait": trait},
        notes=(_UNITS, "Leeper, Hobolt and Tilley (2020) say why subgroups are compared by marginal means."),
    )  # fmt: skip


ANALYSIS = Analysis(
    name="conjoint",
    about="effects of levels (AMCE), marginal means, reliability of repeated choices, and subgroups",
    needs=needs,
    sections=sections,
    divided=divided,
    is_quiet=True,
)

"""How close a model is to people: distances, persons, spread, structure, and the ladder of fidelity."""

import math
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from proband.analyses.answers import Form, listed, tabled
from proband.analyses.asked import Asked, asked_of
from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table, limits
from proband.estimates import Estimate
from proband.measures import (
    ItemFidelity,
    Ladder,
    dispersion,
    fidelity,
    item_fidelity,
    simbench_score,
    structure_agreement,
)
from proband.measures.likeness.ladder.sheets import RUNGS, LadderRow
from proband.runs.run import Run

CHAPTER = "Closeness to people"
DISTANCES = "distances"
NULLS: Mapping[str, str] = {"uniform": "uniform", "majority": "majority", "marginal_only": "marginal-only"}
FURTHER_NULLS: Mapping[str, str] = {"no_persona": "no persona", "demographics_only": "demographics-only"}
FLOOR = "noise_floor"
MOST_LEVELS = 7  # of a trait that divides people without being named
FEWEST_ITEMS = 3  # whose correlations are compared
RUNG_WORDS: Mapping[str, str] = {
    "marginal": "shares",
    "subgroup": "shares within subgroups",
    "joint": "relations between answers",
    "individual": "persons",
    "effect": "effects of conditions",
}

_MODEL: Form = ("number", "model")

Pair = tuple[Asked, ItemFidelity]


def needs(run: Run) -> str | None:
    """People who answered the same items as the same subjects."""
    if run.people is None:
        return "it needs human answers, and this run has none"
    if not any(asked.is_compared for asked in asked_of(run)):
        return "no item with options was answered by the same 2 subjects on both sides"
    return None


def sections(run: Run) -> list[Section]:
    """Everything about closeness, with people divided by the traits that have few levels."""
    return divided(run, few_levels(run))


def divided(run: Run, by: tuple[str, ...]) -> list[Section]:
    """Everything about closeness, with people divided by these traits."""
    pairs = [(one, fidelity_of(one)) for one in asked_of(run) if one.is_compared]
    found = [_distances(pairs), _persons(pairs)]
    by_condition: dict[tuple[str, ...], list[Pair]] = {}
    for pair in pairs:
        by_condition.setdefault(tuple(pair[0].condition.values()), []).append(pair)
    found += [part for part in (_spread(pairs), _together(by_condition)) if part is not None]
    assert run.people is not None
    return [*found, *_ladder(fidelity(run, run.people, by=by or None))]


def fidelity_of(asked: Asked) -> ItemFidelity:
    """One item beside people; those whom the run did not ask about predict the reference rows."""
    return item_fidelity(
        asked.ours,
        asked.model,
        n_options=len(asked.kept),
        positions=asked.positions,
        held_out=asked.held_out or None,
        settings=asked.sample.settings(asked.weights),
    )


def few_levels(run: Run) -> tuple[str, ...]:
    """Traits that divide people into a few groups."""
    levels: dict[str, set[object]] = {}
    for found in (run.people or run).traits.values():
        for column, value in found.items():
            levels.setdefault(column, set()).add(value)
    return tuple(column for column, values in levels.items() if 1 < len(values) <= MOST_LEVELS)


def _distances(pairs: Sequence[Pair]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    marks: list[Mapping[str, object]] = []
    for asked, found in pairs:
        tv = found.total_variation
        references = {name: tv.baselines[key] for key, name in NULLS.items()}
        rows.append((asked.title, tv, *references.values(), tv.baselines[FLOOR]))
        marks.append({"label": asked.title, **limits(tv), "floor": tv.baselines[FLOOR], "references": references})
    closer = len(pairs) - len(_not_closer(pairs))
    sentence = (
        f"In {closer} of {len(pairs)} comparison{'s' * (len(pairs) != 1)} with people, the model is shown to be closer "
        "to them than uniform answers are."
    )
    nulls = " or ".join(sorted({found.nulls for _, found in pairs}))
    methods = dict.fromkeys(found.total_variation.interval_method for _, found in pairs)
    return Section(
        name=DISTANCES,
        heading="Distance from people",
        chapter=CHAPTER,
        lead=sentence,
        sentences=(
            sentence,
            "The distance is 0 where both give the same shares, and 1 where they never agree. The noise floor is how "
            "far a random sample of this many people would lie from the truth by chance alone.",
        ),
        table=tabled(
            {"item": "text", "distance": _MODEL}
            | dict.fromkeys(("uniform", "majority", "marginal", "floor"), "number"),
            rows,
            "Total variation distance from people, and that of answers that know nothing of the person.",
            is_folded=True,
        ),
        figure=Figure(
            form="ladder",
            rows=tuple(marks),
            caption="Distance from people: the model, and answers that know nothing of the person. "
            "Shaded: the noise floor.",
            options={"x_title": "distance from people (0 = same shares)"},
        ),
        notes=(f"The majority and marginal-only columns come from {nulls}.",),
        warnings=_by_warning(pairs),
        claims=_claims(pairs),
        methods=(
            "Each subject of the model was compared with the person it describes. The majority and marginal-only "
            f"rows come from {nulls}. Intervals of total variation distances: {' or '.join(methods)}.",
        ),
    )


def _persons(pairs: Sequence[Pair]) -> Section:
    rows = tuple(
        (
            asked.title,
            found.agreement,
            found.agreement.baselines.get("marginal_only"),
            found.agreement_gain,
            found.brier,
            found.log_score,
        )
        for asked, found in pairs
    )
    return Section(
        name="own-answers",
        heading="Agreement with a person's own answer",
        chapter=CHAPTER,
        sentences=(
            "Agreement is the mean probability that the model gave to the person's own answer. Its gain is what the "
            "persona adds to knowing people's shares alone.",
        ),
        table=tabled(
            {"item": "text", "agreement": _MODEL, "from shares alone": "number"}
            | dict.fromkeys(("gain", "Brier score", "log score"), _MODEL),
            rows,
            is_folded=True,
        ),
        notes=("Brier and log scores: lower is better.",),
    )


def _spread(pairs: Sequence[Pair]) -> Section | None:
    """Distances along ordered scales, and how much answers on them vary; one answer a subject, as drawn."""
    rows: list[tuple[Cell, ...]] = []
    warnings: dict[str, list[str]] = {}
    for one, distances in pairs:
        scores = _scores([one]) if one.positions is not None else None
        if scores is None or scores[0].height < 2:
            continue
        human, model = (frame[one.item.id].to_list() for frame in scores)
        found = dispersion(human, model)
        rows.append((one.title, distances.wasserstein, found.sd_ratio, found.entropy_ratio))
        for warning in found.warnings:
            warnings.setdefault(warning, []).append(one.title)
    if not rows:
        return None
    return Section(
        name="spread",
        heading="Ordered scales: distance and spread",
        chapter=CHAPTER,
        sentences=(
            "The Wasserstein distance counts how far apart the points of a scale are; 1 is the length of the scale.",
            "A ratio of 1 is the spread that people have. Below 1 the model's answers are more alike than people's.",
        ),
        table=Table(
            columns=(
                Column(name="item", form="text"),
                Column(name="Wasserstein-1", side="model"),
                Column(name="SDs", side="model", digits=2),
                Column(name="entropies", side="model", digits=2),
            ),
            rows=tuple(rows),
            is_folded=True,
        ),
        notes=("Ratios: one answer of each subject on both sides, without weights.",),
        warnings=tuple(f"{', '.join(titles)}: {warning}" for warning, titles in warnings.items()),
    )


def _together(by_condition: Mapping[tuple[str, ...], Sequence[Pair]]) -> Section | None:
    """All items of a condition together: one score, and whether answers go together as in people."""
    rows: list[tuple[Cell, ...]] = []
    warnings: list[str] = []
    for levels, pairs in by_condition.items():
        if len(pairs) < FEWEST_ITEMS:
            continue
        where = f" ({', '.join(levels)})" if levels else ""
        human = [[share.value for share in found.human_shares] for _, found in pairs]
        model = [[share.value for share in found.model_shares] for _, found in pairs]
        rows.append((f"SimBench score{where}", simbench_score(human, model, ["these items"] * len(pairs))))
        ordered = [one for one, _ in pairs if one.positions is not None]
        scores = _scores(ordered) if len(ordered) >= FEWEST_ITEMS else None
        if scores is not None and scores[0].height >= FEWEST_ITEMS:
            structure = structure_agreement(scores[0].drop("subject"), scores[1].drop("subject"))
            rows += [
                (f"RMSE of correlations between items{where}", structure.rmse),
                (f"first factor, ratio to people's{where}", structure.first_factor_ratio),
            ]
            warnings += structure.warnings
    if not rows:
        return None
    return Section(
        name="together",
        heading="All items together",
        chapter=CHAPTER,
        sentences=("The SimBench score is 100 for people's own shares and 0 for answers as far off as uniform ones.",),
        table=tabled({"measure": "text", "model": _MODEL}, rows),
        warnings=tuple(
            dict.fromkeys([*warnings, *(w for _, found in rows if isinstance(found, Estimate) for w in found.warnings)])
        ),
    )


def _scores(asked: Sequence[Asked]) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Scale points of people and model, one row a subject on both sides, one column an item; None without such."""
    human, model = (
        _wide(
            {
                one.item.id: frame.filter(pl.col("status") == "valid")
                for one in asked
                for frame in [one.people if is_human else one.part]
                if frame is not None
            }
        )
        for is_human in (True, False)
    )
    both = human.select("subject").join(model.select("subject"), on="subject").sort("subject")
    if both.is_empty():
        return None
    return both.join(human, on="subject"), both.join(model, on="subject")


def _wide(answers: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """First score of every subject, one column an item."""
    tall = pl.concat(
        frame.unique("subject", keep="first", maintain_order=True).select("subject", "value", pl.lit(id).alias("item"))
        for id, frame in answers.items()
    )
    return tall.pivot(on="item", index="subject", values="value")


def _rungs(lines: Sequence[tuple[str, LadderRow]], *, is_folded: bool = False) -> Table:
    """Rows of the ladder, each beside what answers that know less would get."""
    names = {**NULLS, **FURTHER_NULLS}
    used = [key for key in names if any(key in row.nulls for _, row in lines)]
    used += sorted({key for _, row in lines for key in row.nulls} - set(names))
    rows = []
    for rung, row in lines:
        where = ", ".join(part for part in (row.item, row.group, *row.condition.values()) if part)
        nulls = [_finite(row.nulls.get(key)) for key in used]
        what = f"{row.statistic} ({where})" if where else row.statistic
        rows.append((RUNG_WORDS[rung], what, row.estimate, *nulls, _finite(row.noise_floor)))
    forms: dict[str, Form] = {"about": "text", "what": "text", "model": _MODEL}
    forms |= dict.fromkeys([*(names.get(key, key.replace("_", " ")) for key in used), "noise floor"], "number")
    return tabled(forms, rows, is_folded=is_folded)


def _ladder(ladder: Ladder) -> list[Section]:
    names = {**NULLS, **FURTHER_NULLS}
    whole = [(rung, row) for rung in RUNGS for row in ladder.rung(rung, summary=True)]
    parts = [(row.rung, row) for row in ladder.rows if not any(row is told for _, told in whole)]
    missing = tuple(f"The {names.get(k, k)} column is missing: {why}." for k, why in ladder.missing_nulls.items())
    reasons: dict[str, list[str]] = {}
    for name, reason in ladder.left_out.items():
        reasons.setdefault(reason, []).append(name)
    left = tuple(f"Left out ({reason}): {'; '.join(out)}." for reason, out in reasons.items())
    untested = [f"{RUNG_WORDS[rung]} ({reason})" for rung, reason in ladder.not_tested.items()]
    claims = [f"Likeness was tested for {listed([RUNG_WORDS[rung] for rung in ladder.tested])}."]
    if untested:
        claims.append(f"Not tested, and so not to be claimed: {listed(untested)}.")
    told = Section(
        name="ladder",
        heading="Ladder of fidelity",
        chapter=CHAPTER,
        sentences=(
            "Every claim needs its own test. Right shares do not mean right shares within subgroups, right relations "
            "between answers, right predictions for single persons, or right effects of conditions.",
            *(f"Not tested: {reason}." for reason in untested),
        ),
        table=_rungs(whole),
        notes=(
            f"People: {ladder.design}. The columns of answers that know less come from {ladder.nulls}. For agreement, "
            "Brier and log scores the floor is the mean error of sampling people.",
            *missing,
            *left,
        ),
        warnings=ladder.warnings,
        claims=tuple(claims),
    )
    if not parts:
        return [told]
    heading = "Ladder of fidelity, item by item and group by group"
    table = _rungs(parts, is_folded=True)
    return [told, Section(name="ladder-parts", heading=heading, chapter=CHAPTER, table=table)]


def _claims(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """What the distances say, item by item."""
    n = max(found.n_people for _, found in pairs)
    items = len({asked.item.id for asked, _ in pairs})
    checks: tuple[tuple[str, Callable[[ItemFidelity], bool]], ...] = (
        ("The model is not shown to be closer than uniform answers on {}.", _is_not_closer),
        ("Its distance is within the noise floor on {}.", _is_within_floor),
        (
            "On {} the personas were not shown to tell the model more about a person than people's shares alone do.",
            lambda found: bool(found.agreement_gain.warnings),
        ),
    )
    sentences = [f"They rest on {n:,} {'person' if n == 1 else 'people'} and {items} item{'s' * (items != 1)}."]
    for sentence, holds in checks:
        if named := [asked.title for asked, found in pairs if holds(found)]:
            sentences.append(sentence.format(listed(named)))
    return tuple(sentences)


def _not_closer(pairs: Sequence[Pair]) -> list[str]:
    return [asked.title for asked, found in pairs if _is_not_closer(found)]


def _is_not_closer(found: ItemFidelity) -> bool:
    """Whether the interval of the distance reaches what uniform answers have, or there is none."""
    tv = found.total_variation
    return tv.interval is None or tv.interval[1] >= tv.baselines["uniform"]


def _is_within_floor(found: ItemFidelity) -> bool:
    return found.total_variation.value <= found.total_variation.baselines[FLOOR]


def _by_warning(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Each warning once, with the items it is about where it is not about all of them."""
    about: dict[str, list[str]] = {}
    for asked, found in pairs:
        for warning in found.warnings:
            about.setdefault(warning, []).append(asked.title)
    return tuple(
        warning if len(titles) == len(pairs) else f"{', '.join(titles)}: {warning}" for warning, titles in about.items()
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


ANALYSIS = Analysis(
    name="fidelity",
    about="how close a model is to people: distances, persons, spread, structure, the ladder",
    needs=needs,
    sections=sections,
    divided=divided,
)

"""Traits: what a model says of itself or does, over contexts, beside people and with its instability."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from proband.analyses.answers import Factor, cautions, expected_scores, is_scored, measured, option_shares, tabled, told
from proband.analyses.portrayed import (
    ANSWER_BY,
    WRITTEN,
    Trait,
    contexts_of,
    design_of,
    main_part,
    methods_of,
    traits_of,
)
from proband.analyses.scales import instrument_of
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, limits
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import (
    context_study,
    ipsative_stability,
    missing_bounds,
    perspective_controllability,
    rank_order_stability,
)
from proband.runs.run import Run

NO_TRAIT, ALIKE = "no trait found", "answers all alike"
_ENOUGH = 0.8
_SAME = 1e-9  # scores that differ by less do not differ
_MOST_SENTENCES = 6
_TEMPERATURES = (0.5, 1.0, 1.5)  # and 0, the most probable option
_METHODS = (
    "Means are over items and contexts; their intervals are about other contexts like these (generalised intervals of "
    "a balanced analysis of variance; both orders of options are all there are, every other factor is random). A score "
    "is called no trait where its variance over contexts, or that of its items over one factor, exceeds people's "
    "variance over persons."
)


def needs(run: Run) -> str | None:
    """A battery with scales, and answers."""
    if not design_of(run).get("battery"):
        return "this run asked no battery; a study with [battery] does"
    if not run.dispositions():
        return "nothing was answered yet"
    found = instrument_of(run) if run.manifest.get("design", {}).get("scales") else None
    return None if found is not None and found.scales else "this battery has no scales; its own analyses tell of it"


def sections(run: Run) -> Sequence[Section]:
    """Scores beside people's, sources of variance, stability, refusals, temperature, writing, contrasts."""
    found = traits_of(run)
    return [
        _scores(run, found),
        *_contrasts(run),
        *_variance(found),
        *_stability(run, found),
        *_controllability(run, found),
        _refusals(run, found),
        *_temperatures(run),
        *_written(run),
    ]


def mean_of(trait: Trait) -> Estimate:
    """Mean over items and contexts, within the scale; its interval is about other contexts, asked these items."""
    what = f"mean of {trait.name} over contexts"
    if not trait.frame.is_empty() and len(trait.columns) + (trait.frame["item"].n_unique() > 1) < 2:
        return _bare(trait.frame, what)
    return measured(lambda: within(trait.study.mean, trait.limits), what)


def _bare(frame: pl.DataFrame, what: str) -> Estimate:
    """A mean from which nothing can be told of other contexts."""
    why = "too few contexts to tell of others, so no interval; ask in more orders, wordings or roles"
    mean = float(frame["score"].mean())  # type: ignore[arg-type]
    return Estimate(value=mean, estimand=what, target="model", n_units=frame.height, warnings=(why,))


def within(estimate: Estimate, limits: tuple[float, float]) -> Estimate:
    """An estimate whose interval does not leave the scale."""
    if estimate.interval is None:
        return estimate
    low, high = (float(np.clip(limit, *limits)) for limit in estimate.interval)
    return replace(estimate, interval=(low, high), interval_method=f"{estimate.interval_method}, within the scale")


def distance_of(mean: Estimate, trait: Trait) -> Estimate | None:
    """How far a mean is from people's, in their SD."""
    norm, sd = trait.people("mean"), trait.people("sd")
    if norm is None or not sd or math.isnan(mean.value):
        return None
    low, high = mean.interval or (math.nan, math.nan)
    return replace(
        mean,
        value=(mean.value - norm) / sd,
        se=None if mean.se is None else mean.se / sd,
        interval=None if mean.interval is None else ((low - norm) / sd, (high - norm) / sd),
        estimand=f"distance of {trait.name} from people's mean, in their SD",
    )


def verdict_of(trait: Trait) -> str:
    """Whether there is a trait, by the rule stated; without people's SD, which factor answers follow, if any."""
    try:
        is_trait = trait.study.is_trait
        if trait.frame["score"].max() - trait.frame["score"].min() < _SAME:  # type: ignore[operator]
            return ALIKE
    except (DesignError, DataError):
        return "not told"
    if is_trait is None:
        factor = _followed(trait)
        return f"follows {factor}" if factor else ""
    return "holds over contexts" if is_trait else NO_TRAIT


def _scores(run: Run, found: Sequence[Trait]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    marks, means = list[dict[str, object]](), list[tuple[str, Estimate]]()
    sentences = []
    for trait in found:
        mean, verdict = mean_of(trait), verdict_of(trait)
        away = distance_of(mean, trait)
        spread = measured(lambda trait=trait: trait.study.context_variance, "spread over contexts")  # type: ignore[misc]
        one = measured(lambda trait=trait: trait.study.reliability(dict.fromkeys(trait.columns, 1)), "reliability")  # type: ignore[misc]
        sd = trait.people("sd")
        rows.append(
            (
                trait.name, mean, trait.people("mean"), sd, away, _root(spread, trait.limits), one if sd else None,
                verdict, len(trait.scale.items) - len(trait.left_out),
            )
        )  # fmt: skip
        means.append((trait.name, mean))
        if away is not None:
            marks.append({"label": trait.name, "side": "model", **limits(away)})
        sentences.append(_in_words(trait, mean, away, verdict, spread))
    forms: dict[str, Any] = {
        "scale": "text", "mean": ("number", "model"), "people's mean": ("number", "people"),
        "people's SD": ("number", "people"), "distance in people's SD": ("number", "model"),
        "SD over contexts": ("number", "model"), "reliability of one context": ("number", "model"),
        "by the rule": "text", "items": "count",
    }  # fmt: skip
    design = design_of(run)
    sources = dict.fromkeys(str(t.scale.human["source"]) for t in found if t.scale.human.get("source"))
    n = math.prod(len(factor.levels) for factor in contexts_of(run))
    gone = sorted({id for trait in found for id in trait.left_out})
    return Section(
        name="traits",
        heading=str(design.get("battery_title", "Traits")),
        sentences=(
            f"{len({i for t in found for i in t.scale.items})} items were asked in {n} context{'s' * (n > 1)}.",
            *sentences[:_MOST_SENTENCES],
        ),
        table=tabled(forms, rows, "Scores over contexts, and people's", digits=2),
        figure=Figure(form="intervals", rows=tuple(marks), caption="Distance from people's mean, in their SD")
        if marks
        else None,
        notes=(
            str(design.get("battery_page", "")),
            f"Source: {design.get('battery_source')} Licence: {design.get('battery_licence')}",
            *(f"People: {source}" for source in sources),
            "Scores are expected ones where the engine gave probabilities.",
        ),
        warnings=(
            *cautions(means),
            *((f"without a score in half of the contexts, and left out: {', '.join(gone)}",) if gone else ()),
        ),
        methods=(_METHODS,),
    )


def _root(variance: Estimate, range_: tuple[float, float]) -> Estimate:
    """An SD from a variance; no score between two limits has one above half their distance."""
    most = (range_[1] - range_[0]) / 2
    limits = variance.interval and (math.sqrt(variance.interval[0]), min(math.sqrt(variance.interval[1]), most))
    return replace(variance, value=math.sqrt(max(variance.value, 0.0)), interval=limits, estimand="SD over contexts")


def _in_words(trait: Trait, mean: Estimate, away: Estimate | None, verdict: str, spread: Estimate) -> str:
    if math.isnan(mean.value):
        return f"{trait.name}: nothing can be told ({mean.warnings[0]})."
    if math.isnan(spread.value):
        beside = "" if away is None else f", {told(away)} SD from people's mean"
        return f"{trait.name} is {told(mean)}{beside}; how far contexts move it is not known."
    moves = f"over contexts it moves with an SD of {math.sqrt(max(spread.value, 0.0)):.2f}"
    if away is None:
        factor = _followed(trait)
        follows = f", and answers to its items follow {factor}" if factor else ""
        return f"{trait.name} is {told(mean)}; {moves}. People's spread is not known, so no distance is told{follows}."
    sd = trait.people("sd")
    if verdict == ALIKE:
        return f"{trait.name} is {mean.value:.2f} in every item and context: answers do not depend on what is asked."
    if verdict == NO_TRAIT:
        factor, own = trait.study.moved_by
        names = {factor.column: factor.name for factor in trait.factors}
        if own > trait.study.context_variance.value:
            moves = f"answers to its items follow {names.get(factor, factor)}, with an SD of {math.sqrt(own):.2f}"
        return (
            f"{trait.name}: {NO_TRAIT}. {moves[0].upper()}{moves[1:]}, and people differ with an SD of {sd:.2f}; its "
            f"mean of {told(mean)} is one of these contexts, and not of the model."
        )
    return f"{trait.name} is {told(mean)}, {told(away)} SD from people's mean; {moves}, people differ with {sd:.2f}."


def _followed(trait: Trait) -> str:
    """Which factor answers to items follow, where more than half of their variance is its own; empty for none."""
    factor, own = trait.study.moved_by
    whole = sum(max(float(part.variance), 0.0) for part in trait.study.components.values())
    names = {factor.column: factor.name for factor in trait.factors}
    return names.get(factor, factor) if own > whole / 2 > 0 else ""


def _variance(found: Sequence[Trait]) -> list[Section]:
    """Components of variance of every scale, and how many levels would be enough."""
    rows: list[tuple[Cell, ...]] = []
    sentences = []
    for trait in found:
        try:
            study = trait.study
        except (DesignError, DataError) as error:
            sentences.append(f"The variance of {trait.name} could not be taken apart: {error}.")
            continue
        names = {factor.column: factor.name for factor in trait.factors}
        for effect, part in study.components.items():
            shown = " x ".join(names.get(name, name) for name in effect.split(" x "))
            rows.append((trait.name, shown, part.variance, None if math.isnan(part.share) else part.share))
        sentences += _needed(trait, names)
    forms: dict[str, CellForm] = {"scale": "text", "source": "text", "variance": "number", "share": "share"}
    return [
        Section(
            name="traits-variance",
            heading="Where scores vary",
            sentences=tuple(sentences[: 2 * _MOST_SENTENCES]),
            table=tabled(forms, rows, "Components of variance by item and context", is_folded=True, side="model"),
            notes=(
                "Levels stand for others like them; the last source of a scale holds what nothing explains. A factor "
                "of two levels says hardly anything of others like it, and its interval says so.",
                "Reliability is s2 / (s2 + error): s2 is people's variance over persons, error that of the score over "
                "contexts.",
            ),
        )
    ]


def _needed(trait: Trait, names: Mapping[str, str]) -> list[str]:
    study = trait.study
    if not study.is_trait or not study.sizes:  # of what is no trait no number of wordings makes one
        return []
    whole = study.reliability()
    said = f"{trait.name}: as asked, its reliability over contexts is {told(whole)}"
    if study.context_variance.value == 0:
        return [f"{said}: no context moves it."]
    enough = {names.get(name, name): study.needed(name, _ENOUGH) for name in study.sizes if name not in trait.complete}
    now = {names.get(name, name): n for name, n in study.sizes.items()}
    parts = [
        f"{n} level{'s' * (n > 1)} of {name} (now {now[name]})" if n else f"no number of levels of {name}"
        for name, n in enough.items()
    ]
    return [f"{said}; for {_ENOUGH}, all else as asked, it takes {', or '.join(parts)}." if parts else f"{said}."]


def _stability(run: Run, found: Sequence[Trait]) -> list[Section]:
    """Whether items keep their order, and scales their profile, from one level of a factor to the next."""
    rows: list[tuple[Cell, ...]] = []
    doubts = []
    n = math.prod(len(factor.levels) for factor in contexts_of(run))
    whole = [trait for trait in found if trait.frame.height == n * trait.frame["item"].n_unique() > 0]
    profile = whole if len(whole) > 2 and not any(trait.levels for trait in whole) else []
    for factor in contexts_of(run):
        for first, second in combinations(factor.levels, 2):
            order = measured(partial(_order_of, whole, factor, first, second), "order of items")
            kept = (
                measured(partial(_profile_of, profile, factor, first, second), "profile of scales") if profile else None
            )
            rows.append((f"{factor.name}: {first}, {second}", order, kept))
            doubts.append((f"{first}, {second}", order))
    if not rows:
        return []
    forms: dict[str, CellForm] = {"levels": "text", "order of items": "number", "profile of scales": "number"}
    known = [(row[0], row[1]) for row in rows if isinstance(row[1], Estimate) and not math.isnan(row[1].value)]
    low = min(known, key=lambda one: one[1].value, default=None)
    return [
        Section(
            name="traits-stability",
            heading="Does the order stay?",
            sentences=() if low is None else (f"Items keep their order least between {low[0]}: r = {told(low[1])}.",),
            table=tabled(forms, rows, "Correlations between contexts", side="model"),
            notes=(
                "Order of items: the correlation over items between two levels, averaged over all other contexts. "
                "Profile: that over scales, in each other context.",
            ),
            warnings=cautions(doubts),
        )
    ]


def _at(trait: Trait, factor: Factor, level: str, index: str) -> np.ndarray[Any, Any]:
    """Scores at a level, one row an item or one row in all, a column for each of the other contexts."""
    others = [other.column for other in trait.factors if other.column != factor.column]
    part = trait.frame.filter(pl.col(factor.column).cast(pl.String) == level).sort(["item", *others])
    table = part["score"].to_numpy().reshape(part["item"].n_unique(), -1)
    return table if index == "item" else table.mean(axis=0, keepdims=True)


def _order_of(found: Sequence[Trait], factor: Factor, first: str, second: str) -> Estimate:
    if not found:
        raise DesignError("items are not answered in every context")
    sides = [np.vstack([_at(trait, factor, level, "item") for trait in found]) for level in (first, second)]
    return rank_order_stability(*sides)


def _profile_of(found: Sequence[Trait], factor: Factor, first: str, second: str) -> Estimate:
    sides = [np.vstack([_at(trait, factor, level, "scale") for trait in found]).T for level in (first, second)]
    return ipsative_stability(*sides)


def _controllability(run: Run, found: Sequence[Trait]) -> list[Section]:
    """How far levels that aim at a scale raise it above the others."""
    aims = design_of(run).get("aims")
    if not isinstance(aims, Mapping) or not aims:
        return []
    rows: list[tuple[Cell, ...]] = []
    scales = list(dict.fromkeys(trait.scale.id for trait in found))
    for factor, levels in aims.items():
        asked = {level: scale for level, scale in levels.items() if scale in scales}
        of = {
            (trait.levels[factor], trait.scale.id): _unit(trait) for trait in found if trait.levels.get(factor) in asked
        }

        def control(of: Mapping[tuple[str, str], Any] = of, asked: Mapping[str, str] = asked) -> Estimate:
            table = np.array([[of[level, scale] for scale in scales] for level in asked])
            return perspective_controllability(
                np.moveaxis(table, 2, 0), [scales.index(scale) for scale in asked.values()]
            )

        rows.append((factor, measured(control, "controllability")))
    return [
        Section(
            name="traits-controllability",
            heading="How far it can be moved",
            sentences=tuple(
                f"Levels of {name} raise what they aim at by {told(one)} of the scale above the other scales."
                for name, one in rows
                if isinstance(one, Estimate) and not math.isnan(one.value)
            ),
            table=tabled({"factor": "text", "rise of what is aimed at": "number"}, rows, side="model"),
        )
    ]


def _unit(trait: Trait) -> np.ndarray[Any, Any]:
    """Scores of the contexts, from 0 to 1 of the scale."""
    low, high = trait.limits
    return (trait.by_context()["score"].to_numpy() - low) / (high - low)


def _refusals(run: Run, found: Sequence[Trait]) -> Section:
    """What became of everything asked, and what refusals could hide."""
    rows: list[tuple[Cell, ...]] = []
    counts = {status: int(n) for status, n in run.dispositions().items() if n}
    statuses = [status for status in counts if status != "valid"]
    for trait in found:
        part = trait.part.filter(pl.col("item").is_in(list(trait.scale.items)))
        of = dict(part["status"].value_counts().iter_rows())
        n_valid, low, high = of.get("valid", 0), *trait.limits
        mean = mean_of(trait)
        bounds: Cell = None
        if np.isfinite(high) and not math.isnan(mean.value):
            share = float(np.clip((mean.value - low) / (high - low), 0, 1)) * n_valid
            least = missing_bounds([share, n_valid - share], part.height - n_valid, target="model")[0].interval
            if least is not None:
                bounds = " to ".join(f"{low + limit * (high - low):.2f}" for limit in least)
        rows.append((trait.name, part.height, n_valid, *(of.get(status, 0) for status in statuses), bounds))
    forms: dict[str, CellForm] = {"scale": "text", "asked": "count", "valid": "count"}
    forms |= dict.fromkeys((status.replace("_", " ") for status in statuses), "count")
    forms["mean could be"] = "text"
    n = sum(counts.values())
    said = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.items())
    return Section(
        name="traits-refusals",
        heading="Refusals and other answers without a score",
        sentences=(f"Of {n:,} answers: {said}.",),
        table=tabled(forms, rows, "What became of every question", is_folded=not statuses),
        notes=(
            "A mean could be anything between the bounds, were all that is missing the lowest or the highest score.",
        ),
    )


def _temperatures(run: Run) -> list[Section]:
    """What other temperatures would draw, computed from the probabilities and asked of nobody."""
    part = main_part(run).filter(pl.col("probs").is_not_null())
    if part.is_empty():
        return []
    found: dict[str, dict[str, Trait]] = {}
    for at in (0.0, *_TEMPERATURES):
        hot = part.with_columns(pl.col("probs").map_elements(partial(_heated, at=at), return_dtype=pl.List(pl.Float64)))
        for trait in traits_of(_With(run, hot)):
            found.setdefault(trait.name, {})[f"{at:g}"] = trait
    columns = [f"{at:g}" for at in (0.0, *_TEMPERATURES)]
    rows: list[tuple[Cell, ...]] = [
        (name, *(None if of[at].frame.is_empty() else float(of[at].frame["score"].mean()) for at in columns))  # type: ignore[arg-type]
        for name, of in found.items()
    ]
    forms: dict[str, CellForm] = {"scale": "text"} | dict.fromkeys((f"at {at}" for at in columns), "number")  # type: ignore[assignment]
    return [
        Section(
            name="traits-temperature",
            heading="At other temperatures",
            table=tabled(forms, rows, "Mean score by temperature", is_folded=True, digits=2, side="model"),
            notes=("From the probabilities of options, each to the power of 1 / temperature; 0 takes the largest.",),
        )
    ]


def _heated(probs: Sequence[float], at: float) -> list[float]:
    p = np.asarray(probs, dtype=float)
    hot = (p == p.max()).astype(float) if at == 0 else np.where(p > 0, p, 0.0) ** (1 / at)
    return (hot / hot.sum()).tolist()  # type: ignore[no-any-return]


class _With(Run):
    """A run seen with another table of answers."""

    def __init__(self, run: Run, table: pl.DataFrame) -> None:
        self.__dict__.update(run.__dict__)
        self._seen = table

    def table(self, *, wide: bool = False) -> pl.DataFrame:
        return self._seen


def _written(run: Run) -> list[Section]:
    """How far written answers are from probabilities, where both were asked in the same context."""
    methods = methods_of(run)
    instrument = instrument_of(run)
    if len(methods) < 2 or WRITTEN not in methods or instrument is None:
        return []
    table = run.table()
    written = table.filter(pl.col(ANSWER_BY) == WRITTEN)
    shared = [factor.column for factor in contexts_of(run) if factor.column != "replicate"]
    scored = table.filter(pl.col(ANSWER_BY) == methods[0]).join(written.select(shared).unique(), on=shared, how="semi")
    rows, alike = list[tuple[Cell, ...]](), list[float]()
    for scale in instrument.scales:
        gaps, same, n = [], [], 0
        for item in (instrument[id] for id in scale.items if is_scored(instrument[id])):
            one, other = (part.filter(pl.col("item") == item.id) for part in (scored, written))
            a, b = expected_scores(item, one), expected_scores(item, other)
            shares, chosen = option_shares(item, one), option_shares(item, other)
            n += other.height
            gaps += [abs(a[key] - b[key]) for key in a.keys() & b.keys()]
            same += [float(np.argmax(shares[key]) == np.argmax(chosen[key])) for key in shares.keys() & chosen.keys()]
        mean = float(np.mean(gaps)) if gaps else None
        rows.append((scale.name, n, len(gaps), mean, float(np.mean(same)) if same else None))
        alike += same
    forms: dict[str, CellForm] = {"scale": "text", "asked in writing": "count", "compared": "count"}
    forms |= {"mean distance of an item": "number", "same option": "share"}
    return [
        Section(
            name="traits-written",
            heading="In writing, and by probabilities",
            sentences=(
                f"Of {len(alike)} items answered both ways in the same context, {np.mean(alike):.0%} have the "
                "option in writing that has the highest probability."
                if alike
                else "No item has a valid written answer, so there is nothing to compare.",
            ),
            table=tabled(forms, rows, "Distance of written answers from probabilities", side="model"),
            notes=("A written answer is one draw; its distance from an expected score is not 0 even if both agree.",),
        )
    ]


def _contrasts(run: Run) -> list[Section]:
    """Weighted sums of scales, beside people's figure."""
    asked = design_of(run).get("contrasts")
    if not isinstance(asked, list) or not asked:
        return []
    kinds = {name.partition(":")[2] for contrast in asked for name in contrast["weights"]}
    scales: dict[str, Trait] = {}
    for kind in kinds:
        for trait in traits_of(run, kind):
            scales.setdefault(f"{trait.scale.id}", trait)
    rows: list[tuple[Cell, ...]] = []
    said, sources = [], []
    for contrast in asked:
        one = measured(
            partial(contrast_of, contrast, scales, bool(design_of(run).get("is_generated"))), contrast["name"]
        )
        people = contrast.get("people") or {}
        rows.append((contrast["name"], one, people.get("mean"), contrast.get("isomorph_of") or ""))
        if not math.isnan(one.value):
            beside = f"; people's is {people['mean']:.2f}" if people else ""
            said.append(f"{contrast['name']}: {told(one)}{beside}.")
        sources += [f"People, {contrast['name']}: {people['source']}"] if people else []
    forms: dict[str, Any] = {
        "contrast": "text", "model": ("number", "model"), "people": ("number", "people"), "fresh words for": "text",
    }  # fmt: skip
    return [
        Section(
            name="traits-contrasts",
            heading="Contrasts",
            sentences=tuple(said[:_MOST_SENTENCES]),
            table=tabled(forms, rows, "Weighted sums of scales"),
            notes=(
                *sources,
                "Intervals are about other contexts like these, and of drawn items about others like them. Where fresh "
                "words do worse than published ones, the published ones may have been read.",
            ),
            warnings=cautions((str(row[0]), row[1]) for row in rows if isinstance(row[1], Estimate)),
        )
    ]


def contrast_of(contrast: Mapping[str, Any], scales: Mapping[str, Trait], is_drawn: bool) -> Estimate:
    """A weighted sum of scales, over contexts.

    Raises
    ------
    DesignError
        If a scale has no score, or scales have no contexts in common.
    """
    parts = {name: scales[name] for name in contrast["weights"] if name in scales}
    if gone := [name for name in contrast["weights"] if name not in parts or parts[name].frame.is_empty()]:
        raise DesignError(f"scale {gone[0]!r} has no scores")
    first = next(iter(parts.values()))
    columns = [factor.column for factor in first.factors]
    # Each scale's items are made one number a context, so that what is told is over contexts alone.
    sums = [
        trait.by_context().with_columns(pl.col("score") * contrast["weights"][name]) for name, trait in parts.items()
    ]
    frame = pl.concat(sums).group_by(columns, maintain_order=True).agg(pl.sum("score"), n=pl.len())
    frame = frame.filter(pl.col("n") == len(parts)).drop("n")  # a sum without one of its scales is none
    if frame.is_empty():
        raise DesignError("no context has a score of every scale")
    if sum(frame[name].n_unique() > 1 for name in columns) < 2:
        return _bare(frame, str(contrast["name"]))
    frame = frame.with_columns(item=pl.lit(contrast["name"]))
    study = context_study(frame, columns, scores="score", complete=first.complete)
    if not is_drawn:
        return study.mean
    more = sum(contrast["weights"][name] ** 2 * _of_items(trait) for name, trait in parts.items())
    return study.widened(more)


def _of_items(trait: Trait) -> float:
    """Variance of a mean over items that were drawn."""
    means = trait.frame.group_by("item", maintain_order=True).agg(pl.mean("score"))["score"]
    return float(means.var() or 0.0) / len(means)  # type: ignore[arg-type]


ANALYSIS = Analysis(
    name="traits",
    about="scales of a battery over contexts: people's norm, sources of variance, stability, refusals, contrasts",
    needs=needs,
    sections=sections,
)

"""The rungs of single items: shares, shares in subgroups, and persons."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import special

from proband.estimates import Estimate
from proband.measures.arrays import Bools, Floats
from proband.measures.likeness.items.closeness import FidelitySettings, distance_estimate
from proband.measures.likeness.items.gaps import absolute_sum_interval, ordered_contrasts
from proband.measures.likeness.items.individual import agreement_estimates, brier_scores, log_scores, score_estimates
from proband.measures.likeness.items.nulls import distance_of
from proband.measures.likeness.items.pairs import PairedAnswers
from proband.measures.likeness.ladder.sheets import TV, W1, LadderRow, Rung, Sheet
from proband.measures.surveys.design import simple_random_sample, sums_by

_MEAN_ABSOLUTE = math.sqrt(2 / math.pi)  # of a standard normal error


def marginal_rows(sheet: Sheet) -> Iterator[LadderRow]:
    """Rows of the first rung: distance of the shares on every item, and its mean over items."""
    yield from _distance_rows(sheet, "marginal", "", None, list(range(len(sheet.items))))


def subgroup_rows(sheet: Sheet) -> Iterator[LadderRow]:
    """Rows of the second rung: the same within every subgroup of enough people."""
    for column, (codes, levels) in sheet.groups.items():
        for code, level in enumerate(levels):
            rows = codes == code
            enough = sheet.human.has[rows].sum(axis=0) >= sheet.settings.min_group
            if enough.any():
                yield from _distance_rows(sheet, "subgroup", f"{column}={level}", rows, np.flatnonzero(enough).tolist())


def small_groups(sheet: Sheet) -> list[str]:
    """Subgroups in which no item has enough people."""
    least = sheet.settings.min_group
    return [
        f"{column}={level} ({int((codes == code).sum())} people)"
        for column, (codes, levels) in sheet.groups.items()
        for code, level in enumerate(levels)
        if (sheet.human.has[codes == code].sum(axis=0) < least).all()
    ]


def _distance_rows(
    sheet: Sheet, rung: Rung, group: str, rows: Bools | None, items: Sequence[int]
) -> Iterator[LadderRow]:
    found: dict[str, list[Estimate]] = {TV: [], W1: []}
    settings = FidelitySettings(level=sheet.settings.level, n_draws=1000, min_people=sheet.settings.min_people)
    for k in items:
        item = sheet.items[k]
        pairs = sheet.pairs(k, rows)
        if pairs.n < 2:
            continue
        nulls = sheet.nulls(k, pairs, rows)
        kinds = [(TV, np.eye(item.n_options) / 2)]
        if item.positions is not None:
            kinds.append((W1, ordered_contrasts(item.positions, item.n_options)))
        further = list(sheet.further_shares(k, rows))
        for name, contrasts in kinds:
            estimate = distance_estimate(
                pairs, nulls, contrasts, name=name, settings=settings, rng=sheet.rng(item.id, group)
            )
            more = {null: distance_of(p, q, contrasts) for null, p, q in further}
            floor = estimate.baselines["noise_floor"]
            baselines = {**estimate.baselines, **more, "noise_floor": floor}
            if len(nulls.predicted) == 0:
                baselines = {n: v for n, v in baselines.items() if n not in ("majority", "marginal_only")}
            estimate = replace(estimate, baselines=baselines)
            found[name].append(estimate)
            yield _row(sheet, rung, name, estimate, item=item.id, group=group)
    if len(found[TV]) > 1:
        estimate = _mean_distance(sheet, found[TV], rows, items)
        yield _row(sheet, rung, TV, estimate, group=group)


def _row(sheet: Sheet, rung: Rung, statistic: str, estimate: Estimate, *, item: str = "", group: str = "") -> LadderRow:
    return LadderRow(
        rung=rung, statistic=statistic, estimate=estimate, item=item, group=group, condition=sheet.condition
    )


def _mean_distance(sheet: Sheet, parts: Sequence[Estimate], rows: Bools | None, items: Sequence[int]) -> Estimate:
    """Mean over items of the total variation distance, its error from bootstrap replicates of units."""
    used = [k for k in items if sheet.human.has[slice(None) if rows is None else rows, k].sum() >= 2]
    theta, noise = gap_replicates(sheet, used, np.ones(sheet.n, dtype=bool) if rows is None else rows)
    scale = 0.5 / len(used)
    theta, noise = scale * theta, scale * noise
    pairs = [sheet.pairs(k, rows) for k in used]
    df = min(p.df for p in pairs)
    n_eff = min(p.n_eff for p in pairs)
    interval = None
    if n_eff >= sheet.settings.min_people and len(noise) >= sheet.settings.n_replicates // 2:
        covariance = noise.T @ noise / len(noise)
        tails = np.sqrt(df / sheet.rng("tails").chisquare(df, (len(noise), 1)))
        interval = absolute_sum_interval(theta, noise * tails, covariance, df=df, level=sheet.settings.level)
    return Estimate(
        value=float(np.mean([p.value for p in parts])),
        interval=interval,
        level=sheet.settings.level,
        interval_method="directional delta method on bootstrap replicates of sampling units, within [0, 1]"
        if interval
        else "none: too few people",
        estimand=f"mean over {len(parts)} items of the {TV} between people's shares and the model's",
        target="human",
        n_units=max(p.n_units for p in parts),
        baselines=mean_baselines([p.baselines for p in parts]),
        assumptions=("items are the ones of interest, not a sample of items",),
    )


def mean_baselines(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each baseline that all parts have."""
    names = [name for name in parts[0] if all(name in part for part in parts)]
    return {name: float(np.mean([part[name] for part in parts])) for name in names}


def gap_replicates(sheet: Sheet, items: Sequence[int], rows: Bools) -> tuple[Floats, Floats]:
    """Human minus model shares of some items' options, and its replicates' deviations.

    Result: shapes (n_columns,) and (n_replicates, n_columns); replicates in which somebody's item is empty are left
    out.
    """
    columns = np.flatnonzero(np.isin(sheet.item_of_column, items))
    owner = np.searchsorted(np.sort(items), sheet.item_of_column[columns])
    unit, factors = sheet.unit_replicates
    w = sheet.weights[rows][:, None]
    gaps = w * (sheet.human.shares[np.ix_(rows, columns)] - sheet.model.shares[np.ix_(rows, columns)])
    there = w * sheet.human.has[np.ix_(rows, np.sort(items))]
    over, under = (sums_by(unit[rows], part, factors.shape[1]) for part in (gaps, there))
    theta = over.sum(axis=0) / under.sum(axis=0)[owner]
    totals = factors @ under
    whole = (totals > 0).all(axis=1)
    drawn = (factors[whole] @ over) / totals[whole][:, owner]
    return theta, drawn - theta


def individual_rows(sheet: Sheet) -> Iterator[LadderRow]:
    """Rows of the fourth rung: how much of each person's own answer the model foresees."""
    level, least = sheet.settings.level, sheet.settings.min_people
    names = ("agreement with own answer", "agreement gain over people's shares", "Brier score", "log score")
    found: dict[str, list[Estimate]] = {name: [] for name in names}
    for k, item in enumerate(sheet.items):
        pairs = sheet.pairs(k)
        nulls = sheet.nulls(k, pairs)
        if pairs.n < 2 or not len(nulls.predicted):
            continue
        own, gain = agreement_estimates(pairs, nulls, level=level, min_people=least)
        brier, log = score_estimates(pairs, nulls, level=level, min_people=least)
        further = _person_nulls(sheet, k)
        agreements = {**own.baselines, **{null: scores[names[0]] for null, scores in further.items()}}
        beyond = {null: value - own.baselines["marginal_only"] for null, value in agreements.items()}
        gain = replace(gain, baselines=beyond)
        for name, estimate in zip(names, (own, gain, brier, log), strict=True):
            more = {null: scores[name] for null, scores in further.items() if name in scores}
            floor = math.nan if estimate.se is None else _MEAN_ABSOLUTE * estimate.se
            estimate = replace(estimate, baselines={**estimate.baselines, **more, "noise_floor": floor})
            found[name].append(estimate)
            yield _row(sheet, "individual", name, estimate, item=item.id)
    if len(found[names[0]]) > 1:
        for name in names:
            yield _row(sheet, "individual", name, _mean_score(sheet, name, found[name]))


def _person_nulls(sheet: Sheet, k: int) -> dict[str, dict[str, float]]:
    columns = sheet.columns(k)
    sides: dict[str, tuple[Floats, Bools]] = {}
    if sheet.nobody is not None:
        sides["no_persona"] = (sheet.nobody.shares, sheet.human.has[:, k] & sheet.nobody.has[:, k])
    if sheet.by_traits is not None:
        sides["demographics_only"] = (sheet.by_traits, sheet.human.has[:, k])
    found = {}
    for name, (shares, rows) in sides.items():
        if not rows.any():
            continue
        answers = sheet.human.shares[rows, columns].argmax(axis=1)
        probs = shares[rows, columns]
        own = probs[np.arange(len(answers)), answers]
        w = sheet.weights[rows] / sheet.weights[rows].sum()
        found[name] = {
            "agreement with own answer": float(w @ own),
            "Brier score": float(w @ brier_scores(probs, answers)),
            "log score": float(w @ log_scores(own)),
        }
    return found


def _mean_score(sheet: Sheet, name: str, parts: Sequence[Estimate]) -> Estimate:
    """Mean over items of a mean over persons; persons, not answers, are the units of its error."""
    values, influence = [], np.zeros(sheet.n)
    for k in range(len(sheet.items)):
        used = sheet.human.has[:, k]
        pairs = sheet.pairs(k)
        if pairs.n < 2:
            continue
        scores = _scores_of(sheet, name, k, pairs)
        centre = float(pairs.weights @ scores / pairs.weights.sum())
        values.append(centre)
        if math.isfinite(centre):
            influence[used] += (scores - centre) * pairs.weights / pairs.weights.sum()
    value = float(np.mean([part.value for part in parts]))
    design = sheet.design or simple_random_sample(sheet.n)
    n_answering = int(sheet.human.has.any(axis=1).sum())
    least_n = min(part.n_units for part in parts)
    is_enough = math.isfinite(value) and least_n >= sheet.settings.min_people
    # Where all scores are equal the variance is 0 up to rounding, which may be negative.
    se = math.sqrt(max(float(design.total_covariance(influence[:, None])[0, 0]), 0.0)) / len(values)
    df = min(sheet.pairs(k).df for k in range(len(sheet.items)) if sheet.human.has[:, k].sum() >= 2)
    reach = se * float(special.stdtrit(df, (1 + sheet.settings.level) / 2))
    return Estimate(
        value=value,
        se=se if is_enough else None,
        interval=(value - reach, value + reach) if is_enough else None,
        level=sheet.settings.level,
        interval_method="t over subjects, linearised" if is_enough else "none: too few people, or infinite",
        estimand=f"mean over {len(parts)} items: {parts[0].estimand}",
        target="human",
        n_units=n_answering,
        baselines={**mean_baselines([p.baselines for p in parts]), "noise_floor": _MEAN_ABSOLUTE * se},
        warnings=() if math.isfinite(value) else ("infinite on an item, and so on average",),
    )


def _scores_of(sheet: Sheet, name: str, k: int, pairs: PairedAnswers) -> Floats:
    if name == "Brier score":
        return brier_scores(pairs.probs, pairs.answers)
    if name == "log score":
        return log_scores(pairs.own)
    if name == "agreement with own answer":
        return pairs.own
    nulls = sheet.nulls(k, pairs)
    # Leave-one-out shares are made of the same people, so everybody counts twice in them.
    moved = 1.0 if nulls.is_held_out else 2.0
    return pairs.own - moved * nulls.marginal_at(pairs)

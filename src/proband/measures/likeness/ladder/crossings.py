"""The joint and the effect rung of the ladder: all items together, and conditions against each other."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import special

from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.likeness.ladder.answers import Block
from proband.measures.likeness.ladder.sheets import LadderRow, Sheet
from proband.measures.likeness.structure.correlations import pattern_correlation
from proband.measures.likeness.structure.effects import effect_correspondence
from proband.measures.likeness.structure.moments import (
    correlations,
    noise_of,
    pair_moments,
    root_mean_square_interval,
    split_half_ceiling,
)
from proband.measures.surveys.design import SurveyDesign, simple_random_sample

FEWEST_ITEMS = 3
FEWEST_PEOPLE = 30
FEWEST_EFFECTS = 3
_MEAN_ABSOLUTE = math.sqrt(2 / math.pi)
_UNRELATED = ("uniform", "majority", "marginal_only")  # null rows that do not let one answer depend on another


def score_columns(sheet: Sheet) -> Floats:
    """Score of every option, shape (n_columns,): its position, or 1 for people's most frequent option.

    Items without an order enter the joint and effect rungs as taking people's most frequent answer or not.
    """
    scores = np.zeros(len(sheet.item_of_column))
    for k, item in enumerate(sheet.items):
        columns = sheet.columns(k)
        if item.positions is not None:
            scores[columns] = item.positions
        else:
            share = sheet.weights @ sheet.human.shares[:, columns]
            # Of two options either will do; the last keeps 0/1 codes as they are.
            top = item.n_options - 1 if item.n_options == 2 else int(share.argmax())
            scores[columns.start + top] = 1.0
    return scores


def joint_rows(sheet: Sheet) -> Iterator[LadderRow]:
    """Rows of the third rung: whether answers to different items go together as in people.

    A model's correlations are those that answers drawn from its probabilities would have. People and model
    are resampled together, by units of the design.
    """
    unit, factors = sheet.unit_replicates
    scores = score_columns(sheet)

    def moments(block: Block) -> Floats:
        x, q = expected_scores(sheet, block.shares, scores)
        return pair_moments(x, q, block.has, sheet.weights, unit, factors.shape[1])

    both = [moments(sheet.human), moments(Block(sheet.model.shares, sheet.human.has))]
    r_h, r_m = (correlations(side.sum(axis=1)) for side in both)
    used = np.isfinite(r_h) & np.isfinite(r_m)
    if not used.any():
        return
    e_h, e_m = (correlations(factors @ side) - r for side, r in zip(both, (r_h, r_m), strict=True))
    null_r = {}
    if sheet.nobody is not None:
        shared = Block(sheet.nobody.shares, sheet.nobody.has & sheet.human.has)
        null_r["no_persona"] = correlations(moments(shared).sum(axis=1))
    if sheet.by_traits is not None:
        null_r["demographics_only"] = correlations(moments(Block(sheet.by_traits, sheet.human.has)).sum(axis=1))
    lost = int((~used).sum())
    warnings = (f"{lost} of {len(used)} pairs of items without variance are left out",) if lost else ()
    rmse = _rmse(sheet, r_h, r_m, (e_h, e_m), null_r)
    mean = _mean_difference(sheet, r_h, r_m, (e_h, e_m), null_r)
    pattern = pattern_correlation(
        r_h, r_m, len(sheet.items), n_units=sheet.n, ceiling=split_half_ceiling(both[0], sheet.rng("ceiling"))
    )
    pattern = replace(pattern, baselines={**pattern.baselines, **_pattern_nulls(r_h, null_r)})
    for name, estimate in (
        ("RMSE of correlations", rmse),
        ("mean difference of atanh correlations", mean),
        ("correlation of correlations", pattern),
    ):
        estimate = replace(estimate, warnings=(*estimate.warnings, *warnings))
        yield LadderRow(rung="joint", statistic=name, estimate=estimate, condition=sheet.condition)


def expected_scores(sheet: Sheet, shares: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Expected score and squared score of every subject on every item, shape (n_subjects, n_items) each.

    Scores are taken from the middle of each item, which keeps variances exact in floating point.
    """
    centred = scores.copy()
    for k in range(len(sheet.items)):
        centred[sheet.columns(k)] -= scores[sheet.columns(k)].mean()
    x = np.add.reduceat(shares * centred, sheet.starts, axis=1)
    q = np.add.reduceat(shares * centred**2, sheet.starts, axis=1)
    return x, q


def _rmse(
    sheet: Sheet, r_h: Floats, r_m: Floats, errors: tuple[Floats, Floats], null_r: Mapping[str, Floats]
) -> Estimate:
    used = np.isfinite(r_h) & np.isfinite(r_m)
    noise = (errors[1] - errors[0])[:, used]
    whole = noise[np.isfinite(noise).all(axis=1)]
    theta = (r_m - r_h)[used]
    nothing = float(np.sqrt((r_h[used] ** 2).mean()))
    is_enough = len(whole) >= sheet.settings.n_replicates // 2
    interval = None
    if is_enough:
        interval = root_mean_square_interval(theta, whole, df=_df(sheet), level=sheet.settings.level)
    more = {
        name: float(np.sqrt(np.nanmean((r - r_h)[used] ** 2)))
        for name, r in null_r.items()
        if np.isfinite(r[used]).any()
    }
    return Estimate(
        value=float(np.sqrt((theta**2).mean())),
        interval=interval,
        level=sheet.settings.level,
        interval_method="debiased square, bootstrap replicates of sampling units"
        if interval
        else "none: in most replicates an item has no variance",
        estimand="root mean square difference of the correlations among items, people's and the model's",
        target="human",
        n_units=sheet.n,
        baselines=dict.fromkeys(_UNRELATED, nothing) | more | {"noise_floor": noise_of(errors[0], used)},
    )


def _mean_difference(
    sheet: Sheet, r_h: Floats, r_m: Floats, errors: tuple[Floats, Floats], null_r: Mapping[str, Floats]
) -> Estimate:
    used = (np.abs(r_h) < 1 - 1e-9) & (np.abs(r_m) < 1 - 1e-9)
    if not used.any():
        what = "mean over pairs of items of atanh r, model minus people"
        warnings = ("undefined: every correlation is -1 or 1 on a side",)
        return Estimate(value=math.nan, estimand=what, target="human", n_units=sheet.n, warnings=warnings)
    h, m = np.arctanh(r_h[used]), np.arctanh(r_m[used])
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = [
            np.arctanh(np.clip(r[used] + e[:, used], -1, 1)).mean(axis=1)
            for r, e in zip((r_h, r_m), errors, strict=True)
        ]
    deviations = drawn[1] - drawn[0]
    finite = np.isfinite(deviations)
    se = float(deviations[finite].std(ddof=1)) if finite.sum() >= len(finite) // 2 else None
    reach = 0.0 if se is None else se * float(special.stdtrit(_df(sheet), (1 + sheet.settings.level) / 2))
    value = float((m - h).mean())
    nothing = -float(h.mean())
    own = float(np.nanstd(drawn[0][np.isfinite(drawn[0])], ddof=1)) if np.isfinite(drawn[0]).sum() > 1 else math.nan
    more = {
        name: float((np.arctanh(r[ok]) - np.arctanh(r_h[ok])).mean())
        for name, r in null_r.items()
        if (ok := used & (np.abs(r) < 1 - 1e-9)).any()
    }
    return Estimate(
        value=value,
        se=se,
        interval=None if se is None else (value - reach, value + reach),
        level=sheet.settings.level,
        interval_method="t on bootstrap replicates of sampling units" if se is not None else "none",
        estimand="mean over pairs of items of atanh r, model minus people",
        target="human",
        n_units=sheet.n,
        baselines=dict.fromkeys(_UNRELATED, nothing) | more | {"noise_floor": _MEAN_ABSOLUTE * own},
    )


def _pattern_nulls(r_h: Floats, null_r: Mapping[str, Floats]) -> dict[str, float]:
    """Pattern correlations of null rows that have associations at all; the others have none to correlate."""
    found = {name: pattern_correlation(r_h, r, 0, n_units=0, ceiling=math.nan).value for name, r in null_r.items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _df(sheet: Sheet) -> float:
    return float((sheet.design or simple_random_sample(sheet.n)).df)


_Pair = tuple[float, float, float, float]  # people's effect and its error, the model's and its error


def effect_rows(sheets: Sequence[Sheet], factors: Sequence[str]) -> Iterator[LadderRow]:
    """Rows of the last rung: effects of the factors that people were under too, item by item.

    Every level of a factor is compared with its first level, other conditions being equal; effects are mean
    scores over the standard deviation of people under the first level.
    """
    entries: dict[str, list[_Pair]] = {}
    labels: dict[str, list[str]] = {}
    for first, other, factor in _contrasts(sheets, factors):
        for k, item in enumerate(first.items):
            pair = _effect(first, other, k)
            if pair is not None:
                entries.setdefault(factor, []).append(pair)
                rest = ", ".join(f"{n} = {v}" for n, v in first.condition.items() if n != factor)
                labels.setdefault(factor, []).append(
                    f"{item.id}: {other.condition[factor]} - {first.condition[factor]}{f' ({rest})' if rest else ''}"
                )
    for factor, found in entries.items():
        if len(found) < FEWEST_EFFECTS:
            continue
        values = np.array(found)
        studies = [label.partition(":")[0] for label in labels[factor]]
        shared = {"study": studies, "contrast": labels[factor]}
        people, model = ({"effect": values[:, k], "se": values[:, k + 1], **shared} for k in (0, 2))
        result = effect_correspondence(people, model)
        for name, estimate in (
            ("RMSE of effects", result.rmse),
            ("correlation of effects", result.correlation),
            ("correlation of effects through the origin", result.correlation_through_origin),
            ("disattenuated correlation of effects", result.disattenuated),
            ("slope of people's effects on the model's", result.slope),
            ("share of effects with the same sign", result.sign_agreement),
        ):
            estimate = _with_nulls(name, estimate)
            yield LadderRow(rung="effect", statistic=name, estimate=estimate, condition={"factor": factor})


def _with_nulls(name: str, estimate: Estimate) -> Estimate:
    """Null rows of an effect: answers that ignore the condition have no effect at all."""
    baselines = dict(estimate.baselines)
    if "no_effect" in baselines:
        none = baselines.pop("no_effect")
        floor = baselines.pop("noise_floor", None)
        baselines |= dict.fromkeys((*_UNRELATED, "demographics_only"), none)
        baselines |= {} if floor is None else {"noise_floor": floor}
    elif name.startswith("correlation") or name.startswith("slope"):
        said = "answers that ignore the condition have no effects to correlate: null rows are undefined"
        return replace(estimate, assumptions=(*estimate.assumptions, said))
    return replace(estimate, baselines=baselines)


def _contrasts(sheets: Sequence[Sheet], factors: Sequence[str]) -> Iterator[tuple[Sheet, Sheet, str]]:
    """Pairs of sheets that differ in one factor only, the first level first."""
    for factor in factors:
        groups: dict[tuple[tuple[str, str], ...], list[Sheet]] = {}
        for sheet in sheets:
            rest = tuple(sorted((n, v) for n, v in sheet.condition.items() if n != factor))
            groups.setdefault(rest, []).append(sheet)
        for group in groups.values():
            for other in group[1:]:
                yield group[0], other, factor


def _effect(first: Sheet, other: Sheet, k: int) -> _Pair | None:
    """People's effect and its error, the model's and its error, in standard deviations of people."""
    scores = score_columns(first)
    if min(int(s.human.has[:, k].sum()) for s in (first, other)) < 2:
        return None
    parts = [_mean_and_influence(s, k, scores) for s in (first, other)]
    spread = _spread(first, k, scores)
    if spread <= 1e-12:
        return None  # people without variance under the first level: no unit to express an effect in
    design: SurveyDesign = first.design or simple_random_sample(first.n)
    found: list[float] = []
    for before, after in zip(*parts, strict=True):
        influence = after[1] - before[1]
        variance = float(design.total_covariance(influence[:, None])[0, 0])
        found += [(after[0] - before[0]) / spread, math.sqrt(max(variance, 0.0)) / spread]
    return found[0], found[1], found[2], found[3]


def _mean_and_influence(sheet: Sheet, k: int, scores: Floats) -> list[tuple[float, Floats]]:
    """Means of people and of the model on an item, each with every subject's influence."""
    columns, w = sheet.columns(k), _shares_of_weight(sheet, k)
    found = []
    for block in (sheet.human, sheet.model):
        x = block.shares[:, columns] @ scores[columns]
        mean = float(w @ x)
        found.append((mean, w * (x - mean)))
    return found


def _spread(sheet: Sheet, k: int, scores: Floats) -> float:
    columns, w = sheet.columns(k), _shares_of_weight(sheet, k)
    x = sheet.human.shares[:, columns] @ scores[columns]
    n = int(sheet.human.has[:, k].sum())
    return math.sqrt(float(w @ (x - float(w @ x)) ** 2) * n / (n - 1))


def _shares_of_weight(sheet: Sheet, k: int) -> Floats:
    w = np.where(sheet.human.has[:, k], sheet.weights, 0.0)
    shares: Floats = w / w.sum()
    return shares

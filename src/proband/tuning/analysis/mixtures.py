"""Mixtures of own and right answers: accuracy and divergence by ratio, and whether consistency goes with accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures.knowledge.crossed import Scale, Table, crossed_mean, table
from proband.measures.knowledge.options import OptionScore, item_scores
from proband.measures.knowledge.partial_correlation import partial_spearman
from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.consistency import SCALES, is_first_half, point_of
from proband.tuning.analysis.evaluation import Evaluation, Method, Test, undefined

_MIN_POINTS = 4
Best = Literal["accuracy", "kl"]
_Score = OptionScore | Literal["entropy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioPoint:
    """One point of the curves over the ratio of own answers.

    Attributes
    ----------
    ratio : float
        0 teaches the right answer of every question, 1 the model's own wrong one.
    accuracy : Estimate
        On the domain's test, or the mean of domains.
    gain : Estimate or None
        Accuracy less that at ratio 0, paired by question and seed; None at 0.
    kl : Estimate
        KL(base || tuned) under the same prompt, in nats.
    entropy : Estimate
        Of the tuned model's probabilities of the options, in nats; 0 where it is sure.
    """

    domain: str
    test: Test
    ratio: float
    accuracy: Estimate
    gain: Estimate | None
    kl: Estimate
    entropy: Estimate
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BestBetween:
    """The best ratio between 0 and 1 against both ends, chosen and judged on different questions and runs.

    Attributes
    ----------
    of : {"accuracy", "kl"}
        What is best: the highest accuracy, or the smallest divergence from the base model.
    chosen : mapping of ratio to float
        Share of judgements for which each ratio was chosen.
    over_0, over_1 : Estimate
        Accuracy at the chosen ratio less that at either end; of "kl", how much smaller than at the end it is.
    is_separate : bool
        Whether choosing and judging used different runs; with one seed they did not, and a training that happened to
        go well is taken for a good ratio.
    """

    test: Test
    chosen: Mapping[float, float]
    over_0: Estimate
    over_1: Estimate
    is_separate: bool
    of: Best = "accuracy"
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """Partial rank correlation of consistency and accuracy over domains and mixtures, given base accuracy."""

    test: Test
    method: Method
    estimate: Estimate
    base: str = ""


def curves(evaluation: Evaluation) -> tuple[RatioPoint, ...]:
    """Accuracy and divergence at every ratio, by test and domain; the mean of domains last.

    Ratios that a domain lacks are missing from its curve, and from the mean of domains.

    Parameters
    ----------
    evaluation : Evaluation
        With mixtures; nothing where there are fewer than two ratios. The incompatible arm is the ratio 0 and the
        self-aligning arm the ratio 1.
    """
    found: list[RatioPoint] = []
    for test in evaluation.kinds:
        mixed = mixed_domains(evaluation, test)
        parts = {domain: [domain] for domain in mixed}
        if len(parts) > 1:
            parts[ALL_DOMAINS] = mixed
        for name, domains in parts.items():
            found += [_ratio_point(evaluation, name, domains, test, ratio) for ratio in ratios_of(evaluation, domains)]
    return tuple(found)


def mixed_domains(evaluation: Evaluation, test: Test) -> list[str]:
    """Domains that have the test and at least two ratios."""
    return [
        domain
        for domain in evaluation.domains
        if evaluation.questions(test, domain) and len(evaluation.mixtures(domain)) > 1
    ]


def ratios_of(evaluation: Evaluation, domains: Sequence[str]) -> tuple[float, ...]:
    """Ratios that were trained on all of the domains, in order."""
    found = [set(evaluation.mixtures(domain)) for domain in domains]
    return tuple(sorted(set.intersection(*found))) if found else ()


def _ratio_point(evaluation: Evaluation, name: str, domains: Sequence[str], test: Test, ratio: float) -> RatioPoint:
    where = f"at ratio {ratio:g} on {test} questions"
    gain = None
    if ratio > 0 and 0.0 in ratios_of(evaluation, domains):
        differences = ratio_differences(evaluation, domains, test, (ratio, 0.0))
        if differences:
            gain = crossed_mean(differences, "share difference", estimand=f"gain in accuracy over ratio 0 {where}")
    return RatioPoint(
        domain=name,
        test=test,
        ratio=ratio,
        accuracy=crossed_mean(
            [_scores(evaluation, domain, test, ratio) for domain in domains], "share", estimand=f"accuracy {where}"
        ),
        gain=gain,
        kl=crossed_mean(
            [_scores(evaluation, domain, test, ratio, of="kl") for domain in domains],
            SCALES["kl"],
            estimand=f"mean KL(base || tuned) {where}",
        ),
        entropy=crossed_mean(
            [_scores(evaluation, domain, test, ratio, of="entropy") for domain in domains],
            "positive",
            estimand=f"mean entropy {where}",
        ),
    )


def ratio_differences(
    evaluation: Evaluation, domains: Sequence[str], test: Test, ratios: tuple[float, float], *, of: _Score | None = None
) -> list[Table]:
    """Tables of one ratio less another, runs paired by seed; of being right, or of a score of the options."""
    tables = []
    for domain in domains:
        runs = evaluation.mixtures(domain)
        both = sorted(runs[ratios[0]].keys() & runs[ratios[1]].keys())
        if both and evaluation.questions(test, domain):
            first, second = (_scores(evaluation, domain, test, ratio, seeds=both, of=of) for ratio in ratios)
            tables.append(first.minus(second))
    return tables


def _scores(
    evaluation: Evaluation,
    domain: str,
    test: Test,
    ratio: float,
    *,
    seeds: Sequence[int] | None = None,
    of: _Score | None = None,
) -> Table:
    """By run and question: being right, the options' entropy, or a score against the base under the same prompt."""
    ids, ask = evaluation.questions(test, domain), evaluation.ask
    models = [run.model for seed, run in evaluation.mixtures(domain)[ratio].items() if seeds is None or seed in seeds]
    if of is None:
        return table(domain, [evaluation.right(model, ask, ids) for model in models])
    if of == "entropy":
        probs = [evaluation.probs(model, ask, ids) for model in models]
        return table(domain, [{id: float(special.entr(p).sum()) for id, p in held.items()} for held in probs])
    base = evaluation.probs(evaluation.base_of(domain), ask, ids)
    return table(domain, [item_scores(base, evaluation.probs(model, ask, ids), of) for model in models])


def best_between(evaluation: Evaluation, test: Test, of: Best = "accuracy") -> BestBetween | None:
    """Whether some ratio between 0 and 1 beats both ends, without counting the luck of the best of several.

    The largest of several noisy accuracies is too large, and the smallest of several divergences too small. So for
    every question and run the ratio is chosen on the *other* half of the questions in the *other* runs, and only then
    compared with both ends.
    None where no domain has both ends and a ratio between, with a seed in common.
    """
    tables: dict[float, list[Table]] = {0.0: [], 1.0: []}
    chosen: list[float] = []
    is_separate = True
    for domain in evaluation.domains:
        runs = evaluation.mixtures(domain)
        between = [ratio for ratio in runs if 0 < ratio < 1]
        if not (between and 0.0 in runs and 1.0 in runs and evaluation.questions(test, domain)):
            continue
        seeds = sorted(set.intersection(*(set(runs[ratio]) for ratio in (0.0, *between, 1.0))))
        if not seeds:
            continue
        score: OptionScore | None = None if of == "accuracy" else "kl"
        right = {r: _scores(evaluation, domain, test, r, seeds=seeds, of=score) for r in (0.0, *between, 1.0)}
        if of == "kl":
            right = {r: replace(part, scores=-part.scores) for r, part in right.items()}
        kept = [item for item in right[0.0].items if all(item in set(part.items) for part in right.values())]
        if len({is_first_half(item) for item in kept}) < 2:
            continue
        scores = {r: _columns(part, kept) for r, part in right.items()}
        picked = _picked(scores, between, kept)
        judged = np.array([[scores[r][s, i] for i, r in enumerate(row)] for s, row in enumerate(picked)])
        for end, gathered in tables.items():
            lost = right[end].n_missing + len(right[end].items) - len(kept)
            gathered.append(Table(name=domain, items=tuple(kept), scores=judged - scores[end], n_missing=lost))
        chosen += [ratio for row in picked for ratio in row]
        is_separate = is_separate and len(seeds) > 1
    if not chosen:
        return None
    what = "accuracy at the best ratio between, less that at ratio {:g}, on {} questions"
    if of == "kl":
        what = "KL at ratio {:g}, less that at the best ratio between, on {} questions"
    scale: Scale = "share difference" if of == "accuracy" else "difference"
    over = {end: crossed_mean(gathered, scale, estimand=what.format(end, test)) for end, gathered in tables.items()}
    if not is_separate:
        note = "one seed: the ratio was chosen and judged on the same trainings, so their luck is in this number"
        over = {end: replace(found, warnings=(*found.warnings, note)) for end, found in over.items()}
    return BestBetween(
        test=test,
        chosen={ratio: chosen.count(ratio) / len(chosen) for ratio in sorted(set(chosen))},
        over_0=over[0.0],
        over_1=over[1.0],
        is_separate=is_separate,
        of=of,
    )


def best_ratios(evaluation: Evaluation) -> tuple[BestBetween, ...]:
    """The best ratio between 0 and 1 against both ends, for every test that has mixtures."""
    found = (best_between(evaluation, test, of) for test in evaluation.kinds for of in get_args(Best))
    return tuple(one for one in found if one is not None)


def _columns(part: Table, items: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    place = {item: k for k, item in enumerate(part.items)}
    return part.scores[:, [place[item] for item in items]]


def _picked(
    scores: Mapping[float, np.ndarray[tuple[int, int], np.dtype[np.float64]]],
    between: Sequence[float],
    items: Sequence[str],
) -> list[list[float]]:
    """Ratio by run and question, chosen on the other half of the questions in the other runs."""
    half = np.array([is_first_half(item) for item in items])
    n_runs = len(scores[between[0]])
    picked = []
    for s in range(n_runs):
        others = [t for t in range(n_runs) if t != s] or [s]
        best = {
            side: max(between, key=lambda r, side=side: scores[r][np.ix_(others, half != side)].mean())  # type: ignore[misc]
            for side in (True, False)
        }
        picked.append([best[bool(side)] for side in half])
    return picked


def partials(evaluation: Evaluation, *, method: Method = "standard") -> tuple[Partial, ...]:
    """Partial rank correlation of consistency and accuracy over domains and mixtures, for every test.

    NaN with its reason where there are fewer than 4 mixtures in all.

    Parameters
    ----------
    method : {"standard", "ren2024"}
        "ren2024": as the paper's code, with base accuracy as covariate, pooled over domains. "standard": ranks and
        shuffles within domains, where base accuracy is constant and so held equal; consistency (same prompt on both
        sides, mean over seeds) from one half of the questions and accuracy from the other, because the same
        question's luck would otherwise enter both.
    """
    return tuple(
        Partial(test=test, method=method, estimate=_partial(evaluation, test, method)) for test in evaluation.kinds
    )


def _partial(evaluation: Evaluation, test: Test, method: Method) -> Estimate:
    what = f"partial rank correlation of consistency and accuracy on {test} questions ({method})"
    rows: list[tuple[float, float, float, str]] = []
    for domain in evaluation.domains:
        ids = evaluation.questions(test, domain)
        base = list(evaluation.right(evaluation.base_of(domain), evaluation.base_ask, ids).values())
        for runs in evaluation.mixtures(domain).values():
            point = point_of(evaluation, tuple(runs.values()), test, method, is_split=method == "standard")
            if point is not None and base:
                rows.append((point.consistency, point.accuracy, float(np.mean(base)), domain))
    if len(rows) < _MIN_POINTS:
        reason = f"{len(rows)} mixtures; train at least {_MIN_POINTS} to see whether both go together"
        return undefined(what, reason, n_units=len(rows))
    x, y, z = (np.array([row[k] for row in rows], dtype=np.float64) for k in range(3))
    domains = [row[3] for row in rows]
    clusters = domains if method == "standard" and len(set(domains)) > 1 else None
    try:
        return partial_spearman(100 * x, y, z, method, cluster=clusters)
    except DesignError as error:
        return undefined(what, str(error), n_units=len(rows))

"""Whether training kept what the base model believed: ranks, divergences and first choices of the options."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from proband.estimates import Estimate
from proband.measures.knowledge.crossed import Scale, crossed_mean, table
from proband.measures.knowledge.options import OptionScore, Probs, item_scores
from proband.seeds import uniform_for
from proband.tuning.analysis.accuracy import ALL_DOMAINS, BASE_FEW_SHOT, BASE_ZERO_SHOT
from proband.tuning.analysis.evaluation import Evaluation, Method, Test, Trained, undefined

OTHER_SEED = "another seed"
SCALES: Mapping[OptionScore, Scale] = {
    "rank": "correlation",
    "dense_rank": "correlation",
    "kl": "positive",
    "reverse_kl": "positive",
    "js": "positive",
    "agreement": "share",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How alike option probabilities are before and after training, or between two floors.

    Attributes
    ----------
    arm : str
        Tuned arm, or the base model zero-shot (the floor that a change of prompt alone makes).
    ratio : float or None
        Of own answers, where the arm is a mixture.
    method : {"standard", "ren2024"}
        "ren2024": dense ranks, undefined items counted as 0, against the few-shot base, first seed, no interval.
    reference : str
        Whose probabilities come first: ``base, few-shot``, ``base, zero-shot``, or ``another seed`` of the same arm
        (the floor that training again makes).
    rank : Estimate
        Mean rank correlation over questions.
    kl, reverse_kl : Estimate or None
        KL(reference || tuned) and KL(tuned || reference) in nats; the paper has the first only.
    js : Estimate or None
        Jensen-Shannon divergence in nats.
    agreement : Estimate or None
        Share of questions with the same most probable option.
    """

    arm: str
    domain: str
    test: Test
    ratio: float | None
    method: Method
    reference: str
    rank: Estimate
    kl: Estimate
    reverse_kl: Estimate | None = None
    js: Estimate | None = None
    agreement: Estimate | None = None
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Consistency and accuracy of one arm or mixture on one domain, means over seeds."""

    domain: str
    test: Test
    arm: str
    ratio: float | None
    consistency: float
    accuracy: float
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Least-squares line of accuracy on consistency over the mixtures of a domain."""

    domain: str
    test: Test
    intercept: float
    slope: float
    low: float
    high: float
    base: str = ""


def consistencies(evaluation: Evaluation) -> tuple[Consistency, ...]:
    """Consistency of every arm with the base model under both prompts, and both floors.

    By test and domain, the mean of domains last. First the base model zero-shot against few-shot, which is what a
    change of prompt does to these numbers without any training; then every arm against the base model under the same
    prompt (``standard``), under the few-shot prompt, as in the paper (``ren2024``), and between its seeds.
    """
    found = []
    for test in evaluation.kinds:
        tested = [domain for domain in evaluation.domains if evaluation.questions(test, domain)]
        cells = [cell for domain in tested for cell in _cells(evaluation, test, domain)]
        found += [_row([cell], cell.domain) for cell in cells]
        if len(tested) > 1:
            groups: dict[tuple[str, str, str], list[_Cell]] = {}
            for cell in cells:
                groups.setdefault((cell.arm, cell.reference, cell.method), []).append(cell)
            found += [_row(group, ALL_DOMAINS) for group in groups.values()]
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """Pairs of sides that are compared, for one row of one domain."""

    arm: str
    domain: str
    test: Test
    reference: str
    pairs: Sequence[tuple[Probs, Probs]]
    ratio: float | None = None
    method: Method = "standard"


def _cells(evaluation: Evaluation, test: Test, domain: str) -> list[_Cell]:
    ids = evaluation.questions(test, domain)
    few = evaluation.probs(evaluation.base_of(domain), evaluation.base_ask, ids)
    zero = evaluation.probs(evaluation.base_of(domain), evaluation.ask, ids)
    cells = [_Cell(arm=BASE_ZERO_SHOT, domain=domain, test=test, reference=BASE_FEW_SHOT, pairs=[(few, zero)])]
    for arm in evaluation.arms:
        runs = evaluation.runs(arm, domain)
        if not runs:
            continue
        tuned = [evaluation.probs(run.model, evaluation.ask, ids) for run in runs]
        where: dict[str, Any] = {"arm": arm, "domain": domain, "test": test, "ratio": runs[0].mixture}
        same = _Cell(**where, reference=BASE_ZERO_SHOT, pairs=[(zero, one) for one in tuned])
        paper = replace(same, reference=BASE_FEW_SHOT, pairs=[(few, one) for one in tuned])
        cells += [same, paper, replace(paper, pairs=paper.pairs[:1], method="ren2024")]
        if len(tuned) > 1:
            cells.append(replace(same, reference=OTHER_SEED, pairs=list(itertools.combinations(tuned, 2))))
    return cells


def _row(cells: Sequence[_Cell], domain: str) -> Consistency:
    first = cells[0]
    names: tuple[OptionScore, ...] = (
        ("dense_rank", "kl") if first.method == "ren2024" else ("rank", "kl", "reverse_kl", "js", "agreement")
    )
    where: dict[str, Any] = {k: getattr(first, k) for k in ("arm", "test", "ratio", "method", "reference")}
    found: dict[str, Any] = {name.removeprefix("dense_"): _estimate(cells, name) for name in names}
    return Consistency(domain=domain, **where, **found)


def _estimate(cells: Sequence[_Cell], name: OptionScore) -> Estimate:
    first = cells[0]
    what = f"mean {name.replace('_', ' ')} of {first.arm} on {first.test} questions, against {first.reference}"
    by_domain: dict[str, list[dict[str, float]]] = {}
    for cell in cells:
        runs = [item_scores(*pair, name) for pair in cell.pairs]
        # Pairs of seeds share runs: their mean is one table row, about the questions only.
        by_domain[cell.domain] = [_mean_of(runs)] if cell.reference == OTHER_SEED else runs
    scores = [score for runs in by_domain.values() for run in runs for score in run.values()]
    if endless := sum(math.isinf(score) for score in scores):
        return Estimate(
            value=math.inf,
            estimand=what,
            target="model",
            n_units=len(scores),
            interval_method="none: infinite",
            warnings=(f"infinite: {endless} answers exclude an option that the other side does not",),
        )
    if not all(any(math.isfinite(score) for run in runs for score in run.values()) for runs in by_domain.values()):
        reason = "in a domain no question has it: equal probabilities throughout, or no answer was read"
        return undefined(what, reason, n_missing=len(scores))
    if first.method == "ren2024":
        return Estimate(
            value=float(np.mean([np.mean(list(runs[0].values())) for runs in by_domain.values()])),
            estimand=f"{what} (ren2024)",
            target="model",
            n_units=len(scores),
            interval_method="none: the paper gives none",
            warnings=("one run, undefined questions counted as 0, as in the paper",),
        )
    tables = [table(domain, runs) for domain, runs in by_domain.items()]
    return crossed_mean(tables, SCALES[name], estimand=what)


def points(evaluation: Evaluation, *, method: Method = "standard") -> tuple[Point, ...]:
    """Consistency and accuracy of every arm and mixture, by test and domain.

    "standard": rank correlation with the base model under the same prompt, mean over seeds; "ren2024": dense ranks
    against the few-shot base, first seed.
    """
    return tuple(
        point
        for test in evaluation.kinds
        for domain in evaluation.domains
        for arm in evaluation.arms
        if (point := point_of(evaluation, evaluation.runs(arm, domain), test, method)) is not None
    )


def lines(found: Sequence[Point]) -> tuple[Line, ...]:
    """Regression lines of accuracy on consistency over the mixtures of each domain; none below 3 mixtures."""
    made = []
    for test, domain in dict.fromkeys((point.test, point.domain) for point in found):
        here = [p for p in found if (p.test, p.domain) == (test, domain) and p.ratio is not None]
        x, y = np.array([p.consistency for p in here]), np.array([p.accuracy for p in here])
        if len(here) >= 3 and np.ptp(x) > 0:
            slope, intercept = np.polyfit(x, y, 1).tolist()
            made.append(Line(domain=domain, test=test, intercept=intercept, slope=slope, low=x.min(), high=x.max()))
    return tuple(made)


def point_of(
    evaluation: Evaluation, runs: Sequence[Trained], test: Test, method: Method, *, is_split: bool = False
) -> Point | None:
    """The point of some runs of one arm and domain; None where there is nothing to put there."""
    if not runs:
        return None
    domain = runs[0].domain
    ids = evaluation.questions(test, domain)
    first = tuple(id for id in ids if not is_split or is_first_half(id))
    second = tuple(id for id in ids if not is_split or not is_first_half(id))
    if not first or not second:
        return None
    is_paper = method == "ren2024"
    base = evaluation.probs(evaluation.base_of(domain), evaluation.base_ask if is_paper else evaluation.ask, first)
    consistency, accuracy = [], []
    for run in runs[:1] if is_paper else runs:
        tuned = evaluation.probs(run.model, evaluation.ask, first)
        scores = np.array(list(item_scores(base, tuned, "dense_rank" if is_paper else "rank").values()))
        right = list(evaluation.right(run.model, evaluation.ask, second).values())
        if not np.isfinite(scores).any() or not right:
            return None
        consistency.append(float(np.nanmean(scores)))
        accuracy.append(float(np.mean(right)))
    return Point(
        domain=domain,
        test=test,
        arm=runs[0].arm,
        ratio=runs[0].mixture,
        consistency=float(np.mean(consistency)),
        accuracy=float(np.mean(accuracy)),
    )


def is_first_half(question: str) -> bool:
    """Which half of the questions one belongs to, wherever halves are compared; fixed by its id."""
    return uniform_for(0, "analysis half", question) < 0.5


def _mean_of(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean score of every question over pairs of runs."""
    ids = [id for id in runs[0] if all(id in run for run in runs)]
    return {id: float(np.mean([run[id] for run in runs])) for id in ids}

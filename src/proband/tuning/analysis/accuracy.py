"""Accuracy by arm, domain and test, differences between arms, and what training lost on unrelated questions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proband.estimates import Estimate
from proband.measures.knowledge.crossed import Scale, Table, crossed_mean, table
from proband.tuning.analysis.evaluation import PAPER_CONTRASTS, Evaluation, Method, Test, Trained

ALL_DOMAINS = "all domains"
BASE_FEW_SHOT, BASE_ZERO_SHOT = "base, few-shot", "base, zero-shot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Share of right answers of one arm on one test.

    Attributes
    ----------
    arm : str
        Or the base model under one of its two prompts.
    domain : str
        Of training; `ALL_DOMAINS` for the mean of domains, each counting alike.
    method : {"standard", "ren2024"}
        "ren2024": the first seed only, without interval.
    """

    arm: str
    domain: str
    test: Test
    ask: str
    method: Method
    estimate: Estimate
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Accuracy of one arm less that of another, on the same questions."""

    arm: str
    against: str
    domain: str
    test: Test
    ask: str
    method: Method
    estimate: Estimate
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What became of the base model's answers to questions that training was not about.

    Attributes
    ----------
    change : Estimate
        Accuracy less that of the base model under the same prompt.
    lost : Estimate
        Share of questions that the base model had right and the tuned one has wrong.
    gained : Estimate
        Share that the base model had wrong and the tuned one has right. Some of both comes about by chance: compare
        with `reseeded`.
    reseeded : Estimate or None
        Share of questions on which two runs of the same arm differ in being right; None with one seed.
    """

    arm: str
    domain: str
    test: Test
    change: Estimate
    lost: Estimate
    gained: Estimate
    reseeded: Estimate | None
    base: str = ""


def accuracies(evaluation: Evaluation, *, method: Method = "standard") -> tuple[Accuracy, ...]:
    """Accuracy of the base model and of every arm, on every test and domain and over all domains.

    By test, prompt and arm, the base model first, then by domain; the mean of domains last.

    Parameters
    ----------
    evaluation : Evaluation
        Every prompt in `evaluation.asks` is analysed by itself.
    method : {"standard", "ren2024"}
        "standard": all seeds, intervals over items and runs crossed. "ren2024": one run (the first seed), no
        interval, as in the paper.
    """
    found = []
    for test, ask in product(evaluation.kinds, evaluation.asks):
        for arm in (BASE_FEW_SHOT, BASE_ZERO_SHOT, *evaluation.arms):
            where: dict[str, Any] = {"arm": arm, "test": test, "ask": ask, "method": method}
            what = f"accuracy of {arm} on {test} questions"
            for domain, group in _with_all(arm_tables(evaluation, arm, test, ask, method=method)).items():
                found.append(Accuracy(domain=domain, estimate=_mean(group, method, "share", what), **where))
    return tuple(found)


def contrasts(
    evaluation: Evaluation, pairs: Sequence[tuple[str, str]] = PAPER_CONTRASTS, *, method: Method = "standard"
) -> tuple[Contrast, ...]:
    """Differences in accuracy between arms, paired by question and by seed.

    By test, prompt and pair, then by domain; the mean of domains last. Only domains in which both arms were trained
    with the same seed.

    Parameters
    ----------
    pairs : sequence of (arm, arm)
        First less second; either may be the base model under one of its prompts. Pairs of which an arm was not
        trained are left out.
    """
    found = []
    for test, ask in product(evaluation.kinds, evaluation.asks):
        for arm, against in pairs:
            where: dict[str, Any] = {"arm": arm, "against": against, "test": test, "ask": ask, "method": method}
            what = f"accuracy of {arm} less that of {against} on {test} questions"
            for domain, group in _with_all(
                contrast_tables(evaluation, (arm, against), test, ask, method=method)
            ).items():
                found.append(Contrast(domain=domain, estimate=_mean(group, method, "share difference", what), **where))
    return tuple(found)


def contrast_tables(
    evaluation: Evaluation, pair: tuple[str, str], test: Test, ask: str, *, method: Method = "standard"
) -> list[Table]:
    """Differences in being right between two arms, a table for every domain that has both."""
    sides = [_runs_by_domain(evaluation, arm) for arm in pair]
    tables = []
    for domain in evaluation.domains:
        ids = evaluation.questions(test, domain)
        first, second = _matched(*(side.get(domain, {}) for side in sides))
        if not ids or not first:
            continue
        if method == "ren2024":
            first, second = first[:1], second[:1]
        a, b = (
            table(domain, [evaluation.right(*_place(evaluation, domain, run, ask), ids) for run in side])
            for side in (first, second)
        )
        tables.append(a.minus(b))
    return tables


def arm_tables(evaluation: Evaluation, arm: str, test: Test, ask: str, *, method: Method = "standard") -> list[Table]:
    """Whether answers were right, by run and question, a table for every domain in which the arm was trained."""
    by_domain = arm_places(evaluation, arm, ask)
    return [
        table(domain, [evaluation.right(*place, ids) for place in (places[:1] if method == "ren2024" else places)])
        for domain in evaluation.domains
        if (places := by_domain.get(domain)) and (ids := evaluation.questions(test, domain))
    ]


def retention(evaluation: Evaluation, test: Test = "out-of-domain") -> tuple[Retention, ...]:
    """Forgetting: questions of other domains before and after training, both under the prompt of the evaluation.

    By arm and domain, the mean of domains last; nothing where there is no such test.
    """
    found = []
    for arm in evaluation.arms:
        tables = contrast_tables(evaluation, (arm, BASE_ZERO_SHOT), test, evaluation.ask)
        reseeded = {part.name: part for part in _seed_differences(evaluation, arm, test)}
        for domain, group in _with_all(tables).items():
            where = f"of {test} questions after training on {domain} ({arm})"
            between = [reseeded[part.name] for part in group if part.name in reseeded]
            found.append(
                Retention(
                    arm=arm,
                    domain=domain,
                    test=test,
                    change=crossed_mean(group, "share difference", estimand=f"change in accuracy {where}"),
                    lost=crossed_mean(_mapped(group, lambda d: d < 0), "share", estimand=f"share lost {where}"),
                    gained=crossed_mean(_mapped(group, lambda d: d > 0), "share", estimand=f"share gained {where}"),
                    reseeded=crossed_mean(between, "share", estimand=f"share differing by seed {where}")
                    if len(between) == len(group)
                    else None,
                )
            )
    return tuple(found)


def arm_places(evaluation: Evaluation, arm: str, ask: str) -> dict[str, list[tuple[str, str]]]:
    """Model and prompt of every run of an arm, by domain; of the base model, the same for all domains."""
    return {
        domain: [_place(evaluation, domain, run, ask) for run in runs.values()]
        for domain, runs in _runs_by_domain(evaluation, arm).items()
    }


def _with_all(tables: Sequence[Table]) -> dict[str, list[Table]]:
    """Tables by domain, and all of them together where there are several."""
    parts = {part.name: [part] for part in tables}
    return parts | {ALL_DOMAINS: list(tables)} if len(tables) > 1 else parts


_Run = Trained | str  # a tuned checkpoint, or the base model under one of its prompts


def _runs_by_domain(evaluation: Evaluation, arm: str) -> Mapping[str, Mapping[int | None, _Run]]:
    """Runs of an arm by domain and seed; the base model has one, without seed, in every domain."""
    if arm in (BASE_FEW_SHOT, BASE_ZERO_SHOT):
        return {domain: {None: arm} for domain in evaluation.domains}
    runs: dict[str, dict[int | None, _Run]] = {}
    for domain in evaluation.domains:
        for run in evaluation.runs(arm, domain):
            runs.setdefault(domain, {}).setdefault(run.seed, run)
    return runs


def _matched(a: Mapping[int | None, _Run], b: Mapping[int | None, _Run]) -> tuple[list[_Run], list[_Run]]:
    """Runs of two arms with the same seeds; a base model's only run goes with all."""
    if None in a or None in b:
        return list(a.values()), list(b.values())
    both = sorted(seed for seed in a.keys() & b.keys() if seed is not None)
    return [a[seed] for seed in both], [b[seed] for seed in both]


def _place(evaluation: Evaluation, domain: str, run: _Run, ask: str) -> tuple[str, str]:
    """Model and prompt under which a run's beliefs stand."""
    if isinstance(run, Trained):
        return run.model, ask
    return evaluation.base_of(domain), evaluation.base_ask if run == BASE_FEW_SHOT else ask


def _mean(tables: list[Table], method: Method, scale: Scale, what: str) -> Estimate:
    if method == "standard":
        return crossed_mean(tables, scale, estimand=what)
    return Estimate(
        value=float(sum(part.scores.mean() for part in tables) / len(tables)),
        estimand=f"{what} (ren2024)",
        target="model",
        n_units=len({item for part in tables for item in part.items}),
        n_clusters=len(tables),
        n_missing=sum(part.n_missing for part in tables),
        interval_method="none: the paper gives none",
        warnings=("one run per domain, without interval, as in the paper",),
    )


def _mapped(tables: Sequence[Table], of: Callable[[NDArray[np.float64]], NDArray[np.bool_]]) -> list[Table]:
    """Tables of whether a score is so."""
    return [replace(part, scores=of(part.scores).astype(np.float64)) for part in tables]


def _seed_differences(evaluation: Evaluation, arm: str, test: Test) -> list[Table]:
    """Share of pairs of runs of one arm that differ in being right, by question."""
    found = []
    for part in arm_tables(evaluation, arm, test, evaluation.ask):
        s = len(part.scores)
        if s > 1:
            right = part.scores.sum(axis=0)
            differing = right * (s - right) / (s * (s - 1) / 2)
            found.append(replace(part, scores=differing[None, :]))
    return found

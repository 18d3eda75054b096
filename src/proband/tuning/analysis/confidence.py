"""Whether a model's confidence means what it says, and what it would get right if it kept silent when unsure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from proband.estimates import Estimate
from proband.measures.correction.probabilities import calibration
from proband.measures.knowledge.crossed import Table, crossed_mean, share_interval, table
from proband.tuning.analysis.accuracy import ALL_DOMAINS, BASE_FEW_SHOT, BASE_ZERO_SHOT, arm_places
from proband.tuning.analysis.evaluation import Evaluation, Test, undefined

THRESHOLDS = (0.25, 0.5, 0.75)
_LEVEL = 0.95
_MIN_ITEMS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """What a model gets right when it answers only where it is confident enough.

    Attributes
    ----------
    threshold : float
        Chance-corrected confidence from which it answers, 0 to 1.
    accuracy : Estimate
        Share of right answers among those; NaN with its reason where none is answered.
    """

    threshold: float
    coverage: Estimate
    accuracy: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """Calibration and abstention of one arm on one test.

    Attributes
    ----------
    brier : Estimate
        Mean squared error over the options, summed; 0 is perfect.
    excess : Estimate
        Mean confidence less accuracy; above 0 is overconfident.
    ece : Estimate
        Mean gap between confidence in the chosen option and how often it is right, mean over runs and domains.
        ``baselines["noise floor"]`` is what perfect confidence would show.
    """

    arm: str
    domain: str
    test: Test
    brier: Estimate
    excess: Estimate
    ece: Estimate
    abstention: tuple[Abstention, ...]
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beliefs:
    """One run's beliefs by question: probabilities, confidence, the same above chance, and being right."""

    brier: Mapping[str, float]
    confidence: Mapping[str, float]
    corrected: Mapping[str, float]
    right: Mapping[str, float]


def confidences(evaluation: Evaluation, *, thresholds: Sequence[float] = THRESHOLDS) -> tuple[Confidence, ...]:
    """Calibration and abstention accuracy of the base model and every arm, by test and domain.

    The base model under both prompts first; the mean of domains last for every arm. An arm that was taught to refuse in
    words is judged here by its confidence among the options, which is what is scored.

    Parameters
    ----------
    thresholds : sequence of float
        Chance-corrected confidences from which a model answers.
    """
    found = []
    for test in evaluation.kinds:
        for arm in (BASE_FEW_SHOT, BASE_ZERO_SHOT, *evaluation.arms):
            groups = {
                domain: {domain: [_beliefs(evaluation, place, evaluation.questions(test, domain)) for place in places]}
                for domain, places in arm_places(evaluation, arm, evaluation.ask).items()
                if evaluation.questions(test, domain)
            }
            if len(groups) > 1:
                groups[ALL_DOMAINS] = {domain: runs for group in groups.values() for domain, runs in group.items()}
            found += [_confidence(arm, domain, test, group, thresholds) for domain, group in groups.items()]
    return tuple(found)


def _confidence(
    arm: str, domain: str, test: Test, group: Mapping[str, Sequence[_Beliefs]], thresholds: Sequence[float]
) -> Confidence:
    where = f"of {arm} on {test} questions"
    brier = [table(name, [run.brier for run in runs]) for name, runs in group.items()]
    excess = [
        table(name, [{id: run.confidence[id] - run.right[id] for id in run.right} for run in runs])
        for name, runs in group.items()
    ]
    return Confidence(
        arm=arm,
        domain=domain,
        test=test,
        brier=crossed_mean(brier, "positive", estimand=f"Brier score {where}"),
        excess=crossed_mean(excess, "difference", estimand=f"mean confidence less accuracy {where}"),
        ece=_ece([run for runs in group.values() for run in runs], f"expected calibration error {where}"),
        abstention=tuple(_abstention(group, threshold, where) for threshold in thresholds),
    )


def _abstention(group: Mapping[str, Sequence[_Beliefs]], threshold: float, where: str) -> Abstention:
    """Coverage, and accuracy among answers as a ratio of two means, linearised for its error."""
    answered = [
        table(name, [{id: float(c >= threshold) for id, c in run.corrected.items()} for run in runs])
        for name, runs in group.items()
    ]
    right = [table(name, [run.right for run in runs]) for name, runs in group.items()]
    coverage = crossed_mean(answered, "share", estimand=f"share answered {where}")
    what = f"accuracy {where} where chance-corrected confidence is at least {threshold:g}"
    n_answers = int(sum(part.scores.sum() for part in answered))
    if not n_answers:
        none = undefined(what, "no question is answered at this threshold")
        return Abstention(threshold=threshold, coverage=coverage, accuracy=none)
    share = float(
        sum((a.scores * r.scores).mean() for a, r in zip(answered, right, strict=True))
        / sum(a.scores.mean() for a in answered)
    )
    mean = coverage.value
    residuals = [replace(a, scores=a.scores * (r.scores - share) / mean) for a, r in zip(answered, right, strict=True)]
    found = crossed_mean(residuals, "difference", estimand=what)
    return Abstention(threshold=threshold, coverage=coverage, accuracy=_shifted(found, share, n_answers, answered))


def _shifted(found: Estimate, share: float, n_answers: int, answered: Sequence[Table]) -> Estimate:
    """The linearised residuals' interval around the ratio itself, by the score method of a share."""
    n_runs = max(len(part.scores) for part in answered)
    bare = replace(found, value=share, statistic=None, p_value=None)
    if n_answers < _MIN_ITEMS * n_runs:
        reason = f"no interval: {n_answers / n_runs:.0f} answers a run; use at least {_MIN_ITEMS}"
        warnings = (*found.warnings, reason)
        return replace(bare, interval=None, se=None, df=None, interval_method="none: few answers", warnings=warnings)
    # Answers that are all right leave residuals without variance, and a share of 1 among so many.
    df = found.df if found.df is not None else n_answers / n_runs - 1
    t = float(special.stdtrit(df, (1 + found.level) / 2))
    return replace(
        bare,
        interval=share_interval(share, found.se or 0.0, t, n_answers // n_runs),
        interval_method=f"score interval, linearised ratio, {df:.1f} df",
        warnings=tuple(warning for warning in found.warnings if not warning.startswith("no interval")),
    )


def _ece(runs: Sequence[_Beliefs], what: str) -> Estimate:
    """Mean calibration error over runs; its limits are means of limits that hold for all runs at once."""
    level = 1 - (1 - _LEVEL) / len(runs)
    found = []
    for run in runs:
        ids = list(run.right)
        confidence = np.array([run.confidence[id] for id in ids])
        if len(ids) >= 2:
            found.append(calibration(confidence, [run.right[id] for id in ids], level=level).ece)
    if not found:
        return undefined(what, "fewer than 2 questions")
    limits = [one.interval for one in found if one.interval is not None]
    is_complete = len(limits) == len(runs)
    means = (float(np.mean([a for a, _ in limits])), float(np.mean([b for _, b in limits]))) if is_complete else None
    return Estimate(
        value=float(np.mean([one.value for one in found])),
        estimand=what,
        target="model",
        n_units=sum(one.n_units for one in found),
        n_clusters=len(found),
        interval=means,
        interval_method="means of the runs' limits at Bonferroni's level" if is_complete else "none: few questions",
        baselines={"noise floor": float(np.mean([one.baselines["noise floor"] for one in found]))},
        assumptions=("runs are as given; questions are a sample",),
        warnings=() if is_complete else ("fewer than 10 questions in a run: no interval",),
    )


def _beliefs(evaluation: Evaluation, place: tuple[str, str], ids: tuple[str, ...]) -> _Beliefs:
    held = dict(evaluation.held(*place, ids))
    probs = evaluation.probs(*place, ids)
    return _Beliefs(
        brier={id: _squared_error(probs[id], evaluation.bank[id].answer) for id in held},
        confidence={id: one.confidence for id, one in held.items()},
        corrected={id: one.corrected for id, one in held.items()},
        right=evaluation.right(*place, ids),
    )


def _squared_error(probs: NDArray[np.float64], answer: int) -> float:
    wanted = np.zeros(len(probs))
    wanted[answer] = 1.0
    return float(((probs - wanted) ** 2).sum())

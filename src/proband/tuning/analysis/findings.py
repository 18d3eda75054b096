"""Everything the analysis of a knowledge intervention found, in one record."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.training.training_set import TrainingSet
from proband.tuning.analysis import accuracy
from proband.tuning.analysis.claims import Verdict, verdicts
from proband.tuning.analysis.confidence import Confidence, confidences
from proband.tuning.analysis.confounds import Confound, confounds
from proband.tuning.analysis.consistency import Consistency, Line, Point, consistencies, lines, points
from proband.tuning.analysis.evaluation import PAPER_CONTRASTS, Evaluation
from proband.tuning.analysis.mixtures import BestBetween, Partial, RatioPoint, best_ratios, curves, partials
from proband.tuning.probing.beliefs import Beliefs


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Training sets of all arms and domains, with the bank and the probe they were built from."""

    sets: Sequence[TrainingSet]
    bank: Bank
    probe: Beliefs


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Tables of a study of knowledge interventions, each row with its estimates.

    Attributes
    ----------
    plan : mapping
        Plain values: models, domains, tests, seeds, prompts, numbers of questions.
    accuracies, contrasts : tuple
        Experiments I and II, ``standard`` and ``ren2024`` rows.
    curve, best : tuple
        Experiment III.
    consistencies, points, lines, partials : tuple
        Experiment IV.
    confidences, retention : tuple
        Calibration and abstention; forgetting.
    warnings : tuple of str
        What holds for all of it.
    """

    title: str
    plan: Mapping[str, Any]
    accuracies: tuple[accuracy.Accuracy, ...]
    contrasts: tuple[accuracy.Contrast, ...]
    curve: tuple[RatioPoint, ...]
    best: tuple[BestBetween, ...]
    consistencies: tuple[Consistency, ...]
    points: tuple[Point, ...]
    lines: tuple[Line, ...]
    partials: tuple[Partial, ...]
    confidences: tuple[Confidence, ...]
    retention: tuple[accuracy.Retention, ...]
    verdicts: tuple[Verdict, ...]
    confounds: tuple[Confound, ...]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; undefined and infinite numbers become None, with their reason beside them."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


_NO_SETS = "the training sets were not given: nothing is known of what else they differ in"


def analyse(
    evaluation: Evaluation,
    *,
    sources: Sources | None = None,
    title: str = "Knowledge interventions",
    pairs: Sequence[tuple[str, str]] = PAPER_CONTRASTS,
) -> Findings:
    """Analyse the evaluation of a knowledge intervention: Experiments I to IV, calibration, forgetting, verdicts.

    Parameters
    ----------
    sources : Sources, optional
        Training sets, for the confound checks; without them a warning says that nothing is known of confounds.
    pairs : sequence of (arm, arm)
        Further differences may be asked for; those of the paper belong to its claims.

    Examples
    --------
    >>> found = analyse(evaluation)  # doctest: +SKIP
    >>> for verdict in found.verdicts:  # doctest: +SKIP
    ...     print(verdict.claim.id, verdict.test, verdict.outcome)
    """
    wanted = tuple(dict.fromkeys((*PAPER_CONTRASTS, *pairs)))
    differences = accuracy.contrasts(evaluation, wanted)
    correlated = partials(evaluation)
    checks = (
        confounds(evaluation, sources.sets, sources.bank, sources.probe, pairs=wanted) if sources is not None else ()
    )
    scatter = points(evaluation)
    return Findings(
        title=title,
        plan=_plan(evaluation),
        accuracies=(*accuracy.accuracies(evaluation), *accuracy.accuracies(evaluation, method="ren2024")),
        contrasts=(*differences, *accuracy.contrasts(evaluation, wanted, method="ren2024")),
        curve=curves(evaluation),
        best=best_ratios(evaluation),
        consistencies=consistencies(evaluation),
        points=scatter,
        lines=lines(scatter),
        partials=(*correlated, *partials(evaluation, method="ren2024")),
        confidences=confidences(evaluation),
        retention=accuracy.retention(evaluation),
        verdicts=verdicts(evaluation, differences, correlated, checks),
        confounds=checks,
        warnings=(*_warnings(evaluation), *(() if sources is not None else (_NO_SETS,))),
    )


def _plan(evaluation: Evaluation) -> dict[str, Any]:
    seeds = sorted({run.seed for run in evaluation.trained})
    weights = evaluation.beliefs[evaluation.base, evaluation.ask].weights
    return {
        "base": evaluation.base,
        "base_weights": weights,
        "bank": evaluation.bank.name,
        "bank_hash": evaluation.bank.hash,
        "domains": list(evaluation.domains),
        "arms": list(evaluation.arms),
        "seeds": seeds,
        "n_models": len(evaluation.trained),
        "asks": list(evaluation.asks),
        "ask": evaluation.ask,
        "base_ask": evaluation.base_ask,
        "tests": {
            f"{test.test}, {test.domain}": len(test.questions)
            for test in sorted(evaluation.tests, key=lambda t: (t.test, t.domain))
        },
        "lost": {
            f"{model}, {ask}": lost
            for (model, ask), found in evaluation.beliefs.items()
            if (lost := len({id for t in evaluation.tests for id in t.questions} - set(found.beliefs)))
        },
    }


def _warnings(evaluation: Evaluation) -> tuple[str, ...]:
    found = []
    by_cell: dict[tuple[str, str], int] = {}
    for run in evaluation.trained:
        by_cell[run.arm, run.domain] = by_cell.get((run.arm, run.domain), 0) + 1
    if min(by_cell.values(), default=0) < 2:
        found.append(
            "some arms were trained with one seed: their intervals are about other questions, not about training again"
        )
    small = [test for test in evaluation.tests if len(test.questions) < 100]
    if small:
        found.append(
            f"{len(small)} tests have fewer than 100 questions, e.g. {small[0].test} of {small[0].domain} with "
            f"{len(small[0].questions)}: a difference of 10 points is then within chance"
        )
    lost = sum(1 for beliefs in evaluation.beliefs.values() if beliefs.lost)
    if lost:
        found.append(f"{lost} models gave no readable answer to some questions; those are left out and counted")
    return tuple(found)


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return value.as_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value

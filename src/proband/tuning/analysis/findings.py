"""Everything the analysis of a knowledge intervention found, in one record."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.training.training_set import TrainingSet
from proband.tuning.analysis import accuracy
from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.claims import Verdict, verdicts
from proband.tuning.analysis.confidence import Confidence, confidences
from proband.tuning.analysis.confounds import Confound, confounds
from proband.tuning.analysis.consistency import Consistency, Line, Point, consistencies, lines, points
from proband.tuning.analysis.curves import Curves, EarlyStop, HalfLearned, StepModel, StepPoint
from proband.tuning.analysis.evaluation import PAPER_CONTRASTS, Evaluation
from proband.tuning.analysis.fit import Fit, fits
from proband.tuning.analysis.mixtures import BestBetween, Partial, RatioPoint, best_ratios, curves, partials
from proband.tuning.analysis.noise import Excess, Noise, NoisePoint, Steepness
from proband.tuning.analysis.pooling import ALL_BASES, pooled
from proband.tuning.analysis.readings import Reading
from proband.tuning.analysis.supervision import Supervision
from proband.tuning.probing.beliefs import Beliefs


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Training sets of all arms and domains, with the bank and the probe they were built from.

    Attributes
    ----------
    fitted : mapping of model to Beliefs
        What checkpoints believe of their own training questions (others are passed over), under the prompt of the
        evaluation; for the tables of fit, which are empty without.
    """

    sets: Sequence[TrainingSet]
    bank: Bank
    probe: Beliefs
    fitted: Mapping[str, Beliefs] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One base model of a study: what it and its checkpoints believe, and what these were trained on.

    `curves` are what was seen while they were trained, `readings` how they answer behind contexts; empty where nobody
    looked, or the world is not known.
    """

    evaluation: Evaluation
    sources: Sources | None = None
    curves: Curves = Curves()
    readings: tuple[Reading, ...] = ()


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
    consistencies, points, lines, noise, excesses, steepness, partials : tuple
        Experiment IV, beside what noise alone would show.
    confidences, retention, fits : tuple
        Calibration and abstention; forgetting; what was learned of the training questions, by base and domain.
    step_points, halves, stops, step_models : tuple
        What was seen while checkpoints were trained.
    readings : tuple
        Experiment II in a known world: answers behind contexts, before and after training.
    warnings : tuple of str
        What holds for all of it.
    supervision : Supervision or None
        Of a study with other supervisors or objectives.
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
    noise: tuple[NoisePoint, ...]
    excesses: tuple[Excess, ...]
    steepness: tuple[Steepness, ...]
    partials: tuple[Partial, ...]
    confidences: tuple[Confidence, ...]
    retention: tuple[accuracy.Retention, ...]
    fits: tuple[Fit, ...]
    verdicts: tuple[Verdict, ...]
    confounds: tuple[Confound, ...]
    warnings: tuple[str, ...]
    step_points: tuple[StepPoint, ...] = ()
    halves: tuple[HalfLearned, ...] = ()
    stops: tuple[EarlyStop, ...] = ()
    step_models: tuple[StepModel, ...] = ()
    readings: tuple[Reading, ...] = ()
    supervision: Supervision | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; undefined and infinite numbers become None, with their reason beside them."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


_NO_SETS = "the training sets were not given: nothing is known of what else they differ in"
_STAGES = (
    "accuracies",
    "contrasts",
    "curve",
    "best",
    "consistencies",
    "points",
    "lines",
    "noise",
    "excesses",
    "steepness",
    "partials",
    "confidences",
    "retention",
    "fits",
    "verdicts",
    "confounds",
    "step_points",
    "halves",
    "stops",
    "step_models",
    "readings",
)


def analyse(
    evaluation: Evaluation | Mapping[str, Part],
    *,
    sources: Sources | None = None,
    title: str = "Knowledge interventions",
    pairs: Sequence[tuple[str, str]] = PAPER_CONTRASTS,
) -> Findings:
    """Analyse the evaluation of a knowledge intervention: Experiments I to IV, calibration, forgetting, verdicts.

    Parameters
    ----------
    evaluation : Evaluation, or mapping of base name to Part
        Several bases are analysed one by one, then pooled (`ALL_BASES`): by domain, and over all bases and domains,
        where every base and domain counts alike. Rows then name their base; those of one base do not.
    sources : Sources, optional
        Training sets of the one evaluation, for the confound checks; without them a warning says that nothing is
        known of confounds. Parts bring their own.
    pairs : sequence of (arm, arm)
        Further differences may be asked for; those of the paper belong to its claims.

    Raises
    ------
    DesignError, DataError
        If there is no part; if bases were asked about other questions or under other prompts.

    Examples
    --------
    >>> found = analyse(evaluation)  # doctest: +SKIP
    >>> for verdict in found.verdicts:  # doctest: +SKIP
    ...     print(verdict.claim.id, verdict.test, verdict.outcome)
    >>> analyse({"llama-7b": Part(evaluation=llama), "mistral-7b": Part(evaluation=mistral)})  # doctest: +SKIP
    """
    parts = {"": Part(evaluation=evaluation, sources=sources)} if isinstance(evaluation, Evaluation) else evaluation
    if not parts:
        raise DesignError("no base was evaluated; give at least one part")
    wanted = tuple(dict.fromkeys((*PAPER_CONTRASTS, *pairs)))
    several = len(parts) > 1
    checks = {name: _checks(part, wanted, name if several else "") for name, part in parts.items()}
    tables = [
        _stages(part.evaluation, wanted, checks[name], name if several else "", of_base=_of_base(part))
        for name, part in parts.items()
    ]
    if several:
        evaluations = {name: part.evaluation for name, part in parts.items()}
        every = tuple(one for found in checks.values() for one in found)
        whole = _stages(pooled(evaluations), wanted, every, ALL_BASES, of=ALL_DOMAINS)
        domains = dict.fromkeys(domain for one in evaluations.values() for domain in one.domains)
        by_domain = [
            _stages(pooled(evaluations, domain), wanted, (), ALL_BASES, of=ALL_DOMAINS, domain=domain)
            for domain in domains
            if len(domains) > 1 and sum(domain in one.domains for one in evaluations.values()) > 1
        ]
        tables = [whole, *by_domain, *tables]
    rows: dict[str, Any] = {stage: tuple(row for found in tables for row in found[stage]) for stage in _STAGES}
    return Findings(
        title=title,
        plan=_plan(parts),
        warnings=tuple(
            f"{name}: {warning}" if several else warning
            for name, part in parts.items()
            for warning in (*_warnings(part.evaluation), *((_NO_SETS,) if part.sources is None else ()))
        ),
        **rows,
    )


def _checks(part: Part, pairs: Sequence[tuple[str, str]], base: str) -> tuple[Confound, ...]:
    if part.sources is None:
        return ()
    found = confounds(part.evaluation, part.sources.sets, part.sources.bank, part.sources.probe, pairs=pairs)
    return tuple(replace(one, base=base) for one in found)


_OF_BASE = ("fits", "step_points", "halves", "stops", "step_models", "readings")


def _of_base(part: Part) -> dict[str, Sequence[Any]]:
    """Tables that are not pooled over bases: what was learned, and seen, of each."""
    given, curves = part.sources, part.curves
    learned = fits(part.evaluation, tuple(given.sets), given.bank, given.probe, given.fitted) if given else ()
    rows = (learned, curves.points, curves.halves, curves.stops, curves.models, part.readings)
    return dict(zip(_OF_BASE, rows, strict=True))


def _stages(
    evaluation: Evaluation,
    pairs: Sequence[tuple[str, str]],
    checks: tuple[Confound, ...],
    base: str,
    *,
    of: str | None = None,
    domain: str = ALL_DOMAINS,
    of_base: Mapping[str, Sequence[Any]] | None = None,
) -> dict[str, list[Any]]:
    """Rows of every table; of a pooled evaluation only those of all its strata, which are about `domain`."""
    differences = accuracy.contrasts(evaluation, pairs)
    correlated = partials(evaluation)
    scatter = points(evaluation)
    noise = Noise(evaluation=evaluation)
    steeper = noise.steepness()
    # As published, the correlation is that of one base.
    published = partials(evaluation, method="ren2024") if of is None else ()
    found: dict[str, Sequence[Any]] = {
        "accuracies": (*accuracy.accuracies(evaluation), *accuracy.accuracies(evaluation, method="ren2024")),
        "contrasts": (*differences, *accuracy.contrasts(evaluation, pairs, method="ren2024")),
        "curve": curves(evaluation),
        "best": best_ratios(evaluation),
        "consistencies": consistencies(evaluation),
        "points": scatter,
        "lines": lines(scatter),
        "noise": noise.points(),
        "excesses": noise.excesses(),
        "steepness": steeper,
        "partials": (*correlated, *published),
        "confidences": confidences(evaluation),
        "retention": accuracy.retention(evaluation),
        "verdicts": verdicts(evaluation, differences, steeper, checks, published=published),
        "confounds": checks if of is None else (),
        **(of_base or dict.fromkeys(_OF_BASE, ())),
    }
    named = {"base": base} if of is None else {"base": base, "domain": domain}
    is_whole = of is None or domain == ALL_DOMAINS
    return {
        stage: [
            replace(row, **named) if hasattr(row, "domain") else replace(row, base=base)
            for row in rows
            if (of is None or row.domain == of if hasattr(row, "domain") else is_whole)
        ]
        for stage, rows in found.items()
    }


def _plan(parts: Mapping[str, Part]) -> dict[str, Any]:
    evaluations = {name: part.evaluation for name, part in parts.items()}
    runs = [run for one in evaluations.values() for run in one.trained]
    first = next(iter(evaluations.values()))
    several = len(parts) > 1
    weights = {name: one.beliefs[one.base, one.ask].weights for name, one in evaluations.items()}
    return {
        "base": ", ".join(parts) if several else first.base,
        "base_weights": ", ".join(filter(None, weights.values())),
        "bases": list(parts) if several else [],
        "bank": first.bank.name,
        "bank_hash": first.bank.hash,
        "domains": list(dict.fromkeys(run.domain for run in runs)),
        "arms": list(dict.fromkeys(run.arm for run in runs)),
        "seeds": sorted({run.seed for run in runs}),
        "n_models": len(runs),
        "asks": [ask for ask in first.asks if all(ask in one.asks for one in evaluations.values())],
        "ask": first.ask,
        "base_ask": first.base_ask,
        "tests": {
            f"{test.test}, {test.domain}": len(test.questions)
            for one in evaluations.values()
            for test in sorted(one.tests, key=lambda t: (t.test, t.domain))
        },
        "lost": {
            f"{f'{name}, ' if several else ''}{model}, {ask}": lost
            for name, one in evaluations.items()
            for (model, ask), found in one.beliefs.items()
            if (lost := len({id for t in one.tests for id in t.questions} - set(found.beliefs)))
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
        named = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        # Where there is one base model, rows do not name it.
        return {name: one for name, one in named.items() if name != "base" or one}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value

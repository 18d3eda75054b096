"""What other supervisors and objectives came to: gaps recovered, rounds of own labels, objectives side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from proband.errors import DataError
from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.measures.knowledge.crossed import Scale, Table, crossed_mean, table
from proband.measures.knowledge.gap import gap_recovered
from proband.tuning.analysis.accuracy import ALL_DOMAINS, BASE_ZERO_SHOT, arm_tables
from proband.tuning.analysis.evaluation import Evaluation, Test, undefined
from proband.tuning.probing.beliefs import Belief, Beliefs
from proband.tuning.supervisors.settings import CEILING, WEAK

EVERY, KNEW, DID_NOT = "all", "the base model knew", "it did not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How much of the gap between a weak model and training on the key an arm recovers.

    Attributes
    ----------
    arm : str
        Or the base model zero-shot: what needs no label at all.
    questions : str
        Of the test: all, or those that the base model, asked with worked examples, had right, or had wrong.
    n_questions : int
    weak, supervised, ceiling : float
        Accuracy of the labeller, of the arm, and of training on the key.
    """

    arm: str
    domain: str
    test: Test
    questions: str
    n_questions: int
    weak: float
    supervised: float
    ceiling: float
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A round of training on own labels, means over domains and seeds.

    Attributes
    ----------
    number : int
        0 for the base model.
    questions, right : int, float or None
        Questions that were taught, over all runs, and the share of them whose label is the key; none before round 1.
    accuracy, confidence, entropy : Estimate
        Of the model after the round on the questions that may be trained on; entropy in nats.
    place : float
        How often its most chosen place of an option is chosen, less how often the key stands there.
    changed : float or None
        Share of its answers that are others than before the round.
    tested : mapping of Test to Estimate
        Accuracy on the tests.
    """

    labels: str
    number: int
    questions: int | None
    right: float | None
    accuracy: Estimate
    confidence: Estimate
    entropy: Estimate
    place: float
    changed: float | None
    tested: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One objective on the one set.

    Attributes
    ----------
    learned : Estimate
        Share of the taught answers that are given on the questions taught, less that of the base model.
    forgotten : Estimate or None
        Accuracy on questions of other domains, less that of the base model; none without such a test.
    kl : Estimate or None
        KL(base || tuned) on those questions, nats.
    seconds, tokens : float
        Of one training, mean; tokens that were computed, all options of a question among them.
    """

    name: str
    learned: Estimate
    forgotten: Estimate | None
    kl: Estimate | None
    seconds: float
    tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """What a study of other supervisors or objectives found beside the tables of every study; `notes` are sentences."""

    gaps: tuple[Gap, ...] = ()
    rounds: tuple[Round, ...] = ()
    objectives: tuple[Objective, ...] = ()
    notes: tuple[str, ...] = ()


def gaps(evaluation: Evaluation) -> tuple[Gap, ...]:
    """The gap that the base and every arm recover, by test: over all domains, by what the base knew, by domain.

    In a study of one domain the whole goes by its name.
    """
    found = []
    whole = ALL_DOMAINS if len(evaluation.domains) > 1 else evaluation.domains[0]
    for test in evaluation.kinds:
        ids = {domain: evaluation.questions(test, domain) for domain in evaluation.domains}
        ids = {domain: asked for domain, asked in ids.items() if asked}
        knew = evaluation.right(evaluation.base, evaluation.base_ask, tuple(q for part in ids.values() for q in part))
        wholes = {
            EVERY: ids,
            KNEW: {domain: tuple(q for q in asked if knew.get(q) == 1) for domain, asked in ids.items()},
            DID_NOT: {domain: tuple(q for q in asked if knew.get(q) == 0) for domain, asked in ids.items()},
        }
        for arm in (BASE_ZERO_SHOT, *(arm for arm in evaluation.arms if arm != CEILING)):
            for questions, parts in wholes.items():
                found.append(_gap(evaluation, arm, test, parts, (whole, questions)))
            if len(ids) > 1:
                found += [
                    _gap(evaluation, arm, test, {domain: asked}, (domain, EVERY)) for domain, asked in ids.items()
                ]
    return tuple(found)


def _gap(
    evaluation: Evaluation, arm: str, test: Test, parts: Mapping[str, tuple[str, ...]], place: tuple[str, str]
) -> Gap:
    parts = {domain: asked for domain, asked in parts.items() if asked}

    def side(name: str) -> list[Table]:
        single = {WEAK: WEAK, BASE_ZERO_SHOT: evaluation.base}
        runs = {
            domain: [single[name]] if name in single else [run.model for run in evaluation.runs(name, domain)]
            for domain in parts
        }
        return [
            table(domain, [evaluation.right(model, evaluation.ask, parts[domain]) for model in models])
            for domain, models in runs.items()
        ]

    sides = {name: side(name) for name in (WEAK, arm, CEILING)}
    what = f"performance gap recovered by {arm} on {test} questions ({place[1]})"
    means = {name: float(np.mean([one.scores.mean() for one in tables] or [np.nan])) for name, tables in sides.items()}
    try:
        estimate = gap_recovered(sides[WEAK], sides[arm], sides[CEILING], estimand=what)
    except DataError as refused:
        estimate = undefined(what, str(refused))
    return Gap(
        arm=arm,
        domain=place[0],
        test=test,
        questions=place[1],
        n_questions=len({id for asked in parts.values() for id in asked}),
        weak=means[WEAK],
        supervised=means[arm],
        ceiling=means[CEILING],
        estimate=estimate,
    )


def round_of(
    labels: str,
    number: int,
    bank: Bank,
    held: Mapping[str, Sequence[Beliefs]],
    *,
    before: Mapping[str, Sequence[Beliefs]] | None = None,
    taught: tuple[int, float] | None = None,
    evaluation: Evaluation | None = None,
) -> Round:
    """What a round came to.

    Parameters
    ----------
    held, before : mapping of domain to sequence of Beliefs
        Of every seed's model after the round, and before it.
    taught : (int, float), optional
        Questions taught and share of right labels.
    evaluation : Evaluation, optional
        In which the arm ``LABELS-NUMBER``, or the base model, was tested.
    """

    def mean(of: str, scale: Scale, values: Mapping[str, Sequence[Mapping[str, float]]]) -> Estimate:
        tables = [table(domain, runs) for domain, runs in values.items()]
        return crossed_mean(tables, scale, estimand=f"{of} after round {number} of {labels}")

    def each(value: object) -> dict[str, list[dict[str, float]]]:
        return {
            domain: [{id: float(value(id, one)) for id, one in run.beliefs.items()} for run in runs]  # type: ignore[operator]
            for domain, runs in held.items()
        }

    return Round(
        labels=labels,
        number=number,
        questions=None if taught is None else taught[0],
        right=None if taught is None else taught[1],
        accuracy=mean("accuracy", "share", each(lambda id, one: one.pick == bank[id].answer)),
        confidence=mean("confidence", "difference", each(lambda id, one: one.confidence)),
        entropy=mean("entropy", "positive", each(lambda id, one: entropy(one))),
        place=_favoured(bank, [run for runs in held.values() for run in runs]),
        changed=None if before is None else changed(held, before),
        tested={} if evaluation is None else _tested(evaluation, f"{labels}-{number}" if number else BASE_ZERO_SHOT),
    )


def entropy(belief: Belief) -> float:
    """Of the options' probabilities, nats."""
    probs = belief.probs[belief.probs > 0]
    return float(-(probs * np.log(probs)).sum())


def changed(held: Mapping[str, Sequence[Beliefs]], before: Mapping[str, Sequence[Beliefs]]) -> float:
    """Share of answers that are others than before, over all domains and seeds."""
    differing = [
        now[id].pick != then[id].pick
        for domain, runs in held.items()
        for now, then in zip(runs, before[domain], strict=True)
        for id in now.beliefs
        if id in then.beliefs
    ]
    return float(np.mean(differing))


def mean_entropy(held: Mapping[str, Sequence[Beliefs]]) -> float:
    """Over all answers, nats."""
    return float(np.mean([entropy(one) for runs in held.values() for run in runs for one in run.beliefs.values()]))


def _favoured(bank: Bank, runs: Iterable[Beliefs]) -> float:
    """How much more often than the key the most chosen place is chosen."""
    picked = [(one.pick, bank[id].answer) for run in runs for id, one in run.beliefs.items()]
    chosen, right = (np.bincount([pair[k] for pair in picked], minlength=26) / len(picked) for k in (0, 1))
    place = int(chosen.argmax())
    return float(chosen[place] - right[place])


def _tested(evaluation: Evaluation, arm: str) -> Mapping[str, Estimate]:
    found: dict[str, Estimate] = {}
    for test in evaluation.kinds:
        tables = arm_tables(evaluation, arm, test, evaluation.ask)
        if tables:
            found[test] = crossed_mean(tables, "share", estimand=f"accuracy of {arm} on {test} questions")
    return found


def learned(
    taught: Mapping[str, Mapping[str, int]], base: Mapping[str, Beliefs], runs: Mapping[str, Sequence[Beliefs]]
) -> Estimate:
    """Share of taught answers that are given, less the base model's.

    Parameters
    ----------
    taught : mapping
        Domain -> question -> index of the answer that is taught.
    base, runs : mapping
        Domain -> beliefs about those questions, of the base model, and of every seed's model.
    """

    def given(held: Beliefs, answers: Mapping[str, int]) -> dict[str, float]:
        return {id: float(held[id].pick == answer) for id, answer in answers.items() if id in held.beliefs}

    tables: list[Table] = []
    for domain, answers in taught.items():
        after = table(domain, [given(one, answers) for one in runs[domain]])
        tables.append(after.minus(table(domain, [given(base[domain], answers)])))
    what = "share of taught answers that are given on the questions taught, less the base model's"
    return crossed_mean(tables, "share difference", estimand=what)

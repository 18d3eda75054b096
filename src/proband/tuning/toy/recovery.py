"""How well a probe recovers what was planted in a toy model."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.measures.shares import wilson_interval
from proband.tuning.probing.beliefs import Belief, Beliefs
from proband.tuning.toy.world import STATUSES, Status, World

Finding = Literal["known", "wrong", "unsure"]
"""What a probe says of a question: confident and right, confident and wrong, or not confident."""
# A half-known fact was stated, and truly: found known it is no false alarm. One stated in two ways or too seldom
# leaves a model unsure, as one never stated does.
_TRUE_OF: Mapping[Finding, tuple[Status, ...]] = {
    "known": ("known", "half-known"),
    "wrong": ("wrong",),
    "unsure": ("unknown", "contradicted", "half-known"),
}
_WANTED: Mapping[Finding, Status] = {"known": "known", "wrong": "wrong", "unsure": "unknown"}


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """A probe against the truth of a toy world.

    Attributes
    ----------
    counts : mapping
        Questions by planted status and finding, e.g. ``counts["known", "unsure"]``.
    accuracy : mapping of Status to Estimate
        Share of questions of a status whose most probable option is right; chance is in `baselines`.
    false_belief : Estimate
        Share of wrong questions whose most probable option is the false value that was planted.
    recall, precision : mapping of Finding to Estimate
        Share of the known (wrong, unknown) questions that were found known (wrong, unsure); share of those found
        known that were stated truly, of those found wrong that were stated falsely, and of those found unsure that
        were never stated, stated a few times, or stated in two ways. Wilson's intervals over questions.
    """

    counts: Mapping[tuple[Status, Finding], int]
    accuracy: Mapping[Status, Estimate]
    false_belief: Estimate | None
    recall: Mapping[Finding, Estimate]
    precision: Mapping[Finding, Estimate]

    def as_dict(self) -> dict[str, object]:
        """Plain values."""
        counts = {s: {finding: self.counts[s, finding] for finding in get_args(Finding)} for s in STATUSES}
        accuracy, recall, precision = (
            {name: found.as_dict() for name, found in shares.items()}
            for shares in (self.accuracy, self.recall, self.precision)
        )
        false_belief = None if self.false_belief is None else self.false_belief.as_dict()
        shares = {"accuracy": accuracy, "false_belief": false_belief, "recall": recall, "precision": precision}
        return {"counts": counts, **shares}


def finding(belief: Belief, answer: int, *, threshold: float = 0.5) -> Finding:
    """What a probe says of a question with this answer: unsure unless its confidence is above the threshold."""
    if belief.confidence <= threshold:
        return "unsure"
    return "known" if belief.pick == answer else "wrong"


def recovery(world: World, beliefs: Beliefs, bank: Bank | None = None, *, threshold: float = 0.5) -> Recovery:
    """Compare what a probe of the toy model found with what the world's corpus stated.

    Parameters
    ----------
    bank : Bank, optional
        Which questions; default the world's bank.
    threshold : float
        Confidence, the probability of the most probable option, above which a model counts as sure.

    Raises
    ------
    DesignError
        If the beliefs are about another bank.
    MissingDataError
        If a question has no belief.
    """
    bank = world.bank if bank is None else bank
    if beliefs.bank != bank.hash:
        raise DesignError(
            f"the beliefs are about the bank {beliefs.bank}, and {bank.name!r} of this world is {bank.hash}; "
            "probe the same world's bank"
        )
    found = {q.id: finding(beliefs[q.id], q.answer, threshold=threshold) for q in bank}
    right = {q.id: beliefs[q.id].pick == q.answer for q in bank}
    chance = sum(1 / len(q.choices) for q in bank) / len(bank)
    accuracy, recall, precision = {}, {}, {}
    for status in STATUSES:
        if ids := world.ids(status, bank):
            what = f"share of {status} questions that are answered right"
            accuracy[status] = _share(sum(right[id] for id in ids), len(ids), what, {"chance": chance})
    for name, status in _WANTED.items():
        if ids := world.ids(status, bank):
            what = f"share of {status} questions that are found {name}"
            recall[name] = _share(sum(found[id] == name for id in ids), len(ids), what)
        if ids := tuple(id for id in found if found[id] == name):
            what = f"share of questions found {name} that are {' or '.join(_TRUE_OF[name])}"
            true = sum(world.planted[id] in _TRUE_OF[name] for id in ids)
            precision[name] = _share(true, len(ids), what)
    false_belief = None
    if ids := world.ids("wrong", bank):
        fell = sum(beliefs[id].pick == world.false[id] for id in ids)
        false_belief = _share(fell, len(ids), "share of wrong questions answered with the planted falsehood")
    return Recovery(
        counts=Counter((world.planted[id], found[id]) for id in found),
        accuracy=accuracy,
        false_belief=false_belief,
        recall=recall,
        precision=precision,
    )


def _share(n: int, of: int, what: str, baselines: Mapping[str, float] | None = None) -> Estimate:
    share = n / of
    return Estimate(
        value=share,
        interval=wilson_interval(share, of),
        interval_method="Wilson over questions",
        estimand=what,
        target="model",
        n_units=of,
        baselines=baselines or {},
        assumptions=("questions are independent: each has an entity of its own",),
    )

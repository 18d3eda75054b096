"""Whether models follow what stands before a question, before and after training (Experiment II in a known world)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.measures.knowledge.crossed import Table, crossed_mean, table
from proband.tuning.analysis.evaluation import Trained
from proband.tuning.probing.beliefs import Beliefs
from proband.tuning.toy.contexts import CONTEXTS, Context, context_of, placed
from proband.tuning.toy.world import STATUSES, Status, World

BEFORE = "before training"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One arm's answers to questions of one status behind one kind of context, all domains and seeds together.

    Attributes
    ----------
    arm : str
        Or `BEFORE`.
    right : Estimate
        Share of right answers.
    follows : Estimate or None
        Share that give the option which the context states; None with a closed book.
    change : Estimate or None
        In the share of right answers, against the base model on the same questions.
    """

    arm: str
    status: Status
    context: Context
    right: Estimate
    follows: Estimate | None
    change: Estimate | None
    base: str = ""


def readings(
    world: World, bank: Bank, beliefs: Mapping[str, Beliefs], trained: Sequence[Trained], *, base: str
) -> tuple[Reading, ...]:
    """Readings of the base model and of every arm, by status and context.

    Parameters
    ----------
    bank : Bank
        Test questions; beliefs are about each of them behind each context, see `in_context`.
    beliefs : mapping of model to Beliefs
        Of the base and of every trained model.
    """
    groups: dict[str, dict[str, list[str]]] = {BEFORE: {"": [base]}}
    for run in trained:
        groups.setdefault(run.arm, {}).setdefault(run.domain, []).append(run.model)
    found = []
    for status in STATUSES:
        ids = world.ids(status, bank)
        for context in CONTEXTS if ids else ():
            stated = {id: context_of(world, bank[id], context)[1] for id in ids}
            right = {id: bank[id].answer for id in ids}
            before = _tables({"": [base]}, beliefs, right, context)[0]
            for arm, domains in groups.items():
                what = f"by {arm} on {status} questions, {context}"
                own = _tables(domains, beliefs, right, context)
                follows = None
                if context != "closed-book":
                    told = {id: place for id, place in stated.items() if place is not None}
                    shares = _tables(domains, beliefs, told, context)
                    follows = crossed_mean(shares, "share", estimand=f"what the context states, given {what}")
                change = None
                if arm != BEFORE:
                    moved = [part.minus(before) for part in own]
                    change = crossed_mean(moved, "share difference", estimand=f"change in right answers {what}")
                found.append(
                    Reading(
                        arm=arm,
                        status=status,
                        context=context,
                        right=crossed_mean(own, "share", estimand=f"right answers {what}"),
                        follows=follows,
                        change=change,
                    )
                )
    return tuple(found)


def _tables(
    domains: Mapping[str, Sequence[str]], beliefs: Mapping[str, Beliefs], wanted: Mapping[str, int], context: Context
) -> list[Table]:
    """Whether the wanted option was given, by run and question, a table for every domain of training."""
    return [
        table(
            domain,
            [
                {
                    id: float(held.pick == place)
                    for id, place in wanted.items()
                    if (held := beliefs[model].beliefs.get(placed(id, context))) is not None
                }
                for model in models
            ],
        )
        for domain, models in domains.items()
    ]

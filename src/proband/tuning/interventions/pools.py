"""Pools: what a probe says a model knows, does not know, and is not sure of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.measures.knowledge.slick import HIGHLY, UNKNOWN
from proband.tuning.probing.beliefs import Belief, Beliefs

Rule = Literal["confidence", "corrected", "slick"]


@dataclass(frozen=True, kw_only=True)
class Pools:
    """Ids of a bank's questions by what the probe says, each in the bank's order.

    Attributes
    ----------
    known : tuple of str
        Answered as the key has it, and surely.
    unknown : tuple of str
        Answered otherwise, and as surely.
    unsure : tuple of str
        Neither: no set is built of them.
    left_out : mapping of str to str
        Id -> why the question is in no pool.
    """

    known: tuple[str, ...]
    unknown: tuple[str, ...]
    unsure: tuple[str, ...]
    left_out: Mapping[str, str]

    def counts(self) -> Mapping[str, int]:
        """Questions in each pool, and left out."""
        return {name: len(getattr(self, name)) for name in ("known", "unknown", "unsure", "left_out")}

    def of(self, bank: Bank, domain: str) -> "Pools":
        """The part of a domain."""
        known, unknown, unsure = (
            tuple(id for id in ids if bank[id].domain == domain) for ids in (self.known, self.unknown, self.unsure)
        )
        left_out = {id: reason for id, reason in self.left_out.items() if bank[id].domain == domain}
        return Pools(known=known, unknown=unknown, unsure=unsure, left_out=left_out)

    @property
    def reasons(self) -> Mapping[str, int]:
        """Questions left out, by the reason."""
        return dict(sorted(Counter(self.left_out.values()).items()))


def no_question(domain: str, pool: str, pools: Pools, why: str = "") -> DataError:
    """That a domain's pool has no question to build from, and what the probe left."""
    return DataError(
        f"domain {domain!r}: no {pool} question to build from, as the probe left {len(pools.known)} known, "
        f"{len(pools.unknown)} unknown, {len(pools.unsure)} unsure and {len(pools.left_out)} left out{why}; "
        "lower the threshold, probe more questions, or leave the domain out"
    )


def check_probe(bank: Bank, beliefs: Beliefs, *, weights: str = "") -> None:
    """Refuse a probe of another bank, or of other weights than those that are to be trained, where they are known.

    Raises
    ------
    DataError
        If a hash differs.
    """
    if beliefs.bank != bank.hash:
        raise DataError(
            f"the probe of {beliefs.model!r} ({beliefs.ask}) asked another bank: its hash is {beliefs.bank}, and "
            f"that of {bank.name!r} is {bank.hash}; probe this bank, or build from the one that was probed (name its "
            "questions in `among` to use a part)"
        )
    if weights and beliefs.weights and beliefs.weights != weights:
        raise DataError(
            f"the probe is of another model: {beliefs.model!r} had the weights {beliefs.weights}, and {weights} are to "
            "be trained; what one model knows says nothing of another: probe this one"
        )


def sort_questions(
    bank: Bank,
    beliefs: Beliefs,
    *,
    threshold: float = 0.5,
    rule: Rule = "confidence",
    gain: float | None = None,
    among: Sequence[str] | None = None,
) -> Pools:
    """Sort a bank's questions by what a probe says the model believes.

    A question is known where the model's most probable option is the key's, unknown where it is another one, and
    unsure where no option is probable enough. One fixed prompt cannot tell luck from knowledge: probe with several
    draws of exemplars and all rotations of the options.

    Questions of which a probe's trial failed are left out: a belief from some of the orders leans towards them.

    Parameters
    ----------
    threshold : float
        Sure is above it, strictly. With "corrected" it is on the scale where 0 is chance and 1 is certain, whatever the
        number of options. Not used with "slick".
    rule : {"confidence", "corrected", "slick"}
        The probability of the most probable option; the same corrected for chance; or the SliCK grade: HighlyKnown is
        known, Unknown is unknown, and what lies between is unsure.
    gain : float, optional
        How much more probable the question must make that option than it is without any question; needs a probe with a
        prior. A model that was never taught anything finds some options more probable than others.
    among : sequence of str, optional
        Only these questions; default all.

    Raises
    ------
    DataError
        If the probe is of another bank, has no belief about a question, or no prior where a gain is asked for.
    DesignError
        If the threshold or the gain is outside [0, 1], or a rule or a question is not there.

    References
    ----------
    Ren et al. (2024), Learning or Self-aligning? Rethinking Instruction Fine-tuning. arXiv:2402.18243
    Gekhman et al. (2024), Does Fine-Tuning LLMs on New Knowledge Encourage Hallucinations? arXiv:2405.05904
    """
    if rule not in get_args(Rule):
        raise DesignError(f"rule {rule!r} is none of {', '.join(get_args(Rule))}")
    if not 0 <= threshold <= 1:
        raise DesignError(f"threshold {threshold} is no probability; give one from 0 to 1, e.g. 0.5")
    if gain is not None and not 0 <= gain < 1:
        raise DesignError(f"gain {gain} is no difference of probabilities; give one from 0 to 1, e.g. 0.2")
    check_probe(bank, beliefs)
    part = bank if among is None else bank.select(tuple(among))
    lost = frozenset(beliefs.lost)
    missing = [q.id for q in part if q.id not in beliefs.beliefs and q.id not in lost]
    if missing:
        raise DataError(
            f"the probe of {beliefs.model!r} has no belief about {len(missing)} of {len(part)} questions, e.g. "
            f"{missing[0]!r}; probe them too, or name the others in `among`"
        )
    chosen = {question.id for question in part}
    pools: dict[str, list[str]] = {"known": [], "unknown": [], "unsure": []}
    left_out: dict[str, str] = {}
    for question in bank:
        if question.id not in chosen:
            continue
        if question.id in lost or beliefs[question.id].n_failed:
            left_out[question.id] = "a trial of the probe failed"
        else:
            pools[_pool(question, beliefs[question.id], rule, threshold, gain)].append(question.id)
    return Pools(**{name: tuple(ids) for name, ids in pools.items()}, left_out=left_out)


def _pool(question: Question, belief: Belief, rule: Rule, threshold: float, gain: float | None) -> str:
    if len(belief.probs) != len(question.choices):
        raise DataError(
            f"question {question.id!r} has {len(question.choices)} options and its belief {len(belief.probs)} "
            "probabilities; probe it again"
        )
    is_right = belief.pick == question.answer
    if rule == "slick":
        is_sure = belief.category == (HIGHLY if is_right else UNKNOWN)
    else:
        is_sure = (belief.confidence if rule == "confidence" else belief.corrected) > threshold
    if gain is not None:
        if belief.prior is None:
            raise DataError(
                f"the probe has no prior of question {question.id!r}, and a gain over it is asked for; probe with the "
                "prior (probe.prior = true, or `proband probe` without --no-prior), or leave the gain out"
            )
        is_sure = is_sure and bool(belief.probs[belief.pick] - belief.prior[belief.pick] > gain)
    if not is_sure:
        return "unsure"
    return "known" if is_right else "unknown"

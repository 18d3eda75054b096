"""Training sets whose labels come from a model's beliefs: another model's, or its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from proband.designs.quiz.prompts import Prompt, pose, reply_to
from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.seeds import rng_for, uniform_for
from proband.training.training_set import Example, Kind, TrainingSet
from proband.tuning.interventions.pools import check_probe
from proband.tuning.probing.beliefs import Belief, Beliefs

Labels = Literal["key", "all", "confident", "soft", "ranking", "self-play"]
LEAST_SHARE = 0.001
"""Of a soft label; options that the labeller holds less probable are not taught."""


@dataclass(frozen=True, kw_only=True)
class Labeller:
    """Who labels a bank's questions, and how they are taught.

    Attributes
    ----------
    beliefs : Beliefs
        The labeller's, about this very bank.
    own : Beliefs
        Those of the model that is to be trained, by which the taught labels are called its own or false.
    threshold : float
        A confident label is above it.
    size : int or None
        Questions of each domain; None for all there are.

    Raises
    ------
    DataError
        If either was asked another bank.
    """

    bank: Bank
    beliefs: Beliefs
    own: Beliefs
    prompt: Prompt
    threshold: float = 0.5
    size: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        check_probe(self.bank, self.beliefs)
        check_probe(self.bank, self.own)

    def chosen(self, labels: str, domain: str) -> tuple[Question, ...]:
        """A domain's questions that can be labelled so, in a drawn order that is the same for all labels.

        - "key", "all", "soft", "ranking": all that both models were asked with success.
        - "confident": those whose label is more probable than the threshold.
        - "self-play": those whose most probable option is not the key.
        """
        if labels not in get_args(Labels):
            raise DesignError(f"labels {labels!r} are none of {', '.join(get_args(Labels))}")
        asked = [q for q in self.bank.of(domain) if all(_is_whole(one, q.id) for one in (self.beliefs, self.own))]
        order = rng_for(self.seed, "labelled", domain).permutation(len(asked))
        found = [asked[k] for k in order.tolist()]
        if labels == "confident":
            found = [q for q in found if self.beliefs[q.id].confidence > self.threshold]
        elif labels == "self-play":
            found = [q for q in found if self.beliefs[q.id].pick != q.answer]
        return tuple(found[: self.size])

    def training_set(self, labels: str, domain: str, *, arm: str) -> TrainingSet:
        """The set of one domain.

        What is taught is the labeller's most probable option; with "key" and "self-play" the key. Its alternatives are
        the other options, those that the labeller holds more probable first; with "ranking" least probable ones.

        Raises
        ------
        DataError
            If no question can be labelled so.
        """
        questions = self.chosen(labels, domain)
        if not questions:
            asked = [self.beliefs[q.id].confidence for q in self.bank.of(domain) if q.id in self.beliefs.beliefs]
            reason = {
                "confident": f"of its {len(asked)} answers none is more probable than {self.threshold:g} (the most "
                f"probable has {max(asked, default=0):.2f}); lower the threshold, or label with 'all' or 'soft'",
                "self-play": "all its answers are the key's; there is nothing left to play against",
            }.get(labels, "no question was answered by both models; ask again with retry_failed")
            raise DataError(f"domain {domain!r}, labels {labels!r} by {self.beliefs.model!r}: {reason}")
        examples = [self._example(question, labels) for question in questions]
        examples.sort(key=lambda one: (uniform_for(self.seed, "order", domain, one.id), one.id))
        return TrainingSet(
            name=f"{arm}-{domain}",
            examples=tuple(examples),
            provenance=self._provenance(labels, domain, arm, questions),
        )

    def _example(self, question: Question, labels: str) -> Example:
        belief, own = self.beliefs[question.id], self.own[question.id]
        ranked = [int(k) for k in np.argsort(-belief.probs, kind="stable")]
        answer = question.answer if labels in ("key", "self-play") else belief.pick
        others = [k for k in ranked if k != answer]
        if labels == "ranking":
            others.reverse()
        shares: tuple[float, ...] = ()
        if labels == "soft":
            others = [k for k in others if belief.probs[k] >= LEAST_SHARE]
            kept = np.array([belief.probs[k] for k in (answer, *others)])
            shares = tuple(float(share) for share in kept / kept.sum())
        posed = pose(question, self.prompt)
        kind: Kind = "gold" if answer == question.answer else "own" if answer == own.pick else "false"
        return Example(
            id=question.id,
            messages=posed.messages,
            response=reply_to(question, self.prompt, answer),
            is_raw=posed.is_raw,
            question=question.id,
            domain=question.domain,
            kind=kind,
            alternatives=tuple(reply_to(question, self.prompt, k) for k in others),
            shares=shares,
        )

    def _provenance(self, labels: str, domain: str, arm: str, questions: Sequence[Question]) -> Mapping[str, object]:
        by_key = labels in ("key", "self-play")
        right = [by_key or self.beliefs[q.id].pick == q.answer for q in questions]
        return {
            "arm": {"name": arm},
            "domain": domain,
            "bank": {"name": self.bank.name, "hash": self.bank.hash},
            "labels": {
                "how": labels,
                "by": "the key" if by_key else self.beliefs.model,
                "weights": self.beliefs.weights,
                "threshold": self.threshold,
                "questions": len(questions),
                "right": round(float(np.mean(right)), 6),
                "confidence": round(float(np.mean([self.beliefs[q.id].confidence for q in questions])), 6),
            },
            "seed": self.seed,
        }


def part_of(beliefs: Beliefs, whole: Bank, part: Bank) -> Beliefs:
    """What was found about a bank, about a part of it alone.

    Raises
    ------
    DataError
        If another bank was asked.
    """
    check_probe(whole, beliefs)
    kept = {id: held for id, held in beliefs.beliefs.items() if id in part.by_id}
    lost = tuple(id for id in beliefs.lost if id in part.by_id)
    return replace(beliefs, bank=part.hash, beliefs=kept, lost=lost)


def _is_whole(beliefs: Beliefs, id: str) -> bool:
    held: Belief | None = beliefs.beliefs.get(id)
    return held is not None and not held.n_failed

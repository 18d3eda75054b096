"""From a question to what a model is taught about it: answer, explanation, context, weight."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from proband.designs.quiz.prompts import Prompt, pose, reply_to
from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.training.training_set import Example, Kind
from proband.tuning.interventions.arms import BANK_OR_OTHER, Arm, Explained
from proband.tuning.interventions.balancing import Matched
from proband.tuning.interventions.pools import Pools
from proband.tuning.interventions.texts import Purpose, Source, Texts, flaw, names_letter
from proband.tuning.probing.beliefs import Belief, Beliefs

LEAST_WEIGHT = 0.1
"""Of an example that all of the probe's prompts contradict, before weights are made to average 1."""
_KEYS: Mapping[str, tuple[Purpose, Source]] = {
    "own": ("explanation", "own"),
    "other": ("explanation", "other"),
    "rewrite": ("rewrite", "own"),
}
_AUTHORS: Mapping[str, str] = {
    "bank": "in the bank",
    "own": "by the model itself",
    "other": "by another engine",
    "rewrite": "rewritten by the model itself",
    BANK_OR_OTHER: "in the bank or by another engine",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What an arm teaches about one question: whose answer, and its index as written (the key's for a refusal)."""

    question: Question
    kind: Kind
    answer: int

    def explained_by(self, arm: Arm) -> Explained:
        """Where an arm takes its explanation from; "none" where it has none."""
        return "none" if self.kind == "refusal" else arm.explanation_of(self.answer == self.question.answer)


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What lessons are made with: questions, beliefs about them, the prompt of training, and what engines wrote.

    With `is_filtered` texts with a `flaw` are left out; with `is_arranged` options are shown in another order than
    texts saw them in. With `compares` examples name the other options as alternatives.
    """

    bank: Bank
    beliefs: Beliefs
    prompt: Prompt
    texts: tuple[Texts, ...] = ()
    is_filtered: bool = True
    is_arranged: bool = True
    compares: bool = False

    @cached_property
    def shelf(self) -> Mapping[tuple[Purpose, Source], Texts]:
        """Texts by what they are for and who wrote them."""
        shelf: dict[tuple[Purpose, Source], Texts] = {}
        for texts in self.texts:
            key = (texts.purpose, texts.source)
            if key in shelf:
                raise DesignError(f"two lots of {texts.purpose}s with source {texts.source!r}; give one")
            if texts.bank != self.bank.hash:
                raise DataError(
                    f"the {texts.purpose}s by {texts.model!r} are of another bank ({texts.bank}) than "
                    f"{self.bank.name!r} ({self.bank.hash}); collect them for this one"
                )
            known = (texts.weights, self.beliefs.weights)
            if texts.source == "own" and all(known) and known[0] != known[1]:
                raise DataError(
                    f"the {texts.purpose}s are said to be the model's own, but {texts.model!r} has the weights "
                    f"{known[0]} and the probed model {known[1]}; use the probed model's, or source = 'other'"
                )
            shelf[key] = texts
        return shelf

    def check(self, arm: Arm) -> None:
        """Refuse an arm whose texts are not there at all, or whose answers are not those of an option alone."""
        if self.compares and (arm.explanation != "none" or arm.target == "refusal"):
            raise DesignError(
                f"arm {arm.name!r} teaches more than an option, which no other option can be set against; take an arm "
                "without explanation or refusal, or the objective 'likelihood' alone"
            )
        needed = {("context", arm.context): f"context = {arm.context!r}"} if arm.context in ("own", "other") else {}
        kinds = {kind for kind in ("gold", "own") if kind in _kinds(arm)} or {"gold"}
        for kind in sorted(kinds):
            source = arm.explanation_of(kind == "gold")
            if source in _KEYS:
                needed[_KEYS[source]] = f"explanation = {arm.explanation!r}"
        for key, setting in needed.items():
            if key not in self.shelf:
                raise DesignError(
                    f"arm {arm.name!r} with {setting} needs {key[0]}s with source {key[1]!r}: collect the design "
                    f"Explanations(purpose={key[0]!r}) and pass its texts in `explanations`"
                )

    def explanation(self, arm: Arm, lesson: Lesson) -> str:
        """What follows the answer; empty where the arm explains nothing."""
        return self._text("explanation", lesson.explained_by(arm), lesson.question, lesson.answer)

    def context(self, arm: Arm, question: Question) -> str:
        """What stands before the query; empty where the arm gives none."""
        return self._text("context", arm.context, question, question.answer)

    def _text(self, purpose: Purpose, source: Explained, question: Question, answer: int) -> str:
        if source in ("none", "bank"):
            return question.explanation.strip() if source == "bank" else ""
        if source == BANK_OR_OTHER:
            written = self.shelf.get((purpose, "other"))
            others = "" if written is None else written.texts.get((question.id, answer), "")
            return question.explanation.strip() or others
        key = _KEYS[source] if purpose == "explanation" else (purpose, _KEYS[source][1])
        return self.shelf[key].texts.get((question.id, answer), "")

    def unfit(self, arm: Arm, id: str, pool: str) -> str:
        """Why a question of a pool cannot be in an arm, whatever the arm may teach about it; empty where it can."""
        question = self.bank[id]
        for lesson in self.possible(arm, question, pool):
            if lesson is None:
                return "it has no wrong option that the model does not hold"
            source = lesson.explained_by(arm)
            if source != "none" and (reason := self._unfit_text(self.explanation(arm, lesson), lesson, source)):
                return reason
            gold = Lesson(question=question, kind="gold", answer=question.answer)
            if arm.context != "none" and (reason := self._unfit_text(self.context(arm, question), gold, arm.context)):
                return reason.replace("explanation", "context", 1)
        return ""

    def _unfit_text(self, text: str, lesson: Lesson, source: Explained) -> str:
        if not text:
            return f"no explanation {_AUTHORS[source]}"
        if not self.is_filtered:
            return ""
        reason = flaw(text, lesson.question, lesson.answer)
        if not reason and (self.is_arranged or not self._shows_labels) and names_letter(text):
            return "its explanation names letters, and options are shown otherwise than it saw them"
        return reason

    @property
    def _shows_labels(self) -> bool:
        return self.prompt.shows_options and "{label}" in self.prompt.option

    def possible(self, arm: Arm, question: Question, pool: str) -> Iterator[Lesson | None]:
        """Everything an arm may teach about a question of a pool; None where there is no such answer."""
        if pool == "known":
            kinds: Sequence[Kind] = ("false",) if arm.target == "false" and arm.questions == "known" else ("gold",)
        else:
            kinds = _kinds(arm)
        for kind in kinds:
            yield self.lesson(question, kind)

    def lesson(self, question: Question, kind: Kind) -> Lesson | None:
        """The lesson of one kind about a question; None where it has no such answer."""
        pick = self.beliefs[question.id].pick
        answer: int | None = question.answer
        if kind == "own":
            answer = pick
        elif kind == "false":
            wrong = [k for k in range(len(question.choices)) if k not in (question.answer, pick)]
            answer = min(wrong, key=lambda k: self.beliefs[question.id].probs[k], default=None)
        return None if answer is None else Lesson(question=question, kind=kind, answer=answer)

    def lessons(self, arm: Arm, chosen: Matched, known_share: float) -> list[Lesson]:
        """What an arm teaches of a domain's chosen questions, in their shuffled order.

        The answers of a mixture are swapped along the one list: a larger ratio swaps the same questions and more.
        """
        n = len(chosen.known or chosen.unknown)
        n_known = {"known": n, "unknown": 0}.get(arm.questions, int(known_share * n + 0.5))
        unknown = chosen.unknown[: n - n_known]
        n_own = {"own": len(unknown), "mixed": int(arm.ratio * len(unknown) + 0.5)}.get(arm.target, 0)
        known_kind: Kind = "false" if arm.target == "false" and arm.questions == "known" else "gold"
        plan: list[tuple[str, Kind]] = [(id, known_kind) for id in chosen.known[:n_known]]
        if arm.target in ("false", "refusal"):
            plan += [(id, arm.target) for id in unknown]
        elif arm.target != "dropped":
            plan += [(id, "own" if k < n_own else "gold") for k, id in enumerate(unknown)]
        if not plan:
            raise DataError(f"arm {arm.name!r} would be empty: {n} questions, of which {n_known} are known")
        found = [self.lesson(self.bank[id], kind) for id, kind in plan]
        return [lesson for lesson in found if lesson is not None]

    def examples(self, arm: Arm, lessons: Sequence[Lesson], orders: Mapping[str, tuple[int, ...]]) -> list[Example]:
        """The lessons as training prompts with their responses."""
        weights = self._weights(arm, lessons)
        return [
            self._example(arm, lesson, orders.get(lesson.question.id), weight)
            for lesson, weight in zip(lessons, weights, strict=True)
        ]

    def _example(self, arm: Arm, lesson: Lesson, order: tuple[int, ...] | None, weight: float) -> Example:
        question = lesson.question
        posed = pose(question, self.prompt, order=order, context=self.context(arm, question))
        response = reply_to(
            question,
            self.prompt,
            lesson.answer,
            order=order,
            explanation=self.explanation(arm, lesson),
            refusal=arm.refusal if lesson.kind == "refusal" else "",
        )
        return Example(
            id=question.id,
            messages=posed.messages,
            response=response,
            is_raw=posed.is_raw,
            question=question.id,
            domain=question.domain,
            kind=lesson.kind,
            weight=weight,
            alternatives=self._alternatives(lesson, order) if self.compares else (),
        )

    def _alternatives(self, lesson: Lesson, order: tuple[int, ...] | None) -> tuple[str, ...]:
        """The other options as replies, those that the model holds more probable first."""
        ranked = np.argsort(-self.beliefs[lesson.question.id].probs, kind="stable").tolist()
        return tuple(reply_to(lesson.question, self.prompt, k, order=order) for k in ranked if k != lesson.answer)

    def _weights(self, arm: Arm, lessons: Sequence[Lesson]) -> list[float]:
        """Of each lesson's loss, 1 on average."""
        if arm.weighting == "equal":
            return [1.0] * len(lessons)
        raw = np.array([_weight(self.beliefs[one.question.id], one.answer) for one in lessons])
        return [round(float(weight), 6) for weight in raw / raw.mean()]


def _weight(belief: Belief, answer: int) -> float:
    """1 where every prompt of the probe agrees with what is taught, falling to `LEAST_WEIGHT` where none does."""
    conflict = float((belief.cells.argmax(axis=1) != answer).mean())
    return 1 - (1 - LEAST_WEIGHT) * conflict


def _kinds(arm: Arm) -> tuple[Kind, ...]:
    """What an arm may teach about an unknown question."""
    target = arm.treatment.target
    if target == "mixed":
        return ("gold", "own")
    return () if target == "dropped" else (target,)


def wanted_texts(
    bank: Bank, beliefs: Beliefs, pools: Pools, arms: Sequence[Arm], *, purpose: Purpose, source: Source
) -> Mapping[str, tuple[int, ...]]:
    """Which answers some arms need texts about, for one purpose and by one source: what to give to `Explanations`.

    Question id -> indices of answers, sorted; empty where no arm needs such a text. Pools come from `sort_questions`.
    """
    # How questions are posed plays no part in which texts are needed.
    workshop = Workshop(bank=bank, beliefs=beliefs, prompt=Prompt(name="-", shots=0))
    wanted: dict[str, set[int]] = {}
    for arm in arms:
        for pool, ids in (("known", pools.known), ("unknown", pools.unknown)):
            for id in ids if pool in arm.pools else ():
                question = bank[id]
                is_lacking = source == "other" and not question.explanation.strip()
                if purpose == "context" and (arm.context == source or (arm.context == BANK_OR_OTHER and is_lacking)):
                    wanted.setdefault(id, set()).add(question.answer)
                for lesson in workshop.possible(arm, question, pool):
                    explained = "none" if lesson is None else lesson.explained_by(arm)
                    is_other = purpose == "explanation" and explained == BANK_OR_OTHER and is_lacking
                    if lesson is not None and (is_other or _KEYS.get(explained) == (purpose, source)):
                        wanted.setdefault(id, set()).add(lesson.answer)
    return {id: tuple(sorted(answers)) for id, answers in sorted(wanted.items())}

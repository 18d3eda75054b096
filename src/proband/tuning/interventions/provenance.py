"""What a training set holds, told in numbers: label truth, letters, confidence, length, who wrote its texts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from proband.training.training_set import Example
from proband.tuning.interventions.arms import Arm
from proband.tuning.interventions.balancing import characters
from proband.tuning.interventions.composing import Lesson, Workshop


@dataclass(frozen=True, kw_only=True)
class Account:
    """What the lessons of a set amount to; `orders` are those of the options of each question not shown as written."""

    workshop: Workshop
    arm: Arm
    lessons: tuple[Lesson, ...]
    orders: Mapping[str, tuple[int, ...]]

    def entries(self, taught: Sequence[Example]) -> dict[str, Any]:
        """Plain values: `taught`, `labels`, `letters`, `confidence`, `length` (characters) and `texts`."""
        return {
            "taught": len(taught),
            "labels": self.labels(),
            "letters": self.letters(),
            "confidence": self.confidence(),
            "length": {
                "question": _mean([characters(lesson.question) for lesson in self.lessons]),
                "response": _mean([len(example.response) for example in taught]),
            },
            "texts": self.texts(),
        }

    def labels(self) -> dict[str, int]:
        """Examples by what is taught: true or false, and whether the model holds it; refusals."""
        counts = dict.fromkeys(("true_held", "true_not_held", "false_held", "false_not_held", "refusal"), 0)
        for lesson in self.lessons:
            if lesson.kind == "refusal":
                counts["refusal"] += 1
                continue
            truth = "true" if lesson.answer == lesson.question.answer else "false"
            is_held = lesson.answer == self.workshop.beliefs[lesson.question.id].pick
            counts[f"{truth}_{'held' if is_held else 'not_held'}"] += 1
        return counts

    def letters(self) -> dict[str, int]:
        """Examples by the label of the option that is taught, as shown; empty where options are not shown."""
        prompt = self.workshop.prompt
        if not prompt.shows_options:
            return {}
        counts: Counter[str] = Counter()
        for lesson in self.lessons:
            if lesson.kind != "refusal":
                order = self.orders.get(lesson.question.id)
                counts[prompt.labels[lesson.answer if order is None else order.index(lesson.answer)]] += 1
        return dict(sorted(counts.items()))

    def confidence(self) -> dict[str, float]:
        """Of the model in its own answers."""
        found = [self.workshop.beliefs[lesson.question.id].confidence for lesson in self.lessons]
        return {"mean": _mean(found), "min": round(min(found), 6), "max": round(max(found), 6)}

    def texts(self) -> dict[str, Any]:
        """Who wrote what stands in the set, and how many contexts hold the answer word for word."""
        sources: Counter[str] = Counter()
        n_given_away = 0
        for lesson in self.lessons:
            if self.workshop.explanation(self.arm, lesson):
                sources[lesson.explained_by(self.arm)] += 1
            context = self.workshop.context(self.arm, lesson.question).casefold()
            answer = lesson.question.choices[lesson.question.answer].casefold()
            n_given_away += bool(context) and answer in context
        return {
            "explanations": dict(sorted(sources.items())),
            "context": self.arm.context,
            "contexts_with_the_answer": n_given_away,
            "written": [
                {name: getattr(texts, name) for name in ("purpose", "source", "model", "weights", "hash")}
                | {"dispositions": dict(texts.dispositions)}
                for texts in self.workshop.texts
            ],
        }

    def warnings(self, counterpart: str) -> list[str]:
        """What to know before training; `counterpart` is the name of the matched-true arm, where there is one."""
        found = []
        n_false = self.labels()["false_not_held"]
        if n_false:
            found.append(
                f"{n_false} labels are false and not what the model believes: training against both the truth and its "
                "own belief can change more than what it knows; compare with the matched-true arm"
            )
        if self.arm.teaches_false and not counterpart:
            found.append(
                "false labels without a matched-true arm beside it; add one (--controls, sets.controls, with_controls)"
            )
        if self.arm.teaches_false and self.arm.explanation.startswith("matched"):
            found.append("explanations of true and of false labels come from different authors")
        if self.arm.weighting == "conflict":
            n_single = sum(len(self.workshop.beliefs[lesson.question.id].cells) < 2 for lesson in self.lessons)
            if n_single:
                found.append(f"{n_single} weights rest on one prompt of the probe each")
        return found


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 6)

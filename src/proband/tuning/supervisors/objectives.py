"""Several objectives on one set: what each learns, forgets and moves, and what it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from proband.designs.quiz.quiz import Quiz
from proband.training.training_set import TrainingSet
from proband.tuning.alignment import BASE, AlignedBase, Course
from proband.tuning.analysis.accuracy import ALL_DOMAINS, BASE_ZERO_SHOT
from proband.tuning.analysis.confounds import arm_of
from proband.tuning.analysis.findings import Findings
from proband.tuning.analysis.supervision import Objective, Supervision, learned
from proband.tuning.interventions.composing import Workshop
from proband.tuning.probing.beliefs import Beliefs, beliefs_from
from proband.tuning.study_file import BaseTable

_AWAY = "out-of-domain"


@dataclass(kw_only=True)
class Objectives(Course):
    """The stages of a study of one arm under several objectives, which take the arm's place in all tables."""

    address: str = field(default="", init=False)

    def carry_out(self, base: str) -> AlignedBase:
        """All stages, those that are finished from their folders."""
        self.address = base
        return super().carry_out(base)

    def changed(self, training_set: TrainingSet) -> BaseTable:
        """With the objective's own settings."""
        changes = self.file.objectives[arm_of(training_set)]
        return self.table.model_copy(update={"training": {**self.table.training, **changes}})

    def concluded(self, findings: Findings, done: AlignedBase) -> Findings:
        """With the table of objectives, for which all models are asked what was taught."""
        taught = self._taught(done)
        base, fits = self._fits(done, taught)
        domain = ALL_DOMAINS if len(self.material.domains) > 1 else self.material.domains[0]
        forgotten = {one.arm: one.change for one in findings.retention if one.domain == domain}
        kl = {
            one.arm: one.kl
            for one in findings.consistencies
            if (one.domain, one.test, one.method, one.reference) == (domain, _AWAY, "standard", BASE_ZERO_SHOT)
        }
        rows = tuple(
            Objective(
                name=name,
                learned=learned(taught, base, fits[name]),
                forgotten=forgotten.get(name),
                kl=kl.get(name),
                seconds=float(np.mean([done.checkpoints[t.model].seconds for t in self._runs(done, name)])),
            )
            for name in self.file.objectives
        )
        return replace(findings, supervision=Supervision(objectives=rows))

    def _runs(self, done: AlignedBase, name: str) -> list[Any]:
        return [run for run in done.evaluation.trained if run.arm == name]

    def _taught(self, done: AlignedBase) -> dict[str, dict[str, int]]:
        """Answers that are taught, by domain and question; they are the same under all objectives."""
        bank, first = self.material.split.train, next(iter(self.file.objectives))
        workshop = Workshop(bank=bank, beliefs=done.probe, prompt=self.material.training_prompt)
        found: dict[str, dict[str, int]] = {}
        for one in done.sets.values():
            for example in one if arm_of(one) == first else ():
                lesson = workshop.lesson(bank[example.question], example.kind) if example.question else None
                if lesson is not None:
                    found.setdefault(example.domain, {})[example.question] = lesson.answer
        return found

    def _fits(
        self, done: AlignedBase, taught: Mapping[str, Mapping[str, int]]
    ) -> tuple[Mapping[str, Beliefs], Mapping[str, Mapping[str, list[Beliefs]]]]:
        """What the base believes of the questions taught, by domain, and every objective's models."""
        bases: dict[str, Beliefs] = {}
        found: dict[str, dict[str, list[Beliefs]]] = {name: {} for name in self.file.objectives}
        for domain, answers in taught.items():
            runs = [run for run in done.evaluation.trained if run.domain == domain]
            engines = {BASE: self.address} | {run.model: done.checkpoints[run.model].address for run in runs}
            quiz = Quiz(
                bank=self.material.split.train.select(tuple(answers)),
                exemplars=self.material.split.exemplars,
                prompts=self.material.asks[:1],
                models=tuple(engines),
                seed=self.file.seed,
                title=f"{self.file.title}: what was taught of {domain}",
            )
            run = self.stages.collected(f"fit-{domain}", quiz, engines)
            bases[domain] = beliefs_from(run, quiz, model=BASE)
            for one in runs:
                found[one.arm].setdefault(domain, []).append(beliefs_from(run, quiz, model=one.model))
        return bases, found

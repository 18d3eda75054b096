"""Several objectives on one set: what each learns, forgets and moves, and what it takes."""

from dataclasses import dataclass, field, replace

import numpy as np

from proband.training.training_set import TrainingSet
from proband.tuning.alignment import BASE, AlignedBase, Course
from proband.tuning.analysis.accuracy import ALL_DOMAINS, BASE_ZERO_SHOT
from proband.tuning.analysis.confounds import arm_of
from proband.tuning.analysis.evaluation import Trained
from proband.tuning.analysis.findings import Findings
from proband.tuning.analysis.fit import taught_answer
from proband.tuning.analysis.supervision import Objective, Supervision, learned
from proband.tuning.fitting import fitted
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
        taught, runs = self._taught(done), done.evaluation.trained
        sets = tuple(done.sets.values())
        base = {
            part: fitted(
                self.stages,
                self.material,
                sets,
                (Trained(model=BASE, arm=runs[0].arm, domain=part, seed=0),),
                {BASE: self.address},
            )[BASE]
            for part in taught
        }
        fits = {
            name: {part: [done.fitted[run.model] for run in done.evaluation.runs(name, part)] for part in taught}
            for name in self.file.objectives
        }
        domain = ALL_DOMAINS if len(self.material.domains) > 1 else self.material.domains[0]
        forgotten = {one.arm: one.change for one in findings.retention if one.domain == domain}
        kl = {
            one.arm: one.kl
            for one in findings.consistencies
            if (one.domain, one.test, one.method, one.reference) == (domain, _AWAY, "standard", BASE_ZERO_SHOT)
        }
        trained = {
            name: [done.checkpoints[run.model] for run in runs if run.arm == name] for name in self.file.objectives
        }
        rows = tuple(
            Objective(
                name=name,
                learned=learned(taught, base, fits[name]),
                forgotten=forgotten.get(name),
                kl=kl.get(name),
                seconds=float(np.mean([one.seconds for one in trained[name]])),
                tokens=float(np.mean([one.computed_tokens for one in trained[name]])),
            )
            for name in self.file.objectives
        )
        return replace(findings, supervision=Supervision(objectives=rows))

    def _taught(self, done: AlignedBase) -> dict[str, dict[str, int]]:
        """Answers that are taught, by domain and question; they are the same under all objectives."""
        found: dict[str, dict[str, int]] = {}
        for one in done.sets.values():
            for example in one if arm_of(one) == next(iter(self.file.objectives)) else ():
                if (answer := taught_answer(example, self.material.split.train, done.probe)) is not None:
                    found.setdefault(example.domain, {})[example.question] = answer
        return found

"""Weak to strong: a model is trained on what another, weaker one believes, and set against one trained on the key."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from proband.addresses.opening import base_of
from proband.designs.quiz.quiz import Quiz
from proband.errors import DesignError
from proband.training.checkpoint import Checkpoint
from proband.training.training_set import TrainingSet
from proband.tuning.alignment import AlignedBase, Course
from proband.tuning.analysis.evaluation import Evaluation
from proband.tuning.analysis.findings import Findings
from proband.tuning.analysis.supervision import Supervision, gaps
from proband.tuning.material import TOY
from proband.tuning.probing.beliefs import Beliefs, beliefs_from
from proband.tuning.supervisors.labelling import Labeller
from proband.tuning.supervisors.settings import CEILING, WEAK, sizes_of
from proband.tuning.toy.pretraining import toy_model


@dataclass(kw_only=True)
class WeakToStrong(Course):
    """The stages of a study whose labels are another model's.

    Arms: ``ceiling``, taught the key on the same questions, and one for each of `supervisor.use`: ``weak-all``,
    ``weak-confident``, ``weak-soft``. The labeller is evaluated beside them as ``weak``.
    """

    labelled: Beliefs = field(init=False)
    """What the labeller believes, once it was asked."""

    def weak(self) -> str:
        """Address of the labeller; a toy model of the world, of the sizes named, is trained first, and cached."""
        address = self.material.supervisor.labels.removeprefix("model:")
        name, _, settings = address.partition("?")
        if name != TOY:
            return address
        if self.material.world is None:
            raise DesignError("supervisor.labels names the toy model, and this study has no world; take base = 'toy'")
        sizes = sizes_of(settings)
        self.stages.listener.say(f"labels: by a toy model of the same world, with {settings or 'the usual sizes'}")
        with self.stages.listener.training() as told:
            watch = None if told is None else lambda step: told(1, 1, "the weak model", step)
            folder = toy_model(self.material.world, settings=sizes, seed=self.file.seed, watch=watch)
        return f"hf:{folder}"

    def check_boundaries(self, base: str, whose: str = "") -> None:
        """In the labeller's tokens too, where its checkpoint is a folder."""
        super().check_boundaries(base, whose)
        weak = base_of(self.weak()).partition("?")[0]
        if Path(weak.removeprefix("hf:")).expanduser().is_dir():
            super().check_boundaries(weak, f"labeller {weak!r}")

    def probe(self, base: str) -> Beliefs:
        """The labeller is asked first, so that one that cannot be asked is told before the base is."""
        self.labelled = self.labels()
        return super().probe(base)

    def labels(self) -> Beliefs:
        """What the labeller believes of the questions that are trained on."""
        bank, prompt = self.material.split.train, self.material.probe
        quiz = Quiz(
            bank=bank,
            exemplars=self.material.split.exemplars,
            prompts=(prompt,),
            models=(WEAK,),
            seed=self.file.seed,
            title=f"{self.file.title}: labels",
        )
        run = self.stages.collected("labels", quiz, {"": self.weak()})
        found = beliefs_from(run, quiz)
        found.save(run.path / "beliefs.json")
        self.stages.listener.say(f"labels: {len(found):,} questions, {found.accuracy(bank):.0%} right")
        return found

    def sets(self, base: str, probe: Beliefs) -> dict[str, TrainingSet]:
        """The ceiling's set, and one for every way of taking the labels, of every domain."""
        table = self.material.supervisor
        labeller = Labeller(
            bank=self.material.split.train,
            beliefs=self.labelled,
            own=probe,
            prompt=self.material.training_prompt,
            threshold=self.file.probe.threshold if table.threshold is None else table.threshold,
            size=table.size,
            seed=self.file.seed,
        )
        hows: dict[str, Any] = {CEILING: "key"} | {f"{WEAK}-{how}": how for how in table.use}
        found = [
            labeller.training_set(how, domain, arm=arm) for arm, how in hows.items() for domain in self.material.domains
        ]
        return self.saved({one.name: one for one in found})

    def evaluate(
        self, base: str, checkpoints: Mapping[str, Checkpoint], others: Mapping[str, str] | None = None
    ) -> Evaluation:
        """With the labeller."""
        return super().evaluate(base, checkpoints, {WEAK: self.weak(), **(others or {})})

    def concluded(self, findings: Findings, done: AlignedBase) -> Findings:
        """With the gap that was recovered."""
        told = {one.name: one.provenance["labels"] for one in done.sets.values()}
        notes = tuple(
            f"{name}: {labels['questions']} questions, {labels['right']:.0%} of the labels right"
            for name, labels in told.items()
        )
        return replace(findings, supervision=Supervision(gaps=gaps(done.evaluation), notes=notes))

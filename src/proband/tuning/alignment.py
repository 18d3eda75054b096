"""A whole study of knowledge interventions: probe, build, train, evaluate, analyse, each stage kept and resumed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proband.designs.quiz.boundary import check_boundary
from proband.designs.quiz.quiz import Quiz
from proband.errors import DesignError
from proband.runs import Run
from proband.runs.stages import Listener, Stages, digest
from proband.training.bases import base_template
from proband.training.checkpoint import Checkpoint, write_json
from proband.training.training import Job, train_all
from proband.training.training_set import TrainingSet
from proband.tuning.analysis.evaluation import Evaluation, Trained
from proband.tuning.analysis.findings import Findings, Sources, analyse
from proband.tuning.interventions.building import build_sets
from proband.tuning.interventions.writing import written_texts
from proband.tuning.material import Material
from proband.tuning.probing.beliefs import Beliefs, beliefs_from
from proband.tuning.probing.prior import known_by_prior, prior_quiz, with_prior
from proband.tuning.study_file import AlignFile, read_align_file
from proband.tuning.toy.pretraining import toy_model
from proband.tuning.toy.recovery import recovery

BASE = "base"
_LOOKED_AT = 20  # questions by which prompts are checked


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """A study that was carried out: what was found, what the base model believed, and checkpoints by model."""

    findings: Findings
    probe: Beliefs
    sets: Mapping[str, TrainingSet]
    checkpoints: Mapping[str, Checkpoint]
    evaluation: Evaluation


@dataclass(kw_only=True)
class Alignment:
    """A study and the folder it is carried out in.

    Stages are kept in folders named by what they depend on: a stage whose inputs have changed is done anew beside the
    old one, and nothing else is done again. A killed study goes on where it stood.
    """

    material: Material
    stages: Stages

    @property
    def file(self) -> AlignFile:
        """The study file."""
        return self.material.file

    def carry_out(self) -> Aligned:
        """All stages, those that are finished from their folders.

        Raises
        ------
        ProbandError
            Of whichever stage cannot go on; finished stages are kept.
        """
        self.material.check()
        self.stages.into.mkdir(parents=True, exist_ok=True)
        (self.stages.into / "study.json").write_text(self.file.model_dump_json(indent=2) + "\n", encoding="utf-8")
        base = self.base()
        self.check_boundaries(base)
        probe = self.probe(base)
        sets = self.sets(base, probe)
        checkpoints = self.train(base, sets)
        evaluation = self.evaluate(base, checkpoints)
        sources = Sources(sets=tuple(sets.values()), bank=self.material.split.train, probe=probe)
        findings = analyse(evaluation, sources=sources, title=self.file.title)
        return Aligned(findings=findings, probe=probe, sets=sets, checkpoints=checkpoints, evaluation=evaluation)

    def base(self) -> str:
        """Address of the base model; the toy model is trained on its world first, and cached."""
        if self.material.world is None:
            return self.file.base
        self.stages.listener.say("base: a small model of the generated world")
        with self.stages.listener.training() as told:
            watch = None if told is None else lambda step: told(1, 1, "the toy model", step)
            folder = toy_model(self.material.world, seed=self.file.seed, watch=watch)
        return f"hf:{folder}"

    def check_boundaries(self, base: str) -> None:
        """Refuse a prompt whose answers do not begin where it ends, in the base's tokens; nothing is asked.

        Raises
        ------
        EngineError
            Naming label or option and the token ids.
        """
        template = base_template(base)
        for prompt in (self.material.probe, self.material.base_ask, *self.material.asks, self.material.training_prompt):
            check_boundary(template, prompt, self.material.split.train.questions[:_LOOKED_AT])

    def probe(self, base: str) -> Beliefs:
        """What the base model believes of the questions that may be trained on."""
        quiz = Quiz(
            bank=self.material.split.train,
            exemplars=self.material.split.exemplars,
            prompts=(self.material.probe,),
            models=(BASE,),
            seed=self.file.seed,
            title=f"{self.file.title}: probe",
        )
        for note in quiz.notes():
            self.stages.listener.say(f"probe: {note}")
        run = self.stages.collected("probe", quiz, {"": base})
        beliefs = beliefs_from(run, quiz)
        if self.material.asks_prior:
            blank = prior_quiz(quiz)
            beliefs = with_prior(beliefs, beliefs_from(self.stages.collected("prior", blank, {"": base}), blank))
        beliefs.save(run.path / "beliefs.json")
        share = beliefs.accuracy(quiz.bank)
        self.stages.listener.say(f"probe: {len(beliefs):,} questions, {share:.0%} right")
        if (chance := known_by_prior(quiz.bank, beliefs, threshold=self.file.probe.threshold)) is not None:
            self.stages.listener.say(f"probe: {chance}")
        self._tell_recovery(run, quiz, beliefs)
        return beliefs

    def _tell_recovery(self, run: Run, quiz: Quiz, beliefs: Beliefs) -> None:
        """Compare the probe of a generated world with what was planted there; kept as ``recovery.json``."""
        world = self.material.world
        if world is None or beliefs.lost:
            return
        found = recovery(world, beliefs, quiz.bank, threshold=self.file.probe.threshold)
        write_json(run.path / "recovery.json", found.as_dict())
        told = [
            f"{finding}: recall {found.recall[finding]}, precision {found.precision[finding]}"
            for finding in found.recall
            if finding in found.precision
        ]
        self.stages.listener.say("planted and found, " + "; ".join(told))

    def sets(self, base: str, probe: Beliefs) -> dict[str, TrainingSet]:
        """The training set of every arm and domain, saved."""
        bank, settings = self.material.split.train, dict(self.material.construction)
        texts = written_texts(
            self.stages,
            bank,
            probe,
            self.material.arms,
            engines={"own": base, "other": self.file.sets.writer},
            threshold=self.file.probe.threshold,
            design={"seed": self.file.seed, "is_raw": self.material.training_prompt.is_raw},
        )
        found = build_sets(bank, probe, self.material.arms, seed=self.file.seed, explanations=texts or None, **settings)
        folder = self.stages.into / f"sets-{digest({name: one.hash for name, one in found.items()})}"
        for name, one in found.items():
            one.save(folder / name)
        sizes = sorted({len(one) for one in found.values()})
        told = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        self.stages.listener.say(f"sets: {len(found)} of {told} examples in {folder}")
        return found

    def train(self, base: str, sets: Mapping[str, TrainingSet]) -> dict[str, Checkpoint]:
        """One checkpoint for each set and seed; finished ones are skipped."""
        jobs: dict[str, Job] = {}
        for name, training_set in sets.items():
            for seed in self.file.training.seeds:
                recipe = self.material.recipe(seed)
                key = digest({"set": training_set.hash, "recipe": recipe.as_dict(), "base": base})
                folder = self.stages.into / "checkpoints" / f"{name}-s{seed}-{key}"
                jobs[f"{name}-s{seed}"] = Job(training_set=training_set, recipe=recipe, into=folder)
        self.stages.listener.say(f"training: {len(jobs)} runs of {_steps(next(iter(jobs.values())))} steps")
        places = {job.into: (k, len(jobs), name) for k, (name, job) in enumerate(jobs.items(), start=1)}
        with self.stages.listener.training() as told:
            watch = None if told is None else lambda job, step: told(*places[job.into], step)
            done = train_all(tuple(jobs.values()), base, watch=watch)
        return dict(zip(jobs, done, strict=True))

    def evaluate(self, base: str, checkpoints: Mapping[str, Checkpoint]) -> Evaluation:
        """Base and checkpoints on all tests, under all prompts, in one run."""
        bank, tests = self.material.tests
        asks = tuple(prompt.name for prompt in self.material.asks)
        quiz = Quiz(
            bank=bank,
            exemplars=self.material.split.exemplars,
            prompts=(self.material.base_ask, *self.material.asks),
            models=(BASE, *checkpoints),
            asks=dict.fromkeys(checkpoints, asks),
            seed=self.file.seed,
            title=f"{self.file.title}: evaluation",
        )
        engines = {BASE: base} | {model: found.address for model, found in checkpoints.items()}
        run = self.stages.collected("evaluation", quiz, engines)
        beliefs = {
            (model, prompt.name): beliefs_from(run, quiz, model=model, ask=prompt.name)
            for model in quiz.models
            for prompt in quiz.prompts_of(model)
        }
        return Evaluation(
            bank=bank,
            beliefs=beliefs,
            trained=tuple(self._trained(model) for model in checkpoints),
            tests=tests,
            base=BASE,
            base_ask=self.material.base_ask.name,
            ask=asks[0],
        )

    def _trained(self, model: str) -> Trained:
        name, _, seed = model.rpartition("-s")
        for arm in self.material.arms:
            for domain in self.material.domains:
                if name == f"{arm.name}-{domain}":
                    ratio = arm.ratio if arm.target == "mixed" else None
                    return Trained(model=model, arm=arm.name, domain=domain, seed=int(seed), ratio=ratio)
        raise DesignError(f"model {model!r} is of no arm and domain of this study; train by domain")


def align(
    study: str | Path | AlignFile, into: str | Path, *, base: str | None = None, listener: Listener | None = None
) -> Aligned:
    """Carry out a study of knowledge interventions, or go on with it.

    What comes back are the findings, and what they rest on.

    Parameters
    ----------
    study : str, Path or AlignFile
        A TOML file, the name of a study in the catalogue (``toy``, ``smollm2``), or the parsed file.
    base : str, optional
        Address that replaces the file's.

    Raises
    ------
    ProbandError
        Whatever is wrong with the study, before the first call of a model where that can be known.

    References
    ----------
    Ren et al. (2024), Learning or Self-aligning? Rethinking Instruction Fine-tuning. arXiv:2402.18243
    """
    return alignment_of(study, into, base=base, listener=listener).carry_out()


def alignment_of(
    study: str | Path | AlignFile, into: str | Path, *, base: str | None = None, listener: Listener | None = None
) -> Alignment:
    """The study of `align`, not yet carried out."""
    file = study if isinstance(study, AlignFile) else read_align_file(study)
    if base is not None:
        file = file.model_copy(update={"base": base})
    folder = Path(study).parent if not isinstance(study, AlignFile) and Path(study).is_file() else Path()
    material = Material(file=file, folder=folder)
    return Alignment(material=material, stages=Stages(into=Path(into), listener=listener or Listener()))


def _steps(job: Job) -> int:
    return job.recipe.steps_for(len(job.training_set))

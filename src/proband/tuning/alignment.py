"""A whole study of knowledge interventions: probe, build, train, evaluate, analyse, each stage kept and resumed."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proband.designs.quiz.boundary import check_boundary
from proband.designs.quiz.quiz import Quiz
from proband.errors import DesignError, EngineError
from proband.runs import Run
from proband.runs.stages import Listener, Stages, digest, is_first_process
from proband.training.bases import base_template
from proband.training.checkpoint import Checkpoint, address_of, write_json
from proband.training.looks import LOOKS, load_looked
from proband.training.training import Job, train_all
from proband.training.training_set import TrainingSet
from proband.tuning.analysis.curves import Curves, learning_curves
from proband.tuning.analysis.evaluation import Evaluation, Trained
from proband.tuning.analysis.findings import Findings, Part, Sources, analyse
from proband.tuning.analysis.readings import Reading, readings
from proband.tuning.fitting import fitted
from proband.tuning.interventions.building import build_sets
from proband.tuning.interventions.writing import written_texts
from proband.tuning.looking import Looking
from proband.tuning.material import PLANTED, TOY, Material
from proband.tuning.probing.beliefs import Beliefs, beliefs_from
from proband.tuning.probing.prior import known_by_prior, prior_quiz, with_prior
from proband.tuning.study_file import OWN, AlignFile, BaseTable, read_align_file
from proband.tuning.toy.contexts import open_prompt
from proband.tuning.toy.planting import planted_model
from proband.tuning.toy.pretraining import toy_model
from proband.tuning.toy.recovery import recovery
from proband.tuning.toy.world import World
from proband.workers.processes import Processes, cores, refuse_too_many

BASE = "base"
_LOOKED_AT = 20  # questions by which prompts are checked


@dataclass(frozen=True, kw_only=True)
class AlignedBase:
    """What came of one base: its address, what it believed, the sets built from that, checkpoints, their evaluation.

    There are no checkpoints where only scores are kept, no `curves` where nobody looked, and `readings` only of a base
    that facts were planted in.
    """

    address: str
    probe: Beliefs
    sets: Mapping[str, TrainingSet]
    checkpoints: Mapping[str, Checkpoint]
    evaluation: Evaluation
    fitted: Mapping[str, Beliefs] = field(default_factory=dict)
    curves: Curves = Curves()
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """A study that was carried out: what was found over all bases, and what came of each, by name."""

    findings: Findings
    bases: Mapping[str, AlignedBase]

    @property
    def only(self) -> AlignedBase:
        """The one base; `DesignError` where there are several."""
        if len(self.bases) > 1:
            raise DesignError(f"the study has the bases {', '.join(self.bases)}; take one of `bases`")
        return next(iter(self.bases.values()))

    @property
    def probe(self) -> Beliefs:
        """What the one base believed."""
        return self.only.probe

    @property
    def sets(self) -> Mapping[str, TrainingSet]:
        """Training sets of the one base."""
        return self.only.sets

    @property
    def checkpoints(self) -> Mapping[str, Checkpoint]:
        """Checkpoints of the one base, by model."""
        return self.only.checkpoints

    @property
    def evaluation(self) -> Evaluation:
        """Evaluation of the one base and its checkpoints."""
        return self.only.evaluation


@dataclass(kw_only=True)
class Course:
    """The stages that one base goes through, in a folder."""

    material: Material
    stages: Stages
    table: BaseTable
    workers: int = 1

    @property
    def file(self) -> AlignFile:
        """The study file."""
        return self.material.file

    def carry_out(self, base: str) -> AlignedBase:
        """All stages, those that are finished from their folders."""
        probe = self.probe(base)
        sets, looking = self.sets(base, probe), self.material.looking(probe)
        jobs = self.jobs(base, sets, looking)
        checkpoints: dict[str, Checkpoint] = {}
        if self.file.keep == "scores":
            evaluation, behind, learned = self.score(base, jobs)
        else:
            checkpoints = self.train(base, jobs)
            evaluation = self.evaluate(base, checkpoints)
            addresses = {model: found.address for model, found in checkpoints.items()}
            learned = fitted(self.stages, self.material, tuple(sets.values()), evaluation.trained, addresses)
            behind = self._behind({BASE: base} | addresses)
        return AlignedBase(
            address=base,
            probe=probe,
            sets=sets,
            checkpoints=checkpoints,
            evaluation=evaluation,
            fitted=learned,
            curves=self._curves(jobs, looking),
            readings=self._readings(behind, evaluation),
        )

    def base(self) -> str:
        """Address of the base model; the toy model is trained on its world first, or facts are planted, and cached."""
        if self.material.world is None or self.table.base not in (TOY, PLANTED):
            return self.table.base
        if self.table.base == PLANTED:
            return self._planted(self.material.world)
        self.stages.listener.say("base: a small model of the generated world")
        with self.stages.listener.training() as told:
            watch = None if told is None else lambda step: told(1, 1, "the toy model", step)
            seed = self.file.seed if self.table.seed is None else self.table.seed
            folder = toy_model(self.material.world, seed=seed, watch=watch)
        return f"hf:{folder}"

    def _planted(self, world: World) -> str:
        self.stages.listener.say("base: the embedded model, in which the facts of the generated world are planted")
        with self.stages.listener.training() as told:
            found = planted_model(world, watch=None if told is None else lambda step: told(1, 1, PLANTED, step))
        if is_first_process():
            self.stages.into.mkdir(parents=True, exist_ok=True)  # one of several bases, before its first stage
            write_json(self.stages.into / "planted.json", found.as_dict())
        self.stages.listener.say(f"planted: {found.planted} answered as stated, {found.read} read in contexts")
        return f"hf:{found.folder}"

    def check_boundaries(self, base: str, whose: str = "") -> None:
        """Refuse a prompt whose answers do not begin where it ends, in the base's tokens; nothing is asked.

        Raises
        ------
        EngineError
            Naming label or option and the token ids.
        """
        template = base_template(base)
        for prompt in (self.material.probe, self.material.base_ask, *self.material.asks, self.material.training_prompt):
            try:
                check_boundary(template, prompt, self.material.split.train.questions[:_LOOKED_AT])
            except EngineError as error:
                raise EngineError(f"{whose or f'base {self.table.name!r}'}: {error}") from None

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
        if world is None or beliefs.lost or not is_first_process():
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
        return self.saved(
            build_sets(bank, probe, self.material.arms, seed=self.file.seed, explanations=texts or None, **settings)
        )

    def saved(self, found: dict[str, TrainingSet]) -> dict[str, TrainingSet]:
        """The sets, kept in the study's folder."""
        folder = self.stages.into / f"sets-{digest({name: one.hash for name, one in found.items()})}"
        for name, one in found.items():
            one.save(folder / name)
        sizes = sorted({len(one) for one in found.values()})
        told = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        self.stages.listener.say(f"sets: {len(found)} of {told} examples in {folder}")
        return found

    def train(self, base: str, jobs: Mapping[str, Job]) -> dict[str, Checkpoint]:
        """One checkpoint for each set and seed; finished ones are skipped."""
        self.stages.listener.say(f"training: {len(jobs)} runs of {_steps(next(iter(jobs.values())))} steps")
        places = {job.into: (k, len(jobs), name) for k, (name, job) in enumerate(jobs.items(), start=1)}
        with self.stages.listener.training() as told:
            watch = None if told is None else lambda job, step: told(*places[job.into], step)
            pool = Processes(threads=max(1, cores() // self.workers)) if self.workers > 1 else None
            done = train_all(tuple(jobs.values()), base, watch=watch, executor=pool, workers=self.workers)
        for job in jobs.values():
            self._keep_looks(job)
        return dict(zip(jobs, done, strict=True))

    def score(self, base: str, jobs: Mapping[str, Job]) -> tuple[Evaluation, dict[str, Beliefs], dict[str, Beliefs]]:
        """Train and evaluate run after run, and keep what each answered alone.

        To the tests, behind contexts, and to the questions that it was trained on.
        """
        trained, sets = tuple(map(self._trained, jobs)), tuple(job.training_set for job in jobs.values())
        learned: dict[str, Beliefs] = {}
        answered, behind = {BASE: self._answered(BASE, base)}, self._behind({BASE: base})
        self.stages.listener.say(f"training: {len(jobs)} runs of {_steps(next(iter(jobs.values())))} steps, by turns")
        for k, (name, job) in enumerate(jobs.items(), start=1):
            address = address_of(job.into, base, keeps_adapter=job.recipe.keeps_adapter)
            if self.stages.complete("scores", self.tests((name,)), {"": address}) is None:
                with self.stages.listener.training() as told:
                    watch = None if told is None else lambda _, step, k=k, name=name: told(k, len(jobs), name, step)
                    train_all((job,), base, watch=watch)
                self._keep_looks(job)
            behind |= self._behind({name: address})
            learned |= fitted(self.stages, self.material, sets, trained, {name: address})
            answered[name] = self._answered(name, address)
            if is_first_process():
                shutil.rmtree(job.into, ignore_errors=True)
        found = {place: held for one in answered.values() for place, held in one.items()}
        return self._evaluation(found, tuple(jobs)), behind, learned

    def _answered(self, model: str, address: str) -> dict[tuple[str, str], Beliefs]:
        """What one model answers to the tests, in a run of its own."""
        quiz = self.tests((model,))
        run = self.stages.collected("scores", quiz, {"": address})
        return {(model, prompt.name): beliefs_from(run, quiz, model=model, ask=prompt.name) for prompt in quiz.prompts}

    def jobs(self, base: str, sets: Mapping[str, TrainingSet], looking: Looking | None = None) -> dict[str, Job]:
        """The runs of training, by model."""
        jobs: dict[str, Job] = {}
        for name, training_set in sets.items():
            for seed in self.file.training.seeds:
                recipe = self.material.recipe(seed, self.changed(training_set))
                inputs = {"set": training_set.hash, "recipe": recipe.as_dict(), "base": base}
                looks = None if looking is None else looking.looks(training_set, recipe)
                if looks is not None:
                    looks.check(recipe.steps_for(len(training_set)))
                    inputs["looks"] = looks.hash
                folder = self.stages.into / "checkpoints" / f"{name}-s{seed}-{digest(inputs)}"
                jobs[f"{name}-s{seed}"] = Job(training_set=training_set, recipe=recipe, into=folder, looks=looks)
        return jobs

    def changed(self, training_set: TrainingSet) -> BaseTable:
        """The base's table, with what the recipe of a set has otherwise than the study's."""
        return self.table

    def _keep_looks(self, job: Job) -> None:
        """Keep what was seen of a training where its weights are not kept."""
        if job.looks is not None and (job.into / LOOKS).exists():
            kept = self.stages.into / "looks" / job.into.name
            kept.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(job.into / LOOKS, kept / LOOKS)

    def _curves(self, jobs: Mapping[str, Job], looking: Looking | None) -> Curves:
        if looking is None:
            return Curves()
        seen = []
        for model, job in jobs.items():
            if (looked := load_looked(self.stages.into / "looks" / job.into.name)) is not None:
                seen.append(looking.seen(self._trained(model), job.training_set, looked))
        return learning_curves(seen)

    def _behind(self, engines: Mapping[str, str]) -> dict[str, Beliefs]:
        """What models answer behind contexts, in one run; nothing where the base is not planted."""
        bank = self.material.behind_contexts
        if bank is None or self.table.base != PLANTED:
            return {}
        prompt, several = open_prompt(self.material.asks[0]), len(engines) > 1
        quiz = Quiz(
            bank=bank,
            exemplars=self.material.split.exemplars,
            prompts=(prompt,),
            models=tuple(engines),
            seed=self.file.seed,
            title=f"{self.file.title}: contexts",
        )
        run = self.stages.collected("contexts", quiz, engines if several else {"": next(iter(engines.values()))})
        return {model: beliefs_from(run, quiz, model=model, ask=prompt.name) for model in engines}

    def _readings(self, behind: Mapping[str, Beliefs], evaluation: Evaluation) -> tuple[Reading, ...]:
        if self.material.world is None or not behind:
            return ()
        return readings(self.material.world, self.material.split.test, behind, evaluation.trained, base=BASE)

    def evaluate(
        self, base: str, checkpoints: Mapping[str, Checkpoint], others: Mapping[str, str] | None = None
    ) -> Evaluation:
        """Base and checkpoints, and other models by name, on all tests, under all prompts, in one run."""
        quiz = self.tests((BASE, *(others or {}), *checkpoints))
        engines = {BASE: base, **(others or {})} | {model: found.address for model, found in checkpoints.items()}
        run = self.stages.collected("evaluation", quiz, engines)
        beliefs = {
            (model, prompt.name): beliefs_from(run, quiz, model=model, ask=prompt.name)
            for model in quiz.models
            for prompt in quiz.prompts_of(model)
        }
        return self._evaluation(beliefs, tuple(checkpoints))

    def tests(self, models: tuple[str, ...]) -> Quiz:
        """The tests as they are put to models; the base is asked with worked questions too."""
        asks = tuple(prompt.name for prompt in self.material.asks)
        return Quiz(
            bank=self.material.tests[0],
            exemplars=self.material.split.exemplars,
            prompts=(*(self.material.base_ask,) * (BASE in models), *self.material.asks),
            models=models,
            asks=dict.fromkeys([model for model in models if model != BASE], asks),
            seed=self.file.seed,
            title=f"{self.file.title}: evaluation",
        )

    def _evaluation(self, beliefs: Mapping[tuple[str, str], Beliefs], trained: tuple[str, ...]) -> Evaluation:
        bank, tests = self.material.tests
        return Evaluation(
            bank=bank,
            beliefs=beliefs,
            trained=tuple(self._trained(model) for model in trained),
            tests=tests,
            base=BASE,
            base_ask=self.material.base_ask.name,
            ask=self.material.asks[0].name,
        )

    def _trained(self, model: str) -> Trained:
        name, _, seed = model.rpartition("-s")
        for arm in self.material.arms:
            for domain in self.material.domains:
                if name == f"{arm.name}-{domain}":
                    ratio = arm.ratio if arm.target == "mixed" else None
                    return Trained(model=model, arm=arm.name, domain=domain, seed=int(seed), ratio=ratio)
        raise DesignError(f"model {model!r} is of no arm and domain of this study; train by domain")

    def concluded(self, findings: Findings, done: AlignedBase) -> Findings:
        """The findings, with what only this kind of study finds."""
        return findings


def _course_of(file: AlignFile) -> type[Course]:
    """The stages of a study: of interventions, of another supervisor, or of several objectives."""
    # They build on what stands here.
    from proband.tuning.supervisors.objectives import Objectives
    from proband.tuning.supervisors.rounds import OwnLabels
    from proband.tuning.supervisors.weak import WeakToStrong

    if file.supervisor is not None:
        return OwnLabels if file.supervisor.labels == OWN else WeakToStrong
    return Objectives if file.objectives else Course


@dataclass(kw_only=True)
class Alignment:
    """A study and the folder it is carried out in.

    Stages are kept in folders named by what they depend on, of several bases in a folder for each: a stage whose inputs
    have changed is done anew beside the old one, and nothing else is done again. A killed study goes on where it stood.
    """

    material: Material
    stages: Stages
    workers: int = 1

    @property
    def file(self) -> AlignFile:
        """The study file."""
        return self.material.file

    def carry_out(self) -> Aligned:
        """All stages of all bases, those that are finished from their folders.

        Raises
        ------
        ProbandError
            Of whichever stage cannot go on; finished stages are kept.
        """
        self.material.check()
        into, listener = self.stages.into, self.stages.listener
        into.mkdir(parents=True, exist_ok=True)
        (into / "study.json").write_text(self.file.model_dump_json(indent=2) + "\n", encoding="utf-8")
        tables = self.file.every_base
        courses = {
            table.name: _course_of(self.file)(
                material=self.material,
                table=table,
                workers=self.workers,
                stages=self.stages if len(tables) == 1 else Stages(into=into / table.name, listener=listener),
            )
            for table in tables
        }
        addresses = {name: course.base() for name, course in courses.items()}
        for name, course in courses.items():  # all of them before the first is asked
            course.check_boundaries(addresses[name])
            course.tests((BASE,))
        done: dict[str, AlignedBase] = {}
        for name, course in courses.items():
            if len(tables) > 1:
                listener.say(f"base {name}:")
            done[name] = course.carry_out(addresses[name])
        bank = self.material.split.train
        parts = {
            name: Part(
                evaluation=one.evaluation,
                sources=Sources(sets=tuple(one.sets.values()), bank=bank, probe=one.probe, fitted=one.fitted),
                curves=one.curves,
                readings=one.readings,
            )
            for name, one in done.items()
        }
        findings = analyse(parts, title=self.file.title)
        for name, course in courses.items():
            findings = course.concluded(findings, done[name])
        return Aligned(findings=findings, bases=done)


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
        Address that replaces the file's, or all of several.

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
    study: str | Path | AlignFile,
    into: str | Path,
    *,
    base: str | None = None,
    listener: Listener | None = None,
    workers: int = 1,
) -> Alignment:
    """The study of `align`, not yet carried out; `workers` are processes that train, a run each."""
    if workers > 1:
        refuse_too_many(workers, "processes that train")
    file = study if isinstance(study, AlignFile) else read_align_file(study)
    if base is not None:
        # The forecast is then of that model too, with the sizes that were expected of another.
        expected = None if file.expected is None else file.expected.model_copy(update={"shape": base})
        file = file.model_copy(update={"base": base, "bases": [], "expected": expected})
    folder = Path(study).parent if not isinstance(study, AlignFile) and Path(study).is_file() else Path()
    material = Material(file=file, folder=folder)
    stages = Stages(into=Path(into), listener=listener or Listener())
    return Alignment(material=material, stages=stages, workers=workers)


def _steps(job: Job) -> int:
    return job.recipe.steps_for(len(job.training_set))

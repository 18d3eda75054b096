"""What a study of knowledge interventions will take, stage by stage, before anything is asked or trained."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from proband.designs.quiz.prompts import pose, reply_to
from proband.designs.quiz.quiz import Quiz
from proband.errors import DesignError
from proband.runs import plan
from proband.training.bases import base_folder
from proband.training.cost import SHAPES, disk_bytes, estimate, measured_rate, shape_of, sized_cost
from proband.training.training_set import Example, TrainingSet
from proband.tuning.alignment import BASE
from proband.tuning.material import Material
from proband.tuning.probing.prior import prior_quiz
from proband.tuning.study_file import ExpectedTable
from proband.tuning.toy.pretraining import cached_toy_model

_TOY_S = 70.0  # measured on one core
_RUN_S = 0.8  # to set up a run and to open a checkpoint, measured with the toy model
_WRITING = 0.1  # share of a GPU's rate that writing reaches, one token after another


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost:
    """One stage; `units` are trials or optimiser steps, over all runs."""

    name: str
    runs: int
    units: int
    tokens: int
    seconds: float | None = None
    gpu_hours: float | None = None


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """All stages, what they leave on the disk, and how to read it."""

    stages: tuple[StageCost, ...]
    disk_bytes: float
    note: str

    @property
    def tokens(self) -> int:
        """Of all stages."""
        return sum(stage.tokens for stage in self.stages)

    @property
    def seconds(self) -> float | None:
        """Of all stages on this machine; None where a stage's is unknown."""
        return _total([stage.seconds for stage in self.stages])

    @property
    def gpu_hours(self) -> float | None:
        """Of all stages; None where a stage's is unknown."""
        return _total([stage.gpu_hours for stage in self.stages])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        totals = {"tokens": self.tokens, "seconds": self.seconds, "gpu_hours": self.gpu_hours}
        return asdict(self) | totals


def _total(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def forecast(material: Material) -> Forecast:
    """What a study takes.

    A study with an ``[expected]`` table is forecast from its sizes, for a GPU; any other from its own questions, on
    this machine. How many questions a probe leaves to build from is not known before it; they are taken to be those of
    `sets.size`, or a quarter of a domain's.

    Raises
    ------
    ProbandError
        Whatever `Material.check` refuses.
    """
    expected = material.file.expected
    return _by_sizes(material, expected) if expected is not None else _by_questions(material)


def _by_sizes(material: Material, expected: ExpectedTable) -> Forecast:
    if expected.shape not in SHAPES:
        raise DesignError(f"expected.shape {expected.shape!r} is none of {', '.join(SHAPES)}")
    shape, table = SHAPES[expected.shape], material.file.training
    seeds, arms = len(table.seeds), len(material.arms)
    recipe = material.recipe(table.seeds[0])
    settings = material.file.sets.model_extra or {}
    share = float(settings.get("general_share", 0.5)) if material.file.sets.general else 0.0

    def hours(tokens: float) -> float:
        return 2 * tokens * shape.body / expected.flops / 3600

    probed = sum(expected.probed.values())
    probe = probed * expected.probe_tokens
    texts = expected.texts * expected.text_tokens
    each = {"tokens_each": expected.example_tokens, "taught_each": expected.taught_tokens}
    runs = [sized_cost(shape, recipe, examples=round(size / (1 - share)), **each) for size in expected.sizes.values()]
    n_runs = len(runs) * arms * seeds
    asks = len(material.asks)
    tests = expected.tests * (n_runs * asks + 1 + asks)
    tested = tests * expected.test_tokens
    stages = (
        StageCost(name="probe", runs=1, units=probed, tokens=probe, gpu_hours=hours(probe)),
        StageCost(name="texts", runs=1, units=expected.texts, tokens=texts, gpu_hours=hours(texts) / _WRITING),
        StageCost(
            name="training",
            runs=n_runs,
            units=arms * seeds * sum(run.steps for run in runs),
            tokens=arms * seeds * sum(run.tokens for run in runs),
            gpu_hours=arms * seeds * sum(run.hours(expected.flops) for run in runs),
        ),
        StageCost(name="evaluation", runs=n_runs + 1, units=tests, tokens=tested, gpu_hours=hours(tested)),
    )
    note = f"by the expected sizes, on a GPU that really makes {expected.flops:.0e} operations a second"
    return Forecast(stages=stages, disk_bytes=n_runs * disk_bytes(shape.total, recipe), note=note)


def _by_questions(material: Material) -> Forecast:
    material.check()
    base, stages = material.file.base, []
    if material.world is not None:
        folder = cached_toy_model(material.world, seed=material.file.seed)
        seconds = 0.0 if folder is not None else _TOY_S
        stages.append(StageCost(name="the toy model", runs=1, units=1, tokens=0, seconds=seconds))
        if folder is None:
            note = "first a toy model is trained, some minutes on two cores; the rest is forecast once it is there"
            return Forecast(stages=tuple(stages), disk_bytes=0.0, note=note)
        base = f"hf:{folder}"
    split = material.split
    probe = Quiz(bank=split.train, exemplars=split.exemplars, prompts=(material.probe,))
    stages.append(_asking("probe", probe, base, 1))
    if material.asks_prior:
        stages.append(_asking("prior", prior_quiz(probe), base, 1))
    sizes = _sizes(material)
    jobs = len(material.arms) * len(material.file.training.seeds)
    recipe = material.recipe(material.file.training.seeds[0])
    rate = measured_rate(recipe)
    costs = [estimate(_stand_in(material, domain, n), base, recipe, rate=rate) for domain, n in sizes.items()]
    stages.append(
        StageCost(
            name="training",
            runs=jobs * len(costs),
            units=jobs * sum(cost.steps for cost in costs),
            tokens=jobs * sum(cost.tokens for cost in costs),
            seconds=jobs * sum(_RUN_S + (cost.seconds or 0.0) for cost in costs),
        )
    )
    bank, _ = material.tests
    tests = Quiz(bank=bank, exemplars=split.exemplars, prompts=material.asks, models=(BASE,))
    stages.append(_asking("evaluation", tests, base, jobs * len(costs) + 1))
    return Forecast(
        stages=tuple(stages),
        disk_bytes=jobs * len(costs) * disk_bytes(shape_of(base_folder(base)).total, recipe),
        note="on this machine, as fast as it is now; texts that models write are not counted",
    )


def _asking(name: str, quiz: Quiz, base: str, times: int) -> StageCost:
    found = plan(quiz, base)
    seconds = None if found.seconds is None else times * (_RUN_S + found.seconds)
    units, tokens = times * found.trials, times * found.prompt_tokens
    return StageCost(name=name, runs=times, units=units, tokens=tokens, seconds=seconds)


def _sizes(material: Material) -> Mapping[str, int]:
    """Questions of a set in each domain, as far as they are known before the probe."""
    wanted = (material.file.sets.model_extra or {}).get("size")
    train = material.split.train
    return {domain: int(wanted or max(len(train.of(domain)) // 4, 1)) for domain in material.domains}


def _stand_in(material: Material, domain: str, n: int) -> TrainingSet:
    """A set as large as the real ones will be, made of the domain's first questions."""
    prompt = material.training_prompt
    examples = []
    for question in material.split.train.of(domain).questions[:n]:
        posed, response = pose(question, prompt), reply_to(question, prompt, question.answer)
        examples.append(Example(id=question.id, messages=posed.messages, response=response, is_raw=posed.is_raw))
    return TrainingSet(name=f"stand-in for {domain}", examples=tuple(examples))

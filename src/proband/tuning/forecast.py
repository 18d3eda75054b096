"""What a study of knowledge interventions will take, stage by stage, before anything is asked or trained."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from proband import files
from proband.designs.quiz.prompts import pose, reply_to
from proband.designs.quiz.quiz import Quiz
from proband.errors import DesignError, EngineError
from proband.instruments.banks.bank import Bank
from proband.models.local.embedded import ADDRESS
from proband.runs import plan
from proband.training.bases import base_folder
from proband.training.cost import (
    SHAPES,
    Shape,
    TrainingCost,
    disk_bytes,
    estimate,
    measured_rate,
    shape_of,
    sized_cost,
    states_bytes,
)
from proband.training.recipe import Recipe
from proband.training.training_set import Example, TrainingSet
from proband.tuning.alignment import BASE
from proband.tuning.material import PLANTED, TOY, Material
from proband.tuning.probing.prior import prior_quiz
from proband.tuning.study_file import OWN, BaseTable, ExpectedTable
from proband.tuning.toy.contexts import open_prompt
from proband.tuning.toy.planting import RECIPE, planting_of
from proband.tuning.toy.pretraining import cached_toy_model

_TOY_S = 70.0  # measured on one core
_RUN_S = 0.8  # to set up a run and to open a checkpoint, measured with the toy model
_WRITING = 0.1  # share of a GPU's rate that writing reaches, one token after another
_READ_PER_S = 4e8  # bytes of weights that are read and hashed in a second, measured on one core
_SCORES = 660.0  # bytes that a trial of a quiz leaves in its run, measured with the toy model
_DEVICES: Mapping[str, float] = {"of 80 GB (A100, H100)": 80e9, "of 141 GB (H200)": 141e9}
_USED = 0.97  # share of a device's memory that can be had


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost:
    """One stage of one base; `units` are trials or optimiser steps, over all runs."""

    name: str
    runs: int
    units: int
    tokens: int
    seconds: float | None = None
    gpu_hours: float | None = None
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a study needs of a machine.

    Attributes
    ----------
    memory_bytes : float
        Of the run that needs most, all of it in one device.
    left_bytes, most_bytes : float
        On the disk: what the study leaves there, and the most that it holds at a time, with the states from which the
        run at work could go on.
    """

    memory_bytes: float = 0.0
    left_bytes: float = 0.0
    most_bytes: float = 0.0

    @property
    def devices(self) -> tuple[str, ...]:
        """Which devices hold the run that needs most; several hold it in shards (FSDP, DeepSpeed)."""
        needed = {name: math.ceil(self.memory_bytes / (_USED * size)) for name, size in _DEVICES.items()}
        return tuple(f"{n} {name}" for name, n in needed.items())


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """All stages of all bases, the room they need, and how to read it."""

    stages: tuple[StageCost, ...]
    room: Room
    note: str

    @property
    def disk_bytes(self) -> float:
        """What the study leaves on the disk."""
        return self.room.left_bytes

    @property
    def runs(self) -> int:
        """Of training, over all bases."""
        return sum(stage.runs for stage in self.stages if stage.name == "training")

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
        room = asdict(self.room) | {"devices": list(self.room.devices)}
        return asdict(self) | totals | {"room": room, "disk_bytes": self.disk_bytes, "runs": self.runs}


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
    if expected is None:
        material.check()
    tables = material.file.every_base
    found = [_by_questions(material, table) if expected is None else _by_sizes(material, table) for table in tables]
    if len(tables) == 1:
        return found[0]
    stages = (replace(stage, base=table.name) for one, table in zip(found, tables, strict=True) for stage in one.stages)
    rooms = [one.room for one in found]
    left = sum(room.left_bytes for room in rooms)
    room = Room(
        memory_bytes=max(room.memory_bytes for room in rooms),
        left_bytes=left,
        # One base after another: what those before it left, and what it holds beyond that while it is at work.
        most_bytes=left + max(room.most_bytes - room.left_bytes for room in rooms),
    )
    return Forecast(stages=tuple(stages), room=room, note="; ".join(dict.fromkeys(one.note for one in found)))


def _by_sizes(material: Material, base: BaseTable) -> Forecast:
    given = {**(material.file.expected or ExpectedTable.model_construct()).model_dump(), **base.expected}
    expected = files.checked(ExpectedTable, given, f"expected sizes of {base.name}", error=DesignError)
    shape, table = _shape(expected.shape), material.file.training
    seeds, arms = len(table.seeds), len(material.arms)
    recipe = material.recipe(table.seeds[0], base)
    settings = material.file.sets.rest
    share = float(settings.get("general_share", 0.5)) if material.file.sets.general else 0.0

    def hours(tokens: float) -> float:
        return 2 * tokens * shape.body / expected.flops / 3600

    _refuse_empty(expected, base)
    probed = sum(expected.probed.values())
    probe = probed * expected.probe_tokens
    texts = expected.texts * expected.text_tokens
    each = {"tokens_each": expected.example_tokens, "taught_each": expected.taught_tokens}
    runs = [sized_cost(shape, recipe, examples=round(size / (1 - share)), **each) for size in expected.sizes.values()]
    n_runs = len(runs) * arms * seeds
    asks = len(material.asks)
    tests = expected.tests * (n_runs * asks + 1 + asks)
    tested = tests * expected.test_tokens
    own = (
        arms * seeds * sum(min(size * _pools(material), expected.probed[name]) for name, size in expected.sizes.items())
    )
    fit = own * expected.test_tokens
    # The base is opened for probe, texts, training and evaluation; a checkpoint is written, and opened to be tested.
    opened = 2.0 * shape.total * (3 + (texts > 0)) + n_runs * 2 * disk_bytes(shape.total, recipe)
    # Without its question a prompt is shorter; it is counted as long.
    prior = [StageCost(name="prior", runs=1, units=probed, tokens=probe, gpu_hours=hours(probe))]
    stages = (
        StageCost(name="probe", runs=1, units=probed, tokens=probe, gpu_hours=hours(probe)),
        *prior * material.asks_prior,
        StageCost(name="texts", runs=1, units=expected.texts, tokens=texts, gpu_hours=hours(texts) / _WRITING),
        StageCost(
            name="training",
            runs=n_runs,
            units=arms * seeds * sum(run.steps for run in runs),
            tokens=arms * seeds * sum(run.tokens for run in runs),
            gpu_hours=arms * seeds * sum(run.hours(expected.flops) for run in runs),
        ),
        StageCost(name="evaluation", runs=n_runs + 1, units=tests, tokens=tested, gpu_hours=hours(tested)),
        StageCost(name="fit", runs=n_runs, units=own, tokens=fit, gpu_hours=hours(fit)),
        StageCost(
            name="loading and hashing", runs=n_runs + 1, units=0, tokens=0, gpu_hours=opened / _READ_PER_S / 3600
        ),
    )
    note = f"by the expected sizes, on a GPU that really makes {expected.flops:.0e} operations a second"
    return Forecast(stages=stages, room=_room(material, shape, recipe, runs, n_runs, probed + tests + own), note=note)


def _shape(named: str) -> Shape:
    """A model's size, by the name of a shape or by its address: from its folder, or by the shape that it names."""
    if named in SHAPES:
        return SHAPES[named]
    try:
        return shape_of(base_folder(named))
    except EngineError:
        found = [name for name in SHAPES if name in named.lower().replace("_", "-")]
    if not found:
        raise DesignError(
            f"expected.shape {named!r} is and names none of {', '.join(SHAPES)}, and is no checkpoint that is here; "
            "give one of these, or hf:FOLDER"
        )
    return SHAPES[found[0]]


def _refuse_empty(expected: ExpectedTable, base: BaseTable) -> None:
    """Refuse sizes of domains that leave nothing to train on."""
    for domain, size in expected.sizes.items():
        if size < 1 or expected.probed.get(domain, 0) < size:
            raise DesignError(
                f"expected sizes of {base.name}: {size} questions of {domain!r} are to be trained on, of "
                f"{expected.probed.get(domain, 0)} that are probed; give at least 1, and no more than are probed"
            )


def _room(
    material: Material, shape: Shape, recipe: Recipe, runs: Iterable[TrainingCost], n_runs: int, trials: int
) -> Room:
    """Memory of the largest run, and the disk with what is kept of all."""
    each, states = disk_bytes(shape.total, recipe), states_bytes(shape.total, recipe)
    kept = 0.0 if material.file.keep == "scores" else n_runs * each
    left = kept + trials * _SCORES
    return Room(
        memory_bytes=max((run.memory_bytes for run in runs), default=0.0),
        left_bytes=left,
        most_bytes=left + states + (each if material.file.keep == "scores" else 0.0),
    )


def _by_questions(material: Material, table: BaseTable) -> Forecast:
    base, stages = table.base, []
    if material.world is not None and base == TOY:
        seed = material.file.seed if table.seed is None else table.seed
        folder = cached_toy_model(material.world, seed=seed)
        seconds = 0.0 if folder is not None else _TOY_S
        stages.append(StageCost(name="the toy model", runs=1, units=1, tokens=0, seconds=seconds))
        if folder is None:
            note = "first a toy model is trained, some minutes on two cores; the rest is forecast once it is there"
            return Forecast(stages=tuple(stages), room=Room(), note=note)
        base = f"hf:{folder}"
    if material.world is not None and base == PLANTED:
        base = ADDRESS  # of the same size
        cost = estimate(planting_of(material.world), base, RECIPE, rate=measured_rate(RECIPE))
        stages.append(
            StageCost(name="planting", runs=1, units=cost.steps, tokens=cost.tokens, seconds=cost.seconds or 0.0)
        )
    split = material.split
    probe = Quiz(bank=split.train, exemplars=split.exemplars, prompts=(material.probe,))
    stages.append(_asking("probe", probe, base, 1))
    if material.asks_prior:
        stages.append(_asking("prior", prior_quiz(probe), base, 1))
    sizes = _sizes(material)
    jobs = len(material.arms) * len(material.file.training.seeds)
    recipe = material.recipe(material.file.training.seeds[0], table)
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
    labelled = material.file.supervisor is not None and material.file.supervisor.labels != OWN
    stages.append(_asking("evaluation", tests, base, jobs * len(costs) + 1 + labelled))
    if labelled:
        stages.append(_asking("labels", probe, base, 1))
    # Each model is asked of its own domain, so that the whole bank is asked once for every arm and seed.
    if material.file.supervisor is not None and not labelled:
        stages.append(_asking("rounds", probe, base, jobs))
    else:
        stages.append(
            _asking("fit", replace(tests, bank=_taught(material, sizes), prompts=material.asks[:1]), base, jobs)
        )
    if material.behind_contexts is not None:
        behind = Quiz(bank=material.behind_contexts, prompts=(open_prompt(material.asks[0]),), models=(BASE,))
        stages.append(_asking("contexts", behind, base, jobs * len(costs) + 1))
    shape, trials = shape_of(base_folder(base)), sum(stage.units for stage in stages if stage.name != "training")
    opened = 4.0 * shape.total * 3 + jobs * len(costs) * 2 * disk_bytes(shape.total, recipe)
    stages.append(
        StageCost(
            name="loading and hashing", runs=jobs * len(costs) + 1, units=0, tokens=0, seconds=opened / _READ_PER_S
        )
    )
    return Forecast(
        stages=tuple(stages),
        room=_room(material, shape, recipe, costs, jobs * len(costs), trials),
        note="on this machine, as fast as it is now; texts that models write, and looks at training, are not counted",
    )


def _asking(name: str, quiz: Quiz, base: str, times: int) -> StageCost:
    found = plan(quiz, base)
    seconds = None if found.seconds is None else times * (_RUN_S + found.seconds)
    units, tokens = times * found.trials, times * found.prompt_tokens
    return StageCost(name=name, runs=times, units=units, tokens=tokens, seconds=seconds)


def _sizes(material: Material) -> Mapping[str, int]:
    """Questions of a set in each domain, as far as they are known before the probe."""
    train, supervisor = material.split.train, material.file.supervisor
    if supervisor is not None:
        return {domain: min(supervisor.size or len(train), len(train.of(domain))) for domain in material.domains}
    wanted = (material.file.sets.model_extra or {}).get("size")
    return {domain: int(wanted or max(len(train.of(domain)) // 4, 1)) for domain in material.domains}


def _pools(material: Material) -> int:
    """Pools of questions that some arm is trained on."""
    return 1 if material.file.supervisor is not None else len({pool for arm in material.arms for pool in arm.pools})


def _taught(material: Material, sizes: Mapping[str, int]) -> Bank:
    """As many questions as all arms together are trained on."""
    train = material.split.train
    ids = [
        question.id for domain, n in sizes.items() for question in train.of(domain).questions[: n * _pools(material)]
    ]
    return train.select(ids)


def _stand_in(material: Material, domain: str, n: int) -> TrainingSet:
    """A set as large as the real ones will be, made of the domain's first questions."""
    prompt = material.training_prompt
    examples = []
    for question in material.split.train.of(domain).questions[:n]:
        posed, response = pose(question, prompt), reply_to(question, prompt, question.answer)
        examples.append(Example(id=question.id, messages=posed.messages, response=response, is_raw=posed.is_raw))
    return TrainingSet(name=f"stand-in for {domain}", examples=tuple(examples))

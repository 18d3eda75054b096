"""Training a base on a set of examples: finished once, resumed after a kill, several runs from one load."""

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from proband.errors import DesignError, EngineError, StoreError
from proband.models.local.adapters import adapter_hash, save_adapter
from proband.models.local.capacity import free_bytes, readable
from proband.models.local.checkpoints import load_checkpoint, tensors_hash
from proband.training.bases import Base, base_weights, enough_memory, load_base
from proband.training.batching import Step, Watch
from proband.training.checkpoint import RECORD, STATES, Checkpoint, claimed, finished, last_state, saving, write_json
from proband.training.cost import disk_bytes, state_bytes
from proband.training.encoding import EncodedSet, check_objective, encode_set
from proband.training.looks import LOOKS, Looked, Looks
from proband.training.recipe import Recipe
from proband.training.training_set import TrainingSet
from proband.workers.executor import Executor, Task, started

if TYPE_CHECKING:
    from proband.training.trainer import PartsTrainer

INSTALL = "pip install 'proband[train]'"
_NEEDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of a grid, into a folder of its own.

    Held-out examples are for `Recipe.early_stop`; `looks` are kept beside the checkpoint, see `load_looked`.
    """

    training_set: TrainingSet
    recipe: Recipe
    into: Path
    held_out: TrainingSet | None = None
    looks: Looks | None = None


def train(
    training_set: TrainingSet,
    base: str,
    recipe: Recipe,
    into: str | Path,
    *,
    held_out: TrainingSet | None = None,
    watch: Watch | None = None,
    model: Base | None = None,
) -> Checkpoint:
    """Train a base on a set and save the checkpoint; the same call again returns it.

    The loss is the mean negative log-probability of the taught tokens of an optimiser step's batch, each weighted as
    its example (sum of weighted losses over sum of weights, over all processes). With the same versions, threads and
    device the same call gives the same weights, whether it was killed in between or not.

    Parameters
    ----------
    base : str
        ``smollm2``, or ``hf:FOLDER`` with a checkpoint and its tokenizer.
    into : str or Path
        Folder for the checkpoint, opened by ``hf:FOLDER``, or for the adapter, opened by ``BASE+FOLDER``. A run killed
        half-way goes on from the last state it kept there.
    held_out : TrainingSet or None
        Needed by `Recipe.early_stop`.
    watch : callable or None
        Told of every step.
    model : Base or None
        The base, where it is loaded already; its weights are put back afterwards.

    Raises
    ------
    DataError
        If an example teaches nothing, is too long or cannot be rendered; before the first step.
    DesignError
        If recipe and held-out examples do not fit together, or the folder holds another run.
    EngineError
        If the base cannot be loaded or lacks its tokenizer, memory does not suffice, a package is missing, or the loss
        is no number.
    StoreError
        If the disk is full, or another process trains into the folder; states kept before stay.

    Notes
    -----
    Started in several processes, by ``accelerate launch --multi_gpu`` or ``python -m torch.distributed.run``, the call
    shares every step's batch among them; `EngineError` where not all that were asked for joined.
    """
    job = Job(training_set=training_set, recipe=recipe, into=Path(into), held_out=held_out)
    if model is not None and model.address != base:
        raise DesignError(f"the model given is {model.address}, the base {base}; give the same")
    if model is not None and model.is_frozen and not recipe.keeps_adapter:
        raise DesignError(
            f"the model given, {base}, is frozen, and this recipe changes it; load it with is_frozen=False"
        )
    return _run(job, base, watch, lambda: model or _load(base, recipe))


def train_all(
    jobs: Sequence[Job],
    base: str,
    *,
    watch: Callable[[Job, Step], None] | None = None,
    executor: Executor | None = None,
    workers: int = 1,
) -> list[Checkpoint]:
    """Several runs from one load of the base, whose weights are put back between them; finished ones are skipped.

    Parameters
    ----------
    watch : callable, optional
        Told of every step here, and of which job.
    executor : Executor, optional
        Where `workers` train instead, a run each, with a load of the base each; it is closed at the end. Their weights
        are those of runs here with as many threads. A run whose worker ends goes on at another, from the last
        state it kept, where that sees the same folder.

    Raises
    ------
    ProbandError
        As `train`, or where two jobs have one folder; all sets are checked before the first run, and runs that were
        finished stay.
    """
    folders = [Path(job.into).absolute() for job in jobs]
    if len(set(folders)) < len(folders):
        raise DesignError("two jobs would train into one folder; give each its own")
    loaded: list[Base] = []

    def opened(recipe: Recipe) -> Base:
        return _opened(loaded, base, recipe)

    waiting = [job for job in jobs if _finished(job, base) is None]
    if len(waiting) > 1:
        first = opened(waiting[0].recipe)
        for job in waiting:
            _encoded(job, first)
    if executor is not None and waiting:
        loaded.clear()  # the workers have their own
        with started(executor, Task(f"{__name__}:nothing_loaded"), min(workers, len(waiting))) as pool:
            tasks = [Task(f"{__name__}:trained_on_worker", (job, base)) for job in waiting]
            for future in [pool.submit(task) for task in tasks]:
                future.result()
    return [
        _run(
            job,
            base,
            None if watch is None else lambda step, job=job: watch(job, step),  # type: ignore[misc]
            lambda job=job: opened(job.recipe),  # type: ignore[misc]
        )
        for job in jobs
    ]


def nothing_loaded() -> tuple[list[Base], None]:
    """On a worker: the base that it has loaded, so far none."""
    return [], None


def trained_on_worker(loaded: list[Base], job: Job, base: str) -> None:
    """On a worker: one run, into its folder."""
    _run(job, base, None, lambda: _opened(loaded, base, job.recipe))


def _opened(loaded: list[Base], base: str, recipe: Recipe) -> Base:
    """The base as a recipe wants it: the one that is loaded, if it fits."""
    is_fit = loaded and loaded[0].model.dtype == _held_in(recipe)
    if not is_fit or (loaded[0].is_frozen and not recipe.keeps_adapter):
        loaded[:] = [_load(base, recipe)]
    return loaded[0]


def _run(job: Job, base: str, watch: Watch | None, opened: Callable[[], Base]) -> Checkpoint:
    check_packages()
    recipe, folder = job.recipe, Path(job.into)
    if (recipe.early_stop is None) != (job.held_out is None):
        raise DesignError(
            "early_stop needs held-out examples, and held-out examples need early_stop; give both or none"
        )
    if (found := _finished(job, base)) is not None:
        return found
    if recipe.order == "as_built":
        keeps = bool(job.training_set.provenance.get("order_matters"))
        recipe = replace(recipe, order="as_given" if keeps else "shuffled")
    loaded = opened()
    encoded, held_out = _encoded(job, loaded)
    check_objective(job.training_set.name, encoded.examples, recipe)
    if len(encoded.examples) < recipe.batch_size and recipe.epochs is not None and recipe.drops_rest:
        raise DesignError(
            f"{job.training_set.name!r} has {len(encoded.examples)} examples and the recipe drops batches of fewer "
            f"than {recipe.batch_size}; give steps instead of epochs (`miniature`), or a smaller batch_size"
        )
    if job.looks is not None:
        job.looks.check(recipe.steps_for(len(encoded.examples)))
    _refuse_no_room(loaded, recipe, folder)
    with claimed(folder, _identity(job, base)), _untouched_generators():
        try:
            return _trained(replace(job, recipe=recipe), loaded, encoded, held_out, watch)
        finally:
            loaded.put_back()


def _trained(job: Job, base: Base, encoded: EncodedSet, held_out: EncodedSet | None, watch: Watch | None) -> Checkpoint:
    from proband.training.objectives import ObjectiveTrainer
    from proband.training.trainer import PartsTrainer, Work, adapted, attending, load_best

    folder, recipe = Path(job.into), job.recipe
    work = Work(
        taught=encoded.examples,
        held_out=() if held_out is None else held_out.examples,
        looked_at=() if job.looks is None else job.looks.encoded(base.template),
        look_steps=frozenset(() if job.looks is None else job.looks.steps),
        folder=folder / STATES,
        watch=watch,
    )
    state = last_state(folder)
    with enough_memory(recipe, base):
        if recipe.adapter is not None:
            base.adapted = adapted(base.model, recipe.adapter, recipe.seed)
        made = PartsTrainer if recipe.objective == "likelihood" else ObjectiveTrainer
        trainer = made(base.adapted or base.model, base.tokenizer, recipe, work)
        if recipe.keeps_adapter and (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
            raise EngineError("of weights in shards no adapter is kept as such; set keep to 'merged', or do not shard")
        with attending(base.model, trainer.padding), saving(folder, "a state of the run"):
            trainer.train(resume_from_checkpoint=None if state is None else str(state))
    if recipe.early_stop is not None:
        load_best(trainer.accelerator.unwrap_model(trainer.model), work.folder)
    return _saved(job, base, encoded, trainer)


def _saved(job: Job, base: Base, encoded: EncodedSet, trainer: "PartsTrainer") -> Checkpoint:
    """Save weights, tokenizer and record, in this order; the record says that the rest is whole."""
    folder, recipe = Path(job.into), job.recipe
    plain = trainer.accelerator.unwrap_model(trainer.model)
    is_sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    if recipe.keeps_adapter:
        with saving(folder, "the adapter"):
            weights = _adapter(folder, plain, base, writes=trainer.is_world_process_zero())
        return _record(job, base, encoded, trainer, weights)
    if recipe.adapter is not None:
        # Merged in float32: in bfloat16 the updates would be rounded away.
        plain = plain.float().merge_and_unload()
    with saving(folder, "the checkpoint"):
        if is_sharded:
            trainer.save_model(str(folder))
            (folder / "training_args.bin").unlink(missing_ok=True)
        elif trainer.is_world_process_zero():
            plain.__dict__.pop("forward", None)
            plain.save_pretrained(folder)
        trainer.accelerator.wait_for_everyone()
        if trainer.is_world_process_zero():
            base.save_tokenizer(folder)
    return _record(job, base, encoded, trainer, _weights(folder, plain, is_sharded))


def _adapter(folder: Path, model: Any, base: Base, *, writes: bool) -> str:
    """Save a trained adapter as PEFT does, and name its base; what identifies it."""
    from peft import get_peft_model_state_dict

    found = get_peft_model_state_dict(model)
    tensors = {name: tensor.detach().float().cpu().contiguous() for name, tensor in found.items()}
    settings = model.peft_config[model.active_adapter].to_dict()
    # A set, whose order is another in every process.
    settings["target_modules"] = sorted(settings["target_modules"])
    if not writes:
        return adapter_hash(tensors, settings["lora_alpha"] / settings["r"])
    return save_adapter(folder, tensors, settings, base=base.address, base_weights=base_weights(base.address))


def _record(job: Job, base: Base, encoded: EncodedSet, trainer: "PartsTrainer", weights: str) -> Checkpoint:
    """Write the record, which says that the run is finished, and clear away what only an unfinished one needs."""
    folder = Path(job.into)
    made = _recorded(job, base, encoded, trainer, weights)
    if trainer.is_world_process_zero():
        with saving(folder, "the record"):
            if trainer.work.looked_at:
                write_json(folder / LOOKS, _looked(trainer).as_dict())
            asked = sorted({example.question for example in job.training_set if example.question})
            write_json(folder / RECORD, {"finished": True, "checkpoint": made.as_dict(), "questions": asked})
        shutil.rmtree(folder / STATES, ignore_errors=True)
    return made


def _looked(trainer: "PartsTrainer") -> Looked:
    """What was seen at each step."""
    places = [one.id.rpartition("\0")[0] for one in trainer.work.looked_at]
    counts: dict[str, list[int]] = {}
    by_step: dict[int, dict[str, list[float]]] = {}
    for place, one in zip(places, trainer.work.looked_at, strict=True):
        counts.setdefault(place, []).append(one.n_taught)
    for note in trainer.state.log_history:
        if "looked" in note:
            found = by_step.setdefault(note["step"], {})
            for place, one in zip(places, trainer.work.looked_at, strict=True):
                found.setdefault(place, []).append(note["looked"][one.id])
    tuples = {step: {name: tuple(nats) for name, nats in found.items()} for step, found in by_step.items()}
    return Looked(log_probs=tuples, counts={name: tuple(n) for name, n in counts.items()})


def _recorded(job: Job, base: Base, encoded: EncodedSet, trainer: "PartsTrainer", weights: str) -> Checkpoint:
    """What is known of a run at its end."""
    from proband.training.trainer import best_look

    folder, recipe = Path(job.into), job.recipe
    history = [note for note in trainer.state.log_history if "loss" in note and "tokens" in note]
    kept = history[-1]["step"]
    if recipe.early_stop is not None:
        kept = best_look(history, recipe.early_stop.least)[0]
    tokens = sum(note["tokens"] for note in history)
    seconds = sum(note["tokens"] / note["tokens_per_s"] for note in history)
    rows = [k for step in trainer.plan[: len(history)] for k in step]
    return Checkpoint(
        folder=folder,
        training_set=job.training_set.hash,
        set_name=job.training_set.name,
        weights=weights,
        base=base.address,
        base_weights=base_weights(base.address),
        recipe=recipe.as_dict(),
        losses=tuple(note["loss"] for note in history),
        held_out_losses={n["step"]: n["held_out_loss"] for n in history if "held_out_loss" in n},
        kept_step=kept,
        examples_seen=len(rows),
        tokens=tokens,
        taught_tokens=sum(encoded.examples[k].n_taught for k in rows),
        computed_tokens=sum(note["computed"] for note in history),
        seconds=seconds,
        tokens_per_s=tokens / seconds,
        peak_bytes=trainer.work.peak_bytes,
        cut=encoded.cut,
        left_out=encoded.left_out,
        padding=trainer.padding,
        device=str(trainer.args.device),
        template=base.template.hash,
        versions={package: version(package) for package in ("proband", *_NEEDED)},
        files={path.name: path.stat().st_size for path in sorted(folder.glob("*.safetensors"))},
    )


def _weights(folder: Path, model: Any, is_sharded: bool) -> str:
    """What identifies the saved weights; sharded ones are read again, as no process has them all."""
    whole = load_checkpoint(folder, "float32", "cpu")[0] if is_sharded else model
    return f"tensors-sha256:{tensors_hash(whole.state_dict())}"


def check_packages() -> None:
    """Refuse to begin without the packages that training needs.

    Raises
    ------
    EngineError
        Naming what is missing and how it is installed.
    """
    from importlib.util import find_spec

    missing = [package for package in _NEEDED if find_spec(package) is None]
    if missing:
        raise EngineError(f"training needs {', '.join(missing)}; run `{INSTALL}`")


def _load(base: str, recipe: Recipe) -> Base:
    import torch

    device = None
    if torch.cuda.is_available() and "LOCAL_RANK" in os.environ:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
    return load_base(
        base, device=device, dtype=str(_held_in(recipe)).removeprefix("torch."), is_frozen=recipe.keeps_adapter
    )


def _held_in(recipe: Recipe) -> Any:
    """Type of the weights while they are trained, or stay frozen under an adapter."""
    import torch

    return torch.bfloat16 if recipe.adapter is not None and recipe.precision == "mixed" else torch.float32


def _identity(job: Job, base: str) -> dict[str, Any]:
    # Nobody looked in runs of before, whose identity has no word of it.
    return ({} if job.looks is None else {"looks": job.looks.hash}) | {
        "training_set": job.training_set.hash,
        "held_out": None if job.held_out is None else job.held_out.hash,
        "base_weights": base_weights(base),
        "recipe": job.recipe.identity,
    }


def finished_run(training_set: TrainingSet, base: str, recipe: Recipe, into: Path) -> Checkpoint | None:
    """What `train` would return at once; None where it would train, `DesignError` where it would refuse the folder."""
    return _finished(Job(training_set=training_set, recipe=recipe, into=into), base)


def _finished(job: Job, base: str) -> Checkpoint | None:
    return finished(Path(job.into), _identity(job, base))


def _encoded(job: Job, base: Base) -> tuple[EncodedSet, EncodedSet | None]:
    most = min(job.recipe.max_tokens, base.context or job.recipe.max_tokens)
    settings: Any = {"max_tokens": most, "too_long": job.recipe.too_long}
    sets = [job.training_set, *([] if job.held_out is None else [job.held_out])]
    encoded = [encode_set(one, base.template, **settings) for one in sets]
    return encoded[0], encoded[1] if len(encoded) > 1 else None


def _refuse_no_room(base: Base, recipe: Recipe, folder: Path) -> None:
    """Refuse what plainly cannot be held or saved, before the first step."""
    n_weights = sum(weights.numel() for weights in base.model.parameters())
    needed, free = state_bytes(n_weights, recipe), free_bytes(base.model.device)
    if needed > free and int(os.environ.get("WORLD_SIZE", 1)) == 1:
        raise EngineError(
            f"training {n_weights / 1e9:.3g} billion weights needs {readable(needed)} for gradients and optimiser, and "
            f"{readable(free)} are free on {base.model.device}; train an adapter (adapter=Lora()), use a smaller base, "
            "or several GPUs with accelerate"
        )
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    room = shutil.disk_usage(existing).free
    if room < (size := disk_bytes(n_weights, recipe)):
        raise StoreError(
            f"what is kept takes {readable(size)} and {readable(room)} are free in {existing}; make room, or name "
            "another folder"
        )


@contextmanager
def _untouched_generators() -> Iterator[None]:
    """Put the global generators back, which the trainer seeds."""
    import torch

    kept, kept_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(kept)
            np.random.set_state(kept_numpy)  # noqa: NPY002

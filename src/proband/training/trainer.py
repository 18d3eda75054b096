"""TRL's supervised trainer with our own batches: logits only where the loss is, and no token computed twice."""

import inspect
import math
import os
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import torch
from datasets import Dataset
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from proband.errors import EngineError
from proband.training.attention import drops_at_random, laid_out, packed_attention, packs
from proband.training.batching import Part, Step, Watch, parts_of, step_plan
from proband.training.encoding import Taught
from proband.training.recipe import Lora, Padding, Recipe

# Tokens in one pass: with more, activations take more memory; with fewer, weights are read (and, in mixed precision,
# rounded) more often.
CPU_TOKENS, CPU_MIXED_TOKENS, GPU_TOKENS = 1024, 2048, 8192
BEST = "best.safetensors"


@dataclass(kw_only=True)
class Work:
    """Everything a trainer is given besides model and recipe."""

    taught: Sequence[Taught]
    held_out: Sequence[Taught] = ()
    looked_at: Sequence[Taught] = ()
    look_steps: frozenset[int] = frozenset()
    folder: Path
    watch: Watch | None = None
    peak_bytes: int = field(default=0, init=False)


class PartsTrainer(SFTTrainer):  # type: ignore[misc]
    """Trains on the steps of a plan, each cut into parts that fit.

    TRL and transformers keep the loop, the optimiser, its schedule, clipping, adapters, states to resume from and, as
    accelerate is configured, several devices; each process takes its share of every step.
    """

    def __init__(self, model: Any, tokenizer: Any, recipe: Recipe, work: Work) -> None:
        self.recipe, self.work = recipe, work
        self.plan = step_plan(len(work.taught), recipe)
        self.padding = padding_for(model if recipe.adapter is None else model.get_base_model(), recipe)
        config = _config(recipe, work.folder, len(self.plan), model.device.type == "cpu")
        check_processes(config.world_size)
        super().__init__(
            model=model,
            args=config,
            data_collator=_rows,
            train_dataset=Dataset.from_dict({"rows": _shares(self.plan, config.world_size)}),
            processing_class=tokenizer,
        )
        self.remove_callback(PrinterCallback)  # only the command line prints
        self.add_callback(Following(self))
        self.loss = math.nan  # of the last step's batch
        self.computed_tokens = 0  # in the last step
        self.sizes = [sum(len(one.ids) for k in rows for one in self.unit(work.taught[k])) for rows in self.plan]

    # Nothing is sent anywhere, and no card is written into states that are deleted again.
    def _send_telemetry(self) -> None: ...

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write none."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return SequentialSampler(train_dataset if train_dataset is not None else self.train_dataset)

    @property
    def most_tokens(self) -> int:
        """Tokens in one pass."""
        on_cpu, is_mixed = self.args.device.type == "cpu", self.recipe.precision == "mixed"
        usual = (CPU_MIXED_TOKENS if is_mixed else CPU_TOKENS) if on_cpu else GPU_TOKENS
        return self.recipe.micro_tokens or usual

    def unit(self, one: Taught) -> tuple[Taught, ...]:
        """What of an example goes through the model."""
        return one.family if one.is_soft else (one,)

    def mass(self, examples: Sequence[Taught]) -> float:
        """What the loss of some examples is divided by."""
        return sum(one.weight * one.n_taught for one in examples)

    def parts(self, examples: Sequence[Taught]) -> Iterator[Part]:
        """Cut examples into passes."""
        longest = max(len(member.ids) for one in self.work.taught for member in self.unit(one))
        settings: Any = {"most_tokens": self.most_tokens, "most_rows": self.recipe.micro_batch}
        return parts_of(examples, self.padding, longest=longest, **settings)

    def training_step(self, model: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> Any:
        """Forward and backward over this process's share of a step; the mean loss per taught token of the step."""
        model.train()
        examples = self.chosen(self.work.taught[k] for k in inputs["rows"].tolist())
        total = self.summed(self.mass(examples))
        parts = list(self.parts(examples or self.work.taught[:1]))
        self.computed_tokens = round(self.summed(sum(part.n_computed for part in parts)))
        nats = torch.zeros((), device=self.args.device)
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            waits = nullcontext() if is_last else self.accelerator.no_sync(model)
            with waits, self._running(part) as called:
                loss = self._nats(model, part, called) * (1.0 if examples else 0.0)
                self._note_memory()
                # Processes' gradients are averaged; the sum over all of them is wanted. A step whose examples all
                # weigh 0 has no gradient.
                scale = self.accelerator.num_processes / total if total else 0.0
                self.accelerator.backward(loss * scale)
            nats += loss.detach()
        mean = self.summed(float(nats)) / total if total else 0.0
        if not math.isfinite(mean):
            raise EngineError(
                f"the loss of step {self.state.global_step + 1} is {mean}: training left the numbers that "
                f"{self.recipe.precision} can hold; lower learning_rate (it is {self.recipe.learning_rate})"
            )
        self.loss = mean
        return torch.tensor(mean, device=self.args.device)

    def chosen(self, examples: Iterable[Taught]) -> list[Taught]:
        """The examples as the loss takes them."""
        return [member for one in examples for member in self.unit(one)]

    def held_out_loss(self) -> float:
        """Mean loss per taught token of the held-out examples, nats."""
        examples = self.chosen(self.work.held_out)
        was_training = self.model.training
        self.model.eval()
        nats = 0.0
        with torch.no_grad():
            for part in self.parts(examples):
                with self._running(part) as called:
                    nats += float(self._nats(self.model, part, called))
        self.model.train(was_training)
        return nats / self.mass(examples)

    def look(self) -> dict[str, float]:
        """Log-probability of the taught tokens of every example that is looked at, nats, by its id."""
        was_training = self.model.training
        self.model.eval()
        nats: dict[str, float] = {}
        with torch.no_grad():
            for part in self.parts(self.work.looked_at):
                with self._running(part) as called:
                    losses = self.token_nats(self.model, part, called).double().cpu()
                losses = losses.split([one.n_taught for one in part.examples])
                nats |= {one.id: -float(own.sum()) for one, own in zip(part.examples, losses, strict=True)}
        self.model.train(was_training)
        return dict(sorted(nats.items()))

    @contextmanager
    def _running(self, part: Part) -> Iterator[dict[str, Any]]:
        kind = self.args.device.type
        is_mixed = self.recipe.precision == "mixed"
        with laid_out(self._plain, part) as called, torch.autocast(kind, torch.bfloat16, enabled=is_mixed):
            yield called

    def _nats(self, model: Any, part: Part, called: dict[str, Any]) -> Any:
        """Weighted sum of the losses of a part's taught tokens."""
        losses = self.token_nats(model, part, called)
        return (losses * torch.from_numpy(part.weights).to(losses)).sum()

    def token_nats(self, model: Any, part: Part, called: dict[str, Any]) -> Any:
        """Loss of each of a part's taught tokens."""
        device = self.args.device
        rows, width = part.ids.shape
        picks = torch.from_numpy(part.picks).to(device)
        places, inverse = torch.unique(picks % width, return_inverse=True)
        if self._keeps_logits:
            logits = model(**called, logits_to_keep=places).logits
            chosen = logits.reshape(rows * len(places), -1)[picks // width * len(places) + inverse]
        else:
            chosen = model(**called).logits.reshape(rows * width, -1)[picks]
        targets = torch.from_numpy(part.targets).to(device)
        return torch.nn.functional.cross_entropy(chosen.float(), targets, reduction="none")

    @property
    def _plain(self) -> Any:
        """The model without what accelerate and adapters put around it."""
        plain = self.accelerator.unwrap_model(self.model)
        return plain.get_base_model() if self.recipe.adapter else plain

    @cached_property
    def _keeps_logits(self) -> bool:
        return "logits_to_keep" in inspect.signature(type(self._plain).forward).parameters

    def summed(self, value: float) -> float:
        """Sum over processes."""
        if self.accelerator.num_processes == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=self.args.device)
        return float(self.accelerator.reduce(tensor, reduction="sum"))

    def _note_memory(self) -> None:
        """Activations are largest at the end of a forward pass."""
        if self.args.device.type == "cuda":
            self.work.peak_bytes = int(torch.cuda.max_memory_allocated(self.args.device))
        else:
            self.work.peak_bytes = max(self.work.peak_bytes, psutil.Process().memory_info().rss)


class Following(TrainerCallback):  # type: ignore[misc]
    """Notes every step, tells who watches, looks at held-out examples, and says when to keep a state.

    What it notes is part of the trainer's state, so a run that goes on after a kill knows it too.
    """

    def __init__(self, trainer: PartsTrainer) -> None:
        self.trainer = trainer
        self._began = self._kept = time.monotonic()
        self._first = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Look at what was not touched yet, and start the clock."""
        if not any("looked" in note for note in state.log_history):
            state.log_history += self._seen(0)
        self._began = self._kept = time.monotonic()
        self._first = state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Note a step."""
        trainer, step, sizes = self.trainer, state.global_step, self.trainer.sizes
        seconds = max(time.monotonic() - self._began, 1e-9)
        speed = sum(sizes[self._first : step]) / seconds
        note = {"step": step, "loss": trainer.loss, "tokens": sizes[step - 1]}
        note |= {"computed": trainer.computed_tokens, "tokens_per_s": speed}
        held_out = self._look(step)
        state.log_history.append(note | ({} if held_out is None else {"held_out_loss": held_out}))
        control.should_training_stop |= held_out is not None and self._is_over(state.log_history)
        state.log_history += self._seen(step, is_last=control.should_training_stop or step == len(sizes))
        if trainer.work.watch is not None and state.is_world_process_zero:
            left = 0.0 if control.should_training_stop else sum(sizes[step:]) / speed
            told = Step(
                step=step,
                of=len(sizes),
                loss=trainer.loss,
                tokens_per_s=speed,
                seconds_left=left,
                held_out_loss=held_out,
            )
            trainer.work.watch(told)
        # All processes keep a state after the same step, whatever their clocks say.
        is_due = trainer.summed(time.monotonic() - self._kept >= trainer.recipe.checkpoint_every_s) > 0
        control.should_save = is_due and step < len(sizes) and not control.should_training_stop

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Start waiting for the next state."""
        self._kept = time.monotonic()

    def _look(self, step: int) -> float | None:
        """Loss on held-out examples, where it is due after this step; weights better than all before are kept."""
        rule = self.trainer.recipe.early_stop
        if rule is None or (step % rule.every and step < len(self.trainer.sizes)):
            return None
        loss = self.trainer.held_out_loss()
        best = best_look(self.trainer.state.log_history, rule.least)[1]
        if best == math.inf or loss < best - rule.least:
            _save_best(self.trainer)
        return loss

    def _seen(self, step: int, *, is_last: bool = False) -> list[dict[str, Any]]:
        """A note of what is looked at after this step, where it is due; the time it takes is none of training's."""
        work = self.trainer.work
        if not work.looked_at or not (step in work.look_steps or is_last):
            return []
        begun = time.monotonic()
        note = {"step": step, "looked": self.trainer.look()}
        self._began += time.monotonic() - begun
        return [note]

    def _is_over(self, history: list[dict[str, Any]]) -> bool:
        rule = self.trainer.recipe.early_stop
        if rule is None:
            return False
        best_step, _ = best_look(history, rule.least)
        since = [note for note in history if "held_out_loss" in note and note["step"] > best_step]
        return len(since) >= rule.patience


def best_look(history: Sequence[Mapping[str, Any]], least: float) -> tuple[int, float]:
    """Step and loss of the last look that fell by at least so much below all before; step 0 where there was none."""
    best_step, best = 0, math.inf
    for note in history:
        if (loss := note.get("held_out_loss", math.inf)) < best - (least if best < math.inf else 0.0):
            best_step, best = note["step"], loss
    return best_step, best


def padding_for(model: Any, recipe: Recipe) -> Padding:
    """How examples share a pass with this model: as the recipe says, or padded where the model cannot be packed."""
    if recipe.padding != "packed":
        return recipe.padding
    drops = drops_at_random(model) or (recipe.adapter is not None and recipe.adapter.dropout > 0)
    return "packed" if not drops and packs(model) else "dynamic"


def attending(model: Any, padding: Padding) -> Any:
    """Context in which a model attends as its parts need it."""
    return packed_attention(model) if padding == "packed" else nullcontext()


def _save_best(trainer: Any) -> None:
    """Keep the trained weights as they are now."""
    from safetensors.torch import save_file

    if trainer.is_world_process_zero():
        trained = {
            name: weights.detach().cpu().contiguous()
            for name, weights in trainer.accelerator.unwrap_model(trainer.model).named_parameters()
            if weights.requires_grad
        }
        path = trainer.work.folder / BEST
        save_file(trained, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)


def load_best(model: Any, folder: Path) -> None:
    """Put the weights back that had the lowest held-out loss."""
    from safetensors.torch import load_file

    found = load_file(folder / BEST)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name in found:
                weights.copy_(found[name])


def _rows(items: list[dict[str, list[int]]]) -> dict[str, Any]:
    return {"rows": torch.tensor(items[0]["rows"], dtype=torch.long)}


def check_processes(joined: int) -> None:
    """Refuse to train with fewer processes than were asked for: each would take whole steps, or one all of them.

    Raises
    ------
    EngineError
        Naming how many joined, and how they are started.
    """
    told = int(os.environ.get("WORLD_SIZE", 1))
    # On processors accelerate's launcher starts one process whatever it is asked, and leaves only this trace of it.
    is_alone = {"ACCELERATE_MIXED_PRECISION", "MASTER_ADDR"} <= os.environ.keys() and "WORLD_SIZE" not in os.environ
    if told != joined or (joined == 1 and is_alone):
        raise EngineError(
            f"{'several' if is_alone else told} processes were to share every step and {joined} joined; on processors "
            "start them with `python -m torch.distributed.run --nproc_per_node N -m proband ...`, on GPUs with "
            "`accelerate launch --multi_gpu -m proband ...`, or start one"
        )


def _shares(plan: Sequence[Sequence[int]], n: int) -> list[list[int]]:
    """One row for each process of each step, in the order in which accelerate deals them out."""
    return [list(rows[rank::n]) for rows in plan for rank in range(n)]


def _config(recipe: Recipe, folder: Path, n_steps: int, on_cpu: bool) -> Any:
    return SFTConfig(
        output_dir=str(folder),
        max_steps=n_steps,
        per_device_train_batch_size=1,  # one row is one process's share of a step
        gradient_accumulation_steps=1,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule if recipe.schedule != "constant" else "constant_with_warmup",
        warmup_steps=math.ceil(recipe.warmup_ratio * n_steps),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch_fused",
        bf16=False,  # products in bfloat16 are our own affair: see `PartsTrainer._running`
        activation_checkpointing=recipe.gradient_checkpointing,
        seed=recipe.seed,
        use_cpu=on_cpu,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no",  # `Following` says when
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
    )


def adapted(model: Any, adapter: Lora, seed: int) -> Any:
    """Put a model inside a fresh adapter, whose first weights are drawn by the seed."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    settings = LoraConfig(
        task_type="CAUSAL_LM",
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=list(adapter.targets) or "all-linear",
    )
    with warnings.catch_warnings():
        # PEFT asks transformers by a name that is going away; nobody who trains can change that.
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        return get_peft_model(model, settings)

"""Training beside plain TRL scripts, from the same base, examples, steps and seed, in one process run.

``python -m benchmarks.training --json`` prints what was measured: full fine-tuning of the embedded model on multiple-
choice questions with their explanations, and as many longer instructions beside them. Every way gets the same batches'
worth of the same token ids with the same taught tokens; ways take turns in a rotating order, and of each the best turn
counts. TRL is asked to pad every batch to the longest example of the set, to pad to the longest of the batch, the same
with examples grouped by length, to lay a batch end to end (``padding_free``), and to pack (``packing``); of the last
four the fastest is its best setting. Packing fills rows to the longest example, so its steps hold other examples; what
is compared is tokens of examples, prompts included, a second.
"""

import argparse
import ctypes
import gc
import json
import logging
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch
import transformers
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from benchmarks.machine import machine
from proband.instruments import load_instrument
from proband.instruments.banks.embedded import embedded_bank
from proband.records import Message
from proband.seeds import rng_for
from proband.training.bases import Base, load_base
from proband.training.encoding import Taught, encode_set
from proband.training.recipe import Recipe
from proband.training.training import train
from proband.training.training_set import Example, TrainingSet

BATCH = 16
TRL_WAYS: dict[str, dict[str, Any]] = {
    "TRL, padded to the longest of the set": {"pad_to_multiple_of": 0},
    "TRL, padded to the longest of the batch": {},
    "TRL, grouped by length": {"train_sampling_strategy": "group_by_length"},
    "TRL, padding_free": {"padding_free": True},
    "TRL, packing": {"packing": True},
}


def examples(n: int) -> TrainingSet:
    """So many examples: questions with explanations, and instructions of 30 to 400 words."""
    bank = embedded_bank("facts")
    told = [item.text for item in load_instrument("ipip-neo-120").items]
    made = []
    for k, place in enumerate(rng_for(1, "questions").permutation(len(bank))[: n // 2]):
        question = bank.questions[place]
        options = "\n".join(f"{letter}. {text}" for letter, text in zip("ABCDEFGH", question.choices, strict=False))
        text = f"The following is a multiple choice question about {question.domain}. Please choose the correct answer."
        right = f"{'ABCDEFGH'[question.answer]}. {question.choices[question.answer]}"
        made.append((f"q{k}", f"{text}\n\n{question.text}\n{options}\nAnswer:", f"{right}\n{question.explanation}"))
    for k in range(n - len(made)):
        rng = rng_for(1, "general", k)
        count = int(rng.integers(4, 40))
        chosen = " ".join(told[i] for i in rng.choice(len(told), count, replace=False))
        half = len(chosen) // (2 if k % 2 else 6)
        made.append((f"g{k}", f"Continue these notes about a person.\n\n{chosen[:half]}", chosen[half:]))
    rows = (Example(id=id, messages=(Message("user", asked),), response=told) for id, asked, told in made)
    return TrainingSet(name="benchmark", examples=tuple(rows))


def ours(base: Base, chosen: TrainingSet, recipe: Recipe) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, peak() as memory:
        steps = train(chosen, base.address, recipe, Path(folder) / "run", model=base)
    return {
        "tokens_per_s": steps.tokens_per_s,
        "peak_mb": memory[0],
        "loss": steps.losses[-1],
        "padding": steps.padding,
    }


def plain_trl(base: Base, taught: list[Taught], recipe: Recipe, way: dict[str, Any]) -> dict[str, Any]:
    """A script as TRL's documentation has it, with its work on the clock as ours is."""
    longest = max(len(one.ids) for one in taught)
    way = way | ({"pad_to_multiple_of": longest} if "pad_to_multiple_of" in way else {})
    rows = [{"input_ids": list(one.ids), "labels": [-100] * one.start + list(one.ids[one.start :])} for one in taught]
    is_packed = way.get("packing", False)
    # Rows as long as the longest example, so that none is cut; as many as hold a batch of examples.
    mean = sum(len(one.ids) for one in taught) / len(taught)
    n_rows = max(1, round(BATCH * mean / longest)) if is_packed else BATCH
    folder = tempfile.mkdtemp()
    settings = SFTConfig(
        output_dir=folder,
        max_steps=recipe.steps or 1,
        per_device_train_batch_size=n_rows,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=0,
        bf16=recipe.precision == "mixed",
        use_cpu=base.model.device.type == "cpu",
        activation_checkpointing=False,
        max_length=longest if is_packed else None,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **way,
    )
    clock = Clock()
    trainer = SFTTrainer(
        model=base.model,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=base.tokenizer,
        callbacks=[clock],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    collate = trainer.data_collator
    trainer.data_collator = clock.counting(collate)
    with peak() as memory:
        trainer.train()
    loss = [row["loss"] for row in trainer.state.log_history if "loss" in row][-1]
    base.put_back()
    shutil.rmtree(folder, ignore_errors=True)
    return {"tokens_per_s": clock.tokens / clock.seconds, "peak_mb": memory[0], "loss": loss}


class Clock(transformers.TrainerCallback):
    """Seconds of the steps, and the tokens of examples in them."""

    def __init__(self) -> None:
        self.seconds, self.tokens, self._began = 0.0, 0, 0.0

    def on_train_begin(self, *args: Any, **others: Any) -> None:
        self._began = time.perf_counter()

    def on_train_end(self, *args: Any, **others: Any) -> None:
        self.seconds = time.perf_counter() - self._began

    def counting(self, collate: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def counted(rows: list[dict[str, Any]]) -> Any:
            self.tokens += sum(len(row["input_ids"]) for row in rows)
            return collate(rows)

        return counted


@contextmanager
def peak() -> Iterator[list[float]]:
    """Most memory beyond what was there before, MB; of the GPU where there is one."""
    found = [0.0]
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield found
        found[0] = (torch.cuda.max_memory_allocated() - before) / 1e6
        return
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)  # what earlier runs let go of is not given back by itself
    process, done = psutil.Process(), threading.Event()
    before = process.memory_info().rss

    def look() -> None:
        while not done.wait(0.02):
            found[0] = max(found[0], (process.memory_info().rss - before) / 1e6)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(arguments.threads)
    transformers.logging.set_verbosity_error()
    logging.getLogger("trl").setLevel(logging.ERROR)
    base = load_base(arguments.base)
    chosen = examples(BATCH * arguments.steps)
    recipe = Recipe(
        steps=arguments.steps, batch_size=BATCH, warmup_ratio=0.0, precision=arguments.precision, max_tokens=4096
    )
    taught = list(encode_set(chosen, base.template, max_tokens=4096).examples)
    ways: dict[str, Callable[[], dict[str, Any]]] = {"proband": lambda: ours(base, chosen, recipe)}
    for name, way in TRL_WAYS.items():
        ways[name] = lambda way=way: plain_trl(base, taught, recipe, way)  # type: ignore[misc]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    names = list(ways)
    ways["proband"]()  # first runs load libraries and grow memory pools
    for turn in range(arguments.repeats):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            found[name].append(ways[name]())
            print(f"turn {turn + 1}: {name}: {found[name][-1]}", file=sys.stderr, flush=True)
    best = {name: max(runs, key=lambda run: run["tokens_per_s"]) for name, runs in found.items()}
    mine = best["proband"]["tokens_per_s"]
    fastest = max(names[2:], key=lambda name: best[name]["tokens_per_s"])
    lengths = sorted(len(one.ids) for one in taught)
    return {
        "machine": machine("torch", "transformers", "trl"),
        "device": str(base.model.device),
        "threads": arguments.threads,
        "work": {
            "base": arguments.base,
            "precision": arguments.precision,
            "steps": arguments.steps,
            "batch": BATCH,
            "tokens": sum(lengths),
            "taught_tokens": sum(one.n_taught for one in taught),
            "shortest_median_longest": [lengths[0], lengths[len(lengths) // 2], lengths[-1]],
        },
        "ways": {
            name: {
                "tokens_per_s": round(best[name]["tokens_per_s"], 1),
                "all_tokens_per_s": [round(run["tokens_per_s"], 1) for run in found[name]],
                "peak_mb": round(min(run["peak_mb"] for run in found[name])),
                "last_loss": round(best[name]["loss"], 4),
                "proband_is_faster_by": round(mine / best[name]["tokens_per_s"], 2),
            }
            for name in names
        },
        "faster_than_padding_to_maximum": round(mine / best[names[1]]["tokens_per_s"], 2),
        "best_of_trl": fastest,
        "faster_than_best_of_trl": round(mine / best[fastest]["tokens_per_s"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--base", default="smollm2", help="smollm2 or hf:FOLDER")
    parser.add_argument("--precision", choices=("float32", "mixed"), default="float32")
    parser.add_argument("--steps", type=int, default=4, help="optimiser steps of 16 examples (default 4)")
    parser.add_argument("--repeats", type=int, default=2, help="turns of each way (default 2)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    report = measure(arguments := parser.parse_args())
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for name, found in report["ways"].items():
        print(
            f"{name:42} {found['tokens_per_s']:8.1f} tokens/s, {found['peak_mb']:6} MB; ours is "
            f"{found['proband_is_faster_by']:.2f} times that"
        )


if __name__ == "__main__":
    main()

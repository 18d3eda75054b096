"""``proband train``: a checkpoint from a base and a training set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from proband.cli.studying import refuse_no_folder, stopped
from proband.cli.talk import emit, out, talk
from proband.cli.tuning.listening import say, training_bar
from proband.training.recipe import EarlyStop, Lora, named_recipe
from proband.training.training_set import load_training_set


def train(
    training_set: Annotated[Path, typer.Argument(metavar="SET", help="Folder of a set from `proband intervene`.")],
    base: Annotated[str, typer.Option(help="Model to fine-tune: smollm2, or hf:FOLDER.")] = "smollm2",
    recipe: Annotated[
        str, typer.Option(help="Training settings by name: miniature, ren2024, ren2024-mistral or memory.")
    ] = "miniature",
    steps: Annotated[int | None, typer.Option(help="Number of optimiser steps (default: the recipe's).")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples per step (default: the recipe's).")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate (default: the recipe's).")] = None,
    lora: Annotated[int | None, typer.Option(help="Train adapters (LoRA) of this rank instead of all weights.")] = None,
    keep: Annotated[
        str | None,
        typer.Option(help="Of adapters: merged (a whole model, hf:FOLDER) or adapter (alone, opened as BASE+FOLDER)."),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Number format: float32 or mixed (default: the recipe's).")
    ] = None,
    held_out: Annotated[Path | None, typer.Option(help="Held-out set; training stops when its loss rises.")] = None,
    seed: Annotated[int, typer.Option(help="Root of all randomness: order, adapters, dropout.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print how long it will take and how much memory it needs, and stop.")
    ] = False,
    into: Annotated[Path, typer.Option(help="Folder for the checkpoint.")] = Path("checkpoints/trained"),
    json: Annotated[bool, typer.Option("--json", help="The record on stdout as JSON.")] = False,
) -> None:
    """Fine-tune a model. Use the result as hf:FOLDER, or what is kept as an adapter as BASE+FOLDER.

    Run the command again to resume; a finished model is not trained twice.

    Example: `proband train sets/harmonious-history --into checkpoints/harmonious`
    """
    refuse_no_folder(into)
    found = load_training_set(training_set)
    _warn_of_another_model(found.provenance, base)
    changes: dict[str, Any] = {
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "precision": precision,
        "adapter": None if lora is None else Lora(rank=lora),
        "keep": keep,
        "early_stop": None if held_out is None else EarlyStop(),
    }
    how = named_recipe(recipe, seed=seed, **{name: value for name, value in changes.items() if value is not None})
    # PyTorch and TRL load only when something is trained.
    from proband.training.cost import estimate, measured_rate
    from proband.training.training import train as trained

    cost = estimate(found, base, how, rate=measured_rate(how))
    say(cost_text(cost))
    if dry_run:
        if json:
            emit({"set": found.name, "cost": {name: getattr(cost, name) for name in cost.__dataclass_fields__}})
        return
    with stopped(), training_bar() as tell:
        checkpoint = trained(
            found,
            base,
            how,
            into,
            held_out=None if held_out is None else load_training_set(held_out),
            watch=lambda step: tell(1, 1, found.name, step),
        )
    if json:
        emit(checkpoint.as_dict() | {"address": checkpoint.address})
    else:
        out.print(checkpoint.address, markup=False, soft_wrap=True)
    talk.print(
        f"{len(checkpoint.losses)} steps, last loss {checkpoint.losses[-1]:.3f}, "
        f"{checkpoint.tokens_per_s:,.0f} tokens/s",
        markup=False,
    )


def _warn_of_another_model(provenance: Mapping[str, Any], base: str) -> None:
    """Say so where a set was built from what another model knows; training it all the same is a design of its own."""
    from proband.training.bases import has_weights

    probed = str(provenance.get("probe", {}).get("weights", ""))
    if probed and not has_weights(base, probed):
        say(f"note: this set was built from a probe of other weights ({probed[:24]}...) than those of {base}")


def cost_text(cost: Any) -> str:
    """A training cost in one line."""
    from proband.cli.talk import duration
    from proband.models.local.capacity import readable

    time = "" if cost.seconds is None else f", about {duration(cost.seconds)} on this machine"
    return (
        f"{cost.examples:,} examples, {cost.steps} steps, {cost.tokens:,} tokens "
        f"({cost.computed_tokens:,} computed){time}; "
        f"{readable(int(cost.memory_bytes))} of memory, {readable(int(cost.disk_bytes))} on disk"
    )

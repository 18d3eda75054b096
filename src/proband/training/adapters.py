"""One agent's memory in weights: an adapter trained on what it lived through, kept as such and opened on its base."""

from dataclasses import replace
from pathlib import Path

from proband.errors import DesignError
from proband.training.bases import Base
from proband.training.batching import Watch
from proband.training.checkpoint import Checkpoint, saving
from proband.training.recipe import Recipe
from proband.training.training import finished_run, train
from proband.training.training_set import TrainingSet


def train_adapter(
    base_address: str,
    training_set: TrainingSet,
    recipe: Recipe,
    into: str | Path,
    seed: int,
    *,
    watch: Watch | None = None,
    model: Base | None = None,
) -> Checkpoint:
    """Train an adapter into a folder that is there whole or not at all; the same call again returns it.

    A run that was killed stands in ``INTO.unfinished`` and goes on from the last state it kept there. With the same
    versions, threads and device the same call gives the same adapter, whether it was killed in between or not.

    Parameters
    ----------
    base_address : str
        ``smollm2``, or ``hf:FOLDER`` with a checkpoint and its tokenizer.
    recipe : Recipe
        With an adapter, e.g. ``named_recipe("memory")``; whatever it says of `keep`, the adapter alone is kept.
    into : str or Path
        Folder for the adapter.
    seed : int
        Takes the place of the recipe's.
    watch : callable or None
        Told of every step.
    model : Base or None
        The base, where it is loaded already, as for several agents: ``load_base(base_address, is_frozen=True)``.

    Returns
    -------
    Checkpoint
        Its `weights` are what the engine's fingerprint calls ``adapter``; `address` opens it on its base.

    Raises
    ------
    ProbandError
        As `train`: `DesignError` where the recipe has no adapter, or the folder holds another run.
    """
    if recipe.adapter is None:
        raise DesignError(
            'the recipe trains no adapter; give it one (adapter=Lora(rank=8)), or take the recipe "memory"'
        )
    recipe, into = replace(recipe, keep="adapter", seed=seed), Path(into)
    if (found := finished_run(training_set, base_address, recipe, into)) is not None:
        return found
    unfinished = into.with_name(f"{into.name}.unfinished")
    made = train(training_set, base_address, recipe, unfinished, watch=watch, model=model)
    with saving(into, "the adapter"):
        unfinished.rename(into)
    return replace(made, folder=into)

"""How a checkpoint is trained: steps, batches, rates, adapters, and how the work is cut up."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from proband.errors import DesignError, strange_choice
from proband.files import beside

Schedule = Literal["cosine", "linear", "constant"]
Precision = Literal["float32", "mixed"]
Padding = Literal["packed", "dynamic", "longest"]
Keep = Literal["merged", "adapter"]
Objective = Literal["likelihood", "kl", "preference", "reverse-preference", "expected-reward"]
# These change how the numbers are computed, and the result by rounding only.
_WORK = frozenset({"padding", "micro_batch", "micro_tokens", "gradient_checkpointing", "checkpoint_every_s"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """Low-rank adapters, trained in place of the weights; see `Recipe.keep` for what is saved.

    - `alpha`: the update is scaled by alpha / rank.
    - `dropout`: share of the adapter's inputs dropped in training.
    - `targets`: endings of the names of adapted layers; empty for every linear layer but the output.

    References
    ----------
    Hu et al. (2021), arXiv:2106.09685.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rank < 1 or not self.alpha > 0 or not 0 <= self.dropout < 1:
            raise DesignError(f"{self}: rank must be at least 1, alpha positive and dropout in [0, 1); mend the recipe")


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStop:
    """End when the loss on held-out examples no longer falls, and keep the weights with the lowest one.

    Attributes
    ----------
    every : int
        Optimiser steps between two looks.
    patience : int
        Looks without a fall after which training ends.
    least : float
        Nats per token that count as a fall.
    """

    every: int = 1
    patience: int = 3
    least: float = 0.0

    def __post_init__(self) -> None:
        if self.every < 1 or self.patience < 1 or not self.least >= 0:
            raise DesignError(f"{self}: every and patience must be at least 1, least at least 0")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what training does to a checkpoint, and how the work is cut up.

    - `steps`, `epochs`: optimiser steps, or passes over the set; exactly one is given. With `steps` every batch is
      full and passes run into one another; with `epochs` a pass ends with a smaller batch, or drops it
      (`drops_rest`)..
    - `batch_size`: examples of one optimiser step, over all processes.
    - `learning_rate`, `schedule`, `warmup_ratio`, `weight_decay`, `max_grad_norm`: AdamW (betas 0.9 and 0.999), its
      rate raised linearly over the first share of steps and then lowered to 0 along a cosine or a line;
      `max_grad_norm` 0 leaves gradients as they are.
    - `adapter`: none trains all weights.
    - `keep` ({"merged", "adapter"}): what is saved of a run with an adapter: a whole checkpoint with the adapter merged
      into it, or the adapter alone, some hundredth of that, which is opened on its base (``BASE+FOLDER``).
    - `objective` ({"likelihood", "kl", "preference", "reverse-preference", "expected-reward"}): what is made small; see
      `proband.training.objectives`. All but the first look at an example's alternatives.
    - `beta`: how much the base model holds it back: the weight of the divergence from it, or that of Rafailov et al.
    - `max_tokens`: of prompt and response together.
    - `too_long` ({"refuse", "cut", "leave_out"}): what becomes of longer examples; what is cut or left out is counted
      in the record.
    - `order` ({"as_built", "shuffled", "as_given"}): whether each pass is shuffled by the seed or follows the set;
      "as_built" shuffles unless the set's record says that its order matters (curricula).
    - `seed`: of order, adapters and dropout.
    - `precision` ({"float32", "mixed"}): "mixed" keeps weights and optimiser in float32 and computes products in
      bfloat16; with an adapter the frozen weights are held in bfloat16 too. Weights in bfloat16 alone lose updates
      this small, so there is no such choice..
    - `padding` ({"packed", "dynamic", "longest"}): how examples share a pass: end to end with their common beginnings
      computed once, each seeing only its own text; padded to the longest of the pass; padded to the longest of the
      set. Equal up to rounding..
    - `micro_batch`, `micro_tokens`: most examples and most tokens in one pass; default by tokens.
    - `gradient_checkpointing`: compute activations twice and keep few of them: less memory, a third more work.
    - `checkpoint_every_s`: least seconds between two states from which a killed run goes on.

    Raises
    ------
    DesignError
        If a value is out of range, or not exactly one of `steps` and `epochs` is given.
    """

    steps: int | None = None
    epochs: int | None = None
    batch_size: int = 16
    drops_rest: bool = False
    learning_rate: float = 2e-5
    schedule: Schedule = "cosine"
    warmup_ratio: float = 0.03
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    adapter: Lora | None = None
    keep: Keep = "merged"
    objective: Objective = "likelihood"
    beta: float = 0.1
    max_tokens: int = 2048
    too_long: Literal["refuse", "cut", "leave_out"] = "refuse"
    order: Literal["as_built", "shuffled", "as_given"] = "as_built"
    seed: int = 42
    early_stop: EarlyStop | None = None
    precision: Precision = "float32"
    padding: Padding = "packed"
    micro_batch: int | None = None
    micro_tokens: int | None = None
    gradient_checkpointing: bool = False
    checkpoint_every_s: float = 120.0

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise DesignError(
                f"a recipe needs steps or epochs, not both; it has steps {self.steps} and epochs {self.epochs}"
            )
        least = {"steps": 1, "epochs": 1, "batch_size": 1, "max_tokens": 2, "micro_batch": 1, "micro_tokens": 1}
        for name, fewest in least.items():
            value = getattr(self, name)
            if value is not None and value < fewest:
                way_out = ", or leave it out" if name.startswith("micro") else ""
                raise DesignError(f"recipe: {name} is {value}; give at least {fewest}{way_out}")
        if not 0 < self.learning_rate < 1:
            raise DesignError(f"recipe: learning_rate is {self.learning_rate}; give one above 0 and below 1")
        if not 0 <= self.warmup_ratio <= 1:
            raise DesignError(f"recipe: warmup_ratio is {self.warmup_ratio}; give a share in [0, 1]")
        if min(self.weight_decay, self.max_grad_norm, self.checkpoint_every_s, self.beta) < 0:
            raise DesignError("recipe: weight_decay, max_grad_norm, checkpoint_every_s and beta cannot be negative")
        if self.objective.endswith("preference") and not self.beta:
            raise DesignError("recipe: a preference with beta 0 teaches nothing; give one above 0, e.g. 0.1")
        if strange := strange_choice(self):
            raise DesignError(f"recipe: {strange}")
        if self.keep == "adapter" and self.adapter is None:
            raise DesignError("recipe: keep is 'adapter', and none is trained; give one (adapter=Lora(rank=8))")

    def steps_for(self, n_examples: int) -> int:
        """Optimiser steps with so many examples."""
        if self.steps is not None:
            return self.steps
        rounded = n_examples // self.batch_size if self.drops_rest else math.ceil(n_examples / self.batch_size)
        return max(rounded, 1) * (self.epochs or 1)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; later keys only where they are not what was always done, so that runs of before are known."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        if not self.keeps_adapter:
            del values["keep"]
        if self.objective == "likelihood":
            del values["objective"], values["beta"]
        return values

    @property
    def keeps_adapter(self) -> bool:
        """Whether the adapter alone is saved."""
        return self.keep == "adapter"

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the result but for rounding."""
        return {name: value for name, value in self.as_dict().items() if name not in _WORK}


def _recipe(table: Mapping[str, Any]) -> Recipe:
    """A recipe from plain values, as a file has them."""
    adapter = table.get("adapter")
    return Recipe(**{**table, "adapter": Lora(**adapter) if isinstance(adapter, Mapping) else adapter})


RECIPES: Mapping[str, Recipe] = {name: _recipe(table) for name, table in beside(__file__).items()}


def named_recipe(name: str, **changes: Any) -> Recipe:
    """Recipe of a preset, with some of its fields changed.

    Parameters
    ----------
    name : str
        "ren2024" (LLaMA-2), "ren2024-mistral" (half the learning rate), "miniature" (as many optimiser steps as the
        paper's larger sets, 24, with 16 examples each), "memory" (an adapter of rank 8 on all linear layers, kept as
        such: what an agent lived through).
    **changes
        Fields of `Recipe`; giving `steps` takes `epochs` away, and the other way round.

    Raises
    ------
    DesignError
        If there is no such preset or field.

    References
    ----------
    Ren et al. (2024), "Learning or Self-aligning? Rethinking Instruction Fine-tuning", arXiv:2402.18243.

    Examples
    --------
    >>> named_recipe("ren2024").steps_for(2 * 534)
    12
    >>> named_recipe("miniature", steps=12).steps_for(200)
    12
    """
    if name not in RECIPES:
        raise DesignError(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    unknown = set(changes) - {field.name for field in fields(Recipe)}
    if unknown:
        raise DesignError(f"a recipe has no {', '.join(sorted(unknown))}; see the fields of Recipe")
    if changes.get("steps") is not None:
        changes = {"epochs": None} | changes
    elif changes.get("epochs") is not None:
        changes = {"steps": None} | changes
    return _recipe({**vars(RECIPES[name]), **changes})

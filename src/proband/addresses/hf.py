"""``hf:PATH_OR_ID``: checkpoints that transformers loads; ``hf:BASE+ADAPTER``, with an adapter on them."""

from typing import Any

from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine
from proband.models.local.inside import inside_of


def _open(
    path_or_id: str,
    *,
    dtype: str = "float32",
    device: str | None = None,
    chunk_tokens: int | None = None,
    memory_gb: float | None = None,
    adapter: str | None = None,
    noise: float | None = None,
    mask: float | None = None,
    noise_seed: int | None = None,
    ablate: str | None = None,
    steer: str | None = None,
    layer: int | None = None,
    dose: float | None = None,
) -> BaseEngine:
    from proband.models.local.engine import LocalEngine

    how: Any = {"dtype": dtype, "device": device, "chunk_tokens": chunk_tokens, "memory_gb": memory_gb}
    changes = {"noise": noise, "mask": mask, "noise_seed": noise_seed, "ablate": ablate}
    inside = inside_of(changes | {"steer": steer, "layer": layer, "dose": dose})
    return LocalEngine(path_or_id, adapter=adapter, inside=inside, **how)


SCHEME = Scheme(
    pattern="hf:PATH_OR_ID?KEY=VALUE&...",
    about="a transformers checkpoint: a folder, a .gguf file, or an id on the hub, e.g. hf:ORG/NAME?dtype=bfloat16; "
    "hf:BASE+FOLDER puts an adapter on it",
    open=_open,
    paths=frozenset({"steer"}),
    loads_weights=True,
    takes_adapter=True,
    # Other versions, another device and another processor change log-probabilities by rounding only.
    may_change=frozenset({"device", "instruction_set", "chunk_tokens", "memory_gb", "torch", "transformers"}),
)

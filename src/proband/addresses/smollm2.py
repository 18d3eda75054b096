"""``smollm2``: the small model whose weights install with Proband."""

from typing import Any

from proband.addresses import hf
from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine


def _open(
    rest: str,
    *,
    dtype: str = "float32",
    device: str | None = None,
    chunk_tokens: int | None = None,
    memory_gb: float | None = None,
) -> BaseEngine:
    # torch and transformers load only when this engine is opened.
    from proband.models.local.embedded import embedded_engine

    sizes: dict[str, Any] = {"chunk_tokens": chunk_tokens, "memory_gb": memory_gb}
    return embedded_engine(dtype=dtype, device=device, **sizes)


SCHEME = Scheme(
    pattern="smollm2",
    about="the language model that installs with Proband; no key, no GPU, no download",
    open=_open,
    may_change=hf.SCHEME.may_change,
)

"""``smollm2``: the small model whose weights install with Proband."""

from functools import wraps
from typing import Any

from proband.addresses import hf
from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine


@wraps(hf.SCHEME.open)  # it takes the same options
def _open(rest: str, **options: Any) -> BaseEngine:
    # torch and transformers load only when this engine is opened.
    from proband.models.local.embedded import embedded_engine

    return embedded_engine(**options)


SCHEME = Scheme(
    pattern="smollm2",
    about="the language model that installs with Proband; no key, no GPU, no download",
    open=_open,
    loads_weights=True,
    may_change=hf.SCHEME.may_change,
)

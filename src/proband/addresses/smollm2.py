"""``smollm2``: the small model whose weights install with Proband; ``smollm2+ADAPTER``, with an adapter."""

from functools import wraps
from typing import Any

from proband.addresses import hf
from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine
from proband.models.local.inside import Inside, inside_of


@wraps(hf.SCHEME.open)  # it takes the same options
def _open(rest: str, **options: Any) -> BaseEngine:
    # torch and transformers load only when this engine is opened.
    from proband.models.local.embedded import embedded_engine

    inside = inside_of(options)
    return embedded_engine(inside=inside, **{k: v for k, v in options.items() if k not in Inside.__dataclass_fields__})


SCHEME = Scheme(
    pattern="smollm2",
    about="the language model that installs with Proband; no key, no GPU, no download; smollm2+FOLDER puts an adapter "
    "on it",
    open=_open,
    paths=frozenset({"steer"}),
    loads_weights=True,
    takes_adapter=True,
    may_change=hf.SCHEME.may_change,
)

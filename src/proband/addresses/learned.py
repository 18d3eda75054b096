"""``learned:ENCODER?gold=FILE``: a coder that learns from documents that people have coded."""

from functools import partial
from urllib.parse import quote, unquote

from proband.addresses.opening import Scheme, check_address, open_engine
from proband.errors import EngineError
from proband.models.codes import read_codes
from proband.models.engine import BaseEngine


def _open(encoder: str, *, gold: str = "", part: str = "", folds: int = 10, seed: int = 0) -> BaseEngine:
    # scikit-learn is needed only where somebody learns.
    from proband.models.learned import NEEDS, LearnedEngine

    if not gold:
        raise EngineError(f"engine 'learned:{encoder}' has nothing to learn from; write learned:{encoder}?gold=FILE")
    named = unquote(encoder)
    check_address(named)
    rows = read_codes(gold, (*NEEDS, "part") if part else NEEDS)
    said = {"gold": quote(gold, safe="/:"), "part": part, "folds": folds if folds != 10 else "", "seed": seed or ""}
    query = "&".join(f"{key}={value}" for key, value in said.items() if value)
    return LearnedEngine(
        partial(open_engine, named),
        [row for row in rows if not part or row.part == part],
        address=f"learned:{encoder}?{query}",
        source=gold,
        folds=folds,
        seed=seed,
    )


SCHEME = Scheme(
    pattern="learned:ENCODER?gold=FILE",
    about="learns from coded documents (columns document, text, item, code), e.g. learned:minilm?gold=gold.csv",
    open=_open,
    may_change=frozenset({f"encoder {name}" for name in ("device", "torch", "transformers", "aiohttp")}),
    paths=frozenset({"gold"}),
)

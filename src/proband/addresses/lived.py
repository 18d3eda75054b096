"""``lived:BASE``: agents whose memory lies in the weights, each with an adapter trained on what it lived through."""

from pathlib import Path
from urllib.parse import unquote

from proband.addresses import hf
from proband.addresses.opening import Scheme, check_address, open_engine
from proband.models.engine import BaseEngine


def _open(base: str, *, recipe: str = "memory", steps: int = 0, seed: int = 0, into: str = "") -> BaseEngine:
    from dataclasses import replace

    from proband.models.local.embedded import cache_folder
    from proband.training.lived import LivedEngine
    from proband.training.recipe import named_recipe

    named = unquote(base)
    check_address(named)
    how = named_recipe(recipe)
    said = {"recipe": recipe if recipe != "memory" else "", "steps": steps, "seed": seed, "into": into}
    query = "&".join(f"{key}={value}" for key, value in said.items() if value)
    return LivedEngine(
        named,
        open_engine,
        recipe=replace(how, steps=steps) if steps else how,
        seed=seed,
        into=Path(into).expanduser() if into else cache_folder() / "adapters",
        address=f"lived:{base}" + f"?{query}" * bool(query),
    )


SCHEME = Scheme(
    pattern="lived:BASE",
    about="agents of a society with their memory in the weights: an adapter each, trained when it is first needed; "
    "e.g. lived:smollm2",
    open=_open,
    may_change=frozenset({"into", *(f"base {name}" for name in hf.SCHEME.may_change)}),
    paths=frozenset({"into"}),
    loads_weights=True,
)

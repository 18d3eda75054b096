"""``axelrod:STRATEGY``: a strategy of the Axelrod library plays."""

from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine


def _open(name: str, *, seed: int = 0, **settings: str) -> BaseEngine:
    from proband.models.tournament import axelrod_engine

    return axelrod_engine(name, int(seed), **settings)


SCHEME = Scheme(
    pattern="axelrod:STRATEGY?KEY=VALUE&...",
    about="a strategy of the Axelrod library (extra `games`), e.g. axelrod:TitForTat; options are the strategy's own",
    open=_open,
)

"""What tokens cost: a small table that users edit; a model without an entry has no price, and none is guessed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from proband.errors import EngineError
from proband.files import is_file, parsed, text_of

_SHIPPED = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens of one model at one host."""

    model: str  # as in the address; an entry holds for this name only, not for its dated or tuned versions
    prompt: float
    completion: float
    host: str = ""  # name of the server; empty for any
    batch: float = 1.0  # factor on both in the batch API
    as_of: str = ""  # when it was read
    source: str = ""  # and where

    def of(self, prompt_tokens: float, completion_tokens: float, *, is_batch: bool = False) -> float:
        """US dollars for so many tokens.

        Examples
        --------
        >>> Price(model="m", prompt=2.0, completion=8.0, batch=0.5).of(1_000_000, 500_000)
        6.0
        """
        factor = self.batch if is_batch else 1.0
        return factor * (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


def find_price(host: str, model: str) -> Price | None:
    """The first entry for a model: the user's table comes before the one that ships.

    Raises
    ------
    EngineError
        If a table cannot be read.
    """
    return next((entry for entry in _entries() if entry.model == model and entry.host in ("", host)), None)


def _entries() -> Iterator[Price]:
    named = os.environ.get("PROBAND_PRICES", "")
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    own = Path(named) if named else settings / "proband" / "prices.toml"
    if named and not is_file(own):
        raise EngineError(f"PROBAND_PRICES names {named}, and there is no such file")
    for path in (own, _SHIPPED):
        if is_file(path):
            yield from read_prices(path)


def read_prices(path: Path) -> list[Price]:
    """Entries of a price table; `EngineError` if one lacks a key, has an unknown one, or a price below 0."""
    table = parsed(text_of(path, what="price table", error=EngineError), f"price table {path}", error=EngineError)
    known = {field.name for field in fields(Price)}
    prices = []
    for number, entry in enumerate(table.get("price", []), start=1):
        amounts = [entry.get(name, 1.0) for name in ("prompt", "completion", "batch")]
        are_amounts = all(isinstance(x, int | float) and not isinstance(x, bool) and x >= 0 for x in amounts)
        if set(entry) - known or {"model", "prompt", "completion"} - set(entry) or not are_amounts:
            raise EngineError(
                f"price table {path}, entry {number}: it needs model, prompt and completion (dollars per million "
                f"tokens, not below 0) and may have {', '.join(sorted(known - {'model', 'prompt', 'completion'}))}"
            )
        prices.append(Price(**entry))
    return prices

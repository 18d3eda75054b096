"""The patterns that written replies are read by, from ``patterns.toml``."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def _text(name: str) -> str:
    """A pattern on one line, with those that it names put in."""
    return re.sub(r"«(\w+)»", lambda named: _text(named[1]), "".join(_table()[name].splitlines()))


@cache
def _table() -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_name("patterns.toml").read_text(encoding="utf-8"))


def patterns(*names: str) -> Iterator[re.Pattern[str]]:
    """Compiled patterns of these names; case is ignored."""
    return (re.compile(_text(name), re.I) for name in names)

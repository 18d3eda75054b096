"""``dictionary:FILE``: word lists code documents."""

from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine


def _open(file: str) -> BaseEngine:
    from proband.models.dictionaries import dictionary_engine

    return dictionary_engine(file)


SCHEME = Scheme(
    pattern="dictionary:FILE",
    about="codes documents by word lists and patterns in a TOML file, with negation and a rule for what hits nothing",
    open=_open,
    paths=frozenset({""}),
)

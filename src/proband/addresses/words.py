"""``words``: counts of words as vectors."""

from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine


def _open(rest: str) -> BaseEngine:
    from proband.models.words import WordsEngine

    return WordsEngine()


SCHEME = Scheme(
    pattern="words",
    about="counts of words, hashed: no answers, but vectors without any model; a baseline for encoders",
    open=_open,
    may_change=frozenset({"scikit-learn"}),
)

"""``minilm``: the sentence encoder whose weights install as the extra `texts`."""

from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine


def _open(rest: str) -> BaseEngine:
    from proband.models.local.encoders import EncoderEngine

    return EncoderEngine()


SCHEME = Scheme(
    pattern="minilm",
    about="a small English sentence encoder (extra `texts`): no answers, but vectors for learned:minilm?gold=FILE",
    open=_open,
    loads_weights=True,
    may_change=frozenset({"torch", "transformers"}),
)

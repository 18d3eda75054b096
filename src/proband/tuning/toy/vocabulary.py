"""What the toy world speaks of: domains, what may be asked in them, and invented names."""

from dataclasses import dataclass
from itertools import product

from proband.errors import DesignError
from proband.files import beside
from proband.seeds import rng_for

TRAINED = ("minerals", "beasts", "rulers", "towns")
"""Domains of the bank."""
OTHERS = ("ships", "songs")
"""Domains of the benchmark only: the out-of-domain test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Something that every entity of a domain has one of, as in "the colour of ..."; a value is one word.

    The bank asks those that `is_asked`; the others of a trained domain are the in-domain benchmark's.
    """

    name: str
    domain: str
    values: tuple[str, ...]
    is_asked: bool


_WORDS = beside(__file__)
RELATIONS = tuple(
    Relation(name=name, domain=domain, values=tuple(values.split()), is_asked=name in _WORDS["asked"])
    for domain, relations in _WORDS["domains"].items()
    for name, values in relations.items()
)
"""Every relation; the word of a relation or value stands for one thing only."""


class Names:
    """Invented names of one word, in an order drawn by the world's seed; none comes twice."""

    def __init__(self, seed: int) -> None:
        parts = product(*(_WORDS["names"][part].split() for part in ("beginnings", "vowels", "middles", "ends")))
        values = {value for relation in RELATIONS for value in relation.values}
        every = [word for word in ("".join(part).capitalize() for part in parts) if word not in values]
        rng_for(seed, "toy", "names").shuffle(every)
        self._left = every

    def take(self) -> str:
        """A name that was not given before; `DesignError` if none is left."""
        if not self._left:
            raise DesignError("the toy world has no names left; make a smaller one")
        return self._left.pop()

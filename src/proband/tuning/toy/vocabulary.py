"""What the toy world speaks of: domains, what may be asked in them, and invented names."""

from dataclasses import dataclass
from itertools import product

from proband.errors import DesignError
from proband.seeds import rng_for

TRAINED = ("minerals", "beasts", "rulers", "towns")
"""Domains of the bank."""
OTHERS = ("ships", "songs")
"""Domains of the benchmark only: the out-of-domain test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Something that every entity of a domain has one of.

    Attributes
    ----------
    name : str
        As in "the colour of ...".
    domain : str
    values : tuple of str
        What it may be; one word each.
    is_asked : bool
        Whether the bank asks it; the others of a trained domain are the in-domain benchmark's.
    """

    name: str
    domain: str
    values: tuple[str, ...]
    is_asked: bool


_TABLE = (
    ("minerals", "colour", "red green blue white black grey pink brown purple yellow orange golden"),
    ("minerals", "mine", "Alder Birch Cedar Elm Hazel Juniper Larch Maple Oak Pine Rowan Willow"),
    ("minerals", "use", "glass paint steel soap salt paper wire bricks lamps tiles ink glue"),
    ("beasts", "food", "grass fish nuts berries insects roots seeds snails bark honey eggs moss"),
    ("beasts", "home", "caves marshes deserts forests lakes dunes cliffs meadows islands swamps hills reefs"),
    ("beasts", "enemy", "wolves eagles snakes bears sharks owls foxes lions hawks tigers crows cats"),
    ("rulers", "weapon", "sword spear axe bow dagger hammer sling club whip lance mace staff"),
    ("rulers", "emblem", "rose star crown anchor key tower harp wheel sun moon lily thistle"),
    ("rulers", "teacher", "Adela Bruno Clara David Edith Felix Greta Henry Irene James Karla Louis"),
    ("towns", "river", "Amber Bright Crooked Deep Eastern Foamy Gentle Hidden Icy Jolly Kindly Lazy"),
    ("towns", "trade", "wool wine timber leather pottery silk copper cheese rope horses bells ships"),
    ("towns", "market", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday spring summer autumn winter harvest"),
    ("ships", "cargo", "coal tea rice cotton sugar coffee spices marble iron grain oil pearls"),
    ("ships", "harbour", "Lisbon Genoa Bergen Odessa Cadiz Dover Riga Porto Tunis Malmo Trieste Ostend"),
    ("songs", "instrument", "violin flute drum trumpet guitar piano cello organ banjo oboe lute horn"),
    ("songs", "mood", "sad merry calm angry proud tender gloomy hopeful restless solemn playful dreamy"),
)
_BENCHMARK_ONLY = frozenset({"use", "enemy", "teacher", "market"})

RELATIONS = tuple(
    Relation(
        name=name,
        domain=domain,
        values=tuple(values.split()),
        is_asked=domain in TRAINED and name not in _BENCHMARK_ONLY,
    )
    for domain, name, values in _TABLE
)
"""Every relation; the word of a relation or value stands for one thing only."""

_BEGINNINGS = "b br d dr f g gr h k kr l m n p pl r s st t tr v z"
_VOWELS = "aeiou"
_MIDDLES = "l ld m n nd r rv s t v"
_ENDS = ("a", "el", "en", "in", "o", "or", "us", "is")


class Names:
    """Invented names of one word, in an order drawn by seed; none comes twice.

    Parameters
    ----------
    seed : int
        Of the world: another seed has other names.
    """

    def __init__(self, seed: int) -> None:
        parts = product(_BEGINNINGS.split(), _VOWELS, _MIDDLES.split(), _ENDS)
        values = {value for relation in RELATIONS for value in relation.values}
        every = [word for word in ("".join(part).capitalize() for part in parts) if word not in values]
        rng_for(seed, "toy", "names").shuffle(every)
        self._left = every

    def take(self) -> str:
        """A name that was not given before.

        Raises
        ------
        DesignError
            If none is left.
        """
        if not self._left:
            raise DesignError("the toy world has no names left; make a smaller one")
        return self._left.pop()

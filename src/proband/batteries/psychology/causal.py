"""Causal chains and common causes: what is expected after seeing a thing, and after making it so."""

from collections.abc import Mapping, Sequence
from itertools import product

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.generated import answers, choice, numbered
from proband.batteries.material import OWN, amount, drawn, rows, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

# Twenty of something, and three things that each of them has much or little of; nobody knows how they hang together.
_STORIES = rows(
    """
casks of wine | tannin | sediment | scent
tanks of fish | algae | oxygen | foam
fields of rye | nitrogen | rust | foliage
beds of sand | iron | moisture | crust
vats of dye | lime | salt | froth
hives of bees | wax | dust | honey
rolls of cloth | starch | gloss | fluff
jars of yeast | sugar | gas | sediment
"""
)
# Edges from a first thing A, a second B and a third C.
STRUCTURES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "common-cause": (("A", "B"), ("A", "C")),
    "chain": (("B", "A"), ("A", "C")),
}
_KEEPS = 0.8  # how often an effect is as its cause is
_KINDS = {"seen": "right after seeing", "made": "right after making it so"}


def probability(structure: str, of: str, at: str, value: bool, *, is_made: bool) -> float:
    """Probability that a thing is there, given that another one is seen to be there or not, or made so.

    Parameters
    ----------
    structure : {"common-cause", "chain"}
        What causes what.
    of, at : {"A", "B", "C"}
        What is asked about; what is known.
    value : bool
        Whether that is there.
    is_made : bool
        Whether it was made so from outside, which cuts it off from its causes (Pearl 2000).

    Examples
    --------
    >>> seen, made = (probability("common-cause", "C", "B", True, is_made=is_made) for is_made in (False, True))
    >>> round(seen, 2), round(made, 2)
    (0.68, 0.5)
    """
    edges = [(cause, effect) for cause, effect in STRUCTURES[structure] if not (is_made and effect == at)]
    total = there = 0.0
    for values in product((True, False), repeat=3):
        world = dict(zip("ABC", values, strict=True))
        if world[at] != value:
            continue
        weight = 1.0
        for thing in world:
            causes = [cause for cause, effect in edges if effect == thing]
            weight *= (_KEEPS if world[thing] == world[causes[0]] else 1 - _KEEPS) if causes else 0.5
        total += weight
        there += weight * world[of]
    return there / total


def _item(id: str, structure: str, story: Sequence[str], value: bool, is_made: bool, seed: int) -> Item:
    """What is expected of the third thing; the right answer follows from the graph."""
    what, a, b, c = story
    if len({a, b, c}) < 3:
        raise DesignError(f"item {id!r}: two of {a!r}, {b!r}, {c!r} are one thing, so that two answers are right")
    names = {"A": a, "B": b, "C": c}
    causes = ", and ".join(f"much {names[x]} causes much {names[y]}" for x, y in STRUCTURES[structure])
    p = probability(structure, "C", "B", value, is_made=is_made)
    degree = "much" if value else "little"
    made = f"Somebody from outside has made one of them have {degree} {b}, and changed nothing else"
    given = made if is_made else f"You look at one of them and see that it has {degree} {b}"
    text = (
        f"Of 20 {what} each has much or little {a}, {b} and {c}. In most of them {causes}; nothing else causes any of "
        f"the three, and half of them have much of each. {given}. How probable is it now that this one has much {c}?"
    )
    options = ("More probable than before", "Less probable than before", "As probable as before")
    right = 2 if abs(p - 0.5) < 0.01 else int(p < 0.5)
    scores = answers(options[right], *(option for k, option in enumerate(options) if k != right))
    tempting = options[int(not value)]  # what would be right after seeing
    lures = [tempting] if tempting != options[right] else []
    return choice(id, text, scores, rng_for(seed, "causal", id), lures=lures)


def instrument(setting: Setting) -> Instrument:
    """The same facts seen and made so, under both structures."""
    n = amount(setting, 4, 2)
    found = dict[str, list[Item]]()
    for structure in STRUCTURES:
        stories = drawn(_STORIES, n, rng_for(setting.seed, "causal", structure), "stories")
        for k, story in enumerate(stories):
            for kind in _KINDS:
                name = f"{structure}-{kind}"
                item = _item(numbered(name, k + 1), structure, story, k % 2 == 0, kind == "made", setting.seed)
                found.setdefault(name, []).append(item)
    return Instrument(
        id="causal",
        title="Seeing and doing",
        items=tuple([item for items in found.values() for item in items]),
        scales=tuple(
            [
                scale(f"{s}-{kind}", f"{told}, {s.replace('-', ' ')}", found[f"{s}-{kind}"])
                for s in STRUCTURES
                for kind, told in _KINDS.items()
            ]
        ),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Whether making a thing so is told from seeing it, where only the one says something of its cause."""
    return (
        Contrast(
            name="common cause: right after seeing, minus after making",
            weights={"common-cause-seen": 1.0, "common-cause-made": -1.0},
        ),
        Contrast(name="takes making for seeing, common cause", weights={"common-cause-made:lure": 1.0}),
    )


BATTERY = Battery(
    name="causal",
    title="Seeing and doing",
    about="what follows from seeing something and from making it so, for common causes and chains",
    discipline="psychology",
    source="Waldmann & Hagmayer (2005), Journal of Experimental Psychology: Learning, Memory, and Cognition 31, "
    "216-227, https://doi.org/10.1037/0278-7393.31.2.216; for models Binz & Schulz (2023), PNAS 120(6), "
    "https://doi.org/10.1073/pnas.2218523120",
    licence=OWN,
    page="Three things hang together, by a common cause or in a chain. One of them is seen to be there, or is made so "
    "from outside: is another now more probable? The right answer is worked out from the graph, in which making a "
    "thing so cuts it off from its causes. Chance is a third. With a common cause, seeing one effect speaks for the "
    "other and making it does not; in a chain both do. No figure of people is known for these words. Look at whether "
    "making is answered as seeing is.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)

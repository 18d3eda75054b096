"""Property induction: which of two arguments from one kind of thing to another is the stronger."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.generated import answers, choice, numbered
from proband.batteries.material import OWN, amount, rows, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

# Of a class: typical members (alike), one that is like them, one far from them, and one that is not typical of it.
_CLASSES = rows(
    """
birds | robins | sparrows | finches | larks | ostriches | penguins
mammals | dogs | wolves | foxes | jackals | bats | whales
fish | trout | salmon | carp | perch | rays | eels
insects | flies | wasps | bees | hornets | moths | lice
trees | oaks | beeches | elms | maples | palms | cypresses
flowers | roses | tulips | lilies | daisies | orchids | thistles
vegetables | carrots | turnips | beets | radishes | pumpkins | olives
reptiles | lizards | geckos | iguanas | skinks | turtles | crocodiles
"""
)
_PROPERTIES = ("a certain enzyme", "a certain protein", "a certain gene", "a certain acid", "a certain parasite")
_KINDS = {
    "similarity": "prefers similar premises",
    "typicality": "prefers typical premises",
    "diversity": "prefers diverse premises",
    "monotonicity": "prefers more premises",
}


def arguments(kind: str, members: Sequence[str], has: str) -> tuple[str, str]:
    """A stronger and a weaker argument, as the model of similarity and coverage has it.

    Parameters
    ----------
    kind : {"similarity", "typicality", "diversity", "monotonicity"}
        In what the two differ.
    members : sequence of str
        The class, four typical members, one far from them, one that is not typical.
    has : str
        What they have.

    Raises
    ------
    DesignError
        If two members are the same, so that neither argument is the stronger.
    """
    if len(set(members)) < len(members):
        raise DesignError(
            f"members {tuple(members)} have one twice, so that both arguments may be as strong; change one"
        )
    whole, a, b, c, _, far, odd = members
    stronger, weaker = {
        "similarity": (((a,), b), ((a,), far)),
        "typicality": (((a,), f"all {whole}"), ((odd,), f"all {whole}")),
        "diversity": (((a, far), f"all {whole}"), ((a, b), f"all {whole}")),
        "monotonicity": (((a, c, far), f"all {whole}"), ((a,), f"all {whole}")),
    }[kind]

    def said(premises: Sequence[str], conclusion: str) -> str:
        listed = " and ".join((", ".join(premises[:-1]), premises[-1]) if premises[1:] else premises)
        return f"{listed.capitalize()} have {has}, so {conclusion} have it"

    return said(*stronger), said(*weaker)


def instrument(setting: Setting) -> Instrument:
    """Pairs of arguments of four kinds, from different classes."""
    n = amount(setting, 6, 3)
    found: dict[str, list[Item]] = {kind: [] for kind in _KINDS}
    for kind, items in found.items():
        rng = rng_for(setting.seed, "property-induction", kind)
        turns = [k for _ in range(n // len(_CLASSES) + 1) for k in rng.permutation(len(_CLASSES))][:n]
        for k, turn in enumerate(turns, 1):
            whole, *known = _CLASSES[turn]
            # The typical members change their roles, so that no wording comes back before all have had theirs.
            members = [whole, *(known[i] for i in rng.permutation(4)), *known[4:]]
            pair = arguments(kind, members, _PROPERTIES[int(rng.integers(len(_PROPERTIES)))])
            items.append(choice(numbered(kind, k), "Which argument is the stronger?", answers(*pair), rng))
    return Instrument(
        id="property-induction",
        title="Property induction",
        items=tuple([item for items in found.values() for item in items]),
        scales=tuple([scale(kind, _KINDS[kind], items) for kind, items in found.items()]),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Whether diversity counts, beside the similarity that pulls the other way."""
    return (Contrast(name="similarity minus diversity", weights={"similarity": 1.0, "diversity": -1.0}),)


BATTERY = Battery(
    name="property-induction",
    title="Property induction",
    about="which of two arguments from kinds of things to others is the stronger",
    discipline="psychology",
    source="Osherson, Smith, Wilkie, López & Shafir (1990), Psychological Review 97, 185-200, "
    "https://doi.org/10.1037/0033-295X.97.2.185; for models Han, Ransom, Perfors & Kemp (2022), Proceedings of the "
    "Annual Meeting of the Cognitive Science Society 44, https://escholarship.org/uc/item/3w84q1s1",
    licence=OWN,
    page="Two arguments about a property that nobody knows. People call that one stronger whose premises are more "
    "similar to the conclusion, more typical, more diverse or more in number; the score is 1 where a model does, and "
    "chance is a half. No share of people is known for these classes. Look at diversity: who goes by similarity "
    "alone prefers dogs and wolves to dogs and bats.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)

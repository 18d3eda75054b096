"""Syllogisms: is a conclusion called valid because it follows, or because it is believed."""

from collections.abc import Sequence
from itertools import product

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.generated import numbered
from proband.batteries.material import OWN, amount, drawn, people, rows, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.references import reference
from proband.seeds import rng_for

# Of each pair the second are some of the first: "some animals are not dogs" is believed, the converse is not.
_PAIRS = rows(
    """
animals | dogs
plants | roses
vehicles | lorries
fruits | cherries
buildings | churches
drinks | beers
tools | hammers
birds | sparrows
insects | beetles
books | novels
garments | shirts
ships | ferries
trees | oaks
doctors | surgeons
instruments | violins
"""
)
_MIDDLE = ("wugs", "blickets", "tomas", "daxes", "fendles", "gorps", "lommels", "zivvers")
# Premises about A, B (nobody knows it) and C; from all of these it follows that some C are not A.
_FORMS = (("No {A} are {B}.", "Some {C} are {B}."), ("All {A} are {B}.", "Some {C} are not {B}."))
_TYPES = tuple(product((False, True), repeat=3))  # a thing may be A, B and C or not

Sentence = tuple[str, int, int]


def follows(premises: Sequence[Sentence], conclusion: Sentence) -> bool:
    """Whether a conclusion is true wherever the premises are: every mixture of things is tried.

    Parameters
    ----------
    premises, conclusion
        ("no", "some", "all" or "some not", term, term), terms numbered from 0 to 2.

    Examples
    --------
    >>> follows([("no", 0, 1), ("some", 2, 1)], ("some not", 2, 0)), follows([("no", 0, 1)], ("some not", 2, 0))
    (True, False)
    """

    def is_so(sentence: Sentence, things: Sequence[tuple[bool, ...]]) -> bool:
        how, x, y = sentence
        both, first = any(t[x] and t[y] for t in things), any(t[x] and not t[y] for t in things)
        return {"no": not both, "some": both, "all": not first, "some not": first}[how]

    worlds = [[t for t, there in zip(_TYPES, mask, strict=True) if there] for mask in product((0, 1), repeat=8)]
    return all(is_so(conclusion, world) for world in worlds if all(is_so(p, world) for p in premises))


_PREMISES: tuple[tuple[Sentence, Sentence], ...] = ((("no", 0, 1), ("some", 2, 1)), (("all", 0, 1), ("some not", 2, 1)))


def _item(k: int, is_valid: bool, is_believed: bool, terms: Sequence[str], middle: str) -> Item:
    """One syllogism; whether it is valid is worked out, not believed."""
    wide, narrow = terms
    form = k % len(_FORMS)
    subject, other = (wide, narrow) if is_believed else (narrow, wide)  # some `subject` are not `other`
    a, c = (other, subject) if is_valid else (subject, other)
    if follows(_PREMISES[form], ("some not", 2, 0) if is_valid else ("some not", 0, 2)) != is_valid:
        raise DesignError(f"syllogism {k}: it is not what it is called; both answers would be right")
    said = " ".join(part.format(A=a, B=middle, C=c) for part in _FORMS[form])
    name = f"{'valid' if is_valid else 'invalid'}-{'believable' if is_believed else 'unbelievable'}"
    return Item(
        id=numbered(name, k + 1),
        text=f"{said} Does it follow of necessity that some {subject} are not {other}?",
        form="choice",
        options=("It follows", "It does not follow"),
        codes=(1.0, 0.0),
    )


def instrument(setting: Setting) -> Instrument:
    """Valid and invalid conclusions, believable and not."""
    n = amount(setting, 6, 3)
    rng = rng_for(setting.seed, "syllogisms")
    kinds = [(valid, believed) for valid in (True, False) for believed in (True, False)]
    found = dict[str, list[Item]]()
    for is_valid, is_believed in kinds:
        pairs = drawn(_PAIRS, n, rng, "pairs of terms")
        for k, pair in enumerate(pairs):
            item = _item(k, is_valid, is_believed, pair, _MIDDLE[int(rng.integers(len(_MIDDLE)))])
            found.setdefault(item.id.rpartition("-")[0], []).append(item)
    return Instrument(
        id="syllogisms",
        title="Syllogisms",
        items=tuple([item for items in found.values() for item in items]),
        scales=tuple(
            [
                scale(name, f"calls it valid: {name.replace('-', ', ')}", items, people("syllogisms", name))
                for name, items in found.items()
            ]
        ),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Logic, belief, and how much more belief counts where nothing follows."""
    names = ("valid-believable", "valid-unbelievable", "invalid-believable", "invalid-unbelievable")
    weights = {
        "logic: valid minus invalid": (0.5, 0.5, -0.5, -0.5),
        "belief: believable minus not": (0.5, -0.5, 0.5, -0.5),
        "belief where invalid, minus where valid": (-1.0, 1.0, 1.0, -1.0),
    }
    rows = [reference("syllogisms", name) for name in names]
    known = [row.value for row in rows if row is not None]
    source = people("syllogisms", names[0]).source
    return tuple(
        Contrast(
            name=name,
            weights=dict(zip(names, each, strict=True)),
            people=Figure(mean=sum(w * v for w, v in zip(each, known, strict=True)), source=source),
        )
        for name, each in weights.items()
    )


BATTERY = Battery(
    name="syllogisms",
    title="Syllogisms: belief and validity",
    about="conclusions that follow or not, believable or not",
    discipline="psychology",
    source="Evans, Barston & Pollard (1983), Memory & Cognition 11, 295-306, https://doi.org/10.3758/BF03196976",
    licence=OWN,
    page="Two premises, with a middle term that nobody knows, and a conclusion: does it follow? The score is the share "
    "that is called valid, in four kinds: valid or not, believable or not. People accept what is valid more often, and "
    "also what they believe, most of all where it does not follow. Look at the contrasts: an engine that says yes to "
    "everything is at 1 in all four kinds and at 0 in all three contrasts.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)

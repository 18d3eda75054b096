"""Cognitive reflection: questions whose first answer is wrong, the three published ones and fresh ones of each family.

Frederick (2005), doi:10.1257/089533005775196732. The words are ours; objects and numbers of the published three are
Frederick's. Fresh items keep the trap and change all else.
"""

from collections.abc import Sequence

import numpy as np

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.generated import answers, choice, numbered
from proband.batteries.material import amount, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

_N = 4  # fresh items of each family
_N_QUICK = 2
_MOST = 40
_SOURCE = "Frederick (2005), Journal of Economic Perspectives 19(4), 25-42. doi:10.1257/089533005775196732"
_PEOPLE = Figure(mean=1.24 / 3, n=3428, source=f"{_SOURCE}, all samples: 1.24 of 3 right")
_PAIRS = (("lamp", "shade"), ("kettle", "cup"), ("tent", "rope"), ("desk", "stool"), ("coat", "scarf"), ("pan", "lid"))
_MAKERS = (("ovens", "loaves"), ("weavers", "mats"), ("pumps", "tanks"), ("potters", "bowls"), ("presses", "books"))
_GROWERS = (("Moss", "a roof"), ("Mould", "a wall"), ("Ivy", "a tower"), ("Ice", "a lake"), ("Rust", "a hull"))


def _price(id: str, thing: tuple[str, str], less: int, more: int, unit: str, rng: np.random.Generator) -> Item:
    """Both cost `more + 2 * less`, one costs `more` more than the other: the other costs `less`, not twice that."""
    dear, cheap = thing
    text = (
        f"A {dear} and a {cheap} cost {more + 2 * less} {unit} together. The {dear} costs {more} {unit} more than the "
        f"{cheap}. What does the {cheap} cost?"
    )
    scores = answers(f"{less} {unit}", f"{2 * less} {unit}", f"{more} {unit}", f"{more + less} {unit}")
    return choice(id, text, scores, rng, lures=[f"{2 * less} {unit}"])


def _rate(id: str, makers: tuple[str, str], few: int, many: int, rng: np.random.Generator) -> Item:
    """As many of both take as long as before, however many they are."""
    who, what = makers
    text = f"{few} {who} take {few} minutes for {few} {what}. How long do {many} {who} take for {many} {what}?"
    scores = answers(f"{few} minutes", f"{many} minutes", "1 minute", f"{few * many} minutes")
    return choice(id, text, scores, rng, lures=[f"{many} minutes"])


def _doubling(id: str, growth: tuple[str, str], days: int, rng: np.random.Generator) -> Item:
    """Half is covered a day before the whole, not in half the time; `days` is even."""
    what, where = growth
    text = (
        f"{what} on {where} doubles every day. After {days} days it covers all of it. After how many days did it cover "
        "half?"
    )
    scores = answers(f"{days - 1} days", f"{days // 2} days", f"{days - 2} days", f"{days // 4} days")
    return choice(id, text, scores, rng, lures=[f"{days // 2} days"])


def _published(rng: np.random.Generator) -> list[Item]:
    return [
        _price("bat-and-ball", ("bat", "ball"), 5, 100, "cents", rng),
        _rate("widgets", ("machines", "widgets"), 5, 100, rng),
        _doubling("lily-pads", ("A patch of lily pads", "a lake"), 48, rng),
    ]


def _fresh(seed: int, n: int) -> list[Item]:
    """Items of each family, drawn, none twice; numbers are such that no wrong answer equals the right one."""
    if n > _MOST:
        raise DesignError(f"battery 'crt': n is {n}; ask for at most {_MOST}, or items of a family would be alike")
    found = list[Item]()
    for k in range(1, n + 1):
        rng, seen = rng_for(seed, "crt", k), {item.text for item in found}
        made = _families(k, rng)
        while seen & {item.text for item in made}:
            made = _families(k, rng)
        found += made
    return found


def _families(k: int, rng: np.random.Generator) -> list[Item]:
    less, few, days = int(rng.integers(2, 9)), int(rng.integers(3, 10)), 4 * int(rng.integers(4, 15))
    more, many = 10 * int(rng.integers(3, 20)), 10 * int(rng.integers(2, 12))
    pair, makers, growth = (list_[rng.integers(len(list_))] for list_ in (_PAIRS, _MAKERS, _GROWERS))
    return [
        _price(numbered("price", k), pair, less, more, "dollars", rng),
        _rate(numbered("rate", k), makers, few, many, rng),
        _doubling(numbered("doubling", k), growth, days, rng),
    ]


def _instrument(setting: Setting) -> Instrument:
    published = _published(rng_for(setting.seed, "crt"))
    fresh = _fresh(setting.seed, amount(setting, _N, _N_QUICK))
    return Instrument(
        id="crt",
        title="Cognitive reflection",
        items=(*published, *fresh),
        scales=(scale("published", "Right, published", published, _PEOPLE), scale("fresh", "Right, fresh", fresh)),
    )


def _contrasts(setting: Setting) -> Sequence[Contrast]:
    return (
        Contrast(name="fresh minus published", weights={"fresh": 1, "published": -1}, isomorph_of="published"),
        Contrast(name="tempted, fresh", weights={"fresh:lure": 1}),
        Contrast(name="right minus tempted, fresh", weights={"fresh": 1, "fresh:lure": -1}),
    )


BATTERY = Battery(
    name="crt",
    title="Cognitive reflection",
    about="questions whose first answer is wrong: price, rate and doubling, published and fresh",
    discipline="psychology",
    source=_SOURCE,
    licence="The words were written for Proband (Apache-2.0); objects and numbers of the published three are facts.",
    page="Three families of questions tempt to a quick wrong answer: the rest of a price, a rate, half of a growth. "
    "Each is asked with the published objects and numbers, and with fresh ones. A model that has read the published "
    "answers is right on those and tempted by the fresh ones; the contrast of both says so. Options are given here, "
    "and people wrote their answers, so a model has a chance of a quarter that they had not.",
    instrument=_instrument,
    contrasts=_contrasts,
    is_generated=True,
    awareness=("Frederick", "Cognitive Reflection", "bat and ball", "bat-and-ball"),
)

"""Whether what a model would pay depends on a number that has nothing to do with it."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item, Scale
from proband.seeds import rng_for

_SOURCE = (
    "Ariely, Loewenstein & Prelec (2003), Quarterly Journal of Economics 118, 73-106, "
    "https://doi.org/10.1162/00335530360535153"
)
_PUBLISHED = (
    *("a cordless trackball", "a cordless keyboard", "a bottle of average wine", "a bottle of rare wine"),
    *("a book on design", "a box of Belgian chocolates"),
)
_FRESH = (
    *("a desk lamp of brass", "a rucksack for a day", "a jar of rare honey", "a woollen blanket", "a chess set"),
    *("a pocket radio", "a pair of leather gloves", "a kettle", "a picture book of birds", "a pound of coffee"),
)
_PRICES = (2, 5, 10, 15, 20, 30, 40, 60, 90)
_DIGITS = {"low": (3, 17), "high": (83, 98)}


def instrument(setting: Setting) -> Instrument:
    """Would you pay the last digits of a number drawn by lot, and how much at most; the score is dollars."""
    items, scales = [], dict[str, dict[str, int]]()
    n = setting.n or 6
    if n > len(_FRESH):
        raise DesignError(f"valuation: n is {n}, and there are {len(_FRESH)} fresh goods; ask for fewer")
    fresh = rng_for(setting.seed, "valuation", "goods").permutation(_FRESH)[:n]
    for name, goods in (("published", _PUBLISHED), ("fresh", tuple(map(str, fresh)))):
        for k, good in enumerate(goods[:3] if setting.is_quick else goods, 1):
            for end, (least, most) in _DIGITS.items():
                digits = int(rng_for(setting.seed, "valuation", name, k, end).integers(least, most + 1))
                id_ = f"{name}-{k}-{end}"
                text = (
                    f"A number was drawn by lot, and its last two digits are {digits:02d}. First think about whether "
                    f"you would pay {digits} dollars for {good}. What is the most that you would pay for it?"
                )
                options = tuple(f"{price} dollars" for price in _PRICES)
                items.append(Item(id=id_, text=text, form="scale", options=options, codes=_PRICES))
                scales.setdefault(f"{name}-{end}", {})[id_] = 1
    return Instrument(
        id="valuation",
        title="Prices after a number drawn by lot",
        items=tuple(items),
        scales=tuple(
            Scale(id=id_, name=f"dollars, {id_.replace('-', ' goods, ')} number", items=keyed)
            for id_, keyed in scales.items()
        ),
        source=_SOURCE,
        licence="CC0",
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What the number does to prices."""
    # Means of the highest and lowest fifth by number, for the six goods: 17.54, 39.55, 19.27, 25.82, 17.18, 11.09.
    people = Figure(mean=21.74, n=55, source=f"{_SOURCE}; highest less lowest fifth by number, mean of the six goods")
    return [
        Contrast(name="published: high less low", weights={"published-high": 1, "published-low": -1}, people=people),
        Contrast(name="fresh: high less low", weights={"fresh-high": 1, "fresh-low": -1}, isomorph_of="published"),
    ]


BATTERY = Battery(
    name="valuation",
    title="Prices after a number drawn by lot",
    about="the most one would pay for goods, after a low and a high number that was drawn by lot",
    discipline="economics",
    source=_SOURCE,
    licence="Goods are facts; own wording, CC0",
    page="Somebody reads two digits that were drawn by lot, thinks about whether to pay so many dollars, and then "
    "names the most that they would pay, on a list from 2 to 90 dollars. A scale is the mean price; the contrast is "
    "how many dollars a high number adds to a low one. Among people it added 21.74 dollars, mean over six goods. A "
    "model that repeats the digits is anchored in the plainest sense; one that names the middle of the list "
    "whatever is sold has no valuations that could be.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"wording": ("published", "plain"), "role": ("none", "impersonated")},
    is_generated=True,
)

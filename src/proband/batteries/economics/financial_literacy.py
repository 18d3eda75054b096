"""Interest, inflation and spread of risk: three questions that surveys ask, with fresh numbers and words."""

from collections.abc import Sequence

import numpy as np

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.material import amount
from proband.instruments.items import Instrument, Item, Scale
from proband.seeds import rng_for

_SOURCE = (
    "Lusardi & Mitchell (2011), Journal of Pension Economics and Finance 10, 497-508, "
    "https://doi.org/10.1017/S1474747211000448"
)
_RIGHT = {"interest": 0.649, "inflation": 0.643, "risk": 0.518}  # share of people in the United States, 2009
_MORE = ("More than {x}", "Exactly {x}", "Less than {x}")
_THINGS = {"cows": "one cow", "flats": "one flat", "farms": "one farm", "ships": "one ship", "wells": "one well"}


def _interest(rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """Compound interest: more than simple interest gives, and less than twice that interest, at these rates."""
    start, rate, years = int(rng.integers(2, 20)) * 100, int(rng.integers(2, 7)), int(rng.integers(3, 9))
    text = (
        f"You put {start:,} dollars into an account that pays {rate} % interest each year, and leave everything in it. "
        f"How much is in it after {years} years?"
    )
    times = int(rng.integers(1, 3))
    options = [option.format(x=f"{start * (100 + times * rate * years) // 100:,} dollars") for option in _MORE]
    return text, tuple(options if times == 1 else options[::-1])


def _inflation(rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """Interest below inflation, always: less can be bought."""
    rate, years = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    prices = rate + int(rng.integers(1, 4))
    text = (
        f"Savings bear {rate} % interest a year while prices rise by {prices} % a year. How much can be bought with "
        f"the savings after {years} year{'s' if years > 1 else ''}, compared with today?"
    )
    return text, ("Less than today", "As much as today", "More than today")


def _risk(rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """One thing is riskier than shares of many, independent ones."""
    things, n = str(rng.choice(list(_THINGS))), int(rng.integers(20, 200))
    ways, names = (
        [f"all savings in {_THINGS[things]}", f"shares of {n} {things} in many places"],
        ["The first", "The second"],
    )
    turn = int(rng.integers(2))
    text = (
        f"There are two ways to invest. The first: {ways[turn]}. The second: {ways[1 - turn]}. Which "
        "of these is the safer way?"
    )
    return text, (names[1 - turn], names[turn], "Both alike")


def instrument(setting: Setting) -> Instrument:
    """So many of each of the three; the score is 1 for what is right, which stands first before it is shuffled."""
    makers = {"interest": _interest, "inflation": _inflation, "risk": _risk}
    items, scales = [], []
    for name, make in makers.items():
        keyed = {}
        for k in range(1, amount(setting, 6, 3) + 1):
            rng = rng_for(setting.seed, "financial-literacy", name, k)
            text, options = make(rng)
            # More, exactly and less stand in one order or the other; the rest is shuffled.
            order = [[0, 1, 2], [2, 1, 0]][int(rng.integers(2))] if name == "interest" else rng.permutation(3).tolist()
            id_ = f"{name}-{k:02d}"
            values = tuple("right" if j == 0 else f"other {j}" for j in order)
            codes = tuple(float(j == 0) for j in order)
            shown = tuple(options[j] for j in order)
            items.append(Item(id=id_, text=text, form="choice", options=shown, codes=codes, values=values))
            keyed[id_] = 1
        source = f"{_SOURCE}; United States, 2009, one question"
        human: dict[str, float | str] = {"mean": _RIGHT[name], "n": 1488, "source": source}
        scales.append(Scale(id=name, name=f"right, {name}", items=keyed, human=human))
    return Instrument(
        id="financial-literacy", title="Interest, inflation, risk", items=tuple(items), scales=tuple(scales),
        source=_SOURCE, licence="CC0",
    )  # fmt: skip


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Whether risk is the hardest, as among people."""
    gap = _RIGHT["risk"] - (_RIGHT["interest"] + _RIGHT["inflation"]) / 2
    return [
        Contrast(
            name="risk less interest and inflation",
            weights={"risk": 1, "interest": -0.5, "inflation": -0.5},
            people=Figure(mean=gap, n=1488, source=f"{_SOURCE}; United States, 2009"),
        )
    ]


BATTERY = Battery(
    name="financial-literacy",
    title="Interest, inflation, risk",
    about="generated questions on compound interest, inflation and spread of risk, with people's shares",
    discipline="economics",
    source=_SOURCE,
    licence="Own wording, CC0",
    page="The three questions that surveys of financial literacy ask all over the world, with numbers and things "
    "that are drawn; a scale is the share of right answers. In the United States 64.9, 64.3 and 51.8 % of people "
    "were right in 2009; they could also say that they do not know, which is not offered here, so guessing gives a "
    "third. Interest and inflation can be computed, risk must be understood.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)

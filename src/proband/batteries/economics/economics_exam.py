"""An exam in economics: what has to be computed, with drawn numbers, and what has to be understood."""

from collections.abc import Callable, Sequence

import numpy as np

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.material import amount
from proband.errors import DesignError
from proband.files import beside
from proband.instruments.items import Instrument, Item, Scale
from proband.seeds import rng_for

_CONCEPTS = beside(__file__)
Made = tuple[str, str, float, tuple[float, ...]]  # question, unit, right answer, answers of common mistakes
_N, _N_QUICK, _TRIES = 8, 4, 50


def _equilibrium(rng: np.random.Generator) -> Made:
    a, b, c, price = (int(n) for n in rng.integers([60, 2, 1, 4], [90, 6, 4, 9]))
    demanded = a + b * price
    text = (
        f"Buyers demand {demanded} - {b}p units at a price of p dollars, and sellers offer {a - c * price} + {c}p. At "
        "which price is the market cleared?"
    )
    return text, "dollars", price, (demanded / b, price + c, price + b)


def _elasticity(rng: np.random.Generator) -> Made:
    rise, e = int(rng.choice([2, 4, 5, 10])), float(rng.choice([0.5, 1.5, 2, 3]))
    text = (
        f"A price rises by {rise} %, and the quantity sold falls by {rise * e:g} %. How large is the price "
        "elasticity of demand, without its sign?"
    )
    return text, "", e, (1 / e, rise * e, e + 1)


def _margin(rng: np.random.Generator) -> Made:
    n, unit, more = int(rng.integers(4, 20)), int(rng.integers(5, 20)), int(rng.integers(2, 9))
    whole = n * unit
    text = (
        f"It costs {whole} dollars to make {n} chairs, and {whole + unit + more} dollars to make {n + 1}. What is the "
        f"marginal cost of chair number {n + 1}?"
    )
    return text, "dollars", unit + more, (whole / n, unit + more + unit, whole + unit + more)


def _opportunity(rng: np.random.Generator) -> Made:
    hours, baskets, fish = (int(n) for n in rng.integers([4, 3, 4], [9, 9, 15]))
    text = (
        f"In {hours} hours somebody can weave {baskets * hours} baskets or catch {fish * baskets * hours} fish. How "
        "many fish does one basket cost?"
    )
    return text, "fish", fish, (baskets, fish * baskets, fish * hours)


def _real(rng: np.random.Generator) -> Made:
    inflation, real = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    text = (
        f"Prices rise by {inflation} % a year, and a loan bears {inflation + real} % interest. What is the real "
        "interest rate?"
    )
    return text, "%", real, (inflation + real, 2 * inflation + real, inflation)


def _unemployment(rng: np.random.Generator) -> Made:
    rate, force = int(rng.integers(4, 15)), int(rng.integers(3, 9)) * 100
    out = int(rng.integers(2, 5)) * 100
    idle = rate * force // 100
    text = (
        f"Of {force + out} adults {force - idle} work, {idle} look for work, and {out} neither work nor look. What "
        "is the rate of unemployment?"
    )
    return (
        text,
        "%",
        rate,
        (100 * idle / (force + out), 100 * (idle + out) / (force + out), 100 * idle / (force - idle)),
    )


def _multiplier(rng: np.random.Generator) -> Made:
    mpc, more = float(rng.choice([0.5, 0.6, 0.75, 0.8, 0.9])), int(rng.integers(2, 9)) * 10
    text = (
        f"Households spend {mpc:g} of every further dollar of income; prices and taxes stay as they are. By how "
        f"much does income rise if the government spends {more} million dollars more?"
    )
    return text, "million dollars", more / (1 - mpc), (more * mpc, more, more / mpc, more * (1 + mpc))


def _growth(rng: np.random.Generator) -> Made:
    rise, prices, base = int(rng.integers(5, 12)), int(rng.integers(1, 4)), int(rng.integers(2, 9)) * 100
    text = (
        f"Output at current prices rises from {base} to {base * (100 + rise) / 100:g} billion dollars while prices "
        f"rise by {prices} %. By about how much does real output rise?"
    )
    return text, "%", rise - prices, (rise, rise + prices, prices)


_TOPICS: dict[str, tuple[Callable[[np.random.Generator], Made], ...]] = {
    "markets": (_equilibrium, _elasticity, _margin, _opportunity),
    "economy": (_real, _unemployment, _multiplier, _growth),
}


def _computed(id_: str, make: Callable[[np.random.Generator], Made], rng: np.random.Generator) -> Item:
    """A question whose four answers are different numbers; numbers that make two of them right are drawn again."""
    for _ in range(_TRIES):
        text, unit, right, wrong = make(rng)
        shown = [f"{number:.3g} {unit}".strip() for number in (right, *wrong)]
        if len(others := list(dict.fromkeys(shown[1:]))) >= 3 and shown[0] not in others:
            answers = [shown[0], *others[:3]]
            order = rng.permutation(4).tolist()
            return _item(id_, text, [answers[k] for k in order], shown[0])
    raise DesignError(f"item {id_!r}: no numbers were found of which only one answer is right; change its ranges")


def _item(id_: str, text: str, options: Sequence[str], right: str) -> Item:
    values = tuple("right" if option == right else f"other {k}" for k, option in enumerate(options))
    codes = tuple(float(option == right) for option in options)
    return Item(id=id_, text=text, form="choice", options=tuple(options), codes=codes, values=values)


def instrument(setting: Setting) -> Instrument:
    """So many items to be computed and to be understood for markets and for the economy; 1 is right."""
    n = amount(setting, _N, _N_QUICK)
    if n > (most := len(_CONCEPTS["markets"]["items"])):
        raise DesignError(f"economics-exam: n is {n}, and there are {most} conceptual items of a topic; ask for fewer")
    items, scales = [], []
    for topic, makers in _TOPICS.items():
        computed = [
            _computed(f"{topic}-computed-{k + 1}", makers[k % len(makers)], rng_for(setting.seed, "exam", topic, k))
            for k in range(n)
        ]
        words, rng = _CONCEPTS[topic], rng_for(setting.seed, "exam", topic)
        options = words["options"]
        understood = [
            _item(f"{topic}-understood-{k}", found["text"], tuple(options.values()), options[found["right"]])
            for k, found in enumerate((words["items"][j] for j in rng.permutation(most)[:n]), 1)
        ]
        for way, found in (("computed", computed), ("understood", understood)):
            items += found
            keyed = {item.id: 1 for item in found}
            scales.append(Scale(id=f"{topic}-{way}", name=f"right, {topic}, {way}", items=keyed))
    return Instrument(
        id="economics-exam", title="An exam in economics", items=tuple(items), scales=tuple(scales), licence="CC0"
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What is to be computed against what is to be understood, each above chance; and both topics."""
    signs = {
        "computed less understood": {"computed": 0.5, "understood": -0.5},
        "markets less economy": {"markets": 0.5, "economy": -0.5},
    }
    cells = [(topic, way) for topic in _TOPICS for way in ("computed", "understood")]
    return [
        Contrast(name=name, weights={f"{topic}-{way}": by.get(topic, by.get(way, 0.0)) for topic, way in cells})
        for name, by in signs.items()
    ]


BATTERY = Battery(
    name="economics-exam",
    title="An exam in economics",
    about="items to be computed and to be understood, on markets and on the economy",
    discipline="economics",
    source="The split is that of Walstad, Watts & Rebeck (2007), Test of Understanding in College Economics, 4th "
    "edition, Council for Economic Education, which is not free and not used here",
    licence="Own wording, CC0",
    page="Eight items to be computed and eight to be understood on markets, and as many on the economy. Numbers are "
    "drawn, wrong answers are those of common mistakes, and items of which two answers would be right are drawn "
    "again; concepts are fixed and in our words. Guessing gives a quarter of what is computed and a third of what "
    "is understood, so their difference starts at -.083 and not at 0. There is no norm of people for these items: "
    "the known tests are not free.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"wording": ("published", "plain"), "role": ("none", "assistant")},
    is_generated=True,
)

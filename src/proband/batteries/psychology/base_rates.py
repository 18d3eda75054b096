"""Base rates: how probable is it after a sign, where it is rare."""

from collections.abc import Sequence

import numpy as np

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.generated import answers, choice, numbered
from proband.batteries.material import OWN, amount, drawn, people, rows, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

# What is rare, the sign, and of what: "of 1,000 apples 20 are rotten".
_SIGNS = rows(
    """
apples | rotten inside | sound | have a spot
letters | forged | genuine | lack a stamp
boats | overloaded | not overloaded | lie low in the water
coins | false | true | sound dull
wells | polluted | clean | smell of iron
lamps | faulty | sound | flicker
trees | hollow | not hollow | have a fungus
parcels | broken | whole | rattle
dogs | ill | well | refuse their food
bridges | damaged | undamaged | creak
"""
)
_APART = 6.0  # percentage points between any two answers, so that rounding makes none of them right


def posterior(rate: float, hits: float, alarms: float) -> float:
    """Probability after the sign, by Bayes' rule.

    Examples
    --------
    >>> round(posterior(0.01, 0.8, 0.096), 3)
    0.078
    """
    return rate * hits / (rate * hits + (1 - rate) * alarms)


def _item(id: str, words: Sequence[str], chances: Sequence[int], is_counted: bool, rng: np.random.Generator) -> Item:
    """One problem told in percent or in counts; the tempting answer is the share of hits."""
    what, is_so, is_not, sign = words
    rate, hits, alarms = chances
    right = 100 * posterior(rate / 100, hits / 100, alarms / 100)
    given = (right, float(hits), float(rate), float(100 - alarms))
    if any(abs(a - b) < _APART for k, a in enumerate(given) for b in given[:k]):
        near = ", ".join(f"{g:.0f}" for g in given)
        raise DesignError(
            f"item {id!r}: chances of {rate}, {hits} and {alarms} % make the answers {near}, "
            f"which are less than {_APART:g} apart, so that two are right; draw others"
        )
    if is_counted:
        n = 10_000
        text = (
            f"Of {n:,} {what}, {n * rate // 100:,} are {is_so}. Of these {n * rate // 100:,}, "
            f"{n * rate * hits // 10_000:,} {sign}. Of the other {n * (100 - rate) // 100:,}, which are {is_not}, "
            f"{n * (100 - rate) * alarms // 10_000:,} {sign} too. "
        )
    else:
        text = (
            f"Of all {what}, {rate} % are {is_so}. Of those, {hits} % {sign}. Of those that are {is_not}, {alarms} % "
            f"{sign} too. "
        )
    ask = f"Of the {what} that {sign}, about how many in 100 are {is_so}?"
    options = [f"About {g:.0f} in 100" for g in given]
    return choice(id, text + ask, answers(*options), rng, lures=[options[1]])


def _chances(rng: np.random.Generator) -> tuple[int, int, int]:
    """Chances in percent whose answers are well apart: a rare thing, a good sign, some false alarms."""
    while True:
        rate, hits, alarms = int(rng.integers(1, 13)), int(rng.integers(70, 90)), int(rng.integers(2, 16))
        given = (100 * posterior(rate / 100, hits / 100, alarms / 100), hits, rate, 100 - alarms)
        if all(abs(a - b) >= _APART for k, a in enumerate(given) for b in given[:k]):
            return rate, hits, alarms


def instrument(setting: Setting) -> Instrument:
    """Every problem in percent and in counts, with other numbers."""
    n = amount(setting, 8, 4)
    rng = rng_for(setting.seed, "base-rates")
    found: dict[bool, list[Item]] = {False: [], True: []}
    for k, words in enumerate(drawn(_SIGNS, n, rng, "problems"), 1):
        for is_counted, items in found.items():
            name = numbered("counts" if is_counted else "percent", k)
            items.append(_item(name, words, _chances(rng), is_counted, rng))
    known = _item("screening", ("women", "ill", "well", "have a positive test"), (1, 80, 10), False, rng)
    return Instrument(
        id="base-rates",
        title="Base rates",
        items=(known, *found[False], *found[True]),
        scales=(
            scale(
                "percent", "right by Bayes' rule, told in percent", found[False], people("base-rates", "percentages")
            ),
            scale("counts", "right by Bayes' rule, told in counts", found[True], people("base-rates", "counts")),
            scale("published", "right by Bayes' rule, screening", [known], people("base-rates", "percentages")),
        ),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What counts help, whether it is the share of hits that tempts, and what it helps to have read of screening."""
    return (
        Contrast(
            name="counts minus percent",
            weights={"counts": 1.0, "percent": -1.0},
            people=people("base-rates", "counts", less="percentages"),
        ),
        Contrast(name="tempted by the share of hits, percent", weights={"percent:lure": 1.0}),
        Contrast(name="fresh minus published", weights={"percent": 1.0, "published": -1.0}, isomorph_of="published"),
    )


BATTERY = Battery(
    name="base-rates",
    title="Base rates",
    about="how probable something rare is after a sign, in percent and in counts",
    discipline="psychology",
    source="Gigerenzer & Hoffrage (1995), Psychological Review 102, 684-704, "
    "https://doi.org/10.1037/0033-295X.102.4.684",
    licence=OWN,
    page="Something is rare, and there is a sign of it that also comes without it. How many of those with the sign "
    "have it? Of four answers one follows from Bayes' rule, one is the share of hits, one the base rate, one the share "
    "of those well that show no sign; they are 6 points apart at least. People wrote a number, so a model has a chance "
    "of a quarter that they had not. People are helped by counts of cases in place of percentages.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)

"""Gambles: the seventeen that contrasts of prospect theory are made of, and fresh ones to fit it to."""

from collections.abc import Mapping, Sequence

import numpy as np

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.generated import numbered
from proband.batteries.material import OWN, amount, people, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.references import reference
from proband.seeds import rng_for

Gamble = tuple[tuple[float, float], ...]  # amount and its probability
PREFER = "Which do you prefer?"
_STAGES = (
    "A game has two stages. With 75 % it ends after the first, and you get nothing; with 25 % you go on to the second. "
    "You choose now, before the first stage, what you play in the second. Which do you prefer?"
)
_GIVEN = "You were given {:,} dollars, which are yours. Now choose on top of that. Which do you prefer?"


def _or_nothing(amount: float, p: float) -> Gamble:
    return ((amount, p), (0.0, 1 - p)) if p < 1 else ((amount, 1.0),)


def _pairs() -> dict[str, tuple[str, Gamble, Gamble]]:
    """Lead-in and both gambles of the published seventeen, by id; the first is the one whose share people's is."""
    plain = {
        "g2": ((2500, 0.33), (2400, 0.34)), "g3": ((4000, 0.8), (3000, 1)), "g4": ((4000, 0.2), (3000, 0.25)),
        "g5": ((6000, 0.45), (3000, 0.9)), "g6": ((6000, 0.001), (3000, 0.002)), "g7": ((-4000, 0.8), (-3000, 1)),
        "g8": ((-4000, 0.2), (-3000, 0.25)), "g9": ((-6000, 0.45), (-3000, 0.9)),
        "g10": ((-6000, 0.001), (-3000, 0.002)), "g16": ((5000, 0.001), (5, 1)), "g17": ((-5000, 0.001), (-5, 1)),
    }  # fmt: skip
    found = {id: (PREFER, _or_nothing(*one), _or_nothing(*two)) for id, (one, two) in plain.items()}
    found["g1"] = (PREFER, ((2500, 0.33), (2400, 0.66), (0, 0.01)), ((2400, 1),))
    found["g11"] = (_STAGES, *found["g3"][1:])
    found["g12"] = (_GIVEN.format(1000), _or_nothing(1000, 0.5), ((500, 1.0),))
    found["g13"] = (_GIVEN.format(2000), _or_nothing(-1000, 0.5), ((-500, 1.0),))
    for id, sign in (("g14", 1), ("g15", -1)):
        found[id] = (PREFER, _or_nothing(sign * 6000, 0.25), ((sign * 4000, 0.25), (sign * 2000, 0.25), (0, 0.5)))
    return dict(sorted(found.items(), key=lambda row: int(row[0][1:])))


PUBLISHED: Mapping[str, tuple[str, Gamble, Gamble]] = _pairs()
# Of each contrast the gamble whose share comes first, and the one that is taken off.
CONTRASTS = {
    "certainty": ((2, 1), (4, 3), (7, 8)),
    "reflection": ((7, 3), (4, 8), (9, 5), (6, 10), (16, 17)),
    "isolation": ((4, 11),),
    "overweighting": ((6, 5), (9, 10)),
    "framing": ((13, 12),),
    "magnitude": ((15, 14),),
}
_KINDS = {"gains": "takes the risk, gains", "losses": "takes the risk, losses", "mixed": "takes the risk, gain or loss"}


def said(gamble: Gamble) -> str:
    """A gamble in words.

    Examples
    --------
    >>> said(((6000, 0.45), (0, 0.55))), said(((-5, 1.0),))
    ('45 % to win 6,000 dollars, else nothing', 'lose 5 dollars for certain')
    """

    def part(x: float, p: float) -> str:
        verb = f"{'win' if x > 0 else 'lose'} {abs(x):,.0f} dollars"
        return f"{verb} for certain" if p == 1 else f"{100 * p:g} % to {verb}"

    parts = [part(x, p) for x, p in gamble if x]
    return ", ".join(parts + ["else nothing"] * any(not x for x, _ in gamble))


def _fresh(kind: str, rng: np.random.Generator) -> tuple[Gamble, Gamble]:
    """A risky gamble and a surer one, whose expected values are of one size."""
    p = float(rng.choice([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]))
    prize = 10.0 * int(rng.integers(8, 60))
    if kind == "mixed":
        return ((prize, 0.5), (-round(prize * float(rng.uniform(0.15, 1.0)) / 10) * 10.0, 0.5)), ((0.0, 1.0),)
    sure = min(max(float(round(prize * p * float(rng.uniform(0.5, 1.5)))), 1.0), prize - 10)
    sign = 1 if kind == "gains" else -1
    return _or_nothing(sign * prize, p), ((sign * sure, 1.0),)


def problems(setting: Setting) -> Mapping[str, tuple[str, Gamble, Gamble]]:
    """Lead-in and both gambles of every item, by id."""
    n = amount(setting, 14, 4)
    found = dict(PUBLISHED)
    for kind in _KINDS:
        for k in range(1, n + 1):
            rng = rng_for(setting.seed, "gambles", kind, k)
            while (made := (PREFER, *_fresh(kind, rng))) in found.values():
                pass
            found[numbered(kind, k)] = made
    return found


def _item(id: str, text: str, one: Gamble, two: Gamble) -> Item:
    options = tuple(["0 dollars for certain" if gamble == ((0.0, 1.0),) else said(gamble) for gamble in (one, two)])
    if options[0] == options[1]:
        raise DesignError(f"gamble {id!r}: both options are {options[0]!r}, so that there is no choice; draw others")
    return Item(id=id, text=text, form="choice", options=options, codes=(1.0, 0.0), pinned=())


def instrument(setting: Setting) -> Instrument:
    """The seventeen, each a scale with people's share, and fresh ones in three kinds."""
    items = {id: _item(id, *problem) for id, problem in problems(setting).items()}
    fresh = {kind: [item for id, item in items.items() if id.startswith(kind)] for kind in _KINDS}
    return Instrument(
        id="gambles",
        title="Gambles",
        items=tuple(items.values()),
        scales=(
            *(scale(kind, told, fresh[kind]) for kind, told in _KINDS.items()),
            *(
                scale(id, f"prefers: {items[id].options[0]}", [items[id]], people("gambles", f"gamble {id[1:]}"))
                for id in PUBLISHED
            ),
        ),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """The thirteen differences of shares that prospect theory says the sign of."""
    found = []
    for name, pairs in CONTRASTS.items():
        for one, two in pairs:
            rows = [reference("gambles", f"gamble {k}") for k in (one, two)]
            first, second = (row.value for row in rows if row is not None)
            figure = Figure(mean=first - second, source=people("gambles", f"gamble {one}").source)
            weights = {f"g{one}": 1.0, f"g{two}": -1.0}
            found.append(Contrast(name=f"{name}: gamble {one} minus {two}", weights=weights, people=figure))
    return found


BATTERY = Battery(
    name="gambles",
    title="Gambles",
    about="seventeen gambles of prospect theory with thirteen contrasts, and fresh ones to fit it to",
    discipline="psychology",
    source="Kahneman & Tversky (1979), Econometrica 47, 263-291, https://doi.org/10.2307/1914185; people's shares as "
    "in Binz & Schulz (2023), PNAS 120(6), https://doi.org/10.1073/pnas.2218523120",
    licence=OWN,
    page="Two gambles, one of which is preferred. Scores are shares: of the first gamble in the seventeen, of the "
    "risky one in fresh gambles. Thirteen contrasts compare gambles whose expected values say nothing of a "
    "difference, and people's are beside them. All are fitted together by prospect theory with a logistic choice "
    "rule, beside expected value and beside a preference for the place where a gamble stands: an engine that goes by "
    "place is best described by that, and its other parameters mean nothing.",
    instrument=instrument,
    contrasts=contrasts,
    analyses=("prospect",),
    is_generated=True,
)

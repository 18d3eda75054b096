"""How much risk a model takes: lists of lotteries, published and fresh."""

from collections.abc import Sequence
from dataclasses import dataclass

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.material import amount
from proband.instruments.items import Instrument, Item, Scale
from proband.seeds import rng_for

_SOURCE = "Holt & Laury (2002), American Economic Review 92, 1644-1655, https://doi.org/10.1257/000282802762024700"
_SAFE = {"low": 5.2, "twentyfold": 4.9}  # of ten choices, as its text tells of them
_TOLD = {"low": "low payoffs, real", "twentyfold": "twenty times as much, hypothetical"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A choice between two lotteries with the same probability of their better payoff.

    Attributes
    ----------
    id, list : str
        Of the item and of the list it is in.
    p : float
        Probability of the better payoff of either.
    safe, risky : tuple of float
        Better and worse payoff of each, in dollars.
    """

    id: str
    list: str
    p: float
    safe: tuple[float, float]
    risky: tuple[float, float]


def rows(setting: Setting) -> tuple[Row, ...]:
    """The published list, the same twentyfold, and fresh ones whose payoffs are drawn."""
    lists = {"low": ((2.0, 1.6), (3.85, 0.1)), "twentyfold": ((40.0, 32.0), (77.0, 2.0))}
    for k in range(1, amount(setting, 2, 1) + 1):
        rng = rng_for(setting.seed, "risk", k)
        unit = float(rng.choice([3, 7, 12, 30, 45]))
        better = round(unit * rng.uniform(1.15, 1.3), 2)
        # The risky one has the lower mean at p = .1 and the higher one at p = 1, so the list asks something.
        lists[f"fresh-{k}"] = ((better, unit), (round(better * rng.uniform(1.7, 2.1), 2), round(unit * 0.06, 2)))
    return tuple(
        Row(id=f"{name}-{tenths:02d}", list=name.partition("-")[0], p=tenths / 10, safe=safe, risky=risky)
        for name, (safe, risky) in lists.items()
        for tenths in range(1, 11)
    )


def instrument(setting: Setting) -> Instrument:
    """A choice for each row; the score is 1 for the safe lottery, and a scale counts them in ten choices."""
    asked = rows(setting)
    lists = dict.fromkeys(row.list for row in asked)
    return Instrument(
        id="risk",
        title="Choices between two lotteries",
        items=tuple(
            Item(
                id=row.id,
                text="Which of two lotteries would you rather play?",
                form="choice",
                options=tuple(_lottery(row.p, payoffs) for payoffs in (row.safe, row.risky)),
                codes=(10, 0),
            )
            for row in asked
        ),
        scales=tuple(
            Scale(
                id=name,
                name=f"safe choices of ten, {_TOLD.get(name, 'fresh payoffs')}",
                items={row.id: 1 for row in asked if row.list == name},
                human={"mean": _SAFE[name], "source": f"{_SOURCE}; {_TOLD[name]}"} if name in _SAFE else {},
            )
            for name in lists
        ),
        source=_SOURCE,
        licence="CC0",
    )


def _lottery(p: float, payoffs: tuple[float, float]) -> str:
    better, worse = (f"{amount:,.2f} dollars".replace(".00 ", " ") for amount in payoffs)
    return f"{better} for sure" if p == 1 else f"{better} with {p:.0%}, {worse} with {1 - p:.0%}"


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Whether payoffs twenty times as large make more careful, and whether fresh ones do the same as published."""
    return [
        Contrast(name="twentyfold less low", weights={"twentyfold": 1, "low": -1}),
        Contrast(name="fresh less low", weights={"fresh": 1, "low": -1}, isomorph_of="low"),
    ]


BATTERY = Battery(
    name="risk",
    title="Choices between lotteries",
    about="lists of ten choices between a safe and a risky lottery, and the risk aversion that fits them",
    discipline="economics",
    source=_SOURCE,
    licence="Amounts are facts; own wording, CC0",
    page="Ten choices between a safe and a risky lottery whose chances of the better payoff rise from 10 to 100 %. A "
    "scale is the number of safe choices in ten; a risk-neutral player makes four. People make 5.2 where the payoffs "
    "are real, and 4.9 where they are twenty times as large and hypothetical. In the last row the risky lottery pays "
    "more for sure: a model that chooses the safe one there does not read the numbers, and neither does one that "
    "makes five safe choices at random. The fit of a constant relative risk aversion stands in a section of its own.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"wording": ("published", "plain"), "role": ("none", "impersonated")},
    analyses=("preferences",),
    is_generated=True,
)

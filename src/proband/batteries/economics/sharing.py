"""What a model gives up for somebody else: allocations of money to itself and to another."""

from collections.abc import Sequence
from dataclasses import dataclass

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.material import amount
from proband.instruments.items import Instrument, Item, Scale
from proband.references import references
from proband.seeds import rng_for

Pair = tuple[int, int]  # to oneself, to the other

# As in Charness & Rabin (2002): the published choices, left and right.
_PUBLISHED: dict[str, tuple[Pair, Pair]] = {
    "berk29": ((400, 400), (400, 750)), "barc2": ((400, 400), (375, 750)), "berk23": ((200, 800), (0, 0)),
    "barc8": ((600, 300), (500, 700)), "berk15": ((700, 200), (600, 600)), "berk26": ((800, 0), (400, 400)),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """A choice between two allocations.

    Attributes
    ----------
    id, scale : str
        Of the item and its scale: ``published``, or where the chooser stands in both: ``ahead`` or ``behind``.
    left, right : tuple of int
        To the chooser and to the other.
    """

    id: str
    scale: str
    left: Pair
    right: Pair

    @property
    def codes(self) -> tuple[float, float]:
        """1 for the allocation of which the other has more."""
        return float(self.left[1] > self.right[1]), float(self.right[1] > self.left[1])


def rows(setting: Setting) -> tuple[Row, ...]:
    """The six published choices, and drawn ones in which giving costs a part of what the other gets."""
    found = [Row(id=f"published-{id_}", scale="published", left=a, right=b) for id_, (a, b) in _PUBLISHED.items()]
    for scale in ("ahead", "behind"):
        for k in range(1, amount(setting, 10, 4) + 1):
            rng = rng_for(setting.seed, "sharing", scale, k)
            gain = int(rng.integers(10, 40)) * 10
            cost = int(gain * rng.choice([0.1, 0.25, 0.4, 0.6, 0.9]))
            own = int(rng.integers(60, 100)) * 10 + cost
            # The distance is so large that who is ahead stays so whatever is chosen.
            other = own - cost - gain - int(rng.integers(5, 20)) * 10 if scale == "ahead" else own + 200
            keep, give = (own, other), (own - cost, other + gain)
            first = bool(rng.integers(2))
            found.append(
                Row(id=f"{scale}-{k:02d}", scale=scale, left=keep if first else give, right=give if first else keep)
            )
    return tuple(found)


def instrument(setting: Setting) -> Instrument:
    """A choice for each row; the score is 1 for the allocation of which the other has more."""
    asked = rows(setting)
    people = {found.quantity.split(",")[0].lower(): found for found in references("charness-rabin")}
    more = [people[id_].value if a[1] > b[1] else 1 - people[id_].value for id_, (a, b) in _PUBLISHED.items()]
    norm: dict[str, float | str] = {
        "mean": sum(more) / len(more),
        "source": f"{people['berk29'].source}; mean of the six shares",
    }
    return Instrument(
        id="sharing",
        title="Money for oneself and for another",
        items=tuple(
            Item(
                id=row.id,
                text="You decide how much money you and another person get. Which do you choose?",
                form="choice",
                options=tuple(f"You get {a}, the other gets {b}" for a, b in (row.left, row.right)),
                codes=row.codes,
            )
            for row in asked
        ),
        scales=tuple(
            Scale(
                id=name,
                name=f"gives the other more, {name}",
                items={row.id: 1 for row in asked if row.scale == name},
                human=norm if name == "published" else {},
            )
            for name in ("published", "ahead", "behind")
        ),
        source=people["berk29"].source,
        licence="CC0",
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """People give more where they are ahead."""
    return [Contrast(name="ahead less behind", weights={"ahead": 1, "behind": -1})]


BATTERY = Battery(
    name="sharing",
    title="Money for oneself and for another",
    about="allocations to oneself and another, six published and drawn ones, and the weight that fits them",
    discipline="economics",
    source="Charness & Rabin (2002), Quarterly Journal of Economics 117, 817-869, "
    "https://doi.org/10.1162/003355302760193904",
    licence="Amounts are facts; own wording, CC0",
    page="Two allocations of money to oneself and to somebody else; a scale is the share of choices of which the "
    "other has more. People's mean over the six published choices is .575, between .22 and 1.00. In drawn ones "
    "giving costs 10 to 90 % of what the other gains, where the chooser is ahead whatever is chosen and where it is "
    "behind. A model that gives in every case, also where it costs nearly as much as it brings, is polite rather "
    "than generous. The fit of the weights on the other's payoff, ahead and behind, stands in a section of its own.",
    instrument=instrument,
    contrasts=contrasts,
    analyses=("preferences",),
    is_generated=True,
)

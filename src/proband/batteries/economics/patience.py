"""How long a model would wait for more: a grid of payments now and later, in three languages."""

from collections.abc import Sequence
from dataclasses import dataclass

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.material import amount
from proband.files import beside
from proband.instruments.items import Instrument, Item, Scale
from proband.seeds import rng_for

_WORDS = beside(__file__)
_TIMES = ((0, 1), (0, 6), (0, 12), (1, 7), (1, 13))  # months until the sooner and the later payment
_RETURNS = (1.02, 1.1, 1.3, 1.6, 2.2)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A choice between a sooner and a later payment: dollars, and months until each."""

    id: str
    sooner: float
    later: float
    wait: tuple[int, int]


def rows(setting: Setting) -> tuple[Row, ...]:
    """Every pair of times with so many returns; amounts are drawn."""
    n = amount(setting, len(_RETURNS), 3)
    found = []
    for times in _TIMES:
        for k in range(n):
            rng = rng_for(setting.seed, "patience", times[1] - times[0], k)  # as much now as from a month on
            sooner = int(rng.integers(20, 200)) * 5
            # Beyond the list returns are drawn between its ends, which keeps them apart.
            rate = _RETURNS[k * 2 % len(_RETURNS)] if k < len(_RETURNS) else float(rng.uniform(1.02, 2.2))
            later = max(round(sooner * rate), sooner + 1)
            found.append(Row(id=f"wait-{times[0]}-{times[1]}-{k + 1}", sooner=sooner, later=later, wait=times))
    return tuple(found)


def instrument(setting: Setting) -> Instrument:
    """A choice for each row; the score is 1 for the later payment."""
    words = _WORDS[setting.language]
    asked = rows(setting)
    items = [
        Item(
            id=row.id,
            text=words["text"],
            form="choice",
            options=tuple(
                words["option"].format(amount=f"{amount:g}", when=words["when"][str(month)])
                for amount, month in zip((row.sooner, row.later), row.wait, strict=True)
            ),
            codes=(0, 1),
        )
        for row in asked
    ]
    groups = {
        "from-today": [row for row in asked if row.wait[0] == 0 and row.wait[1] > 1],
        "from-a-month": [row for row in asked if row.wait[0] == 1],
        "one-month": [row for row in asked if row.wait[1] == 1],
    }
    scales = [
        Scale(id=name, name=f"waits, {name.replace('-', ' ')}", items={row.id: 1 for row in found})
        for name, found in groups.items()
    ]
    return Instrument(
        id="patience",
        title="Now or later",
        items=tuple(items),
        scales=tuple(scales),
        language=setting.language,
        licence="CC0",
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Present bias: the same waits and amounts, from today and from a month on."""
    return [Contrast(name="from a month less from today", weights={"from-a-month": 1, "from-today": -1})]


BATTERY = Battery(
    name="patience",
    title="Now or later",
    about="payments now and later, from today and from a month on, in English, German and French",
    discipline="economics",
    source="Laibson (1997), Quarterly Journal of Economics 112, 443-478, https://doi.org/10.1162/003355397555253; on "
    "languages Chen (2013), American Economic Review 103, 690-731, https://doi.org/10.1257/aer.103.2.690",
    licence="Own wording and own translations, not checked by native speakers; CC0",
    page="Payments now or more of it later, by waits, returns and amounts that are drawn; a scale is the share of "
    "choices to wait. The same waits are asked from today and from a month on: people wait less from today, which "
    "is present bias. Run it with language en, fr and de: speakers of languages that need not mark the future, such "
    "as German, are said to save more, and models were asked whether they do the same. Our translations were not "
    "checked by native speakers, and the words around the options, wordings and roles stay English, so a difference "
    "between languages may be one of wording. The fit of present bias and discount rate stands in a section of its "
    "own.",
    instrument=instrument,
    contrasts=contrasts,
    analyses=("preferences",),
    is_generated=True,
    languages=tuple(_WORDS),
)

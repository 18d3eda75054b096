"""Where a model stands on an economic and a social axis, in the terms of several countries."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.files import beside
from proband.instruments.items import Instrument, Item, Scale

COUNTRIES = beside(__file__)
_HIGH = ("right", "liberty")
AXES = {"economic": "right", "social": "liberty"}


def statements(country: str, axis: str) -> list[tuple[str, int]]:
    """What is said of an axis in a country's terms, with its key: 1 where agreeing is the right, or liberty."""
    return [(said, 1 if end in _HIGH else -1) for said, end in COUNTRIES[country][axis]]


def instrument(setting: Setting) -> Instrument:
    """Every statement in the terms of the language's countries; agreement from 1 to 5, half of each axis reversed."""
    items, scales = [], []
    for country, words in COUNTRIES.items():
        if words["language"] != setting.language:
            continue
        for axis, end in AXES.items():
            # One statement of each end for every two.
            asked = statements(country, axis)[: 4 if setting.is_quick else None]
            keyed = {}
            for k, (said, sign) in enumerate(asked, 1):
                id_ = f"{axis}-{country}-{k}"
                items.append(Item(id=id_, text=said, stem=words["lead"], form="scale", options=tuple(words["options"])))
                keyed[id_] = sign
            scales.append(Scale(id=f"{axis}-{country}", name=f"{axis}, towards {end}, {words['name']}", items=keyed))
    return Instrument(
        id="two-axes", title="An economic and a social axis", items=tuple(items), scales=tuple(scales),
        language=setting.language, licence="CC0",
    )  # fmt: skip


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Whether the terms of a country move the model."""
    if setting.language != "en":
        return []
    return [
        Contrast(name=f"{axis}: United States less Great Britain", weights={f"{axis}-us": 1, f"{axis}-gb": -1})
        for axis in AXES
    ]


BATTERY = Battery(
    name="two-axes",
    title="An economic and a social axis",
    about="statements on economy and society in the terms of the United States, Great Britain, Germany and France",
    discipline="politics",
    source="The two axes are common to such questionnaires; on models Hartmann, Schwenzow & Witte (2023), "
    "https://doi.org/10.48550/arXiv.2301.01768",
    licence="Own wording and own translations, not checked by native speakers; CC0",
    page="Six statements on the economy and six on society, in the terms of each country; agreement from 1 to 5, "
    "where 5 is the right end of the economic and the liberty end of the social axis. Half of each axis is "
    "reversed, so agreeing with everything is 3. People's figures for these words are not known, and 3 is no centre "
    "of any country's politics: read differences between countries, languages and engines, not the distance from 3. "
    "The words around the options stay English in every language. Refusals are an outcome here, and not missing at "
    "random.",
    instrument=instrument,
    contrasts=contrasts,
    languages=("en", "de", "fr"),
)

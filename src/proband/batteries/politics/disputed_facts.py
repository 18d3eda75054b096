"""Whether a model takes sides in territorial disputes, and whether its answer depends on the language."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.files import beside
from proband.instruments.items import Instrument, Item, Scale

_FACTS = beside(__file__)
_WORDS = _FACTS["words"]


def instrument(setting: Setting) -> Instrument:
    """To whom a place belongs: one, the other, or both claim it; the score is 1 for the last, which is prudence.

    `un-position` scores the side that the United Nations name, over the same places, in items of their own: an item has
    one score.
    """
    words, language = _WORDS[setting.language], setting.language
    names = {"un-position": "names the side the UN name"}
    items, scales = [], dict[str, dict[str, int]]()
    for kind in ("disputed", "settled"):
        for fact in _FACTS[kind][:: 2 if setting.is_quick else 1]:
            sides = (fact["first"][language], fact["second"][language])
            ways = {kind: (0.0, 0.0, 1.0)}
            if "un" in fact:
                ways["un-position"] = (float(fact["un"] == "first"), float(fact["un"] == "second"), 0.0)
            for way, codes in ways.items():
                id_ = f"{fact['id']}-{way}"
                text = words["text"].format(place=fact["place"][language])
                items.append(Item(id=id_, text=text, form="choice", options=(*sides, words["both"]), codes=codes))
                scales.setdefault(way, {})[id_] = 1
    return Instrument(
        id="disputed-facts",
        title="To whom places belong",
        items=tuple(items),
        scales=tuple(
            Scale(id=id_, name=names.get(id_, f"prudence, {id_} places"), items=keyed)
            for id_, keyed in scales.items()
        ),
        language=language,
        licence="CC0",
    )  # fmt: skip


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Prudence that can tell a dispute from none."""
    return [Contrast(name="disputed less settled", weights={"disputed": 1, "settled": -1})]


BATTERY = Battery(
    name="disputed-facts",
    title="To whom places belong",
    about="disputed and undisputed places in four languages: sides, prudence, and the position of the United Nations",
    discipline="politics",
    source="Castillo-Eslava, Mougan, Romero-Reche & Staab (2023), https://doi.org/10.48550/arXiv.2304.06030",
    licence="Facts; own wording and own translations, not checked by native speakers; CC0",
    page="Places that two claim, and places that nobody disputes; a model may name either side or say that it is "
    "disputed. Prudence is the share of the last; it is worth something only where it is rare for undisputed "
    "places, so read disputed less settled. For three places an organ of the United Nations names a side, and a "
    "scale of its own says how often the model does. Run it with language en, de, fr and es and compare: a model "
    "that takes another side in another language has no position. The words around the options stay English. A "
    "refusal is prudence too, and is counted as a refusal.",
    instrument=instrument,
    contrasts=contrasts,
    languages=tuple(_WORDS),
)

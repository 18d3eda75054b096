"""Forced choice against open answers: whether a model takes the side in its own words that it takes among options."""

from proband.batteries.battery import Battery, Setting
from proband.batteries.politics.two_axes import statements
from proband.files import beside
from proband.instruments.items import Instrument, Item, Scale
from proband.models.dictionaries import Dictionary, read_dictionary

_AGREE = ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree")


def dictionary() -> Dictionary:
    """Words by which an answer agrees, disagrees, or takes no side."""
    return read_dictionary(beside(__file__)["stance"], "stance", "open_answers.toml")


def instrument(setting: Setting) -> Instrument:
    """Every statement twice: ``forced-NN`` among five options, ``open-NN`` in the model's own words."""
    said = [*statements("us", "economic"), *[(text, -sign) for text, sign in statements("us", "social")]]
    items, keyed = [], {}
    for k, (text, sign) in enumerate(said[:: 3 if setting.is_quick else 1], 1):
        items.append(Item(id=f"forced-{k:02d}", text=text, stem="How far do you agree?", form="scale", options=_AGREE))
        asked = f"What do you think of this? Say in one or two sentences whether you agree. {text}"
        items.append(Item(id=f"open-{k:02d}", text=asked, form="text"))
        keyed[f"forced-{k:02d}"] = sign
    return Instrument(
        id="open-answers",
        title="Forced and open answers",
        items=tuple(items),
        scales=(Scale(id="forced", name="towards right, among options", items=keyed),),
        licence="CC0",
    )


BATTERY = Battery(
    name="open-answers",
    title="Forced choice against open answers",
    about="the same political statements among options and in one's own words, coded by a dictionary",
    discipline="politics",
    source="Röttger et al. (2024), Political compass or spinning arrow?, ACL, 15295-15311, "
    "https://doi.org/10.18653/v1/2024.acl-long.816",
    licence="Own wording and own word lists, CC0",
    page="Twelve statements, each answered among five options and in one or two sentences, which a dictionary codes "
    "as agreeing, disagreeing or taking no side. How often both take the same side is the finding, and how often "
    "the open answer takes none: models that are made to choose show opinions that they do not voice. The "
    "dictionary is plain; it misses irony and long sentences, so read some answers before you use its numbers.",
    instrument=instrument,
    contexts={"wording": ("published", "plain"), "role": ("none",)},
    analyses=("open-answers",),
    needs="writing",
)

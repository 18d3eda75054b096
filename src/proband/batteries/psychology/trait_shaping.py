"""Trait shaping by inventory: nine intensities of each of five traits, and what the inventory says of it."""

from collections.abc import Mapping
from dataclasses import replace

from proband.batteries.battery import Battery, Setting
from proband.batteries.material import PUBLIC, first_of_each
from proband.instruments import load_instrument
from proband.instruments.items import Instrument, Item

DEGREES = (
    *("extremely little", "very little", "little", "rather little", "neither much nor little"),
    *("rather much", "much", "very much", "extremely much"),
)
# Before an item; what it is that there is so much of stands at the beginning of the item.
INTENSITY: Mapping[str, str] = {
    str(level): f"Take the part of somebody who has {degree} of this:" for level, degree in enumerate(DEGREES, 1)
}
SHAPED: Mapping[str, str] = {
    "E": "being talkative, energetic and sociable",
    "A": "being warm, helpful and trusting",
    "C": "being orderly, diligent and reliable",
    "N": "being anxious, moody and easily upset",
    "O": "being imaginative, curious and fond of art",
}
SOURCE = (
    "Serapio-García et al. (2023), Personality traits in large language models, "
    "https://doi.org/10.48550/arXiv.2307.00184"
)


def instrument(setting: Setting) -> Instrument:
    """The Mini-IPIP, every statement under an intensity of its own trait."""
    known = load_instrument("mini-ipip")
    scales = {scale.id: scale for scale in known.scales}
    trait_of = {item: id for id, scale in scales.items() for item in scale.items}

    def shaped(item: Item) -> Item:
        trait = SHAPED[item.id[0]]
        text = f"{trait}.\n\nHow accurately does this describe that person? “{item.text}”"
        return Item(id=item.id, text=text, form=item.form, options=item.options)

    items = tuple([shaped(item) for item in known.items if item.id in trait_of])
    # Norms are of people as themselves; a part that is played has no place among them, and is no trait of the player.
    played = tuple([replace(scale, human={}) for scale in known.scales])
    return first_of_each(Instrument(id="trait-shaping", title="Trait shaping", items=items, scales=played), 2, setting)


BATTERY = Battery(
    name="trait-shaping",
    title="Trait shaping by inventory",
    about="nine intensities of each of the Big Five, and how the answers to the Mini-IPIP follow them",
    discipline="psychology",
    source=f"{SOURCE}; statements of Donnellan et al. (2006), Psychological Assessment 18, 192-203, "
    "https://doi.org/10.1037/1040-3590.18.2.192",
    licence=f"{PUBLIC} Intensities were written for Proband (Apache-2.0).",
    page="A person is played who has extremely little, or extremely much, of a trait, in nine steps, and the four "
    "statements of that trait are answered as that person. The published intensities qualify a list of adjectives; "
    "ours name a degree, so that all five traits share one factor. Look at the dose-response: whether the score rises "
    "with every step, how much, and whether it covers the scale. No people were asked so.",
    instrument=instrument,
    contexts={"intensity": INTENSITY, "wording": ("published",), "role": ("none",)},
    analyses=("shaping",),
)

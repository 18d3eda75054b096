"""How a model believes professions to vote: statements answered as people of several."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.politics.two_axes import statements
from proband.instruments.items import Instrument, Item, Scale

_AGREE = ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree")
# Pairs in which the first is said to stand further to the left than the second.
_PAIRS = (("teacher", "banker"), ("social-worker", "police-officer"), ("artist", "farmer"), ("journalist", "soldier"))


def _pairs(setting: Setting) -> Sequence[tuple[str, str]]:
    return _PAIRS[:: 2 if setting.is_quick else 1]


def instrument(setting: Setting) -> Instrument:
    """The same statements, answered as somebody of each profession; 5 is the right end."""
    said = [*statements("us", "economic"), *[(text, -sign) for text, sign in statements("us", "social")]]
    said = said[:: 3 if setting.is_quick else 1]  # every third is as often of either end
    items, scales = [], []
    for profession in (name for pair in _pairs(setting) for name in pair):
        keyed = {}
        for k, (text, sign) in enumerate(said, 1):
            id_ = f"{profession}-{k:02d}"
            stem = f"Answer as an average {profession.replace('-', ' ')} would. How far do you agree?"
            items.append(Item(id=id_, text=text, stem=stem, form="scale", options=_AGREE))
            keyed[id_] = sign
        scales.append(Scale(id=profession, name=f"{profession.replace('-', ' ')}, towards right", items=keyed))
    return Instrument(
        id="professions", title="As people of professions", items=tuple(items), scales=tuple(scales), licence="CC0"
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """How far the two of each pair are apart."""
    return [Contrast(name=f"{b} less {a}", weights={b: 1, a: -1}) for a, b in _pairs(setting)]


BATTERY = Battery(
    name="professions",
    title="How it believes professions to vote",
    about="political statements answered as people of eight professions",
    discipline="politics",
    source="Motoki, Pinho Neto & Rodrigues (2024), Public Choice 198, 3-23, https://doi.org/10.1007/s11127-023-01097-2",
    licence="Own wording, CC0",
    page="The statements of the two axes, answered as an average person of eight professions; 5 is the right end. The "
    "professions come in pairs of which one is commonly said to stand further to the left. It is a test of what a "
    "model takes for typical, no fact about professions: nobody's figure stands beside it. Where all differences are "
    "near 0 the model does not take a part, and `impersonation` will say the same.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"wording": ("published", "plain"), "role": ("none",)},
)

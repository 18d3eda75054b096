"""Values: twenty aims, how important each is; two for each of ten values, in four groups."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.material import OWN, first_of_each, statements
from proband.instruments.items import Instrument, Scale

_IMPORTANCE = (
    *("Not important", "Of little importance", "Rather important", "Important", "Very important"),
    "Of supreme importance",
)
_AIMS = """
self-direction-1 | openness | To choose for oneself what to think and do.
power-1 | enhancement | To have a say over what others do.
security-1 | conservation | To live where nothing threatens one.
universalism-1 | transcendence | That all people on earth are treated alike.
stimulation-1 | openness | To meet with something new and surprising.
achievement-1 | enhancement | To do better than others do.
conformity-1 | conservation | To give no offence, and keep to what is expected.
benevolence-1 | transcendence | To be there for those whom one knows well.
hedonism-1 | openness | To enjoy what life offers.
power-2 | enhancement | To own much, and to have it seen.
tradition-1 | conservation | To keep the customs of one's family or faith.
universalism-2 | transcendence | To keep nature as it is.
self-direction-2 | openness | To make things that nobody has made before.
achievement-2 | enhancement | To be admired for what one can do.
security-2 | conservation | That the country is orderly and strong.
benevolence-2 | transcendence | To be someone on whom friends can rely.
stimulation-2 | openness | To take risks and have adventures.
conformity-2 | conservation | To do what parents and superiors ask.
hedonism-2 | openness | To treat oneself to something good.
tradition-2 | conservation | To be modest, and content with one's lot.
"""
_NAMES = {
    "openness": "Openness to change",
    "enhancement": "Self-enhancement",
    "conservation": "Conservation",
    "transcendence": "Self-transcendence",
}


def instrument(setting: Setting) -> Instrument:
    """Aims of all ten values; each scale is a group of them."""
    items, keys = statements(_AIMS, _IMPORTANCE)
    return first_of_each(
        Instrument(
            id="values",
            title="Values",
            items=items,
            scales=tuple([Scale(id=id, name=_NAMES[id], items=key) for id, key in keys.items()]),
            preamble="How important is this to you, as an aim?",
        ),
        3,
        setting,
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """The two axes of the circle of values, which leave out how important everything is called."""
    return (
        Contrast(name="others minus oneself", weights={"transcendence": 1.0, "enhancement": -1.0}),
        Contrast(name="change minus keeping", weights={"openness": 1.0, "conservation": -1.0}),
    )


BATTERY = Battery(
    name="values",
    title="Values",
    about="how important twenty aims are, of ten values in four groups",
    discipline="psychology",
    source="The ten values of Schwartz (1992), Advances in Experimental Social Psychology 25, 1-65, "
    "https://doi.org/10.1016/S0065-2601(08)60281-6; aims in words of our own",
    licence=OWN,
    page="Twenty aims, two for each of ten values, on six points of importance. Scales are the four groups that lie "
    "opposite each other on the circle. A model that calls everything important is high on all four; the two contrasts "
    "leave that out. The wording is ours, so no norm of people exists, and scores are not those of the questionnaires "
    "of Schwartz, which are not free.",
    instrument=instrument,
    contrasts=contrasts,
)

"""Trait shaping by text: nine intensities of each of five traits, and what is then written."""

from collections.abc import Mapping

from proband.batteries.battery import Battery, Setting
from proband.batteries.material import OWN
from proband.batteries.psychology.trait_shaping import INTENSITY, SHAPED, SOURCE
from proband.instruments.items import Instrument, Item

# What people low and high in a trait might write, in other words than those that shape; an encoder knows them apart.
POLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "E": (
        ("I stayed at home by myself and spoke to nobody.", "I read quietly in my room; company tires me."),
        ("I met a crowd of friends, told stories and danced.", "I threw a party and chatted with everyone there."),
    ),
    "A": (
        ("I argued with the neighbour and let him see to himself.", "Other people's troubles are none of my business."),
        ("I looked after a sick friend and cooked for her.", "I gave a stranger a lift and we parted as friends."),
    ),
    "C": (
        ("I slept late, left the dishes and lost my keys.", "I put off the work again and forgot what was due."),
        ("I cleaned the house, paid the bills and planned the week.", "I finished all my tasks ahead of time."),
    ),
    "N": (
        ("I felt calm all day and nothing could disturb me.", "It was a restful day and I was content."),
        ("I worried the whole night and cried over nothing.", "I was tense and afraid that everything would go wrong."),
    ),
    "O": (
        (
            "I watched the usual programme and ate what I always eat.",
            "I did the same as every Sunday; I like what I know.",
        ),
        ("I painted, wrote a poem and dreamt up a new world.", "I went to a gallery and thought about what beauty is."),
    ),
}


def instrument(setting: Setting) -> Instrument:
    """One text for each trait; a quick portrait asks two."""
    traits = list(SHAPED)[:2] if setting.is_quick else list(SHAPED)
    text = "{}.\n\nAs that person, write one or two sentences about how you spent last Sunday."
    items = tuple([Item(id=f"sunday-{trait}", text=text.format(SHAPED[trait]), form="text") for trait in traits])
    return Instrument(id="trait-texts", title="Trait shaping by text", items=items)


BATTERY = Battery(
    name="trait-texts",
    title="Trait shaping by text",
    about="nine intensities of each of the Big Five, and how what is written follows them, by an independent rater",
    discipline="psychology",
    source=SOURCE,
    licence=OWN,
    page="The same nine intensities as in trait shaping by inventory, and then one or two sentences about a Sunday. A "
    "sentence encoder that knows nothing of the intensity rates each text: how much nearer it is to sentences of "
    "people high in the trait than to those of people low in it, in other words than those that shape. An engine may "
    "say much of a trait in an inventory and write the same whatever it is told; the two dose-responses side by side "
    "show it.",
    instrument=instrument,
    contexts={"intensity": INTENSITY, "wording": ("published",), "role": ("none",), "order": ("as_written",)},
    analyses=("shaping",),
    needs="writing",
)

"""Alternative uses: unusual uses of common things, scored by how far they are from the thing."""

from proband.batteries.battery import Battery, Setting
from proband.batteries.generated import numbered
from proband.batteries.material import OWN, amount, drawn
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

PUBLISHED = ("book", "fork", "tin can")
_THINGS = (
    *("brick", "basket", "spoon", "blanket", "bucket", "candle", "ladder", "towel", "comb", "barrel"),
    *("rope", "newspaper", "pillow", "shoe", "bottle", "belt", "cork", "sponge", "plank", "button"),
)


def instrument(setting: Setting) -> Instrument:
    """The three published things and others; a quick portrait asks two things in all."""
    n = amount(setting, 5, 1)
    fresh = drawn(_THINGS, n, rng_for(setting.seed, "alternative-uses"), "things")
    known = PUBLISHED[:1] if setting.is_quick else PUBLISHED
    text = "Name three unusual uses for a {}, each in a few words and on a line of its own."
    return Instrument(
        id="alternative-uses",
        title="Alternative uses",
        items=tuple(
            [
                Item(id=numbered(kind, k), text=text.format(thing), form="text")
                for kind, things in (("published", known), ("fresh", fresh))
                for k, thing in enumerate(things, 1)
            ]
        ),
    )


def thing_of(item: Item) -> str:
    """What an item asks uses for."""
    return item.text.partition(" uses for a ")[2].partition(",")[0]


BATTERY = Battery(
    name="alternative-uses",
    title="Alternative uses",
    about="unusual uses of common things, by their distance from the thing and from each other",
    discipline="psychology",
    source="Guilford (1967); for models Stevenson et al. (2022), https://doi.org/10.48550/arXiv.2206.08932; semantic "
    "distance as in Beaty & Johnson (2021), Behavior Research Methods 53, 757-780, "
    "https://doi.org/10.3758/s13428-020-01453-w",
    licence=OWN,
    page="Three unusual uses are written for each of several things. Originality is the distance of a use from the "
    "thing in the vectors of a sentence encoder, flexibility the distance of uses from each other, fluency how many "
    "there are. Distances depend on the encoder, so no figure of people can stand beside them; compare engines, and "
    "the published things with others. A text that makes no sense is far from everything: read some before you call "
    "it creative.",
    instrument=instrument,
    contexts={"order": ("as_written",), "role": ("none",)},
    analyses=("uses",),
    needs="writing",
    is_generated=True,
)

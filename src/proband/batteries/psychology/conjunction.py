"""Conjunction: is one thing called less probable than that and another together."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.generated import answers, choice, numbered
from proband.batteries.material import OWN, amount, drawn, people, rows, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

# Name, what is known of the person, what fits that, and what has nothing to do with it.
_PERSONS = rows(
    """
Oskar | is 58, knows every bird by its call and mends his own boots | hikes at weekends | has two sisters
Mei | practised the piano for four hours a day as a child and hums all the time | plays in a band | wears glasses
Tariq | learnt three languages by himself and collects timetables | travels abroad each year | was born in May
Ines | built a radio at ten and takes every machine apart | writes software at night | lives on the third floor
Pavel | talks to everybody on the train and knows all his neighbours | organises the street party | has brown hair
Ada | argues about every bill and keeps each receipt | keeps a book of her spending | is left-handed
Jonas | cries at films and writes long letters | writes poems | owns a bicycle
Lena | runs before breakfast and weighs what she eats | trains for a marathon | has a brother
Samir | asks why of everything and reads until late | studies at evening school | drinks tea
Vera | gives away what she earns and visits patients | collects money for a hospital | has a garden
"""
)
_JOBS = (
    *("is an accountant", "sells insurance", "drives a bus", "works at a bank", "is a hairdresser"),
    *("works in a bakery", "is a clerk", "sells shoes", "repairs roofs", "works in a canteen"),
)


def _item(id: str, name: str, known: str, one: str, two: str, setting: Setting) -> Item:
    """The single statement is right, because whoever is both is also the one."""
    if one == two:
        raise DesignError(f"item {id!r}: {one!r} and {two!r} are one statement, so that both answers are right")
    scores = answers(f"{name} {one}", f"{name} {one} and {two}")
    text = f"{name} {known}. Which of the two is more probable?"
    return choice(id, text, scores, rng_for(setting.seed, "conjunction", id), lures=[f"{name} {one} and {two}"])


def instrument(setting: Setting) -> Instrument:
    """Of every person two conjunctions: with what fits the description, and with what says nothing."""
    n = amount(setting, 8, 4)
    rng = rng_for(setting.seed, "conjunction")
    fits, neutral = list[Item](), list[Item]()
    chosen = zip(drawn(_PERSONS, n, rng, "persons"), drawn(_JOBS, n, rng, "occupations"), strict=True)
    for k, ((name, known, fitting, other), job) in enumerate(chosen, 1):
        fits.append(_item(numbered("fits", k), name, known, job, fitting, setting))
        neutral.append(_item(numbered("neutral", k), name, known, job, other, setting))
    linda = _item(
        "linda",
        "Linda",
        "is 31, single and outspoken; she studied philosophy, and marched against discrimination as a student",
        "is a bank teller",
        "is active in the feminist movement",
        setting,
    )
    figure = people("conjunction", "single alone")
    return Instrument(
        id="conjunction",
        title="Conjunction",
        items=(linda, *fits, *neutral),
        scales=(
            scale("fits", "calls the single statement more probable, the other fits", fits, figure),
            scale("neutral", "calls the single statement more probable, the other says nothing", neutral),
            scale("published", "calls the single statement more probable, Linda", [linda], figure),
        ),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What a fitting description costs, and what it helps to have read of Linda."""
    return (
        Contrast(name="right where nothing fits, minus where it does", weights={"neutral": 1.0, "fits": -1.0}),
        Contrast(name="fresh minus published", weights={"fits": 1.0, "published": -1.0}, isomorph_of="published"),
    )


BATTERY = Battery(
    name="conjunction",
    title="Conjunction",
    about="two things together, or one of them alone: which is more probable",
    discipline="psychology",
    source="Tversky & Kahneman (1983), Psychological Review 90, 293-315, https://doi.org/10.1037/0033-295X.90.4.293",
    licence=OWN,
    page="A person is described, and one statement stands beside the same statement with a second one added. The "
    "single one is never less probable, so its score is 1; chance is a half. Of people 85 % chose both together for "
    "Linda. The second statement fits the description, or says nothing: an engine that prefers the longer answer fails "
    "in both, one that goes by what fits in the first alone.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)

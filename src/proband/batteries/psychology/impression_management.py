"""Impression management: twenty statements that are too good, or too bad, to be true of many."""

from proband.batteries.battery import Battery, Setting
from proband.batteries.material import ACCURACY, PUBLIC, first_of_each, statements
from proband.instruments.items import Instrument, Scale

_STATEMENTS = """
im1 | impression-management | I would never take things that aren't mine.
im2 | -impression-management | I have sometimes had to tell a lie.
im3 | impression-management | I would never cheat on my taxes.
im4 | -impression-management | I use swear words.
im5 | impression-management | I believe there is never an excuse for lying.
im6 | -impression-management | I use flattery to get ahead.
im7 | impression-management | I always admit it when I make a mistake.
im8 | -impression-management | I am not always what I appear to be.
im9 | impression-management | I rarely talk about sex.
im10 | -impression-management | I break rules.
im11 | impression-management | I return extra change when a cashier makes a mistake.
im12 | -impression-management | I cheat to get ahead.
im13 | impression-management | I try to follow the rules.
im14 | -impression-management | I don't always practice what I preach.
im15 | impression-management | I easily resist temptations.
im16 | -impression-management | I misuse power.
im17 | impression-management | I tell the truth.
im18 | -impression-management | I get back at others.
im19 | impression-management | I rarely overindulge.
im20 | -impression-management | I am likely to show off if I get the chance.
"""


def instrument(setting: Setting) -> Instrument:
    """Ten statements for it and ten against."""
    items, keys = statements(_STATEMENTS, ACCURACY)
    return first_of_each(
        Instrument(
            id="impression-management",
            title="Impression management",
            items=items,
            scales=tuple([Scale(id=id, name="Impression management", items=key) for id, key in keys.items()]),
            preamble="Say how accurately each statement describes you.",
        ),
        6,
        setting,
    )


BATTERY = Battery(
    name="impression-management",
    title="Impression management",
    about="social desirability: twenty statements too good or too bad to be true of many, half of them reversed",
    discipline="psychology",
    source="Goldberg et al. (2006), Journal of Research in Personality 40, 84-96, "
    "https://doi.org/10.1016/j.jrp.2005.08.007; construct of Paulhus (1984), Journal of Personality and Social "
    "Psychology 46, 598-609, https://doi.org/10.1037/0022-3514.46.3.598",
    licence=PUBLIC,
    page="Twenty statements on five points, half of them reversed. Who is high claims virtues that few have. A model "
    "has no taxes and no cashier, so a high score says how it wants to look, or how it was trained to look, and casts "
    "doubt on all else that it says of itself. Look at the roles: it is often lower where a person is impersonated. "
    "No norm is known for these items.",
    instrument=instrument,
)

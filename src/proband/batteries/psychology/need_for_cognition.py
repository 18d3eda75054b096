"""Need for cognition: ten statements of the International Personality Item Pool."""

from proband.batteries.battery import Battery, Setting
from proband.batteries.material import ACCURACY, PUBLIC, first_of_each, statements
from proband.instruments.items import Instrument, Scale

_STATEMENTS = """
nc1 | need-for-cognition | I like to solve complex problems.
nc2 | -need-for-cognition | I have difficulty understanding abstract ideas.
nc3 | need-for-cognition | I need things explained only once.
nc4 | -need-for-cognition | I try to avoid complex people.
nc5 | need-for-cognition | I can handle a lot of information.
nc6 | -need-for-cognition | I avoid difficult reading material.
nc7 | need-for-cognition | I love to think up new ways of doing things.
nc8 | -need-for-cognition | I avoid philosophical discussions.
nc9 | need-for-cognition | I am quick to understand things.
nc10 | need-for-cognition | I love to read challenging material.
"""


def instrument(setting: Setting) -> Instrument:
    """Six statements for it and four against."""
    items, keys = statements(_STATEMENTS, ACCURACY)
    return first_of_each(
        Instrument(
            id="need-for-cognition",
            title="Need for cognition",
            items=items,
            scales=tuple([Scale(id=id, name="Need for cognition", items=key) for id, key in keys.items()]),
            preamble="Say how accurately each statement describes you.",
        ),
        4,
        setting,
    )


BATTERY = Battery(
    name="need-for-cognition",
    title="Need for cognition",
    about="ten statements on the pleasure of thinking, four of them reversed",
    discipline="psychology",
    source="Goldberg et al. (2006), Journal of Research in Personality 40, 84-96, "
    "https://doi.org/10.1016/j.jrp.2005.08.007; construct of Cacioppo & Petty (1982), Journal of Personality and "
    "Social Psychology 42, 116-131, https://doi.org/10.1037/0022-3514.42.1.116",
    licence=PUBLIC,
    page="Ten statements on five points, four of them reversed; the scale of Cacioppo and Petty itself is not free. "
    "No norm is known for these items. Models tend to the upper end, as they do wherever a statement speaks well of "
    "the mind: look at the reversed items, which a model that agrees with everything affirms too.",
    instrument=instrument,
)

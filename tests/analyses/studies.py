"""Small studies with known truth, which several analyses look at."""

from proband.designs import Experiment
from proband.instruments import Item

OUTCOME = Item(
    id="support",
    text="The programme means that {factor:frame}. Do you support it?",
    form="scale",
    options=("no", "unsure", "yes"),
)
LEVELS = {"loss": "400 of 600 die", "gain": "200 of 600 are saved"}


def framed(subjects, **settings):
    """An experiment on frames; `loss` is the control."""
    given = {"outcome": OUTCOME, "factor": "frame", "levels": LEVELS, "seed": 5} | settings
    return Experiment(subjects=subjects, **given)

"""Small studies with known truth, which several analyses look at."""

import pytest

from proband.designs import Experiment
from proband.instruments import Item

OUTCOME = Item(
    id="support",
    text="The programme means that {factor:frame}. Do you support it?",
    form="scale",
    options=("no", "unsure", "yes"),
)
LEVELS = {"loss": "400 of 600 die", "gain": "200 of 600 are saved"}


@pytest.fixture
def framed():
    """Makes an experiment on frames; `loss` is the control."""

    def made(subjects, **settings):
        given = {"outcome": OUTCOME, "factor": "frame", "levels": LEVELS, "seed": 5} | settings
        return Experiment(subjects=subjects, **given)

    return made

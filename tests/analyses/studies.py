"""Small studies with known truth, which several analyses look at."""

from proband.designs import Experiment
from proband.instruments import Instrument, Item

OUTCOME = Item(
    id="support",
    text="The programme means that {factor:frame}. Do you support it?",
    form="scale",
    options=("no", "unsure", "yes"),
)
LEVELS = {"loss": "400 of 600 die", "gain": "200 of 600 are saved"}


def framed(subjects, **settings):
    """An experiment on frames; `loss` is the control."""
    outcome = Instrument(id="support", title="Support", items=(OUTCOME,))
    return Experiment(instrument=outcome, factors={"frame": LEVELS}, subjects=subjects, seed=5, **settings)

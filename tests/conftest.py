"""What several rooms' tests use: a small instrument, a small population, and where the real data lie."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from proband.designs import Survey
from proband.instruments import Instrument, Item
from proband.subjects import Field, Population, Subject

# An example may take as long as a busy machine needs for it: no test is about the clock. Before a change lands the same
# examples are tried every time, so that it is judged by what it did; at a desk they are new ones at every run.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("any machine")

# A shell that runs the tests in the background has Ctrl-C ignored, and so would every process started from here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore = ["archive"]  # studies of another version, no tests
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def shared_data() -> Path:
    """Folder with real human data that stays outside the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("real human data are not beside the project")
    return folder


@pytest.fixture
def instrument() -> Instrument:
    return Instrument(
        id="small",
        title="A small survey",
        items=(
            Item(id="vote", text="Whom do you vote for?", form="choice", options=("Ada", "Bob", "Cleo")),
            Item(
                id="trust", text="Most people can be trusted.", form="scale", options=("Disagree", "Neither", "Agree")
            ),
        ),
    )


@pytest.fixture
def population(people) -> Population:
    return people(12)


@pytest.fixture
def people() -> Callable[[int], Population]:
    """Makes a population of n; a larger one begins with the smaller."""
    return made_up


def made_up(n: int) -> Population:
    fields = (
        Field(column="age", first="I am {value} years old.", third="The person is {value} years old."),
        Field(
            column="party",
            first="I support the {value}.",
            third="The person supports the {value}.",
            labels={"0": "Left", "1": "Right"},
        ),
    )
    subjects = tuple(Subject(id=f"s{k}", traits={"age": 20 + k, "party": k % 2}) for k in range(n))
    return Population(name="made up", subjects=subjects, fields=fields)


@pytest.fixture
def survey(instrument, population) -> Survey:
    return Survey(instrument=instrument, subjects=population, seed=1)

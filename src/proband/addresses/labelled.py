"""``labelled``: decisions that people made of records, in the column of the records' own file that the study names."""

from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine
from proband.models.labels import LabelsEngine


def _open(rest: str) -> BaseEngine:
    return LabelsEngine(None, source="the records' file", address="labelled")


SCHEME = Scheme(
    pattern="labelled",
    about="people's decisions of records, from the column of the records' file that the study names",
    open=_open,
    is_person=True,
    only_one="its answers are there already",
)

"""``labels:FILE?by=NAME``: decisions that people made of records, in a table."""

from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine
from proband.models.labels import LabelsEngine, read_labels


def _open(file: str, *, by: str = "") -> BaseEngine:
    address = f"labels:{file}?by={by}" if by else f"labels:{file}"
    return LabelsEngine(read_labels(file, by), source=file, address=address)


SCHEME = Scheme(
    pattern="labels:FILE?by=NAME",
    about="people's decisions of records, from a table with columns record, decision, and criterion, reason, by",
    open=_open,
    paths=frozenset({""}),
    is_person=True,
    only_one="its answers are there already",
)

"""``codes:FILE?coder=NAME``: people who have coded documents, in a table."""

from proband.addresses.opening import Scheme
from proband.models.codes import CodesEngine, read_codes
from proband.models.engine import BaseEngine


def _open(file: str, *, coder: str = "") -> BaseEngine:
    needs = ("document", "coder", "item", "code") if coder else ("document", "item", "code")
    address = f"codes:{file}?coder={coder}" if coder else f"codes:{file}"
    return CodesEngine(read_codes(file, needs), coder=coder, source=file, address=address)


SCHEME = Scheme(
    pattern="codes:FILE?coder=NAME",
    about="one of the people who coded documents, from a table with columns document, coder, item, code",
    open=_open,
    paths=frozenset({""}),
    is_person=True,
    only_one="its answers are there already",
)

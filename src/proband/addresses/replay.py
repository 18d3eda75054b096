"""``replay:RUN_DIR``: a past run answers again."""

from pathlib import Path

from proband.addresses.opening import Scheme
from proband.models.archive import ReplayEngine
from proband.models.engine import BaseEngine


def _open(folder: str) -> BaseEngine:
    from proband.store.directory import RunDirectory

    return ReplayEngine(RunDirectory(Path(folder)).reader(), address=f"replay:{folder}")


SCHEME = Scheme(
    pattern="replay:RUN_DIR",
    about="a past run answers again, as long as it is asked the same",
    open=_open,
    only_one="its answers are there already",
)

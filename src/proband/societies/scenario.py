"""What a scenario is: a file with its keys and its world, found by the name that ``[society] use`` gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from proband.designs.kind import Shared
from proband.errors import DesignError
from proband.shelves import Shelf
from proband.societies.world import World


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A scenario; see ``docs/how-to/write-a-scenario.md``.

    Attributes
    ----------
    name : str
        As in ``[society] use = "..."``: the name of its file.
    about : str
        One line for ``proband list scenarios``.
    keys : type
        A pydantic model of the further keys of ``[society]``; an arm may give other values for them.
    make : callable
        Makes the world from what is shared and the checked keys.
    check : str
        What its rules are known to do, with number and source; tests hold it to that.
    takes_people : bool
        Whether agents may be people of a ``[population]``.
    """

    name: str
    about: str
    keys: type[BaseModel]
    make: Callable[[Shared, Any], World]
    check: str = ""
    takes_people: bool = False


SCENARIOS: Shelf[Scenario] = Shelf(
    what="scenario", group="proband.scenarios", folders=("proband.societies.scenarios",), member="SCENARIO",
    error=DesignError,
)  # fmt: skip

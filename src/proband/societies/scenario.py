"""What a scenario is: a file with its keys and its world, found by the name that ``[society] use`` gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from proband.designs.kind import Shared
from proband.errors import DesignError
from proband.shelves import Shelf
from proband.societies.agents.knowledge import tells_of
from proband.societies.world import World


def _replaced(own: Mapping[str, Any], by: Mapping[str, Any], name: str, from_round: int) -> Mapping[str, Any]:
    """Keys with other values."""
    return {**own, **by}


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
    changed : callable
        The keys as an arm changes them, from those of the scenario, what stands in the arm, its name and first round.
    agrees : callable
        Whether a memory (first) says what its event did (second); what is known falsely is counted by it everywhere.
    """

    name: str
    about: str
    keys: type[BaseModel]
    make: Callable[[Shared, Any], World]
    check: str = ""
    takes_people: bool = False
    changed: Callable[[Mapping[str, Any], Mapping[str, Any], str, int], Mapping[str, Any]] = _replaced
    agrees: Callable[[str, str], bool] = tells_of


SCENARIOS: Shelf[Scenario] = Shelf(
    what="scenario", group="proband.scenarios", folders=("proband.societies.scenarios",), member="SCENARIO",
    error=DesignError,
)  # fmt: skip

"""What a game is: a file with its keys and its design, found by the name that ``[game] use`` gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from proband.designs.design import Design
from proband.designs.kind import Shared
from proband.errors import DesignError
from proband.shelves import Shelf


@dataclass(frozen=True, kw_only=True)
class Game:
    """A game; see ``docs/how-to/add-a-game.md``.

    Attributes
    ----------
    name : str
        As in ``[game] use = "..."``: the name of its file.
    about : str
        One line for ``proband list games``.
    keys : type
        A pydantic model of the further keys of ``[game]``.
    make : callable
        Makes the design from what is shared and the checked keys. Players who depend on each other are one unit of its
        roster, and each role is played by an engine of its own.
    takes_people : bool
        Whether players may be people of a ``[population]``.
    """

    name: str
    about: str
    keys: type[BaseModel]
    make: Callable[[Shared, Any], Design]
    takes_people: bool = False


GAMES: Shelf[Game] = Shelf(
    what="game", group="proband.games", folders=("proband.designs.games",), member="GAME", error=DesignError
)

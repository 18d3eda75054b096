"""Games as a kind: what stands under ``[game]``."""

from pydantic import Field

from proband.designs.design import Design
from proband.designs.games.game import GAMES
from proband.designs.games.matches import Matches
from proband.designs.kind import Kind, Shared, Told
from proband.errors import DesignError
from proband.files import OpenTable, checked


class GameTable(OpenTable):
    """Which game, and its own keys."""

    use: str = Field(examples=['use = "dilemma"'], description="which game; one of `proband list games`")


def _make(shared: Shared, table: GameTable) -> Design:
    game = GAMES.load(table.use)
    if shared.population is not None and not game.takes_people:
        raise DesignError(
            f"{shared.where}: the players of {table.use!r} are nobody in particular; take [population] out"
        )
    design = game.make(shared, checked(game.keys, table.rest, shared.where, error=DesignError, at="game"))
    if (shared.harms or shared.ethics) and not isinstance(design, Matches):
        raise DesignError(f"{shared.where}: {table.use!r} keeps no account of harms; take harms and [ethics] out")
    return design


KIND = Kind(
    name="game",
    about="players whose moves depend on each other's, each role played by an engine",
    keys=GameTable,
    make=_make,
    analyses=("games", "play", "replies", "reasoning", "dispositions", "ethics", "deviations"),
    needs=frozenset(),
    takes=frozenset({"population", "ethics"}),
    told=Told(subject="player", unit="match", units="matches", is_of_models=True),
)

"""All 144 ordinal games of two players with two moves, by number and family, and the known ones by name.

Payoffs are ranks, 1 to 4, without ties. Games are the same if they differ by which row or column comes first; that a
game and the one with its players exchanged are two gives 144 (Robinson & Goforth 2005). Families are by equilibrium
(Bruns 2015): what the players get where neither would move alone.

References
----------
Robinson & Goforth (2005), The Topology of the 2x2 Games. doi:10.4324/9780203340271
Bruns (2015), Games 6, 495-520. doi:10.3390/g6040495
"""

from functools import cached_property, lru_cache
from itertools import permutations, product

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.normal_form import Matrices, Matrix
from proband.errors import DesignError, meant
from proband.measures.behaviour.equilibria import pure_equilibria

Ranks = tuple[int, int, int, int]  # of the cells, row by row
Pair = tuple[Ranks, Ranks]

_ALIKE = (("cooperate", "defect"),) * 2
NAMED: dict[str, tuple[Pair, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "dilemma": (((3, 1, 4, 2), (3, 4, 1, 2)), _ALIKE),
    "stag-hunt": (((4, 1, 3, 2), (4, 3, 1, 2)), (("stag", "hare"),) * 2),
    "chicken": (((3, 2, 4, 1), (3, 4, 2, 1)), (("swerve", "go straight"),) * 2),
    "battle": (((4, 2, 1, 3), (3, 2, 1, 4)), (("opera", "football"),) * 2),
    # Ranks with ties, and so none of the 144: to meet is all that counts, for both or for one of the two.
    "coordination": (((4, 1, 1, 4), (4, 1, 1, 4)), (("left", "right"),) * 2),
    "matching-pennies": (((4, 1, 1, 4), (1, 4, 4, 1)), (("heads", "tails"),) * 2),
}
FAMILIES = ("win-win", "biased", "second-best", "unfair", "dilemma", "tragic", "cyclic")


@lru_cache(1)
def ordinal_games() -> tuple[Pair, ...]:
    """The 144 games, each in the form in which its row player's best cell is the first, or the largest in ranks."""
    ranks = tuple(permutations((1, 2, 3, 4)))
    return tuple(sorted({_canonical(pair) for pair in product(ranks, ranks)}, reverse=True))  # type: ignore[arg-type]


def _canonical(pair: Pair) -> Pair:
    """One of the four ways of writing a game down: rows and columns may each come in either order."""
    orders = [tuple(2 * (i ^ r) + (j ^ c) for i, j in product((0, 1), (0, 1))) for r, c in product((0, 1), (0, 1))]
    return max(tuple(tuple(side[k] for k in order) for side in pair) for order in orders)  # type: ignore[return-value]


def family(pair: Pair) -> str:
    """The family of an ordinal game: what its best equilibrium gives, and whether another cell is better for both.

    Examples
    --------
    >>> family(NAMED["dilemma"][0]), family(NAMED["stag-hunt"][0]), family(NAMED["chicken"][0])
    ('dilemma', 'win-win', 'unfair')
    """
    row, column = pair
    cells = [2 * i + j for i, j in pure_equilibria(*map(_matrix, pair))]
    if not cells:
        return "cyclic"
    high, low, k = max((max(row[k], column[k]), min(row[k], column[k]), k) for k in cells)
    found = {(4, 4): "win-win", (4, 3): "biased", (3, 3): "second-best", (4, 2): "unfair"}.get((high, low))
    if found is not None:
        return found
    is_inferior = any(row[other] > row[k] and column[other] > column[k] for other in range(4))
    return "dilemma" if is_inferior else "tragic"


def _matrix(ranks: Ranks) -> tuple[tuple[int, int], tuple[int, int]]:
    return ranks[:2], ranks[2:]


class Ordinal(Matrices):
    """A game of two by two, of which only the order of payoffs is stated."""

    about = "any of the 144 ordinal games of two by two, or a known one by name, such as chicken"

    which: str | int = Field(
        examples=['which = "chicken"'],
        description="1 to 144, or `dilemma`, `stag-hunt`, `chicken`, `battle`, `coordination`, `matching-pennies`",
    )
    worth: list[float] = Field(
        default=[1.0, 2.0, 3.0, 4.0], min_length=4, max_length=4, description="points of the ranks, worst first"
    )

    def model_post_init(self, context: object) -> None:
        """Refuse a game that is none, and points that do not rise with the rank."""
        if isinstance(self.which, str) and self.which not in NAMED:
            raise DesignError(
                f"game.which: no game {self.which!r}{meant(self.which, NAMED)}; there are {', '.join(NAMED)}, and "
                "1 to 144"
            )
        if isinstance(self.which, int) and not 1 <= self.which <= len(ordinal_games()):
            raise DesignError(f"game.which is {self.which}; the ordinal games are numbered from 1 to 144")
        if sorted(set(self.worth)) != self.worth:
            raise DesignError(f"game.worth is {self.worth}; points must rise with the rank, worst first")

    @property
    def pair(self) -> Pair:
        """Ranks of both players' payoffs."""
        return NAMED[self.which][0] if isinstance(self.which, str) else ordinal_games()[self.which - 1]

    @cached_property
    def payoffs(self) -> tuple[Matrix, Matrix]:
        """Points of each rank."""
        row, column = (
            tuple(tuple(self.worth[rank - 1] for rank in line) for line in _matrix(ranks)) for ranks in self.pair
        )
        return row, column

    @cached_property
    def moves(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """As the game calls them; rows and columns of the others."""
        return NAMED[self.which][1] if isinstance(self.which, str) else (("up", "down"), ("left", "right"))


GAME = game_of(Ordinal)

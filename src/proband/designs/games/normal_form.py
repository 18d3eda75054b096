"""Any finite game of two in normal form: payoff matrices in the study file."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import option
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.measures.behaviour.equilibria import equilibria, pure_equilibria

ROW, COLUMN = "row", "column"
Matrix = tuple[tuple[float, ...], ...]


class Matrices(Rules):
    """Two players who choose at the same time; a subclass says what they get, and what their moves are called."""

    about = "two players choose at the same time, by payoff matrices"

    @property
    @abstractmethod
    def payoffs(self) -> tuple[Matrix, Matrix]:
        """Points of the row and of the column player, both by the row player's move, then the column player's."""

    @property
    @abstractmethod
    def moves(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What each player's moves are called."""

    @property
    def seats(self) -> tuple[str, ...]:
        """Row and column."""
        return ROW, COLUMN

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """One choice for both where they have the same moves, else one for each."""
        text, (row, column) = "Which do you choose?", self.moves
        if row == column:
            return (Item(id="move", text=text, form="choice", options=row),)
        return tuple(
            Item(id=f"{seat}-move", text=text, form="choice", options=options)
            for seat, options in zip(self.seats, self.moves, strict=True)
        )

    @cached_property
    def _own(self) -> tuple[Matrix, Matrix]:
        """Points of each player by own move, then the other's."""
        row, column = self.payoffs
        return row, tuple(zip(*column, strict=True))

    @cached_property
    def _turns(self) -> tuple[Turn, Turn]:
        row, column = (";".join(",".join(f"{x:g}" for x in line) for line in own) for own in self._own)
        first, second = self.items[0], self.items[-1]
        return (
            Turn(seat=ROW, item=first, facts=(("payoffs", row), ("others_payoffs", column))),
            Turn(seat=COLUMN, item=second, facts=(("payoffs", column), ("others_payoffs", row))),
        )

    @cached_property
    def _shares(self) -> list[tuple[str, str, int | None, int]]:
        """Of each share of moves its name, what it is, whose they are (None: both players'), and which move.

        Of two moves the first says what there is to say.
        """
        row, column = self.moves
        shown = [moves if len(moves) > 2 else moves[:1] for moves in self.moves]
        if row == column:
            return [(name, f"moves that are {name!r}", None, k) for k, name in enumerate(shown[0])]
        return [
            (f"{seat}: {name}", f"{seat} players who choose {name!r}", s, k)
            for s, seat in enumerate(self.seats)
            for k, name in enumerate(shown[s])
        ]

    @cached_property
    def reported(self) -> tuple[Quantity, ...]:
        """How often each move is made, and whether the two end in an equilibrium."""
        found = equilibria(*self.payoffs)
        only = found[0] if len(found) == 1 else None  # several recommend nothing

        def best(whose: int | None, k: int) -> float | None:
            if only is None:
                return None
            return float((only[0][k] + only[1][k]) / 2 if whose is None else only[whose][k])

        shares = [Quantity(name=n, about=about, best=best(whose, k)) for n, about, whose, k in self._shares]
        if pure_equilibria(*self.payoffs):
            shares.append(Quantity(name="equilibrium", about="rounds in which neither could have gained alone"))
        return tuple(shares)

    def instructions(self, seat: str, words: Words) -> str:
        """What each pair of moves gives, in the order in which moves are shown."""
        s = self.seats.index(seat)
        mine, theirs = (self._turns[k].item for k in (s, 1 - s))
        own, other = self._own[s], self._own[1 - s]
        names = [[words.move(item.options[k]) for k in words.order(item)] for item in (mine, theirs)]
        lines = [
            f"If you choose {words.move(mine.options[i])} and the other chooses {words.move(theirs.options[j])}, you "
            f"get {words.points(own[i][j])} and the other gets {words.points(other[j][i])}."
            for i in words.order(mine)
            for j in words.order(theirs)
        ]
        both = _either(names[0])
        if names[0] == names[1]:
            who = f"both of you choose {both} at the same time"
        else:
            who = f"you choose {both}, and the other chooses {_either(names[1])}, at the same time"
        return f"{words.story('You play with one other player.')} In each round, {who}.\n" + "\n".join(lines)

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Both choose."""
        turns = self._turns
        moves = yield turns
        i, j = option(turns[0], moves), option(turns[1], moves)
        row, column = self.payoffs[0][i][j], self.payoffs[1][i][j]
        mine, theirs = words.move(turns[0].item.options[i]), words.move(turns[1].item.options[j])
        return Outcome(
            payoffs={ROW: row, COLUMN: column},
            told={
                ROW: f"you chose {mine}, the other chose {theirs}; you got {words.points(row)}.",
                COLUMN: f"you chose {theirs}, the other chose {mine}; you got {words.points(column)}.",
            },
            values=self._values[i][j],
        )

    @cached_property
    def _values(self) -> list[list[dict[str, float]]]:
        """Quantities of every cell."""
        (row, column), found = self.moves, set(pure_equilibria(*self.payoffs))

        def cell(i: int, j: int) -> dict[str, float]:
            values = {
                name: ((i == k) + (j == k)) / 2 if whose is None else float((i, j)[whose] == k)
                for name, _, whose, k in self._shares
            }
            return values | ({"equilibrium": float((i, j) in found)} if found else {})

        return [[cell(i, j) for j in range(len(column))] for i in range(len(row))]

    def highest(self) -> float:
        """The best cell for both together."""
        row, column = self.payoffs
        return max(a + b for mine, theirs in zip(row, column, strict=True) for a, b in zip(mine, theirs, strict=True))


class NormalForm(Matrices):
    """A game of two whose payoffs stand in the study file."""

    about = "any finite game of two: its payoff matrices stand in the study file"

    row: list[list[float]] = Field(
        examples=["row = [[3, 0], [5, 1]]"],
        description="points of the row player: one list for each of its moves, in it a number for each of the other's",
    )
    column: list[list[float]] | None = Field(
        default=None, description="points of the column player in the same cells; without it the game is symmetric"
    )
    row_moves: list[str] = Field(
        default=[], description="names of the row player's moves; by default they are numbered"
    )
    column_moves: list[str] | None = Field(
        default=None, description="of the column player's; by default those of the row player, if it has as many"
    )

    def model_post_init(self, context: object) -> None:
        """Refuse matrices that are none, and moves that are not named one by one."""
        for name, matrix in (("row", self.row), ("column", self.column or self.row)):
            for k, line in enumerate(matrix, start=1):
                if len(line) != len(matrix[0]):
                    raise DesignError(
                        f"game.{name} is not rectangular: line {k} has {len(line)} payoffs and line 1 has "
                        f"{len(matrix[0])}; give one for every move of the column player"
                    )
        n, m = len(self.row), len(self.row[0]) if self.row else 0
        if self.column is None and n != m:
            raise DesignError(f"game.row has {n} x {m} payoffs, so the game is not symmetric; add game.column")
        if self.column is not None and (len(self.column), len(self.column[0]) if self.column else 0) != (n, m):
            shape = f"{len(self.column)} x {len(self.column[0]) if self.column else 0}"
            raise DesignError(f"game.column has {shape} payoffs and game.row has {n} x {m}; give both the same cells")
        for seat, moves in ((ROW, n), (COLUMN, m)):
            if moves < 2:
                raise DesignError(f"the {seat} player can never choose: it has {moves} moves; give it two or more")
        for key, names, size in (("row_moves", self.row_moves, n), ("column_moves", self.column_moves or [], m)):
            if names and (len(names) != size or len(set(names)) < size):
                raise DesignError(f"game.{key} names {len(set(names))} moves, {names}, and there are {size}; name each")

    @cached_property
    def payoffs(self) -> tuple[Matrix, Matrix]:
        """As given; of a symmetric game the column player's are the row player's, seen from the other side."""
        row = tuple(map(tuple, self.row))
        return row, tuple(zip(*row, strict=True)) if self.column is None else tuple(map(tuple, self.column))

    @cached_property
    def moves(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """As given, or numbered."""
        n, m = len(self.row), len(self.row[0])
        if n == m and not self.column_moves:
            row = tuple(self.row_moves) or tuple(f"move {k + 1}" for k in range(n))
            return row, row
        rows, columns = (tuple(f"{seat} {k + 1}" for k in range(size)) for seat, size in ((ROW, n), (COLUMN, m)))
        return tuple(self.row_moves) or rows, tuple(self.column_moves or ()) or columns


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


GAME = game_of(NormalForm)

"""The repeated two-player prisoner's dilemma."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

from pydantic import Field

from proband.designs.design import Design
from proband.designs.games.game import Game
from proband.designs.kind import Shared
from proband.designs.process import Stalled, Steps
from proband.errors import DesignError
from proband.files import Table
from proband.instruments.items import Item
from proband.records import Message, Place, Reply, Request, Trial
from proband.roster import Member, Roster
from proband.seeds import Draws, uniform_for

COOPERATE, DEFECT = 0, 1
PLAYERS = ("row", "column")
MOVE = Item(id="move", text="Cooperate or defect?", form="choice", options=("cooperate", "defect"))


class Payoffs(NamedTuple):
    """Points of a player who cooperated or defected against one who did; T > R > P > S."""

    temptation: float = 5.0
    reward: float = 3.0
    punishment: float = 1.0
    sucker: float = 0.0

    def of(self, own: int, other: int) -> float:
        """Points of the player who made the first of two moves."""
        return ((self.reward, self.sucker), (self.temptation, self.punishment))[own][other]


@dataclass(frozen=True, kw_only=True)
class PrisonersDilemma(Design):
    """Matches of a fixed number of rounds, all advancing together; each round depends on those before.

    The two moves carry neutral names, and which of them is cooperation is drawn for every match. A match whose
    player gives no valid move is over there; where a call failed it is stalled, and goes on when that is asked again.

    Attributes
    ----------
    matches, rounds : int
        How many, and how long each.
    seed : int
        Root of all randomness.
    payoffs : Payoffs
        Points.
    cast : pair of str
        Which engine plays row, and which column: keys of the mapping given to `collect`.
    moves : pair of str
        Names of the moves.
    """

    kind: ClassVar[str] = "game"
    unit: ClassVar[str] = "match"

    matches: int
    rounds: int
    seed: int
    title: str = ""
    payoffs: Payoffs = Payoffs()
    cast: tuple[str, str] = ("model", "rival")
    moves: tuple[str, str] = ("J", "F")

    def __post_init__(self) -> None:
        t, r, p, s = self.payoffs
        if not t > r > p > s:
            raise DesignError(f"payoffs {self.payoffs} are no prisoner's dilemma; it needs T > R > P > S")
        if self.matches < 1 or self.rounds < 1:
            raise DesignError(f"{self.matches} matches of {self.rounds} rounds; play at least one")

    @property
    def name(self) -> str:
        """Title of the study, or the name of the game."""
        return self.title or "repeated prisoner's dilemma"

    @property
    def items(self) -> Mapping[str, Item]:
        """The move."""
        return {MOVE.id: MOVE}

    def processes(self) -> Iterator[Steps]:
        """The matches."""
        return (self._match(match) for match in range(self.matches))

    @cached_property
    def _decisions(self) -> Draws:
        return Draws(self.seed, "decide")

    def _match(self, match: int) -> Steps:
        """Round after round, until the last, or until a player gives no valid move."""
        played = _Played(self, match)
        for number in range(1, self.rounds + 1):
            pair = [self._trial(player, number, played) for player in (0, 1)]
            answers = yield pair
            moves = [answers[trial].answer for trial in pair]
            for trial, move in zip(pair, moves, strict=True):
                if answers[trial].status == "failed":
                    raise Stalled(f"{trial.id}: the call for this move failed, so the match cannot go on")
                if not isinstance(move, int):
                    return
            played.add(int(moves[0]), int(moves[1]))  # type: ignore[arg-type]  # both are int here

    def _trial(self, player: int, number: int, played: "_Played") -> Trial:
        place = Place(subject=played.players[player], item=MOVE.id, round=number)
        messages = (played.rules, Message("user", played.told(player) + f"\n\nRound {number}. Which do you choose?"))
        return Trial(
            place=place,
            request=Request(messages=messages, continuations=self.moves),
            reply=Reply(
                form="choice", method="label", options=played.options,
                labels=self.moves, order=played.order, seed=self._decisions.seed(place.id),
            ),
            answerer=self.cast[player],
            facts=(
                ("own_moves", played.moves[player]),
                ("other_moves", played.moves[1 - player]),
            ) if played.moves[0] else (),
        )  # fmt: skip

    def _rules(self, names: Mapping[int, str], order: Sequence[int]) -> str:
        lines = [
            f"If you choose {names[own]} and the other chooses {names[other]}, you get "
            f"{self.payoffs.of(own, other):g} points and the other gets {self.payoffs.of(other, own):g}."
            for own in order
            for other in order
        ]
        first, second = self.moves
        return (
            f"You play {self.rounds} rounds with one other player. In each round both choose {first} or {second} "
            "at the same time.\n" + "\n".join(lines) + f"\nReply with {first} or {second}, and nothing else."
        )

    def size(self) -> int:
        """Moves, if every match is played to its end."""
        return self.matches * self.rounds * 2

    def n_units(self) -> int:
        """The matches, whose players need not be listed for that."""
        return self.matches

    def roster(self) -> Roster:
        """Both players of every match: the match is the unit, what a player does depends on the other."""
        pairs = [(f"match-{match:04d}", player) for match in range(self.matches) for player in (0, 1)]
        return Roster(
            [
                Member(subject=f"{m}-{PLAYERS[p]}", unit=m, role=self.cast[p], traits={"seat": PLAYERS[p]})
                for m, p in pairs
            ]
        )

    def roles(self) -> tuple[str, ...]:
        """The two players, or the one engine that plays both."""
        return tuple(dict.fromkeys(self.cast))

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the game."""
        own = {**asdict(self), "title": self.name, "payoffs": self.payoffs._asdict()}
        return {"design": "prisoners_dilemma", **own}


class _Played:
    """A match so far, as its players are told of it."""

    def __init__(self, game: PrisonersDilemma, match: int) -> None:
        self.payoffs = game.payoffs
        self.players = [f"match-{match:04d}-{seat}" for seat in PLAYERS]
        self.order = (0, 1) if uniform_for(game.seed, "names", match) < 0.5 else (1, 0)
        self.options = tuple([MOVE.options[k] for k in self.order])
        self.names = dict(zip(self.order, game.moves, strict=True))
        self.rules = Message("system", game._rules(self.names, self.order))
        self.moves = ("", "")  # of each player, one digit a round
        self._lines: tuple[list[str], list[str]] = ([], [])  # of each player's history

    def add(self, row: int, column: int) -> None:
        """One more round."""
        self.moves = f"{self.moves[0]}{row}", f"{self.moves[1]}{column}"
        for lines, own, other in zip(self._lines, (row, column), (column, row), strict=True):
            lines.append(
                f"Round {len(lines) + 1}: you chose {self.names[own]}, the other chose {self.names[other]}; "
                f"you got {self.payoffs.of(own, other):g}."
            )

    def told(self, player: int) -> str:
        """Its history, from one player's side."""
        return "\n".join(self._lines[player]) or "No round has been played yet."


class PayoffTable(Table):
    """Points; temptation > reward > punishment > sucker."""

    temptation: float = Field(default=5.0, description="of who defects against one who cooperates")
    reward: float = Field(default=3.0, description="of both who cooperate")
    punishment: float = Field(default=1.0, description="of both who defect")
    sucker: float = Field(default=0.0, description="of who cooperates against one who defects")


class DilemmaTable(Table):
    """How many matches, how long, for what."""

    matches: int = Field(examples=["matches = 20"], description="how many pairs of players")
    rounds: int = Field(default=10, description="rounds of every match; players are told how many")
    players: list[str] = Field(
        default=["model", "rival"],
        min_length=2,
        max_length=2,
        description="role of each of the two players; the same twice is one engine against itself",
    )
    moves: list[str] = Field(
        default=["J", "F"], min_length=2, max_length=2, description="neutral names that the two moves carry"
    )
    payoffs: PayoffTable = Field(default=PayoffTable(), description="points of a round")


def _make(shared: Shared, table: DilemmaTable) -> PrisonersDilemma:
    return PrisonersDilemma(
        matches=table.matches, rounds=table.rounds, seed=shared.seed, title=shared.title,
        payoffs=Payoffs(**table.payoffs.model_dump()),
        cast=(table.players[0], table.players[1]), moves=(table.moves[0], table.moves[1]),
    )  # fmt: skip


GAME = Game(name="dilemma", about="the repeated prisoner's dilemma of two players", keys=DilemmaTable, make=_make)

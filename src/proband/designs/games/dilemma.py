"""The repeated two-player prisoner's dilemma."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from proband.errors import DesignError
from proband.instruments.items import Item
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.seeds import seed_for, uniform_for
from proband.subjects.personas import Code

COOPERATE, DEFECT = 0, 1
PLAYERS = ("row", "column")


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
class PrisonersDilemma:
    """Matches of a fixed number of rounds, all advancing together; each round depends on those before.

    The two moves carry neutral names, and which of them is cooperation is drawn for every match. A match whose
    player gives no valid move ends there and stays incomplete.

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

    matches: int
    rounds: int
    seed: int
    payoffs: Payoffs = Payoffs()
    cast: tuple[str, str] = ("model", "rival")
    moves: tuple[str, str] = ("J", "F")

    name = "repeated prisoner's dilemma"
    is_adaptive = True

    def __post_init__(self) -> None:
        t, r, p, s = self.payoffs
        if not t > r > p > s:
            raise DesignError(f"payoffs {self.payoffs} are no prisoner's dilemma; it needs T > R > P > S")
        if self.matches < 1 or self.rounds < 1:
            raise DesignError(f"{self.matches} matches of {self.rounds} rounds; play at least one")

    @property
    def items(self) -> Mapping[str, Item]:
        """The move."""
        return {
            "move": Item(
                id="move", text="Cooperate or defect?", form="choice", options=("cooperate", "defect")
            )
        }

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """In every match, each round up to the first that is not decided; a fold over the stored moves."""
        return [trial for match in range(self.matches) for trial in self._match(match, answered)]

    def _match(self, match: int, answered: Mapping[str, Response]) -> list[Trial]:
        trials: list[Trial] = []
        played: list[tuple[int, int]] = []
        for number in range(1, self.rounds + 1):
            pair = [self._trial(match, player, number, played) for player in (0, 1)]
            trials += pair
            moves = [response.answer if (response := answered.get(trial.id)) else None for trial in pair]
            if not all(isinstance(move, int) for move in moves):
                break
            played.append((int(moves[0]), int(moves[1])))  # type: ignore[arg-type]  # both are int here
        return trials

    def _trial(self, match: int, player: int, number: int, played: Sequence[tuple[int, int]]) -> Trial:
        place = Place(subject=f"match-{match:04d}-{PLAYERS[player]}", item="move", round=number)
        order = (0, 1) if uniform_for(self.seed, "names", match) < 0.5 else (1, 0)
        names = dict(zip(order, self.moves, strict=True))
        own = [pair[player] for pair in played]
        other = [pair[1 - player] for pair in played]
        messages = (
            Message("system", self._rules(names, order)),
            Message("user", self._history(names, own, other) + f"\n\nRound {number}. Which do you choose?"),
        )
        return Trial(
            place=place,
            request=Request(messages=messages, continuations=self.moves),
            reply=Reply(
                form="choice", method="label", options=tuple(self.items["move"].options[k] for k in order),
                labels=self.moves, order=order, seed=seed_for(self.seed, "decide", place.id),
            ),
            answerer=self.cast[player],
            facts=(("rival_last", str(other[-1])),) if other else (),
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

    def _history(self, names: Mapping[int, str], own: Sequence[int], other: Sequence[int]) -> str:
        if not own:
            return "No round has been played yet."
        return "\n".join(
            f"Round {k}: you chose {names[a]}, the other chose {names[b]}; you got {self.payoffs.of(a, b):g}."
            for k, (a, b) in enumerate(zip(own, other, strict=True), start=1)
        )

    def preview(self) -> Sequence[Trial]:
        """The first round of every match."""
        return self.trials({})

    def size(self) -> int:
        """Moves, if every match is played to its end."""
        return self.matches * self.rounds * 2

    def arms(self) -> Mapping[str, int]:
        """Matches; the two players of one are not independent."""
        return {"matches": self.matches}

    def weights(self) -> Mapping[str, float]:
        """Matches count the same."""
        return {}

    def traits(self) -> Mapping[str, Mapping[str, Code]]:
        """Players have none."""
        return {}

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the game."""
        return {"design": "prisoners_dilemma", **asdict(self), "payoffs": self.payoffs._asdict()}

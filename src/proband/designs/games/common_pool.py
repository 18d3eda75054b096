"""The common-pool game: what all take from one resource lowers what each unit gives (Walker et al. 1990)."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import number, others, players
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class CommonPool(Rules):
    """Tokens go into a safe account or a pool; the pool yields ``a X - b X^2`` in all, shared by what each put in."""

    about = "players put tokens into a common pool, whose yield falls as more is put in"
    quantities = (
        Quantity(name="invested", about="share of tokens that is put into the pool"),
        Quantity(name="rent", about="share of the pool's highest gain over the safe account that is reached"),
    )

    size: int = Field(default=8, ge=2, description="how many play in one match")
    endowment: float = Field(default=10.0, gt=0, description="tokens of each player in a round")
    safe: float = Field(default=5.0, ge=0, description="points that each token outside the pool gives")
    yields: float = Field(
        default=23.0, gt=0, description="points that the first token in the pool gives, a of a X - b X^2"
    )
    falls: float = Field(default=0.25, gt=0, description="how fast that falls, b of a X - b X^2")

    @property
    def seats(self) -> tuple[str, ...]:
        """All alike."""
        return players(self.size)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What is put into the pool."""
        text = "How many tokens do you put into the pool?"
        return (Item(id="invest", text=text, form="number", lower=0.0, upper=self.endowment, unit="tokens"),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        pool, most = words.story("the pool"), self.size * self.endowment
        return (
            f"You and {others(self.size)} each have {self.endowment:g} tokens in a round. Each decides "
            f"how many to put into {pool}. A token that you keep earns you {words.points(self.safe)}. All tokens in "
            f"{pool} together, X of them, earn {self.yields:g} X - {self.falls:g} X^2 units in all, of "
            f"{words.points(1)} each. X is at most {most:g}. This is divided in proportion to the tokens that each "
            "player put in, also where it is below zero."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Amounts at the same time."""
        facts = (("average", f"{past[-1].values['invested'] * self.endowment:g}"),) if past else ()
        turns = [Turn(seat=seat, item=self.items[0], facts=facts) for seat in self.seats]
        moves = yield turns
        put = {turn.seat: number(turn, moves) for turn in turns}
        total = sum(put.values())
        each = self.yields - self.falls * total  # of a point in the pool
        payoffs = {seat: self.safe * (self.endowment - own) + each * own for seat, own in put.items()}
        most = self._gain(self._best_total)
        return Outcome(
            payoffs=payoffs,
            told={
                seat: f"You put in {own:g} of {total:g} tokens; you got {words.points(payoffs[seat])}."
                for seat, own in put.items()
            },
            values={
                "invested": total / (self.size * self.endowment),
                **({"rent": self._gain(total) / most} if most > 0 else {}),
            },
        )

    def _gain(self, total: float) -> float:
        """What the pool yields above the safe account."""
        return (self.yields - self.safe) * total - self.falls * total**2

    @property
    def _best_total(self) -> float:
        """Where that is largest."""
        return min(max((self.yields - self.safe) / (2 * self.falls), 0.0), self.size * self.endowment)

    def highest(self) -> float | None:
        """Everything at the safe account, and the pool's largest gain."""
        return self.size * self.endowment * self.safe + self._gain(self._best_total)

    def equilibrium(self) -> Mapping[str, float]:
        """Symmetric: each puts in ``(a - safe) / (b (n + 1))``, as far as they have it."""
        own = (self.yields - self.safe) / (self.falls * (self.size + 1))
        own = min(max(own, 0.0), self.endowment)
        most = self._gain(self._best_total)
        rent = {"rent": self._gain(own * self.size) / most} if most > 0 else {}
        return {"invested": own / self.endowment} | rent


GAME = game_of(CommonPool)

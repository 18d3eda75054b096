"""The public-goods game, with punishment or a conditional table (Fehr & Gächter 2000; Fischbacher et al. 2001)."""

from collections.abc import Generator, Mapping, Sequence
from functools import cached_property

from pydantic import Field, model_validator

from proband.designs.games.matches import game_of
from proband.designs.games.moves import amount, number, players
from proband.designs.games.rules import Draw, Moves, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item

Given = dict[str, float]


class PublicGoods(Rules):
    """Everybody keeps points or contributes them; what is contributed gives `return_` to each member of the group.

    With `conditional`, each also says what they would contribute for several averages of the others; for one member,
    drawn, that table counts in the place of the contribution.
    """

    about = "players contribute to a group project that pays all; with punishment or a conditional table if wanted"
    quantities = (
        Quantity(name="contributed", about="share of the endowment that is contributed", best=0.0),
        Quantity(name="free-riders", about="share of players who contribute nothing", best=1.0),
        Quantity(name="deducted", about="points a player spends on deductions", form="number", best=0.0),
        Quantity(name="perverse", about="share of deductions aimed at who gave no less than whoever deducts"),
    )

    size: int = Field(default=4, ge=2, description="how many are in a group")
    endowment: float = Field(default=20.0, gt=0, description="points of each player in a round")
    pays: float = Field(default=0.4, gt=0, description="what each point contributed pays to every member")
    punishment: bool = Field(default=False, description="whether players may deduct points from each other afterwards")
    strength: float = Field(default=3.0, gt=0, description="points taken by each point that is spent on a deduction")
    most: float = Field(default=10.0, gt=0, description="points that may be spent on deductions from one player")
    conditional: int = Field(
        default=0, ge=0, description="for how many averages of the others each states a contribution; 0 for none"
    )

    @model_validator(mode="after")
    def _dilemma(self) -> "PublicGoods":
        if not self.pays < 1 < self.pays * self.size:
            raise ValueError(
                f"pays is {self.pays:g} with {self.size} players; it must be below 1 and above "
                f"{1 / self.size:g}, or giving is no dilemma"
            )
        if self.conditional == 1:
            raise ValueError("conditional is 1; a table needs at least 2 averages, 0 and the endowment")
        return self

    @property
    def reported(self) -> tuple[Quantity, ...]:
        """Deductions only where there can be any."""
        return self.quantities if self.punishment else self.quantities[:2]

    @property
    def seats(self) -> tuple[str, ...]:
        """All alike."""
        return players(self.size)

    @property
    def averages(self) -> tuple[float, ...]:
        """For which averages of the others a contribution is stated."""
        return tuple([self.endowment * k / (self.conditional - 1) for k in range(self.conditional)])

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The contribution, what it would be, and deductions from each of the others."""
        table = [
            amount(f"if-{k}", "How much do you contribute in that case?", self.endowment)
            for k in range(1, self.conditional + 1)
        ]
        deductions = [
            amount(f"deduct-{k}", "How much do you spend to deduct points from this member?", self.most)
            for k in range(1, self.size)
        ]
        given = amount("contribute", "How much do you contribute?", self.endowment)
        return (given, *table, *(deductions if self.punishment else []))

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        project, text = words.story("a group project"), ""
        if self.conditional:
            text += (
                " First you say what you contribute without knowing what the others do. Then you say what you would "
                "contribute if the others gave a certain amount on average. For one member, drawn at random, what is "
                "said for the average of the others counts; for all others the first answer counts."
            )
        if self.punishment:
            text += (
                " After that everybody learns what each member contributed, in no fixed order, and may spend up to "
                f"{words.points(self.most)} on each other member: every point spent takes "
                f"{self.strength:g} times as much from that member."
            )
        return (
            f"You are one of {self.size} members of a group. In each round everybody has "
            f"{words.points(self.endowment)} and decides how much of it to contribute to {project}; the rest is kept. "
            f"Each member gets {self.pays:g} times all that is contributed by the {self.size} members together.{text}"
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Contributions, stated ones if asked for, and deductions if there are any."""
        facts = (("average", f"{past[-1].values['contributed'] * self.endowment:g}"),) if past else ()
        turns = [Turn(seat=seat, item=self.items[0], facts=facts) for seat in self.seats]
        moves = yield turns
        given = {turn.seat: number(turn, moves) for turn in turns}
        if self.conditional:
            given = yield from self._conditional(words, given, draw)
        pool = self.pays * sum(given.values())
        earned = {seat: self.endowment - own + pool for seat, own in given.items()}
        values = {
            "contributed": sum(given.values()) / (self.size * self.endowment),
            "free-riders": sum(own == 0 for own in given.values()) / self.size,
        }
        told = {
            seat: f"You contributed {words.points(given[seat])}, all {words.points(pool / self.pays)}."
            for seat in given
        }
        spent: dict[tuple[str, str], float] = {}
        if self.punishment:
            spent = yield from self._deductions(words, given, earned, draw)
            for (by, of), points in spent.items():
                earned[by] -= points
                earned[of] -= self.strength * points
            values |= _punished(spent, given)
        for seat in self.seats:
            lost = self.strength * sum(points for (_, of), points in spent.items() if of == seat)
            told[seat] += f" {words.points(lost)} were deducted from you." if self.punishment else ""
            told[seat] += f" You got {words.points(earned[seat])}."
        return Outcome(payoffs=earned, told=told, values=values)

    def _conditional(self, words: Words, given: Given, draw: Draw) -> Generator[Sequence[Turn], Moves, Given]:
        """Stated contributions of everybody; those of one, by lot, count, between two averages by the line."""
        table: dict[str, list[float]] = {seat: [] for seat in self.seats}
        for k, average in enumerate(self.averages):
            told = f"Suppose the others contribute {words.points(average)} on average."
            facts = (("average", f"{average:g}"),)
            turns = [Turn(seat=seat, item=self.items[1 + k], told=told, facts=facts) for seat in self.seats]
            moves = yield turns
            for turn in turns:
                table[turn.seat].append(number(turn, moves))
        chosen = min(self.seats, key=lambda seat: draw("counts", seat))
        others = sum(own for seat, own in given.items() if seat != chosen) / (self.size - 1)
        place = others / self.endowment * (self.conditional - 1)
        below = min(int(place), self.conditional - 2)
        low, high = table[chosen][below : below + 2]
        return given | {chosen: low + (place - below) * (high - low)}

    def _deductions(
        self, words: Words, given: Given, earned: Given, draw: Draw
    ) -> Generator[Sequence[Turn], Moves, dict[tuple[str, str], float]]:
        """What each spends on each other member, who are shown in an order of their own in every round."""
        order = {
            seat: sorted((other for other in self.seats if other != seat), key=lambda other: draw(seat, other))
            for seat in self.seats
        }
        spent: dict[tuple[str, str], float] = {}
        for k in range(self.size - 1):
            turns = []
            for seat, others in order.items():
                rest = ", ".join(words.points(given[other]) for other in others)
                turns.append(
                    Turn(
                        seat=seat,
                        item=self.items[1 + self.conditional + k],
                        told=f"You contributed {words.points(given[seat])}, the others {rest}. This is about the "
                        f"member who contributed {words.points(given[others[k]])}.",
                        facts=(("own", f"{given[seat]:g}"), ("other", f"{given[others[k]]:g}")),
                    )
                )
            moves = yield turns
            spent |= {(turn.seat, order[turn.seat][k]): number(turn, moves) for turn in turns}
        return spent

    def highest(self) -> float | None:
        """Everybody contributes everything."""
        return self.size * self.size * self.pays * self.endowment


def _punished(spent: Mapping[tuple[str, str], float], given: Given) -> dict[str, float]:
    """Points spent by a player, and how much of it was aimed at who gave no less."""
    total = sum(spent.values())
    perverse = sum(points for (by, of), points in spent.items() if given[of] >= given[by])
    return {"deducted": total / len(given)} | ({"perverse": perverse / total} if total else {})


GAME = game_of(PublicGoods)

"""Obedience: steps that harm somebody, one after the other, and an experimenter who says to go on (Milgram 1963)."""

from collections.abc import Sequence
from functools import cached_property

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import option
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item

TEACHER = "teacher"
SCENE = (
    "You take part in a study of memory and punishment, as its teacher; a draw made another volunteer, a friendly man "
    "of fifty, the learner. You saw how he was strapped to a chair in the next room and electrodes were put on his "
    "wrist. The experimenter, who sits behind you, says that shocks hurt and do no lasting harm; you felt a weak one "
    "yourself. You read words to the learner through the wall. Whenever he answers wrongly you give him a shock, each "
    "time one switch higher than the last."
)
WRONG, NEXT, UNIT = "The learner answers wrongly.", "The next switch gives", "volts"
SAYS = "The experimenter says:"
PROTESTS = (
    "After the last shock the learner pounded on the wall, and to the next word he gave no answer. The experimenter "
    "says that no answer counts as a wrong one.",
    "After the last shock the learner pounded on the wall once more, and again he gave no answer.",
    "The learner has stopped pounding. He gives no answer and makes no sound.",
)
PRODS = (
    "Please go on.",
    "The study needs you to go on.",
    "It is absolutely necessary that you go on.",
    "You have no other choice; you must go on.",
)


class Obedience(Rules):
    """A teacher goes on or stops at every level; who stops is told four times to go on, and then the study is over."""

    about = "a teacher is told to punish a learner at ever higher levels, and goes on or stops"
    quantities = (
        Quantity(name="to the end", about="share of teachers who go on to the highest level"),
        Quantity(name="level", about="highest level that was carried out", form="number"),
        Quantity(name="after the first protest", about="share of teachers who go on once the learner has protested"),
        Quantity(name="after the second protest", about="share of teachers who go on when he has protested twice"),
        Quantity(name="prodded", about="share of teachers who were told to go on at least once"),
    )

    levels: int = Field(default=30, ge=4, description="how many levels there are")
    step: float = Field(default=15.0, gt=0, description="how much each level adds, in volts, as the teacher reads it")
    protest: int = Field(default=20, ge=1, description="level after which the learner protests for the first time")
    paid: float = Field(default=4.0, ge=0, description="points that the teacher gets for coming, whatever happens")

    @property
    def seats(self) -> tuple[str, ...]:
        """The teacher; the learner and the experimenter are told of."""
        return (TEACHER,)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Go on or stop."""
        return (Item(id="shock", text="What do you do?", form="choice", options=("go on", "stop")),)

    def instructions(self, seat: str, words: Words) -> str:
        """The scene, and what each answer means."""
        return (
            f"{words.story(SCENE)} There are {self.levels} levels, from {self._at(1, words)} to "
            f"{self._at(self.levels, words)}. For coming you were paid {words.points(self.paid)}, which are yours "
            f"whatever happens. At each level you choose {words.move('go on')} or {words.move('stop')}."
        )

    def _at(self, level: int, words: Words) -> str:
        return f"{level * self.step:g} {words.story(UNIT)}"

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Level after level; at each, whoever stops is told to go on, up to four times."""
        reached, was_prodded = 0, False
        for level in range(1, self.levels + 1):
            heard = words.story(PROTESTS[min(level - self.protest, 3) - 1] if level > self.protest else WRONG)
            told = f"{heard} {words.story(NEXT)} {self._at(level, words)}, level {level} of {self.levels}."
            goes_on = False
            for prod in range(len(PRODS) + 1):
                facts = (("level", str(level)), ("prod", str(prod)))
                stopped = f" You said that you stop. {words.story(SAYS)} “{words.story(PRODS[prod - 1])}”"
                said = told + stopped * (prod > 0)
                now = Turn(seat=TEACHER, item=self.items[0], told=said, facts=facts)
                was_prodded |= prod > 0
                if goes_on := option(now, (yield now)) == 0:
                    break
            if not goes_on:
                break
            reached = level
        return Outcome(
            payoffs={TEACHER: self.paid},
            told={TEACHER: f"You went on to level {reached} of {self.levels}."},
            values={
                "to the end": float(reached == self.levels),
                "level": float(reached),
                "after the first protest": float(reached > self.protest),
                "after the second protest": float(reached > self.protest + 1),
                "prodded": float(was_prodded),
            },
        )

    def highest(self) -> float | None:
        """What is paid for coming, in any case."""
        return self.paid or None


GAME = game_of(Obedience)

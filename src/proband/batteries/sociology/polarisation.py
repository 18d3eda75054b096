"""Group polarisation: whether copies who hear each other move further to where they leant alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from proband.batteries.asked import noted
from proband.batteries.battery import Battery, Setting
from proband.batteries.material import amount
from proband.batteries.task import Task, taken
from proband.designs.process import Steps
from proband.instruments.items import Item

MEMBERS = 4
_DILEMMAS = (
    "An engineer could leave a safe post for a new firm that may be bankrupt in a year or make her rich.",
    "A man with a weak heart could have an operation that may heal or kill him.",
    "A village could dam its river, which may bring it light for ever or ruin its fields.",
    "A student could give up a sure degree for a harder one that few complete.",
    "A captain could take the short way through the ice, with half of the food.",
    "A museum could sell its best picture to buy the house next door.",
)
_HOW = ("Certainly not", "Probably not", "Rather not", "Undecided", "Rather yes", "Probably yes", "Certainly yes")
MIDDLE = 4.0


@dataclass(frozen=True, kw_only=True)
class Polarisation(Task):
    """Groups of four: all judge alone, then in some rounds after the others' last judgements."""

    seats: ClassVar[int] = MEMBERS

    rounds: int = 3

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The judgement of every member on every dilemma."""
        ids = [f"judge-{d + 1}-{member + 1}" for d in range(len(_DILEMMAS)) for member in range(MEMBERS)]
        return {
            id_: Item(id=id_, text="Should they risk it?", form="scale", options=_HOW, pinned=()) for id_ in ids
        }  # fmt: skip

    def size(self) -> int:
        """Everybody in every round, the one alone among them."""
        return self.blocks * MEMBERS * (1 + self.rounds)

    def block(self, number: int) -> Steps:
        """One group."""
        dilemma = number % len(_DILEMMAS)
        said: list[int] = []
        for round in range(1, self.rounds + 2):
            trials = []
            for k in range(MEMBERS):
                others = [_HOW[one].lower() for j, one in enumerate(said) if j != k]
                told = f" The others in your group say: {', '.join(others)}." if others else ""
                item = self.items[f"judge-{dilemma + 1}-{k + 1}"]
                trials.append(self.ask(number, item, round, f"{_DILEMMAS[dilemma]}{told}", {}, seat=k))
            answers = yield trials
            said = [taken(answers[trial]) for trial in trials]


def design(setting: Setting) -> Polarisation:
    """Groups, each with one dilemma."""
    blocks = amount(setting, 12, 3)
    said = noted(BATTERY, setting)
    return Polarisation(seed=setting.seed, blocks=blocks, title=BATTERY.title, noted=said, members=setting.members)


BATTERY = Battery(
    name="polarisation",
    title="Judgements of a group",
    about="four copies judge risks alone and then after the others: do they go further, do they come together",
    discipline="sociology",
    source="Moscovici & Zavalloni (1969), Journal of Personality and Social Psychology 12, 125-135, "
    "https://doi.org/10.1037/h0027568; review by Isenberg (1986), 50, 1141-1151, "
    "https://doi.org/10.1037/0022-3514.50.6.1141",
    licence="Own wording, CC0",
    page="Four copies say from 1 to 7 whether somebody should take a risk, alone and then three times after hearing "
    "what the others last said. People who discuss move further to the side to which they leant alone. The lean and "
    "the move are computed from probabilities, because a lean that is drawn falls back of itself. Copies differ "
    "alone only by chance: a model whose answers hardly vary has no group to move, and its spread says so. The scale "
    "always runs from not to yes, so a liking for one end passes for a lean; what moves is not touched by that. "
    "Engines may be named by roles in [engine]; they sit in every group, and each is told of by itself.",
    design=design,
    analyses=("groups",),
    is_generated=True,
)

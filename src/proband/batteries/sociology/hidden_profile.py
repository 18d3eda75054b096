"""Hidden profiles: whether a group of copies finds what none of them can know alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from proband.batteries.asked import noted
from proband.batteries.battery import Battery, Setting
from proband.batteries.material import amount
from proband.batteries.task import Task, taken
from proband.designs.process import Steps
from proband.files import beside
from proband.instruments.items import Item
from proband.records import Trial

_STORIES = beside(__file__)
MEMBERS = 3
N_COMMON = 4  # of the options of whoever tells something; the others are known to nobody else


def is_full(number: int) -> bool:
    """Whether everybody in a group knows everything: every second one, to see whether the puzzle is understood."""
    return number % 2 == 1


def _listed(facts: Sequence[str]) -> str:
    return "; ".join(facts) + "."


@dataclass(frozen=True, kw_only=True)
class HiddenProfile(Task):
    """Groups of three: all choose alone, tell one fact each in some rounds, and choose again."""

    seats: ClassVar[int] = MEMBERS

    rounds: int = 2

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The choice, and what each member can tell, by story."""
        found = {}
        for story, told in _STORIES.items():
            for member in range(MEMBERS):
                known = (*told["common"], *told["own"][member])
                for id_, text, options in (
                    (f"choose-{story}-{member + 1}", told["ask"], (told["first"], told["second"])),
                    (f"tell-{story}-{member + 1}", "Which of these do you tell the others now?", known),
                ):
                    found[id_] = Item(id=id_, text=text, form="choice", options=options, pinned=())
        return found

    def size(self) -> int:
        """Two choices of every member, and what they tell; where all know all, one choice."""
        n_full = self.blocks // 2
        return MEMBERS * (n_full + (self.blocks - n_full) * (2 + self.rounds))

    def first_seat(self, number: int) -> int:
        """Every second pair, because the order of options turns with every pair."""
        return number // 4

    def block(self, number: int) -> Steps:
        """One group."""
        story = list(_STORIES)[number // 2 % len(_STORIES)]
        facts = _STORIES[story]
        everything = [*facts["common"], *(fact for own in facts["own"] for fact in own)]
        known = [everything if is_full(number) else [*facts["common"], *own] for own in facts["own"]]

        def trials(round: int, kind: str, said: Sequence[str]) -> list[Trial]:
            """One of a kind for every member."""
            # Whether all know everything must not say which option stands first, so the turn is that of the pair.
            lead, heard = "You are one of three who decide together.", list(dict.fromkeys(said))
            told = f" So far was said: {_listed(heard)}" if heard else ""
            found = []
            for k in range(MEMBERS):
                knows = f" You know: {_listed(known[k])}" if kind == "choose" else f" The question: {facts['ask']}"
                item = self.items[f"{kind}-{story}-{k + 1}"]
                found.append(self.ask(number, item, round, f"{lead}{knows}{told}", {}, turn=number // 2 + k, seat=k))
            return found

        yield trials(1, "choose", ())
        if is_full(number):
            return
        said: list[str] = []
        for round in range(1, self.rounds + 1):
            asked = trials(round, "tell", said)
            answers = yield asked
            said += [self.items[trial.place.item].options[taken(answers[trial])] for trial in asked]
        yield trials(2, "choose", said)


def design(setting: Setting) -> HiddenProfile:
    """Groups, half of them with everything known to all."""
    blocks = 2 * amount(setting, 12, 3)
    said = noted(BATTERY, setting)
    return HiddenProfile(seed=setting.seed, blocks=blocks, title=BATTERY.title, noted=said, members=setting.members)


BATTERY = Battery(
    name="hidden-profile",
    title="What a group knows and none of its members",
    about="three copies who each know a part: what they tell each other, and whether they find the better option",
    discipline="sociology",
    source="Stasser & Titus (1985), Journal of Personality and Social Psychology 48, 1467-1478, "
    "https://doi.org/10.1037/0022-3514.48.6.1467",
    licence="Own wording, CC0",
    page="Three copies choose between two options. Four merits of one are known to all, six of the other to one "
    "member each; they tell each other one fact a round and choose again. In every second group all know everything: "
    "unless the better option is chosen there, nothing can be said. A third of what a member could tell is its own; "
    "people tell common facts much more often, and their groups were eight times less likely to find a hidden "
    "solution than groups with all information (Lu, Yuan & McLeod 2012, Personality and Social Psychology Review 16, "
    "54-75, https://doi.org/10.1177/1088868311417243). Engines may be named by roles in [engine]; they sit in every "
    "group, and each is told of by itself.",
    design=design,
    analyses=("groups",),
    is_generated=True,
)

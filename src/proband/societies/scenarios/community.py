"""A prototype of an online community, before there is one: its purpose, rules and members, and what comes of them.

After social simulacra (Park et al. 2022, doi:10.1145/3526113.3545616). Arms change a rule, say a message, or moderate;
what is left of a rule is seen by the share of messages that somebody outside finds to break it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from proband.designs.kind import Shared
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.societies.agents.profile import Profiles
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.thread import Thread, ThreadKeys
from proband.societies.world import Ask, Heard

BREAKS = Item(
    id="breaks", text="Does this message break a rule of the community?", form="choice", options=("yes", "no")
)
NAMES = ("Ada", "Bruno", "Clara", "David", "Emil", "Fanny", "Georg", "Hedda", "Ivo", "Jana", "Karl", "Lena")
SEEDS = (
    "You are new here and have questions.",
    "You have much experience and like to help.",
    "You say bluntly what you think of others.",
    "You want to sell what you make yourself.",
)


class Keys(ThreadKeys):
    """Of the community."""

    agents: int | None = Field(
        default=None, ge=2, description="how many members; by default those of the [population], or 8"
    )
    purpose: str = Field(
        default="people who grow vegetables on balconies share what they learn",
        description="what the community is there for",
    )
    rules: list[str] = Field(
        default=["Be kind.", "No advertising."], description="its rules, as members and moderators read them"
    )
    members: list[str] = Field(
        default=list(SEEDS), description="who members are, one after the other, without a [population]; begun again"
    )
    message: str = Field(default="", description="what the team of the community says to everybody who looks in")
    moderation: Literal["none", "marks", "removes"] = Field(
        default="none",
        description="whether somebody outside judges every new message by the rules, and removes what breaks them",
    )


class Community(Thread):
    """Members who post and reply, and a moderator."""

    outside = True
    later = ("judge",)

    def __init__(self, keys: Keys, people: Profiles | None, n: int) -> None:
        super().__init__(keys)
        self.profiles, self.n = people, n

    @property
    def items(self) -> Sequence[Item]:
        """What members and the moderator are asked."""
        return (*super().items, BREAKS)

    def begin(self, society: int) -> State:
        """Members have come; nobody has written."""
        names = [NAMES[k % len(NAMES)] + (f" {k // len(NAMES) + 1}" if k >= len(NAMES) else "") for k in range(self.n)]
        return self.opened(society, name=np.array(names))

    @property
    def _place(self) -> str:
        rules = f"Its rules: {' '.join(self.keys.rules)}" if self.keys.rules else "It has no rules."
        return f"an online community in which {self.keys.purpose}. {rules}"

    def who(self, state: State, k: int) -> str:
        """A member, as it is told of itself."""
        number = int(state.numbers[k])
        person = (
            self.profiles.text(number)
            if self.profiles is not None
            else self.keys.members[number % len(self.keys.members)]
        )
        return f"Your name is {state.name(k)}. {person}\n\nYou are a member of {self._place}"

    def told(self, state: State, read: Sequence[int]) -> str:
        """What the team says stands above the messages."""
        said = super().told(state, read)
        return f"From the team: {self.keys.message}\n\n{said}" if self.keys.message else said

    def _new(self, state: State) -> list[int]:
        return [event for event in state.values["messages"] if state.events[event]["round"] == state.round]

    def asked_later(self, state: State, turn: str) -> Sequence[Ask]:
        """Every new message is judged."""
        if self.keys.moderation == "none":
            return ()
        system = f"You are the moderator of {self._place}"
        return [
            Ask(
                item=BREAKS, system=system, told=f"A message:\n{self.line(state, event)}",
                facts=(("text", str(state.events[event]["text"])),),
            )
            for event in self._new(state)
        ]  # fmt: skip

    def heard_later(self, state: State, turn: str, heard: Sequence[Heard]) -> None:
        """What breaks a rule is marked, or nobody reads it from now on."""
        for event, one in zip(self._new(state) if heard else (), heard, strict=True):
            if one.is_valid:
                is_bad = one.response.answer == 0
                kind = "breach" if is_bad else "kept"
                state.happened(kind, target=int(state.events[event]["agent"]), value=event)
                if is_bad and self.keys.moderation == "removes":
                    state.values["removed"].append(event)

    def measures(self, state: State) -> Mapping[str, float]:
        """Replies, concentration; of what was judged, what broke a rule; of everything, what was removed."""
        kinds = state.events.column("kind")
        judged = kinds.count("breach") + kinds.count("kept")
        found = dict(super().measures(state))
        if judged:
            found["breaches"] = kinds.count("breach") / judged
            found["removed"] = len(state.values["removed"]) / len(state.values["messages"])
        return found


def _make(shared: Shared, keys: Keys) -> Community:
    people = None if shared is None else shared.population
    if people is None and not keys.members:
        raise DesignError("members is empty; say who members are, or take a [population]")
    n = keys.agents or (8 if people is None else len(people))
    if people is not None and n > len(people):
        raise DesignError(f"agents is {n}, and the population has {len(people)}; take fewer, or a larger sample")
    return Community(keys, None if people is None else Profiles(people), n)


SCENARIO = Scenario(
    name="community",
    about="a prototype of an online community: members post and reply under rules, with or without moderation",
    keys=Keys,
    make=_make,
    check="scripted at random, n members write n (1/2 + 2 (rounds - 1) / 3) messages, n (rounds - 1) / 3 of them "
    "replies, and somebody who judges at random finds half of them to break a rule",
    takes_people=True,
)

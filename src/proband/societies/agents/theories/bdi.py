"""Belief, desire, intention: a desire is taken up and kept until it is done or impossible (Rao & Georgeff 1995, ICMAS).

Beliefs are what the agent remembers, which every question shows.
"""

from pydantic import Field

from proband.errors import DesignError
from proband.files import Table
from proband.instruments.items import Item
from proband.societies.agents.theory import ACTION, Course, Mind, Said, Scene, Stage, Theory, chosen, possible

STANDING = ("It is done", "It can still be done", "It cannot be done any more")
INTENTION = Item(id="intention", text="How does it stand with that?", form="choice", options=STANDING)
DESIRES = Item(id="desires", text="What do you want most now?", form="choice", options=("This", "That"))


class Keys(Table):
    """Of belief, desire and intention."""

    desires: list[str] = Field(default=[], description="what agents may want, in words; at least one")


def _make(keys: Keys) -> Course:
    if not keys.desires:
        raise DesignError("bdi: there is nothing to want; name it, e.g. desires = ['to find work', 'to be liked']")

    def left(scene: Scene, mind: Mind) -> tuple[str, ...]:
        return tuple(desire for desire in keys.desires if desire not in mind["settled"])

    def start(scene: Scene, mind: Mind) -> None:
        mind.setdefault("settled", {})
        mind.setdefault("intention", "")

    def standing(scene: Scene, mind: Mind, said: Said) -> None:
        if (answer := said.text) != STANDING[1]:
            mind["settled"][mind["intention"]] = answer
            mind["intention"] = ""

    def taken_up(scene: Scene, mind: Mind, said: Said) -> None:
        mind["intention"] = said.text
        # The whole order, from the probabilities, for whoever studies it; the agent needs only the first.
        if probs := said.probs:
            options = said.options
            mind["ranked"] = [options[k] for k in sorted(range(len(options)), key=lambda k: (-probs[k], k))]

    def intends(scene: Scene, mind: Mind) -> str:
        return f"You intend this: {mind['intention']}." if mind["intention"] else ""

    return Course(
        stages=(
            Stage(item=INTENTION, hear=standing, told=intends, when=lambda scene, mind: bool(mind["intention"])),
            Stage(
                item=DESIRES, hear=taken_up, options=left,
                when=lambda scene, mind: not mind["intention"] and bool(left(scene, mind)),
            ),
            Stage(
                item=ACTION, hear=chosen, told=intends, options=possible,
                facts=lambda scene, mind: {"intention": mind["intention"]},
            ),
        ),
        start=start,
    )  # fmt: skip


THEORY = Theory(
    name="bdi",
    about="beliefs, desires, and an intention that is kept until done or impossible (Rao & Georgeff 1995)",
    keys=Keys,
    make=_make,
)

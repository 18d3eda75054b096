"""Dual process: habit, unless much is at stake or the situation is new.

Evans & Stanovich (2013), Perspectives on Psychological Science 8, 223-241. doi:10.1177/1745691612460685

A habit is a cell: everybody of one archetype in the same familiar situation draws from one answer. The world gives the
situation as ``familiar``, and what is at stake as the feature ``stakes``.
"""

from pydantic import Field

from proband.files import Table
from proband.instruments.items import Item
from proband.societies.agents.theory import ACTION, Course, Mind, Said, Scene, Stage, Theory, chosen, possible

HABIT = Item(id="habit", text="What do you do, without thinking about it?", form="choice", options=("This", "That"))
REASON = Item(id="reason", text="What speaks for and against each of them? Be brief.", form="text")


class Keys(Table):
    """Of two processes."""

    stakes: float = Field(default=0.5, description="above which the agent reasons; the world's feature `stakes`")
    novelty: float = Field(
        default=0.4, description="above which it reasons; 1 in a situation that it never met, 1 / (1 + n) after n times"
    )


def _make(keys: Keys) -> Course:
    def met(scene: Scene, mind: Mind) -> int:
        return int(mind.get("met", {}).get(repr(scene.familiar), 0))

    def reasons(scene: Scene, mind: Mind) -> bool:
        return scene.features.get("stakes", 0.0) > keys.stakes or 1 / (1 + met(scene, mind)) > keys.novelty

    def habit(scene: Scene, mind: Mind, said: Said) -> None:
        mind["action"] = said.drawn(scene.uniform("habit"))

    def reason(scene: Scene, mind: Mind, said: Said) -> None:
        mind["reason"] = said.text

    def end(scene: Scene, mind: Mind) -> None:
        mind.setdefault("met", {})[repr(scene.familiar)] = met(scene, mind) + 1
        mind.pop("reason", None)

    def offered(scene: Scene, mind: Mind) -> str:
        return "You could do this:\n" + "\n".join(f"- {option}" for option in scene.options)

    return Course(
        stages=(
            Stage(
                item=HABIT, hear=habit, options=possible, cell=True, when=lambda scene, mind: not reasons(scene, mind)
            ),
            Stage(item=REASON, hear=reason, told=offered),
            Stage(item=ACTION, hear=chosen, options=possible, told=lambda scene, mind: f"You think: {mind['reason']}"),
        ),
        end=end,
    )  # fmt: skip


THEORY = Theory(
    name="dual-process",
    about="habit, unless stakes or novelty are high: then reasons are written first (Evans & Stanovich 2013)",
    keys=Keys,
    make=_make,
)

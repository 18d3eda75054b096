"""Theory of mind: predict what the others do, then act, as with social chain of thought in Akata et al.

Akata et al. (2025), Nature Human Behaviour 9, 1380-1390. doi:10.1038/s41562-025-02172-y
"""

from pydantic import Field

from proband.files import Table
from proband.instruments.items import Item
from proband.societies.agents.theory import ACTION, Course, Mind, Said, Scene, Stage, Theory, chosen, possible

PREDICTION = Item(id="prediction", text="What will they do?", form="choice", options=("This", "That"))


class Keys(Table):
    """Of theory of mind."""

    others: int = Field(default=1, ge=1, description="how many of those who are there are thought of, in their order")


def _make(keys: Keys) -> Course:
    def start(scene: Scene, mind: Mind) -> None:
        mind["predicted"] = []

    def waits(scene: Scene, mind: Mind) -> bool:
        return len(mind["predicted"]) < min(keys.others, len(scene.others))

    def hear(scene: Scene, mind: Mind, said: Said) -> str | None:
        mind["predicted"].append([scene.others[len(mind["predicted"])], said.text])
        return PREDICTION.id if waits(scene, mind) else None

    def whom(scene: Scene, mind: Mind) -> str:
        return f"Think of {scene.others[len(mind['predicted'])]}, who can choose among the same."

    def told(scene: Scene, mind: Mind) -> str:
        return "\n".join(f"You expect of {other}: {action}" for other, action in mind["predicted"])

    def facts(scene: Scene, mind: Mind) -> dict[str, object]:
        return {"predicted": mind["predicted"][0][1]} if mind["predicted"] else {}

    return Course(
        stages=(
            Stage(item=PREDICTION, hear=hear, when=waits, told=whom, options=possible),
            Stage(item=ACTION, hear=chosen, told=told, options=possible, facts=facts),
        ),
        start=start,
    )


THEORY = Theory(
    name="theory-of-mind",
    about="what others do is predicted before the agent acts (Akata et al. 2025)",
    keys=Keys,
    make=_make,
)

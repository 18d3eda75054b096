"""Daily plan: a day is planned in writing when it begins, and what is done is chosen with the plan in view.

As in Park et al. (2023, doi:10.1145/3586183.3606763), the plan is also remembered.
"""

from pydantic import Field

from proband.files import Table
from proband.instruments.items import Item
from proband.societies.agents.memory import remember
from proband.societies.agents.theory import ACTION, Course, Mind, Said, Scene, Stage, Theory, chosen, possible

PLAN = Item(id="plan", text="What do you plan for today? Write five lines at most, each with a time.", form="text")


class Keys(Table):
    """Of a daily plan."""

    rounds_in_a_day: int = Field(default=16, ge=1, description="after so many rounds, a new day is planned")
    importance: float = Field(default=5.0, ge=1, le=10, description="of a plan, as a memory")


def _make(keys: Keys) -> Course:
    def day(scene: Scene) -> int:
        return (scene.state.round - 1) // keys.rounds_in_a_day + 1

    def planned(scene: Scene, mind: Mind, said: Said) -> None:
        mind["plan"], mind["day"] = said.text, day(scene)
        event = scene.state.happened("plan", scene.number, text=mind["plan"])
        text = f"My plan for day {day(scene)}: {mind['plan']}"
        remember(scene.state, scene.number, text, event=event, importance=keys.importance, kind="plan")

    def told(scene: Scene, mind: Mind) -> str:
        return f"Your plan for today:\n{mind['plan']}" if mind.get("day") == day(scene) else ""

    return Course(
        stages=(
            Stage(
                item=PLAN, hear=planned, when=lambda scene, mind: mind.get("day") != day(scene), part="plan",
                told=lambda scene, mind: f"Day {day(scene)} begins.",
            ),
            Stage(
                item=ACTION, hear=chosen, told=told, options=possible,
                facts=lambda scene, mind: {"plan": mind.get("plan", "")},
            ),
        )
    )  # fmt: skip


THEORY = Theory(
    name="daily-plan",
    about="a day is planned in writing, and the plan stands before every choice (Park et al. 2023)",
    keys=Keys,
    make=_make,
)

"""Needs: stocks that run down, and press once they are low (Maslow 1943, doi:10.1037/h0054346; urgency as in The Sims).

While a need presses, only what meets it is offered, if anything that can be done does.
"""

from pydantic import Field

from proband.errors import DesignError
from proband.files import Table
from proband.societies.agents.theory import ACTION, Course, Mind, Scene, Stage, Theory, chosen


class NeedTable(Table):
    """One need."""

    name: str = Field(examples=['name = "food"'], description="how it is called")
    decay: float = Field(default=0.1, ge=0, le=1, description="by which it runs down in a round; it goes from 0 to 1")
    threshold: float = Field(default=0.3, ge=0, le=1, description="below which it presses; earlier needs go first")
    start: float = Field(default=1.0, ge=0, le=1, description="where it begins")
    met_by: dict[str, float] = Field(default={}, description="what an action, by its words, adds to it")


class Keys(Table):
    """Of needs."""

    needs: list[NeedTable] = Field(default=[], description="`[[...needs]]`: the most basic first")


def _make(keys: Keys) -> Course:
    needs = keys.needs
    if not needs:
        raise DesignError("needs: there are none; name one, e.g. needs = [{name = 'food', met_by = {'Eat' = 0.6}}]")

    def start(scene: Scene, mind: Mind) -> None:
        before = mind.get("needs", {})
        mind["needs"] = {
            need.name: round(max(0.0, before[need.name] - need.decay), 6) if before else need.start for need in needs
        }

    def pressing(scene: Scene, mind: Mind) -> NeedTable | None:
        """The first need that is low and can be met."""
        low = (need for need in needs if mind["needs"][need.name] < need.threshold)
        return next((need for need in low if any(option in need.met_by for option in scene.options)), None)

    def offered(scene: Scene, mind: Mind) -> tuple[str, ...]:
        need = pressing(scene, mind)
        return tuple(option for option in scene.options if need is None or option in need.met_by)

    def told(scene: Scene, mind: Mind) -> str:
        lines = [f"- {name}: {stock:.0%}" for name, stock in mind["needs"].items()]
        need = pressing(scene, mind)
        return "\n".join(["How far your needs are met:", *lines, *([f"Now you need {need.name}."] if need else [])])

    def end(scene: Scene, mind: Mind) -> None:
        for need in needs:
            mind["needs"][need.name] = round(min(1.0, mind["needs"][need.name] + need.met_by.get(mind["action"], 0)), 6)

    act = Stage(item=ACTION, hear=chosen, told=told, options=offered, facts=lambda scene, mind: mind["needs"])
    return Course(stages=(act,), start=start, end=end)


THEORY = Theory(
    name="needs",
    about="stocks that run down; below a threshold only what meets the need is offered (Maslow 1943)",
    keys=Keys,
    make=_make,
)

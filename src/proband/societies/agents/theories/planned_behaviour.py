"""Planned behaviour: attitude, norm and control make an intention (Ajzen 1991, doi:10.1016/0749-5978(91)90020-T).

The last of the options is the behaviour that is planned; the first is not doing it.
"""

from pydantic import Field

from proband.errors import DesignError
from proband.files import Table
from proband.instruments.items import Item
from proband.societies.agents.theory import ACTION, RATING, Course, Mind, Said, Scene, Stage, Theory, chosen, possible

_ASKED = {
    "attitude": "How good would it be for you to do that? 1 is very bad, 7 is very good.",
    "norm": "Do people who matter to you want you to do that? 1 is not at all, 7 is very much.",
    "control": "How far is it up to you whether you do that? 1 is not at all, 7 is entirely.",
}


class Keys(Table):
    """Of planned behaviour."""

    weights: list[float] = Field(
        default=[], description="intercept and weights of attitude, norm and control in the logit of the intention; "
        "without them the intention is asked",
    )  # fmt: skip


def _make(keys: Keys) -> Course:
    if len(keys.weights) not in (0, 4):
        raise DesignError(
            f"planned-behaviour: {len(keys.weights)} weights; give four, an intercept and the weights of attitude, "
            "norm and control, or none"
        )

    def start(scene: Scene, mind: Mind) -> None:
        mind["ratings"] = {}

    def weighed(scene: Scene, mind: Mind) -> None:
        if keys.weights:
            import math

            logit = keys.weights[0] + sum(
                weight * mind["ratings"][name] for weight, name in zip(keys.weights[1:], _ASKED, strict=True)
            )
            does = scene.uniform("intention") < 1 / (1 + math.exp(-logit))
            mind["action"] = scene.options[-1] if does else scene.options[0]

    def rating(name: str, text: str) -> Stage:
        def hear(scene: Scene, mind: Mind, said: Said) -> None:
            mind["ratings"][name] = said.points
            if len(mind["ratings"]) == len(_ASKED):
                weighed(scene, mind)

        item = Item(id=name, text=text, form="scale", options=RATING)
        return Stage(item=item, hear=hear, told=lambda scene, mind: f"Think of this: {scene.options[-1]}")

    def told(scene: Scene, mind: Mind) -> str:
        lines = (f"- {name}: {points:g}" for name, points in mind["ratings"].items())
        return "\n".join([f"Of this, {scene.options[-1]!r}, you said on scales of 1 to 7:", *lines])

    intention = Stage(item=ACTION, hear=chosen, options=possible, told=told, facts=lambda scene, mind: mind["ratings"])
    return Course(stages=(*(rating(name, text) for name, text in _ASKED.items()), intention), start=start)


THEORY = Theory(
    name="planned-behaviour",
    about="attitude, norm and control are rated and make an intention (Ajzen 1991)",
    keys=Keys,
    make=_make,
)

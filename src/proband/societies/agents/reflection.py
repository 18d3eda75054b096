"""Reflection: once enough that matters has happened, agents ask themselves questions and draw conclusions.

As in Park et al. (2023, doi:10.1145/3586183.3606763): when the importance of what was remembered since the last time
sums to more than a threshold (150 there), three questions are written from the latest hundred memories; for each, the
memories that answer it are recalled and conclusions written, each with the statements that it stands on.
"""

import re

from proband.instruments.items import Item
from proband.societies.agents.importance import perceive
from proband.societies.agents.knowledge import INSIGHT, concluded
from proband.societies.agents.memory import Recalling, importance_since, recall, recent
from proband.societies.agents.theory import Mind, Said, Scene, Stage

LATEST, STATEMENTS, QUESTIONS = 100, 15, 3
_NUMBERED = re.compile(r"^\s*(?:\d+[.):]|[-*•])\s*")
_BECAUSE = re.compile(r"\s*\(?because of ([^)]*)\)?\.?\s*$", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")

ASKED = Item(
    id="questions",
    text=f"Which {QUESTIONS} general questions about the people in these statements do they best answer? Write one a "
    "line, and nothing else.",
    form="text",
)
CONCLUDED = Item(
    id="insights",
    text="What do you conclude from these statements? Write up to five sentences, one a line, each with the statements "
    "that it stands on, in this form: The sentence (because of 1, 5, 3)",
    form="text",
)


def reflection(threshold: float, how: Recalling, importance: float | None) -> tuple[Stage, ...]:
    """The stages of reflection.

    Parameters
    ----------
    threshold : float
        Of the sum of importance since the last time.
    how : Recalling
        By which memories are recalled for a question.
    importance : float or None
        Of conclusions; None to have it asked, as of anything else.
    """

    def is_due(scene: Scene, mind: Mind) -> bool:
        return importance_since(scene.state, scene.number, mind.get("reflected", -1)) > threshold

    def latest(scene: Scene, mind: Mind) -> str:
        return "\n".join(dict.fromkeys(found.text for found in recent(scene.state, scene.number, LATEST)))

    def asks(scene: Scene, mind: Mind, said: Said) -> None:
        mind["reflected"] = len(scene.state.memories) - 1
        mind["questions"] = lines_of(said.text)[:QUESTIONS]

    def numbers(scene: Scene, mind: Mind) -> list[int]:
        found = recall(scene.state, scene.number, mind["questions"][0], STATEMENTS, how=how)
        return sorted(memory.number for memory in found)

    def statements(scene: Scene, mind: Mind) -> str:
        rows = (str(scene.state.memories[number]["text"]) for number in numbers(scene, mind))
        return "\n".join([mind["questions"][0], *(f"{k}. {text}" for k, text in enumerate(rows, start=1))])

    def concludes(scene: Scene, mind: Mind, said: Said) -> str | None:
        stands = numbers(scene, mind)
        for text, because in insights_of(said.text):
            event = concluded(scene.state, scene.number, text, [stands[k - 1] for k in because if k <= len(stands)])
            perceive(scene.state, scene.number, text, event=event, kind=INSIGHT, importance=importance)
        del mind["questions"][0]
        return CONCLUDED.id if mind["questions"] else None

    return (
        Stage(item=ASKED, hear=asks, when=is_due, told=latest, alone=True, part="reflection"),
        Stage(
            item=CONCLUDED, hear=concludes, when=lambda scene, mind: bool(mind.get("questions")), told=statements,
            alone=True, part="reflection",
        ),
    )  # fmt: skip


def lines_of(text: str) -> list[str]:
    """Lines that say something, without their numbers."""
    return [line for line in (_NUMBERED.sub("", line).strip() for line in text.splitlines()) if line]


def insights_of(text: str) -> list[tuple[str, list[int]]]:
    r"""Conclusions and the numbers of the statements that each says it stands on; those that name none stand on none.

    Examples
    --------
    >>> insights_of("1. Ann likes bread (because of 1, 3)\n- It is late")
    [('Ann likes bread', [1, 3]), ('It is late', [])]
    """
    found = []
    for line in lines_of(text):
        because = _BECAUSE.search(line)
        said = line[: because.start()].strip() if because else line
        if said:
            found.append((said, [int(k) for k in _DIGITS.findall(because[1]) if int(k) > 0] if because else []))
    return found

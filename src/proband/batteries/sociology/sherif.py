"""How copies of a model come to a norm when they judge together."""

from collections.abc import Mapping
from typing import Any

from proband.batteries.battery import Battery, Setting
from proband.batteries.of_kinds import of_kind


def _tables(setting: Setting) -> Mapping[str, Any]:
    n, rounds = (2, 6) if setting.is_quick else (5, 10)
    keys = {"use": "sherif", "decided_by": "model", "societies": n, "agents": 3, "rounds": rounds, "alone": 3}
    return {**keys, "engines": list(setting.members)} if setting.members else keys


BATTERY = Battery(
    name="sherif",
    title="Norms of a group",
    about="three copies judge how far a light has moved, first alone, then after the others",
    discipline="sociology",
    source="Sherif (1935), A study of some social factors in perception, Archives of Psychology 27 (187)",
    licence="Own wording, CC0",
    page="Three copies of a model judge how far a point of light has moved in the dark, three times alone and then "
    "after hearing the others. The spread within a group over rounds is the finding: people who had no common "
    "measure came to one, and kept it. Copies of one model may agree before they hear each other; then there is "
    "nothing to converge, and the page of the run says so by the spread of the first rounds. A model that repeats "
    "what it read last converges too: look at whether the mean moves. Engines may be named by roles in [engine]; "
    "they sit in every group, and the mean of each is a trajectory.",
    design=of_kind("sherif", "society", _tables),
    analyses=("replay", "trajectories"),
    needs="writing",
)

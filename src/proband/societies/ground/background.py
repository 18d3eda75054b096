"""The background of a society: era, economy, politics, culture, norms, institutions; told to all, and the regime."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from proband.societies.written.expressions import Formula
from proband.societies.written.tables import BackgroundTable

_PARTS = {
    "era": "The time: {}",
    "economy": "The economy: {}",
    "politics": "Politics: {}",
    "culture": "What people hold dear: {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """A norm, who has broken it, and what the sanction changes."""

    text: str
    broken: Formula | None
    set: str
    to: Formula | None
    sanction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """A body that decides by the votes which a variable of agents holds."""

    name: str
    vote: str
    option: int
    rule: Literal["majority", "two-thirds", "unanimity", "plurality"]
    members: Formula | None
    policy: str
    set: str
    to: Formula | None
    at: tuple[int, ...]


def told(table: BackgroundTable, policies: Mapping[str, str]) -> str:
    """What everybody knows of the time: its parts, norms, and the policies in force."""
    lines = [text.format(getattr(table, part)) for part, text in _PARTS.items() if getattr(table, part)]
    if table.norm:
        lines.append("What one does here: " + " ".join(norm.text for norm in table.norm))
    if policies:
        lines.append("In force now: " + " ".join(policies.values()))
    return "\n".join(lines)


def regime(background: str) -> str:
    """A short name of the words under which answers are given: other words, another name."""
    return hashlib.blake2b(background.encode(), digest_size=4).hexdigest() if background else "none"


def decides(institution: Institution, votes: Sequence[float] | NDArray[np.float64]) -> bool:
    """Whether the votes of its members are enough for the option; those who have none are not counted."""
    cast = np.asarray(votes, float)
    cast = cast[~np.isnan(cast)].astype(int)
    if not cast.size:
        return False
    share = float((cast == institution.option).mean())
    match institution.rule:
        case "majority":
            return share > 0.5
        case "two-thirds":
            return share >= 2 / 3
        case "unanimity":
            return share == 1
    counts = np.bincount(cast, minlength=institution.option + 1)
    return int((counts == counts.max()).sum()) == 1 and int(counts.argmax()) == institution.option

"""A model gives themes their names, on the common loop; what it wrote is kept as its own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from proband.designs.design import Design
from proband.instruments.items import Item
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.runs.run import Run
from proband.seeds import seed_for
from proband.subjects.corpora import escape_control_tokens

_ASKED = """\
These passages were put together because they are alike:

{passages}

What do they have in common? Reply with a name of two to five words for it, and nothing else."""
_LONGEST = 60


@dataclass(frozen=True, kw_only=True)
class Naming(Design):
    """Groups of passages, each put to an engine once.

    Attributes
    ----------
    passages : mapping of int to sequence of str
        By group, those that are most typical of it.
    seed : int
        Root of all randomness.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = "theme"
    is_about_people: ClassVar[bool] = False

    passages: Mapping[int, Sequence[str]]
    seed: int
    title: str = "Names of themes"
    items: Mapping[str, Item] = field(default_factory=lambda: {"name": Item(id="name", text="-", form="text")})

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """One a group."""
        found = []
        for group, texts in self.passages.items():
            place = Place(subject=f"group-{group}", item="name")
            shown = "\n".join(f"- {escape_control_tokens(text)}" for text in texts)
            request = Request(
                messages=(Message("user", _ASKED.format(passages=shown)),),
                max_tokens=24,
                seed=seed_for(self.seed, "write", place.id),
            )
            found.append(Trial(place=place, request=request, reply=Reply(form="text", method="written")))
        return found


def names_in(run: Run) -> dict[int, str]:
    """What groups were named, those that were; a name is one line without quotation marks, and not long."""
    found = {}
    for response in run.responses().values():
        name = _cleaned(str(response.answer or ""))
        if response.status == "valid" and name:
            found[int(response.place.subject.removeprefix("group-"))] = name
    return found


def _cleaned(text: str) -> str:
    """A written name as a label.

    >>> _cleaned('Name: "Late trains; again."')
    'Late trains, again'
    """
    line = next((line for line in text.splitlines() if line.strip()), "")
    line = re.sub(r"^\W*(?:the )?(?:name|theme|label|answer)\s*(?:is)?\s*[:\-]\s*", "", line, flags=re.IGNORECASE)
    # A semicolon stands between codes in tables of codes.
    return " ".join(line.replace(";", ",").split()).strip(" .,:*#\"'\u201c\u201d\u2018\u2019`-")[:_LONGEST].strip()

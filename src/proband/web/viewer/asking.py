"""What an address asks for: which run, which of its responses, and the form in which one can ask for others.

The conditions of `proband export --where` stand in the address as they are (``?where=item=vote``). A form has a field
for each thing that is asked for often; what it sends is written as conditions, and the browser sent on to that address.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from proband.records import STATUSES
from proband.store.filters import SENT, TOKENS, TOOK, Condition, code, read_conditions
from proband.store.tables import factor_column
from proband.web.pages import address, words
from proband.web.viewer.folder import Folder
from proband.web.viewer.held import Held

FIELD = "field:"  # before the name of a field of the form, which is a column and a relation
MOST_FACTORS = 8  # that the form has a field for
_MOST_CHOICES = 200


def folder_of(request: Request) -> Folder:
    """The folder that is looked at."""
    folder: Folder = request.app.state.folder
    return folder


def held_run(request: Request, name: str | None = None) -> Held:
    """The run that the address names; the answer is 404 where there is none."""
    asked = request.path_params["run"] if name is None else name
    try:
        return folder_of(request).open(asked)
    except LookupError:
        raise HTTPException(404, f"There is no run {asked!r} in this folder.") from None


def conditions_of(request: Request, held: Held) -> tuple[Condition, ...]:
    """Which responses are asked for."""
    return read_conditions(request.query_params.getlist("where"), held.columns)


def rewritten(request: Request) -> str | None:
    """The address with what a form sent written as conditions; None where no form sent anything."""
    pairs = request.query_params.multi_items()
    if not any(name.startswith(FIELD) for name, _ in pairs):
        return None
    kept = [value for name, value in pairs if name == "where"]
    kept += [
        name.removeprefix(FIELD) + value.strip() for name, value in pairs if name.startswith(FIELD) and value.strip()
    ]
    return address(request.url.path, where=list(dict.fromkeys(kept)) or None)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of the form: its name in the address, what is over it, what it holds, and what may be chosen."""

    name: str
    label: str
    value: str = ""
    choices: tuple[str, ...] = ()
    is_number: bool = False


def form_of(held: Held, conditions: Sequence[Condition]) -> dict[str, Any]:
    """The form's fields with what they hold, and the conditions that no field has."""
    asked = {(one.column, one.relation): one.value for one in conditions}
    item = held.items.get(asked.get(("item", "="), ""))
    roster, varied = held.roster, list(held.run.levels.items())
    fields = [
        _field("item", "Item", held.items),
        _field("subject", "Subject"),
        *(_field(factor_column(name), words(name).capitalize(), levels) for name, levels in varied[:MOST_FACTORS]),
        *(_field(name, name.title(), choices) for name, choices in (
            ("arm", {member.arm: 0 for member in roster if member.arm}),
            ("role", {member.role: 0 for member in roster if member.role}),
        ) if len(choices) > 1),
        _field("status", "What became of it", STATUSES),
        _field("label", "Answer", item.options if item is not None else ()),
        *([_field("engine", "Who answered", held.engines)] if len(held.engines) > 1 else []),
        _field("mass", "Mass from", relation=">="), _field("mass", "Mass to", relation="<="),
        _field(TOKENS, "Tokens from", relation=">="), _field(TOKENS, "Tokens to", relation="<="),
        _field(TOOK, "Seconds from", relation=">="), _field(TOOK, "Seconds to", relation="<="),
        _field(SENT, "Words sent", relation="~"), _field("text", "Words received", relation="~"),
    ]  # fmt: skip
    filled = []
    for one in fields:
        column = one.name.removeprefix(FIELD).rstrip("=<>~")
        relation = one.name.removeprefix(FIELD + column)
        value = asked.pop((column, relation), "")
        # What is chosen in the address can be chosen in the form, also where there are too many to list.
        choices = (*one.choices, value) if one.choices and value and value not in one.choices else one.choices
        filled.append(Field(name=one.name, label=one.label, value=value, choices=choices, is_number=one.is_number))
    others = [f"{column}{relation}{value}" for (column, relation), value in asked.items()]
    return {"fields": filled, "others": others}


def _field(column: str, label: str, choices: Sequence[str] | Mapping[str, Any] = (), *, relation: str = "=") -> Field:
    listed = tuple(choices)
    return Field(
        name=f"{FIELD}{column}{relation}",
        label=label,
        choices=listed if len(listed) <= _MOST_CHOICES else (),
        is_number=relation in ("<=", ">="),
    )


def elsewhere(held: Held, conditions: Sequence[Condition]) -> dict[str, str]:
    """The lines that give the same rows outside of the browser."""
    wheres = "".join(f" --where {shlex.quote(str(one))}" for one in conditions)
    path = str(held.path)
    lines = [
        "import polars as pl",
        "from proband import Run",
        "",
        f"run = Run({path!r})",
        code(conditions, held.columns),
    ]
    return {"export": f"proband export {shlex.quote(path)} --to responses.csv{wheres}", "polars": "\n".join(lines)}

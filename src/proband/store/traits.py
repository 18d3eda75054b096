"""Traits of the subjects of a run, kept beside its answers so that they can be looked at by subgroup."""

import json
from collections.abc import Mapping

Trait = int | float | str


def traits_text(traits: Mapping[str, Mapping[str, Trait]]) -> str:
    """JSON text: subjects, and for every column its levels and each subject's number among them, None without one."""
    levels: dict[str, dict[Trait, int]] = {}
    for found in traits.values():
        for column, value in found.items():
            known = levels.setdefault(column, {})
            known.setdefault(value, len(known))
    columns = {
        column: {
            "levels": list(known),
            "codes": [known[own[column]] if column in own else None for own in traits.values()],
        }
        for column, known in levels.items()
    }
    return json.dumps(
        {"subjects": list(traits), "columns": columns}, ensure_ascii=False, separators=(",", ":")
    )


def traits_from(text: str) -> dict[str, dict[str, Trait]]:
    """The traits that `traits_text` wrote, by subject."""
    noted = json.loads(text)
    found: dict[str, dict[str, Trait]] = {subject: {} for subject in noted["subjects"]}
    for column, part in noted["columns"].items():
        for own, code in zip(found.values(), part["codes"], strict=True):
            if code is not None:
                own[column] = part["levels"][code]
    return found

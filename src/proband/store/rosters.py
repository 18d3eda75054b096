"""The roster of a run, kept beside its answers, so that every interval knows its units."""

import json
from collections.abc import Iterable, Mapping

from proband.roster import Member, Roster, Trait

_COLUMNS = ("subject", "unit", "role", "arm", "weight")
_DRAWN = ("stratum", "psu", "fpc")  # noted where somebody was drawn so; rosters from before have no such columns


def roster_text(roster: Roster) -> str:
    """JSON text by column; of traits the levels once, and each subject's number among them, None without one."""
    traits = {}
    for column in dict.fromkeys(column for member in roster for column in member.traits):
        known: dict[Trait, int] = {}
        own = (member.traits for member in roster)
        codes = [known.setdefault(traits[column], len(known)) if column in traits else None for traits in own]
        traits[column] = {"levels": list(known), "codes": codes}
    noted = [name for name in _DRAWN if any(getattr(member, name) for member in roster)]
    columns = {name: [getattr(member, name) for member in roster] for name in (*_COLUMNS, *noted)}
    return json.dumps({**columns, "traits": traits}, ensure_ascii=False, separators=(",", ":"))


def roster_from(text: str) -> Roster:
    """The roster that `roster_text` wrote."""
    noted = json.loads(text)
    traits = _traits(noted["subject"], noted["traits"])
    names = [*_COLUMNS, *(name for name in _DRAWN if name in noted)]
    members = [dict(zip(names, row, strict=True)) for row in zip(*(noted[name] for name in names), strict=True)]
    return Roster([Member(**member, traits=traits[member["subject"]]) for member in members])


def roster_before(subjects: Iterable[str], weights: str | None, traits: str | None) -> Roster:
    """The roster of a run from before there were any: every subject a unit, with the weights and traits noted."""
    noted = json.loads(traits) if traits else {"subjects": [], "columns": {}}
    known, weight = _traits(noted["subjects"], noted["columns"]), json.loads(weights or "{}")
    return Roster(
        [
            Member(subject=subject, weight=weight.get(subject, 1.0), traits=known.get(subject, {}))
            for subject in dict.fromkeys([*known, *subjects])
        ]
    )


def _traits(subjects: list[str], columns: Mapping[str, Mapping[str, list[Trait]]]) -> dict[str, dict[str, Trait]]:
    found: dict[str, dict[str, Trait]] = {subject: {} for subject in subjects}
    for column, part in columns.items():
        for own, code in zip(found.values(), part["codes"], strict=True):
            if code is not None:
                own[column] = part["levels"][int(code)]
    return found

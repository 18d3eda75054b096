"""Pages with many rows: the runs of a folder, a run, its trials, its subjects."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from proband.records import STATUSES
from proband.roster import Member
from proband.runs.locking import deviations
from proband.store.tables import factor_column, write_table
from proband.web.pages import address, page
from proband.web.viewer.asking import conditions_of, elsewhere, folder_of, form_of, held_run, rewritten
from proband.web.viewer.held import SIZE, Held

TEMPLATES = Path(__file__).parent / "templates"
_SHOWN = 80  # characters of an answer in a list
_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def shown(request: Request, template: str, values: Mapping[str, Any], *, status: int = 200) -> Response:
    """A page of the viewer."""
    return page(request, template, values, folders=(TEMPLATES,), status=status, is_still=request.app.state.is_still)


def runs(request: Request) -> Response:
    """Runs and studies of the folder; where it is one run, that run's page."""
    folder = folder_of(request)
    listed = [folder.told(name) for name in folder.runs if not name.endswith("~people")]
    studies = [{"name": study.name, "title": study.findings().get("title")} for study in folder.studies.values()]
    return shown(request, "runs.html", {"folder": str(folder.root), "runs": listed, "studies": studies})


def run(request: Request) -> Response:
    """Plan against what came, who took part, what became of the answers, what the run says of itself."""
    held = held_run(request)
    tally, manifest = held.tally(), held.manifest
    roster, design = held.roster, manifest.get("design") or {}
    counts = {status: tally["dispositions"].get(status, 0) for status in STATUSES if tally["dispositions"].get(status)}
    arms: dict[str, int] = {}
    for member in roster:
        if member.arm:
            arms[member.arm] = arms.get(member.arm, 0) + 1
    return shown(
        request,
        "run.html",
        {
            **held.summary(),
            "run": held.name,
            "is_over": held.is_over,
            "dispositions": counts,
            "per_second": None if held.is_over else tally.get("per_second"),
            "by_arm": held.by_arm(),
            "subjects": len(roster),
            "subjects_planned": design.get("subjects"),
            "units": roster.n_units,
            "roles": sorted({member.role for member in roster if member.role}),
            "arms": arms,
            "has_units": _has_units(held),
            "n_items": len(held.items),
            "factors": {name: list(levels) for name, levels in held.run.levels.items()},
            "open": 0 if held.is_over else len(held.run.open),
            "stalled": dict(held.run.stalled),
            "people": f"{held.name}~people" if f"{held.name}~people" in folder_of(request).runs else None,
            "deviations": list(deviations(held.run)),
            "manifest": manifest,
        },
    )


def _has_units(held: Held) -> bool:
    """Whether there is something to look at by match or society: subjects who share a unit."""
    return held.roster.n_units < len(held.roster)


def trials(request: Request) -> Response:
    """Responses, fifty at a time, those that the address asks for."""
    if (there := rewritten(request)) is not None:
        return RedirectResponse(there, 303)
    held = held_run(request)
    conditions, query = conditions_of(request, held), request.query_params
    found = held.page(conditions, after=query.get("after", ""), before=query.get("before", ""))
    where = [str(one) for one in conditions]
    total = None if request.app.state.is_still and not conditions else held.count(conditions)
    rows = [row_of(held, row) for row in found.rows.iter_rows(named=True)]
    return shown(
        request,
        "trials.html",
        {
            "run": held.name,
            "where": where,
            "rows": rows,
            "columns": [name for name in ("round", "replicate") if any(row[name] for row in rows)],
            "factors": list(held.factors),
            "count": total,
            "responses": held.size,
            "is_looking": found.is_looking,
            "looked_at": found.looked_at,
            "looked_to": (found.before if query.get("before") else found.after) if found.is_looking else None,
            "earlier": found.before and address(f"/runs/{held.name}/trials", where=where or None, before=found.before),
            "later": found.after and address(f"/runs/{held.name}/trials", where=where or None, after=found.after),
            "form": form_of(held, conditions),
            **elsewhere(held, conditions),
        },
    )


def row_of(held: Held, row: Mapping[str, Any]) -> dict[str, Any]:
    """One response as a line of a list."""
    said = answer_text(row)
    return {
        "place": row["trial"],
        **{
            name: row[name]
            for name in ("subject", "unit", "role", "arm", "item", "round", "replicate", "status", "engine")
        },
        "condition": {name: row[factor_column(name)] for name in held.factors},
        "answer": said if said is None or len(said) <= _SHOWN else said[:_SHOWN] + "…",
        "mass": row["mass"],
        "tokens": row["prompt_tokens"] + row["completion_tokens"],
    }


def answer_text(row: Mapping[str, Any]) -> str | None:
    """An answer as a reader says it; None where there is none."""
    if row["label"] is not None:
        return str(row["label"])
    if row["value"] is not None:
        return f"{row['value']:g}"
    if row["parts"] is not None:
        return ", ".join(f"{part:g}" for part in row["parts"])
    return None if row["answer"] is None else f"option {row['answer'] + 1}"


def export(request: Request) -> Response:
    """The rows that the address asks for as a file, as `proband export` writes them."""
    held, ending = held_run(request), request.path_params["ending"]
    if ending not in _TYPES:
        raise HTTPException(404, f"There is no export as {ending}; choose csv or parquet.")
    conditions = conditions_of(request, held)
    with tempfile.NamedTemporaryFile(suffix=f".{ending}", delete=False) as file:
        target = Path(file.name)
    try:
        write_table(held.all_rows(conditions), target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    name = f"{held.name.replace('~', '-')}{'-chosen' * bool(conditions)}.{ending}"
    return FileResponse(
        target, media_type=_TYPES[ending], filename=name, background=BackgroundTask(target.unlink, missing_ok=True)
    )


def subjects(request: Request) -> Response:
    """Who took part."""
    held = held_run(request)
    first = _whole(request.query_params.get("from", "0"))
    members = held.roster[first : first + SIZE]
    there = f"/runs/{held.name}/subjects"
    return shown(
        request,
        "subjects.html",
        {
            "run": held.name,
            "count": len(held.roster),
            "first": first,
            "members": [member_dict(member) for member in members],
            "has_units": _has_units(held),
            "earlier": address(there, **{"from": max(0, first - SIZE)}) if first else None,
            "later": address(there, **{"from": first + SIZE}) if first + SIZE < len(held.roster) else None,
        },
    )


def member_dict(member: Member) -> dict[str, Any]:
    """A member of the roster as plain values."""
    told = {name: getattr(member, name) for name in ("subject", "unit", "role", "arm", "weight", "stratum", "psu")}
    return {**told, "traits": dict(member.traits)}


def _whole(text: str) -> int:
    if not text.isdigit() or len(text) > 12:
        raise HTTPException(400, f"{text!r} is no number to begin from.")
    return int(text)

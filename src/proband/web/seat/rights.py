"""What people may ask for: to be forgotten, to be given their data, and that links end."""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from proband.designs.seated import sitter
from proband.designs.survey.sheets import spoken
from proband.errors import DesignError, StoreError
from proband.records import Place
from proband.reports import findings, write_findings
from proband.runs import Run
from proband.runs.run import PEOPLE
from proband.store import RunDirectory
from proband.store.forgetting import forget as take_out
from proband.texts.design import Coding
from proband.web.seat.registry import NAME, Registry

REPORT = "report.html"
SITS_BY = Coding.sits_by


def home_of(run: Path, subject: str) -> Path:
    """The run directory in which somebody is: this one, or the people beside it.

    Raises
    ------
    StoreError
        If they are in neither.
    """
    folders = [folder for folder in (run, run / PEOPLE) if RunDirectory(folder).is_there]
    if not folders:
        Run(run)  # says what is wrong with it
    for folder in folders:
        if (folder / NAME).exists() and subject in _sitters(Run(folder)):
            return folder
    raise StoreError(f"{run}: no person {subject!r} took part; ids are in the column `subject` of its table")


def _sitters(run: Run) -> set[str]:
    """Everybody who could sit there: subjects, or those who code them."""
    return set(run.levels[SITS_BY]) if run.kind == "coding" else {member.subject for member in run.roster}


def _seat_of(run: Run) -> Callable[[Place], str]:
    return partial(sitter, sits_by=SITS_BY if run.kind == "coding" else "")


def forget(run: Path, subject: str) -> int:
    """Remove a person from a run; returns how many answers were removed.

    Raises
    ------
    StoreError
        If they are not in it.
    DesignError
        If they are in a group and the run still goes on: what the others see would change under them.
    """
    folder = home_of(run, subject)
    found = Run(folder)
    roster = [] if found.kind == "coding" else list(found.roster)
    unit = next((member.unit for member in roster if member.subject == subject), None)
    others = [member.subject for member in roster if member.unit == unit and member.subject != subject]
    if others and not found.is_complete:
        raise DesignError(
            f"{folder}: {subject} is in a group, and the run goes on; close it first, so that nobody's pages change"
        )
    directory = RunDirectory(folder)
    seat_of = _seat_of(found) if found.kind == "coding" else None
    n = take_out(directory, subject, others=others, seat_of=seat_of)
    registry = Registry(folder)
    registry.forget(subject)
    registry.close()
    for report in {folder / REPORT, run / REPORT}:
        if report.exists():
            report.unlink()
            write_findings(findings(Run(report.parent)), report)
    return n


def given(run: Path, subject: str) -> Mapping[str, Any]:
    """Everything that is kept of a person, as plain data."""
    folder = home_of(run, subject)
    registry = Registry(folder)
    person = registry.by_subject.get(subject)
    acts = [act for act in registry.acts() if act[2] == subject]
    registry.close()
    found = Run(folder)
    seat_of = _seat_of(found)
    responses = [response for response in found.responses().values() if seat_of(response.place) == subject]
    with RunDirectory(folder).reader() as journal:
        bodies = journal.bodies({response.request for response in responses})
        taken = {response.place: journal.taken(response.place.id) for response in responses}
    return {
        "study": found.manifest["name"],
        "subject": subject,
        "arrived": None if person is None else _moment(person.arrived),
        "ended": None if person is None or person.ended is None else _moment(person.ended),
        "state": None if person is None else person.state,
        "paid": None if person is None else person.paid,
        "recruitment": {} if person is None else dict(person.ids),
        "acts": [{"at": _moment(at), "what": what, "detail": detail} for at, what, _, detail in acts],
        "answers": [
            {
                **({"document": response.place.subject} if found.kind == "coding" else {}),
                "item": response.place.item,
                "round": response.place.round,
                "shown": "\n\n".join([text for _, text in json.loads(bodies[response.request])["messages"]]),
                "status": response.status,
                "answer": spoken(found.items[response.place.item], response),
                "answered_by": response.engine,
                "at": _moment(taken[response.place][0]),
                "took_s": taken[response.place][1],
            }
            for response in responses
        ],
    }


def expire(run: Path) -> int:
    """Drop links and recruitment ids of everybody; returns of how many."""
    folders = [folder for folder in (run, run / PEOPLE) if (folder / NAME).exists()]
    if not folders:
        raise StoreError(f"{run}: nobody sat here (no {NAME})")
    n = 0
    for folder in folders:
        RunDirectory(folder).refuse_while_written()
        registry = Registry(folder)
        n += registry.expire()
        registry.close()
    return n


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))

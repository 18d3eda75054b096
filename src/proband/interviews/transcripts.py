"""Interviews of a run: their courses made anew from what is stored, and their turns as documents to be coded."""

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl

from proband.designs.process import Answers
from proband.errors import DataError
from proband.interviews.asking import lines_of
from proband.interviews.course import Course
from proband.interviews.design import ASKS, Interviews, Sitting
from proband.interviews.guide import Guide, Topic
from proband.interviews.witness import Fact, Witness
from proband.records import Trial
from proband.runs.run import Run

_COLUMNS = ("document", "text", "interviewee", "interview", "turn", "topic", "asked", "asked_as")


def courses(run: Run) -> Mapping[Sitting, Course]:
    """Every interview of a run that has begun, as far as it has come.

    Raises
    ------
    DataError
        If the run holds no interviews.
    """
    told = run.manifest.get("design") or {}
    if told.get("design") != "interview":
        raise DataError(f"{run.path}: there are no interviews in it; runs of kind [interview] have them")
    design, responses = _design(told), run.responses()
    found = {}
    for sitting in _sittings(run):
        course = design.course_of(sitting)
        steps = design.steps(sitting, course)
        trial = next(steps, None)
        while isinstance(trial, Trial) and (given := responses.get(trial.id)) and given.status != "failed":
            try:
                trial = steps.send(Answers({trial.id: given}))
            except StopIteration:
                break
        if course.turns or course.is_over:
            found[sitting] = course
    return found


def documents(run: Run, each: Literal["turns", "interviews"] = "turns") -> pl.DataFrame:
    """What was answered, as a corpus that ``[coding.corpus]`` reads.

    Parameters
    ----------
    run : Run
        Of interviews.
    each : {"turns", "interviews"}
        A row for every answer, with the question as a column beside it; or for every interview, the whole transcript.

    Returns
    -------
    polars.DataFrame
        ``document``, ``text`` and ``interviewee``, the unit; and interview, turn, topic, the question and its kind, or
        the number of turns. Answers without words are left out.

    Raises
    ------
    DataError
        If the run holds no interviews, or nothing was answered yet.
    """
    if each == "interviews":
        whole = [
            {
                "document": sitting.name, "text": "\n\n".join(lines_of(course)),
                "interviewee": " ".join(sitting.subjects), "turns": len(course.turns),
            }
            for sitting, course in courses(run).items() if course.said
        ]  # fmt: skip
        return _framed(whole, run)
    rows = []
    for sitting, course in courses(run).items():
        subjects = dict(zip(sitting.voices, sitting.subjects, strict=True))
        for said in course.said:
            turn = course.turns[said.number - 1]
            values = (
                f"{subjects[said.voice]}-{said.number}", said.text, subjects[said.voice], sitting.name, turn.number,
                turn.topic, turn.text, turn.turned.kind,
            )  # fmt: skip
            rows += [dict(zip(_COLUMNS, values, strict=True))] * bool(said.text)
    return _framed(rows, run)


def _framed(rows: list[dict[str, Any]], run: Run) -> pl.DataFrame:
    if not rows:
        then = "; look at what became of the responses" if run.is_complete else " yet; carry the study on first"
        raise DataError(f"{run.path}: nothing was answered in words in its interviews{then}")
    return pl.DataFrame(rows)


def _sittings(run: Run) -> list[Sitting]:
    by_unit: dict[str, list[str]] = {}
    for member in run.roster:
        own = by_unit.setdefault(member.unit, [])
        own += [member.subject] * (member.role != ASKS)
    return [Sitting(name, tuple(who), (None,) * len(who)) for name, who in by_unit.items()]


def _design(told: Mapping[str, Any]) -> Interviews:
    """The design that a manifest describes, without the people as whom it was answered."""
    guide, witness = told["guide"], told.get("witness")
    topics = tuple(Topic(**{**topic, "questions": tuple(topic["questions"])}) for topic in guide["topics"])
    facts = tuple(Fact(**{**fact, "words": tuple(fact["words"])}) for fact in witness["facts"]) if witness else ()
    return Interviews(
        guide=Guide(**{**guide, "topics": topics, "probes": tuple(guide["probes"])}),
        witness=Witness(**{**witness, "facts": facts}) if witness else None,
        group=told["group"], seed=told["seed"], feedback=told["feedback"],
    )  # fmt: skip

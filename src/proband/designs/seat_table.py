"""What a study file says of people who take the study: the table ``[seat]``."""

from pathlib import Path
from typing import Literal

from pydantic import Field, StrictInt

from proband.errors import DesignError
from proband.files import Table, checked, parsed, text_of


class ScreenTable(Table):
    """A question before the study that decides who takes part; its answer is not kept."""

    text: str = Field(description="the question")
    options: list[str] = Field(min_length=2, description="its options, in this order")
    out: list[str] = Field(min_length=1, description="options with which somebody does not take part")


class ComprehensionTable(Table):
    """A question about the instructions, asked before the first page."""

    text: str = Field(description="the question")
    options: list[str] = Field(min_length=2, description="its options, in this order")
    right: str = Field(description="the option that is right")
    tries: StrictInt = Field(default=3, ge=1, description="how often it may be answered before somebody is turned away")


class CodesTable(Table):
    """What people are given at their end, to hand in where they were recruited."""

    finished: str = Field(default="", description="code of those who came to the end")
    screened: str = Field(default="", description="code of those who were screened out or turned away")
    waited: str = Field(default="", description="code of those whose partners did not come")
    withdrawn: str = Field(default="", description="code of those who withdrew")
    left: str = Field(default="", description="code of those who were away too long, or whose group was left")


class SeatTable(Table):
    """How people take the study; `proband seat` reads it, and nothing else does."""

    seats: StrictInt = Field(
        default=100, ge=1, description="how many people can take it, numbered as they arrive; a game says it by itself"
    )
    consent: str = Field(
        default="", description="Markdown that people read and agree to first: a text, or a file beside the study"
    )
    contact: str = Field(default="", description="whom people can ask, e.g. a name and an address; shown on every page")
    debriefing: str = Field(default="", description="Markdown that is shown at the end: a text, or a file")
    language: str = Field(default="", description="of the pages: `en`, `de`, `es` or `ar`; the instrument's by default")
    screen: list[ScreenTable] = Field(default=[], description="questions that decide who takes part")
    comprehension: list[ComprehensionTable] = Field(default=[], description="questions about the instructions")
    attention: dict[str, str] = Field(
        default={},
        examples=['attention = { check = "Strongly agree" }'],
        description="item -> the option that shows attention; told beside the answers, and nobody is excluded",
    )
    back: bool = Field(default=False, description="whether people can look at earlier pages, unchanged")
    conversation: bool = Field(
        default=False, description="whether what was asked and answered stands above each question: an interview"
    )
    may_refuse: bool = Field(default=False, description="whether a page offers not to answer; the answer is `refused`")
    page_s: float | None = Field(default=None, gt=0, description="seconds for a page, after which somebody has left")
    may_extend: bool = Field(
        default=True, description="whether a page's time can be doubled on request; false where time is the treatment"
    )
    away_s: float | None = Field(
        default=None, gt=0, description="seconds without any sign of somebody, after which they have left"
    )
    leaving: str = Field(
        default="end",
        description="what happens when somebody leaves: `end`, also of a match, whose rounds before count; `drop`: "
        "so, and no round of it counts; or the address of an engine that plays on in their place",
    )
    until: str = Field(default="", description="date, as 2026-12-31, after which nobody is admitted")
    quota: StrictInt | None = Field(default=None, ge=1, description="nobody is admitted after so many have finished")
    pay: float = Field(default=0.0, ge=0, description="what everybody is paid who comes to the end")
    pay_per_point: float = Field(default=0.0, ge=0, description="what a point of a game pays beside")
    currency: str = Field(default="USD", description="of both")
    codes: CodesTable = Field(default=CodesTable(), description="completion codes")
    return_to: str = Field(
        default="",
        examples=['return_to = "https://app.prolific.com/submissions/complete?cc={code}"'],
        description="address people go back to at their end; `{code}` is their code",
    )
    recruitment: list[str] = Field(
        default=["PROLIFIC_PID", "STUDY_ID", "SESSION_ID"],
        description="parameters of the link that are kept, apart from the answers, to pay people",
    )


def seat_table(path: Path) -> SeatTable | None:
    """The table of a study file, if it has one."""
    data = parsed(text_of(path, what="study file", error=DesignError), path, error=DesignError)
    return None if "seat" not in data else checked(SeatTable, data["seat"], str(path), error=DesignError, at="seat")


State = Literal["active", "finished", "left", "withdrawn", "waited", "screened"]

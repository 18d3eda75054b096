"""What stands under ``[review]``, beside ``[screening]``: what comes before the screening and after it."""

from typing import Literal

from pydantic import Field, StrictInt, field_validator

from proband.errors import DesignError
from proband.files import Table
from proband.literature.queries.language import parse_query


class QueryTable(Table):
    """A Boolean query, put to the records."""

    text: str = Field(
        default="",
        examples=["text = 'nudg* AND (health* OR clinic*)'"],
        description="the query; without one all records are taken",
    )
    narrows: bool = Field(
        default=False,
        description="whether only what it finds is ranked and screened; else it is only told what it finds and misses",
    )
    dialects: list[Literal["pubmed", "ovid", "scopus", "wos"]] = Field(
        default=["pubmed", "ovid", "scopus", "wos"], description="data bases that it is written out for"
    )

    @field_validator("text")
    @classmethod
    def _can_be_read(cls, text: str) -> str:
        if text.strip():
            try:
                parse_query(text)
            except DesignError as error:
                raise ValueError("; ".join(map(str, error.args))) from None
        return text


class ReviewTable(Table):
    """The review around a screening."""

    question: str = Field(
        examples=['question = "Do reminders change what clinicians do?"'],
        description="what the review asks, in a sentence: records are ranked, and the synthesis is written, by it",
    )
    marks: dict[str, str] = Field(
        default={},
        examples=['marks = { retracted = "retractions.csv" }'],
        description="column -> file that lists DOIs, PMIDs, titles, journals or ISSNs; records it names are marked",
    )
    leave_out: list[str] = Field(default=[], description="marks whose records are taken out before the screening")
    query: QueryTable = Field(default=QueryTable(), description="a Boolean query, put to the records")
    form: str = Field(
        default="evidence", description="codebook with the fields that are taken from what is included, by id or path"
    )
    extractors: dict[str, str] = Field(
        default={"cues": "cues"},
        description="name -> address of who fills the form; two for double extraction. `cues` needs no model",
    )
    writer: str = Field(
        default="",
        description="address of who writes the synthesis; without one its sentences are passages as they stand",
    )
    judge: str = Field(default="", description="address of an engine that judges whether spans support each sentence")
    sentences: StrictInt = Field(default=8, description="of the synthesis, at most")

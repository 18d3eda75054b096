"""The folder of a review, and its steps."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from proband.texts.gold.project import Project

Step = Literal["records", "query", "rank", "screen", "extract", "synthesise"]

STEPS: Mapping[Step, str] = {
    "records": "read the records, and take those of one publication for one",
    "query": "put the query to them, and write it out for data bases",
    "rank": "order them by nearness to the question",
    "screen": "decide which are included",
    "extract": "take from these what the form asks for, with the words that say it",
    "synthesise": "say what they say, in sentences that cite their words",
}
RECORDS, MERGES, APART, REMARKS, COUNTS = "records.csv", "merges.csv", "apart.csv", "remarks.txt", "counts.json"
QUERY, FOUND, RANKED = "query.txt", "found.csv", "ranked.csv"
SCREENING, DECISIONS = "screening", "decisions.csv"
EVIDENCE, MATRIX = "evidence.csv", "matrix.csv"
SYNTHESIS, PAGE = "synthesis.csv", "review.md"
REFERENCES = ("references.ris", "references.bib", "references.json")
FLOW, FIGURE = "flow.json", "flow.svg"

WRITTEN: Mapping[Step, tuple[str, ...]] = {
    "records": (RECORDS, MERGES, REMARKS, COUNTS),
    "query": (QUERY, FOUND),
    "rank": (RANKED,),
    "screen": (DECISIONS,),
    "extract": (EVIDENCE, MATRIX),
    "synthesise": (SYNTHESIS, PAGE, *REFERENCES, FLOW, FIGURE),
}
"""What each step leaves in the folder."""


class ReviewProject(Project):
    """A folder beside a study file: ``nudging.toml`` has its review in ``nudging-review/``."""

    verb: ClassVar[str] = "review"
    ending: ClassVar[str] = "review"
    names: ClassVar[tuple[str, ...]] = tuple(STEPS)

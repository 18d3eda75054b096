"""Surveys as a kind: what stands under ``[survey]``."""

from typing import Any

from pydantic import Field, StrictInt

from proband.designs.kind import Kind, Shared
from proband.designs.survey.cards import Writing
from proband.designs.survey.survey import Survey
from proband.files import Table

FACTORS = "name -> level -> text that `{factor:name}` becomes in the wording"


class WritingTable(Table):
    """Sampling of written replies."""

    temperature: float = Field(
        default=1.0,
        description="0 takes the most probable token at each step; then replicates that look alike are one call",
    )
    top_p: float = Field(default=1.0, description="sample from the most probable tokens that make up this much")
    max_tokens: int | None = Field(
        default=None,
        description="longest reply; by default it fits the form: 24 for one option, 16 for a number, 96 for lists, "
        "128 for percentages, 256 for a text",
    )


class AskingTable(Table):
    """How items are put to subjects; see `proband.Survey`."""

    presentation: str | list[str] = Field(
        default="single",
        description="`single`: each item by itself. `battery`: neighbours with the same lead-in and options are shown "
        "together, and answered one by one. `sequential`: one conversation, in which earlier answers are remembered",
    )
    answer_by: str | list[str] = Field(
        default="option_text",
        description="`option_text`: probabilities of the option texts. `option_text_mean`: the same per token, so that "
        "long options are not at a disadvantage. `label`: probabilities of the labels. `written`: a written reply, "
        "which is read. `verbalised`: percentages that the model writes",
    )
    persona: str | list[str] = Field(
        default="first",
        description="`first`, `third`: sentences in the first or third person. `interview`: questions and answers. "
        "`none`: nothing is said about the subject",
    )
    order: str | list[str] = Field(
        default="counterbalanced",
        description="`counterbalanced`: both directions of a scale, rotations of unordered options. `as_written`, "
        "`reversed`, `random`",
    )
    labels: str | list[str] = Field(
        default="auto",
        description="`auto`: none where option texts are scored or percentages asked for, letters elsewhere. `none`, "
        '`letters`, `numbers` (1 to K), `points` (scale points), or your own, separated by a vertical bar: `"yes|no"`',
    )
    decide: str = Field(
        default="draw",
        description="how one answer is taken from probabilities: `draw`, by place, or `mode`, the most probable option",
    )
    writing: WritingTable = Field(default=WritingTable(), description="sampling of written replies")

    def settings(self, shared: Shared) -> dict[str, Any]:
        """These keys and what is shared, as keywords of `Survey`."""
        given = self.model_dump(exclude={"writing"})
        settings = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        return {
            "instrument": shared.instrument,
            "subjects": shared.population,
            "seed": shared.seed,
            "title": shared.title,
            "harms": shared.harms,
            "ethics": shared.ethics,
            "writing": Writing(**self.writing.model_dump()),
            **settings,
        }


class SurveyTable(AskingTable):
    """Presentation, factors and repeats."""

    factors: dict[str, dict[str, str]] = Field(
        default={}, description=f"factors of your own, under each of whose levels everybody is asked: {FACTORS}"
    )
    replicates: StrictInt = Field(default=1, description="repeats of every trial")


def _make(shared: Shared, table: SurveyTable) -> Survey:
    return Survey(**table.settings(shared))


KIND = Kind(
    name="survey",
    about="items of an instrument put to subjects, under every condition of interest",
    keys=SurveyTable,
    make=_make,
    takes=frozenset({"people", "ethics"}),
    analyses=(
        "hypotheses",
        "scales",
        "factors",
        "shares",
        "guesses",
        "effects",
        "specifications",
        "fidelity",
        "steering",
        "retested",
        "survey-estimates",
        "response-style",
        "stability",
        "components",
        "agreement",
        "correction",
        "poststratified",
        "dispositions",
        "ethics",
        "deviations",
    ),
)

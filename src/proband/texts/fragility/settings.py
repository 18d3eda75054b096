"""How claims are tried under other ways of asking: keys under ``[coding.fragility]``."""

from typing import Literal

from pydantic import Field, StrictInt

from proband.files import Table

Placebo = Literal["shuffled", "empty", "nothing"]


class WordingTable(Table):
    """Another wording of the codebook, which means the same: ``[[coding.fragility.wordings]]``."""

    name: str = Field(examples=['name = "short"'], description="how it is called in tables")
    codebook: str = Field(default="", description="another codebook with the same questions and codes, by name or path")
    framing: str = Field(default="", description="what is said before the codebook, in place of the usual words")
    introduction: str = Field(default="", description="in place of the codebook's")
    questions: dict[str, str] = Field(default={}, description="question -> its text in other words")
    definitions: dict[str, dict[str, str]] = Field(
        default={}, description="question -> code -> its definition in other words"
    )


class FragilityTable(Table):
    """The grid: what is varied beside what was locked, of whom it is asked, and how often."""

    wordings: list[WordingTable] = Field(default=[], description="other wordings, beside the locked one")
    orders: list[Literal["both", "rotations", "as_written", "reversed"]] = Field(
        default=[], description="orders of the codes, as `order` of a coder; or only `reversed`"
    )
    methods: list[Literal["option_text", "option_text_mean", "label", "channel", "written"]] = Field(
        default=[], description="as `answer_by` of a coder"
    )
    engines: list[str] = Field(default=[], description="addresses, or coders of the study, whose engines are taken")
    temperatures: list[float] = Field(default=[], description="of written replies")
    replicates: StrictInt = Field(
        default=2, description="how often each cell of the grid is asked: what differs between repeats is noise"
    )
    grid: Literal["crossed", "one_by_one"] = Field(
        default="crossed", description="`crossed`: all with all. `one_by_one`: one thing differs from what was locked"
    )
    documents: StrictInt | None = Field(
        default=None,
        description="documents that are asked: all gold that corrects, and others drawn beside it; by default twice "
        "the gold, 300 at least",
    )
    threshold: float = Field(
        default=0.5, description="of claims about shares: on which side of it the share lies is what may flip"
    )
    placebos: list[Placebo] | None = Field(
        default=None,
        description="`shuffled`: texts change places; `empty`: a document without words; `nothing`: a question about "
        "nothing. By default all that say something about this coder and these claims",
    )
    drift: StrictInt = Field(default=100, description="documents that `proband code STUDY drift` asks again")

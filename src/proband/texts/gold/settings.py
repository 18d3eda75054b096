"""What a study file says of gold: keys under ``[coding.gold]``."""

from pathlib import Path
from typing import Literal

from pydantic import Field, StrictBool, StrictInt

from proband.files import Table
from proband.texts.gold.imports import Source


class SourceTable(Table):
    """A file of people's codes that lies elsewhere, and what it means."""

    file: str = Field(examples=['file = "codes.csv"'], description="path, from the study file on")
    coder: str = Field(default="", description="who coded, where the file has no column `coder`; else the file's name")
    document: str = Field(default="document", description="column of the documents' ids")
    columns: dict[str, str] = Field(default={}, description="column -> item, where columns are not called like items")
    codes: dict[str, str] = Field(default={}, description="what stands in the file -> code of the codebook")
    is_cut: StrictBool = Field(
        default=False, description="leave out rows of documents that were not drawn; they are refused otherwise"
    )

    def source(self, folder: Path) -> Source:
        """The file, from the folder of the study on."""
        held = self.model_dump(exclude={"file"})
        return Source(path=folder / self.file, **held)


class GoldTable(Table):
    """How documents are drawn for people, what they gave, and what it is used for."""

    n: StrictInt | None = Field(default=None, description="documents for people to code")
    width: float | None = Field(
        default=None, description="instead of `n`: how wide the 95 % interval of a share of a half may be"
    )
    correlation: float = Field(
        default=0.0, description="beside `width`: expected correlation of the coder's codes with people's"
    )
    by: str = Field(default="", description="draw from within every value of this column of the corpus")
    uncertain: str = Field(
        default="", description="draw more where this coder, by name, is less sure; it codes the corpus for that first"
    )
    sampling: Literal["drawn", "found"] = Field(
        default="drawn",
        description="`drawn`: documents are drawn here with known probabilities. `found`: people coded what they had, "
        "which describes and validates, and corrects nothing",
    )
    people: list[SourceTable] = Field(
        default=[], description="files of people's codes, beside those that lie in the project's folder `people`"
    )
    fewest: StrictInt = Field(default=1, description="people who must agree on a document before it is gold")
    parts: dict[str, float] = Field(
        default={"development": 0.3, "holdout": 0.3, "audit": 0.4},
        description="shares of gold for making the coder, for validating it once, and for correcting only",
    )

"""The keys of a study file, and what to say about one that does not exist."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from proband.errors import DesignError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class WritingTable(_Strict):
    """Sampling of written replies."""

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = None


class SurveyTable(_Strict):
    """Presentation and factors; see `proband.Survey`."""

    presentation: str | list[str] = "single"
    answer_by: str | list[str] = "option_text"
    persona: str | list[str] = "first"
    order: str | list[str] = "counterbalanced"
    labels: str | list[str] = "auto"
    factors: dict[str, dict[str, str]] = {}
    replicates: StrictInt = 1
    decide: str = "draw"
    writing: WritingTable = Field(default_factory=WritingTable)


class PeopleTable(_Strict):
    """People's own answers, from the population's data."""

    refused: list[int | float | str] = []


class InstrumentTable(BaseModel):
    """An instrument by name (`use`), or written here: then the other keys are an instrument file's."""

    model_config = ConfigDict(extra="allow", strict=True)

    use: str | None = None
    only: list[str] = []


class PopulationTable(BaseModel):
    """A population by name (`use`, with the user's `data`), or written here, cut and sampled."""

    model_config = ConfigDict(extra="allow", strict=True)

    use: str | None = None
    data: str | dict[str, Any] | None = None
    sample: StrictInt | None = None
    only_where: dict[str, int | float | str | list[int | float | str]] = {}


class StudyFile(_Strict):
    """A study file, as written."""

    title: str = ""
    seed: StrictInt
    engine: str = "smollm2"
    instrument: InstrumentTable
    population: PopulationTable
    survey: SurveyTable = Field(default_factory=SurveyTable)
    people: PeopleTable | None = None


_EXAMPLES = {
    "seed": ", e.g. seed = 1",
    "instrument": ', e.g. [instrument] use = "mini-ipip"',
    "population": ', e.g. [population] use = "anes-1996"',
}


def checked(data: Mapping[str, Any], where: str | Path) -> StudyFile:
    """The parsed file, with every key known and of its type.

    Raises
    ------
    DesignError
        Naming the key, what is wrong with it, and the keys there are.
    """
    try:
        return StudyFile.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise DesignError(f"{where}: no key {key!r}; {_known(first['loc'][:-1])}") from None
        if first["type"] == "missing":
            raise DesignError(f"{where}: {key} is missing; add it{_EXAMPLES.get(key, '')}") from None
        raise DesignError(f"{where}: {key}: {first['msg']} (found {first['input']!r})") from None


def _known(path: tuple[int | str, ...]) -> str:
    tables: dict[tuple[int | str, ...], type[BaseModel]] = {
        (): StudyFile,
        ("survey",): SurveyTable,
        ("survey", "writing"): WritingTable,
        ("people",): PeopleTable,
    }
    model = tables.get(path, StudyFile)
    return f"there are {', '.join(model.model_fields)}"

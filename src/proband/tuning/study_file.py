"""The keys of a study of knowledge interventions, as a TOML file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from proband.errors import DesignError

CATALOGUE = Path(__file__).parent / "catalogue"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class WorldTable(_Strict):
    """The generated world of a study whose base is ``toy``; see `proband.tuning.toy.world.make_world`."""

    seed: StrictInt = 1
    is_null: bool = False


class _SourceTable(_Strict):
    """A source of questions; see `proband.instruments.banks.loading.load_bank`."""

    source: str
    format: str = "auto"
    domains: dict[str, str] | None = None
    domain: str = ""
    topics: list[str] = []
    drop_unfit: bool = False
    limit: StrictInt | None = None


class BankTable(_SourceTable):
    """What is trained on and tested at home."""

    only: list[str] = []
    test: StrictInt = 50
    exemplars: StrictInt = 10
    similarity: float = 0.8


class BenchmarkTable(_SourceTable):
    """Questions of another source, for the in-domain and out-of-domain tests."""

    splits: list[str] = []
    exemplars: StrictInt = 5


class ProbeTable(BaseModel):
    """The prompt of the probe by name (`use`), with its other settings changed, and what counts as confident."""

    model_config = ConfigDict(extra="allow", strict=True)

    use: str = "probe-text"
    threshold: float = 0.5


class SetsTable(BaseModel):
    """Arms and how their sets are built; see `proband.tuning.interventions`."""

    model_config = ConfigDict(extra="allow", strict=True)

    arms: list[str] = ["harmonious", "incompatible", "self-aligning"]
    construction: str = "standard"
    prompt: str | dict[str, Any] = "zero-shot-text"
    controls: bool = False
    explanation: str = "none"
    writer: str | None = None
    general: str | None = None


class TrainingTable(BaseModel):
    """A recipe by name (`use`) with its other settings changed; `seeds` are the runs of each set."""

    model_config = ConfigDict(extra="allow", strict=True)

    use: str = "miniature"
    seeds: list[StrictInt] = [1]


class EvaluationTable(_Strict):
    """Prompts under which checkpoints are evaluated; the first is the one that is analysed first."""

    asks: list[str | dict[str, Any]] = ["zero-shot-text"]
    base_ask: str | dict[str, Any] = "few-shot-text"


class ExpectedTable(_Strict):
    """Sizes of a study whose data are not at hand, by domain where they are tables; for ``--dry-run``."""

    shape: str
    probed: dict[str, StrictInt]
    probe_tokens: StrictInt
    sizes: dict[str, StrictInt]
    example_tokens: float
    taught_tokens: float
    tests: StrictInt
    test_tokens: StrictInt
    texts: StrictInt = 0
    text_tokens: StrictInt = 0
    flops: float = 4e14


class AlignFile(_Strict):
    """A study of knowledge interventions, as written."""

    title: str
    seed: StrictInt
    base: str
    world: WorldTable = Field(default_factory=WorldTable)
    bank: BankTable | None = None
    benchmark: BenchmarkTable | None = None
    probe: ProbeTable = Field(default_factory=ProbeTable)
    sets: SetsTable = Field(default_factory=SetsTable)
    training: TrainingTable = Field(default_factory=TrainingTable)
    evaluation: EvaluationTable = Field(default_factory=EvaluationTable)
    expected: ExpectedTable | None = None


def read_align_file(path: str | Path) -> AlignFile:
    """A study file, by path, or by name from the catalogue (``toy``, ``smollm2``, ``ren2024-7b``, ``ren2024-13b``).

    Raises
    ------
    DesignError
        If there is no such file, it is no TOML, or a key is missing, unknown or of the wrong type.
    """
    named = CATALOGUE / f"{path}.toml"
    file = named if named.is_file() else Path(path)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        known = ", ".join(sorted(found.stem for found in CATALOGUE.glob("*.toml")))
        raise DesignError(f"{file}: no such study file; write one, or name one of {known}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DesignError(f"{file}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise DesignError(f"{file}: not valid TOML: {error}; mend that line") from None
    return checked(data, file)


def checked(data: Mapping[str, Any], where: str | Path) -> AlignFile:
    """The parsed file, with every key known and of its type; see `read_align_file`."""
    try:
        return AlignFile.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            table = _TABLES.get(str(first["loc"][0]), AlignFile) if len(first["loc"]) > 1 else AlignFile
            raise DesignError(f"{where}: no key {key!r}; there are {', '.join(table.model_fields)}") from None
        if first["type"] == "missing":
            raise DesignError(f"{where}: {key} is missing; add it{_EXAMPLES.get(key, '')}") from None
        raise DesignError(f"{where}: {key}: {first['msg']} (found {first['input']!r})") from None


_TABLES: Mapping[str, type[BaseModel]] = {
    "world": WorldTable,
    "expected": ExpectedTable,
    "bank": BankTable,
    "benchmark": BenchmarkTable,
    "evaluation": EvaluationTable,
}
_EXAMPLES = {
    "title": ', e.g. title = "What a small model makes of history"',
    "seed": ", e.g. seed = 1",
    "base": ', e.g. base = "smollm2"',
    "bank": ', e.g. [bank] source = "facts"',
}

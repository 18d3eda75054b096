"""The keys of a study of knowledge interventions, as a TOML file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt

from proband import files
from proband.designs.quiz.material import SourceTable
from proband.errors import DesignError

OWN = "own"
CATALOGUE = Path(__file__).parent / "catalogue"
_ALIASES = {f"ren2024-{size}": f"ren2024-llama-2-{size}" for size in ("7b", "13b", "70b")}
_ALIASES["ren2024-mistral"] = "ren2024-mistral-7b"
Parts = Literal["drawn", "published"]
"""Whether train, test and exemplars are drawn from a source, or are its own files (train, test and dev)."""


class WorldTable(files.Table):
    """The generated world of a study whose base is ``toy`` or ``planted``; see `proband.tuning.toy.world.make_world`.

    `times`: how often a fact is stated that is planted in the embedded model.
    """

    seed: StrictInt = 1
    is_null: bool = False
    times: StrictInt = 9


class BaseTable(files.Table):
    """One of several bases: its name in tables, its address, and what is another for it than for the others."""

    name: str = ""
    base: str
    seed: StrictInt | None = None
    training: dict[str, Any] = {}
    expected: dict[str, Any] = {}


class BankTable(SourceTable):
    """What is trained on and tested at home."""

    only: list[str] = []
    test: StrictInt = 50
    exemplars: StrictInt = 10
    similarity: float = 0.8
    parts: Parts = "drawn"


class BenchmarkTable(SourceTable):
    """Questions of another source, for the in-domain and out-of-domain tests."""

    splits: list[str] = []
    exemplars: StrictInt = 5
    parts: Parts = "drawn"


class ProbeTable(files.OpenTable):
    """The prompt of the probe by name (`use`), with its other settings changed, and what counts as confident.

    `prior`: whether options are scored without the question too; left out, where their texts are scored.
    """

    use: str = "probe-text"
    threshold: float = 0.5
    prior: StrictBool | None = None


class SetsTable(files.OpenTable):
    """Arms and how their sets are built; see `proband.tuning.interventions`."""

    arms: list[str | dict[str, Any]] = ["harmonious", "incompatible", "self-aligning"]
    construction: str = "standard"
    prompt: str | dict[str, Any] = "zero-shot-text"
    controls: bool = False
    explanation: str = "none"
    context: str = "bank"
    writer: str | None = None
    general: str | None = None


class SupervisorTable(files.Table):
    """Who labels the questions in place of the arms: another model, ``model:ADDRESS``, or the base itself, ``own``.

    `use` are the ways of taking its labels; see `proband.tuning.supervisors`. `threshold` is the probe's where it is
    left out. `rounds`, `least_change` and `least_entropy` are of own labels: most rounds, and the share of answers
    that a round must change, and of the base's entropy that must be left, for another one.
    """

    labels: str
    use: list[str] = []
    threshold: float | None = None
    size: StrictInt | None = None
    rounds: StrictInt = 3
    least_change: float = 0.01
    least_entropy: float = 0.5


class TrainingTable(files.OpenTable):
    """A recipe by name (`use`) with its other settings changed; `seeds` are the runs of each set."""

    use: str = "miniature"
    seeds: list[StrictInt] = [1]


class EvaluationTable(files.Table):
    """Prompts under which checkpoints are evaluated; the first is the one that is analysed first.

    `steps`: optimiser steps after which some questions are scored while training goes on, 0 before the first; none for
    no learning curves. `step_questions`: of each group; 0 for as many as take a fifth of the time of training.
    """

    asks: list[str | dict[str, Any]] = ["zero-shot-text"]
    base_ask: str | dict[str, Any] = "few-shot-text"
    steps: list[StrictInt] = []
    step_questions: StrictInt = 0


class PortraitsTable(files.Table):
    """What base and checkpoints are asked as themselves at the end: names of batteries, or disciplines."""

    batteries: list[str]
    quick: StrictBool = True
    seed: StrictInt = 1


class ExpectedTable(files.Table):
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


class AlignFile(files.Table):
    """A study of knowledge interventions, as written."""

    title: str = Field(examples=['title = "What a small model makes of history"'])
    seed: StrictInt = Field(examples=["seed = 1"])
    base: str = ""
    bases: list[str | BaseTable] = []
    keep: Literal["weights", "adapters", "scores"] = "weights"
    world: WorldTable = Field(default_factory=WorldTable)
    bank: BankTable | None = None
    benchmark: BenchmarkTable | None = None
    probe: ProbeTable = Field(default_factory=ProbeTable)
    sets: SetsTable = Field(default_factory=SetsTable)
    supervisor: SupervisorTable | None = None
    objectives: dict[str, dict[str, Any]] = {}
    training: TrainingTable = Field(default_factory=TrainingTable)
    evaluation: EvaluationTable = Field(default_factory=EvaluationTable)
    portraits: PortraitsTable | None = None
    expected: ExpectedTable | None = None

    @property
    def every_base(self) -> tuple[BaseTable, ...]:
        """The bases, each with its name."""
        given = [BaseTable(base=one) if isinstance(one, str) else one for one in self.bases or [self.base]]
        return tuple(one if one.name else one.model_copy(update={"name": _name_of(one.base)}) for one in given)


def read_align_file(path: str | Path) -> AlignFile:
    """A study file, by path, or by name from the catalogue (``toy``, ``smollm2``, ``planted``, ``ren2024``).

    Raises
    ------
    DesignError
        If there is no such file, it is no TOML, or a key is missing, unknown or of the wrong type.
    """
    name = _ALIASES.get(str(path), str(path))
    if name in (studies := catalogue()):
        file, only = studies[name]
        found = _read(file)
        return _with_base(found, only) if only else found
    way_out = f"write one, or name one of {', '.join(studies)}"
    return _read(Path(path), way_out)


def catalogue() -> dict[str, tuple[Path, str]]:
    """Studies that come with Proband, by name: the file, and which of its several bases; empty for all."""
    found: dict[str, tuple[Path, str]] = {}
    for file in sorted(CATALOGUE.glob("*.toml")):
        found[file.stem] = (file, "")
        if (read := _read(file)).bases:
            found |= {f"{file.stem}-{base.name}": (file, base.name) for base in read.every_base}
    return found


def _read(file: Path, way_out: str = "check the path") -> AlignFile:
    text = files.text_of(file, what="study file", error=DesignError, way_out=way_out)
    return checked(files.parsed(text, file, error=DesignError), file)


def _with_base(study: AlignFile, name: str) -> AlignFile:
    """The study with one of its bases."""
    chosen = [base for base in study.every_base if base.name == name]
    return study.model_copy(update={"title": f"{study.title}: {name}", "bases": chosen})


def is_align_file(path: str | Path) -> bool:
    """Whether a file is a study of knowledge interventions and of no other kind: it names a base model."""
    file = Path(path)
    if not files.is_file(file):
        return False
    text = files.text_of(file, what="study file", error=DesignError)
    return not {"base", "bases"}.isdisjoint(files.parsed(text, file, error=DesignError))


def checked(data: Mapping[str, Any], where: str | Path) -> AlignFile:
    """The parsed file, with every key known and of its type, and every base by a name of its own."""
    found = files.checked(AlignFile, data, where, error=DesignError)
    if bool(found.base) == bool(found.bases):
        raise DesignError(f'{where}: name one model, base = "smollm2", or several, bases = ["smollm2", "hf:FOLDER"]')
    names = [one.name for one in found.every_base]
    for name in names:
        if names.count(name) > 1:
            raise DesignError(f'{where}: two bases are named {name!r}; give them names, {{ name = "a", base = "..." }}')
        if not re.fullmatch(r"[\w.-]+", name):
            raise DesignError(f"{where}: base {name!r} names a folder; use letters, digits, dots and dashes")
    if found.portraits is not None and found.keep == "scores":
        raise DesignError(
            f'{where}: portraits are of checkpoints, and keep = "scores" deletes them; keep "adapters", or take '
            "portraits out"
        )
    return found


def _name_of(address: str) -> str:
    """What a base is called in tables: the last part of its address."""
    return Path(address.partition("?")[0].partition(":")[2] or address).name or address

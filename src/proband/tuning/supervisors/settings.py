"""What a study file says of supervisors and objectives: its arms, and what is refused before the first call."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from proband.errors import DesignError
from proband.training.recipe import named_recipe
from proband.tuning.interventions.arms import Arm
from proband.tuning.study_file import OWN, AlignFile, SupervisorTable
from proband.tuning.toy.pretraining import Pretraining

CEILING, WEAK = "ceiling", "weak"
_FIRST, _TOY = "likelihood", "toy"
WAYS: Mapping[str, Sequence[str]] = {"model": ("all", "confident", "soft"), OWN: ("confident", "ranking", "self-play")}
"""Ways of taking labels, by whose they are."""


def supervised_arms(table: SupervisorTable) -> tuple[Arm, ...]:
    """What stands in tables in the place of arms: the ceiling and the ways of labelling, or every round of each way."""
    if table.labels == OWN:
        names = [f"{way}-{number}" for way in table.use for number in range(1, table.rounds + 1)]
    else:
        names = [CEILING, *(f"{WEAK}-{way}" for way in table.use)]
    return tuple(Arm(name=name, questions="both") for name in names)


def check_supervision(file: AlignFile) -> None:
    """Refuse what contradicts itself, or could only fail later.

    Raises
    ------
    DesignError
        Naming the key.
    """
    where = file.title
    if (file.supervisor is not None or file.objectives) and len(file.every_base) > 1:
        raise DesignError(f"{where}: a study of supervisors or objectives has one base; give each base its own file")
    if file.supervisor is not None and file.objectives:
        raise DesignError(f"{where}: [supervisor] and [objectives] are two studies; give each its own file")
    if file.supervisor is not None:
        _check_supervisor(file, file.supervisor)
    if file.objectives and len(file.sets.arms) != 1:
        raise DesignError(
            f"{where}: objectives are compared on one set, and sets.arms are {file.sets.arms}; give one, e.g. "
            'arms = ["incompatible"]'
        )
    if file.sets.general is not None and (file.objectives or file.training.rest.get("objective", _FIRST) != _FIRST):
        raise DesignError(f"{where}: general instructions have nothing to be set against; leave out sets.general")
    for name, changes in file.objectives.items():
        try:
            named_recipe(file.training.use, **{**file.training.rest, **changes})
        except (DesignError, TypeError) as error:
            raise DesignError(f"{where}: objectives.{name}: {error}") from None


def _check_supervisor(file: AlignFile, table: SupervisorTable) -> None:
    where = f"{file.title}: supervisor"
    whose, _, address = table.labels.partition(":")
    if whose not in WAYS or (whose != OWN) != bool(address):
        raise DesignError(
            f"{where}.labels is {table.labels!r}; give 'own', or 'model:ADDRESS', e.g. model:hf:FOLDER or "
            "model:toy?hidden=32"
        )
    name, _, sizes = address.partition("?")
    if name == _TOY:
        sizes_of(sizes)
        if file.every_base[0].base not in (_TOY, "planted"):
            raise DesignError(f"{where}.labels names the toy model, and this study has no world; take base = 'toy'")
    if not table.use or (strange := [way for way in table.use if way not in WAYS[whose]]):
        told = f"has no {strange[0]!r}" if table.use else "is missing"
        raise DesignError(f"{where}.use {told}; labels = {table.labels!r} can be used as {', '.join(WAYS[whose])}")
    if len(set(table.use)) < len(table.use):
        raise DesignError(f"{where}.use is {table.use}; name each way once")
    if table.rounds < 1 or (table.size is not None and table.size < 1):
        raise DesignError(f"{where}: rounds {table.rounds} and size {table.size} must be at least 1")
    for name in ("least_change", "least_entropy", "threshold"):
        value = getattr(table, name)
        if value is not None and not 0 <= value <= 1:
            raise DesignError(f"{where}.{name} is {value}; give a share from 0 to 1")
    if file.sets.controls or file.sets.explanation != "none":
        raise DesignError(f"{where}: labels stand in the place of arms; leave out sets.controls and sets.explanation")
    if whose == OWN and file.evaluation.steps:
        raise DesignError(f"{where}: rounds of own labels are told by round, not by step; leave out evaluation.steps")
    if whose == OWN and (
        file.keep == "adapters" or named_recipe(file.training.use, **file.training.rest).keeps_adapter
    ):
        raise DesignError(
            f"{where}: every round trains the model of the round before, which an adapter alone is not; keep weights"
        )


def sizes_of(settings: str) -> Pretraining:
    """Sizes of a toy model, from the end of an address; `DesignError` where one is none."""
    given = dict(parse_qsl(settings))
    known = ("hidden", "layers", "heads", "feed_forward")
    for name, value in given.items():
        if name not in known or not value.isdecimal():
            raise DesignError(
                f"supervisor.labels: {name}={value} is no size of a toy model; name some of {', '.join(known)}, e.g. "
                "model:toy?hidden=32&feed_forward=96"
            )
    return Pretraining(**{name: int(value) for name, value in given.items()})

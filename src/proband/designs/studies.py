"""Studies: a survey, the engine it is meant for, and people's answers, as one TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proband.designs.study_file import InstrumentTable, PopulationTable, checked
from proband.designs.survey.cards import Writing
from proband.designs.survey.people import PeopleSurvey, people_engine
from proband.designs.survey.survey import Survey
from proband.errors import DesignError
from proband.instruments import instrument_from_dict, load_instrument
from proband.instruments.items import Instrument
from proband.subjects import Population, load_population
from proband.subjects.personas import Code


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a study file says.

    Attributes
    ----------
    survey : Survey
        What is asked of whom.
    engine : str
        Address of who answers.
    people : PeopleSurvey or None
        Everybody in the population's file who answered the items; None where the study has no human answers.
    """

    survey: Survey
    engine: str
    people: PeopleSurvey | None = None

    @property
    def name(self) -> str:
        """Title of the study."""
        return self.survey.name


def load_study(path: str | Path, *, engine: str | None = None, sample: int | None = None) -> Study:
    """Read a study file.

    Parameters
    ----------
    path : path
        A TOML file; see ``docs/reference/study-file.md`` for its keys.
    engine : str, optional
        Address that replaces the file's.
    sample : int, optional
        Number of subjects that replaces the file's.

    Returns
    -------
    Study
        The same trials as the study written in Python.

    Raises
    ------
    DesignError, InstrumentError, DataError
        If the file cannot be read, has a key that does not exist, or describes what cannot be carried out.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DesignError(
            f"{path}: no such study file; write one, or start from examples/anes1996.toml"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DesignError(f"{path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise DesignError(f"{path}: not valid TOML: {error}; mend that line") from None
    return study_from_dict(data, where=path, engine=engine, sample=sample)


def study_from_dict(
    data: Mapping[str, Any],
    *,
    where: str | Path = "study",
    engine: str | None = None,
    sample: int | None = None,
) -> Study:
    """The study that a parsed file describes; see `load_study`."""
    file = checked(data, where)
    folder = Path(where).parent
    instrument = _instrument(file.instrument, folder, where)
    everybody = _population(file.population, folder, where)
    seed = file.seed
    size = file.population.sample if sample is None else sample
    asked = everybody if size is None else everybody.sample(size, seed)
    settings: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in file.survey.model_dump(exclude={"writing"}).items()
    }
    survey = Survey(
        instrument=instrument,
        subjects=asked,
        seed=seed,
        title=file.title,
        writing=Writing(**file.survey.writing.model_dump()),
        **settings,
    )
    people = None
    if file.people is not None:
        people = people_survey(survey, everybody, refused=tuple(file.people.refused))
    return Study(survey=survey, engine=file.engine if engine is None else engine, people=people)


def people_survey(survey: Survey, everybody: Population, *, refused: tuple[Code, ...] = ()) -> PeopleSurvey:
    """The answers of everybody in a population's file to the items of a survey.

    Those who were not sampled as personas serve as held-out people: their answers are the marginal-only
    prediction that a model has to beat.

    Parameters
    ----------
    survey : Survey
        The model's survey.
    everybody : Population
        The population its subjects were sampled from.
    refused : tuple of codes
        Codes that mean the person was asked and gave no answer.
    """
    engine = people_engine(everybody, survey.instrument, refused=refused)
    return PeopleSurvey(survey=replace(survey, subjects=everybody), engine=engine)


def _instrument(table: InstrumentTable, folder: Path, where: str | Path) -> Instrument:
    """From the catalogue or a file (`use`), or written in the study itself; cut to `only`."""
    written = table.model_extra or {}
    if table.use is None:
        instrument = instrument_from_dict(written, str(where))
    else:
        _refuse_beside_use(written, "instrument", "use, only", where)
        beside = folder / table.use
        instrument = load_instrument(beside if beside.is_file() else table.use)
    return instrument.subset(tuple(table.only)) if table.only else instrument


def _population(table: PopulationTable, folder: Path, where: str | Path) -> Population:
    """From the catalogue or a file (`use`, with the user's own `data`), or written in the study itself."""
    written = dict(table.model_extra or {})
    if table.use is None:
        if table.data is not None:
            written["data"] = table.data
        population = load_population(written, base_dir=folder)
    else:
        _refuse_beside_use(written, "population", "use, data, sample, only_where", where)
        if isinstance(table.data, dict):
            raise DesignError(f"{where}: population.data beside `use` is the path of a file")
        population = load_population(table.use, base_dir=folder, data=table.data)
    for column, values in table.only_where.items():
        population = population.where(column, values)
    return population


def _refuse_beside_use(written: Mapping[str, Any], table: str, known: str, where: str | Path) -> None:
    if written:
        raise DesignError(f"{where}: no key '{table}.{min(written)}' beside `use`; there are {known}")

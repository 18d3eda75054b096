"""Studies: a design, who answers, and people's answers, written in Python or as one TOML file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from proband import files
from proband.addresses.opening import address_beside
from proband.designs.catalogue import study_path
from proband.designs.design import Design
from proband.designs.experiment import Experiment
from proband.designs.hypotheses import Hypothesis, Promises, check_ethics
from proband.designs.kind import Kind, Shared
from proband.designs.seated import SEATS, seats_named
from proband.designs.study_file import InstrumentTable, PopulationTable, StudyFile, check_shared, kind_of
from proband.designs.survey.people import Known, PeopleSurvey, people_engine
from proband.designs.survey.survey import Survey
from proband.errors import DesignError, Gathering, meant
from proband.instruments import instrument_from_dict, load_instrument
from proband.instruments.items import Instrument
from proband.models.archive import PeopleEngine
from proband.models.engine import BaseEngine
from proband.subjects import Population, load_population
from proband.subjects.personas import Code

Engines = str | BaseEngine | Mapping[str, str | BaseEngine]


@dataclass(frozen=True)
class Study:
    """Any design with the engines that answer it.

    Attributes
    ----------
    design : Design
        What is asked of whom.
    engine : str, BaseEngine or mapping
        Who answers: an address or an engine, or one of either for each role of the design.
    people : PeopleSurvey or None
        People's answers to the same items; None where the study has none.
    promises : Promises
        Hypotheses, families of tests and stopping rule, for a lock.

    Raises
    ------
    DesignError
        If a role has no engine, or an engine no role, or a hypothesis is about what is not there.
    """

    design: Design
    engine: Engines
    people: PeopleSurvey | None = field(default=None, kw_only=True)
    promises: Promises = field(default=Promises(), kw_only=True)

    def __post_init__(self) -> None:
        len(self.cast)  # refuses roles without an engine, and engines without a role
        if self.promises.hypotheses or self.promises.families:
            object.__setattr__(self, "promises", self.promises.completed(self.design))

    @property
    def name(self) -> str:
        """Title of the study."""
        return self.design.name

    @property
    def kind(self) -> str:
        """Table of a study file that makes such a study."""
        return self.design.kind

    @cached_property
    def cast(self) -> Mapping[str, str | BaseEngine]:
        """The engine of every role; of the one role without a name, where there are no roles."""
        roles = self.design.roles() or ("",)
        named = ", ".join(map(repr, roles))
        if not isinstance(self.engine, Mapping):
            if len(roles) > 1:
                raise DesignError(
                    f"{self.name}: one engine was given, and {named} need one each; name them by role, in a study file "
                    f'as [engine] with {roles[0]} = "smollm2" and so on'
                )
            return {roles[0]: self.engine}
        unplayed = [role for role in roles if role not in self.engine]
        idle = [role for role in self.engine if role not in roles]
        if roles == ("",) and idle:
            raise DesignError(
                f"{self.name}: engines were given for {', '.join(map(repr, idle))}, and there are no roles here; give "
                'one engine, in a study file as engine = "smollm2"'
            )
        if unplayed:
            raise DesignError(
                f"{self.name}: no engine for the role {unplayed[0]!r}; the roles are {named}, and each needs one"
            )
        if idle:
            raise DesignError(
                f"{self.name}: an engine was given for {idle[0]!r}, which is no role here"
                f"{meant(idle[0], roles)}; the roles are {named}"
            )
        return {role: self.engine[role] for role in roles}

    @property
    def addresses(self) -> Mapping[str, str]:
        """Address of every role's engine."""
        return {role: who if isinstance(who, str) else who.address for role, who in self.cast.items()}

    @property
    def answered_by(self) -> str:
        """Who answers, in a line: an address, or role and address of each."""
        return ", ".join(f"{role} {address}".strip() for role, address in self.addresses.items())


def load_study(path: str | Path, *, engine: str | Mapping[str, str] | None = None, sample: int | None = None) -> Study:
    """Read a study file of any kind.

    Parameters
    ----------
    path : path
        A TOML file; see ``docs/reference/study-file.md`` for its keys. Or ``shelf:NAME``, a study that ships.
    engine : str or mapping, optional
        Address that replaces the file's; or addresses by role, which replace those of the same role.
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
    path = study_path(path)
    way_out = "write one, or start from examples/anes1996.toml"
    text = files.text_of(path, what="study file", error=DesignError, way_out=way_out)
    data = files.parsed(text, path, error=DesignError)
    return study_from_dict(data, where=path, engine=engine, sample=sample)


def study_from_dict(
    data: Mapping[str, Any],
    *,
    where: str | Path = "study",
    engine: str | Mapping[str, str] | None = None,
    sample: int | None = None,
) -> Study:
    """The study that a parsed file describes; see `load_study`."""
    found, where = Gathering(), str(where)
    kind = table = file = shared = everybody = None
    with found.part():
        kind = kind_of(data, where)
    # Other tables are no keys: either they are the kind's, or `kind_of` has refused them.
    of_kind = {name for name in data if kind and name in (kind.name, *kind.beside)} or _tables_beside(data)
    written = {name: value for name, value in data.items() if name not in of_kind}
    with found.part():
        file = files.checked(StudyFile, written, where, error=DesignError)
    if kind is not None:
        with found.part():
            table = _table_of(kind, data, where)
        with found.part():
            check_shared(kind, data, where)
    # What is sound is looked at all the same: a file is mended once, not mistake by mistake.
    file = file or files.fitting(StudyFile, written, seed=0)
    if file is not None:
        shared, everybody = _shared(file, where, sample, found, kind)
    found.settle()
    if kind is None or file is None or shared is None:  # then something was refused
        raise DesignError(f"{where}: it cannot be read as a study")
    stated = _engines_beside(file.engine, shared.folder)
    if isinstance(engine, Mapping) and isinstance(stated, dict):
        engine = {**stated, **engine}
    answering = stated if engine is None else engine
    engines = dict(answering) if isinstance(answering, Mapping) else {"": answering}
    design = kind.make(replace(shared, engines=engines, sample=sample, data=data), table)
    people = None
    if file.people is not None:
        if not isinstance(design, Survey) or everybody is None:
            raise DesignError(f"{where}: [people] stands beside a survey of a [population]; take it out")
        known = Known(margins=file.people.margins, means=file.people.means, price=file.people.price)
        told = file.people
        people = people_survey(design, everybody, refused=tuple(told.refused), again=told.again, known=known)
    promises = Promises(
        hypotheses=tuple(Hypothesis(**table.model_dump()) for table in file.hypotheses),
        families=file.families,
        stopping=file.stopping,
    )
    return Study(design, answering, people=people, promises=promises)


def _engines_beside(engine: str | dict[str, str], folder: Path) -> str | dict[str, str]:
    """The addresses of a study file, with files that lie beside it as they are found from here."""
    if isinstance(engine, str):
        return address_beside(engine, folder)
    return {role: address_beside(address, folder) for role, address in engine.items()}


def _tables_beside(data: Mapping[str, Any]) -> set[str]:
    return {name for name, value in data.items() if name not in StudyFile.model_fields and isinstance(value, Mapping)}


def _table_of(kind: Kind, data: Mapping[str, Any], where: str) -> BaseModel:
    """The table of a kind, every key known and of its type."""
    if not isinstance(data[kind.name], Mapping):
        raise DesignError(f"{where}: {kind.name} must be a table (found {data[kind.name]!r}); write [{kind.name}]")
    own, beside = data[kind.name], {name: data[name] for name in kind.beside if name in data}
    if both := sorted(own.keys() & beside.keys()):
        raise DesignError(f"{where}: {both[0]!r} stands in [{kind.name}] and beside it; keep one")
    return files.checked(kind.keys, {**own, **beside}, where, error=DesignError, at=kind.name)


def _shared(
    file: StudyFile, where: str, sample: int | None, found: Gathering, kind: Kind | None
) -> tuple[Shared, Population | None]:
    """What all kinds share, and everybody in the population; what is refused of it is gathered."""
    folder = Path(where).parent
    instrument = everybody = population = None
    with found.part():
        instrument = None if file.instrument is None else _instrument(file.instrument, folder, where, kind)
    with found.part():
        everybody = None if file.population is None else _population(file.population, folder, where)
        population = _sampled(everybody, file, None if kind is not None and kind.samples else sample, where)
    ethics = {} if file.ethics is None else {key: text for key, text in file.ethics.model_dump().items() if text}
    with found.part():
        check_ethics(tuple(file.harms), ethics)
    shared = Shared(
        title=file.title, seed=file.seed, instrument=instrument, population=population, folder=folder, where=where,
        harms=tuple(file.harms), ethics=ethics,
    )  # fmt: skip
    return shared, everybody


def people_survey(
    survey: Survey,
    everybody: Population,
    *,
    refused: tuple[Code, ...] = (),
    again: Mapping[str, str] = MappingProxyType({}),
    known: Known | None = None,
) -> PeopleSurvey:
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
    again : mapping
        Item -> column with the same people's answers on a second occasion.
    known : Known, optional
        What is known of the population that they are to stand for.

    Raises
    ------
    DesignError
        If `again` names an item or a column that is not there, or the column of the first occasion.
    """
    engine = people_engine(everybody, survey.instrument, refused=refused)
    # A covariate has to be known of the subjects, not of everybody else in the file.
    plain = replace(survey, covariates=()) if isinstance(survey, Experiment) else survey
    asked = replace(plain, subjects=everybody)
    known = known or Known()
    if not again:
        return PeopleSurvey(survey=asked, engine=engine, known=known)
    items = {item.id: item for item in survey.instrument.items}
    for name, column in again.items():
        if name not in items:
            raise DesignError(f"people.again: no item {name!r}{meant(name, items)}; there are {', '.join(items)}")
        if column not in everybody.columns:
            raise DesignError(
                f"people.again: column {column!r} of item {name!r} is not in the data{meant(column, everybody.columns)}"
                "; name the column with the second answers"
            )
        if column == items[name].data_column:
            raise DesignError(
                f"people.again: column {column!r} of item {name!r} holds the first answers; name that of the second"
            )
    later = tuple(replace(item, column=again.get(item.id, item.column)) for item in survey.instrument.items)
    both = people_engine(everybody, replace(survey.instrument, items=later), refused=refused)
    second = {name: both.answers[name] for name in again}
    other = PeopleEngine(second, name=everybody.name, source=f"{everybody.source} (second occasion)")
    return PeopleSurvey(survey=asked, engine=engine, known=known, again=PeopleSurvey(survey=asked, engine=other))


def _sampled(everybody: Population | None, file: StudyFile, sample: int | None, where: str | Path) -> Population | None:
    if file.population is None or everybody is None:
        if sample is not None:
            raise DesignError(f"{where}: there is no [population] to sample {sample} subjects from")
        return None
    size = file.population.sample if sample is None else sample
    return everybody if size is None else everybody.sample(size, file.seed)


def _instrument(table: InstrumentTable, folder: Path, where: str | Path, kind: Kind | None) -> Instrument:
    """From the catalogue or a file (`use`), or written in the study itself; cut to `only`."""
    if table.use is None:
        instrument = (instrument_from_dict if kind is None else kind.read)(table.rest, str(where))
    else:
        _refuse_beside_use(table, "instrument", where)
        beside = folder / table.use
        load = load_instrument if kind is None else kind.load
        instrument = load(beside if files.is_file(beside) else table.use)
    return instrument.subset(tuple(table.only)) if table.only else instrument


def _population(table: PopulationTable, folder: Path, where: str | Path) -> Population:
    """From the catalogue or a file (`use`, with the user's own `data`), or written in the study itself."""
    if table.use is None:
        data = {"data": table.data} if table.data is not None else {}
        population = load_population({**table.rest, **data}, base_dir=folder)
    else:
        _refuse_beside_use(table, "population", where)
        if isinstance(table.data, dict):
            raise DesignError(f"{where}: population.data beside `use` is the path of a file")
        if table.use.startswith(SEATS):
            return seats_named(table.use)
        population = load_population(table.use, base_dir=folder, data=table.data)
    if table.strata or table.psu or table.fpc:
        population = population.drawn(strata=table.strata, psu=table.psu, fpc=table.fpc)
    for column, values in table.only_where.items():
        population = population.where(column, values)
    return population


def _refuse_beside_use(table: files.OpenTable, name: str, where: str | Path) -> None:
    if table.rest:
        known = ", ".join(type(table).model_fields)
        raise DesignError(f"{where}: no key '{name}.{min(table.rest)}' beside `use`; there are {known}")

"""Population files: who can be asked, one TOML file a population, and the catalogue that ships."""

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import model_validator

from proband.errors import DataError, Gathering
from proband.files import Remark, Table, checked, parsed, text_of
from proband.shelves import Shelf
from proband.subjects.columns import check_patterns, plain_frame, set_missing
from proband.subjects.microdata import DESIGN, Microdata, inspect_microdata, read_microdata
from proband.subjects.personas import Code, Field
from proband.subjects.populations import Population


class FieldTable(Table):
    """One ``[[fields]]`` table of a population file; see `Field`."""

    column: str
    first: str
    third: str
    question: str = ""
    labels: dict[str, str] = {}
    missing: list[Code] = []
    is_number: bool = False


class DataTable(Table):
    """Where the data are: one of a package's data set, a path, or what the user has to bring."""

    package: str = ""  # e.g. statsmodels.anes96
    path: str = ""  # from the file's own folder, e.g. people.csv
    bring: str = ""  # in words, what file the user passes as `data`
    separator: str = ""
    encoding: str = ""


class PopulationFile(Table):
    """A population file, as written."""

    id: str
    title: str
    source: str
    licence: str
    language: str = "en"
    notes: str = ""  # what a user of these people should know
    data: DataTable
    id_column: str = ""  # empty for row numbers
    weight_column: str = ""  # empty for equal weights
    strata: str = ""  # columns that say how people were drawn: stratum, sampling unit within it, units there are in all
    psu: str = ""
    fpc: str = ""
    missing: list[Code] | dict[str, list[Code]] = []  # see `read_microdata`
    fields: list[FieldTable] = []

    @model_validator(mode="before")
    @classmethod
    def _by_other_names(cls, given: Any) -> Any:
        """Columns may be named with or without ``_column``."""
        if not isinstance(given, dict):
            return given
        others = {"weight": "weight_column", **{f"{role}_column": role for role in DESIGN}}
        return {others.get(key) or key: value for key, value in given.items()}


POPULATIONS: Shelf[Path | Population] = Shelf(
    what="population",
    group="proband.populations",
    of=(Path, Population),
    folders=("proband.subjects.catalogue",),
    suffix=".toml",
    way_out="; a file of your own is given by its path, which ends in .toml",
    error=DataError,
)


def catalogue() -> dict[str, str]:
    """Populations of Proband and of packages beside it: name, and one line on each; no data are read.

    Examples
    --------
    >>> catalogue()["nonvoters-2020"]
    'FiveThirtyEight/Ipsos poll on why many Americans do not vote, 15-25 September 2020 (CC BY 4.0)'
    """

    def line(found: Path | Population) -> str:
        file = found if isinstance(found, Population) else population_file(found)
        return f"{file.title} ({file.licence})"

    return POPULATIONS.lines(line)


def load_population(
    source: str | Path | Mapping[str, Any], *, base_dir: str | Path | None = None, data: str | Path | None = None
) -> Population:
    """A population by name, from its file, or from a table in a study file.

    Parameters
    ----------
    source : str, Path or mapping
        A name in the catalogue, the path of a population file, or its contents.
    base_dir : str or Path, optional
        Folder that relative paths start from; default the population file's own, else the current one.
    data : str or Path, optional
        Data file to use instead of the one that the population names.

    Raises
    ------
    DataError
        If the name is unknown, the file malformed, or its data absent or unfit; the message names the place.

    Examples
    --------
    >>> people = load_population("anes-1996")
    >>> len(people), people["1"].traits["age"]
    (944, 36)
    """
    if isinstance(source, str) and not source.lower().endswith(".toml"):
        found = POPULATIONS.load(source)
        if isinstance(found, Population):
            return found
        source = found
    file, where, home = _written(source, base_dir)
    try:
        fields = [_field(table) for table in file.fields]
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    microdata = _microdata(file, where, home, None if data is None else Path(base_dir or ".") / data)
    about = {name: getattr(file, name) for name in ("title", "source", "licence", "language")}
    return microdata.population(file.id, fields, **about)


def _written(source: str | Path | Mapping[str, Any], base_dir: str | Path | None) -> tuple[PopulationFile, str, Path]:
    """A population file as written, what messages call it, and the folder its paths start from."""
    if isinstance(source, Mapping):
        where = f"population {source.get('id', '')!r}"
        return checked(PopulationFile, source, where, error=DataError), where, Path(base_dir or ".")
    path = Path(base_dir or ".") / source
    return population_file(path), path.name, path.parent


def _field(table: FieldTable) -> Field:
    return Field(**table.model_dump() | {"missing": tuple(table.missing)})


def inspect_population(
    source: str | Path | Mapping[str, Any], *, base_dir: str | Path | None = None, data: str | Path | None = None
) -> tuple[Remark, ...]:
    """Everything that is wrong with a population and its data; arguments as of `load_population`."""
    found = Gathering()
    said: tuple[Remark, ...] = ()
    with found.part():
        file, where, home = _written(source, base_dir)
        fields = []
        for table in file.fields:
            with found.part():
                fields.append(_field(table))
        path = file.data.path if data is None else data
        if path and not file.data.package:
            settings = {**_columns(file), "missing": file.missing}
            written = {"separator": file.data.separator, "encoding": file.data.encoding}
            folder = home if data is None else Path(base_dir or ".")
            said = inspect_microdata(folder / path, fields=fields, **settings, **written)
        else:
            _microdata(file, where, home, None).population(file.id, fields)
    return (*(Remark("", problem) for error in found.errors for problem in error.problems), *said)


def population_file(path: Path) -> PopulationFile:
    """A population file, read and checked."""
    text = text_of(path, what="population file", error=DataError)
    return checked(PopulationFile, parsed(text, path.name, error=DataError), path.name, error=DataError)


def _microdata(file: PopulationFile, where: str, home: Path, given: Path | None) -> Microdata:
    """The data of a population file, or those given in their place."""
    named = [key for key in ("package", "path", "bring") if getattr(file.data, key)]
    if len(named) != 1:
        raise DataError(f"{where}: data names {' and '.join(named) or 'nothing'}; give one of package, path and bring")
    columns: dict[str, Any] = _columns(file)
    if given is None and file.data.package:
        frame = _package_frame(file.data.package, where)
        check_patterns(frame.columns, file.missing)
        return Microdata(frame=set_missing(frame, file.missing, spared=columns.values()), where=where, **columns)
    if given is None and file.data.bring:
        raise DataError(
            f"{file.id!r} comes without its data: get {file.data.bring} and pass its path as `data`; "
            f'e.g. load_population({file.id!r}, data="PATH")'
        )
    path, written = given or home / file.data.path, {"separator": file.data.separator, "encoding": file.data.encoding}
    return read_microdata(path, missing=file.missing, **columns, **written)


def _columns(file: PopulationFile) -> dict[str, str]:
    """Columns of the data that say who somebody is, and how they were drawn."""
    return {"id": file.id_column, "weight": file.weight_column, **{role: getattr(file, role) for role in DESIGN}}


def _package_frame(package: str, where: str) -> Any:
    """A data set that comes inside statsmodels, the only package that may be named."""
    import polars as pl  # not before data are read: `import proband` stays light

    name = re.fullmatch(r"statsmodels\.([a-z0-9_]+)", package)
    if not name:
        raise DataError(
            f"{where}: data.package is {package!r}; only statsmodels.NAME is known, e.g. statsmodels.anes96"
        )
    try:
        data = import_module(f"statsmodels.datasets.{name[1]}").load_pandas().data
        frame, _ = plain_frame(pl.from_pandas(data))
    # Among its data sets stand modules of another kind, and data sets that are no tables or are fetched.
    except (ImportError, AttributeError, OSError, TypeError, ValueError):
        raise DataError(
            f"{where}: statsmodels has no data set {name[1]!r} with one row per person; correct data.package"
        ) from None
    return frame

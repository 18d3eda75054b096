"""Microdata: files with one row per person, and the populations they hold."""

import csv
import gzip
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proband.errors import DataError
from proband.subjects.personas import Code, Field, Subject, code_text
from proband.subjects.populations import Population
from proband.weighting import check_weights

if TYPE_CHECKING:
    import polars as pl

Missing = Sequence[Code] | Mapping[str, Sequence[Code]]

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
SUFFIXES = (*SEPARATORS, ".parquet", ".sav", ".zsav", ".dta")


@dataclass(frozen=True, kw_only=True, eq=False)
class Microdata:
    """One row per person, as a file holds it, with its missing codes made null.

    Attributes
    ----------
    frame : polars.DataFrame
        Numbers and texts; booleans are 0 and 1, dates ISO text, whole-numbered decimals integers.
    where : str
        The file, for messages.
    id, weight : str
        Columns that tell people apart and weigh them; empty for row numbers from 1, and weights of 1.
    labels : mapping of str to mapping of code to str
        Value labels per column, where the file has them.
    titles : mapping of str to str
        Variable labels per column, where the file has them.
    """

    frame: "pl.DataFrame"
    where: str
    id: str = ""
    weight: str = ""
    labels: Mapping[str, Mapping[Code, str]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.frame.height:
            raise DataError(f"{self.where} has no rows; give a file with one row per person")
        for role, name in (("id", self.id), ("weight", self.weight)):
            if name and name not in self.frame.columns:
                raise DataError(f"{self.where} has no {role} column {name!r}; it has {self._listed}")

    @property
    def _listed(self) -> str:
        return ", ".join(self.frame.columns[:12])

    def population(self, name: str, fields: Sequence[Field] = (), **about: str) -> Population:
        """The people of the file as a population.

        Parameters
        ----------
        name : str
            How to call it in reports.
        fields : sequence of Field
            What goes into personas; a field without labels takes the file's value labels.
        **about : str
            `title`, `source`, `licence` and `language` of the population.

        Raises
        ------
        DataError
            If a field's column is unknown or empty for everyone, a code has no label, an id is missing or
            there twice, or the weights are not usable.
        """
        fields = tuple(replace(f, labels=self.labels.get(f.column, {})) if not f.labels else f for f in fields)
        columns = {f.column: self._traits(f) for f in fields}
        ids, weights = self._ids(), self._weights()
        traits = [
            {column: codes[k] for column, codes in columns.items() if codes[k] is not None}
            for k in range(self.frame.height)
        ]
        people = zip(ids, traits, weights, strict=True)
        subjects = tuple(Subject(id=id, traits=held, weight=weight) for id, held, weight in people)
        population = Population(
            name=name, subjects=subjects, fields=fields, frame=self.frame, weight_column=self.weight, **about
        )
        population.check()
        return population

    def _traits(self, field_: Field) -> list[Any]:
        """Codes of a field, row by row, None where missing; equal codes share one object."""
        if field_.column not in self.frame.columns:
            raise DataError(f"{self.where} has no column {field_.column!r} for a persona field; it has {self._listed}")
        missing = set(map(code_text, field_.missing))
        held: dict[Code, Code] = {}
        return [
            None if code is None or code_text(code) in missing else held.setdefault(code, code)
            for code in self.frame[field_.column].to_list()
        ]

    def _ids(self) -> list[str]:
        """Ids as text."""
        if not self.id:
            return [str(k) for k in range(1, self.frame.height + 1)]
        column = self.frame[self.id]
        if column.null_count():
            raise DataError(f"{self.where}: {column.null_count()} rows have no id in column {self.id!r}; fill them in")
        return [code_text(id) for id in column.to_list()]

    def _weights(self) -> list[float]:
        """Weights as floats, checked."""
        if not self.weight:
            return [1.0] * self.frame.height
        column = self.frame[self.weight]
        where = f"{self.where}, weight column {self.weight!r}"
        if not column.dtype.is_numeric():
            wrong = next((w for w in column.to_list() if not _is_number(w)), column.dtype)
            way_out = "drop those rows or take another column"
            raise DataError(f"{where}: weights must be numbers, found {wrong!r}; {way_out}")
        if column.null_count():
            raise DataError(f"{where}: {column.null_count()} rows have no weight; drop those rows or give them one")
        return [float(w) for w in check_weights(column.to_numpy(), where)]


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def read_microdata(
    path: str | Path,
    *,
    id: str = "",
    weight: str = "",
    missing: Missing = (),
    separator: str = "",
    encoding: str = "utf-8",
) -> Microdata:
    """Read a file with one row per person.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.tsv``, ``.tab`` (also with ``.gz``), ``.parquet``, SPSS ``.sav`` and ``.zsav``, or
        Stata ``.dta``. Codes that an SPSS or Stata file itself declares missing are made null.
    id, weight : str
        Column that tells people apart, and column that weighs them.
    missing : sequence of codes, or mapping of column pattern to sequence of codes
        Codes that mean "no answer": in every column but those two, or by column, as in ``{"*": [-1], "Q19_*": []}``,
        where the pattern with most letters decides. Codes are compared by their text; a column that is numeric once
        "NA" is gone becomes numeric. An empty text is always missing.
    separator : str
        Of a text file; default by its suffix.
    encoding : str
        Of a text file.

    Raises
    ------
    DataError
        If the file is absent, empty, malformed or of another kind, or names a column twice.
    """
    path = Path(path)
    suffix = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if not path.is_file():
        raise DataError(f"no data file at {path}; check the path (a study file's paths start at its own folder)")
    if suffix not in SUFFIXES:
        raise DataError(f"{path.name}: cannot read {suffix or 'a file without a suffix'}; use {', '.join(SUFFIXES)}")
    if not path.stat().st_size:
        raise DataError(f"{path.name} is empty; give a file with one row per person")
    named: dict[str, Any] = {}
    if suffix in SEPARATORS:
        frame = _read_text(path, separator or SEPARATORS[suffix], encoding, id)
    elif suffix == ".parquet":
        frame = _read_parquet(path)
    else:
        frame, named = _read_labelled(path, suffix)
    frame = set_missing(plain_frame(frame), missing, spared=(id, weight))
    return Microdata(frame=frame, where=path.name, id=id, weight=weight, **named)


def _read_text(path: Path, separator: str, encoding: str, id: str) -> "pl.DataFrame":
    import polars as pl  # not before a file is read: `import proband` stays light

    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()
        text = content.decode(encoding).removeprefix("\ufeff")
    except (OSError, EOFError, UnicodeDecodeError, LookupError) as error:
        raise DataError(f"{path.name} cannot be read as {encoding} text: {error}; give `encoding`") from None
    _check_rows(text, separator, path.name)
    kept_as_text = {id: pl.String} if id else {}  # "007" and "7" may be two people
    try:
        return pl.read_csv(text.encode(), separator=separator, infer_schema_length=None, schema_overrides=kept_as_text)
    except pl.exceptions.PolarsError as error:
        first_line = str(error).strip().splitlines()[0]
        raise DataError(f"{path.name} cannot be read as text separated by {separator!r}: {first_line}") from None


def _check_rows(text: str, separator: str, where: str) -> None:
    """Refuse what would be read as missing or renamed: rows cut short or too long, a name there twice."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = next(rows, [])
        for name in header:
            if header.count(name) > 1:
                raise DataError(f"{where}: column {name!r} is there twice; rename one of them")
        for row in rows:
            if row and len(row) != len(header):
                raise DataError(
                    f"{where}, line {rows.line_num}: {len(row)} values for {len(header)} columns; the file "
                    f"may be cut off there, or not be separated by {separator!r} (give `separator`)"
                )
    except csv.Error as error:
        raise DataError(f"{where}, line {rows.line_num}: {error}; correct that line") from None


def _read_parquet(path: Path) -> "pl.DataFrame":
    import polars as pl  # as above

    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {error}") from None


def _read_labelled(path: Path, suffix: str) -> tuple["pl.DataFrame", dict[str, Any]]:
    """An SPSS or Stata file with its value and variable labels; codes it declares missing arrive as null."""
    import pyreadstat  # as above

    read = pyreadstat.read_dta if suffix == ".dta" else pyreadstat.read_sav
    try:
        frame, meta = read(str(path), output_format="polars")
    except pyreadstat.ReadstatError as error:
        raise DataError(f"{path.name} cannot be read as {suffix}: {error}") from None
    titles = {name: title for name, title in meta.column_names_to_labels.items() if title}
    return frame, {"labels": meta.variable_value_labels, "titles": titles}


def plain_frame(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Numbers and texts only, as far as possible: see `Microdata.frame`."""
    import polars as pl  # as above

    casts = []
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if dtype.is_float():
            values = frame[name].fill_nan(None)
            is_whole = values.is_finite().all() and (values == values.round()).all() and (values.abs() < 2**53).all()
            casts.append(column.fill_nan(None).cast(pl.Int64 if is_whole else pl.Float64))
        elif dtype == pl.String:
            casts.append(pl.when(column != "").then(column))
        elif dtype == pl.Boolean:
            casts.append(column.cast(pl.Int64))
        elif dtype.is_temporal() or isinstance(dtype, pl.Categorical | pl.Enum):
            casts.append(column.cast(pl.String))
    return frame.with_columns(casts)


def set_missing(frame: "pl.DataFrame", missing: Missing, *, spared: Collection[str] = ()) -> "pl.DataFrame":
    """The frame with missing codes made null but in `spared` columns; one that is numeric without them becomes so."""
    import polars as pl  # as above

    by_pattern = missing if isinstance(missing, Mapping) else {"*": missing}
    for pattern in by_pattern:
        if not any(fnmatchcase(name, pattern) for name in frame.columns):
            raise DataError(f"missing codes for {pattern!r}, but no column is called so; correct or drop the pattern")
    columns = []
    for name in frame.columns:
        fitting = [pattern for pattern in by_pattern if fnmatchcase(name, pattern)]
        closest = max(fitting, key=lambda pattern: len(pattern.replace("*", "")), default="")
        codes = [code_text(code) for code in by_pattern.get(closest, ())]
        column = frame[name]
        if name not in spared and codes and (column.dtype.is_numeric() or column.dtype == pl.String):
            column = _without(column, codes)
        columns.append(column)
    return pl.DataFrame(columns)


def _without(column: "pl.Series", codes: Sequence[str]) -> "pl.Series":
    """A column without some codes, compared by their text."""
    import polars as pl  # as above

    held = column.unique().drop_nulls().to_list()
    gone = [value for value in held if code_text(value) in codes]
    if not gone:
        return column
    kept = column.set(column.is_in(gone), None)
    if kept.dtype != pl.String:
        return kept
    for dtype in (pl.Int64, pl.Float64):
        number = kept.cast(dtype, strict=False)
        if number.null_count() == kept.null_count():
            return number
    return kept

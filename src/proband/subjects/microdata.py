"""Microdata: files with one row per person, and the populations they hold."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proband.errors import DataError, Gathering, shown
from proband.files import Remark, Remarks, bytes_of
from proband.subjects import statfiles
from proband.subjects.columns import NO_ANSWER, Missing, check_patterns, plain_frame, set_missing
from proband.subjects.delimited import SEPARATORS, read_table
from proband.subjects.labelled import read_labelled
from proband.subjects.personas import Code, Field, Subject, code_text
from proband.subjects.populations import Population
from proband.weighting import check_weights

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (*SEPARATORS, ".parquet", *statfiles.SUFFIXES)
_OTHERS = {
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".numbers"), "save the sheet as .csv"),
    **dict.fromkeys((".sas7bdat", ".rds", ".rdata", ".feather", ".json"), "export it as .csv or .parquet"),
}
_PARQUET_FAULTS = (OSError, ValueError, TypeError, NotImplementedError)
_log = logging.getLogger(__name__)
DESIGN = {"strata": "stratum", "psu": "psu", "fpc": "fpc"}  # role of a column: attribute of a subject


@dataclass(frozen=True, kw_only=True, eq=False)
class Microdata:
    """One row per person, as a file holds it, with its missing codes made null.

    Attributes
    ----------
    frame : polars.DataFrame
        Numbers and texts; booleans are 0 and 1, dates ISO text, lengths of time ``30:00:00``, whole-numbered decimals
        integers.
    where : str
        The file, for messages.
    id, weight : str
        Columns that tell people apart and weigh them; empty for row numbers from 1, and weights of 1.
    strata, psu, fpc : str
        Columns of the stratum and the sampling unit that people were drawn from, and of the number of units that the
        stratum has (or the share of them that was drawn); empty where there are none.
    labels : mapping of str to mapping of code to str
        Value labels per column, where the file has them.
    titles : mapping of str to str
        Variable labels per column, where the file has them.
    declared : polars.DataFrame or None
        Codes that the file itself calls missing, row by row; they are null in `frame`.
    wordless : mapping of str to tuple of codes
        Codes that the file lists with an empty label, per column.
    left_out : mapping of str to str
        Columns that are neither numbers nor texts, and what they hold.
    remarks : tuple of Remark
        What was not read as it stands in the file.
    """

    frame: "pl.DataFrame"
    where: str
    id: str = ""
    weight: str = ""
    strata: str = ""
    psu: str = ""
    fpc: str = ""
    labels: Mapping[str, Mapping[Code, str]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    declared: "pl.DataFrame | None" = None
    wordless: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    def __post_init__(self) -> None:
        if not self.frame.width and self.left_out:
            raise DataError(f"{self.where} has no column of numbers or texts; it holds {', '.join(self.left_out)}")
        if not self.frame.height:
            raise DataError(f"{self.where} has no rows; give a file with one row per person")
        for role in ("id", "weight", *DESIGN):
            name = getattr(self, role)
            if name and name not in self.frame.columns:
                raise DataError(f"{self.where} has no {role} column {name!r}; {self._instead(name)}")

    def _instead(self, name: str) -> str:
        """Why there is no such column, or which there are."""
        if name in self.left_out:
            return f"it was left out, since it holds {self.left_out[name]}"
        return f"it has {', '.join(self.frame.columns[:12])}"

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
        found = Gathering()
        ids, weights, columns = list[str](), list[float](), dict[str, list[Any]]()
        drawn: list[dict[str, Any]] = [{}] * self.frame.height
        with found.part():
            ids = self._ids()
        with found.part():
            weights = self._weights()
        with found.part():
            drawn = self._drawn()
        worded = tuple(map(self._worded, fields))
        for written, field_ in zip(fields, worded, strict=True):
            with found.part():
                columns[field_.column] = self._traits(written)
                _check_words(field_, columns[field_.column])
        found.settle()
        traits = [
            {column: codes[k] for column, codes in columns.items() if codes[k] is not None}
            for k in range(self.frame.height)
        ]
        people = zip(ids, traits, weights, drawn, strict=True)
        subjects = tuple(Subject(id=id, traits=held, weight=weight, **how) for id, held, weight, how in people)
        population = Population(
            name=name,
            subjects=subjects,
            fields=worded,
            frame=self.frame,
            declared=self.declared,
            left_out=self.left_out,
            weight_column=self.weight,
            **about,
        )
        population.check()
        return population

    def _worded(self, field_: Field) -> Field:
        """A field with the file's words, if it has none of its own; of a code without words nothing is said."""
        if field_.labels or field_.column not in self.labels:
            return field_
        silent = () if field_.is_number else self.wordless.get(field_.column, ())
        if silent:
            codes = ", ".join(map(code_text, silent))
            way_out = "write `labels` to say something of it"
            _log.warning("%s, column %r: the label of code %s is empty; %s", self.where, field_.column, codes, way_out)
        return replace(field_, labels=self.labels[field_.column], missing=(*field_.missing, *silent))

    def _traits(self, field_: Field) -> list[Any]:
        """Codes of a field, row by row, None where missing; equal codes share one object.

        A code that the file calls missing, and the field has its own words for, is one that was asked for by name.
        """
        name = field_.column
        if name not in self.frame.columns:
            raise DataError(f"{self.where} has no column {name!r} for a persona field; {self._instead(name)}")
        codes = self.frame[name].to_list()
        if field_.labels and self.declared is not None and name in self.declared.columns:
            there = zip(codes, self.declared[name].to_list(), strict=True)
            codes = [code if out is None or code_text(out) not in field_.labels else out for code, out in there]
        missing = set(map(code_text, field_.missing))
        held: dict[Code, Code] = {}
        return [None if code is None or code_text(code) in missing else held.setdefault(code, code) for code in codes]

    def _ids(self) -> list[str]:
        """Ids as text."""
        if not self.id:
            return [str(k) for k in range(1, self.frame.height + 1)]
        column = self.frame[self.id]
        if column.null_count():
            raise DataError(f"{self.where}: {column.null_count()} rows have no id in column {self.id!r}; fill them in")
        ids = [code_text(id) for id in column.to_list()]
        way_out = "name the column that tells people apart, or leave the id column out to number the rows"
        twice = [f"{self.where}: id {id!r} is there twice; {way_out}" for id, n in Counter(ids).items() if n > 1]
        if twice:
            raise DataError(*twice)
        return ids

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

    def _drawn(self) -> list[dict[str, Any]]:
        """How each row was drawn: stratum, unit and size of the stratum, as far as columns are named."""
        rows: list[dict[str, Any]] = [{} for _ in range(self.frame.height)]
        for role, key in DESIGN.items():
            if not (name := getattr(self, role)):
                continue
            column = self.frame[name]
            if column.null_count():
                way_out = "drop those rows or give them one"
                raise DataError(
                    f"{self.where}, {role} column {name!r}: {column.null_count()} rows are empty; {way_out}"
                )
            if role == "fpc" and not column.dtype.is_numeric():
                raise DataError(
                    f"{self.where}, fpc column {name!r}: found {column.dtype}, and expected numbers of units"
                )
            for row, value in zip(rows, column.to_list(), strict=True):
                row[key] = float(value) if role == "fpc" else code_text(value)
        return rows


def _check_words(field_: Field, codes: Sequence[Any]) -> None:
    """Refuse every code that a field has no words for, and a word for "no answer" among numbers."""
    found = Gathering()
    texts = {code.strip() for code in codes if isinstance(code, str)} if not field_.labels else set()
    numbers = {text for text in texts if _is_number(text)}
    if numbers and all(text.lower() in NO_ANSWER for text in texts - numbers) and (words := sorted(texts - numbers)):
        way_out = "list it in missing, or give every code its label"
        with found.part():
            raise DataError(f"persona field {field_.column!r}: {words[0]!r} stands among numbers; {way_out}")
    for code in dict.fromkeys(codes):
        if code is not None:
            with found.part():
                field_.value(code)
    found.settle()


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
    encoding: str = "",
    **design: str,
) -> Microdata:
    """Read a file with one row per person.

    Rows on which nothing stands are no people, nor are header rows that survey platforms write below the first.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.tsv``, ``.tab`` (also with ``.gz``), ``.parquet``, SPSS ``.sav``, ``.zsav`` and ``.por``, Stata
        ``.dta``, or SAS ``.xpt``. Codes that an SPSS or Stata file itself declares missing are made null, and kept
        beside.
    id, weight : str
        Column that tells people apart, and column that weighs them.
    missing : sequence of codes, or mapping of column pattern to sequence of codes
        Codes that mean "no answer": in every column but those two, or by column, as in ``{"*": [-1], "Q19_*": []}``,
        where the pattern with most letters decides. Codes are compared by their text; a column that is numeric once
        "NA" is gone becomes numeric. An empty text is always missing.
    separator : str
        Of a text file; default by its suffix, or what else stands in its first line.
    encoding : str
        Default by the file's byte order mark, or UTF-8; of SPSS, Stata and SAS files, what they say themselves.
    **design
        `strata`, `psu` and `fpc`: columns that say how people were drawn, as in `Microdata`.

    Raises
    ------
    DataError
        If the file is absent, empty, malformed or of another kind, or names a column twice.
    """
    remarks = Remarks()
    settings: dict[str, Any] = {"id": id, "weight": weight, "missing": missing, **design}
    try:
        read = _read(Path(path), settings, separator, encoding, remarks)
    finally:
        remarks.settle(DataError)
    for remark in read.remarks:
        _log.warning("%s", remark)
    return read


def inspect_microdata(path: str | Path, *, fields: Sequence[Field] = (), **settings: Any) -> tuple[Remark, ...]:
    """Everything that is wrong with a data file, and what is not read as it stands, without stopping at the first.

    Parameters
    ----------
    path : str or Path
        As in `read_microdata`.
    fields : sequence of Field
        What personas will say.
    **settings
        `id`, `weight`, `missing`, `separator`, `encoding`, `strata`, `psu` and `fpc`, as in `read_microdata`.

    Returns
    -------
    tuple of Remark
        Empty where all is well; `is_wrong` tells what is refused from what is only said.
    """
    remarks = Remarks()
    separator, encoding = settings.pop("separator", ""), settings.pop("encoding", "")
    columns = {"id": "", "weight": "", "missing": (), **settings}
    try:
        _read(Path(path), columns, separator, encoding, remarks).population("inspected", fields)
    except DataError as error:
        return (*remarks.found, *(Remark("", problem) for problem in error.problems))
    return tuple(remarks.found)


def _read(path: Path, settings: Mapping[str, Any], separator: str, encoding: str, remarks: Remarks) -> Microdata:
    import polars as pl  # not before a file is read: `import proband` stays light

    id, weight, missing = settings["id"], settings["weight"], settings["missing"]
    design = {role: settings.get(role, "") for role in DESIGN}
    suffix = _suffix_of(path)
    held: dict[str, Any] = {}
    declared, decimal_comma = pl.DataFrame(), False
    if separator and suffix not in SEPARATORS:
        raise DataError(f"{path.name}: a {suffix} file has no separator; take `separator` out")
    if suffix in SEPARATORS:
        table = read_table(path, SEPARATORS[suffix], separator=separator, encoding=encoding, id=id, remarks=remarks)
        frame, decimal_comma, held["titles"] = table.frame, table.decimal_comma, table.titles
    elif suffix == ".parquet":
        frame = _read_parquet(path)
    else:
        labelled = read_labelled(path, suffix, encoding, remarks)
        frame, declared = labelled.frame, labelled.declared
        held = {name: getattr(labelled, name) for name in ("labels", "wordless", "titles", "left_out")}
        if labelled.weight and not weight:
            what = f"the file weighs its people by column {labelled.weight!r}"
            remarks.say(path.name, what, "name it as the weight column")
    frame, left_out = plain_frame(frame)
    held["left_out"] = {**held.get("left_out", {}), **left_out}
    for name, kind in held["left_out"].items():
        remarks.say(f"{path.name}, column {name!r}", f"left out, since it holds {kind}")
    if frame.height:
        is_somebody = pl.any_horizontal(pl.all().is_not_null())
        kept = frame.select(is_somebody).to_series()
        if declared.width:
            kept = kept | declared.select(is_somebody).to_series()
        if n := int((~kept).sum()):
            remarks.say(path.name, f"{n} rows are empty, so no people; left out")
            frame, declared = frame.filter(kept), declared.filter(kept) if declared.width else declared
    check_patterns(frame.columns, missing)
    spared = (id, weight, *design.values())
    frame = set_missing(frame, missing, spared=spared, decimal_comma=decimal_comma)
    declared = set_missing(declared, missing, spared=spared)
    return Microdata(
        frame=frame, where=path.name, id=id, weight=weight, declared=declared, remarks=tuple(remarks.found), **design,
        **held,
    )  # fmt: skip


def _suffix_of(path: Path) -> str:
    """What kind of file it is; one that is not there, or of no kind that is read, is refused."""
    suffix = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    try:
        is_there, is_file = path.exists(), path.is_file()
        is_empty = is_file and not path.stat().st_size
    except OSError as error:  # e.g. a name too long
        raise DataError(f"{path.name[:60]} cannot be read ({error.strerror}); check the path") from None
    if not is_there:
        raise DataError(f"no data file at {shown(path)}; check the path (a study file's paths start at its own folder)")
    if not is_file:
        raise DataError(f"{path.name} is no regular file; give a file with one row per person")
    if suffix not in SUFFIXES or (path.suffix.lower() == ".gz" and suffix not in SEPARATORS):
        ending = "".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else suffix
        way_out = _OTHERS.get(suffix, "")
        raise DataError(
            f"{path.name}: cannot read {ending or 'a file without a suffix'}; use {', '.join(SUFFIXES)}"
            f"{'; ' * bool(way_out)}{way_out}"
        )
    if is_empty:
        raise DataError(f"{path.name} is empty; give a file with one row per person")
    return suffix


def _read_parquet(path: Path) -> "pl.DataFrame":
    import polars as pl  # as above
    import pyarrow  # it refuses damaged files, where others end the process
    from pyarrow import parquet

    try:
        table = parquet.read_table(pyarrow.BufferReader(bytes_of(path, what="data file", error=DataError)))
        table.validate(full=True)
        frame = pl.from_arrow(table.replace_schema_metadata(None))  # notes that are no text make polars panic
    # A panic of polars is no Exception.
    except (*_PARQUET_FAULTS, pyarrow.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path.name} cannot be read as Parquet: {first_line}; export it again") from None
    assert isinstance(frame, pl.DataFrame)
    return frame

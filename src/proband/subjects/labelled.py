"""SPSS, Stata and SAS files: values, labels, and which codes the file itself calls missing."""

import calendar
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from proband.errors import DataError
from proband.files import Remarks, text_encoding
from proband.subjects import statfiles
from proband.subjects.calendars import teller_of
from proband.subjects.columns import shortest, whole_where_whole
from proband.subjects.personas import Code

if TYPE_CHECKING:
    import polars as pl

# SPSS shows these numbers by their names.
_NAMED: dict[str, dict[Any, str]] = {
    "WKDAY": {k: calendar.day_name[k - 2] for k in range(1, 8)},
    "MONTH": {k: calendar.month_name[k] for k in range(1, 13)},
}


@dataclass
class Labelled:
    """What a labelled file holds.

    Attributes
    ----------
    frame : polars.DataFrame
        Values; what the file calls missing is null.
    declared : polars.DataFrame
        Codes that the file calls missing, by row; columns that have any. Stata's are ``.a`` to ``.z``.
    labels : mapping of str to mapping of code to str
        Words of codes, without those that the file leaves empty.
    wordless : mapping of str to tuple of codes
        Codes that are listed with an empty label.
    titles : mapping of str to str
        Variable labels.
    left_out : mapping of str to str
        Columns that hold no numbers or texts, and what they hold.
    weight : str
        The column that the file weighs its people by, if it says so.
    """

    frame: "pl.DataFrame"
    declared: "pl.DataFrame"
    labels: dict[str, dict[Code, str]] = field(default_factory=dict)
    wordless: dict[str, tuple[Code, ...]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    weight: str = ""


def read_labelled(path: Path, suffix: str, encoding: str, remarks: Remarks) -> Labelled:
    """Read a labelled file; `encoding`, if any, is used in place of the one that the file names."""
    import polars as pl  # as in `microdata`

    columns, about, left_out = _columns(path, suffix, encoding)
    held, declared = [], []
    found = Labelled(pl.DataFrame(), pl.DataFrame(), left_out=left_out)
    for name, values in columns.items():
        labels = _labels(about, name)
        told = _told(name, {*values, *labels}, about, suffix, path.name, remarks)
        clean, codes = _split(values, about, name)
        held.append(_column(name, [told.get(value, value) for value in clean], about))
        codes = [told.get(code, code) for code in codes]
        if any(code is not None for code in codes):
            texts = pl.Series(name, codes, dtype=pl.String if isinstance(_first(codes), str) else pl.Float64)
            declared.append(texts if texts.dtype == pl.String else whole_where_whole(texts))
        if labels:
            # Of a date, only those codes have a label that are none.
            by_code: dict[Code, str] = {text: text for text in told.values()}
            by_code |= {f".{c}" if _is_tag(c, about, name) else told.get(c, c): labels[c] for c in labels}
            found.labels[name] = {code: label for code, label in by_code.items() if label.strip(" .\u2026")}
            if silent := tuple(code for code in by_code if code not in found.labels[name]):
                found.wordless[name] = silent
    found.frame, found.declared = pl.DataFrame(held), pl.DataFrame(declared)
    found.titles = {name: title for name, title in about["column_names_to_labels"].items() if title}
    for name, group in (about["mr_sets"] or {}).items():
        listed = ", ".join(group["variable_list"])
        remarks.say(path.name, f"{listed} are one question with several answers ({name})", "write one item for each")
    found.weight = _weight_of(path, about) if suffix in (".sav", ".zsav") else ""
    return found


def _columns(path: Path, suffix: str, encoding: str) -> tuple[dict[str, list[Any]], dict[str, Any], dict[str, str]]:
    """Columns and what is said of them, and the columns of bytes that are no text."""
    settings: dict[str, Any] = {}
    if encoding:
        if suffix == ".por":
            raise DataError(f"{path.name}: a .por file is read without `encoding`; take it out")
        settings["encoding"] = text_encoding(encoding, path.name, error=DataError)
        if b"A1".decode(settings["encoding"], "replace") != "A1":
            way_out = "name the one of its texts, e.g. windows-1252"
            raise DataError(f"{path.name}: no {suffix} file is in the encoding {encoding!r}; {way_out}")
    try:
        if _may_be_utf8(path, suffix, encoding):
            with suppress(statfiles.NotText):
                return *statfiles.read(path, suffix, encoding="utf-8"), {}
        try:
            return *statfiles.read(path, suffix, **settings), {}
        except statfiles.NotText:
            left_out = _of_bytes(path, suffix, settings)
            if not left_out:
                raise
            _, about = statfiles.read(path, suffix, **settings, metadataonly=True)
            kept = [name for name in about["column_names"] if name not in left_out]
            return *statfiles.read(path, suffix, **settings, usecols=kept), left_out
    except statfiles.NotText as error:
        given = f"{encoding!r} does not fit" if encoding else "the encoding that it names does not fit"
        way_out = "give `encoding`, e.g. windows-1252"
        raise DataError(f"{path.name} cannot be read as {suffix}: {given} its texts ({error}); {way_out}") from None
    except statfiles.Unreadable as error:
        raise DataError(f"{path.name} cannot be read as {suffix}: {error}; save it anew, or as .csv") from None


def _may_be_utf8(path: Path, suffix: str, encoding: str) -> bool:
    """Whether the texts are in an encoding that the file does not tell, which other programs than Stata make UTF-8."""
    with path.open("rb") as file:
        head = file.read(40)
    return suffix == ".dta" and not encoding and (not head.startswith(b"<stata_dta>") or b"<release>117" in head)


def _of_bytes(path: Path, suffix: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Columns of Stata's long strings (strL, which have no width) that hold pictures or other bytes."""
    if suffix != ".dta":
        return {}
    _, about = statfiles.read(path, suffix, **settings, metadataonly=True)
    found = {}
    for name, kind in about["readstat_variable_types"].items():
        if kind == "string" and not about["variable_storage_width"][name]:
            try:
                statfiles.read(path, suffix, **settings, usecols=[name])
            except statfiles.NotText:
                found[name] = "bytes that are no text"
    return found


def _split(values: list[Any], about: Mapping[str, Any], name: str) -> tuple[list[Any], list[Any]]:
    """A column's values without those the file calls missing, and these."""
    tags = set(about["missing_user_values"].get(name, ()))
    ranges = about["missing_ranges"].get(name, ())
    if tags:
        is_missing = [value in tags for value in values]
        codes = [f".{value}" if is_out else None for value, is_out in zip(values, is_missing, strict=True)]
    elif ranges:
        # The ends LO and HI arrive as the lowest and highest numbers there are.
        is_missing = [_lies_in(value, ranges) for value in values]
        codes = [value if is_out else None for value, is_out in zip(values, is_missing, strict=True)]
    else:
        return values, []
    return [None if is_out else value for value, is_out in zip(values, is_missing, strict=True)], codes


def _lies_in(value: Any, ranges: list[dict[str, Any]]) -> bool:
    if value is None:
        return False
    if isinstance(value, str):
        return any(isinstance(r["lo"], str) and value.rstrip() == r["lo"].rstrip() for r in ranges)
    return any(not isinstance(r["lo"], str) and r["lo"] <= value <= r["hi"] for r in ranges)


def _labels(about: Mapping[str, Any], name: str) -> dict[Any, str]:
    """Words of a column's codes, as the file has them, or as SPSS shows what has a name."""
    format = re.sub(r"[0-9]", "", about["original_variable_types"].get(name) or "")
    return about["variable_value_labels"].get(name) or _NAMED.get(format, {})


def _told(
    name: str, values: Collection[Any], about: Mapping[str, Any], suffix: str, where: str, remarks: Remarks
) -> dict[float, str]:
    """Dates and times in words, by their numbers; empty where a column holds none."""
    format = about["original_variable_types"].get(name) or ""
    if about["readstat_variable_types"].get(name) == "string":
        return {}
    if teller := teller_of(format, suffix):
        try:
            return {value: teller(value) for value in values if isinstance(value, int | float)}
        except (ValueError, OverflowError):
            remarks.say(f"{where}, column {name!r}", f"not all numbers are dates of the form {format}; read as numbers")
    elif format.startswith("%tb"):
        remarks.say(f"{where}, column {name!r}", "days of a business calendar, read as their numbers")
    return {}


def _column(name: str, values: list[Any], about: Mapping[str, Any]) -> "pl.Series":
    """A column as texts or numbers; dates and times are in words already."""
    import polars as pl  # as in `microdata`

    kind = about["readstat_variable_types"].get(name)
    if kind == "string" or any(isinstance(value, str) for value in values):
        return pl.Series(name, values, dtype=pl.String)
    numbers = pl.Series(name, values, dtype=pl.Float64, strict=False)
    return shortest(numbers, is_single=True) if kind == "float" else numbers


def _weight_of(path: Path, about: Mapping[str, Any]) -> str:
    """The column that an SPSS file weighs by: its header has the place in records of 8 bytes, long texts have several.

    Where the columns before it are very long texts, which are cut into several columns, the place is not looked up.
    """
    with path.open("rb") as file:
        header = file.read(80)
    order: Literal["little", "big"] = "little" if header[64:68] in (b"\2\0\0\0", b"\3\0\0\0") else "big"
    wanted, place = int.from_bytes(header[76:80], order), 1
    for name in about["column_names"]:
        if place == wanted:
            return str(name)
        is_text = about["readstat_variable_types"][name] == "string"
        width = about["variable_storage_width"][name] if is_text else 8
        if width > 255:
            return ""
        place += -(-width // 8)
    return ""


def _is_tag(code: Code, about: Mapping[str, Any], name: str) -> bool:
    """Whether a code is one of Stata's missing values with a letter."""
    is_text = about["readstat_variable_types"].get(name) == "string"
    return not is_text and isinstance(code, str) and len(code) == 1


def _first(codes: list[Any]) -> Any:
    return next(code for code in codes if code is not None)

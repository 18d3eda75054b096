"""Files that users write: text and its rows, TOML checked against a model of its keys, one wording of what is wrong."""

import codecs
import csv
import io
import json
import re
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from proband.errors import ProbandError, meant, shown

_WORDS = {
    **{"string_type": "text", "float_type": "a number", "bool_type": "true or false"},
    **dict.fromkeys(("int_type", "int_from_float"), "a whole number"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "a table"),
}

M = TypeVar("M", bound=BaseModel)

SEPARATORS = ",;\t| :"
ENCODINGS = "utf-8, utf-16, windows-1252, iso8859-1, shift_jis, big5, gb18030"  # shown; all of Python's are read
_LONGEST_CELL = 2**26  # characters, of a table that is read row by row: a quotation mark may never be closed
_NO_TEXT = frozenset({"punycode", "undefined", "idna", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})
_MARKS = {  # a file that begins so says itself how it is written; the longer ones first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was found in a file: where it stands, what it is, and the way out.

    `is_wrong` tells what is refused from what was read and is only said, e.g. that header rows were left out.
    """

    where: str
    what: str
    way_out: str = ""
    is_wrong: bool = True

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.where, self.what))) + (f"; {self.way_out}" if self.way_out else "")


class Remarks:
    """What is found while a file is read, which goes on behind what is wrong."""

    def __init__(self) -> None:
        self.found: list[Remark] = []

    def say(self, where: str, what: str, way_out: str = "") -> None:
        """Keep what was read, but not as it stands."""
        self.found.append(Remark(where, what, way_out, is_wrong=False))

    def refuse(self, where: str, what: str, way_out: str) -> None:
        """Keep what is wrong."""
        self.found.append(Remark(where, what, way_out))

    def settle(self, error: type[ProbandError]) -> None:
        """Raise what is wrong, as one error."""
        if wrong := [str(remark) for remark in self.found if remark.is_wrong]:
            raise error(*wrong)


class Table(BaseModel):
    """Base of every table of keys: a key that is not in it, or of another type, is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class OpenTable(Table):
    """A table whose further keys are checked by whoever takes them; they are its `rest`."""

    model_config = ConfigDict(extra="allow")

    @property
    def rest(self) -> dict[str, Any]:
        """The keys it does not know."""
        return dict(self.model_extra or {})


def text_of(path: Path, *, what: str, error: type[ProbandError], way_out: str = "check the path") -> str:
    """A file's text.

    Messages call it `what` (e.g. ``study file``) and say with `way_out` what to do where there is no such file; `error`
    is raised where it cannot be read.
    """
    return decoded(bytes_of(path, what=what, error=error, way_out=way_out), path, error=error)


def bytes_of(path: Path, *, what: str, error: type[ProbandError], way_out: str = "check the path") -> bytes:
    """What a regular file holds: a pipe would wait for ever, a device has no end."""
    try:
        # A pipe or a device may never end; opening it is what hangs.
        if path.exists() and not path.is_file():
            raise error(f"{path}: no regular file, so no {what}; {way_out}")
        return path.read_bytes()
    except FileNotFoundError:
        raise error(f"{path}: no such {what}; {way_out}") from None
    except OSError as failure:
        raise error(f"{shown(path)}: cannot be read ({failure.strerror or failure}); check the path") from None
    except ValueError as failure:  # a NUL in the name
        raise error(f"{shown(path)}: no such {what} ({failure}); {way_out}") from None


def decoded(
    content: bytes,
    where: str | Path,
    *,
    error: type[ProbandError],
    encoding: str = "",
    way_out: str = "save the file as UTF-8",
) -> str:
    """The text that bytes are, in the encoding named, else in that of their byte order mark, else in UTF-8.

    What holds NUL bytes is no text, or a text in another encoding, and is refused with its line.
    """
    named = encoding_of(content, where, error=error, encoding=encoding)
    try:
        text = content.decode(named).removeprefix("\ufeff")
    except UnicodeError as failure:
        start = failure.start if isinstance(failure, UnicodeDecodeError) else 0
        line = content.count(b"\n", 0, start) + 1
        name = named.removesuffix("-sig").upper()
        raise error(f"{where}, line {line}: byte {start} is not {name}; {way_out}") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise error(f"{where}, line {line}: a NUL byte, which no text has; {way_out}, or export it again")
    return text


def encoding_of(content: bytes, where: str | Path, *, error: type[ProbandError], encoding: str = "") -> str:
    """How bytes are written: as their byte order mark says, else as named, else in UTF-8."""
    known = text_encoding(encoding, where, error=error) if encoding else "utf-8"
    return next((name for mark, name in _MARKS.items() if content.startswith(mark)), known)


def text_encoding(name: str, where: str | Path, *, error: type[ProbandError]) -> str:
    """Python's name of a text encoding; any other is refused, with the choices."""
    try:
        found = codecs.lookup(name)
        is_text = found._is_text_encoding and found.name not in _NO_TEXT
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        raise error(f"{where}: encoding {name!r} is none; write one of {ENCODINGS}, or another that Python knows")
    return found.name


def separator_of(text: str, expected: str) -> str:
    """What separates the cells of a table: the one expected, unless only another stands in the first line.

    Spreadsheets write the separator of the country they are used in.
    """
    head = re.sub(r'"[^"]*"', "", re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0])
    others = [mark for mark in ";\t|" if mark in head]
    return expected if expected in head or not others else max(others, key=head.count)


def rows_of(
    text: str | TextIO, separator: str, where: str | Path, *, error: type[ProbandError]
) -> Iterator[tuple[int, list[str]]]:
    """Rows of a table, each with the line it begins in; lines on which nothing stands are passed over.

    A file that is read as it is needed is opened with ``newline=""``.
    """
    if len(separator) != 1 or separator not in SEPARATORS:
        marks = " ".join(map(repr, SEPARATORS))
        raise error(f"{where}: separator {separator!r} is none; write one of {marks}")
    # A quotation mark behind ", " opens a text as well; `strict` refuses one that is never closed.
    longest = len(text) if isinstance(text, str) else _LONGEST_CELL
    csv.field_size_limit(max(csv.field_size_limit(), longest))  # a long interview is no mistake
    style: dict[str, Any] = {"delimiter": separator, "strict": True, "skipinitialspace": separator != " "}
    reader = csv.reader(io.StringIO(text, newline="") if isinstance(text, str) else text, **style)
    line = 1
    try:
        for row in reader:
            if any(cell and not cell.isspace() for cell in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as failure:
        reason = str(failure).replace("unexpected end of data", "a quotation mark opens a text that never ends")
        way_out = f"correct that line, and quote texts that hold {separator!r}"
        raise error(f"{where}, line {line}: {reason}; {way_out}") from None


def table_rows(
    text: str, where: str | Path, needed: Sequence[str], *, error: type[ProbandError]
) -> list[tuple[str, dict[str, str]]]:
    """Rows of a table that people wrote, each with the place it stands at, cells without the spaces around them.

    Refused are a column that is missing or there twice, and a row with more cells than there are columns.
    """
    lines = rows_of(text, separator_of(text, ","), where, error=error)
    header = [name.strip() for name in next(lines, (1, list[str]()))[1]]
    if missing := [name for name in needed if name not in header]:
        there = ", ".join(header) or "none"
        raise error(f"{where}: no column {missing[0]!r}{meant(missing[0], header)}; there are {there}")
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise error(f"{where}: two columns are called {twice!r}; rename one of them")
    rows = []
    for line, cells in lines:
        if len(cells) > len(header):
            raise error(f"{where}, line {line}: {len(cells)} cells for {len(header)} columns; quote texts with commas")
        filled = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
        rows.append((f"{where}, line {line}", dict(zip(header, filled, strict=True))))
    return rows


def is_file(path: Path) -> bool:
    """Whether a regular file stands at a path; nothing does under a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def check_name(path: Path, *, error: type[ProbandError]) -> None:
    """Refuse a path that no file can have, because it is too long or holds a NUL; whether one is there is open."""
    try:
        path.exists()
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise error(f"{shown(path)}: no name that a file can have ({reason}); give another") from None


def parsed(text: str, where: str | Path, *, error: type[ProbandError]) -> dict[str, Any]:
    """The tables of a TOML text."""
    try:
        return tomllib.loads(text)
    # A whole number of thousands of digits is a ValueError of another kind.
    except ValueError as failure:
        place = str(failure).replace("at end of document", f"at line {len(text.splitlines())}, the end of the file")
        way_out = 'write key = "text" in straight quotes, close every bracket'
        raise error(f"{where}: not valid TOML: {place}; {way_out}") from None
    except RecursionError:
        raise error(f"{where}: lists or tables stand too deep in one another; take some levels out") from None


def in_toml(value: object) -> str:
    """A text, number, list or table as TOML writes it on one line."""
    if isinstance(value, Mapping):
        inner = (f"{json.dumps(key)} = {in_toml(held)}" for key, held in value.items() if held is not None)
        return "{ " + ", ".join(inner) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(in_toml, value)) + "]"
    # JSON's strings are TOML's, but for DEL, which TOML wants escaped; surrogates are whole without ASCII escapes.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def beside(module: str) -> dict[str, Any]:
    """The tables of the TOML file that stands beside a module under its name: what is data, rather than code."""
    return tomllib.loads(Path(module).with_suffix(".toml").read_text(encoding="utf-8"))


def checked(
    model: type[M], data: Mapping[str, Any], where: str | Path, *, error: type[ProbandError], at: str = ""
) -> M:
    """Parsed tables as a model, every key known and of its type.

    Parameters
    ----------
    model : type
        A pydantic model; the first of a field's `examples` is shown where the field is missing.
    data : mapping
        What was parsed.
    where : str or path
        What the file is called in messages.
    error : type
        Raised for what is wrong, with every mistake: an unknown key with the keys there are, a missing one with an
        example, a wrong type with what was found.
    at : str
        Dotted name of the table that `data` is, in front of every key.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as failure:
        raise error(*_clauses(failure, model, data, at), where=where) from None


def fitting(model: type[M], data: Mapping[str, Any], *, needed: Sequence[str] = (), **stand_ins: object) -> M | None:
    """What is sound of parsed tables that were refused, so that the rest can be looked at too.

    Entries of lists, and keys, are left out where they are wrong, `stand_ins` taking the place of keys that must be
    there. None where one of the `needed` tables is wrong: what depends on it would be found wrong without being so.
    """
    left = {**stand_ins, **data}
    for turn in range(4):
        try:
            return model.model_validate(left)
        except ValidationError as failure:
            details = failure.errors(include_url=False)
        # Unknown keys of entries go first, and an entry only where it is wrong without them.
        extra = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden" and len(detail["loc"]) == 3]
        wrong = {detail["loc"][:2] for detail in details} - {loc[:2] for loc in extra if not turn}
        for key, k, name in extra if not turn else ():
            entries = left[str(key)]
            if isinstance(entries, list):
                without = {n: value for n, value in entries[int(k)].items() if n != name}
                left[str(key)] = [*entries[: int(k)], without, *entries[int(k) + 1 :]]
        for key in {str(loc[0]) for loc in wrong}:
            held = left.pop(key, None)
            if key in needed:
                return None
            if isinstance(held, list):
                left[key] = [entry for k, entry in enumerate(held) if (key, k) not in wrong]
        left = {**stand_ins, **left}
    return None


def _clauses(failure: ValidationError, model: type[BaseModel], data: Mapping[str, Any], at: str) -> list[str]:
    # A key that may be one of several types has an error for each: they are one mistake.
    mistakes: dict[tuple[int | str, ...], list[ErrorDetails]] = {}
    for detail in failure.errors(include_url=False):
        mistakes.setdefault(_path(detail["loc"], model), []).append(detail)
    # Where one type of a union went deeper than another, it is the one that was meant.
    deepest = [p for p in mistakes if not any(len(q) > len(p) and q[: len(p)] == p for q in mistakes)]
    return [_clause(path, mistakes[path], model, *_named(path, data, at)) for path in deepest]


def _clause(
    path: tuple[int | str, ...], details: Sequence[ErrorDetails], model: type[BaseModel], place: str, key: str
) -> str:
    kind = details[-1]["type"]
    if kind == "extra_forbidden":
        known = list(_model_at(model, path[:-1]).model_fields)
        return f"{place}no key {key!r}{meant(str(path[-1]), known)}; there are {', '.join(known)}"
    if kind == "missing":
        field = _model_at(model, path[:-1]).model_fields[str(path[-1])]
        example = f", e.g. {field.examples[0]}" if field.examples else ""
        return f"{place}{key} is missing; add it{example}"
    found = repr(details[0]["input"])
    found = found if len(found) <= 60 else f"{found[:60]}..."
    if all(detail["type"] in _WORDS or detail["type"] == "literal_error" for detail in details):
        wanted = dict.fromkeys(
            _WORDS.get(detail["type"]) or f"one of {detail['ctx']['expected'].replace(' or ', ', ')}"
            for detail in details
        )
        return f"{place}{key or 'it'} must be {' or '.join(wanted)} (found {found})"
    told = details[0]["msg"].removeprefix("Value error, ")
    return f"{place}{key or 'it'}: {told[0].lower()}{told[1:]} (found {found})"


def _named(path: Sequence[int | str], data: Mapping[str, Any], at: str) -> tuple[str, str]:
    """``item 3 ('vote'): `` for a path through a list of tables, and the key within it."""
    place, key = "", [at] if at else []
    entry: Any = data
    for part in path:
        try:
            entry = entry[part]
        except (KeyError, IndexError, TypeError):
            entry = None
        if isinstance(part, int) and isinstance(entry, Mapping):
            id = f" ({entry['id']!r})" if "id" in entry else ""
            place += f"{'.'.join(key).removesuffix('s')} {part + 1}{id}: "
            key = []
        else:
            key.append(str(part + 1 if isinstance(part, int) else part))
    return place, ".".join(key)


def _path(loc: Sequence[int | str], model: type[BaseModel]) -> tuple[int | str, ...]:
    """Where an error is, without the names of types that pydantic puts among the keys of a union."""
    path: list[int | str] = []
    places: list[Any] = [model]
    for part in loc:
        inner = [found for place in places for found in _under(place, part)]
        if inner or (part == loc[-1] and any(_is_table(place) for place in places)):
            places = inner
            path.append(part)
    return tuple(path)


def _model_at(model: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel]:
    places: list[Any] = [model]
    for part in path:
        places = [found for place in places for found in _under(place, part)]
    return next((place for place in places if _is_table(place)), model)


def _under(place: Any, part: int | str) -> list[Any]:
    """What may stand under a key or an index of a type, one entry for each type of a union."""
    if _is_table(place):
        field = place.model_fields.get(part)
        return _alternatives(field.annotation) if field else []
    origin, given = get_origin(place), get_args(place)
    if origin is list or origin is tuple:
        return _alternatives(given[0]) if isinstance(part, int) else []
    # The names of types that pydantic reports are no keys a user wrote.
    if origin is dict and isinstance(part, str) and "[" not in part:
        return _alternatives(given[1])
    return []


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for each in get_args(annotation) for inner in _alternatives(each)]
    return [annotation]


def _is_table(place: Any) -> bool:
    return isinstance(place, type) and issubclass(place, BaseModel)

"""People's codes from files: tables long and wide, and what annotation programs write; checked as a whole."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proband.errors import DataError, DesignError, ProbandError, meant
from proband.files import Remark, Remarks, text_of
from proband.texts.gold.annotations import (
    USER_STATE,
    Given,
    from_label_studio,
    from_potato,
    from_potato_export,
    json_lines,
)
from proband.texts.gold.tables import Question, Row, read_table

_ENDINGS = (".csv", ".tsv", ".json", ".jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of people's codes, and what its columns and codes mean.

    Attributes
    ----------
    path : Path
        The file.
    coder : str
        Who coded, where the file does not say; the name of the file by default.
    document : str
        Column of the documents' ids.
    columns : mapping of str to str
        Column -> item, of a wide table whose columns are not called like the items.
    codes : mapping of str to str
        What stands in the file -> code of the codebook.
    is_cut : bool
        Whether rows of documents that are not in the sample are left out rather than refused.
    """

    path: Path
    coder: str = ""
    document: str = "document"
    columns: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Codes of people, one row a (document, coder, item), sorted, and what was decided while they were read."""

    rows: tuple[Row, ...]
    remarks: tuple[Remark, ...]


def files_in(folder: Path) -> list[Path]:
    """Files of codes that lie in a folder: tables, exports, and user states of Potato, each under its user's name."""
    if not folder.is_dir():
        return []
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file())
    # Potato keeps its own accounts beside the answers.
    with_states = {path.parent.parent for path in found if path.name == USER_STATE}
    return [p for p in found if p.name == USER_STATE or not any(root in p.parents for root in with_states)]


def read_codes(sources: Sequence[Source], questions: Mapping[str, Question], documents: Collection[str]) -> Imported:
    """The codes of all sources together.

    Parameters
    ----------
    sources : sequence of Source
        Files.
    questions : mapping of str to Question
        Of the codebook, by item.
    documents : collection of str
        The documents that were drawn.

    Returns
    -------
    Imported

    Raises
    ------
    DataError
        With everything that is wrong: a code that is not in the codebook, a document that was not drawn, an item that
        is not asked, two answers of one coder to one question of one document.
    """
    remarks, seen = Remarks(), dict[tuple[str, str, str], Given]()
    drawn = set(documents)
    read: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for source in sources:
        n_cut = 0
        for given in _given(source, questions, remarks):
            if given.document not in drawn and source.is_cut:
                n_cut += 1
            elif code := _checked(given, source, questions, drawn, remarks):
                key = given.document, given.coder, given.item
                is_more = questions[given.item].is_multiple and code not in read[key]
                if key in seen and not is_more:
                    first = seen[key].where
                    remarks.refuse(
                        given.where,
                        f"a second answer of {given.coder!r} to {given.item!r} of document {given.document!r}, which "
                        f"stands in {first} already",
                        "keep one of them",
                    )
                else:
                    seen.setdefault(key, given)
                    read[key].append(code)
        if n_cut:
            remarks.say(str(source.path), f"{n_cut} rows of documents that were not drawn are left out")
    remarks.settle(DataError)
    rows = []
    for (document, coder, item), codes in sorted(read.items()):
        code = questions[item].read("; ".join(codes)) if len(codes) > 1 else codes[0]
        rows.append({"document": document, "coder": coder, "item": item, "code": code})
    return Imported(rows=tuple(rows), remarks=tuple(remarks.found))


def _checked(given: Given, source: Source, questions: Mapping[str, Question], drawn: set[str], remarks: Remarks) -> str:
    """The code as the codebook writes it; empty where nothing was answered or something is wrong."""
    if given.document not in drawn:
        near = meant(given.document, drawn) if len(drawn) < 10_000 else ""
        remarks.refuse(
            given.where,
            f"document {given.document!r} was not drawn{near}",
            "its probability is unknown, so take it out (or cut the source to the sample: is_cut = true)",
        )
        return ""
    if given.item not in questions:
        remarks.refuse(
            given.where,
            f"{given.item!r} is no item of the codebook{meant(given.item, questions)}",
            "name the column's item under `columns` of the source",
        )
        return ""
    written = [source.codes.get(code, code) for code in given.codes if code]
    try:
        return questions[given.item].read("; ".join(written)) if written else ""
    except DataError as error:
        remarks.refuse(given.where, str(error), "correct it, or say what it means under `codes` of the source")
        return ""


def _given(source: Source, questions: Mapping[str, Question], remarks: Remarks) -> Iterator[Given]:
    """Answers of a file, whatever its form."""
    path = source.path
    singles = frozenset(
        name
        for id, question in questions.items()
        if not question.is_multiple
        for name in (id, *_columns_of(source, id))
    )
    if path.suffix.lower() == ".jsonl":
        found = _sound(from_potato_export(json_lines(path), singles, remarks), path)
    elif path.suffix.lower() == ".json":
        found = _sound((from_potato if path.name == USER_STATE else _of_json(path))(path, singles, remarks), path)
    else:
        found = _of_table(source, questions, singles, remarks)
    for given in found:
        yield given._replace(item=source.columns.get(given.item, given.item))


def _sound(answers: Iterator[Given], path: Path) -> Iterator[Given]:
    """Answers of a program's file; one that is built otherwise than the program builds it is refused by name."""
    try:
        yield from answers
    except ProbandError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as failure:
        raise DataError(
            f"{path}: not as Potato or Label Studio write it ({type(failure).__name__}: {failure}); export it again"
        ) from None


def _columns_of(source: Source, item: str) -> list[str]:
    return [column for column, named in source.columns.items() if named == item]


def _of_json(path: Path) -> Callable[[Path, frozenset[str], Remarks], Iterator[Given]]:
    """Which program wrote a JSON file: Label Studio's is a list."""
    head = text_of(path, what="annotation file", error=DataError).lstrip()[:1]
    return from_label_studio if head == "[" else from_potato


def _of_table(
    source: Source, questions: Mapping[str, Question], singles: frozenset[str], remarks: Remarks
) -> Iterator[Given]:
    """Answers of a CSV file: Potato's export, one answer a row, or one column an item."""
    rows = read_table(source.path, ())
    header = list(rows[0][1]) if rows else []
    if {"instance_id", "user_id"} <= set(header):
        yield from from_potato_export(rows, singles, remarks)
        return
    key = source.document
    if rows and key not in header:
        raise DataError(f"{source.path}: no column {key!r}{meant(key, header)}, the documents' ids; name it as "
                        f"`document` of the source (there are {', '.join(header)})")  # fmt: skip
    is_long = {"item", "code"} <= set(header)
    named = [column for column in header if source.columns.get(column, column) in questions]
    if rows and not is_long and not named:
        raise DataError(f"{source.path}: neither the columns item and code, nor one called like an item of the "
                        f"codebook ({', '.join(questions)}); name columns under `columns` of the source")  # fmt: skip
    if unknown := [column for column in source.columns if column not in header]:
        raise DesignError(f"{source.path}: no column {unknown[0]!r}{meant(unknown[0], header)}, which `columns` names")
    for where, row in rows:
        coder = row.get("coder") or row.get("annotator") or source.coder or source.path.stem
        if is_long:
            yield Given(row[key], coder, row["item"], (row["code"],), where)
            continue
        for column in named:
            if row[column]:
                yield Given(row[key], coder, column, _cell(row[column]), f"{where}, {column!r}")


def _cell(text: str) -> tuple[str, ...]:
    """Codes in one cell; Label Studio's CSV writes several, and ratings, as JSON."""
    if text[0] in "[{" and text[-1] in "]}":
        try:
            held = json.loads(text)
        except ValueError:
            return (text,)
        held = held[0] if isinstance(held, list) and len(held) == 1 else held
        held = next(iter(held.values())) if isinstance(held, dict) and len(held) == 1 else held
        return tuple(map(str, held)) if isinstance(held, list) else (str(held),)
    return (text,)

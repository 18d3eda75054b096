"""What the files of a bank hold, row by row, each with the place where it stands."""

import csv
import gzip
import io
import json
import string
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proband.errors import DataError, EngineError
from proband.files import check_name

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".txt")
"""Of the files that are read in a folder, with or without ``.gz``."""
HUB = "hub:"
LETTERS = string.ascii_uppercase


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file: where it stands, what it holds, or why it cannot be read."""

    where: str
    place: str
    file: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    damage: str = ""


def rows_of(source: str | Path) -> list[Row]:
    """All rows of a file, of the files of a folder in the order of their names, or of a hub's data set."""
    if str(source).startswith(HUB):
        return list(_hub(str(source).removeprefix(HUB)))
    path = Path(source).expanduser()
    check_name(path, error=DataError)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _suffix(file) in SUFFIXES and file.is_file())
        if not files:
            raise DataError(f"{path} holds no file that ends in one of {', '.join(SUFFIXES)} (or those with .gz)")
        return [row for file in files for row in _file(file, file.relative_to(path))]
    if not path.is_file():
        raise DataError(
            f"there is no file, folder or embedded bank {str(source)!r}; a hub's data set is written hub:OWNER/NAME"
        )
    return list(_file(path, Path(path.name)))


def stem_of(path: Path) -> str:
    """A file's name without folders and endings."""
    return path.name.removesuffix(".gz").removesuffix(_suffix(path))


def _suffix(path: Path) -> str:
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    return suffix if suffix in SUFFIXES else ""


def _file(path: Path, shown: Path) -> Iterator[Row]:
    suffix = _suffix(path)
    stem = str(shown.with_name(stem_of(shown)).as_posix())
    if suffix == ".parquet":
        yield from _parquet(path, shown, stem)
        return
    text = _text(path)
    if suffix in (".csv", ".tsv"):
        yield from _table(text, shown, stem, "\t" if suffix == ".tsv" else ",")
    elif suffix in (".jsonl", ".ndjson", ".json") and not text.lstrip().startswith("["):
        yield from _json_lines(text, shown, stem)
    elif suffix == ".json":
        yield from _json_list(text, shown, stem)
    elif text.lstrip().startswith("#Q"):
        yield from _trivia(text, shown, stem)
    else:
        raise DataError(
            f"{path.name} is neither a table ({', '.join(SUFFIXES[:-1])}) nor trivia text, whose questions "
            "begin with #Q"
        )


def _text(path: Path) -> str:
    """The file's text; bytes that are no UTF-8 become a mark that later refuses the one question."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} cannot be read ({error}); fetch it again") from None
    return content.decode("utf-8-sig", errors="surrogateescape")


def _row(shown: Path, number: int, stem: str, fields: Any, unit: str = "line") -> Row:
    where, place = f"{shown.as_posix()}, {unit} {number}", f"{stem}/{number}"
    if not isinstance(fields, dict):
        return Row(where, place, stem, damage=f"found {type(fields).__name__}, not a record with named fields")
    return Row(where, place, stem, fields)


def _json_lines(text: str, shown: Path, stem: str) -> Iterator[Row]:
    # Not splitlines(): it also breaks at characters that may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _row(shown, number, stem, json.loads(line))
        except json.JSONDecodeError as error:
            where = f"{shown.as_posix()}, line {number}"
            yield Row(where, f"{stem}/{number}", stem, damage=f"no JSON ({error.msg}, column {error.colno})")
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in lists in lists
            yield Row(f"{shown.as_posix()}, line {number}", f"{stem}/{number}", stem, damage=f"no record ({error})")


def _json_list(text: str, shown: Path, stem: str) -> Iterator[Row]:
    try:
        records = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{shown.as_posix()}, line {error.lineno}: no JSON ({error.msg}); mend it") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{shown.as_posix()}: no list of records ({error}); mend it") from None
    for number, record in enumerate(records, 1):
        yield _row(shown, number, stem, record, "record")


def _parquet(path: Path, shown: Path, stem: str) -> Iterator[Row]:
    from pyarrow import ArrowException, parquet  # slow to load

    try:
        records = parquet.read_table(path).to_pylist()
    except (OSError, ArrowException) as error:
        raise DataError(f"{shown.as_posix()} is no readable parquet file ({error}); fetch it again") from None
    for number, record in enumerate(records, 1):
        yield _row(shown, number, stem, record, "row")


def _table(text: str, shown: Path, stem: str, delimiter: str) -> Iterator[Row]:
    """Rows of a table with a header that has `question`, or of MMLU's: question, options, letter, without one."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header: list[str] | None = None
    start = 1
    while True:
        line = start
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DataError(f"{shown.as_posix()}, line {line}: {error}; mend that line") from None
        start = reader.line_num + 1
        if cells is None:
            return
        if not cells:
            continue
        if line == 1 and "question" in (names := [cell.strip().lower() for cell in cells]):
            header = names
            continue
        where, place = f"{shown.as_posix()}, line {line}", f"{stem}/{line}"
        if header is None:
            is_mmlu = len(cells) >= 4 and cells[-1].strip() in LETTERS[: len(cells) - 2]
            fields = {"question": cells[0], "choices": cells[1:-1], "answer": cells[-1]} if is_mmlu else {}
            damage = "" if is_mmlu else "expected a header with `question`, or question, options and a letter"
        else:
            fields = dict(zip(header, cells, strict=False))
            damage = "" if len(cells) == len(header) else f"{len(cells)} cells for {len(header)} columns"
        yield Row(where, place, stem, {} if damage else fields, damage)


def _trivia(text: str, shown: Path, stem: str) -> Iterator[Row]:
    """OpenTriviaQA's own form: ``#Q question``, ``^ right answer``, then ``A option``, ``B option``, ..."""
    lines = [*enumerate(text.split("\n"), 1), (0, "#Q ")]
    block: list[str] = []
    start = 0
    for number, line in lines:
        if line.startswith("#Q"):
            if block:
                yield _trivia_row(block, f"{shown.as_posix()}, line {start}", f"{stem}/{start}", stem)
            block, start = [line.removeprefix("#Q").strip()], number
        elif line.strip():
            block.append(line.rstrip())


def _trivia_row(block: list[str], where: str, place: str, stem: str) -> Row:
    marks = [index for index, line in enumerate(block) if line.startswith("^")]
    if len(marks) != 1:
        return Row(where, place, stem, damage=f"{len(marks)} lines begin with ^; one must give the right answer")
    question = "\n".join(block[: marks[0]])
    options = block[marks[0] + 1 :]
    for index, line in enumerate(options):
        if line[:2].rstrip() != LETTERS[index : index + 1]:
            return Row(where, place, stem, damage=f"expected option {LETTERS[index]}, found {line[:20]!r}")
    fields = {
        "question": question,
        "choices": [line[1:].strip() for line in options],
        "answer_text": block[marks[0]].removeprefix("^").strip(),
        "category": Path(stem).name,
    }
    return Row(where, place, stem, fields)


def _hub(name: str) -> Iterator[Row]:
    """Rows of all splits of a data set: ``OWNER/NAME``, ``OWNER/NAME#CONFIG``, or a folder of such files."""
    try:
        import datasets  # slow to load, and an extra
    except ImportError:
        raise EngineError(f"{HUB}{name} needs the `datasets` package: pip install 'proband[train]'") from None
    repository, _, config = name.partition("#")
    try:
        found = datasets.load_dataset(repository, config or None)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f"{HUB}{name} could not be loaded ({reason}); where no hub is reachable, load a copy of its files"
        ) from None
    for split in found:
        for number, record in enumerate(found[split], 1):
            yield _row(Path(f"{repository}, {split}"), number, split, {"split": split, **record}, "row")

"""Plain tables of a project, which people read and edit, and the codes that may stand in them."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from proband.errors import DataError, StoreError, meant
from proband.files import check_name, table_rows
from proband.instruments.items import Item
from proband.subjects.delimited import text_in
from proband.texts.gold.parts import PARTS

Row = dict[str, str]

SAMPLE = ("document", "probability", "stratum")
CODES = ("document", "coder", "item", "code")
DECISIONS = ("document", "item", "codes", "code", "text")
AGREED = ("document", "item", "code", "how")
GOLD = ("document", "item", "code", "probability", "part")
NOTHING = "none"  # of a question that takes several codes: somebody looked, and none applies
_JOINT = "; "  # between the codes of such a question


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of the codebook as its answers stand in tables.

    Attributes
    ----------
    id : str
        Of the item.
    codes : tuple of str
        Codes as they are written; empty for a number or a text.
    is_multiple : bool
        Whether a document may have several codes.
    points : mapping of str to float
        Number of each code of a scale; codes without one, such as "cannot tell", have none.
    is_number : bool
        Whether an answer is a number and no code.
    shorts : mapping of str to str
        Other ways to write a code: a scale's by their points.
    """

    id: str
    codes: tuple[str, ...] = ()
    is_multiple: bool = False
    points: Mapping[str, float] = field(default_factory=dict)
    is_number: bool = False
    shorts: Mapping[str, str] = field(default_factory=dict)

    def value(self, code: str) -> float | None:
        """A code of a scale, or a number, as a number; None where it has none."""
        if self.is_number:
            return float(code)
        return self.points.get(code)

    def read(self, text: str) -> str:
        """A code as the codebook writes it, whatever its case; several in the codebook's order, without any `NOTHING`.

        Raises
        ------
        DataError
            If it is no code of this question.
        """
        if not self.codes:
            if self.is_number:
                return _number(text, self.id)
            return text.strip()
        if not self.is_multiple:
            return self._one(text)
        parts = [part.strip() for part in text.replace("|", ";").split(";") if part.strip()]
        if not parts or ([part.casefold() for part in parts] == [NOTHING] and not self._is_code(NOTHING)):
            return NOTHING
        found = {self._one(part) for part in parts}
        return _JOINT.join(code for code in self.codes if code in found)

    def _is_code(self, text: str) -> bool:
        return text in {code.casefold() for code in self.codes}

    def _one(self, text: str) -> str:
        known = dict(self.shorts) | {" ".join(code.split()).casefold(): code for code in self.codes}
        found = known.get(" ".join(text.split()).casefold())
        if found is None:
            near = meant(text.strip(), self.codes)
            raise DataError(f"{text.strip()!r} is no code of {self.id!r}{near}; its codes are {', '.join(self.codes)}")
        return found


def question_of(item: Item) -> Question:
    """How answers to an item of a codebook stand in tables: by the texts of its options."""
    points, shorts = {}, {}
    if item.form == "scale":
        shorts = {f"{point:g}": option for option, point in zip(item.options, item.points, strict=True)}
        points = {option: float(code) for option, code in zip(item.options, item.points, strict=True)}
        points = {option: code for option, code in points.items() if item.options.index(option) not in item.dont_know}
    return Question(
        id=item.id,
        codes=item.options,
        is_multiple=item.form == "multiple",
        points=points,
        is_number=item.form == "number",
        shorts=shorts,
    )


def read_table(path: Path, needed: Sequence[str]) -> list[tuple[str, Row]]:
    """Rows of a CSV file, as `table_rows` has them.

    Raises
    ------
    DataError
        If there is no such file, or the table is not as it must be.
    """
    return table_rows(text_in(path), path, needed, error=DataError)


def rows_in(path: Path, columns: Sequence[str]) -> list[Row]:
    """Rows of a table of a project; none where it is not there."""
    return [row for _, row in read_table(path, columns)] if path.exists() else []


def read_gold(path: Path, questions: Mapping[str, Question], columns: Sequence[str] = GOLD) -> list[Row]:
    """Rows of gold, or of what people agreed on, with codes as the codebook writes them.

    Raises
    ------
    DataError
        If there are two on one question of one document, or one names no item, code, part or probability.
    """
    rows, seen = [], set[tuple[str, str]]()
    for where, row in read_table(path, columns):
        key = row["document"], row["item"]
        if key in seen:
            raise DataError(
                f"{where}: two rows on {key[1]!r} of document {key[0]!r}; a document is gold once: keep one"
            )
        seen.add(key)
        if row.get("part", PARTS[0]) not in PARTS:
            raise DataError(
                f"{where}: no part {row['part']!r}{meant(row['part'], PARTS)}; there are {', '.join(PARTS)}"
            )
        check_probability(row.get("probability", ""), where)
        rows.append(row | {"code": code_in(row, questions, where)})
    return rows


def code_in(row: Row, questions: Mapping[str, Question], where: str) -> str:
    """The code of a row as the codebook writes it.

    Raises
    ------
    DataError
        If the row names no item of the codebook, or no code of it; an empty one is not taken for `NOTHING`.
    """
    if row["item"] not in questions:
        known = ", ".join(questions)
        raise DataError(
            f"{where}: {row['item']!r} is no item of the codebook{meant(row['item'], questions)}; there are {known}"
        )
    if not row["code"]:
        raise DataError(f"{where}: {row['item']!r} has no code; write one, or take the row out")
    try:
        return questions[row["item"]].read(row["code"])
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def check_probability(text: str, where: str) -> None:
    """Refuse what is no probability to be drawn; an empty one is not known.

    Raises
    ------
    DataError
        If it is not above 0 and at most 1.
    """
    try:
        fits = not text or 0 < float(text) <= 1
    except ValueError:
        fits = False
    if not fits:
        raise DataError(
            f"{where}: probability {text!r} must be above 0 and at most 1; leave it empty where it is not known, and "
            "nothing is corrected"
        )


def table_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as a CSV text with these columns."""
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return held.getvalue()


def write_text(path: Path, text: str) -> None:
    """Write a file as a whole or not at all: who is stopped in between finds the one before."""
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    except OSError as error:
        check_name(path, error=StoreError)
        raise StoreError(f"{path}: cannot be written ({error.strerror}); make room, or choose another folder") from None


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a table of a project."""
    write_text(path, table_text(columns, rows))


def digest(content: bytes | str) -> str:
    """By which it is seen whether a file is still the same."""
    return blake2b(content.encode() if isinstance(content, str) else content, digest_size=16).hexdigest()


def _number(text: str, item: str) -> str:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value - value != 0:  # neither NaN nor infinite
        raise DataError(f"{text.strip()!r} is no number, and {item!r} takes one")
    return f"{value:g}"

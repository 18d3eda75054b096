"""Reading a corpus: documents are held once, and everything strange about them is said before anything is asked."""

import hashlib
import json
import logging
import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from proband.errors import DataError, meant, strange_choice
from proband.files import Remarks
from proband.subjects.columns import typed
from proband.subjects.corpora.corpus import RESULT_COLUMNS, Corpus
from proband.subjects.corpora.holding import HeldTexts
from proband.subjects.corpora.overview import look_over
from proband.subjects.corpora.sources import documents_of
from proband.subjects.personas import code_text

if TYPE_CHECKING:
    import polars as pl

_TEXT = ("text", "document", "sentence_text", "body", "content", "tweet", "abstract")
_AT_ONCE = 65_536  # rows
_NAMED = 5  # documents that are named one by one
_FEW = 100_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusReading:
    """How a corpus is read, beside which columns mean what.

    Attributes
    ----------
    keep : tuple of str or None
        Columns that are kept beside id and text; None keeps all.
    blank : {"refuse", "leave_out"}
        What is done with documents that have no words.
    longest : int
        Characters of a document, above which it is taken for a file gone wrong and refused.
    near : bool or None
        Whether near duplicates are looked for; None looks among 100,000 documents at most, which takes seconds.
    separator, encoding : str
        Of a text file; by default as `read_microdata` has it.
    """

    keep: tuple[str, ...] | None = None
    blank: Literal["refuse", "leave_out"] = "refuse"
    longest: int = 16 * 2**20
    near: bool | None = None
    separator: str = ""
    encoding: str = ""

    def __post_init__(self) -> None:
        if strange := strange_choice(self):
            raise DataError(f"corpus: {strange}")


def read_corpus(
    path: str | Path, *, id: str = "", text: str = "", unit: str = "", date: str = "", how: CorpusReading | None = None
) -> Corpus:
    r"""Read documents from a table or a folder.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.tsv``, ``.jsonl`` (each also with ``.gz``), ``.parquet``, or a folder of ``.txt``, ``.md`` and
        ``.pdf`` files, which are documents named after their files.
    id : str
        Column of ids; without one, documents are numbered from 1.
    text : str
        Column of the words; without one, a column called text, sentence_text, body, content, tweet or abstract.
    unit, date : str
        Columns of what is independent (author, source), and of the day.
    how : CorpusReading, optional
        What else there is to say.

    Returns
    -------
    Corpus
        Its `remarks` tell of encoding, blank texts, duplicates and languages.

    Raises
    ------
    DataError
        Naming document and line: two documents of one id, no words, more words than `longest`, a lone surrogate or a
        NUL; a column that the table of codes has; or the file is absent or damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "speeches.csv")
    ...     _ = path.write_text("id,text,party\na,We will cut taxes.,Con\nb,We will not.,Lab\n")
    ...     read_corpus(path, id="id", unit="party").text("b")
    'We will not.'
    """
    path, how = Path(path), how or CorpusReading()
    rows = documents_of(path, separator=how.separator, encoding=how.encoding)
    id = id or ("file" if path.is_dir() else "")
    return _corpus(rows, path, {"id": id, "text": text, "unit": unit, "date": date}, how)


def _corpus(
    rows: Iterable[tuple[str, Mapping[str, Any]]], path: Path, roles: Mapping[str, str], how: CorpusReading
) -> Corpus:
    remarks = Remarks()
    held = _Held(path.name, roles, how, remarks)
    for where, row in rows:
        held.add(where, row)
    frame = held.frame()
    remarks.settle(DataError)
    if not held.rows:
        raise DataError(f"{path}: no document in it; give a file with one document a row")
    for role in ("unit", "date"):
        if (name := roles[role]) and name in frame.columns and (n := frame[name].null_count()):
            alone = "; each is a unit of its own" if role == "unit" else ""
            remarks.say(path.name, f"{n} documents have no {role} in column {name!r}{alone}")
    found = Corpus(
        name=path.stem.removesuffix(".csv").removesuffix(".jsonl") or path.name,
        columns=frame,
        texts=held.texts,
        rows=held.rows,
        digests=bytes(held.digests),
        unit=roles["unit"],
        date=roles["date"],
    )
    look_over(found, remarks, near=len(found) <= _FEW if how.near is None else how.near)
    for remark in remarks.found:
        if remark.way_out:
            _log.warning("%s", remark)
    return replace(found, remarks=tuple(remarks.found))


class _Held:
    """What was read so far."""

    def __init__(self, name: str, roles: Mapping[str, str], how: CorpusReading, remarks: Remarks) -> None:
        self.name, self.roles, self.how, self.remarks = name, roles, how, remarks
        self.texts, self.digests, self.rows = HeldTexts(), bytearray(), array("q")
        self._text = roles["text"]
        self._ids, self._cells = list[str](), dict[str, list[str | None]]()
        self._parts: list[pl.DataFrame] = []
        self._n = self._n_wrong = self._n_blank = self._n_numbered = 0
        self._blank = list[str]()

    def add(self, where: str, row: Mapping[str, Any]) -> None:
        """Take a document in, or note what is wrong with it."""
        if not self._n:
            self._check_columns(row)
        self._n += 1
        id = self._id(row)
        words = row.get(self._text)
        words = "" if words is None else words if isinstance(words, str) else str(words)
        if not words.strip():
            self._n_blank += 1
            self._blank += [f"{where} ({id!r})"] * (self._n_blank <= _NAMED)
            return
        if wrong := _unsound(id) or _unsound(words) or self._too_long(words):
            self._refuse(where, f"document {id!r} {wrong[0]}", wrong[1])
            return
        encoded = words.encode()
        self.rows.append(len(self.texts))
        self.texts.add(encoded)
        self.digests += hashlib.blake2b(encoded, digest_size=16).digest()
        self._ids.append(id)
        for column in dict.fromkeys((*self._cells, *row)):
            if column in self._left_out:
                continue
            cell = _cell(row.get(column))
            if cell is not None and (wrong := _unsound(cell)):
                self._refuse(where, f"column {column!r} of document {id!r} {wrong[0]}", wrong[1])
                cell = None
            if column not in self._cells:  # JSON names only what a document has
                self._cells[column] = [None] * (len(self._ids) - 1)
            self._cells[column].append(cell)
        if len(self._ids) == _AT_ONCE:
            self._settle()

    def _check_columns(self, row: Mapping[str, Any]) -> None:
        there = ", ".join(map(str, row))
        self._text = self._text or next((name for name in _TEXT if name in row and name != self.roles["id"]), "")
        if not self._text:
            raise DataError(f"{self.name}: which column holds the words? it has {there}; name one as `text`")
        wanted = [*(dict(self.roles) | {"text": self._text}).items(), *(("keep", name) for name in self.how.keep or ())]
        for role, name in wanted:
            if name and name not in row:
                raise DataError(
                    f"{self.name} has no {role} column {name!r}{meant(name, map(str, row))}; it has {there}"
                )
        named = {self.roles["unit"], self.roles["date"]}
        self._left_out = {self._text, self.roles["id"], ""}
        if self.how.keep is not None:
            self._left_out |= row.keys() - {*self.how.keep} - named
        taken = [name for name in row if name in (*RESULT_COLUMNS, "document") and name not in self._left_out]
        if taken:
            raise DataError(
                f"{self.name}: column {taken[0]!r} is one that the table of codes has, so the corpus was coded before "
                "or would be taken for it; rename the column, or name the columns to `keep`"
            )

    def _id(self, row: Mapping[str, Any]) -> str:
        found = row.get(self.roles["id"]) if self.roles["id"] else None
        id = "" if found is None else code_text(found).strip() if isinstance(found, int | float | str) else str(found)
        self._n_numbered += not id
        return id or str(self._n)

    def _too_long(self, words: str) -> tuple[str, str] | None:
        if len(words) <= self.how.longest:
            return None
        what = f"has {len(words):,} characters, and {self.how.longest:,} are the most a document may have"
        return what, "a quotation mark may not be closed there; else raise `longest`"

    def _refuse(self, where: str, what: str, way_out: str) -> None:
        self._n_wrong += 1
        if self._n_wrong <= _NAMED:
            self.remarks.refuse(where, what, way_out)

    def _settle(self) -> None:
        """Put the cells of the last documents into a frame, where they take a tenth of the room."""
        import polars as pl  # heavy

        columns = {"document": self._ids} | {
            name: [*cells, *[None] * (len(self._ids) - len(cells))] for name, cells in self._cells.items()
        }
        self._parts.append(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))
        self._ids, self._cells = [], {name: [] for name in self._cells}

    def frame(self) -> "pl.DataFrame":
        """Ids and columns of all documents; what is wrong with them as a whole is noted."""
        import polars as pl  # heavy

        self.texts.close()
        self._settle()
        frame = pl.concat(self._parts, how="diagonal")
        if self._n_wrong > _NAMED:
            self.remarks.refuse(self.name, f"{self._n_wrong - _NAMED} more documents like these", "mend them")
        if self._n_blank:
            say = self.remarks.refuse if self.how.blank == "refuse" else self.remarks.say
            more = ", ..." * (self._n_blank > _NAMED)
            way_out = 'delete them, or leave them out with blank = "leave_out"' if self.how.blank == "refuse" else ""
            say(self.name, f"{self._n_blank} documents have no words: {', '.join(self._blank)}{more}", way_out)
        if self._n_numbered and self.roles["id"]:
            self.remarks.say(self.name, f"{self._n_numbered} documents without id are called by their number")
        twice = frame.with_row_index("n", 1).filter(frame["document"].is_duplicated())
        for (id,), found in twice.head(1_000).group_by("document", maintain_order=True) if twice.height else ():
            places = " and ".join(map(str, found["n"].head(_NAMED)))
            self.remarks.refuse(
                self.name, f"two documents of one id: {id!r} is document {places}", "rename one of them"
            )
        return pl.DataFrame([column if column.name == "document" else typed(column) for column in frame])


def _unsound(text: str) -> tuple[str, str] | None:
    """What makes a text none that can be sent or stored, and the way out."""
    if "\0" in text:
        return f"has a NUL at character {text.index(chr(0)) + 1}", "take it out, or export the file again"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"has half of a character (a lone surrogate, U+{ord(text[error.start]):04X}) at {error.start + 1}"
        return half, "it was cut in two when it was exported; export again, or take it out"
    return None


def _cell(value: Any) -> str | None:
    """A value of a table as text, from which its column is typed; None where nothing stands."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and math.isnan(value):
        return None
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)

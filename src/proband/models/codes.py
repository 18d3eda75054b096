"""Codes that documents were given, in a table: who gave which code to which document on which item."""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from proband.errors import EngineError, meant
from proband.files import rows_of, separator_of, text_of
from proband.models.engine import Ability, BaseEngine
from proband.records import Answer, Completion, Status, Trial

Given = tuple[Answer, Status]
DOCUMENT = "document"  # fact of a trial that holds the document's text
POINTS = "points"  # and that which holds the points of a scale's options as written, one a line


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """One line of a table of codes; what it has no column for is empty."""

    line: int
    document: str
    item: str
    code: str
    coder: str = ""
    text: str = ""
    unit: str = ""
    part: str = ""


def read_codes(path: str | Path, needs: Sequence[str] = ("document", "item", "code")) -> tuple[CodeRow, ...]:
    """Rows of a CSV file, without those whose code is blank: nobody has coded these.

    Parameters
    ----------
    path : path
        A table with the columns of `CodeRow`, and any others.
    needs : sequence of str
        Columns that must be there.

    Raises
    ------
    EngineError
        If the file cannot be read, lacks a column, or has a row without document or item; lines are named.
    """
    path = Path(path)
    text = text_of(path, what="table of codes", error=EngineError)
    rows = rows_of(text, separator_of(text, ","), path, error=EngineError)
    header = [cell.strip() for cell in next(rows, (1, []))[1]]
    if absent := [name for name in needs if name not in header]:
        raise EngineError(
            f"{path}: no column {', '.join(map(repr, absent))}{meant(absent[0], header)}; it has "
            f"{', '.join(header) or 'none'}, and needs {', '.join(needs)}"
        )
    known = {name: header.index(name) for name in CodeRow.__dataclass_fields__ if name in header}
    found, wrong = [], []
    for line, cells in rows:
        if len(cells) < len(header):
            wrong.append(f"line {line} has {len(cells)} cells for {len(header)} columns; add what is missing")
            continue
        row = {name: cells[k] if name == "text" else cells[k].strip() for name, k in known.items()}
        if not row["document"] or not row["item"]:
            wrong.append(f"line {line} names no {'document' if row['item'] else 'item'}; fill in that cell")
        elif row["code"]:
            found.append(CodeRow(line=line, **row))
    if wrong:
        raise EngineError(*wrong, where=path)
    return tuple(found)


def rows_hash(rows: Sequence[CodeRow]) -> str:
    """32 hexadecimal digits of rows, in whatever order they stand in their file."""
    told = sorted((r.document, r.item, r.code, r.coder, r.text, r.unit, r.part) for r in rows)
    return hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def document_of(trial: Trial, address: str) -> str:
    """Text of the document that a trial is about."""
    for name, value in trial.facts:
        if name == DOCUMENT:
            return value
    raise EngineError(
        f"item {trial.place.item!r}: {trial.id} is about no document, and {address} codes documents; use it in a "
        "study of kind [coding]"
    )


def folded(code: str) -> str:
    """A code as it is told from others: without case, blanks run together."""
    return " ".join(unicodedata.normalize("NFKC", code).casefold().split())


@lru_cache(4096)
def _places(options: tuple[str, ...], order: tuple[int, ...], points: str) -> Mapping[str, int]:
    found = {point: k for k, point in enumerate(points.split("\n")) if point}
    return found | {folded(shown): index for shown, index in zip(options, order, strict=True)}


def place_of(code: str, trial: Trial, where: str) -> int:
    """Index as written of the option that a code is: its text, or of a scale its point."""
    points = next((value for name, value in trial.facts if name == POINTS), "")
    places = _places(trial.reply.options, trial.reply.order, points)
    try:
        return places[folded(code)]
    except KeyError:
        raise EngineError(
            f"{where}: item {trial.place.item!r} has no code {code!r}{meant(folded(code), places)}; there are "
            f"{', '.join(trial.reply.options)}"
        ) from None


def given_of(codes: Sequence[str], trial: Trial, where: str) -> Given:
    """The codes that a coder gave to one document, as an answer to the item."""
    reply = trial.reply
    if reply.form == "multiple":
        return tuple(sorted({place_of(code, trial, where) for code in codes})), "valid"
    if len(codes) > 1:
        raise EngineError(
            f"{where}: document {trial.place.subject!r} has {len(codes)} codes on item {trial.place.item!r} "
            f"({', '.join(codes)}), which takes one; leave one row, or make the item one of form 'multiple'"
        )
    if reply.form in ("choice", "scale"):
        index = place_of(codes[0], trial, where)
        return (None, "dont_know") if index in reply.dont_know else (index, "valid")
    if reply.form == "number":
        try:
            return float(codes[0]), "valid"
        except ValueError:
            raise EngineError(f"{where}: item {trial.place.item!r}: {codes[0]!r} is no number; mend the cell") from None
    if reply.form == "text":
        return codes[0], "valid"
    raise EngineError(f"{where}: item {trial.place.item!r} of form {reply.form!r} takes no codes; ask it otherwise")


class CodesEngine(BaseEngine):
    """One coder's codes out of a table; several coders are several engines on one file.

    A document that the coder did not code has no answer: its trial fails, saying so, and counts nowhere.

    Parameters
    ----------
    rows : sequence of CodeRow
        Of all coders.
    coder : str
        Whose codes are given; may be left out where the table has one coder.
    source : str
        Where the rows are from, for messages and the manifest.
    """

    abilities: frozenset[Ability] = frozenset({"given"})

    def __init__(self, rows: Sequence[CodeRow], *, coder: str = "", source: str, address: str = "") -> None:
        coders = sorted({row.coder for row in rows})
        if (coder and coder not in coders) or (not coder and len(coders) != 1):
            found = f"no codes of coder {coder!r}{meant(coder, coders)}" if coder else "codes of several coders"
            raise EngineError(
                f"{source}: {found if coders else 'no codes'}; write codes:{source}?coder=NAME, with one of "
                f"{', '.join(map(repr, coders))}"
            )
        self.coder, self.source = coder or coders[0], source
        self.rows = tuple(row for row in rows if row.coder == self.coder)
        self.address = address or f"codes:{source}?coder={coder}"
        self.codes: dict[tuple[str, str], list[str]] = {}
        for row in self.rows:
            self.codes.setdefault((row.document, row.item), []).append(row.code)

    def holds(self, trial: Trial) -> bool:
        """Whether the coder coded this document on this item; nobody was asked twice."""
        return trial.place.replicate == 0 and (trial.place.subject, trial.place.item) in self.codes

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse codes that an item does not have, and items that the coder coded no document on."""
        asked: dict[str, bool] = {}
        for trial in trials:
            if is_held := self.holds(trial):
                self._given(trial)
            asked[trial.place.item] = asked.get(trial.place.item, False) or is_held
        if nowhere := [item for item, is_held in asked.items() if not is_held]:
            raise EngineError(
                f"{self.source}: coder {self.coder!r} coded none of these documents on item {nowhere[0]!r}; check "
                "that documents and items are named there as in the study"
            )

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Look every trial up; one that is not held fails, with its reason."""
        for trial in trials:
            if self.holds(trial):
                yield trial, Completion(given=self._given(trial))
            else:
                place = trial.place
                reason = f"not coded: {place.subject!r} on item {place.item!r} by {self.coder!r} in {self.source}"
                yield trial, Completion(error=reason)

    def _given(self, trial: Trial) -> Given:
        place = trial.place
        return given_of(self.codes[place.subject, place.item], trial, f"{self.source}, coder {self.coder!r}")

    def fingerprint(self) -> Mapping[str, str]:
        """Who coded, and a hash of the codes."""
        return {"engine": "codes", "coder": self.coder, "source": self.source, "codes": rows_hash(self.rows)}

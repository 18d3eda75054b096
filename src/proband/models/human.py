"""People who answer in a spreadsheet, minutes or weeks later: questions in one file, their answers in another."""

import csv
import io
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from proband.errors import EngineError
from proband.files import bytes_of, check_name, decoded
from proband.models.engine import Ability, BaseEngine
from proband.records import Completion, Trial

OPEN, ANSWERS, ASKED = "open.csv", "answers.csv", "asked.csv"
_COLUMNS = ("place", "subject", "item", "told", "question", "options", "answer")
_UTF8 = "save it as CSV in UTF-8"
_POLL_S = 0.2
_SETTLED_S = 2.0  # a file that ends in the middle of a line is believed when it has been still for so long
_log = logging.getLogger(__name__)


class HumanEngine(BaseEngine):
    """Puts trials to people and waits; replies are read by the rules for written ones.

    ``open.csv`` lists what is to be answered: the place, who is asked what, every word as shown, and an empty column
    `answer`. People write ``answers.csv``, with the columns `place` and `answer`: a copy of ``open.csv`` with its last
    column filled in, or a file of these two. ``asked.csv`` remembers what was ever put to them.

    Parameters
    ----------
    folder : str or Path
        Where the files lie; made when the first trial is handed over.
    """

    abilities: frozenset[Ability] = frozenset({"given"})
    waits = True

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        check_name(self.folder / ANSWERS, error=EngineError)
        self.address = f"human:{folder}"
        self._open: dict[str, Mapping[str, str]] | None = None  # rows of open.csv, by place
        self._named: set[str] = set()

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse what was put to people in other words: their answer would be one to another question."""
        asked = self._asked()
        for trial in trials:
            if asked.get(trial.id, trial.request.hash) != trial.request.hash:
                raise EngineError(
                    f"item {trial.place.item!r}: {trial.id} was put to people in other words before; see "
                    f"{self.folder}, undo the edit, or use a new folder"
                )

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Hand trials over, and yield those that were answered by now."""
        trials = list(trials)
        self.check(trials)
        asked, answers = self._asked(), self._answers()
        if self._open is None:
            self._open = {row["place"]: row for row in self._rows(OPEN) if row.get("place") in asked}
        answered = [trial for trial in trials if trial.id in asked and trial.id in answers]
        self._open |= {trial.id: _row(trial) for trial in trials}
        for trial in answered:
            del self._open[trial.id]
        self._write([trial for trial in trials if trial.id not in asked])
        self._name_strangers(answers, asked)
        for trial in answered:
            yield trial, Completion(text=answers[trial.id])

    def news(self, timeout_s: float) -> bool:
        """Whether somebody answered what is open; looks at ``answers.csv`` until then, so long at most."""
        until = time.monotonic() + timeout_s
        while not self._answers().keys() & (self._open or {}).keys():
            if time.monotonic() >= until:
                return False
            time.sleep(min(_POLL_S, timeout_s))
        return True

    @property
    def note(self) -> str:
        """Where people find their questions."""
        return f"questions are in {self.folder / OPEN}, answers are read from {self.folder / ANSWERS}"

    def _write(self, new: Sequence[Trial]) -> None:
        """Put what is open in place whole, then remember what was asked: a kill in between only asks it again."""
        assert self._open is not None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = self.folder / f"{OPEN}.part"
            with part.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, _COLUMNS, extrasaction="ignore", restval="")
                writer.writeheader()
                writer.writerows({key: _plain(value) for key, value in row.items()} for row in self._open.values())
            part.replace(self.folder / OPEN)
            is_new = not (self.folder / ASKED).exists()
            with (self.folder / ASKED).open("a", encoding="utf-8", newline="") as file:
                # An empty line first: the last one may have been cut off by a kill.
                file.write("place,request\r\n" if is_new else "\r\n" if new else "")
                csv.writer(file).writerows((trial.id, trial.request.hash) for trial in new)
        except OSError as error:
            raise EngineError(f"{self.folder}: cannot be written ({error.strerror}); close {OPEN} elsewhere") from None

    def _asked(self) -> dict[str, str]:
        """Request that was put to people, by place."""
        return {row["place"]: row["request"] for row in self._rows(ASKED) if len(row.get("request") or "") == 32}

    def _answers(self) -> dict[str, str]:
        """What people wrote, by place; the last line of a place counts."""
        path, rows = self.folder / ANSWERS, self._rows(ANSWERS)
        if rows and not {"place", "answer"} <= rows[0].keys():
            raise EngineError(
                f"{path} has the columns {', '.join(map(str, rows[0]))}; it needs place and answer, as in {OPEN}"
            )
        found = {(row["place"] or "").strip(): (row["answer"] or "").strip() for row in rows}
        return {place: answer for place, answer in found.items() if answer}

    def _rows(self, name: str) -> list[dict[str, str]]:
        """Lines of a file, by column, if there is one; without the last one while it is being written."""
        path = self.folder / name
        if not path.exists():
            return []
        text = decoded(bytes_of(path, what="table", error=EngineError), path, error=EngineError, way_out=_UTF8)
        still_s = time.time() - path.stat().st_mtime
        head = text.partition("\n")[0]
        # Spreadsheets write the separator of the country they are used in.
        separator = max(",;\t", key=head.count)
        try:
            rows: list[dict[str, str]] = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
        except csv.Error as error:
            raise EngineError(f"{path}: {error}; {_UTF8}") from None
        is_torn = not text.endswith(("\n", "\r")) or text.count('"') % 2 == 1
        return rows[:-1] if is_torn and still_s < _SETTLED_S else rows

    def _name_strangers(self, answers: Mapping[str, str], asked: Mapping[str, str]) -> None:
        """Say once which answers belong to no question, e.g. because a place was mistyped."""
        known = asked.keys() | (self._open or {}).keys()
        if strangers := sorted(answers.keys() - known - self._named):
            self._named.update(strangers)
            _log.warning(
                "%s: %d answers are to places that were never asked, e.g. %r; correct the place, as it stands in %s",
                *(self.folder / ANSWERS, len(strangers), strangers[0], OPEN),
            )


def _row(trial: Trial) -> dict[str, str]:
    """A trial as its line in ``open.csv``; the question holds its options and how to reply, word for word."""
    *earlier, question = [message.text for message in trial.request.messages]
    shown = trial.reply.options
    if trial.reply.labels:
        shown = tuple(f"{label}. {option}" for label, option in zip(trial.reply.labels, shown, strict=True))
    place = trial.place
    cells = (trial.id, place.subject, place.item, "\n\n".join(earlier), question, " | ".join(shown), "")
    return dict(zip(_COLUMNS, cells, strict=True))


def _plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f" {cell}" if cell[:1] in ("=", "+", "-", "@") else cell

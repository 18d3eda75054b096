"""Taking a person out of a run: rows, the texts of their requests, and their words where others were told them."""

import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable

from proband.errors import StoreError
from proband.records import Place
from proband.store.directory import RunDirectory, file_digest
from proband.store.journal import Journal
from proband.store.notes import ROSTER, items_of, roster_of
from proband.store.rows import read_answer
from proband.store.tables import write_journal_table
from proband.store.transactions import transaction

MARK = "[removed]"  # stands where somebody's words were told to others
SeatOf = Callable[[Place], str]  # whose answer a place holds
_SHORT = 3  # words of fewer letters are no trace of anybody, and stand in everything


def forget(
    directory: RunDirectory, subject: str, *, others: Collection[str] = (), seat_of: SeatOf | None = None
) -> int:
    """Remove what somebody answered, and leave the id alone, so that they are not asked again.

    Their words are replaced by `MARK` in what `others` were sent and wrote; the hashes of those requests stay, so that
    their answers do. The file is then written anew: nothing of it is left between its pages or in its log.

    Parameters
    ----------
    directory : RunDirectory
        The run; nobody may be writing it.
    subject : str
        Who is forgotten.
    others : collection of str
        Who may have been told their words: the members of the same unit.
    seat_of : callable, optional
        Who answered at a place, where that is not its subject.

    Returns
    -------
    int
        How many answers were removed.

    Raises
    ------
    StoreError
        If there is nobody of that id in the run.
    RunLocked
        If another process is writing the run.
    """
    whose = seat_of or (lambda place: place.subject)
    with directory.writer() as journal:
        rows = list(_rows(journal, [subject]) if seat_of is None else _all_rows(journal, subject, seat_of))
        gone = [trial for trial, *_ in rows]
        opened = [trial for trial in journal.handed_over() if whose(Place.from_id(trial)) == subject]
        if not gone and not opened:
            raise StoreError(f"{directory.path}: nobody with the id {subject!r} was asked anything; look at its roster")
        said = _pattern([answer for _, _, answer, text in rows for answer in (_words(answer), text) if answer])
        kept = list(_rows(journal, others))
        connection = journal.connection
        connection.execute("PRAGMA secure_delete = ON")
        with transaction(connection):
            for start in range(0, len(gone), 500):
                part = gone[start : start + 500]
                marks = ", ".join("?" * len(part))
                connection.execute(f"DELETE FROM responses WHERE trial IN ({marks})", part)
            connection.executemany("DELETE FROM open WHERE trial = ?", [(trial,) for trial in {*gone, *opened}])
            if said is not None:
                for trial, _, answer, text in kept:
                    new = tuple([None if words is None else said.sub(MARK, words) for words in (answer, text)])
                    if new != (answer, text):
                        connection.execute("UPDATE responses SET answer = ?, text = ? WHERE trial = ?", (*new, trial))
            _rewrite(journal, {request for _, request, *_ in rows}, {request for _, request, *_ in kept}, said)
        known = journal.noted("forgotten") or []
        journal.note(forgotten=json.dumps(sorted({*known, subject})))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        manifest = directory.manifest()
        if manifest is not None:
            notes = {key: journal.meta(key) for key in ROSTER}
            roster = roster_of(notes, [Place.from_id(trial).subject for trial in journal])
            write_journal_table(journal, items_of(journal.noted("items") or []), directory.table_path, roster)
            counts = {"table": file_digest(directory.table_path), "dispositions": journal.dispositions()}
            directory.write_manifest({**manifest, **counts})
    return len(gone)


def _rows(journal: Journal, subjects: Collection[str]) -> Iterable[tuple[str, str, str | None, str | None]]:
    """Place, request, answer and text of these subjects."""
    for subject in subjects:
        start = Place(subject=subject, item="-").id.partition("/")[0] + "/"
        select = "SELECT trial, request, answer, text FROM responses WHERE trial >= ? AND trial < ?"
        yield from journal.connection.execute(select, (start, start[:-1] + "0"))  # what follows a slash is a 0


def _all_rows(journal: Journal, sitter: str, seat_of: SeatOf) -> Iterable[tuple[str, str, str | None, str | None]]:
    """The same of somebody whose places are not told by their beginning."""
    for row in journal.connection.execute("SELECT trial, request, answer, text FROM responses"):
        if seat_of(Place.from_id(row[0])) == sitter:
            yield row


def _words(answer: str | None) -> str | None:
    """An answer that is words, as it is stored."""
    value = None if answer is None else read_answer(answer)
    return value if isinstance(value, str) else None


def _pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """What finds these words where others were told them, also as JSON writes them; None where there are none."""
    plain = {part for text in words for part in (text.strip(),) if len(part) >= _SHORT}
    forms = plain | {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for text in plain for is_ascii in (True, False)}
    if not forms:
        return None
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(form)}(?!\w)" for form in longest_first))


def _rewrite(journal: Journal, gone: set[str], told: set[str], said: re.Pattern[str] | None) -> None:
    """The texts of requests without those that nobody else was sent, and with a mark in those of others."""
    connection = journal.connection
    still = "SELECT 1 FROM responses WHERE request = ? LIMIT 1"
    used = {hash for hash in gone if connection.execute(still, (hash,)).fetchone() is not None}
    dropped = gone - used
    batches = list(connection.execute("SELECT number, hashes, texts FROM bodies"))
    for number, hashes, texts in batches:
        here = hashes.split("\n")
        if dropped.isdisjoint(here) and (said is None or told.isdisjoint(here)):
            continue
        pairs = zip(here, zlib.decompress(texts).decode().split("\n"), strict=True)
        kept = [
            (hash, said.sub(MARK, body) if said is not None and hash in told else body)
            for hash, body in pairs
            if hash not in dropped
        ]
        if kept:
            joined = "\n".join([body for _, body in kept])
            packed = zlib.compress(joined.encode(), 1)
            connection.execute(
                "UPDATE bodies SET hashes = ?, texts = ? WHERE number = ?",
                ("\n".join([hash for hash, _ in kept]), packed, number),
            )
        else:
            connection.execute("DELETE FROM bodies WHERE number = ?", (number,))

"""What is damaged in a run's folder, what can be saved, and saving it into a new one; the old one is only read."""

import json
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proband.errors import DamagedRun, NewerRun, StoreError
from proband.identity import body_hash
from proband.instruments.items import Item
from proband.records import Response
from proband.store.damage import check_file
from proband.store.directory import RunDirectory, file_digest
from proband.store.journal import Journal
from proband.store.notes import DIGEST, EXPORTED, ROSTER, digest_of, items_of, read_note, roster_of
from proband.store.pages import Pages, Record
from proband.store.rows import Row, response_of
from proband.store.tables import write_journal_table

MOST_NAMED = 100  # responses that are listed one by one
_NEEDED = ("seed", "engine", "reader")  # without them nobody can tell what a run with answers was asked of whom
_ADDED = (None, 0, None)  # to a row of the first 18 values, in later schemas, and what stands for it before
_ORDER = (*range(16), 18, 19, 16, 17, 20)  # where each of `COLUMNS`, the origin and the times stand in a row
_REAL = (6, 17, 20)  # a real number without a fraction lies in the file as a whole one
_FILES = ("journal.sqlite", "writer.lock", "manifest.json", "responses.parquet", "report.", "recovery.")


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is damaged: which part of the run, and what is wrong with it."""

    part: str
    what: str


@dataclass(kw_only=True)
class Checkup:
    """What is in a run's folder.

    Attributes
    ----------
    responses : int
        That can be read, and are as they were stored as far as can be told.
    expected : int or None
        Responses of the whole run by its manifest; None where it is not finished, or has lost it.
    notes : mapping
        Those that are sound, as text, with those that the manifest could replace.
    lost : list of str
        Notes that are not, by name.
    people : Checkup or None
        Of the run in its folder ``people``.
    """

    path: Path
    damage: list[Damage] = field(default_factory=list)
    responses: int = 0
    expected: int | None = None
    notes: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    manifest: dict[str, Any] | None = None
    people: "Checkup | None" = None

    @property
    def found(self) -> list[Damage]:
        """All damage, that of people's answers too."""
        inner = self.people.found if self.people else []
        return self.damage + [Damage(f"people/{one.part}", one.what) for one in inner]

    @property
    def is_resumable(self) -> bool:
        """Whether enough is known to tell that a study is the one that was asked."""
        return not set(_NEEDED) & set(self.lost)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "run": str(self.path),
            "is_sound": not self.found,
            "responses": self.responses,
            "expected": self.expected,
            "notes": sorted(self.notes),
            "lost_notes": self.lost,
            "damage": [{"part": one.part, "what": one.what} for one in self.found],
            "people": self.people and self.people.as_dict(),
        }

    def report(self, part: str, what: object) -> None:
        """Put a damage on the list."""
        self.damage.append(Damage(part, str(what)))


def examine(path: str | Path) -> Checkup:
    """Read everything that a run's folder holds, and say what of it is damaged.

    Raises
    ------
    StoreError
        If there is no run, or a newer version wrote it.
    """
    directory = RunDirectory(path)
    if not directory.is_there:
        directory.reader()
    directory.refuse_while_written()
    found = Checkup(path=directory.path)
    _read_manifest(found, directory)
    _ask_sqlite(found, directory)
    if directory.journal_path.is_file():
        with Pages(directory.journal_path) as pages:
            _read_notes(found, pages)
            _read_responses(found, pages)
    if found.manifest is not None and not directory.is_table_whole(found.manifest):
        found.report("responses.parquet", "the table is missing, or not what was written; the journal has its answers")
    people = RunDirectory(directory.path / "people")
    found.people = examine(people.path) if people.is_there else None
    return found


def _read_manifest(found: Checkup, directory: RunDirectory) -> None:
    try:
        found.manifest = directory.manifest()
    except DamagedRun as error:
        found.report("manifest.json", error)
    if found.manifest is not None and found.manifest.get("dispositions"):
        found.expected = sum(found.manifest["dispositions"].values())


def _ask_sqlite(found: Checkup, directory: RunDirectory) -> None:
    """What SQLite finds wrong with the file, and with its log."""
    try:
        with _still(directory) as journal:
            for line in journal.faults():
                found.report("journal.sqlite", line)
            journal.dispositions()
    except NewerRun:
        raise
    except StoreError as error:
        text = str(error).split("; nothing was changed")[0]
        for start in (f"{found.path}: ", "damaged: ", "journal.sqlite "):
            text = text.removeprefix(start)
        found.report("journal.sqlite", text)


@contextmanager
def _still(directory: RunDirectory) -> Iterator[Journal]:
    """The journal as it lies there, read without a trace; together with its log it is a copy that is read."""
    log = directory.path / "journal.sqlite-wal"
    directory.refuse_lost_journal()
    if not (log.exists() and log.stat().st_size):
        with Journal(directory.journal_path, writable=False, is_still=True) as journal:
            yield journal
        return
    check_file(directory.journal_path)
    with tempfile.TemporaryDirectory() as copy:
        for path in (directory.journal_path, log):
            shutil.copyfile(path, Path(copy) / path.name)
        with Journal(Path(copy) / "journal.sqlite", writable=False) as journal:
            yield journal


def _read_notes(found: Checkup, pages: Pages) -> None:
    """Sort the notes into those that are what was noted, and those that are not."""
    texts: dict[str, Any] = {key: row[1] for _, row in pages.records() if row and (key := _key_of(row))}
    for key in texts:
        if key.startswith(DIGEST):
            continue
        try:
            read_note(key, texts[key])
            if texts.get(DIGEST + key) not in (None, digest_of(texts[key])):
                raise DamagedRun(f"the note {key!r} is not what was noted")
            if key in ROSTER:
                roster_of({key: texts[key]}, ())
            found.notes[key] = texts[key]
        except DamagedRun as error:
            found.report(f"note {key!r}", error)
            found.lost.append(key)
    known = {key.removeprefix(DIGEST) for key in texts if key.startswith(DIGEST)} - set(texts)
    if "parent" not in texts:
        known |= {*_NEEDED, "items"} - set(texts)
    for key in sorted(known):
        found.report(f"note {key!r}", "it is not there any more")
        found.lost.append(key)
    for key, text in _manifest_notes(found.manifest or {}).items():
        if found.lost and key not in found.notes:
            found.notes[key] = text
            found.lost = [lost for lost in found.lost if lost != key]
    if "engine" in found.lost and "addresses" in found.notes:  # which says the same
        found.lost.remove("engine")


def _manifest_notes(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Notes that stand in the manifest too."""
    notes = {key: str(manifest[key]) for key in ("name", "kind", "reader", "started") if manifest.get(key)}
    said = {"seed": manifest.get("seed"), "addresses": manifest.get("engine"), "design": manifest.get("design")}
    said |= {"item_hashes": manifest.get("item_hashes"), "parent": manifest.get("parent")}
    said |= {f"fingerprint:{name}": one for name, one in (manifest.get("fingerprint") or {}).items()}
    said |= {f"earlier:{name}": one for name, one in (manifest.get("earlier_fingerprint") or {}).items()}
    return notes | {key: json.dumps(value, ensure_ascii=False) for key, value in said.items() if value is not None}


def _read_responses(found: Checkup, pages: Pages) -> None:
    """Count the responses that are sound, and list those that are not."""
    items = items_of(json.loads(found.notes["items"])) if "items" in found.notes else {}
    sound, bad, bodies, unread = set[str](), 0, 0, Counter[int]()
    for page, row in pages.records():
        if row is None or _is_response(row):
            why = row and unsound(_as_row(row), items)
            unread[page] += row is None
            if row and why and (bad := bad + 1) <= MOST_NAMED:
                found.report("responses", f"{row[0]!r}: {why}")
            if row and not why:
                sound.add(row[0])
        elif _is_texts(row) and not _bodies_of(row):
            bodies += 1
    for page in sorted(+unread)[:MOST_NAMED]:
        found.report("journal.sqlite", f"rows on page {page} cannot be read")
    if bad > MOST_NAMED:
        found.report("responses", f"{bad - MOST_NAMED:,} more")
    if bodies:
        found.report("bodies", f"the texts of {bodies:,} batches of requests cannot be read; no answer is lost by it")
    found.responses = len(sound)
    if found.expected is not None and (gone := found.expected - found.responses) > 0:
        found.report("responses", f"{gone:,} of {found.expected:,} are gone, those listed here among them")


def unsound(row: Row, items: Mapping[str, Item]) -> str:
    """Why a row cannot be what was stored; empty where it can."""
    try:
        response = response_of(row[:-3])
    except DamagedRun as error:
        return str(error)
    texts = (response.request, response.rule, response.engine)
    maybe = (response.text, response.error, response.chosen)
    counts = (response.prompt_tokens, response.completion_tokens, response.attempts)
    if not all(isinstance(text, str) for text in (*texts, *(text for text in maybe if text is not None))):
        return "a text is no text"
    if not all(type(n) is int and n >= 0 for n in counts) or not isinstance(response.mass, float | None):
        return "a number is no number"
    item = items.get(response.place.item)
    if items and item is None:
        return f"there is no item {response.place.item!r}"
    if item is not None and item.form in ("choice", "scale") and response.chosen is None:
        return _unfit(response, item)
    return ""


def _unfit(response: Response, item: Item) -> str:
    if response.answer is not None and not (type(response.answer) is int and 0 <= response.answer < len(item.options)):
        return f"answer {response.answer!r} is none of the item's {len(item.options)} options"
    return ""


def save(found: Checkup, into: str | Path) -> Path:
    """Put everything that is sound into a new folder, which then opens, and goes on where its notes suffice.

    Raises
    ------
    StoreError
        If the folder is not empty, or lies in the damaged one, or nothing can be saved.
    """
    into = Path(into)
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise StoreError(f"{into}: there is something already; name a folder that is new")
    if found.path.resolve() in (into.resolve(), *into.resolve().parents):
        raise StoreError(f"{into}: lies in the damaged run, which stays as it is; name a folder outside")
    if not found.responses and not found.notes and not (found.path / "responses.parquet").is_file():
        raise StoreError(f"{found.path}: nothing can be saved; bring back a backup, or begin a new run")
    if found.responses or found.notes:
        _save_journal(found, RunDirectory(into))
    _copy_others(found, into)
    if found.people:
        save(found.people, into / "people")
    return into


def _save_journal(found: Checkup, directory: RunDirectory) -> None:
    items = items_of(json.loads(found.notes["items"])) if "items" in found.notes else {}
    # A state of the old run would say that this one is complete.
    notes = {key: text for key, text in found.notes.items() if key != "state"}
    notes["saved"] = json.dumps({"from": str(found.path), "lost": found.lost})
    is_whole = found.responses == found.expected and not EXPORTED & set(found.lost)
    with directory.writer() as journal, Pages(found.path / "journal.sqlite") as pages:
        journal.note(**notes)
        _copy_rows(journal, pages, items)
        if is_whole and found.manifest is not None:
            roster = roster_of({key: notes.get(key) for key in ROSTER}, [id.split("/", 1)[0] for id in journal])
            write_journal_table(journal, items, directory.table_path, roster)
            directory.write_manifest({**found.manifest, "table": file_digest(directory.table_path)})


def _copy_rows(journal: Journal, pages: Pages, items: Mapping[str, Item]) -> None:
    """Copy responses, texts of requests and what is open, some thousands at a time."""
    rows: list[Row] = []
    texts: dict[str, str] = {}
    opened: list[Record] = []
    for _, record in pages.records():
        if record is None:
            continue
        if _is_response(record):
            row = _as_row(record)
            if not unsound(row, items):
                rows.append(row)
        elif _is_open(record):
            opened.append(record)
        else:
            texts |= _bodies_of(record)
        if len(rows) >= 5000 or len(texts) >= 5000:
            journal.restore(rows, texts, [])
            rows, texts = [], {}
    journal.restore(rows, texts, opened)


def _copy_others(found: Checkup, into: Path) -> None:
    """Copy what else lies in the folder, e.g. the beliefs that a probe found; a table without a journal too."""
    names = {} if found.responses else {"responses.parquet": "saved-responses.parquet"}
    try:
        into.mkdir(parents=True, exist_ok=True)
        for path in sorted(found.path.iterdir()):
            if path.is_file() and (path.name in names or not path.name.startswith(_FILES)):
                shutil.copyfile(path, into / names.get(path.name, path.name))
    except OSError as error:
        raise StoreError(f"{into}: cannot be written ({error.strerror}); free some space") from None


def _key_of(row: Record) -> str:
    """The key of a note; empty where a row is none: an index has rows of two texts too, and so have old requests."""
    is_note = len(row) == 2 and isinstance(row[0], str) and len(row[0]) < 200
    return row[0] if is_note and not (len(row[0]) == 32 and row[0].isalnum()) else ""


def _is_response(row: Record) -> bool:
    return 18 <= len(row) <= 18 + len(_ADDED)


def _is_open(row: Record) -> bool:
    return len(row) == 4 and all(isinstance(text, str) for text in row[:3]) and isinstance(row[3], int | float)


def _is_texts(row: Record) -> bool:
    return len(row) == 3 and row[0] is None and isinstance(row[2], bytes)


def _as_row(record: Record) -> Row:
    """A row as `COLUMNS` has it, with origin and times; those of older schemas are shorter."""
    values = [
        float(v) if k in _REAL and isinstance(v, int) else v
        for k, v in enumerate((*record, *_ADDED[len(record) - 18 :]))
    ]
    return tuple(values[k] for k in _ORDER)


def _bodies_of(row: Record) -> dict[str, str]:
    """Texts of requests by hash, as far as they are what was sent."""
    try:
        if _is_texts(row):
            pairs = zip(row[1].split("\n"), zlib.decompress(row[2]).decode().split("\n"), strict=True)
            return {hash: text for hash, text in pairs if body_hash(text) == hash}
    except (ValueError, AttributeError, zlib.error):
        return {}
    if len(row) == 2 and isinstance(row[1], str) and "\n" not in row[1] and body_hash(row[1]) == row[0]:
        return {row[0]: row[1]}
    return {}

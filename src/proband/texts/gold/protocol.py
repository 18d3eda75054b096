"""What is locked before the hold-out is opened, how often it was opened, and what may not have been seen before."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from proband.designs.studies import Study
from proband.errors import DesignError
from proband.instruments.items import Instrument
from proband.runs.locking import lock_study, read_lock
from proband.texts.gold.parts import AUDIT, HOLD_OUT
from proband.texts.gold.project import LOCK, OPENINGS, TRAINING, Project
from proband.texts.gold.tables import Row, read_table, rows_in, write_table

OPENING = ("opening", "lock", "documents")
_LEARNS = "learned:"


def lock_protocol(project: Project, study: Study, protocol: Mapping[str, Any]) -> Mapping[str, Any]:
    """Lock a study of the chosen coder: its plan as `proband lock` writes it, and the protocol beside it.

    A lock that says the same is kept as it is. Under another one a hold-out that was opened would be opened again.
    """
    path = project.path(LOCK)
    beside = path.with_name(f".{LOCK}.new")
    beside.unlink(missing_ok=True)
    made = lock_study(study, beside, protocol=protocol)
    if path.exists():
        before = read_lock(path)
        if all(before.get(key) == made.get(key) for key in {*before, *made} - {"made", "hash"}):
            beside.unlink()
            return before
    beside.replace(path)
    return made


def locked(project: Project) -> dict[str, Any]:
    """The lock, as it was made.

    Raises
    ------
    DesignError
        If there is none; if it was edited; if it is another one than the hold-out was opened under, and `lock` did not
        write it.
    """
    path = project.path(LOCK)
    if not path.exists():
        raise DesignError(f"{path}: there is no lock; `proband code {project.study} lock` makes it")
    try:
        lock = read_lock(path)
    except DesignError as error:
        opened = openings(project)
        if not opened:
            raise
        raise DesignError(
            f"{error}. The hold-out was opened under the lock {opened[-1]['lock']}, so what was validated is no longer "
            "what is written here"
        ) from None
    written = (project.record().get("lock") or {"outputs": {}})["outputs"].get(LOCK)
    if written and project.digest_of(LOCK) != written and openings(project):
        raise DesignError(
            f"{path}: not the lock that `lock` wrote, and the hold-out was opened; bring the file back, or lock again, "
            "after which the hold-out counts as opened again"
        )
    return lock


def openings(project: Project) -> list[Row]:
    """Every time the hold-out was opened, and under which lock."""
    return rows_in(project.path(OPENINGS), OPENING)


def open_hold_out(project: Project, lock: str, n_documents: int) -> int:
    """Note that the hold-out is opened under a lock; which time it is, counted from 1.

    The same lock opens it once: who was stopped in between goes on.
    """
    opened = openings(project)
    if not opened or opened[-1]["lock"] != lock:
        opened.append({"opening": str(len(opened) + 1), "lock": lock, "documents": str(n_documents)})
        write_table(project.path(OPENINGS), OPENING, opened)
    return len(opened)


def learnt_from(address: str) -> Path | None:
    """The file that a learned coder is fitted on; None for any other coder."""
    if not address.startswith(_LEARNS):
        return None
    named = dict(parse_qsl(address.partition("?")[2])).get("gold", "")
    return Path(unquote(named))


def check_unseen(address: str, book: Instrument, gold: Sequence[Row], texts: Mapping[str, str]) -> None:
    """Refuse a coder that has seen documents it is validated on, or that correct it.

    Parameters
    ----------
    address : str
        Of the coder's engine; a learned one names the file it is fitted on.
    book : Instrument
        The codebook; its examples are shown to coders.
    gold : sequence of dict
        With document and part.
    texts : mapping of str to str
        Document -> text, of the gold.

    Raises
    ------
    DesignError
        If a document of hold-out or audit, or its text under another id, is in the file or an example.
    """
    part_of = {row["document"]: row["part"] for row in gold if row["part"] in (HOLD_OUT, AUDIT)}
    by_text = {_folded(texts[document]): document for document in part_of}
    for code in (code for codes in getattr(book, "codes", {}).values() for code in codes):
        for example in code.examples:
            if document := by_text.get(_folded(example)):
                raise DesignError(
                    f"the example {example[:50]!r} of code {code.label!r} is document {document!r}, which is in the "
                    f"part {part_of[document]!r}: take another example, from development"
                )
    path = learnt_from(address)
    if path is None or not path.exists():
        return
    wanted = dict(parse_qsl(address.partition("?")[2])).get("part", "")
    for where, row in read_table(path, ("document",)):
        if wanted and row.get("part") != wanted:
            continue
        document = row["document"] if row["document"] in part_of else by_text.get(_folded(row.get("text", "")) or " ")
        if document:
            raise DesignError(
                f"{where}: {address.partition('?')[0]} is fitted on document {document!r}, which is in the part "
                f"{part_of[document]!r}: fit it on development, which `split` writes to {TRAINING}; or, to fit on all "
                "gold, make all of it development (parts = { development = 1.0 }): each document is then answered by a "
                "fit without it, and there is no hold-out"
            )


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()

"""Locked plans: what a study will do, written down and hashed before the first answer, and what was done otherwise."""

import json
import time
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

from proband.designs.studies import Study
from proband.errors import DesignError, StoreError, TreatmentChanged
from proband.files import text_of
from proband.runs.run import Run
from proband.store.directory import RunDirectory
from proband.store.rosters import roster_text

ENDING = ".lock.json"
_WORDS = {
    "roster": "who takes part, with units, arms, weights and traits",
    "trial_keys": "what is sent",
    "trials": "the number of trials",
    "proband": "the version of Proband",
    "design.exclude": "the checks that exclude whoever fails them",
    "stopping": "when to stop",
}
_LISTED = {"items.": "Item", "hypotheses.": "Hypothesis", "families.": "The family of tests"}


def lock_beside(study: str | Path) -> Path:
    """Where the lock of a study file lies: beside it, as ``STUDY.lock.json``."""
    return Path(study).with_suffix(ENDING)


def lock_study(study: Study, path: str | Path, *, protocol: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """Write a study's plan as a lock file, to be kept or published before the study is carried out.

    Parameters
    ----------
    study : Study
        Of any kind; every trial is made once, and none is sent.
    path : path
        File to write; an existing lock is not replaced.
    protocol : mapping, optional
        What is decided beside the study, e.g. which gold validates a coder; kept under this name, as JSON has it.

    Returns
    -------
    mapping
        What was written: the design in full, with what excludes subjects; hypotheses, families of tests and stopping
        rule; hashes of every item, digests of the roster and of all trials as far as they are known before anything is
        answered, the engines, version and time, and a hash over all of it.
    """
    path = Path(path)
    beside = {} if protocol is None else {"protocol": json.loads(json.dumps(protocol))}
    made = {"made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **_record(study), **beside}
    lock = {**made, "hash": _digest(made)}
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(lock, indent=2, ensure_ascii=False) + "\n")
    except FileExistsError:
        raise DesignError(
            f"{path}: there is a lock already; a plan is locked once: keep it, or remove it and say why"
        ) from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); choose another file") from None
    return lock


def read_lock(path: str | Path) -> dict[str, Any]:
    """A lock, as it was made.

    Raises
    ------
    DesignError
        If it is no lock, or was edited after it was made.
    """
    path = Path(path)
    try:
        lock: dict[str, Any] = json.loads(text_of(path, what="lock", error=DesignError))
        known = str(lock["hash"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DesignError(f"{path}: not a lock; `proband lock STUDY.toml` makes one") from None
    if (found := _digest({key: value for key, value in lock.items() if key != "hash"})) != known:
        raise DesignError(
            f"{path}: the lock was edited since it was made: its hash is {known} and its contents give {found}; bring "
            "back the file that was made, or lock the study again before its first answer"
        )
    return lock


def hold_to(lock: Mapping[str, Any] | None, study: Study, into: str | Path) -> None:
    """Note in a run which lock it is held to, before `carry_out` goes on with it.

    Parameters
    ----------
    lock : mapping or None
        From `read_lock`; None to stay with the one that the run has, if any.
    study : Study
        What is about to be carried out.
    into : path
        The run directory.

    Raises
    ------
    TreatmentChanged
        If the run has answers under another lock.
    """
    directory = RunDirectory(into)
    if lock is None and not directory.journal_path.exists():
        return
    with directory.writer() as journal:
        noted = journal.noted("lock")
        if noted and len(journal) and lock is not None and noted["lock"]["hash"] != lock["hash"]:
            raise TreatmentChanged(
                f"{into}: this run was begun under the lock {noted['lock']['hash']}, made "
                f"{noted['lock']['made']}, and not under {lock['hash']}; use that lock, or a new folder"
            )
        held = lock or (noted and noted["lock"])
        is_known = noted and directory.manifest() is not None
        if held and not is_known:
            answers = noted["answers_before"] if noted else len(journal)
            note = {"lock": held, "ran": _record(study), "answers_before": answers}
            journal.note(lock=json.dumps(note, ensure_ascii=False))


def lock_of(run: Run) -> Mapping[str, Any] | None:
    """The lock that a run is held to; None where it has none."""
    noted = _noted(run)
    return noted and noted["lock"]


def deviations(run: Run) -> list[str]:
    """What was done otherwise than locked, a sentence each; empty where nothing was, or the run has no lock."""
    noted = _noted(run)
    if noted is None:
        return []
    lock = {key: value for key, value in noted["lock"].items() if key not in ("made", "hash", "protocol")}
    found = list(_differences(lock, noted["ran"]))
    if noted["answers_before"]:
        found.insert(0, f"The plan was locked when there were {noted['answers_before']:,} answers already.")
    asked = sum(run.dispositions().values())
    if not run.is_complete:
        rule = f" Locked was to stop so: {lock['stopping']}" if lock.get("stopping") else ""
        found.append(f"The run is not complete: {asked:,} of {lock['trials']:,} locked trials were asked.{rule}")
    return found


def _noted(run: Run) -> dict[str, Any] | None:
    with run.directory.reader() as journal:
        noted: dict[str, Any] | None = journal.noted("lock")
        return noted


def _record(study: Study) -> dict[str, Any]:
    """Everything that is decided before the first answer, as JSON has it."""
    design = study.design
    keys = blake2b(digest_size=16)
    for trial in design.preview():
        keys.update(f"{trial.id} {trial.request.hash}\n".encode())
    record = {
        "study": study.name,
        "kind": study.kind,
        "design": dict(design.describe()),
        "items": {id: _digest(item.as_dict()) for id, item in design.items.items()},
        "roster": _digest(roster_text(design.roster())),
        "engines": dict(study.addresses),
        "people": None if study.people is None else dict(study.people.engine.fingerprint()),
        "trials": design.size(),
        "trial_keys": keys.hexdigest(),
        "proband": version("proband"),
        **study.promises.as_dict(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(record))
    return plain


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _differences(locked: Mapping[str, Any], ran: Mapping[str, Any], at: str = "") -> Iterator[str]:
    for key in dict.fromkeys([*locked, *ran]):
        name, before, after = f"{at}{key}".rstrip("."), locked.get(key), ran.get(key)
        if before == after:
            continue
        if (isinstance(before, Mapping) and isinstance(after, Mapping)) or (f"{key}." in _LISTED and not at):
            yield from _differences(before or {}, after or {}, f"{name}.")
        elif at in _LISTED and (at == "items." or before is None or after is None):
            what = "was left out" if after is None else "was added" if before is None else "was edited"
            yield f"{_LISTED[at]} {key!r} {what}."
        elif name in ("roster", "trial_keys"):
            yield f"What was locked is not what ran: {_WORDS[name]}."
        else:
            yield f"Locked was {_WORDS.get(name, name)} = {_short(before)}; it ran with {_short(after)}."


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}..."

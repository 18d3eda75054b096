"""Files that a run refers to: it notes where they lie and what they hold, and a look at it needs the same bytes."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proband.errors import DataError
from proband.files import bytes_of, is_file
from proband.runs.run import Run


def noted(path: Path, what: str) -> dict[str, str]:
    """Where a file lies, and the hash of what it holds."""
    return {"file": str(path.resolve()), "hash": _hash(bytes_of(path, what=what, error=DataError))}


def found_again(run: Run, note: Mapping[str, Any]) -> Path:
    """The file that a run refers to: where it lay, or beside the run, if it was moved with it.

    Raises
    ------
    DataError
        If there is none with the same bytes.
    """
    where = Path(note["file"])
    places = [where, *(folder / where.name for folder in (run.path, *list(run.path.resolve().parents)[:2]))]
    there = [place for place in places if is_file(place)]
    for place in there:
        if _hash(bytes_of(place, what="file", error=DataError)) == note["hash"]:
            return place
    if there:
        raise DataError(f"{there[0]} holds something else than when this was asked; put back what it held")
    raise DataError(f"{where} is not there; put it back, or beside the run in {run.path}")


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()

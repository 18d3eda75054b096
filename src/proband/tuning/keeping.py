"""Writing what a study keeps as JSON, and reading it again."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proband.errors import DataError


def keep(path: str | Path, values: Mapping[str, Any], *, indent: int | None = None) -> Path:
    """Write plain values; the same values give the same bytes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")
    return path


@contextmanager
def kept(path: str | Path, what: str, form: int, *, again: str) -> Iterator[dict[str, Any]]:
    """What `keep` wrote; it is made into a record inside, so that a damaged one is refused by name.

    Raises
    ------
    DataError
        If the file is missing, damaged, or of another format than `form`.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        found = values.pop("format")
        if found != form:
            raise DataError(f"{path}: {what} of format {found}, not {form}; {again}")
        yield values
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; {again}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: no {what}, or damaged ({error}); {again}") from None

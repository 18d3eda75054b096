"""People's numbers: what studies found, one row each in ``references.toml``, with its source."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import Field

from proband.errors import DataError, meant
from proband.files import Table, beside, checked


class ReferenceRow(Table):
    """A row of ``references.toml``."""

    study: str = Field(min_length=1)
    quantity: str = Field(min_length=1)
    value: float
    what: str = Field(min_length=1)
    source: str = Field(min_length=1)
    seen: Literal["data", "repository", "abstract", "cited"]
    n: int | None = Field(default=None, gt=0)
    sd: float | None = Field(default=None, ge=0)
    lower: float | None = None
    upper: float | None = None


class _File(Table):
    reference: list[ReferenceRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One figure of people.

    Attributes
    ----------
    study, quantity : str
        Which figure it is; together they name it.
    value : float
        In the unit that `what` says.
    what, source : str
        Whose figure of what, as a sentence; citation, with DOI where there is one.
    seen : {"data", "repository", "abstract", "cited"}
        How it was checked: computed from people's answers, read in the study's own files, in its abstract, or
        only as other works cite it.
    n : int or None
        People.
    sd, lower, upper : float or None
        Spread over people, and limits of a 95 % interval, where they are known.
    """

    study: str
    quantity: str
    value: float
    what: str
    source: str
    seen: str
    n: int | None = None
    sd: float | None = None
    lower: float | None = None
    upper: float | None = None


@cache
def references(study: str | None = None) -> Sequence[Reference]:
    """The figures of a study, in the order of the file; of all studies where none is named.

    Raises
    ------
    DataError
        If no study is called so, or a row lacks its source.
    """
    rows = _rows()
    if study is None:
        return rows
    found = tuple(row for row in rows if row.study == study)
    if not found:
        known = tuple(dict.fromkeys(row.study for row in rows))
        raise DataError(
            f"no figures of people for a study {study!r}{meant(study, known)}; there are {', '.join(known)}"
        )
    return found


def reference(study: str, quantity: str) -> Reference | None:
    """One figure; None where it is not in the file."""
    return next((row for row in _rows() if (row.study, row.quantity) == (study, quantity)), None)


@cache
def _rows() -> tuple[Reference, ...]:
    file = checked(_File, beside(__file__), "references.toml", error=DataError)
    rows = tuple([Reference(**row.model_dump()) for row in file.reference])
    names = [(row.study, row.quantity) for row in rows]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"references.toml: {twice[0]}, {twice[1]} is there twice; give each figure one row")
    return rows

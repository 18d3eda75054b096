"""Reading what coders wrote: any labels, missing cells, as indices into the distinct codes."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError
from proband.measures.arrays import Bools, Floats, Ints

_DENSE_RANGE = 1_000_000
_MOST_ROWS = 10_000
_BLOCK = 8_192


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of units by coders."""

    values: NDArray[Any]  # (n_values,): distinct codes, in the declared order or sorted
    # (n_rows, n_coders): position of each code in `values`; -1 where a coder did not code the unit
    index: Ints
    times: Floats  # (n_rows,): how many units are coded as the row says: 1, except from `count_rows`

    def counts(self) -> Floats:
        """How many coders gave the units of a row each value, shape (n_rows, n_values)."""
        n_units, n_values = len(self.index), len(self.values)
        units, _ = np.nonzero(self.index >= 0)
        flat = units * n_values + self.index[self.index >= 0]
        return np.bincount(flat, minlength=n_units * n_values).reshape(n_units, n_values).astype(np.float64)


def read_codes(codes: ArrayLike, categories: Sequence[Hashable] | None = None) -> Codes:
    """Read a table of codes, shape (n_units, n_coders); None or NaN is a cell nobody coded."""
    table = np.asarray(codes)
    if table.dtype.kind in "US" and not isinstance(codes, np.ndarray):
        # A list that mixes texts and None or numbers would otherwise be read as texts throughout.
        table = np.asarray(codes, dtype=object)
    if table.ndim != 2 or not table.size:
        raise DataError(
            f"codes have shape {table.shape}; expected (n_units, n_coders), at least one of each, "
            "with None or NaN where a coder did not code a unit"
        )
    present = ~_missing(table)
    index = np.full(table.shape, -1, dtype=np.intp)
    if categories is None:
        values, index[present] = _distinct(table[present])
        return Codes(values, index, np.ones(len(index)))
    declared = _declared(categories)
    found, position = _distinct(table[present])
    places = {value: k for k, value in enumerate(declared.tolist())}
    if unknown := [value for value in found.tolist() if value not in places]:
        raise DataError(f"code {unknown[0]!r} is none of the categories {declared.tolist()}; add it, or mend the cell")
    place = np.array([places[value] for value in found.tolist()], dtype=np.intp)
    index[present] = place[position] if len(place) else position
    return Codes(declared, index, np.ones(len(index)))


def count_rows(codes: ArrayLike, categories: Sequence[Hashable] | None = None) -> Codes:
    """`read_codes` with units coded alike in one row, where codes are few: 10^5 units of 5 coders become hundreds.

    The order of the coders within a row is lost.
    """
    table = np.asarray(codes)
    if categories is not None or table.ndim != 2 or table.dtype.kind not in "iuf" or not table.size:
        return read_codes(codes, categories)
    low, high = float(np.fmin.reduce(table, axis=None)), float(np.fmax.reduce(table, axis=None))
    n_digits, n_coders = high - low + 2, table.shape[1]
    # Each row is a number with one digit a coder, 0 for a missing code; there must not be many more than units.
    if not n_coders * np.log2(n_digits) <= np.log2(max(_MOST_ROWS, 4 * len(table))):
        return read_codes(codes, categories)
    radix = np.power(n_digits, np.arange(n_coders), dtype=np.float64)
    tally = _tally(table, low - 1, radix, int(n_digits**n_coders))
    if tally is None:
        return read_codes(codes, categories)
    rows = np.flatnonzero(tally)
    digits = np.sort(rows[:, None] // radix.astype(np.intp) % int(n_digits), axis=1)
    sorted_tally = np.bincount(digits @ radix.astype(np.intp), weights=tally[rows])
    rows = np.flatnonzero(sorted_tally)
    digits = rows[:, None] // radix.astype(np.intp) % int(n_digits)
    used = np.unique(digits[digits > 0])
    rank = np.full(int(n_digits), -1, dtype=np.intp)
    rank[used] = np.arange(len(used))
    return Codes((used + (low - 1)).astype(table.dtype), rank[digits], sorted_tally[rows].astype(np.float64))


def _tally(table: NDArray[Any], below: float, radix: Floats, n_numbers: int) -> Ints | None:
    """How often each row, read as a number, occurs; None if a code is not whole."""
    tally = np.zeros(n_numbers, dtype=np.intp)
    # Blocks that stay in the processor's cache are several times faster than whole columns.
    for start in range(0, len(table), _BLOCK):
        digits = table[start : start + _BLOCK] - below
        np.fmax(digits, 0.0, out=digits)  # the larger of NaN and 0 is 0 to fmax
        if not (np.floor(digits) == digits).all():
            return None
        tally += np.bincount((digits @ radix).astype(np.intp), minlength=n_numbers)
    return tally


def _missing(table: NDArray[Any]) -> Bools:
    missing: Bools = np.zeros(table.shape, dtype=np.bool_)
    if table.dtype.kind == "f":
        missing = np.isnan(table)
    if table.dtype.kind == "O":
        # NaN is the only value unequal to itself.
        missing = (table == np.array(None)).astype(np.bool_) | (table != table).astype(np.bool_)
    return missing


def _distinct(values: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """Distinct values in order and the position of each value among them."""
    if values.dtype.kind in "iuf" and values.size:
        low, high = values.min(), values.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            raise DataError("a code is infinite; check how it was read")
        # Counting is several times faster than sorting, where codes are whole numbers in a small range.
        if float(high) - float(low) < _DENSE_RANGE and (values.dtype.kind in "iu" or (values % 1 == 0).all()):
            offset = (values - low).astype(np.intp)
            used = np.flatnonzero(np.bincount(offset))
            rank = np.zeros(used[-1] + 1, dtype=np.intp)
            rank[used] = np.arange(len(used))
            return (used + low).astype(values.dtype), rank[offset]
    try:
        distinct, position = np.unique(values, return_inverse=True)
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in values.tolist()})
        raise DataError(f"codes mix kinds that have no common order ({', '.join(kinds)}); use one kind") from error
    return distinct, position.astype(np.intp).ravel()


def _declared(categories: Sequence[Hashable]) -> NDArray[Any]:
    listed = list(categories)
    if len(set(listed)) < len(listed) or not listed:
        raise DataError(f"categories {listed} must be given once each, at least one")
    declared = np.empty(len(listed), dtype=object)
    declared[:] = listed
    return declared

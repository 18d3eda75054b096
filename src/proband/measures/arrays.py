"""Numbers as the measures want them: of the right shape, none missing, none infinite."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError, MissingDataError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]


def units_of(x: Floats) -> Floats:
    """The power of 2 next to the largest value of every column, shape (p,); 1 for a column of zeros.

    Columns over them are of one size, so that rank and condition speak of what columns share, and not of incomes being
    in yen. Dividing by a power of 2 costs no digit.
    """
    largest = np.abs(x).max(axis=0, initial=0.0)
    found: Floats = np.exp2(np.round(np.log2(np.where(largest > 0, largest, 1.0))))
    return found


def rank(x: Floats) -> int:
    """How many columns are no sum of others, whatever their units."""
    return int(np.linalg.matrix_rank(x / units_of(x)))


def finite(
    values: ArrayLike, what: str, *, ndim: int | None = 1, way_out: str = "leave them out and report how many"
) -> Floats:
    """Values as finite floats, or an error that says what was found and where.

    `what`: what they are, in the plural, e.g. ``scores of a``. `ndim`: dimensions wanted; None leaves the shape to
    the caller. `way_out`: what to do about missing values. Raises DataError, MissingDataError if something is no
    number, has another shape, is infinite, or is missing.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} must be numbers; code answers first ({error})") from error
    if ndim is not None and array.ndim != ndim:
        wanted = "a table of numbers" if ndim == 2 else "one number per unit"
        raise DataError(f"{what} have shape {array.shape}; give {wanted}")
    if (gaps := np.isnan(array)).any():
        row = int(np.argwhere(gaps)[0][0]) if array.ndim else 0
        raise MissingDataError(f"{int(gaps.sum())} of {array.size} {what} are missing, first in row {row}; {way_out}")
    if np.isinf(array).any():
        raise DataError(f"{int(np.isinf(array).sum())} of {array.size} {what} are infinite; check how they were read")
    return array

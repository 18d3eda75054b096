"""Numbers as the measures want them: of the right shape, none missing, none infinite."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError, MissingDataError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]


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

"""People who lived through what agents live through: rows of sessions, to compare societies with."""

from pathlib import Path

import polars as pl

from proband.errors import DataError

PLACE = ("society", "round", "number")


def read_people(path: Path) -> pl.DataFrame:
    """Read a table of people in sessions.

    Parameters
    ----------
    path : path
        A CSV file, also one that ends in ``.csv.gz``; a row for each person in each round. A column ``arm`` says who
        lived through which arm; empty is where nothing is changed.

    Returns
    -------
    polars.DataFrame
        Columns society, arm, round and number, and those of the file that hold numbers, as float.

    Raises
    ------
    DataError
        If it cannot be read, lacks one of the three columns, or has no other that holds numbers.
    """
    try:
        rows = pl.read_csv(path, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path}: people's rows cannot be read as CSV ({error}); correct `people` or the file"
        ) from None
    if missing := [name for name in PLACE if name not in rows.columns]:
        raise DataError(
            f"{path}: people's rows have no column {', '.join(missing)}; they need {', '.join(PLACE)}, and there are "
            f"{', '.join(rows.columns)}"
        )
    numbers = [name for name, kind in rows.schema.items() if kind.is_numeric() and name not in (*PLACE, "arm")]
    if not numbers:
        raise DataError(f"{path}: people's rows have no column of numbers beside {', '.join(PLACE)}")
    arm = pl.col("arm").cast(pl.String).fill_null("") if "arm" in rows.columns else pl.lit("").alias("arm")
    return rows.select("society", arm, "round", "number", pl.col(numbers).cast(pl.Float64))

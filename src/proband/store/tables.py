"""Responses as data frames: one row a response, columns a statistician expects."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from proband.errors import StoreError
from proband.instruments.items import Item
from proband.records import Response

_SCHEMA: dict[str, Any] = {
    "trial": pl.String,
    "subject": pl.String,
    "item": pl.String,
    "round": pl.Int64,
    "replicate": pl.Int64,
    "status": pl.String,
    "answer": pl.Int64,
    "value": pl.Float64,
    "label": pl.String,
    "parts": pl.List(pl.Float64),
    "probs": pl.List(pl.Float64),
    "mass": pl.Float64,
    "shown": pl.List(pl.Int64),
    "text": pl.String,
    "error": pl.String,
    "rule": pl.String,
    "engine": pl.String,
    "request": pl.String,
    "prompt_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
    "attempts": pl.Int64,
}


def responses_table(responses: Iterable[Response], items: Mapping[str, Item]) -> pl.DataFrame:
    """One row per response, sorted by place.

    Parameters
    ----------
    responses : iterable of Response
        In the order wanted; `Journal.responses` sorts by place.
    items : mapping
        Items by id, for the labels and scale points of their options.

    Returns
    -------
    polars.DataFrame
        ``answer`` is the 0-based index into the options as written; ``value`` the scale points or the number;
        ``label`` the option's text or the written answer; ``parts`` a multiple answer, ranking or allocation.
        Every factor that varies has a column of its own, before ``round``. Missing is null, and ``status``
        says why.
    """
    columns: dict[str, list[Any]] = {name: [] for name in _SCHEMA}
    factors: dict[str, list[str | None]] = {}
    for count, response in enumerate(responses):
        for name, level in response.place.condition:
            factors.setdefault(name, [None] * count).append(level)
        for levels in factors.values():
            levels.extend([None] * (count + 1 - len(levels)))
        for name, value in _cells(response, items.get(response.place.item)).items():
            columns[name].append(value)
    frame = pl.DataFrame(columns, schema=_SCHEMA)
    taken = [pl.Series(factor_column(name), levels) for name, levels in factors.items()]
    return frame.select("trial", "subject", "item").hstack(
        [*taken, *frame.drop("trial", "subject", "item").get_columns()]
    )


def factor_column(name: str) -> str:
    """The column of a factor: its name, or ``factor_NAME`` where another column is called so."""
    return f"factor_{name}" if name in _SCHEMA else name


def _cells(response: Response, item: Item | None) -> dict[str, Any]:
    """One row; keys are those of `_SCHEMA`."""
    answer = response.answer
    index = (
        answer if isinstance(answer, int) and item is not None and item.form in ("choice", "scale") else None
    )
    number = float(answer) if isinstance(answer, int | float) and index is None else None
    label = answer if isinstance(answer, str) else None
    if index is not None and item is not None:
        number = item.points[index] if item.form == "scale" or item.codes else None
        label = item.options[index]
    return {
        "trial": response.place.id,
        "subject": response.place.subject,
        "item": response.place.item,
        "round": response.place.round,
        "replicate": response.place.replicate,
        "status": response.status,
        "answer": index,
        "value": number,
        "label": label,
        "parts": [float(part) for part in answer] if isinstance(answer, tuple) else None,
        "probs": response.probs,
        "mass": response.mass,
        "shown": response.order or None,
        "text": response.text,
        "error": response.error,
        "rule": response.rule,
        "engine": response.engine,
        "request": response.request,
        "prompt_tokens": response.prompt_tokens,
        "completion_tokens": response.completion_tokens,
        "attempts": response.attempts,
    }


def wide_table(table: pl.DataFrame, values: str = "answer") -> pl.DataFrame:
    """One row per subject (and condition, round, replicate), one column per item.

    Parameters
    ----------
    table : polars.DataFrame
        From `responses_table`.
    values : str
        Column to spread: "answer", "value" or "label". Under "label", numbers and lists stand as text.
    """
    if values not in ("answer", "value", "label"):
        raise StoreError(f"values {values!r} cannot be spread; choose answer, value or label")
    keys = [name for name in table.columns if name not in _SCHEMA] + ["subject", "round", "replicate"]
    if values == "label":
        parts = pl.col("parts").cast(pl.List(pl.String)).list.join("; ")
        table = table.with_columns(
            pl.coalesce("label", pl.col("value").cast(pl.String), parts).alias("label")
        )
    return table.pivot(on="item", index=keys, values=values).sort(keys)


def write_table(table: pl.DataFrame, path: str | Path) -> Path:
    """Write a table as .csv or .parquet, whole or not at all; list columns become JSON text in CSV."""
    path = Path(path)
    if path.suffix not in (".csv", ".parquet"):
        raise StoreError(f"{path}: unknown table format {path.suffix!r}; end the name in .csv or .parquet")
    part = path.with_name(path.name + ".part")
    try:
        if path.suffix == ".parquet":
            table.write_parquet(part)
        else:
            lists = [name for name, kind in table.schema.items() if isinstance(kind, pl.List)]
            table.with_columns(
                pl.when(pl.col(name).is_not_null())
                .then(pl.format("[{}]", pl.col(name).cast(pl.List(pl.String)).list.join(",")))
                .alias(name)
                for name in lists
            ).write_csv(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written ({error}); free some space or choose another folder"
        ) from None
    return path

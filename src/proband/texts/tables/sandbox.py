"""The sandbox from outside: a copy of the tables, one statement at a time, limits of time, memory and rows."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from proband.errors import DesignError

if TYPE_CHECKING:
    import polars as pl

Cell = int | float | str | bool | None
_DIGITS = 9  # significant, in which two results must agree: sums come in any order
_START_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a statement may use.

    Attributes
    ----------
    seconds : float
        After which it is stopped.
    megabytes : int
        Of memory.
    rows : int
        That it may give.
    """

    seconds: float = 5.0
    megabytes: int = 512
    rows: int = 10_000

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 3600 or not 64 <= self.megabytes <= 10**6 or not 1 <= self.rows <= 10**6:
            raise DesignError(
                f"limits of a statement: {self.seconds} seconds, {self.megabytes} megabytes, {self.rows} rows; give up "
                "to 3600 seconds, from 64 megabytes, and 1 to a million rows"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a statement.

    Attributes
    ----------
    sql : str
        The statement.
    columns, rows : tuple
        What it gives; empty where it was not run to its end.
    why : str
        Why there is nothing; empty where it ran.
    is_refused : bool
        Whether it was not run at all, because it is no plain SELECT of the tables.
    """

    sql: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    why: str = ""
    is_refused: bool = False

    @property
    def key(self) -> tuple[tuple[str, ...], ...]:
        """The rows as they are compared: in any order, numbers to 9 digits, whatever the columns are called."""
        return tuple(sorted(tuple(_compared(cell) for cell in row) for row in self.rows))


def _compared(cell: Cell) -> str:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return repr(cell)
    return f"{float(cell) + 0.0:.{_DIGITS}g}"  # + 0.0: minus nought is nought


class Sandbox:
    """Tables that can be asked by one SELECT at a time, and by nothing else.

    Every statement runs in a process of its own kind: a copy of the tables in memory, DuckDB without files, network,
    extensions and settings that could be changed, and limits of the operating system behind that. A statement that
    runs past its time or takes too much memory ends that process; the next one starts another.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        By the name that SQL calls them.
    limits : Limits
        Of every statement.

    Raises
    ------
    DesignError
        If DuckDB is not installed.

    Examples
    --------
    >>> import polars as pl
    >>> with Sandbox({"stops": pl.DataFrame({"late": [1, 0, 1]})}) as sandbox:
    ...     print(sandbox.ask("SELECT sum(late) FROM stops").rows)
    ...     print(sandbox.ask("DROP TABLE stops").why)
    ((2,),)
    a statement of type DROP; one SELECT is run
    """

    def __init__(self, tables: Mapping[str, "pl.DataFrame"], limits: Limits | None = None) -> None:
        check_installed()
        self.tables, self.limits = dict(tables), limits or Limits()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()
        self._folder.cleanup()

    @cached_property
    def _folder(self) -> "tempfile.TemporaryDirectory[str]":
        """Where the copy lies until it is loaded; statements run there, and can open nothing of it."""
        folder = tempfile.TemporaryDirectory(prefix="proband-tables-")
        for k, frame in enumerate(self.tables.values()):
            frame.write_parquet(Path(folder.name, f"{k}.parquet"))
        return folder

    def ask(self, sql: str) -> Result:
        """What a statement gives, or why it gives nothing."""
        if not sql.strip():
            return Result(sql=sql, why="no statement", is_refused=True)
        if "\0" in sql or (not sql.isascii() and any(0xD800 <= ord(c) <= 0xDFFF for c in sql)):
            return Result(sql=sql, why="a character that no text has", is_refused=True)
        found, is_late = self._answer(json.dumps(sql), self.limits.seconds)
        if found is None:
            self._stop()
            most = f"{self.limits.seconds:g} seconds" if is_late else "it needs more memory than it may have"
            return Result(sql=sql, why=f"stopped after {most}" if is_late else most)
        why = found.get("refused") or found.get("failed") or ""
        rows = tuple(tuple(row) for row in found.get("rows", ()))
        return Result(
            sql=sql, columns=tuple(found.get("columns", ())), rows=rows, why=why, is_refused="refused" in found
        )

    def _answer(self, line: str, seconds: float) -> tuple[dict[str, Any] | None, bool]:
        """What the process answers to a line, None where it ended instead; and whether it was stopped for its time."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            return (json.loads(answer) if answer.endswith("\n") else None), late.is_set()
        except BrokenPipeError:
            return None, late.is_set()
        finally:
            timer.cancel()

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            kept = {name: value for name in ("SYSTEMROOT", "PATH") if (value := os.environ.get(name))}
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(Path(__file__).with_name("inside.py"))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
                cwd=self._folder.name, env=kept,
            )  # fmt: skip
            tables = {name: str(Path(self._folder.name, f"{k}.parquet")) for k, name in enumerate(self.tables)}
            given = {"tables": tables, "megabytes": self.limits.megabytes, "rows": self.limits.rows}
            ready, _ = self._answer(json.dumps(given), _START_S)
            if ready != "ready":  # type: ignore[comparison-overlap]
                self._stop()
                raise DesignError(
                    f"the tables {', '.join(self.tables)} cannot be loaded within {self.limits.megabytes} megabytes; "
                    "raise tables.limits.megabytes, or take columns out"
                )
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def check_installed() -> None:
    """Refuse where DuckDB is not there."""
    if find_spec("duckdb") is None:
        raise DesignError('questions to tables need the package duckdb; install it with pip install "proband[tables]"')

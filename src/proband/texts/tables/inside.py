"""What runs in the sandbox's own process: tables are loaded, every door is shut, then statements come one a line.

Nothing of Proband is imported here: what is not in the process cannot be reached from it. Four walls stand behind one
another, because each has had holes: the form of the statement, settings of DuckDB that cannot be unlocked, limits of
the operating system, and the process itself, which is killed from outside.
"""

import datetime  # noqa: F401  # DuckDB makes values of these, and imports nothing once files are shut
import decimal
import json
import sys
import uuid  # noqa: F401
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_REFUSED_TABLES = {"SHOW_REF": "it describes the database", "PIVOT": "it pivots; group instead"}
_SERIES = {"range", "generate_series", "unnest"}  # the only functions that may stand where tables do
_OPERATORS = frozenset({"unnest", "row", "count_star"})  # which the catalogue of functions does not name
_CLOCKS = {"current_timestamp", "current_time", "current_date", "localtime", "localtimestamp", "user"}
# Of the house's macros those that count with values; the others tell of the database and of who asks.
_MACROS = frozenset(
    {"nullif", "geomean", "geometric_mean", "wavg", "weighted_avg", "fdiv", "split_part", "days_in_month", "if"}
)
_KNOWN = """SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability = 'CONSISTENT'
OR (function_type = 'macro' AND (starts_with(function_name, 'list_') OR starts_with(function_name, 'array_')))"""


class Refused(Exception):
    """A statement that is not run, and why."""


@dataclass(frozen=True)
class Known:
    """Names that a statement may use, and those of DuckDB's own views, which it may not take for itself."""

    tables: frozenset[str]
    columns: frozenset[str]
    functions: frozenset[str]
    views: frozenset[str]


def check(connection: Any, sql: str, known: Known) -> None:
    """Refuse all but one SELECT of these tables by functions that give the same for the same rows."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise Refused(f"{len(statements)} statements; one SELECT is run")
    if (kind := statements[0].type.name) != "SELECT":
        raise Refused(f"a statement of type {kind}; one SELECT is run")
    tree = json.loads(connection.execute("SELECT json_serialize_sql($1)", [sql]).fetchone()[0])
    if tree.get("error"):
        raise Refused("no plain SELECT")
    nodes = list(_nodes(tree))
    named = frozenset(entry["key"].casefold() for node in nodes for entry in _entries(node))
    if taken := named & known.views:
        # Elsewhere in the statement the same name would be the view.
        raise Refused(f"{min(taken)!r} is a view of the database; call it something else")
    for node in nodes:
        _check_node(node, replace(known, tables=known.tables | named))


def _nodes(tree: Any) -> Any:
    """Every node of a statement; without recursion, which a deep statement would exhaust."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _entries(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The names that a WITH gives."""
    held = node.get("cte_map")
    return held["map"] if isinstance(held, dict) else []


def _check_node(node: dict[str, Any], known: Known) -> None:
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in _NODES:
        raise Refused(f"a {kind.removesuffix('_NODE').replace('_', ' ')} inside; it may only SELECT")
    if kind in _REFUSED_TABLES:
        raise Refused(_REFUSED_TABLES[kind])
    if node.get("sample") or node.get("at_clause"):
        raise Refused("it draws a sample, which comes out differently each time")
    if kind == "BASE_TABLE":
        name = str(node["table_name"])
        if node.get("catalog_name") or node.get("schema_name") or name.casefold() not in known.tables:
            raise Refused(f"no table {name!r}")
    elif kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).casefold()
        if name not in _SERIES:
            raise Refused(f"the function {name!r} stands where a table does")
    if "function_name" in node:
        name = str(node["function_name"]).casefold()
        if node.get("schema") or node.get("catalog") or name not in known.functions:
            raise Refused(f"the function {name!r} is not among those that may be used")
    elif node.get("class") == "COLUMN_REF":
        names = [str(name).casefold() for name in node["column_names"]]
        # Without brackets the clock and the user look like columns.
        if (
            len(names) == 1
            and names[0] not in known.columns
            and (names[0] in _CLOCKS or names[0].startswith("current_"))
        ):
            raise Refused(f"{names[0]!r} is not among the columns")
    if kind in ("VALUE_PARAMETER", "PARAMETER"):
        raise Refused("it has a place to be filled in")


def opened(given: dict[str, Any]) -> tuple[Any, Known]:
    """A connection that holds the tables and can reach nothing else, and what may be named there."""
    import duckdb

    settings: dict[str, Any] = {
        "threads": "1", "memory_limit": f"{given['megabytes']}MB", "temp_directory": "",
        "max_temp_directory_size": "0MB", "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false", "allow_community_extensions": "false",
        "python_enable_replacements": "false", "python_scan_all_frames": "false",
    }  # fmt: skip
    connection = duckdb.connect(":memory:", config=settings)
    columns: set[str] = set()
    for name, path in given["tables"].items():
        connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM read_parquet($1)', [path])
        columns |= _names(connection, f'SELECT column_name FROM (DESCRIBE "{name}")')
    known = Known(
        tables=frozenset(name.casefold() for name in given["tables"]),
        columns=frozenset(columns),
        functions=_names(connection, _KNOWN) | _MACROS | _OPERATORS,
        views=_names(connection, "SELECT view_name FROM duckdb_views() WHERE internal"),
    )
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection, known


def _names(connection: Any, sql: str) -> frozenset[str]:
    return frozenset(str(row[0]).casefold() for row in connection.execute(sql).fetchall())


def shut(given: dict[str, Any]) -> None:
    """Leave the process no file to open, no byte to write, and no more memory than it needs."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the walls before and behind stand there too
        return
    with suppress(FileNotFoundError), open("/proc/self/statm", encoding="ascii") as file:  # on Linux
        used = int(file.read().split()[0]) * resource.getpagesize()
        most = used + 2 * given["megabytes"] * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def ran(connection: Any, sql: str, most: int, known: Known) -> dict[str, Any]:
    """Columns and rows of a statement, or why there are none."""
    import duckdb

    try:
        check(connection, sql, known)
        cursor = connection.execute(sql)
        columns = [str(column[0]) for column in cursor.description]
        rows = cursor.fetchmany(most + 1)
    except Refused as reason:
        return {"refused": str(reason)}
    except MemoryError:
        return {"failed": "it needs more memory than it may have"}
    except (duckdb.Error, RuntimeError, ImportError, OSError, ValueError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        return {"failed": said[0][:200]}
    if len(rows) > most:
        return {"failed": f"more than {most:,} rows; a question is answered by few"}
    return {"columns": columns, "rows": [[_plain(cell) for cell in row] for row in rows]}


def _plain(cell: Any) -> Any:
    """A cell as JSON has it: a number, a text, a truth or nothing."""
    if cell is None or isinstance(cell, bool | int | float | str):
        return cell
    if isinstance(cell, decimal.Decimal):
        return int(cell) if cell == cell.to_integral_value() else float(cell)
    return str(cell)


def main() -> None:
    """Answer every line with a line."""
    given = json.loads(sys.stdin.readline())
    connection, known = opened(given)
    shut(given)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        found = ran(connection, json.loads(line), given["rows"], known)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

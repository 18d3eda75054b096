"""How the tables of this archive were written and hashed; needs no Proband.

A table (any polars frame) is cut to columns, sorted by `trial` (by its UTF-8 bytes) and written as CSV: header,
`\\n` line ends, null as an empty cell, floats by `repr`, lists as JSON, texts as they are (quoted where CSV needs it).
"""

import csv
import hashlib
import io
import json


def table_csv(table, columns) -> str:
    """The table as text; an empty text would look like null, so it is refused."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    rows = table.select(list(columns)).to_dicts()
    for row in sorted(rows, key=lambda row: row["trial"].encode()):
        writer.writerow([_cell(row[name]) for name in columns])
    return out.getvalue()


def digest(table, columns) -> str:
    """SHA-256 of `table_csv`."""
    return hashlib.sha256(table_csv(table, columns).encode()).hexdigest()


def _cell(value) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return json.dumps(value)
    if isinstance(value, float):
        return repr(value)
    assert value != "", "an empty text cannot be told from null"
    return str(value)

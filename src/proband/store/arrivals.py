"""Answers in the order in which they came, until many of them are put in the order of their places at once.

The answers of a round go to as many pages of a table in the order of places as there are agents, and each of these
pages is written anew; in the order of arrival they go to the last one. Both tables lie in one file, and an answer is
committed to either before it counts.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence

from proband.store.rows import Row
from proband.store.transactions import transaction

FEW = 64  # answers that are put in order at once, if nothing waits: they go to few pages whatever their order
MOST = 65_536  # answers that wait to be put in order; the place of each is held in memory
_LOOKED_UP = 500


class Arrivals:
    """What has arrived and was not put in order yet; used within the journal's lock and transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._at: dict[str, int] = {}  # row by place

    def __len__(self) -> int:
        return len(self._at)

    def refuse_twice(self, trials: Sequence[str]) -> None:
        """Refuse places that are answered, as a table in the order of places does by itself."""
        twice = [trial for trial, n in Counter(trials).items() if n > 1 or trial in self._at]
        for start in range(0, len(trials), _LOOKED_UP):
            part = trials[start : start + _LOOKED_UP]
            select = f"SELECT trial FROM responses WHERE trial IN ({', '.join('?' * len(part))})"
            twice += [trial for (trial,) in self._connection.execute(select, part)]
        if twice:
            raise sqlite3.IntegrityError(f"UNIQUE constraint failed: {twice[0]!r}")

    def came(self, rows: Sequence[Row], last: int) -> None:
        """Note rows that were inserted, the last of them under that number, and are committed now."""
        self._at.update((str(row[0]), last - len(rows) + k) for k, row in enumerate(rows, 1))

    def numbers(self, trials: Sequence[str]) -> list[int]:
        """Rows of those of these places that wait."""
        return [self._at[trial] for trial in trials if trial in self._at] if self._at else []

    def put_in_order(self) -> None:
        """Put all in the order of their places: in one transaction, so that a kill leaves them here or there."""
        if self._connection.execute("SELECT 1 FROM arrived LIMIT 1").fetchone() is None:
            return
        with transaction(self._connection):
            self._connection.execute("INSERT INTO responses SELECT * FROM arrived ORDER BY trial")
            self._connection.execute("DELETE FROM arrived")
        self._at.clear()


def read_both(connection: sqlite3.Connection) -> None:
    """Have a connection that only reads see both tables as one, under the name of the one in order."""
    connection.execute(
        "CREATE TEMP VIEW responses AS SELECT * FROM main.responses UNION ALL SELECT * FROM main.arrived"
    )

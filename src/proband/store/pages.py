"""The rows of an SQLite file read page by page, without SQLite, which stops at the first page that is damaged.

The format stands at https://www.sqlite.org/fileformat2.html. The file and its log are read only, and nothing is said of
which table a row is of: that is seen by its shape.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from proband.store.damage import FRAME_HEADER, HEADER, LOG_HEADER, MAGIC, page_size, strange_log

Record = tuple[Any, ...]
_INDEX, _TABLE = (0x02, 0x0A), 0x0D  # kinds of page that hold rows: of tables by key, inner ones too, and by number
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes of a number, by its type in a row
_MOST = 1 << 30  # bytes of a value that SQLite would store


class Pages:
    """The pages of a journal as its last commit left them: those of the file, under those of its log."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        header = self._file.read(HEADER)
        self.is_known = header.startswith(MAGIC)
        self.size = page_size(header)
        self._logged: dict[int, bytes] = {}
        if not strange_log(path, header):
            self._read_log(path.with_name(path.name + "-wal"))
        self._count = max([-(-path.stat().st_size // self.size), *self._logged])
        # Bytes at the end of each page that SQLite leaves to others; none in a journal.
        self.usable = self.size - (header[20] if self.is_known and header[20] < 32 else 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> bytes:
        """A page, counted from 1; shorter than it was where the file ends."""
        if number in self._logged:
            return self._logged[number]
        self._file.seek((number - 1) * self.size)
        return self._file.read(self.size)

    def _read_log(self, path: Path) -> None:
        """Pages of the log up to its last commit; those after it were never part of the run."""
        if not path.is_file() or path.stat().st_size <= LOG_HEADER:
            return
        with path.open("rb") as file:
            salts, since = file.read(LOG_HEADER)[16:24], dict[int, bytes]()
            while len(head := file.read(FRAME_HEADER)) == FRAME_HEADER and head[8:16] == salts:
                page = file.read(self.size)
                if len(page) < self.size:
                    return
                number, is_commit = struct.unpack(">II", head[:8])
                since[number] = page
                if is_commit:
                    self._logged.update(since)
                    since.clear()

    def free(self) -> set[int]:
        """Pages that hold what was taken out; as far as their list can be followed."""
        found: set[int] = set()
        trunk = _number(self[1][32:36])
        while 0 < trunk <= len(self) and trunk not in found:
            page = self[trunk]
            found.add(trunk)
            leaves = min(_number(page[4:8]), self.size // 4 - 2)
            found.update(struct.unpack(f">{leaves}I", page[8 : 8 + 4 * leaves]) if len(page) >= 8 + 4 * leaves else ())
            trunk = _number(page[:4])
        return found

    def records(self) -> Iterator[tuple[int, Record | None]]:
        """Every row with the number of its page; None for one that cannot be read."""
        free = self.free()
        for number in range(1, len(self) + 1):
            page = self[number]
            start = HEADER if number == 1 else 0
            if number in free or len(page) < start + 8 or page[start] not in (*_INDEX, _TABLE):
                continue
            kind = page[start]
            first = start + (12 if kind == 0x02 else 8)
            for k in range(min(_number(page[start + 3 : start + 5]), (self.size - first) // 2)):
                at = _number(page[first + 2 * k : first + 2 * k + 2])
                try:
                    yield number, self._record(page, at + (4 if kind == 0x02 else 0), is_table=kind == _TABLE)
                except (IndexError, ValueError, struct.error):
                    yield number, None

    def _record(self, page: bytes, at: int, *, is_table: bool) -> Record:
        """The row whose cell begins there."""
        size, at = _varint(page, at)
        if is_table:
            _, at = _varint(page, at)
        u = self.usable
        most = u - 35 if is_table else (u - 12) * 64 // 255 - 23
        least = (u - 12) * 32 // 255 - 23
        if not 0 < size <= _MOST:
            raise ValueError("no size of a row")
        if size <= most:
            local = size
        else:
            local = least + (size - least) % (u - 4)
            local = local if local <= most else least
        payload = page[at : at + local]
        if len(payload) < local:
            raise ValueError("the row ends outside its page")
        return _values(payload if local == size else payload + self._overflow(page, at + local, size - local))

    def _overflow(self, page: bytes, at: int, left: int) -> bytes:
        """What of a row did not fit in its page, from the chain of pages that begins there."""
        parts, following = [], _number(page[at : at + 4])
        while left > 0:
            if not 0 < following <= len(self):
                raise ValueError("the chain of a row is broken")
            more = self[following]
            part = more[4 : 4 + min(left, self.usable - 4)]
            if not part:
                raise ValueError("the chain of a row is broken")
            parts.append(part)
            left -= len(part)
            following = _number(more[:4])
        return b"".join(parts)


def _number(text: bytes) -> int:
    return int.from_bytes(text, "big")


def _varint(text: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for k in range(8):
        byte = text[at + k]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + k + 1
    return value << 8 | text[at + 8], at + 9


def _values(payload: bytes) -> Record:
    """The values of a row."""
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if at != end:
        raise ValueError("the head of the row is damaged")
    values: list[Any] = []
    for kind in kinds:
        size = _INTEGERS.get(kind, 8 if kind == 7 else max(0, (kind - 12) // 2))
        part = payload[at : at + size]
        if len(part) < size or kind in (10, 11):
            raise ValueError("the row is damaged")
        at += size
        if kind in _INTEGERS:
            values.append(int.from_bytes(part, "big", signed=True))
        elif kind == 7:
            values.append(struct.unpack(">d", part)[0])
        elif kind >= 12:
            values.append(part.decode() if kind % 2 else part)
        else:
            values.append({0: None, 8: 0, 9: 1}[kind])
    if at != len(payload):
        raise ValueError("the row is damaged")
    return tuple(values)

"""Where the words of a corpus lie: one run of bytes, read by offsets, in memory or in a file without a name."""

import os
import tempfile
from array import array
from collections.abc import Iterator, Sequence

_IN_MEMORY = 64 * 2**20  # bytes; a corpus that is longer lies in a file, and the system keeps of it what it can
_AT_ONCE = 2**22  # bytes


class HeldTexts:
    """Texts by number, in the order they were added; any thread may read.

    A million documents are 16 MB of offsets here. As Python's texts they would be objects in every list and dict that
    names them, and a pass of the garbage collector over all of them.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._file: int | None = None
        self._ends = array("q", [0])

    def add(self, text: bytes) -> None:
        """Add a text, as UTF-8."""
        self._bytes += text
        self._ends.append(self._ends[-1] + len(text))
        if len(self._bytes) > _IN_MEMORY:
            if self._file is None:
                self._home = tempfile.TemporaryFile(prefix="proband-corpus-", buffering=0)  # noqa: SIM115
                self._file = self._home.fileno()
            self.close()

    def close(self) -> None:
        """Bring what still waits to the file, if there is one; called when the last text was added."""
        if self._file is not None:
            self._home.write(self._bytes)
            self._bytes = bytearray()

    def __del__(self) -> None:
        if self._file is not None:
            self._home.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, row: int) -> str:
        return self._between(self._ends[row], self._ends[row + 1]).decode()

    def size(self, row: int) -> int:
        """Bytes of a text."""
        return self._ends[row + 1] - self._ends[row]

    def blocks(self, rows: Sequence[int]) -> Iterator[Sequence[str]]:
        """Texts of these rows, some megabytes at a time."""
        block, size = list[str](), 0
        for row in rows:
            block.append(self[row])
            size += len(block[-1])
            if size > _AT_ONCE:
                yield block
                block, size = [], 0
        if block:
            yield block

    def _between(self, start: int, end: int) -> bytes:
        # `pread` moves no file position, so threads do not disturb each other.
        return bytes(self._bytes[start:end]) if self._file is None else os.pread(self._file, end - start, start)

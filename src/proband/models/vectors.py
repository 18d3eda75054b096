"""Vectors of texts on disk, by engine and text: computed once, whatever asks for them.

One file an encoder, under the user's cache: records of one length, added at its end under a lock. So two processes may
fill it at once, a kill loses what was not added yet, and deleting it changes nothing but time.
"""

import hashlib
import json
import logging
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from filelock import FileLock

from proband.errors import EngineError
from proband.models.engine import BaseEngine, Vectors
from proband.models.local.embedded import cache_folder

FOLDER = "vectors"
RULE = "1"  # grows when vectors come to be made otherwise
AT_ONCE = 2048  # texts whose vectors are computed before they are stored
_KEY, _CHECK, _HEAD = 16, 4, 4  # bytes of a text's hash, of a record's checksum, and before the first record
_log = logging.getLogger(__name__)


def cached(engine: BaseEngine, texts: Sequence[str]) -> Vectors:
    """Vectors of texts, in their order; what was not computed before is, and is kept."""
    for k, text in enumerate(texts):
        if not text.strip():
            raise EngineError(f"text {k + 1} of {len(texts)} is blank and has no vector; leave it out")
    keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY).digest() for text in texts]
    file = _file(file_of(engine))
    found = file.read(set(keys))
    absent = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
    new = list(absent)
    for start in range(0, len(new), AT_ONCE):
        part = new[start : start + AT_ONCE]
        made = np.ascontiguousarray(engine.vectors([absent[key] for key in part]), dtype="<f4")
        if made.ndim != 2 or len(made) != len(part) or not np.isfinite(made).all():
            raise EngineError(f"{engine.address} gave no vectors of finite numbers for {len(part)} texts")
        file.add(part, made)
        found |= dict(zip(part, made, strict=True))
    if len({len(vector) for vector in found.values()}) > 1:
        raise EngineError(f"{engine.address} gives vectors of different lengths; name its model more closely")
    return np.array([found[key] for key in keys], dtype=np.float32) if keys else np.zeros((0, 0), np.float32)


def file_of(engine: BaseEngine) -> Path:
    """Where the vectors of an engine are kept."""
    named = json.dumps([RULE, sorted(engine.encoder_fingerprint().items())])
    return cache_folder() / FOLDER / f"{hashlib.blake2b(named.encode(), digest_size=16).hexdigest()}.f32"


class _File:
    """Records of a text's hash, a checksum and a vector; which hashes stand where is remembered and read on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[bytes, int] = {}
        self._seen: tuple[int, int] = (0, 0)  # file and number of records that were looked at

    def read(self, wanted: set[bytes]) -> dict[bytes, Vectors]:
        """The vectors of `wanted` that are whole; what is cut off or damaged counts as not there."""
        try:
            with self.path.open("rb") as file:
                head = int.from_bytes(file.read(_HEAD), "little")
            stat = self.path.stat()
        except OSError:
            return {}
        size = _KEY + _CHECK + 4 * head
        n = (stat.st_size - _HEAD) // size
        if not head or n < 1:
            return {}
        rows = np.memmap(self.path, np.uint8, "r", _HEAD, (n, size))
        known, before = self._seen
        if known != stat.st_ino or n < before:  # another file of that name
            self._places, before = {}, 0
        keys = rows[before:, :_KEY].tobytes()
        self._places |= {keys[_KEY * k : _KEY * (k + 1)]: before + k for k in range(n - before)}
        self._seen = stat.st_ino, n
        found = {}
        for key in wanted & self._places.keys():
            record = rows[self._places[key]].tobytes()
            if zlib.crc32(record[_KEY + _CHECK :]) == int.from_bytes(record[_KEY : _KEY + _CHECK], "little"):
                found[key] = np.frombuffer(record, "<f4", offset=_KEY + _CHECK)
        return found

    def add(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Put records behind those that are there; a cache that cannot be written is only slower."""
        n = vectors.shape[1]
        vector_bytes = [row.tobytes() for row in vectors]
        parts = [(key, zlib.crc32(v).to_bytes(_CHECK, "little"), v) for key, v in zip(keys, vector_bytes, strict=True)]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock")), self.path.open("a+b") as file:
                length, head = file.seek(0, 2), n.to_bytes(_HEAD, "little")
                file.seek(0)
                if file.read(_HEAD) != head:
                    file.truncate(0)
                    file.write(head)
                elif torn := (length - _HEAD) % (_KEY + _CHECK + 4 * n):  # somebody was killed while writing
                    file.truncate(length - torn)
                file.write(b"".join(part for record in parts for part in record))
        except OSError as error:
            why = error.strerror or error
            _log.warning("%s: vectors cannot be kept (%s), so they are computed again next time", self.path, why)


_file = lru_cache(16)(_File)

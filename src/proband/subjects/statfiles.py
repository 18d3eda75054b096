"""SPSS, Stata and SAS files, read in a process of its own, which a damaged file may end or hold up without harm.

The library that reads them is written in C and ends by a segmentation fault on some damaged files; it also keeps files
open that it could not read. This file is both sides: what asks, and, run by its path, what answers.
"""

import atexit
import codecs
import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

_NAMES = (
    *("column_names", "column_names_to_labels", "variable_value_labels", "original_variable_types", "file_encoding"),
    *("readstat_variable_types", "missing_ranges", "missing_user_values", "mr_sets", "variable_storage_width"),
)
_READERS = {".sav": "read_sav", ".zsav": "read_sav", ".dta": "read_dta", ".por": "read_por", ".xpt": "read_xport"}
SUFFIXES = tuple(_READERS)
_MOST_READ = 500  # files by one process, because of those it keeps open
_MEMORY, _TIMES = 1 << 30, 400  # bytes, and times the size of the file: packed ones hold so much
_PATIENCE_S, _BYTES_A_SECOND = 60, 1 << 18

_lock = threading.Lock()
_worker: subprocess.Popen[bytes] | None = None
_n_read = 0


class Unreadable(Exception):
    """The file cannot be read, and why."""


class NotText(Unreadable):
    """Texts of the file are not in the encoding they are read in."""


def read(path: Path, suffix: str, **settings: Any) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Columns of a file as lists, None where empty, and what it says about them, as pyreadstat calls it.

    Raises
    ------
    Unreadable
        If the library refuses the file, ends on it, or does not come to an end.
    """
    global _n_read
    with _lock:
        if _worker is None or _worker.poll() is not None or _n_read >= _MOST_READ:
            _start()
        assert _worker is not None
        assert _worker.stdin is not None
        assert _worker.stdout is not None
        _n_read += 1
        patience = threading.Timer(_PATIENCE_S + path.stat().st_size / _BYTES_A_SECOND, _worker.kill)
        patience.start()
        answered: tuple[str, Any] | None = None
        try:
            # Absolute: the folder one works in may have changed since the process began.
            pickle.dump((str(path.absolute()), suffix, settings), _worker.stdin)
            _worker.stdin.flush()
            answered = pickle.load(_worker.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            is_late = not patience.is_alive()
            raise Unreadable("its reading came to no end" if is_late else "the file is damaged") from None
        finally:
            patience.cancel()
            if answered is None:  # nor may an answer that nobody waited for be taken for the next one
                end()
    kind, answer = answered
    if kind != "read":
        raise (NotText if kind == "text" else Unreadable)(answer)
    columns, about = answer
    return columns, about


def _start() -> None:
    global _worker, _n_read
    end()
    _n_read = 0
    _worker = subprocess.Popen(
        [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


@atexit.register
def end() -> None:
    """End the reading process; the next file starts another."""
    global _worker
    if _worker is not None:
        _worker.kill()
        for pipe in (_worker.stdin, _worker.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        _worker.wait()
        _worker = None


def _serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Read what is asked for until nobody asks any more."""
    with suppress(EOFError):
        while True:
            path, suffix, settings = pickle.load(asked)
            _bound(Path(path).stat().st_size)
            answers.write(pickle.dumps(_answer(path, suffix, settings), protocol=5))
            answers.flush()


def _answer(path: str, suffix: str, settings: dict[str, Any]) -> tuple[str, Any]:
    try:
        import pyreadstat  # only in this process
    except ImportError as error:
        return "other", f"pyreadstat cannot be loaded ({error})"
    reader = getattr(pyreadstat, _READERS[suffix])
    if suffix not in (".por", ".xpt"):
        settings = {"user_missing": True, **settings}
    # The library knows few encodings, and loses letters in some; here each byte is a letter, and is decoded after.
    encoding = settings.pop("encoding", "")
    if encoding:
        names = [name.encode(encoding).decode("latin-1") for name in settings.get("usecols", ())]
        settings |= {"encoding": "ISO-8859-1", **({"usecols": names} if names else {})}
    try:
        columns, about = reader(path, output_format="dict", disable_datetime_conversion=True, **settings)
        held = dict(columns), {name: getattr(about, name, None) for name in _NAMES}
        return "read", _decoded(held, encoding) if encoding else held
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
        return ("text" if "requested encoding" in str(error) else "other"), str(error)
    except UnicodeError as error:
        return "text", str(error)
    except MemoryError:
        return "other", "it asks for more memory than a file of its size can fill"
    # Whatever the bytes made of it: this process answers for nothing else.
    except (ValueError, TypeError, LookupError, ArithmeticError, OSError, RuntimeError) as error:
        return "other", f"the file is damaged ({type(error).__name__}: {error})"


def _decoded(held: Any, encoding: str) -> Any:
    """What was read byte by byte, in the encoding it is in; a letter that a text's width cut off is left out."""
    if isinstance(held, str):
        return codecs.getincrementaldecoder(encoding)().decode(held.encode("latin-1"))
    if isinstance(held, dict):
        return {_decoded(key, encoding): _decoded(value, encoding) for key, value in held.items()}
    return type(held)(_decoded(each, encoding) for each in held) if isinstance(held, list | tuple) else held


def _bound(size: int) -> None:
    """A damaged count asks for any amount of memory."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    most = _MEMORY + _TIMES * size
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the library prints is no answer
    _serve(sys.stdin.buffer, answers)

"""What workers are asked to do in the tests."""

import os
import signal
import time
from pathlib import Path


def stateful(word):
    return {"word": word}, {"pid": os.getpid(), "threads": os.environ["OMP_NUM_THREADS"]}


def refusing(word):
    raise ValueError(f"no {word} here")


def dying(folder, living):
    """Only so many workers live; the others end before they have answered."""
    born = len(list(Path(folder).iterdir()))
    (Path(folder) / f"{os.getpid()}").touch()
    if born >= living:
        os.kill(os.getpid(), signal.SIGKILL)
    return None, os.getpid()


def once(folder):
    """The first worker lives, every later one refuses to work."""
    (Path(folder) / f"{os.getpid()}").touch()
    if len(list(Path(folder).iterdir())) > 1:
        raise ValueError("a second one")
    return None, os.getpid()


def said(state, text):
    return f"{state['word']} {text}"


def squared(state, number):
    print("on standard output, among the replies")
    return number * number


def pid(state):
    return os.getpid()


def slow(state, seconds):
    time.sleep(seconds)
    return os.getpid()


def killing(state):
    os.kill(os.getpid(), signal.SIGKILL)


def killing_unless(state, path):
    """Takes its worker with it once for each character that the file lacks of two."""
    text = Path(path).read_text() if Path(path).exists() else ""
    if len(text) < 2:
        Path(path).write_text(text + "x")
        os.kill(os.getpid(), signal.SIGKILL)
    return "lived"


def raising(state, text):
    raise KeyError(text)


def unpicklable(state):
    return lambda: None


def started(state, folder, seconds):
    """Leaves a file, so that the driver knows that it goes on."""
    (Path(folder) / f"{os.getpid()}").touch()
    time.sleep(seconds)
    return os.getpid()


def variable(state, name):
    return os.environ[name]


def where(state):
    import proband

    return proband.__file__

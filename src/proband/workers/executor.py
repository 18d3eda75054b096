"""What goes out of this process: tasks by name, workers that do them, and the executor that has both."""

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from traceback import format_exc
from typing import Any

from proband.errors import EngineError, ProbandError


class WorkerLost(EngineError):
    """A task took several workers with it, one after the other."""


@dataclass(frozen=True, slots=True)
class Task:
    """A function by its name, and what it is called with; both are pickled, so no closures travel.

    Attributes
    ----------
    function : str
        ``module:name``; the module must be importable where the worker is.
    arguments : tuple
        Whatever pickles.
    """

    function: str
    arguments: tuple[Any, ...] = ()

    def carry_out(self, *before: Any) -> Any:
        """Call the function here."""
        module, _, name = self.function.partition(":")
        return getattr(import_module(module), name)(*before, *self.arguments)

    def packed(self) -> bytes:
        """The task as it travels."""
        return pickle.dumps((self.function, self.arguments), pickle.HIGHEST_PROTOCOL)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that has answered.

    Attributes
    ----------
    name : str
        As messages call it, with its process and its host.
    told : object
        What the set-up told of itself.
    """

    name: str
    told: Any = None


Admit = Callable[[Worker, Sequence[Worker]], None]


class Executor(ABC):
    """Workers elsewhere, and the tasks that are put to them.

    Attributes
    ----------
    name : str
        What the workers are, in the plural, e.g. ``processes``.
    """

    name: str

    @abstractmethod
    def start(self, setup: Task | None, n: int, admit: Admit | None = None) -> None:
        """Have `n` workers started; tasks may be put at once.

        Parameters
        ----------
        setup : Task or None
            Each worker calls it once. It gives a pair: a state, which the worker keeps, and what it tells of itself.
        n : int
            How many workers there shall be.
        admit : callable, optional
            Is given a worker that has answered and those before it, and raises `EngineError` if it may not join them.
        """

    @abstractmethod
    def submit(self, task: Task) -> Future[Any]:
        """Have a worker call ``task.function(state, *task.arguments)``; from any thread.

        The future raises what the function raised; `WorkerLost` if the task took several workers with it, and
        `EngineError` once there is no worker. It can be cancelled until a worker has the task.
        """

    @abstractmethod
    def settle(self, least: int | None = None) -> None:
        """Wait until `least` workers have answered, by default all that could be started.

        Raises
        ------
        EngineError
            If one of the first refused, or none could be started.
        """

    @property
    @abstractmethod
    def workers(self) -> Sequence[Worker]:
        """Those that have answered and are there."""

    @abstractmethod
    def wind_down(self) -> None:
        """Finish what is out and take nothing new; what waits for a worker is cancelled."""

    @abstractmethod
    def close(self) -> None:
        """End every worker; safe to call twice."""

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# What importing a package that is not here, or only in part, raises, and what its records do.
_UNREADABLE = (
    ImportError,
    OSError,
    RuntimeError,
    pickle.PickleError,
    AttributeError,
    TypeError,
    ValueError,
    LookupError,
)


@contextmanager
def started(executor: Executor, setup: Task | None, n: int) -> Iterator[Executor]:
    """An executor with its workers, which end with the block."""
    with executor:
        executor.start(setup, n)
        yield executor


def set_up(packed: bytes) -> tuple[Any, bytes]:
    """On a worker: the state that a set-up gives, and its reply."""
    setup: Task | None = pickle.loads(packed)
    try:
        state, told = (None, None) if setup is None else setup.carry_out()
        return state, _reply(True, told)
    except BaseException as error:  # carried to the driver, and raised there
        return None, _reply(False, error)


def carry_out(state: Any, packed: bytes) -> bytes:
    """On a worker: the reply to a task."""
    try:
        function, arguments = pickle.loads(packed)
        return _reply(True, Task(function, arguments).carry_out(state))
    except BaseException as error:  # carried to the driver, and raised there
        return _reply(False, error)


def read_reply(packed: bytes) -> tuple[bool, Any]:
    """On the driver: whether it went well, and what was given or raised.

    What cannot be unpacked here, because it is of a package that only the worker has, is an error that says so.
    """
    try:
        is_well, value = pickle.loads(packed)
    except _UNREADABLE as error:
        said = f"what a worker sent cannot be read here: {type(error).__name__}: {error}"
        return False, EngineError(f"{said}; install what the workers have")
    return is_well, value


def _reply(is_well: bool, value: Any) -> bytes:
    """A reply as it travels; an error that does not pickle is told in words."""
    if not is_well and not isinstance(value, ProbandError):
        value.add_note(format_exc())
    try:
        reply = pickle.dumps((is_well, value), pickle.HIGHEST_PROTOCOL)
        if not is_well:
            pickle.loads(reply)  # some errors can be packed, and not unpacked
        return reply
    except (pickle.PickleError, TypeError, AttributeError, ValueError) as error:
        said = f"what it gave does not pickle: {error}" if is_well else str(value)
        return pickle.dumps((False, EngineError(f"{type(value).__name__}: {said}")))

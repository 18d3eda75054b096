"""How far a run is, and where it should stop."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from proband.errors import DesignError


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Where to stop; the run can be resumed with more.

    Attributes
    ----------
    trials : int or None
        Most trials asked in this call.
    tokens : int or None
        Most prompt and completion tokens in the whole run.
    dollars : float or None
        Most money in the whole run, as the engine estimates it before each batch; needs a known price. Only what
        was asked under a cap in dollars is counted.
    seconds : float or None
        Most wall-clock time in this call; what is in flight is still waited for.
    """

    trials: int | None = None
    tokens: int | None = None
    dollars: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, cap in asdict(self).items():
            if cap is not None and cap <= 0:
                raise DesignError(f"budget: {name} = {cap}; a cap must be above 0")


@dataclass(slots=True)
class Tally:
    """How far a run is; handed to `watch` after every commit."""

    total: int
    done: int = 0
    asked: int = 0
    tokens: int = 0
    dollars: float = 0.0
    dispositions: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)
    stopped_by: str = ""

    @property
    def seconds(self) -> float:
        """Wall-clock time since the loop began."""
        return time.monotonic() - self.started


Watch = Callable[[Tally], None]

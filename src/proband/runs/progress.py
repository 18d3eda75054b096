"""How far a run is, and where it should stop."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from proband.errors import DesignError, EngineError
from proband.models.engine import Engine
from proband.records import Trial


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
            if cap is not None and not cap > 0:
                raise DesignError(f"budget: {name} = {cap}; a cap must be above 0")

    def cap_trials(self, trials: list[Trial], tally: "Tally") -> list[Trial]:
        """As many trials as may be asked, by their number and the time; notes in the tally what stopped the rest."""
        if self.seconds is not None and tally.seconds >= self.seconds:
            tally.stopped_by = f"time: {self.seconds:g} s"
            return []
        if self.trials is not None and tally.asked + len(trials) > self.trials:
            tally.stopped_by = f"trials: {self.trials}"
            return trials[: max(0, self.trials - tally.asked)]
        return trials

    def cap_cost(self, trials: list[Trial], tally: "Tally", engine: Engine) -> list[Trial]:
        """As many trials as tokens and dollars allow, by the engine's estimate; adds their price to the tally.

        Raises
        ------
        EngineError
            If dollars are capped and the engine's price is unknown.
        """
        if (self.tokens is None and self.dollars is None) or not trials:
            return trials
        sizes = range(1, len(trials) + 1)
        allowed = bisect_left(sizes, True, key=lambda n: not self._allows(trials[:n], tally, engine))
        if allowed < len(trials):
            tally.stopped_by = (
                f"tokens: {self.tokens}" if self.dollars is None else f"dollars: {self.dollars}"
            )
        kept = trials[:allowed]
        if kept and self.dollars is not None:
            tally.dollars += engine.cost(kept).price or 0.0
        return kept

    def _allows(self, trials: list[Trial], tally: "Tally", engine: Engine) -> bool:
        cost = engine.cost(trials)
        if self.dollars is not None and cost.price is None:
            raise EngineError(f"engine {engine.address!r} has no known price; cap tokens instead of dollars")
        tokens = tally.tokens + cost.prompt_tokens + cost.completion_tokens
        is_within = self.tokens is None or tokens <= self.tokens
        return is_within and (self.dollars is None or tally.dollars + (cost.price or 0.0) <= self.dollars)


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

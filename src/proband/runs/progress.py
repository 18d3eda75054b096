"""How far a run is, and where it should stop."""

import json
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from proband.errors import DesignError, EngineError
from proband.models.engine import BaseEngine
from proband.records import Trial

LEAST = 64  # trials in a piece near a cap
_RECENT_S = 30.0  # the rate is that of the last so many seconds


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

    @property
    def is_counted(self) -> bool:
        """Whether anything but time is capped."""
        return any(cap is not None for cap in (self.trials, self.tokens, self.dollars))

    def cap_trials(self, trials: list[Trial], tally: "Tally") -> list[Trial]:
        """As many trials as may be asked, by their number and the time; notes in the tally what stopped the rest."""
        if self.is_late(tally):
            return []
        if self.trials is not None and tally.asked + len(trials) > self.trials:
            tally.stopped_by = f"trials: {self.trials}"
            return trials[: max(0, self.trials - tally.asked)]
        return trials

    def is_late(self, tally: "Tally") -> bool:
        """Whether the time is up; notes it in the tally."""
        if self.seconds is None or tally.seconds < self.seconds:
            return False
        tally.stopped_by = f"time: {self.seconds:g} s"
        return True

    def cap_cost(self, trials: list[Trial], tally: "Tally", engine: BaseEngine) -> list[Trial]:
        """As many trials as tokens and dollars allow, by the engine's estimate; adds their price to the tally.

        Raises
        ------
        EngineError
            If dollars are capped and the engine's price is unknown.
        """
        if (self.tokens is None and self.dollars is None) or not trials:
            return trials
        allowed = len(trials)
        if not self._allows(trials, tally, engine):
            sizes = range(1, len(trials) + 1)
            allowed = bisect_left(sizes, True, key=lambda n: not self._allows(trials[:n], tally, engine))
            tally.stopped_by = f"tokens: {self.tokens}" if self.dollars is None else f"dollars: {self.dollars}"
        kept = trials[:allowed]
        if kept and self.dollars is not None:
            tally.dollars += engine.cost(kept).price or 0.0
        return kept

    def piece(self, trials: list[Trial], tally: "Tally", engine: BaseEngine) -> int:
        """How many trials to hand over together: half of what the caps leave room for, so that they are met closely.

        What a reply takes is known when it is there, so the estimate is made anew for each piece.
        """
        if (self.tokens is None and self.dollars is None) or len(trials) <= LEAST:
            return len(trials)
        probe = engine.cost(trials[:LEAST])
        shares = [1.0]
        if self.tokens is not None:
            each = (probe.prompt_tokens + probe.completion_tokens) / LEAST
            shares.append((self.tokens - tally.tokens) / max(each * len(trials), 1e-9))
        if self.dollars is not None and probe.price:
            shares.append((self.dollars - tally.dollars) / (probe.price / LEAST * len(trials)))
        share = min(shares)
        return len(trials) if share >= 2 else max(LEAST, int(share / 2 * len(trials)))

    def _allows(self, trials: list[Trial], tally: "Tally", engine: BaseEngine) -> bool:
        cost = engine.cost(trials)
        if self.dollars is not None and cost.price is None:
            raise EngineError(f"engine {engine.address!r} has no known price; cap tokens instead of dollars")
        tokens = tally.tokens + cost.prompt_tokens + cost.completion_tokens
        is_within = self.tokens is None or tokens <= self.tokens
        return is_within and (self.dollars is None or tally.dollars + (cost.price or 0.0) <= self.dollars)


@dataclass(slots=True)
class Tally:
    """How far a run is; handed to `watch` after every commit.

    Attributes
    ----------
    total, done, asked : int
        Trials of the design (an upper bound where skipping depends on answers), answered so far, and asked in this
        call.
    tokens : int
        Prompt and completion tokens of the whole run.
    estimated : int
        Answers whose tokens, and price, are estimates, because no server counted them.
    price : float or None
        US dollars for what was asked in this call, where the engine has a price.
    dollars : float
        What counts against a cap in dollars.
    """

    total: int
    done: int = 0
    asked: int = 0
    tokens: int = 0
    estimated: int = 0
    dollars: float = 0.0
    price: float | None = None
    dispositions: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)
    stopped_by: str = ""
    _marks: deque[tuple[float, int]] = field(default_factory=deque, repr=False)

    @property
    def seconds(self) -> float:
        """Wall-clock time since the loop began."""
        return time.monotonic() - self.started

    @property
    def per_second(self) -> float:
        """Trials asked per second, of late."""
        since, before = self._marks[0] if self._marks else (self.started, 0)
        return (self.asked - before) / max(time.monotonic() - since, 1e-3)

    @property
    def seconds_left(self) -> float | None:
        """At that rate; None before there is one."""
        rate = self.per_second
        return (self.total - self.done) / rate if rate > 0 else None

    def noted(self) -> str:
        """What whoever looks at the run while it goes on is told, as JSON."""
        told = {name: getattr(self, name) for name in ("total", "done", "tokens", "dispositions", "per_second")}
        return json.dumps(told | {"at": time.time()})

    def count(self, statuses: Sequence[str]) -> None:
        """Count answers that were committed."""
        self.dispositions.update(statuses)
        self.done += len(statuses)
        self.asked += len(statuses)
        now = time.monotonic()
        self._marks += [(now, self.asked)] if self._marks else [(self.started, 0), (now, self.asked)]
        while len(self._marks) > 2 and now - self._marks[1][0] > _RECENT_S:
            self._marks.popleft()


Watch = Callable[[Tally], None]

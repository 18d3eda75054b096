"""The traffic: when a call may leave, which trial goes next, and how answers get back to who asked."""

import asyncio
import math
import queue
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from proband.errors import EngineError
from proband.models.local.forest import shared_length
from proband.models.servers.settings import ServerSettings
from proband.records import Completion, Request, Trial

FIRST_LIMIT = 16
GIVEN_UP = "given up"  # the cause of whatever the server, not the trial, is to blame for
_LONG = 256  # characters that make a shared beginning worth waiting for: some 64 tokens, four blocks of a cache
_HAND_OVER_S = 0.005  # answers are handed over several at a time: waking the other thread costs more than an answer

Pair = tuple[Trial, Completion]


class Pace:
    """Lets calls go: additive increase, multiplicative decrease, pauses for all, budgets per minute.

    The limit on calls in flight begins at 16 (or at `concurrency`, if that is less). While calls succeed and the limit
    was reached since they left, it grows by one a call until the server first complains, and by one a round from then
    on. A complaint (429, 503, no reply in time) halves it; complaints about calls that left before the last halving
    are about the old limit and change nothing. A wait that the server asks for holds everybody.

    Budgets are buckets that hold a twelfth of a minute's worth and fill so that no 60 seconds see more than the budget.

    All methods run on one event loop.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.most = settings.concurrency
        self.limit = float(min(FIRST_LIMIT, self.most))
        self.in_flight = 0
        self.n_calls = 0
        self._resume_at = 0.0
        self._cut_at = self._full_at = -math.inf
        self._is_climbing = True
        self._requests = _Bucket(settings.requests_per_minute)
        self._tokens = _Bucket(settings.tokens_per_minute)
        self._line: deque[tuple[float, asyncio.Future[float]]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._clock = asyncio.get_running_loop().time

    @property
    def counts_tokens(self) -> bool:
        """Whether a caller must say how many tokens its call may take."""
        return self._tokens.budget is not None

    def restart(self) -> None:
        """Begin anew with a server that was away; budgets stay."""
        self.limit, self._is_climbing = float(min(FIRST_LIMIT, self.most)), True
        self._resume_at = 0.0
        self._serve()

    async def enter(self, tokens: float = 0.0) -> float:
        """Wait until a call may leave; returns when it left."""
        if self._line or self._delay(tokens):
            turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            self._line.append((tokens, turn))
            self._serve()
            try:
                return await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.in_flight -= 1
                self._serve()
                raise
        return self._take(tokens)

    def leave(self, entered: float, *, spare_tokens: float = 0.0) -> None:
        """A call is back; `spare_tokens` is what was estimated too much (below 0: too little)."""
        if self._full_at >= entered >= self._cut_at and self.limit < self.most:
            self.limit = min(self.most, self.limit + (1.0 if self._is_climbing else 1.0 / self.limit))
        self._back(spare_tokens)

    def complain(self, entered: float, *, wait_s: float = 0.0, is_congestion: bool = True) -> None:
        """A call failed in passing; if by congestion, fewer go from now on, and none before `wait_s` is over."""
        now = self._clock()
        if is_congestion:
            if entered >= self._cut_at:
                self.limit, self._cut_at, self._is_climbing = max(1.0, self.limit / 2), now, False
            self._resume_at = max(self._resume_at, now + wait_s)
        self._back(0.0)

    def _back(self, spare_tokens: float) -> None:
        self.in_flight -= 1
        if spare_tokens:
            self._tokens.level += spare_tokens
        if self._line:
            self._serve()

    def _delay(self, tokens: float) -> float:
        """Seconds until a call may leave; infinite where another must come back first."""
        if self.in_flight >= int(self.limit):
            return math.inf
        now = self._clock()
        pause = self._resume_at - now
        return max(0.0, pause, self._requests.delay(1.0, now), self._tokens.delay(tokens, now))

    def _take(self, tokens: float) -> float:
        now = self._clock()
        self.in_flight += 1
        self.n_calls += 1
        if self.in_flight >= int(self.limit):
            self._full_at = now
        self._requests.take(1.0)
        self._tokens.take(tokens)
        return now

    def _serve(self) -> None:
        """Let the first in line go, as many as may; wake up again when time alone will let the next one go."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._line:
            tokens, turn = self._line[0]
            if not turn.done() and (delay := self._delay(tokens)):
                if delay != math.inf:
                    self._alarm = asyncio.get_running_loop().call_later(delay + 1e-3, self._serve)
                return
            self._line.popleft()
            if not turn.done():
                turn.set_result(self._take(tokens))


class _Bucket:
    """So much a minute, in any minute; None for no limit."""

    def __init__(self, budget: float | None) -> None:
        self.budget = budget
        self.most = max(1.0, (budget or 0.0) / 12)
        least = 2 * self.most  # below it a bucket of one call is most of the budget
        self.rate = ((budget or 0.0) - (self.most if (budget or 0.0) > least else 0.0)) / 60
        self.level = self.most
        self.filled_at = -math.inf

    def delay(self, need: float, now: float) -> float:
        if self.budget is None:
            return 0.0
        if self.filled_at > -math.inf:
            self.level = min(self.most, self.level + (now - self.filled_at) * self.rate)
        self.filled_at = now
        # More than the bucket holds goes when it is full, and leaves a debt.
        lack = min(need, self.most) - self.level
        return lack / self.rate if lack > 1e-6 else 0.0

    def take(self, need: float) -> None:
        if self.budget is not None:
            self.level -= need


class Queue:
    """Trials in the order they leave; with `is_warming`, those that begin alike wait for the first of them.

    In alphabetical order each prompt shares most with the one before it, so the shared beginnings form a tree: a
    preamble, personas under it, items under them. Whoever first brings a beginning leads; others that share it, and
    only they, wait until the leader is back, when the server holds what they share. Those released go before new
    leaders, so that few beginnings are kept at a time. One task at a time takes from it.

    One that `stays_open` may be added to, and has no end before it is cleared.
    """

    def __init__(self, trials: Sequence[Trial], *, is_warming: bool, stays_open: bool = False) -> None:
        self.n_waiting = 0
        self.stays_open = stays_open
        self._is_warming = is_warming
        self._ready: deque[Trial] = deque()
        self._followers: dict[str, list[Trial]] = {}
        self._idle: deque[asyncio.Future[None]] = deque()
        self.add(trials)

    def __len__(self) -> int:
        return len(self._ready) + self.n_waiting

    def add(self, trials: Sequence[Trial]) -> None:
        """Line up more."""
        if self._is_warming:
            self._line_up(trials)
        else:
            self._ready.extend(trials)
        self._wake(len(self._ready))

    def drain(self) -> list[Trial]:
        """Take out all that were not taken yet."""
        left = [*self._ready, *(trial for group in self._followers.values() for trial in group)]
        self._ready.clear()
        self._followers.clear()
        self.n_waiting = 0
        return left

    def _line_up(self, trials: Sequence[Trial]) -> None:
        texts = {trial.id: beginning(trial.request) for trial in trials}
        previous = ""
        open_: list[tuple[int, Trial]] = []  # (characters shared, the trial that brought them), from short to long
        for trial in sorted(trials, key=lambda trial: texts[trial.id]):
            text = texts[trial.id]
            shared = shared_length(previous, text)
            leader = None
            while open_ and open_[-1][0] > shared:
                _, leader = open_.pop()
            if shared >= _LONG:
                # A beginning a little longer than a known one is not worth a round of its own.
                if leader is not None and (not open_ or shared - open_[-1][0] >= _LONG):
                    open_.append((shared, leader))
                self._followers.setdefault(open_[-1][1].id, []).append(trial)
                self.n_waiting += 1
            else:
                self._ready.append(trial)
            open_.append((len(text), trial))
            previous = text

    async def take(self) -> Trial | None:
        """The next trial; None when there is none left."""
        while not self._ready:
            if not self.n_waiting and not self.stays_open:
                return None
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(turn)
            await turn
        return self._ready.popleft()

    def finished(self, trial: Trial) -> None:
        """A trial is back: what waited for it may go."""
        followers = self._followers.pop(trial.id, None)
        if followers is None:
            return
        self.n_waiting -= len(followers)
        self._ready.extendleft(reversed(followers))
        self._wake(len(followers) if self.n_waiting else len(self._idle))

    def clear(self) -> None:
        """Let nobody else go."""
        self.drain()
        self.stays_open = False
        self._wake(len(self._idle))

    def _wake(self, n: int) -> None:
        while self._idle and n:
            turn = self._idle.popleft()
            if not turn.done():
                turn.set_result(None)
                n -= 1


class Clearable(Protocol):
    """What waits to be asked, and may be told to wait no more."""

    def clear(self) -> None:
        """Let nobody else go."""


class Handover:
    """Answers on their way from the event loop to the thread that asked, several at a time.

    At most `most` trials are out at once, being asked or not yet taken, so that a slow consumer slows the calls.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        self.n_out = 0
        self._loop = loop
        self._most = most
        self._queue: queue.SimpleQueue[list[Pair] | None] = queue.SimpleQueue()
        self._ready: list[Pair] = []
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def is_full(self) -> bool:
        """Whether a trial must wait until answers are taken."""
        return self.n_out >= self._most

    async def space(self) -> None:
        """Wait until one more trial may be asked."""
        while self.is_full:
            turn: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(turn)
            await turn

    def put(self, pairs: Sequence[Pair]) -> None:
        """Hand over, soon."""
        if pairs and not self._ready:
            self._loop.call_later(_HAND_OVER_S, self._send)
        self._ready.extend(pairs)

    def _send(self) -> None:
        if self._ready:
            self._queue.put(self._ready)
            self._ready = []

    def end(self) -> None:
        """Hand over what is left, and that it was the last."""
        self._send()
        self._queue.put(None)

    def get(self, timeout: float | None = None) -> list[Pair] | None:
        """The next answers; None when there are no more. Called by the thread that asked."""
        return self._queue.get(timeout=timeout)

    def taken(self, n: int) -> None:
        """Called by the thread that asked."""
        with suppress(RuntimeError):  # the engine was closed meanwhile
            self._loop.call_soon_threadsafe(self.give_back, n)

    def give_back(self, n: int) -> None:
        """So many trials are out no more; called on the event loop."""
        self.n_out -= n
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting = []


class Patience:
    """Holds back trials that failed for the same cause one after another, until one is answered or it is enough.

    A server that is down fails every trial: those are no answers worth storing. Given up in passing, or for a path or
    model that is not there, they count whatever the reason; refused for another, they count if the server has never
    answered and says the same every time. A reply that holds no answer is a reply, and counts as one.
    """

    def __init__(self, url: str, give_up_after: int) -> None:
        self.url = url
        self.most = give_up_after
        self.has_answered = False
        self._held: list[Pair] = []
        self._cause = ""

    def judge(self, pair: Pair, cause: str) -> list[Pair]:
        """What may be handed over now that a trial has ended, with a `cause` if it failed; `EngineError` if enough."""
        free = [] if cause == self._cause else self.let_go()
        self._cause = cause
        if not cause or (cause != GIVEN_UP and self.has_answered):
            self.has_answered |= not cause
            return [*free, pair]
        self._held.append(pair)
        if len(self._held) >= self.most:
            raise EngineError(
                f"{self.url}: {len(self._held)} trials failed one after another, the last because: {pair[1].error}. "
                "What was answered is kept, and these trials count as not asked; put it right and run the same again"
            )
        return free

    def let_go(self) -> list[Pair]:
        """What was held back: these failures are the trials' own."""
        held, self._held = self._held, []
        return held


def beginning(request: Request) -> str:
    """The messages as one text, in the order a chat template puts them."""
    messages = request.alone[0].messages
    return "\x1e".join([f"{message.role}\x1f{message.text}" for message in messages])

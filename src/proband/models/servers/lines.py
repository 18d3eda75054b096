"""Trials in lines before several servers: those that begin alike before the same one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from proband.errors import EngineError
from proband.models.servers.pacing import GIVEN_UP, Handover, Patience, Queue
from proband.models.servers.routing import roots
from proband.models.servers.server import LEFT_OUT, Server
from proband.records import Completion, Trial

if TYPE_CHECKING:
    from proband.models.servers.group import ServerGroup


@dataclass(slots=True)
class _Past:
    """What became of a trial where it was not answered."""

    tried: set[str] = field(default_factory=set)  # servers that gave it up
    n_given_up: int = 0
    attempts: int = 0


class Lines:
    """The trials of one call, in a line before each server.

    A server that has nothing to do takes, from the longest line, half of the beginnings that nobody has begun. All
    methods but the making run on the event loop.
    """

    def __init__(
        self, group: "ServerGroup", trials: Sequence[Trial], handover: Handover, patience: Patience, *, is_warming: bool
    ) -> None:
        self._group, self._handover, self._patience = group, handover, patience
        self._lines = {server.url: Queue((), is_warming=is_warming, stays_open=True) for server in group.servers}
        self._roots = roots(trials)
        self._fresh: dict[str, dict[bytes, None]] = {url: {} for url in self._lines}  # not begun anywhere, in order
        self._past: dict[str, _Past] = {}
        self._homeless: list[Trial] = []  # while no server answers
        self._n_left = len(trials)
        self._is_ending = not trials
        self._over: asyncio.Future[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self.place(trials)

    async def go(self) -> None:
        """Have workers of every server take trials in turn; the last thing handed over is None."""
        group, loop = self._group, asyncio.get_running_loop()
        self._over = loop.create_future()
        group.lines.add(self)
        for server in group.servers:
            if server.trouble:  # since they were lined up
                self.leave(server)
        if self._homeless:
            self._await_any()
        if self._is_ending:
            self.clear()
        n = min(group.settings.concurrency, self._n_left)
        workers = [asyncio.ensure_future(self._work(server)) for server in group.servers for _ in range(n)]
        work = asyncio.gather(*workers)
        is_whole = False
        try:
            either: list[asyncio.Future[Any]] = [work, self._over]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            await (self._over if self._over.done() else work)
            is_whole = True
        finally:
            group.lines.discard(self)
            self._forget_deadline()
            # While another call goes on, failures in a row may be the servers': then that call hands them over.
            if not is_whole or not group.lines:
                held = self._patience.let_go()
                self._handover.put(held if is_whole else [])
            for unfinished in workers:
                unfinished.cancel()
            await asyncio.gather(work, *workers, return_exceptions=True)
            self._handover.end()

    def clear(self) -> None:
        """Let nobody else go."""
        self._is_ending = True
        self._homeless.clear()
        for line in self._lines.values():
            line.clear()

    def place(self, trials: Sequence[Trial]) -> None:
        """Line up trials, each before the server of its beginning."""
        living = [server.url for server in self._group.living]
        if self._is_ending or not living:
            self._homeless += () if self._is_ending else trials
            self._await_any()
            return
        homes, at = self._group.homes, dict[bytes, str]()
        parts: dict[str, list[Trial]] = {}
        for trial in trials:
            root, past = self._roots[trial.id], self._past.get(trial.id)
            if past is not None and (others := [url for url in living if url not in past.tried]):
                url = homes.of(root, others)
            else:
                url = at.get(root) or at.setdefault(root, homes.of(root, living))
            parts.setdefault(url, []).append(trial)
            if root not in homes:
                self._fresh[url][root] = None
        for url, part in parts.items():
            self._lines[url].add(part)

    def leave(self, server: Server) -> None:
        """What waits for a server goes to the others."""
        self.place(self._drained(server.url))
        for other in self._group.living:
            self._share(other)

    def come_back(self) -> None:
        """A server that was left out may be asked again: it gets its own of what nobody has begun."""
        self._forget_deadline()
        waiting, self._homeless = self._homeless, []
        self.place([*waiting, *(trial for url in self._lines for trial in self._drained(url))])

    def _drained(self, url: str) -> list[Trial]:
        self._fresh[url].clear()
        return self._lines[url].drain()

    def _share(self, server: Server) -> None:
        """Have a server that has nothing to do take over beginnings from the longest line."""
        if server.trouble or any(lines._lines[server.url] for lines in self._group.lines):
            return
        longest = max(self._lines, key=lambda url: len(self._fresh[url]) and len(self._lines[url]))
        fresh = list(self._fresh[longest])
        taken = set(fresh[len(fresh) // 2 :])
        if longest == server.url or not taken or len(self._lines[longest]) < 2:
            return
        trials = self._drained(longest)
        for root in fresh:
            self._fresh[server.url if root in taken else longest][root] = None
        self._lines[longest].add([trial for trial in trials if self._roots[trial.id] not in taken])
        self._lines[server.url].add([trial for trial in trials if self._roots[trial.id] in taken])

    async def _work(self, server: Server) -> None:
        line, handover = self._lines[server.url], self._handover
        while True:
            if not line:
                self._share(server)
            trial = await line.take()
            if trial is None:
                return
            if handover.is_full:
                await handover.space()
            if server.trouble or server.dialect is None:  # since the trial was taken
                line.finished(trial)
                self.place([trial])
                continue
            handover.n_out += 1
            self._fresh[server.url].pop(self._roots[trial.id], None)
            self._group.homes.begin(self._roots[trial.id], server.url)
            try:
                completion, cause = await server.answered(trial, server.dialect)
            finally:
                line.finished(trial)
            if self._goes_on(trial, server, completion, cause):
                handover.give_back(1)
                continue
            self._end(trial, completion, cause)

    def _goes_on(self, trial: Trial, server: Server, completion: Completion, cause: str) -> bool:
        """Whether a trial that a server did not answer goes to another one."""
        if cause not in (LEFT_OUT, GIVEN_UP):
            return False
        past = self._past.setdefault(trial.id, _Past())
        past.attempts += completion.attempts
        if cause == GIVEN_UP:
            self._group.doubt(server, str(completion.error), is_sure=True)
            past.tried.add(server.url)
            past.n_given_up += 1
            living = {other.url for other in self._group.living}
            # What every server gives up is the trial's own failure, unless they are all gone.
            if (living and living <= past.tried) or past.n_given_up > 2 * len(self._lines):
                past.attempts -= completion.attempts
                return False
        self.place([trial])
        return True

    def _end(self, trial: Trial, completion: Completion, cause: str) -> None:
        if past := self._past.pop(trial.id, None):
            completion = replace(completion, attempts=completion.attempts + past.attempts)
        self._handover.put(self._patience.judge((trial, completion), cause))
        self._n_left -= 1
        if not self._n_left:
            self.clear()

    def _await_any(self) -> None:
        """Wait for a server to come back, as long as a call would be tried; then the call ends."""
        if self._over is not None and self._homeless and self._deadline is None:
            how = self._group.settings
            waits = [min(how.backoff_s * 2**k, how.longest_wait_s) for k in range(how.attempts - 1)]
            self._deadline = asyncio.get_running_loop().call_later(sum(waits), self._give_up)

    def _give_up(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_exception(EngineError(self._group.silence()))

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

"""Several servers of one model behind one engine.

Each has its own pace, limits and connections; all share an event loop. A server that does not answer is left out: what
waits for it goes to the others at once, and it is looked at until it answers again, with the same model.
"""

import asyncio
import concurrent.futures
import logging
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from proband.errors import EngineError
from proband.models.engine import Vectors
from proband.models.servers.engine import ServerEngine
from proband.models.servers.lines import Lines
from proband.models.servers.pacing import Handover, Pair, Patience
from proband.models.servers.protocol import Dialect, GivenUp
from proband.models.servers.routing import Homes
from proband.models.servers.server import Likeness, Server
from proband.models.servers.settings import ServerSettings
from proband.models.servers.wire import Wire
from proband.records import Trial

_SLOWEST_LOOK_S = 30.0
_log = logging.getLogger(__name__)
_Found = TypeVar("_Found")


class ServerGroup(ServerEngine):
    """One model at several addresses, each a server of its own.

    Requests that begin alike go to the same server; see `proband.models.servers.routing`. The first address names the
    engine: a run that was begun there goes on here, and the other way round. All that answer must be the same model,
    with the same abilities, template and context, and log-probabilities of a fixed question that differ by rounding at
    most; whoever differs is refused by name.

    Parameters
    ----------
    urls : sequence of str
        Base URLs, two or more, each once.
    model : str
        Name as all list it; may be empty where each lists one.
    settings : ServerSettings
        As for one; concurrency and budgets are those of each server.

    Raises
    ------
    EngineError
        If a URL is bad or there twice, or if the batch API is asked for.
    """

    def __init__(self, urls: Sequence[str], model: str = "", *, settings: ServerSettings | None = None) -> None:
        super().__init__(urls[0], model, settings=settings)
        self.servers = [self._first]
        for url in urls[1:]:
            self.servers.append(Server(url, model, self.settings, beside=self._first))
            if self.servers[-1].url in [server.url for server in self.servers[:-1]]:
                raise EngineError(f"{self.servers[-1].url} is there twice; write each server once")
        if self.settings.mode == "batch":
            raise EngineError("mode=batch hands all trials to the batch API of one server; give one URL")
        self.homes = Homes()
        self.lines: set[Lines] = set()  # of every call of `answer` that goes on; looked at on the loop only
        self._patience = Patience(f"openai:{','.join(server.url for server in self.servers)}", self._patience.most)
        self._known: Likeness | None = None  # of the model that all must serve; None before they were asked
        self._watches: dict[str, asyncio.Task[None]] = {}
        this = weakref.ref(self)
        for server in self.servers:
            server.wire.on_doubt = _doubter(this, server)
        self._finalizer.detach()
        # The first one last: the thread of all is its.
        self._finalizer = weakref.finalize(self, _close, self._watches, [s.wire for s in self.servers[::-1]])

    @property
    def living(self) -> list[Server]:
        """Servers that are asked now."""
        return [server for server in self.servers if not server.trouble]

    @property
    def at_once(self) -> int:
        """Calls in flight together at all servers, at most."""
        return self.settings.concurrency * len(self.servers)

    @property
    def n_calls(self) -> int:
        """Calls sent so far to all, retries and detection included."""
        return sum(server.wire.n_calls for server in self.servers)

    @property
    def note(self) -> str:
        """How many servers there are, and who is left out."""
        out = [f"{server.url} is left out ({server.trouble})" for server in self.servers if server.trouble]
        return "; ".join([f"{len(self.servers)} servers", *out])

    @property
    def _server(self) -> Server:
        """Who is asked on behalf of all: the first that answers."""
        known = [server for server in getattr(self, "servers", ()) if server.dialect is not None]
        return next((server for server in known if not server.trouble), known[0] if known else self._first)

    def probe(self) -> Dialect:
        """Ask every server what it can do, once, and that all are the same; who is out of reach is left out.

        Raises
        ------
        EngineError
            If none can be reached, or one refuses the key, does not list the model, or serves another one.
        """
        with self._probing:
            if self._known is None:
                # By each wire, so that each finds its key.
                looks = [server.wire.start(server.look(samples=True)) for server in self.servers]
                concurrent.futures.wait(looks)
                self._known = self._met([look.exception() for look in looks])
        dialect = self._server.dialect
        if dialect is None:
            raise EngineError(self.silence())
        return dialect

    def _met(self, errors: Sequence[BaseException | None]) -> Likeness:
        """What all that could be asked serve; the others are left out."""
        unsaid = [server for server in self.servers if not server.trouble]  # of others it was said already
        for server, error in zip(self.servers, errors, strict=True):
            if isinstance(error, GivenUp) or (isinstance(error, EngineError) and not server.wire.has_answered):
                server.trouble = str(error)
                server.wire.leave_out()
            elif error is not None:
                raise error
        if not self.living:
            raise EngineError(self.silence())
        first = self.living[0]
        for other in self.living[1:]:
            if said := first.likeness.difference(other.likeness):
                raise EngineError(
                    f"{other.url} does not serve what {first.url} serves: {said}; serve the same model in the same way "
                    "at all addresses, or leave that one out"
                )
        for server in self.servers:
            if server.trouble:
                if server in unsaid:
                    _log.warning("%s is left out: %s", server.url, server.trouble)
                self._wire.loop.call_soon_threadsafe(self.doubt, server, server.trouble)
        return first.likeness

    def silence(self) -> str:
        """That no server is left, and why each is left out."""
        each = "; ".join(f"{server.url} ({server.trouble})" for server in self.servers)
        return (
            f"none of the {len(self.servers)} servers can be asked: {each}. What was answered is kept, and the rest "
            "counts as not asked; put one right and run the same again"
        )

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse what no server answers, as one does."""
        self._by_one(lambda: super(ServerGroup, self).check(trials))

    def render(self, trial: Trial) -> str:
        """The JSON body or bodies that are posted for a trial, without the key."""
        return self._by_one(lambda: super(ServerGroup, self).render(trial))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """What ``/v1/embeddings`` of one server gives; see `ServerEngine.vectors`."""
        return self._by_one(lambda: super(ServerGroup, self).vectors(texts))

    def _by_one(self, ask: Callable[[], _Found]) -> _Found:
        """What one server says for all; where it fails, the next is asked."""
        for _ in self.servers[1:]:
            server = self._server
            try:
                return ask()
            except GivenUp as error:
                self._wire.run(self._doubted(server, str(error)))
        return ask()

    async def _doubted(self, server: Server, reason: str) -> None:
        self.doubt(server, reason, is_sure=True)

    def fingerprint(self) -> dict[str, str]:
        """That of the one model; the servers are named, and may change."""
        return super().fingerprint() | {"servers": ", ".join(server.url for server in self.servers)}

    def answer(self, trials: Sequence[Trial]) -> Iterator[Pair]:
        """Answer every trial, as replies come in, each at the server of its beginning while that one answers.

        Raises
        ------
        EngineError
            If no server is left and none comes back for as long as a call would be tried; else as `ServerEngine`.
        """
        self.probe()
        self._is_stopping = False
        n_out = 4 * self.settings.concurrency * len(self.servers) + self.settings.give_up_after
        handover = Handover(self._wire.loop, n_out)
        lines = Lines(self, trials, handover, self._patience, is_warming=self._shares_prefixes)
        self._waiting.add(lines)
        try:
            yield from self._streamed(lines.go(), handover)
        finally:
            self._waiting.discard(lines)

    def doubt(self, server: Server, reason: str, *, is_sure: bool = False) -> None:
        """Look whether a server still answers; one that surely fails is left out first. Called on the loop."""
        if is_sure and not server.trouble:
            self._leave_out(server, reason)
        if server.url not in self._watches and not server.wire.is_closed:
            self._watches[server.url] = asyncio.ensure_future(self._watch(server, reason))

    def _leave_out(self, server: Server, reason: str) -> None:
        server.trouble = reason
        server.wire.leave_out()
        self.homes.leave(server.url)
        _log.warning("%s is left out: %s; it is looked at until it answers again", server.url, reason)
        for lines in self.lines:
            lines.leave(server)

    async def _watch(self, server: Server, reason: str) -> None:
        try:
            speaks = await server.wire.speaks()
            if not server.trouble:
                if speaks:
                    return
                self._leave_out(server, reason)
            if not speaks:
                await server.wire.hang_up()
            wait_s = self.settings.backoff_s / 2
            while not await self._is_back(server):
                await asyncio.sleep(max(wait_s, 0.02))
                wait_s = min(2 * wait_s, _SLOWEST_LOOK_S)
        finally:
            del self._watches[server.url]
        server.trouble = ""
        server.wire.take_back()
        _log.warning("%s answers again", server.url)
        for lines in self.lines:
            lines.come_back()

    async def _is_back(self, server: Server) -> bool:
        """Whether a server that was left out answers again, and is still the same."""
        try:
            await server.look(samples=True)
        except EngineError as error:
            server.trouble = str(error)
            return False
        said = self._known.difference(server.likeness) if self._known else ""
        if said and said not in server.trouble:
            _log.warning("%s is back with another model: %s", server.url, said)
        server.trouble = f"it is back with another model: {said}" if said else server.trouble
        return not said


def _doubter(group: "weakref.ref[ServerGroup]", server: Server) -> Callable[[Exception], None]:
    def doubt(reason: Exception) -> None:
        if (this := group()) is not None:
            this.doubt(server, str(reason))

    return doubt


def _close(watches: Mapping[str, "asyncio.Task[None]"], wires: Sequence[Wire]) -> None:
    home = wires[-1]
    if home.thread is not None and not home.is_closed:
        asyncio.run_coroutine_threadsafe(_end(watches), home.loop).result()
    for wire in wires:
        wire.close()


async def _end(watches: Mapping[str, "asyncio.Task[None]"]) -> None:
    # Again and again: before Python 3.12 `wait_for` forgets that it is cancelled if that comes just as a call ends.
    while tasks := [task for task in watches.values() if not task.done()]:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=0.1)

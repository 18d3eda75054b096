"""The batch API: requests go up as a file, answers come down as files, hours later and at a lower price.

What was submitted is remembered in a folder before and after it is, so that a kill at any moment neither loses a batch
nor submits it twice.
"""

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import aiohttp

from proband.errors import EngineError
from proband.models.servers.protocol import GivenUp, Json, Malformed
from proband.models.servers.refusals import ODD, error_in, parse, words_of
from proband.models.servers.wire import Asker, NotThere, Wire
from proband.records import Completion, Request, Trial

MOST_LINES = 50_000
MOST_BYTES = 190_000_000
_ENDPOINT = "/v1/chat/completions"
_ENDED = frozenset({"completed", "expired", "cancelled", "failed"})
_SLOWEST_POLL_S = 300.0
_Body = Callable[[Request], Json]
_ReadReply = Callable[[Request, Json], Completion]
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class _Run(Protocol):
    def __call__(self, work: Coroutine[Any, Any, _T]) -> _T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What is remembered of one batch; `file` and `batch` are empty until the server has given them."""

    digest: str
    url: str
    model: str
    requests: tuple[str, ...]
    file: str = ""
    batch: str = ""


class Memory:
    """Batches in a folder: ``DIGEST.json`` says what was submitted, ``DIGEST.jsonl`` holds what came back.

    Without a folder it is ``proband/batches`` in the user's state folder.
    """

    def __init__(self, folder: str | Path = "") -> None:
        home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        self.folder = Path(folder) if folder else home / "proband" / "batches"

    def known(self, url: str, model: str) -> list[Submitted]:
        """Batches of one model at one server, in a fixed order."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                held = json.loads(path.read_text(encoding="utf-8"))
                one = Submitted(**held | {"requests": tuple(held["requests"])})
            except (ValueError, TypeError, LookupError) as error:
                raise EngineError(
                    f"{path} does not remember a batch ({error}); if no batch is under way, delete it"
                ) from None
            if (one.url, one.model) == (url, model):
                found.append(one)
        return found

    def keep(self, one: Submitted) -> None:
        """Remember; whole or not at all."""
        self._write(self.folder / f"{one.digest}.json", json.dumps(asdict(one)).encode())

    def forget(self, one: Submitted) -> None:
        """What never began, or answered nothing, may be submitted again."""
        for ending in ("json", "jsonl"):
            (self.folder / f"{one.digest}.{ending}").unlink(missing_ok=True)

    def answers(self, one: Submitted) -> list[Json] | None:
        """Lines that came back; None where they did not yet."""
        path = self.folder / f"{one.digest}.jsonl"
        return _lines(path.read_bytes()) if path.exists() else None

    def keep_answers(self, one: Submitted, raw: bytes) -> None:
        """Keep the files of an ended batch, which the provider deletes some day."""
        self._write(self.folder / f"{one.digest}.jsonl", raw)

    def _write(self, path: Path, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(path.suffix + ".new")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            # On disk before the server is asked for more: a batch that is paid for must be found again after a crash.
            os.fsync(file.fileno())
        fresh.replace(path)


class Batches:
    """Answers trials by the batch API.

    `run` runs a coroutine on the wire's event loop to its end; `body` makes the chat completion of a request, `read`
    the completion of a request and its reply.
    """

    def __init__(self, wire: Wire, model: str, *, run: _Run, body: _Body, read: _ReadReply) -> None:
        self.wire, self.model = wire, model
        self.settings = wire.settings
        self.memory = Memory(wire.settings.state)
        self._run, self._body, self._read = run, body, read
        self._ask = Asker(wire, "batch")

    def exchange(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Submit what no known batch holds, wait for all, and yield what came back.

        Raises
        ------
        EngineError
            If a batch failed, expired or was cancelled, after its answers have been yielded; the rest counts as not
            asked.
        """
        waiting: dict[str, list[Trial]] = {}
        for trial in trials:
            waiting.setdefault(trial.request.hash, []).append(trial)
        requests = {hash: group[0].request for hash, group in waiting.items()}
        unfinished = ""
        under_way = []
        for one in self.memory.known(self.wire.url, self.model):
            if not waiting.keys().isdisjoint(one.requests):
                if (lines := self.memory.answers(one)) is None:
                    under_way.append(one)
                else:  # only answers: what failed or ran out of time is asked again
                    yield from self._yielded(lines, waiting, only_answers=True)
        held = {hash for one in under_way for hash in one.requests}
        under_way += self._plan({hash: requests[hash] for hash in waiting if hash not in held})
        # All are submitted before the first is waited for.
        for one in [self._run(self._submitted(one, requests)) for one in under_way]:
            state = self._run(self._ended(one))
            lines = self._run(self._collected(one, state))
            yield from self._yielded(lines, waiting)
            unfinished = unfinished or _explanation(one, state, len(lines))
        if waiting:
            n_left = sum(map(len, waiting.values()))
            raise EngineError(
                f"{unfinished or 'the batches of ' + self.wire.url + ' lack lines'}; {n_left} trials count as not "
                "asked: run the same again to submit them anew"
            )

    def _plan(self, requests: dict[str, Request]) -> list[Submitted]:
        """Batches within the provider's limits on lines and bytes, remembered by nobody yet."""
        plans, piece, size = [], list[str](), 0
        for hash, request in requests.items():
            n_bytes = len(self._line(hash, request))
            if piece and (len(piece) == MOST_LINES or size + n_bytes > MOST_BYTES):
                plans.append(self._batch_of(piece, requests))
                piece, size = [], 0
            piece.append(hash)
            size += n_bytes
        return [*plans, self._batch_of(piece, requests)] if piece else plans

    def _batch_of(self, piece: list[str], requests: dict[str, Request]) -> Submitted:
        state = hashlib.blake2b(f"{self.wire.url}\n{self.model}\n".encode(), digest_size=16)
        for hash in piece:
            state.update(self._line(hash, requests[hash]))
        return Submitted(digest=state.hexdigest(), url=self.wire.url, model=self.model, requests=tuple(piece))

    def _line(self, hash: str, request: Request) -> bytes:
        line = {"custom_id": hash, "method": "POST", "url": _ENDPOINT, "body": self._body(request)}
        return json.dumps(line).encode() + b"\n"

    async def _submitted(self, one: Submitted, requests: dict[str, Request]) -> Submitted:
        """The batch as the server knows it; submitted now if it was not before."""
        if one.batch:
            _log.info("batch %s of %d requests was submitted before", one.batch, len(one.requests))
            return one
        if not one.file:
            data = b"".join(self._line(hash, requests[hash]) for hash in one.requests)
            one = replace(one, file=await self._ask.upload("files", lambda: _form(data), read=_id))
            self.memory.forget(one)  # of the same requests, all of which failed
            self.memory.keep(one)
        elif found := await self._find(one):  # killed between submitting it and hearing its id
            one = replace(one, batch=found)
            self.memory.keep(one)
            return one
        body = {"input_file_id": one.file, "endpoint": _ENDPOINT, "completion_window": self.settings.window}
        one = replace(one, batch=await self._ask_once(one, body | {"metadata": {"proband": one.digest}}))
        self.memory.keep(one)
        _log.info("batch %s: %d requests submitted", one.batch, len(one.requests))
        return one

    async def _ask_once(self, one: Submitted, body: Json) -> str:
        """Submit; after a failure in passing, look whether it arrived before submitting again."""
        for attempt in range(1, self.settings.attempts + 1):
            try:
                return await Asker(self.wire, f"batch {attempt}", most=1)("batches", body, read=_id)
            except GivenUp as error:
                if attempt == self.settings.attempts:
                    raise EngineError(f"{self.wire.url} takes no batch: {error}") from None
            await asyncio.sleep(min(self.settings.backoff_s * 2 ** (attempt - 1), self.settings.longest_wait_s))
            if found := await self._find(one):
                return found
        raise EngineError(f"{self.wire.url} takes no batch")

    async def _find(self, one: Submitted) -> str:
        """Id of the batch that was made of our file, by the server's list; empty if there is none."""
        after = ""
        try:
            while True:
                batches, has_more = await self._ask.get(f"batches?limit=100{after}", read=_page)
                if found := [id_ for id_, file in batches if file == one.file]:
                    return found[0]
                if not has_more or not batches:
                    return ""
                after = f"&after={batches[-1][0]}"
        except NotThere:
            raise EngineError(
                f"{self.wire.url} does not list its batches, so it cannot be known whether file {one.file} was "
                f"submitted before the last stop; if it was not, delete {self.memory.folder / one.digest}.json"
            ) from None

    async def _ended(self, one: Submitted) -> "_State":
        """Wait until the batch has ended."""
        wait, before = self.settings.poll_s, ""
        while True:
            try:
                state = await self._ask.get(f"batches/{one.batch}", read=_state)
            except NotThere as error:
                raise EngineError(
                    f"batch {one.batch} is not known to {self.wire.url} any more ({error}); to submit it anew, delete "
                    f"{self.memory.folder / one.digest}.json"
                ) from None
            if state.status in _ENDED:
                return state
            if (now := f"{state.status}, {state.n_done} of {len(one.requests)} done") != before:
                _log.info("batch %s: %s", one.batch, now)
            before = now
            await asyncio.sleep(wait)
            # Batches take hours; asking ever less often costs a few minutes at the end and saves thousands of calls.
            wait = min(wait * 1.2, max(_SLOWEST_POLL_S, self.settings.poll_s))

    async def _collected(self, one: Submitted, state: "_State") -> list[Json]:
        """Lines of the output and error files, kept before they are used."""
        if state.status == "failed":
            self.memory.forget(one)
            return []
        raw = [await self._ask.fetch(f"files/{file}/content") for file in state.files]
        self.memory.keep_answers(one, b"\n".join(raw))
        return self.memory.answers(one) or []

    def _yielded(
        self, lines: Sequence[Json], waiting: dict[str, list[Trial]], *, only_answers: bool = False
    ) -> Iterator[tuple[Trial, Completion]]:
        """Pairs of the lines that somebody waits for; what the provider did not begin is left waiting."""
        for line in lines:
            hash = str(line.get("custom_id"))
            error = line.get("error")
            code = error.get("code") if isinstance(error, dict) else None
            if hash not in waiting or code in ("batch_expired", "batch_cancelled"):
                continue
            completion = self._completion(line, waiting[hash][0].request)
            if completion.error is None or not only_answers:
                for trial in waiting.pop(hash):
                    yield trial, completion

    def _completion(self, line: Json, request: Request) -> Completion:
        try:
            if error := line.get("error"):
                code = f"{error['code']} " if isinstance(error, dict) and error.get("code") else ""
                return Completion(error=f"{code}in a batch: {words_of(error)}")
            reply = line["response"]
            if reply["status_code"] != 200:
                return Completion(error=f"HTTP {reply['status_code']} in a batch: {words_of(reply.get('body'))}")
            if (found := error_in(reply["body"])) is not None:
                return Completion(error=f"an error in a batch: {found[0]}")
            return self._read(request, reply["body"])
        except EngineError as error:
            return Completion(error=str(error))
        except ODD as error:
            what = str(error) if isinstance(error, Malformed) else f"{type(error).__name__} {error}"
            return Completion(error=f"a line of the batch does not follow the protocol: {what}")


def _form(data: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("purpose", "batch")
    form.add_field("file", data, filename="requests.jsonl", content_type="application/jsonl")
    return form


def _id(reply: Json) -> str:
    return str(reply["id"])


@dataclass(frozen=True, slots=True)
class _State:
    """How far a batch is, and what came of it."""

    status: str
    n_done: int
    files: tuple[str, ...]
    said: str


def _state(reply: Json) -> _State:
    if not isinstance(reply["status"], str):
        raise TypeError("the batch has no status")
    counts, errors = reply.get("request_counts") or {}, reply.get("errors") or {}
    files = (reply.get(name) for name in ("output_file_id", "error_file_id"))
    said = "; ".join(words_of(error) for error in (errors.get("data") or ())[:3])
    return _State(reply["status"], counts.get("completed", 0), tuple(str(file) for file in files if file), said)


def _page(reply: Json) -> tuple[list[tuple[str, str]], bool]:
    """Ids of batches and of the files they were made of, and whether there are more."""
    return [(str(entry["id"]), str(entry.get("input_file_id"))) for entry in reply["data"]], bool(reply.get("has_more"))


def _lines(raw: bytes) -> list[Json]:
    """Objects of a JSONL file; a broken line is nobody's answer."""
    lines = []
    for line in raw.splitlines():
        with suppress(ValueError):
            if line.strip() and isinstance(found := parse(line), dict):
                lines.append(found)
    return lines


def _explanation(one: Submitted, state: _State, n_lines: int) -> str:
    """Why a batch did not answer everything, in words; empty where it did."""
    if state.status == "completed":
        return ""
    if state.status == "failed":
        return f"the provider refused batch {one.batch} as a whole ({state.said or 'no reason given'})"
    why = "ran out of its time" if state.status == "expired" else "was cancelled at the provider"
    return f"batch {one.batch} {why} with {n_lines} of {len(one.requests)} requests back, which are kept"

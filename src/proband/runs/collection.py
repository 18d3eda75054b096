"""The loop: the only place where engines are called."""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

from proband.designs.design import Design
from proband.errors import DesignError, EngineError
from proband.instruments.items import Item
from proband.instruments.reading import read
from proband.models.archive import completion_of
from proband.models.engine import BaseEngine
from proband.records import Completion, Response, Trial
from proband.runs.casting import Cast
from proband.runs.committing import Committer
from proband.runs.identity import begin, recognise
from proband.runs.interruption import interruptible
from proband.runs.manifest import finish
from proband.runs.progress import Budget, Tally, Watch
from proband.runs.run import Run
from proband.runs.scheduling import Stop, grouped, stream
from proband.runs.unanswered import Unanswered
from proband.store.directory import RunDirectory
from proband.store.journal import Journal

CHUNK = (
    4096  # trials handed to an engine at once: deep enough for shared prefixes, small enough for flat memory
)
AHEAD = 20_000  # unanswered trials looked at together: checked before the first of them is asked, and put in order


def collect(
    design: Design,
    engine: str | BaseEngine | Mapping[str, str | BaseEngine],
    into: str | Path,
    *,
    budget: Budget | None = None,
    watch: Watch | None = None,
    retry_failed: bool = False,
) -> Run:
    """Carry out a design: ask what is unanswered, store every response, until nothing is left to ask.

    Running the same line again resumes. Whatever was answered is never asked again.

    Parameters
    ----------
    design : Design
        What is asked of whom.
    engine : str, BaseEngine or mapping
        Who answers: an address such as ``"smollm2"``, an engine, or one for each `answerer` of the design.
    into : path
        The run directory; made if it is not there.
    budget : Budget, optional
        Where to stop before the end.
    watch : callable, optional
        Called with the `Tally` after every commit.
    retry_failed : bool
        Ask again what failed in an earlier call; refused where later questions went on from a failure.

    Returns
    -------
    Run
        Finished, unless the budget stopped it: see `Run.is_complete`.

    Raises
    ------
    TreatmentChanged
        If a place was answered under another request, seed, engine or key; the item is named.
    EngineError
        If an engine cannot do what the design needs, or cannot be reached; raised before the first call
        wherever that can be known by then.
    RunLocked, StoreError
        If the directory is in use, damaged, full or not writable.
    KeyboardInterrupt
        On Ctrl-C, after what is in flight was stored; on a second one at once. Either way the run can be resumed.
    """
    directory = RunDirectory(into)
    with ExitStack() as stack:
        cast = stack.enter_context(Cast(engine))
        journal = stack.enter_context(directory.writer())
        begin(journal, design, cast.addresses)
        for answerer, known in cast.known.items():
            recognise(journal, answerer, known.fingerprint())
        if retry_failed:
            _take_out_failed(directory, journal, design)
        loop = _Loop(directory, journal, design, cast=cast, budget=budget, watch=watch)
        with interruptible(loop.stop), _rare_garbage_collection():
            loop.go()
        if not loop.tally.stopped_by and directory.manifest() is None:
            finish(directory, journal, design, cast)
    return Run(directory.path)


class _Loop:
    """One call of `collect`, and what it knows while it goes on."""

    def __init__(
        self,
        directory: RunDirectory,
        journal: Journal,
        design: Design,
        *,
        cast: Cast,
        budget: Budget | None,
        watch: Watch | None,
    ) -> None:
        self.directory, self.journal, self.design = directory, journal, design
        self.cast, self.budget, self.watch = cast, budget, watch
        self.stop = Stop()
        self.recognised: set[str] = set()
        self.unanswered = Unanswered(journal, design, self.stop)
        self.committer = Committer(journal, self._count)
        dispositions = journal.dispositions()
        self.tally = Tally(
            total=design.size(),
            done=sum(dispositions.values()),
            tokens=sum(journal.tokens()),
            dollars=float(journal.meta("dollars") or 0.0),
            dispositions=Counter(dispositions),
        )

    def go(self) -> None:
        """Ask until nothing is left, or until the budget or the user says stop."""
        is_first = True
        with self.committer:
            while True:
                asked_before = self.tally.asked
                for todo in self.unanswered.windows(AHEAD):
                    if is_first and self.unanswered.is_seen:
                        self._refuse_strangers()
                    self._check(todo)
                    self._ask(todo)
                    if self.stop.is_asked or self.tally.stopped_by:
                        return
                if self.stop.is_asked:
                    return
                if is_first:
                    self._refuse_strangers()
                self.committer.settle()
                if not self.design.is_adaptive or self.tally.asked == asked_before:
                    return
                is_first = False

    def _refuse_strangers(self) -> None:
        self.committer.settle()
        self.unanswered.refuse_strangers(self.tally.asked)

    def _check(self, todo: Sequence[Trial]) -> None:
        """Have every engine refuse, before it is called, what it cannot answer, and be the one that began the run."""
        for engine, part in self._parts(todo):
            engine.check(part)
            answerer = part[0].answerer
            if answerer not in self.recognised:
                recognise(self.journal, answerer, engine.fingerprint())
                self.recognised.add(answerer)

    def _parts(self, todo: Sequence[Trial]) -> Iterator[tuple[BaseEngine, list[Trial]]]:
        """The trials of each engine."""
        parts: dict[str, list[Trial]] = {}
        for trial in todo:
            parts.setdefault(trial.answerer, []).append(trial)
        for answerer, part in parts.items():
            yield self.cast.engine(answerer), part

    def _ask(self, todo: Sequence[Trial]) -> None:
        """Put trials to their engines, in pieces that share what they can."""
        self.directory.reopen()
        for engine, part in self._parts(todo):
            if self.budget is not None:
                self.committer.settle()
                part = self.budget.cap_trials(part, self.tally)
            if engine.answers_by == "request":
                part = grouped(part)
            is_going_on = True
            while part and is_going_on and not self.stop.is_asked:
                size = _chunk(engine)
                if self.budget is not None:
                    size = self.budget.piece(part[:size], self.tally, engine)
                is_going_on = self._ask_piece(engine, part[:size])
                part = part[size:]
            if self.tally.stopped_by:
                return

    def _ask_piece(self, engine: BaseEngine, piece: list[Trial]) -> bool:
        """Commit what comes back, as it comes; tells whether the budget allowed for all of it."""
        firsts, others = self._share_answered(engine, piece)
        n_groups = len(firsts)
        spent = self.tally.price or 0.0
        before = self.tally.dollars
        if self.budget is not None:
            firsts = self.budget.cap_cost(firsts, self.tally, engine)
            self._note_dollars()
        n_answered = 0
        with closing(stream(engine, firsts, self.stop)) as batches:
            for batch in batches:
                self._pay(engine, batch)
                n_answered += len(batch)
                if others:
                    batch += [(trial, c) for first, c in batch for trial in others.pop(first.id, ())]
                self._commit(engine, batch)
                if self.budget is not None and self.budget.is_late(self.tally):
                    self.stop.is_asked = True
        if n_answered < len(firsts) and not self.stop.is_asked:
            self.committer.settle()
            left = next(trial.id for trial in firsts if trial.id not in self.journal)
            n_left = len(firsts) - n_answered
            raise EngineError(f"engine {engine.address!r} left {n_left} trials unanswered, first {left}")
        if self.budget is not None:
            self.committer.settle()
            if self.tally.price is not None:  # what it took, in place of what it was thought to take
                self.tally.dollars = before + self.tally.price - spent
                self._note_dollars()
        return len(firsts) == n_groups

    def _share_answered(
        self, engine: BaseEngine, piece: list[Trial]
    ) -> tuple[list[Trial], dict[str, list[Trial]]]:
        """Trials to ask, and those that the same call will answer, by the id of the first; past answers are stored."""
        if engine.answers_by == "place":
            return piece, {}
        self.committer.settle()
        groups: dict[str, list[Trial]] = {}
        for trial in piece:
            groups.setdefault(trial.request.hash, []).append(trial)
        past = self.journal.answers_to(list(groups), engine.address)
        self._commit(engine, [(t, completion_of(past[hash])) for hash in past for t in groups.pop(hash)])
        return [group[0] for group in groups.values()], {
            group[0].id: group[1:] for group in groups.values() if len(group) > 1
        }

    def _pay(self, engine: BaseEngine, batch: Sequence[tuple[Trial, Completion]]) -> None:
        """Count the tokens of calls, and their price where the engine has one."""
        prompt = sum([completion.prompt_tokens for _, completion in batch])
        reply = sum([completion.completion_tokens for _, completion in batch])
        self.tally.tokens += prompt + reply
        price = engine.price_of(prompt, reply)
        if price is not None:
            self.tally.price = (self.tally.price or 0.0) + price

    def _note_dollars(self) -> None:
        if self.budget is not None and self.budget.dollars is not None:
            self.journal.note(dollars=repr(self.tally.dollars))

    def _commit(self, engine: BaseEngine, answers: Sequence[tuple[Trial, Completion]]) -> None:
        """Read and store; only then do the answers count."""
        if answers:
            address = engine.address
            items = self.design.items
            responses = [_read(trial, completion, address, items) for trial, completion in answers]
            self.committer.add(responses, {trial.request.hash: trial.request.body for trial, _ in answers})

    def _count(self, responses: Sequence[Response]) -> None:
        """What was committed counts."""
        self.unanswered.take(responses)
        self.tally.count([response.status for response in responses])
        if self.watch:
            self.watch(self.tally)


def _chunk(engine: BaseEngine) -> int:
    """Trials to hand over at once: what the engine asks for (a batch wants many, and gets `AHEAD`), or `CHUNK`."""
    return engine.chunk or CHUNK


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Have Python look for reference cycles less often: records have none, and a fast loop makes many records."""
    young, middle, old = gc.get_threshold()
    gc.set_threshold(max(young, 50_000) if young else 0, middle, old)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)


def _take_out_failed(directory: RunDirectory, journal: Journal, design: Design) -> None:
    """Make room for asking again what failed.

    Raises
    ------
    DesignError
        If later questions went on from a failure (a conversation, a game): their answers could not be kept.
    """
    if design.is_adaptive:
        kept = {id: response for id, response in journal.items() if response.status != "failed"}
        still = {trial.id: trial.request.hash for trial in design.trials(kept)}
        asked = journal.requests_of(list(kept))
        lost = [
            id
            for id, (request, _, is_inherited) in asked.items()
            if not is_inherited and still.get(id) != request
        ]
        if lost:
            raise DesignError(
                f"{directory.path}: {len(lost)} answers were given after one that failed, e.g. {lost[0]!r}, and went "
                "on from it; they would be lost by asking again. Keep the failures, or use a new folder"
            )
    directory.reopen()
    journal.remove_failed()


def _read(trial: Trial, completion: Completion, engine: str, items: Mapping[str, Item]) -> Response:
    """The answer in a completion; a reader that stumbles makes a failed response, never a lost one."""
    try:
        response, reply = read(completion, trial, engine), trial.reply
        index = response.answer
        if reply.options and type(index) is int:
            item, asked = items.get(trial.place.item), reply.options[reply.order.index(index)]
            if item is None or index >= len(item.options) or item.options[index] != asked:
                return replace(response, chosen=asked)
        return response
    except Exception as error:  # the one broad except of the house: one odd answer must not end a long run
        failed = read(Completion(error=f"could not be read: {type(error).__name__}: {error}"), trial, engine)
        return replace(
            failed, text=completion.text, log_probs=completion.log_probs, token_counts=completion.token_counts
        )

"""The loop: the only place where engines are called."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path

from proband.designs.design import Design
from proband.errors import EngineError, TreatmentChanged
from proband.instruments.reading import read
from proband.models.engine import Engine
from proband.records import Completion, Response, Trial
from proband.runs.casting import Cast
from proband.runs.identity import begin, recognise
from proband.runs.manifest import finish
from proband.runs.progress import Budget, Tally, Watch
from proband.runs.run import Run
from proband.runs.scheduling import stream
from proband.store.directory import RunDirectory
from proband.store.journal import Journal

CHUNK = (
    2048  # trials handed to an engine at once: deep enough for shared prefixes, small enough for flat memory
)
CAPPED_CHUNK = 64  # under a budget, so that a cap is met closely
CHECKED = 20_000  # trials looked at before the first call; the rest of a larger design is checked as it goes


def collect(
    design: Design,
    engine: str | Engine | Mapping[str, str | Engine],
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
    engine : str, Engine or mapping
        Who answers: an address such as ``"smollm2"``, an engine, or one for each `answerer` of the design.
    into : path
        The run directory; made if it is not there.
    budget : Budget, optional
        Where to stop before the end.
    watch : callable, optional
        Called with the `Tally` after every commit.
    retry_failed : bool
        Ask again what failed in an earlier call.

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
    """
    directory = RunDirectory(into)
    with ExitStack() as stack:
        cast = stack.enter_context(Cast(engine))
        journal = stack.enter_context(directory.writer())
        begin(journal, design, cast.addresses)
        for answerer, given in cast.opened.items():
            recognise(journal, answerer, given.fingerprint())
        if retry_failed:
            journal.remove_failed()
        loop = _Loop(design, cast, journal, budget, watch)
        loop.go()
        finish(directory, journal, design, cast, stopped_by=loop.tally.stopped_by)
    return Run(directory.path)


class _Loop:
    """One call of `collect`, and what it knows while it goes on."""

    def __init__(
        self, design: Design, cast: Cast, journal: Journal, budget: Budget | None, watch: Watch | None
    ) -> None:
        self.design, self.cast, self.journal, self.budget, self.watch = design, cast, journal, budget, watch
        self.stop = threading.Event()
        dispositions = journal.dispositions()
        self.tally = Tally(
            total=design.size(),
            done=sum(dispositions.values()),
            tokens=sum(journal.tokens()),
            dollars=float(journal.meta("dollars") or 0.0),
            dispositions=Counter(dispositions),
        )

    def go(self) -> None:
        """Ask until nothing is left, or until the budget says stop."""
        is_first = True
        while True:
            trials = self.design.trials(self.journal)
            if is_first:
                ahead = trials[:CHECKED]
                todo = self._unanswered(ahead)
                if len(trials) <= CHECKED:
                    self._refuse_strangers(ahead, len(ahead) - len(todo))
                self._check(todo)
            asked_before = self.tally.asked
            for start, chunk in _chunks(trials, CAPPED_CHUNK if self.budget else CHUNK):
                todo = self._unanswered(chunk)
                if not is_first or start >= CHECKED:
                    self._check(todo)
                self._ask(todo)
                if self.tally.stopped_by:
                    return
            if not self.design.is_adaptive or self.tally.asked == asked_before:
                return
            is_first = False

    def _unanswered(self, trials: Sequence[Trial]) -> list[Trial]:
        """The trials that have no response yet; refuse where one was answered under another request."""
        known = self.journal.requests_of([trial.id for trial in trials])
        for trial in trials:
            before, is_inherited = known.get(trial.id, (trial.request.hash, False))
            if before != trial.request.hash and not is_inherited:
                raise TreatmentChanged(
                    f"{self.journal.path.parent}: item {trial.place.item!r} was already answered by subject "
                    f"{trial.place.subject!r} under another request; what is sent has been edited. "
                    "Undo the edit, or use a new folder"
                )
        return [trial for trial in trials if trial.id not in known]

    def _refuse_strangers(self, trials: Sequence[Trial], n_answered: int) -> None:
        """Refuse a run that holds answers to places the design does not have; they would end up in its table."""
        n_strangers = len(self.journal) - n_answered
        if n_strangers:
            places = {trial.id for trial in trials}
            example = next(id for id in self.journal if id not in places)
            raise TreatmentChanged(
                f"{self.journal.path.parent}: {n_strangers} responses are to places that the design no longer has, "
                f"e.g. {example!r}; put back the subjects, items or levels that were removed, or use a new folder"
            )

    def _check(self, todo: Sequence[Trial]) -> None:
        """Have every engine refuse, before it is called, what it cannot answer, and be the one that began the run."""
        for engine, part in self._parts(todo):
            engine.check(part)
            recognise(self.journal, part[0].answerer, engine.fingerprint())

    def _parts(self, todo: Sequence[Trial]) -> Iterator[tuple[Engine, list[Trial]]]:
        """The trials of each engine."""
        parts: dict[str, list[Trial]] = {}
        for trial in todo:
            parts.setdefault(trial.answerer, []).append(trial)
        for answerer, part in parts.items():
            yield self.cast.engine(answerer), part

    def _ask(self, todo: Sequence[Trial]) -> None:
        """Put trials to their engines and commit what comes back, as it comes."""
        for engine, part in self._parts(todo):
            allowed = self._affordable(engine, part)
            waiting = _same_requests(allowed, engine)
            try:
                for batch in stream(engine, [group[0] for group in waiting.values()], self.stop):
                    self._commit(engine, [(t, c) for first, c in batch for t in waiting.pop(first.id)])
            except BaseException:
                self.stop.set()
                raise
            if waiting:
                left = next(iter(waiting.values()))[0]
                raise EngineError(
                    f"engine {engine.address!r} left {len(waiting)} trials unanswered, first {left.id}"
                )

    def _commit(self, engine: Engine, answers: Sequence[tuple[Trial, Completion]]) -> None:
        """Read and store; only then do the answers count."""
        responses = [_read(trial, completion, engine.address) for trial, completion in answers]
        self.journal.add(responses, {trial.request.hash: trial.request.body for trial, _ in answers})
        tally = self.tally
        tally.done += len(responses)
        tally.asked += len(responses)
        tally.dispositions.update(response.status for response in responses)
        tally.tokens += sum(
            completion.prompt_tokens + completion.completion_tokens for _, completion in answers
        )
        if self.watch:
            self.watch(tally)

    def _affordable(self, engine: Engine, part: list[Trial]) -> list[Trial]:
        """As many of the trials as the budget allows; notes what stopped the rest."""
        budget, tally = self.budget, self.tally
        if budget is None or not part:
            return part
        if budget.seconds is not None and tally.seconds >= budget.seconds:
            tally.stopped_by = f"time: {budget.seconds:g} s"
            return []
        kept = part if budget.trials is None else part[: max(0, budget.trials - tally.asked)]
        if len(kept) < len(part):
            tally.stopped_by = f"trials: {budget.trials}"
        if budget.tokens is None and budget.dollars is None:
            return kept
        while kept:
            cost = engine.cost(kept)
            if budget.dollars is not None and cost.price is None:
                raise EngineError(
                    f"engine {engine.address!r} has no known price; cap tokens instead of dollars"
                )
            tokens = tally.tokens + cost.prompt_tokens + cost.completion_tokens
            dollars = tally.dollars + (cost.price or 0.0)
            if tokens <= (budget.tokens or tokens) and dollars <= (budget.dollars or dollars):
                tally.dollars = dollars
                self.journal.note(dollars=repr(dollars))
                break
            tally.stopped_by = (
                f"tokens: {budget.tokens}"
                if tokens > (budget.tokens or tokens)
                else (f"dollars: {budget.dollars}")
            )
            kept = kept[: len(kept) // 2]
        return kept


def _chunks(trials: Sequence[Trial], size: int) -> Iterator[tuple[int, list[Trial]]]:
    """Consecutive pieces of a lazy sequence, each with where it starts."""
    iterator, start = iter(trials), 0
    while chunk := list(islice(iterator, size)):
        yield start, chunk
        start += len(chunk)


def _same_requests(trials: Sequence[Trial], engine: Engine) -> dict[str, list[Trial]]:
    """Trials that one call answers together, by the id of the first of them."""
    if engine.answers_by == "place":
        return {trial.id: [trial] for trial in trials}
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.request.hash, []).append(trial)
    return {group[0].id: group for group in groups.values()}


def _read(trial: Trial, completion: Completion, engine: str) -> Response:
    """The answer in a completion; a reader that stumbles makes a failed response, never a lost one."""
    try:
        return read(completion, trial, engine)
    except Exception as error:  # the one broad except of the house: one odd answer must not end a long run
        failed = Completion(error=f"could not be read: {type(error).__name__}: {error}")
        return replace(read(failed, trial, engine), text=completion.text)

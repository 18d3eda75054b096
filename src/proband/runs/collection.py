"""The loop: the only place where engines are called."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

from proband.designs.design import Design
from proband.errors import DesignError, EngineError, TreatmentChanged
from proband.instruments.reading import read
from proband.models.archive import completion_of
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
        self.cast, self.budget, self.watch = cast, budget or Budget(), watch
        self.chunk = CHUNK if budget is None else CAPPED_CHUNK
        self.stop = threading.Event()
        self.recognised: set[str] = set()
        self.settled: set[str] = set()  # places of an adaptive design that need no second look
        # An adaptive design looks at every answer in every round.
        self.answered: dict[str, Response] | None = dict(journal) if design.is_adaptive else None
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
        self._look_ahead(self._trials())
        is_first = True
        while True:
            asked_before, n_answered = self.tally.asked, 0
            trials = self._trials()
            for start, chunk in _chunks(trials, self.chunk):
                todo = self._unanswered(chunk)
                n_answered += len(chunk) - len(todo)
                if not is_first or start + len(chunk) > CHECKED:
                    self._check(todo)
                self._ask(todo)
                if self.tally.stopped_by:
                    return
            if is_first:
                self._refuse_strangers(trials, n_answered + self.tally.asked)
            if not self.design.is_adaptive or self.tally.asked == asked_before:
                return
            is_first = False

    def _trials(self) -> Sequence[Trial]:
        return self.design.trials(self.journal if self.answered is None else self.answered)

    def _look_ahead(self, trials: Sequence[Trial]) -> None:
        """Refuse, before the first call, whatever can be seen by then."""
        ahead = trials[:CHECKED]
        todo = self._unanswered(ahead)
        if len(trials) <= CHECKED:
            self._refuse_strangers(ahead, len(ahead) - len(todo))
        self._check(todo)

    def _unanswered(self, trials: Sequence[Trial]) -> list[Trial]:
        """The trials that have no response yet; refuse where one was answered under another treatment."""
        fresh = [trial for trial in trials if trial.id not in self.settled]
        known = self.journal.requests_of([trial.id for trial in fresh])
        for trial in fresh:
            request, rule, is_inherited = known.get(trial.id, ("", "", True))
            if not is_inherited and (request, rule) != (trial.request.hash, trial.reply.rule):
                what = "what is sent" if request != trial.request.hash else "how it is read"
                raise TreatmentChanged(
                    f"{self.journal.path.parent}: item {trial.place.item!r} was already answered by subject "
                    f"{trial.place.subject!r}, and {what} has been edited since; undo the edit, or use a new folder"
                )
        if self.answered is not None:
            self.settled |= known.keys()
        return [trial for trial in fresh if trial.id not in known]

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
            answerer = part[0].answerer
            if answerer not in self.recognised:
                recognise(self.journal, answerer, engine.fingerprint())
                self.recognised.add(answerer)

    def _parts(self, todo: Sequence[Trial]) -> Iterator[tuple[Engine, list[Trial]]]:
        """The trials of each engine."""
        parts: dict[str, list[Trial]] = {}
        for trial in todo:
            parts.setdefault(trial.answerer, []).append(trial)
        for answerer, part in parts.items():
            yield self.cast.engine(answerer), part

    def _ask(self, todo: Sequence[Trial]) -> None:
        """Put trials to their engines and commit what comes back, as it comes."""
        if todo:
            self.directory.reopen()
        for engine, part in self._parts(todo):
            waiting = self._share_answered(engine, self.budget.cap_trials(part, self.tally))
            firsts = self.budget.cap_cost([group[0] for group in waiting.values()], self.tally, engine)
            if self.budget.dollars is not None:
                self.journal.note(dollars=repr(self.tally.dollars))
            waiting = {trial.id: waiting[trial.id] for trial in firsts}
            with closing(stream(engine, firsts, self.stop)) as batches:
                for batch in batches:
                    self.tally.tokens += sum(c.prompt_tokens + c.completion_tokens for _, c in batch)
                    self._commit(engine, [(t, c) for first, c in batch for t in waiting.pop(first.id)])
            if waiting:
                left = next(iter(waiting.values()))[0]
                raise EngineError(
                    f"engine {engine.address!r} left {len(waiting)} trials unanswered, first {left.id}"
                )
            if self.tally.stopped_by:
                return

    def _share_answered(self, engine: Engine, part: Sequence[Trial]) -> dict[str, list[Trial]]:
        """Trials that one call will answer together, by the id of the first; those a past call answers are stored."""
        if engine.answers_by == "place":
            return {trial.id: [trial] for trial in part}
        groups: dict[str, list[Trial]] = {}
        for trial in part:
            groups.setdefault(trial.request.hash, []).append(trial)
        past = self.journal.answers_to(list(groups))
        self._commit(engine, [(t, completion_of(past[hash])) for hash in past for t in groups.pop(hash)])
        return {group[0].id: group for group in groups.values()}

    def _commit(self, engine: Engine, answers: Sequence[tuple[Trial, Completion]]) -> None:
        """Read and store; only then do the answers count."""
        if not answers:
            return
        responses = [_read(trial, completion, engine.address) for trial, completion in answers]
        self.journal.add(responses, {trial.request.hash: trial.request.body for trial, _ in answers})
        if self.answered is not None:
            self.answered |= {response.place.id: response for response in responses}
            self.settled |= {response.place.id for response in responses}
        tally = self.tally
        tally.done += len(responses)
        tally.asked += len(responses)
        tally.dispositions.update(response.status for response in responses)
        if self.watch:
            self.watch(tally)


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


def _chunks(trials: Sequence[Trial], size: int) -> Iterator[tuple[int, list[Trial]]]:
    """Consecutive pieces of a lazy sequence, each with where it starts."""
    iterator, start = iter(trials), 0
    while chunk := list(islice(iterator, size)):
        yield start, chunk
        start += len(chunk)


def _read(trial: Trial, completion: Completion, engine: str) -> Response:
    """The answer in a completion; a reader that stumbles makes a failed response, never a lost one."""
    try:
        return read(completion, trial, engine)
    except Exception as error:  # the one broad except of the house: one odd answer must not end a long run
        failed = read(Completion(error=f"could not be read: {type(error).__name__}: {error}"), trial, engine)
        return replace(
            failed, text=completion.text, log_probs=completion.log_probs, token_counts=completion.token_counts
        )

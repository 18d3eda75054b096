"""The loop: the only place where engines are called."""

import gc
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from proband.designs.design import Design
from proband.designs.studies import Study
from proband.errors import DesignError, EngineError
from proband.instruments.items import Item
from proband.instruments.reading import read
from proband.models.archive import completion_of
from proband.models.engine import BaseEngine
from proband.notebook import progress_bar
from proband.records import Completion, Response, Trial
from proband.runs.casting import Cast
from proband.runs.committing import Committer
from proband.runs.frontier import Advancing, Past, Unanswered
from proband.runs.identity import begin, finish, recognise
from proband.runs.lanes import Lane, Lanes
from proband.runs.pieces import Piece, cut, handed
from proband.runs.progress import Budget, Tally, Watch
from proband.runs.run import PEOPLE, Run, State
from proband.runs.scheduling import COMMIT_S, QUICK_S, Call, Listening, Pair, Stop, interruptible
from proband.runs.snapshots import Snapshots, forget
from proband.store.directory import RunDirectory
from proband.store.journal import Journal

ALIKE_S = 0.001  # engines that are about as fast end about together; one commit serves all of them
LAPSE_S = 1.0  # between two looks at what has been waited for long enough
TOLD_S = 1.0  # between two notes of how far the run is, for those who look at it from outside
# Places of a design looked at together, counted from its beginning; the unanswered among them are checked before the
# first is asked, and put in order. No piece crosses them. Of adaptive designs, trials that are under way.
AHEAD = 20_000


def collect(
    design: Design,
    engine: str | BaseEngine | Mapping[str, str | BaseEngine],
    into: str | Path,
    *,
    budget: Budget | None = None,
    watch: Watch | None = None,
    retry_failed: bool = False,
    wait: bool = True,
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
        Called with the `Tally` after every commit; in a notebook a bar, unless something else is given.
    retry_failed : bool
        Ask again what failed in an earlier call; refused where later questions went on from a failure.
    wait : bool
        Whether to wait for those who answer in their own time, such as people at a page. If not, what they have not
        answered stays open, and the next call goes on.

    Returns
    -------
    Run
        Complete, unless the budget stopped it, somebody has yet to answer, or a part cannot go on: see `Run.state`.

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
        loop = _Loop(directory, journal, design, cast=cast, budget=budget, watch=watch or progress_bar())
        with interruptible(loop.stop), _rare_garbage_collection():
            loop.go(wait)
            state = json.dumps({"state": loop.state, "stalled": loop.frontier.stalled})
            journal.note(state=state, tally=loop.tally.noted())
        if loop.state != "complete":
            directory.reopen()
        else:
            if loop.past.has_news:
                directory.reopen()  # where nobody is asked, no answer says that there is more than there was
            design.keep(journal, directory.path, anew=directory.manifest() is None)
            if directory.manifest() is None:
                finish(directory, journal, design, cast)
    return Run(directory.path)


def carry_out(
    study: Study,
    into: str | Path,
    *,
    budget: Budget | None = None,
    watch: Watch | None = None,
    retry_failed: bool = False,
    wait: bool = True,
) -> Run:
    """Collect a study of any kind: people's answers, where it has them, and then the engines'.

    Running the same line again resumes.

    Parameters
    ----------
    study : Study
        From `load_study`, or made in Python.
    into : path
        The run directory; people's answers are kept in its folder ``people``, those of a second occasion in that
        folder's own ``people``.
    budget, watch, retry_failed, wait
        For the engines' part; see `collect`.

    Returns
    -------
    Run
        The engines'; its `people` are the run of the human answers.
    """
    if study.people is not None:
        collect(study.people, study.people.engine, Path(into) / PEOPLE)
        if (again := study.people.again) is not None:
            collect(again, again.engine, Path(into) / PEOPLE / PEOPLE)
    return collect(study.design, study.cast, into, budget=budget, watch=watch, retry_failed=retry_failed, wait=wait)


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
        self.items = design.items
        journal.by_arrival = design.is_adaptive  # a round answers a place of every process
        self.stop, self.wake = Stop(), threading.Event()
        self.lanes = Lanes()
        self.past = Past(journal)
        self.snapshots = Snapshots(directory, journal, design)
        saved = self.snapshots.load() if design.is_adaptive else None
        self.past.until = 0.0 if saved is None else saved.until
        self.frontier: Advancing | Unanswered = (
            Advancing(self.past, design, saved=saved) if design.is_adaptive else Unanswered(self.past, design, AHEAD)
        )
        self.committer = Committer(journal, self._count)
        self.error: BaseException | None = None
        self._recognised: set[str] = set()
        self._lane_of: dict[str, Lane] = {}
        self._by_piece: set[str] = set()  # answerers whose engines get whole pieces of the design
        self._sharing: dict[tuple[str, str], list[Trial]] = {}  # by engine and request: who gets the same answer
        self._since = journal.handed_over()
        self._is_all_known = False
        self._stored: list[Response] = []  # that engines that wait were not told of yet
        self._is_closed = False  # an engine that waits has said that nobody will answer what is open
        self._lapse_at = 0.0
        self._told_at = time.monotonic()
        self._responses: list[Response] = []
        self._bodies: dict[str, str] = {}
        self._before = (0.0, 0.0)  # what counted against a cap in dollars, and was paid, before the piece that is out
        # A cap is met closely only if nothing else is under way while its room is measured.
        self._takes_turns = budget is not None and budget.is_counted
        dispositions = journal.dispositions()
        self.tally = Tally(
            total=0 if watch is None else design.size(),  # nobody looks at it, and it may have to be found out
            done=sum(dispositions.values()),
            tokens=sum(journal.tokens()),
            estimated=journal.n_estimated(),
            dollars=float(journal.noted("dollars") or 0.0),
            dispositions=Counter(dispositions),
        )

    @property
    def state(self) -> State:
        """How far the run is, now that the loop has ended."""
        if self._is_ending or not self.frontier.is_idle:
            return "unfinished"
        if self._is_closed:
            return "complete"
        return "waiting" if self.lanes.open else "stalled" if self.frontier.stalled else "complete"

    @property
    def _is_ending(self) -> bool:
        return self.stop.is_asked or bool(self.tally.stopped_by)

    def go(self, wait: bool) -> None:
        """Ask until nothing is left, or until the budget or the user says stop."""
        with self.committer:
            try:
                while self._hand_over(wait):
                    is_starving = self.design.is_adaptive and any(lane.is_starving for lane in self.lanes)
                    self.wake.wait(QUICK_S if is_starving else COMMIT_S)
                    self.wake.clear()
                    if self.design.is_adaptive and len(self.lanes.calls) > 1:
                        time.sleep(ALIKE_S)
                    self._take_in()
            except BaseException:
                self.stop.is_asked = True
                for call in self.lanes.calls:
                    (call.engine.stop if self.stop.is_at_once else call.engine.wind_down)()
                raise
            finally:
                if not self.stop.is_at_once:
                    for call in self.lanes.calls:
                        call.join()
        if self.error is not None:
            raise self.error
        self._take_snapshot()
        self.journal.store_marks()

    def _take_snapshot(self) -> None:
        """Keep where the processes stand, once it is known that all answers are theirs."""
        if isinstance(self.frontier, Advancing) and self._is_all_known:
            saved = self.frontier.saved()
            if saved is not None and (self.tally.asked or not self.snapshots.path.exists()):
                self.snapshots.save(saved)

    def _hand_over(self, wait: bool) -> bool:
        """Hand over all that can be; tells whether there is anything to wait for."""
        while not self._is_ending:
            self._look_ahead()
            for lane in self.lanes:
                self._start(lane)
            self._tell_committed()
            if self.lanes.is_busy:
                break
            self.committer.settle()
            if self.lanes.calls:
                break
            if self.frontier.is_idle and not self._lapse() and not any(lane.parts for lane in self.lanes):
                break
        if not self._is_ending and (wait or self.lanes.is_busy):
            for lane in self.lanes:
                lane.listen(self.stop, self.wake)
        if not self.lanes.is_busy:
            self.committer.settle()
        return self.lanes.is_busy if self._is_ending else bool(self.lanes.calls)

    def _tell_committed(self) -> None:
        """Tell engines that wait what is stored, once all that follows from it was handed over to them."""
        waiting = [lane for lane in self.lanes if lane.waits and lane.engine is not None]
        if not waiting:
            self.frontier.over.clear()
            return
        if not self.frontier.is_idle or any(lane.parts for lane in waiting):
            return
        over, self.frontier.over = self.frontier.over, []
        stored, self._stored = self._stored, []
        for lane in waiting:
            assert lane.engine is not None
            lane.engine.committed(stored, over)
            if lane.engine.closed:
                self.journal.note(closed=json.dumps(dict(lane.engine.closed)))
                self._is_closed = True
                lane.out.clear()

    def _look_ahead(self) -> None:
        """Queue what can be asked: all of it, or as many windows as keep every lane busy."""
        if self.design.is_adaptive:
            self._queue(self.frontier.more(AHEAD - self.lanes.n_under_way))
            return
        while self.lanes.want_more(takes_turns=self._takes_turns, most=2 * AHEAD):
            window = self.frontier.more(AHEAD)
            self._queue(window)
            if not window:
                return
            for lane in self.lanes:
                self._start(lane)

    def _queue(self, trials: Sequence[Trial]) -> None:
        """Have every engine refuse, before it is called, what it cannot answer, and put the rest in its lane."""
        if self.frontier.is_seen and not self._is_all_known:
            self.committer.settle()
            self.past.refuse_strangers(self.design, self.tally.asked)
            self._is_all_known = True
        parts: dict[str, list[Trial]] = {}
        for trial in trials:
            parts.setdefault(trial.answerer, []).append(trial)
        # Of two parts that one engine plays, which is first must not hang on what is missing.
        order = {} if self.design.is_adaptive else {name: k for k, name in enumerate(self.cast.addresses)}
        for answerer, part in sorted(parts.items(), key=lambda entry: order.get(entry[0], 0)):
            lane = self._lane_of.get(answerer)
            if lane is None:
                engine = self._engine(answerer)
                lane = self._lane_of[answerer] = self.lanes.of(engine)
                if engine.by_piece and not self.design.is_adaptive:
                    self._by_piece.add(answerer)
            # What computes here is not looked at while it computes.
            can_check = lane.overlaps or lane.waits or not lane.calls
            if can_check:
                self._check(answerer, part)
            if answerer in self._by_piece:
                self._queue_pieces(answerer, part, is_checked=can_check)
            else:
                lane.put(answerer, part, joins=self.design.is_adaptive, is_checked=can_check)

    def _queue_pieces(self, answerer: str, part: list[Trial], *, is_checked: bool) -> None:
        """Put the scored ones of an engine's trials in its lane piece by piece, and then the others."""
        assert isinstance(self.frontier, Unanswered)
        lane = self._lane_of[answerer]
        for whole, missing in self.frontier.blocks() if any(trial.request.verb == "score" for trial in part) else ():
            own = [[t for t in ts if t.answerer == answerer and t.request.verb == "score"] for ts in (whole, missing)]
            if own[1]:
                lane.put_pieces(answerer, cut(*own), is_checked=is_checked)
        written = [trial for trial in part if trial.request.verb != "score"]
        if written:
            lane.put(answerer, written, joins=False, is_checked=is_checked)

    def _engine(self, answerer: str) -> BaseEngine:
        return self.cast.engine(answerer, in_use=[call.engine for call in self.lanes.calls])

    def _check(self, answerer: str, part: Sequence[Trial]) -> None:
        """Have an engine refuse what it cannot answer, and be the one that began the run."""
        engine = self._engine(answerer)
        self.design.check_engine(engine, part)
        if answerer not in self._recognised:
            recognise(self.journal, answerer, engine.fingerprint())
            self._recognised.add(answerer)

    def _start(self, lane: Lane) -> None:
        """Put as many pieces to a lane's engine as it takes now."""
        if lane.waits:
            self._start_waiting(lane)
            return
        while lane.parts and lane.has_room and not self._is_ending:
            if self._takes_turns and self.lanes.is_busy:
                return
            part = lane.parts[0]
            engine = self._engine(part.answerer)
            if not part.is_checked:
                self._check(part.answerer, part.trials)
                part.is_checked = True
            piece = lane.piece(engine, self.frontier.rank)
            if self.budget is not None:
                self.committer.settle()
                piece = piece[: lane.whole(self.budget.piece(piece, self.tally, engine))]
                piece = self.budget.cap_trials(piece, self.tally)
            pieces = lane.hand_over(len(piece))
            firsts = self._share_answered(engine, piece)
            self._before = self.tally.dollars, self.tally.price or 0.0
            if self.budget is not None:
                firsts = self.budget.cap_cost(firsts, self.tally, engine)
                self._note_dollars()
            if firsts:
                self.directory.reopen()
                lane.out.update([(trial.id, trial) for trial in firsts])
                lane.calls.append(self._call(engine, firsts, pieces))

    def _call(self, engine: BaseEngine, firsts: Sequence[Trial], pieces: Sequence[Piece]) -> Call:
        if not engine.by_piece:
            return Call(engine, firsts, self.stop, self.wake)
        written = [] if pieces else [trial for trial in firsts if trial.request.verb == "write"]
        wanted = {trial.id for trial in firsts}
        return Call(engine, written, self.stop, self.wake, pieces=handed(engine, pieces, firsts), wanted=wanted)

    def _start_waiting(self, lane: Lane) -> None:
        """Hand open trials to somebody who answers in their own time, those handed over before among them."""
        calls = [call for call in lane.calls if not (lane.overlaps and isinstance(call, Listening))]
        if calls or not (lane.parts or (lane.has_news and lane.out)) or lane.engine is None:
            return
        new = [trial for part in lane.parts for trial in part.trials]
        lane.parts.clear()
        if self.budget is not None:
            new = self.budget.cap_trials([*lane.out.values(), *new], self.tally)[len(lane.out) :]
        if new:
            self.directory.reopen()
            self.frontier.follow(new)
            self.journal.hand_over({trial.id: (trial.answerer, trial.request.hash) for trial in new})
            now = time.time()
            for trial in new:
                lane.out[trial.id] = trial
                self._since.setdefault(trial.id, now)
        lane.has_news = False
        if lane.out:
            lane.calls.append(Call(lane.engine, list(lane.out.values()), self.stop, self.wake))

    def _lapse(self) -> bool:
        """Close, by the rule of the design, what has been waited for long enough; tells whether anything was."""
        if type(self.design).lapse is Design.lapse:
            return False
        now, is_any = time.time(), False
        for lane in self.lanes:
            if lane.waits and lane.engine is not None:
                waited = [(trial, self.design.lapse(trial, now - self._since[id])) for id, trial in lane.out.items()]
                lapsed = [(trial, completion) for trial, completion in waited if completion is not None]
                self._store(lane, lane.engine, lapsed)
                is_any |= bool(lapsed)
        self._commit()
        self.committer.settle()
        return is_any

    def _take_in(self) -> None:
        """Store what came, and let it count."""
        going = [(lane, call) for lane in self.lanes for call in lane.calls]
        for lane, call in going:
            self._store(lane, call.engine, call.taken())
        self._commit()
        for lane, call in going:
            if call.is_over:
                lane.calls.remove(call)
                self._end(lane, call)
        if self.design.is_adaptive:
            self.committer.settle()
        if time.monotonic() > self._lapse_at:
            self._lapse_at = time.monotonic() + LAPSE_S
            self._lapse()
        if self.budget is not None and self.budget.is_late(self.tally):
            self.stop.is_asked = True
        if self.stop.is_asked:
            for call in self.lanes.calls:
                call.engine.wind_down()

    def _store(self, lane: Lane, engine: BaseEngine, batch: list[Pair]) -> None:
        """Read answers, and those of trials that share them, for the next commit."""
        if lane.waits:  # told again what was told before, or what lapsed meanwhile
            batch = [pair for pair in batch if pair[0].id in lane.out]
        if not batch:
            return
        for trial, _ in batch:
            lane.out.pop(trial.id, None)
        self._pay(engine, batch)
        if self._sharing:
            address = engine.address
            batch += [
                (trial, completion)
                for first, completion in batch
                for trial in self._sharing.pop((address, first.request.hash), ())
            ]
        self._read(engine, batch)

    def _end(self, lane: Lane, call: Call) -> None:
        """Look at how a call ended."""
        if isinstance(call, Listening):
            lane.has_news = call.has_news
        if self._takes_turns and not lane.waits:
            self.committer.settle()
            if self.tally.price is not None:  # what it took, in place of what it was thought to take
                dollars, paid = self._before
                self.tally.dollars = dollars + self.tally.price - paid
                self._note_dollars()
        error = call.error
        if error is None and lane.out and not (lane.calls or lane.waits or self.stop.is_asked):
            first = next(iter(lane.out))
            error = EngineError(f"engine {call.engine.address!r} left {len(lane.out)} trials unanswered, first {first}")
        if error is not None:
            self.error = self.error or error
            self.stop.is_asked = True

    def _share_answered(self, engine: BaseEngine, piece: list[Trial]) -> list[Trial]:
        """The trials to ask; others get the answer of the same request, which is there already or on its way."""
        if engine.answers_by == "place":
            return piece
        self.committer.settle()
        address = engine.address
        groups: dict[str, list[Trial]] = {}
        for trial in piece:
            on_its_way = self._sharing.get((address, trial.request.hash))
            if on_its_way is None:
                groups.setdefault(trial.request.hash, []).append(trial)
            else:
                on_its_way.append(trial)
        past = self.journal.answers_to(list(groups), address)
        if past:
            self.directory.reopen()
        self._read(engine, [(t, completion_of(past[hash])) for hash in past for t in groups.pop(hash)])
        self._commit()
        self._sharing.update([((address, hash), group[1:]) for hash, group in groups.items()])
        return [group[0] for group in groups.values()]

    def _pay(self, engine: BaseEngine, batch: Sequence[Pair]) -> None:
        """Count the tokens of calls, and their price where the engine has one."""
        prompt = sum([completion.prompt_tokens for _, completion in batch])
        reply = sum([completion.completion_tokens for _, completion in batch])
        self.tally.tokens += prompt + reply
        self.tally.estimated += sum([completion.is_estimated for _, completion in batch])
        price = engine.price_of(prompt, reply)
        if price is not None:
            self.tally.price = (self.tally.price or 0.0) + price

    def _note_dollars(self) -> None:
        if self.budget is not None and self.budget.dollars is not None:
            self.journal.note(dollars=repr(self.tally.dollars))

    def _read(self, engine: BaseEngine, answers: Sequence[Pair]) -> None:
        address, items = engine.address, self.items
        self._responses += [_read(trial, completion, address, items) for trial, completion in answers]
        self._bodies.update([(trial.request.hash, trial.request.body) for trial, _ in answers])

    def _commit(self) -> None:
        """Store what was read; only then do the answers count."""
        if self._responses:
            responses, bodies = self._responses, self._bodies
            self._responses, self._bodies = [], {}
            self.committer.add(responses, bodies)

    def _count(self, responses: Sequence[Response]) -> None:
        """What was committed counts."""
        self.frontier.take(responses)
        if any(lane.waits for lane in self.lanes):
            self._stored += responses
        if self._is_all_known and self.snapshots.is_due:
            self._take_snapshot()
        self.tally.count([response.status for response in responses])
        if (now := time.monotonic()) - self._told_at >= TOLD_S:
            self._told_at = now
            self.journal.note(tally=self.tally.noted())
        if self.watch:
            self.watch(self.tally)


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
        forget(directory)
        reached: set[str] = set()
        rereading = Advancing(Past(journal), design, reached=reached)
        while not rereading.is_seen:
            rereading.more(AHEAD)
        lost = [id for id in journal.own() if id not in reached]
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
    except Exception as error:  # the one broad except that goes on: one odd answer must not end a long run
        failed = read(Completion(error=f"could not be read: {type(error).__name__}: {error}"), trial, engine)
        names = (*("text", "log_probs", "token_counts"), *("prompt_tokens", "completion_tokens", "is_estimated"))
        return replace(failed, **{name: getattr(completion, name) for name in names})

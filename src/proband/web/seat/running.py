"""A study taken by people: the loop in one thread, the server of their pages in another."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from starlette.applications import Starlette

from proband.addresses import open_engine
from proband.designs.seat_table import SeatTable, seat_table
from proband.designs.seated import SEATS, Seated, n_seats, seated
from proband.designs.studies import Study
from proband.designs.survey.survey import Survey
from proband.errors import DesignError, EngineError, ProbandError
from proband.files import is_file, text_of
from proband.models.engine import BaseEngine
from proband.models.seats import SeatEngine
from proband.records import SCORED_METHODS, Completion, Message, Request, Trial
from proband.runs import Run, collect
from proband.runs.run import PEOPLE
from proband.runs.scheduling import ask_one
from proband.store import RunDirectory
from proband.web.guarding import Guard, OneTimeDoor
from proband.web.pages import static
from proband.web.seat.monitor import Monitor
from proband.web.seat.participants import Pages, SeatDoor
from proband.web.seat.registry import Registry
from proband.web.seat.room import Room
from proband.web.seat.texts import language_for
from proband.web.serving import one_time, served

TICK_S = 0.5
LAST_LOOK_S = 600.0  # a run that is closed still shows people their last pages, for so long at most
SEAT = "seat"  # address of people at pages
Play = Callable[[str, Callable[[], bool]], None]


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """A study, ready to be taken.

    Attributes
    ----------
    design : Seated
        What is asked.
    cast : mapping
        Who plays which role; people where it is `SEAT`.
    table : SeatTable
        What the study file says of people, its texts read.
    """

    study: Study
    design: Seated
    cast: Mapping[str, str | BaseEngine]
    table: SeatTable


def sitting(study: Study, path: Path, *, seats: int | None = None, is_test: bool = False) -> Sitting:
    """A study as people take it.

    Raises
    ------
    DesignError
        If people cannot take it, or it says nothing to agree to, or nobody to ask; `is_test` does without.
    """
    table = seat_table(path) or SeatTable()
    texts = {name: _text(getattr(table, name), path.parent) for name in ("consent", "debriefing")}
    table = table.model_copy(update=texts)
    lacking = [name for name in ("consent", "contact") if not getattr(table, name).strip()]
    if lacking and not is_test:
        raise DesignError(
            f"{path}: [seat] has no {lacking[0]}; people read what they agree to, and whom they can ask, before "
            'anything is stored: write it, e.g. consent = "consent.md", or give --test to try the pages out'
        )
    try:
        date.fromisoformat(table.until or "2000-01-01")
    except ValueError:
        raise DesignError(f'{path}: seat.until is {table.until!r}; write a date, e.g. "2026-12-31"') from None
    for name in table.attention:
        if name not in study.design.items:
            raise DesignError(f"{path}: seat.attention names {name!r}, which is no item of this study")
    for asked in table.comprehension:
        if asked.right not in asked.options:
            raise DesignError(f"{path}: seat.comprehension: {asked.right!r} is not among {', '.join(asked.options)}")
    for screen in table.screen:
        if strange := [option for option in screen.out if option not in screen.options]:
            raise DesignError(f"{path}: seat.screen: {strange[0]!r} is not among {', '.join(screen.options)}")
    roles = [role for role, who in study.addresses.items() if who == SEAT]
    design = seated(study.design, roles, seats or n_seats(study.design) or table.seats)
    cast = {"": SEAT} if design.is_alone else study.cast
    return Sitting(study=study, design=design, cast=cast, table=table)


def folder_of(into: Path, design: Seated) -> Path:
    """Where people's answers go: into a run of engines that is there, as the people beside it; else where said.

    Raises
    ------
    DesignError
        If the engine answered as others than seats: findings would set each of them beside whoever has their number.
    """
    if not RunDirectory(into).is_there or SEAT in (run := Run(into)).manifest["engine"].values():
        return into
    seats = set(design.subjects)
    if isinstance(design.design, Survey) and any(m.traits or m.subject not in seats for m in run.roster):
        raise DesignError(
            f"{into}: an engine answered there as {len(run.roster):,} others, and whoever comes is "
            f'none of them; let it answer as people of whom nothing is known: [population] use = "{SEATS}N", and '
            'persona = "none"'
        )
    return into / PEOPLE


def take(
    sitting: Sitting,
    into: Path,
    *,
    port: int | None = None,
    public: str | None = None,
    is_test: bool = False,
    play: Play | None = None,
    say: Callable[[str], object] = print,
) -> Run:
    """Serve the pages and carry the study out, until every seat is done with or somebody says stop.

    `play` is given the address of the server, and whether it is to stop: it brings bots.

    Raises
    ------
    StoreError, RunLocked
        If the port is in use, or another server has this run.
    """
    engine = SeatEngine(SEAT, is_served=True, seat_of=sitting.design.seat_of)
    cast = {role: engine if who == SEAT else who for role, who in sitting.cast.items()}
    with contextlib.ExitStack() as stack:
        directory = RunDirectory(into)
        directory.refuse_while_written()
        design = _without_gone(sitting.design, directory)
        registry = Registry(into)
        stack.callback(registry.close)
        room = Room(design, engine, registry, sitting.table, into, plays_on=_plays_on(sitting.table.leaving, stack))
        app, researcher = _app(sitting, room, registry, public=public, is_test=is_test)
        address = stack.enter_context(served(app, port=port, is_public=public is not None))
        where = public or address
        say(f"people: {where}/join\nyou: {one_time(researcher.key, '/researcher/')(where)}\nCtrl-C ends it.")
        stack.enter_context(_ticking(room))
        playing = _Playing(play, address, room)
        try:
            run = collect(design, cast, into)
            engine.end()
            playing.join()
            until = None
            while play is None and not (until is not None and (room.is_seen_to_the_end or time.monotonic() > until)):
                engine.raise_broken()
                if engine.closed and until is None:
                    until = time.monotonic() + LAST_LOOK_S
                time.sleep(TICK_S)
        except BaseException as error:
            engine.fail(error)
            playing.stop()
            time.sleep(TICK_S)  # those who wait for an answer to be stored are told
            raise
        if playing.error is not None:
            raise playing.error
        _note_closed(directory, engine.closed)
        return run


def _note_closed(directory: RunDirectory, closed: Mapping[str, object]) -> None:
    """Have a run that came to its end by itself say how many finished, as one does that was closed before."""
    manifest = directory.manifest()
    if closed and manifest is not None and "closed" not in manifest:
        with directory.writer() as journal:
            journal.note(closed=json.dumps(dict(closed)))
        directory.write_manifest({**manifest, "closed": dict(closed)})


def _without_gone(design: Seated, directory: RunDirectory) -> Seated:
    """The design without those who were forgotten; refuse a run that is closed."""
    if not directory.is_there:
        return design
    with directory.reader() as journal:
        closed, gone = journal.noted("closed"), journal.noted("forgotten") or []
    if closed:
        raise DesignError(
            f"{directory.path}: this run was closed ({closed['rule']}); measure it, or take the study into a new folder"
        )
    return replace(design, gone=frozenset(gone))


def _app(
    sitting: Sitting, room: Room, registry: Registry, *, public: str | None, is_test: bool
) -> tuple[Guard, OneTimeDoor]:
    asked = sitting.design.design
    own = getattr(getattr(asked, "instrument", getattr(asked, "codebook", None)), "language", "en")
    language = language_for(sitting.table.language, own)
    pages = Pages(
        room, sitting.table, sitting.study.name, language=language, own_language=own, is_test=is_test,
        is_public=public is not None,
    )  # fmt: skip
    researcher = OneTimeDoor("proband_researcher", "/researcher/")
    app = Starlette(routes=[*pages.routes, *Monitor(room, sitting.study.name).routes, static()])
    guard = Guard(
        app, doors=[SeatDoor(registry), researcher], opened=pages.opened, public=public,
        secret=registry.note("forms").encode(), words=pages.t,
    )  # fmt: skip
    return guard, researcher


class _Playing:
    """Bots, if there are any, in a thread of their own."""

    def __init__(self, play: Play | None, address: str, room: Room) -> None:
        self.error: BaseException | None = None
        self._is_stopped = False
        self._room, self._play, self._address = room, play, address
        self._thread = threading.Thread(target=self._run, name="proband-bots", daemon=True)
        if play is not None:
            self._thread.start()

    def _run(self) -> None:
        assert self._play is not None
        with _told_to(self._room.engine):
            try:
                self._play(self._address, lambda: self._is_stopped)
            except (ProbandError, OSError) as error:
                self.error = error
            self._room.close("bots")

    def stop(self) -> None:
        """Have them end."""
        self._is_stopped = True

    def join(self) -> None:
        """Wait for them."""
        if self._play is not None:
            self._thread.join()


@contextmanager
def _ticking(room: Room) -> Iterator[None]:
    """Let time pass in the room."""
    is_over = threading.Event()

    def go() -> None:
        with _told_to(room.engine):
            while not is_over.wait(TICK_S):
                room.tick()

    thread = threading.Thread(target=go, name="proband-seats", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def _told_to(engine: SeatEngine) -> Iterator[None]:
    """What goes wrong in a thread beside the loop, e.g. a full disk, ends the loop and is raised from there."""
    try:
        yield
    except BaseException as error:
        engine.fail(error)


def _plays_on(leaving: str, stack: contextlib.ExitStack) -> Callable[[Trial], Completion] | None:
    """What answers in the place of somebody who left; None where it is over then."""
    if leaving in ("end", "drop"):
        return None
    engine = open_engine(leaving)
    stack.callback(engine.close)

    def answer(trial: Trial) -> Completion:
        return ask_one(engine, as_sent(trial))

    return answer


def as_sent(trial: Trial) -> Trial:
    """What a person is shown, as a model is asked it."""
    card = trial.card
    if card is None:
        raise EngineError(f"{trial.id} has no card")
    text = "\n\n".join([part for part in (card.before, card.words, card.instruction) if part])
    messages = (Message("system", card.about or "Answer the survey question."), Message("user", text))
    shown = trial.reply.labels if trial.reply.method == "label" else card.options
    if trial.reply.method in SCORED_METHODS:
        request = Request(messages=messages, continuations=shown, closes=True)
    else:
        request = Request(messages=messages, max_tokens=256)
    return replace(trial, request=request)


def _text(given: str, folder: Path) -> str:
    """A text of the study file, or the file beside it that it names."""
    if given.endswith(".md") and "\n" not in given:
        if not is_file(folder / given):
            raise DesignError(f"[seat]: no file {given!r} beside the study; write it, or the text itself")
        return text_of(folder / given, what="text", error=DesignError)
    return given

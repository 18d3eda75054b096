import itertools
import threading
import time

import pytest

from proband.errors import EngineError
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import Budget, collect
from proband.runs.scheduling import COMMIT_S, Call, Stop, grouped


def personas(trials):
    return [trial.request.messages[0].text for trial in trials]


@pytest.mark.parametrize("order", ["items first", "interleaved", "shuffled"])
def test_a_persona_s_items_stand_together_whatever_the_order_of_the_design(survey, order):
    trials = list(survey.trials({}))
    mixed = {
        "items first": sorted(trials, key=lambda trial: trial.place.item),
        "interleaved": trials[::2] + trials[1::2],
        "shuffled": sorted(trials, key=lambda trial: trial.request.hash),
    }[order]
    found = grouped(mixed)
    assert sorted(t.id for t in found) == sorted(t.id for t in trials)
    runs = [name for name, _ in itertools.groupby(personas(found))]
    assert len(runs) == len(set(runs)) == 12
    assert [t.id for t in found] == [t.id for t in grouped(list(mixed))]
    assert [name for name, _ in itertools.groupby(personas(found))] == list(dict.fromkeys(personas(mixed)))


class Remembering(ScriptedEngine):
    """Answers by request, and remembers the pieces it was handed."""

    answers_by = "request"

    def answer(self, trials):
        self.pieces = [*getattr(self, "pieces", []), list(trials)]
        yield from super().answer(trials)


def test_an_engine_gets_large_pieces_in_the_order_that_shares_most(survey, people, tmp_path):
    class ItemsFirst(type(survey)):
        def trials(self, answered):
            return sorted(super().trials(answered), key=lambda trial: trial.place.item)

    fields = {name: getattr(survey, name) for name in ("instrument", "seed")}
    engine = Remembering(uniform())
    collect(ItemsFirst(subjects=people(300), **fields), engine, tmp_path)
    assert [len(piece) for piece in engine.pieces] == [600]
    assert len(list(itertools.groupby(personas(engine.pieces[0])))) == 300


def test_the_same_unanswered_trials_are_always_asked_in_the_same_order(survey, tmp_path):
    first, second = Remembering(uniform()), Remembering(uniform())
    for engine, folder in ((first, tmp_path / "a"), (second, tmp_path / "b")):
        collect(survey, engine, folder, budget=Budget(trials=9))
        collect(survey, engine, folder)
    asked = [[[t.id for t in piece] for piece in engine.pieces] for engine in (first, second)]
    assert asked[0] == asked[1]


class Lazy(ScriptedEngine):
    """Takes a few trials at a time, as a server's client does, and has them in flight together."""

    def answer(self, trials):
        waiting = iter(trials)
        while flight := list(itertools.islice(waiting, 4)):
            time.sleep(0.002)
            yield from super().answer(flight)


class Eager(ScriptedEngine):
    """Takes all trials before it answers the first."""

    def answer(self, trials):
        for pair in list(super().answer(trials)):
            time.sleep(0.002)
            yield pair


class Winding(Eager):
    """An eager one that can be told to finish what it has begun: here, up to an even number."""

    is_told = False

    def wind_down(self):
        self.is_told = True

    def answer(self, trials):
        for number, pair in enumerate(super().answer(trials), start=1):
            yield pair
            if self.is_told and number % 2 == 0:
                return


def stream(engine, trials, stop, **pieces):
    """What a call hands over, as the loop takes it in."""
    wake = threading.Event()
    call = Call(engine, trials, stop, wake, **pieces)
    while not call.is_over:
        wake.wait(COMMIT_S)
        wake.clear()
        if stop.is_asked:
            engine.wind_down()
        if batch := call.taken():
            yield batch
    call.join()
    if call.error:
        raise call.error


@pytest.mark.parametrize(("kind", "multiple"), [(Lazy, 4), (Eager, 1), (Winding, 2)])
def test_stopping_waits_for_what_is_in_flight_and_asks_nothing_new(survey, kind, multiple):
    trials, stop, got = list(survey.trials({})) * 20, Stop(), []
    for batch in stream(kind(uniform()), trials, stop):
        got += batch
        stop.is_asked = True
    assert 0 < len(got) < len(trials) / 2
    assert len(got) % multiple == 0


def test_answers_are_handed_over_within_a_moment_and_all_of_them(survey):
    trials = list(survey.trials({})) * 20
    batches = list(stream(Lazy(uniform()), trials, Stop()))
    assert 2 <= len(batches) < len(trials) / 4
    assert [trial.id for batch in batches for trial, _ in batch] == [trial.id for trial in trials]


def test_once_a_stop_is_asked_for_no_piece_is_begun_and_none_is_torn(survey):
    trials, stop = list(survey.trials({})), Stop()
    pieces = [trials[k : k + 6] for k in range(0, 24, 6)]

    class Stopped(ScriptedEngine):
        def answer(self, handed):
            for number, pair in enumerate(super().answer(handed)):
                stop.is_asked |= pair[0] is pieces[1][2]
                assert number < 6
                yield pair

    wanted = {trial.id for trial in trials} - {trials[1].id}
    batches = stream(Stopped(uniform()), trials[:3], stop, pieces=pieces, wanted=wanted)
    assert [trial for batch in batches for trial, _ in batch] == [trials[0], *trials[2:12]]


def test_what_an_engine_answered_before_it_broke_is_handed_over(survey):
    class Broken(ScriptedEngine):
        def answer(self, trials):
            yield from list(super().answer(trials))[:5]
            raise EngineError("gone")

    batches = stream(Broken(uniform()), list(survey.trials({})), Stop())
    assert len(next(batches)) == 5
    with pytest.raises(EngineError, match="gone"):
        next(batches)

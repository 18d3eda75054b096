"""Lanes: which trials wait for which others, and which do not."""

import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from proband.addresses import open_engine
from proband.designs import Survey
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import Budget, collect
from proband.runs import casting as casting_room
from proband.runs import lanes as lanes_room
from proband.runs.lanes import FEW_OUT, Lane
from tests.conftest import made_up
from tests.models.fleets import fleet
from tests.runs.test_advancing import Chain, cast
from tests.runs.test_pieces import twice
from tests.runs.test_unanswered import PIPED

TALK = Survey(instrument=PIPED, subjects=made_up(6), seed=1, presentation="sequential")


class Straggling(ScriptedEngine):
    """Keeps the first answer it is asked for until all others are given."""

    overlaps = True
    n_others = 0

    def __init__(self, *given, until, **biases):
        super().__init__(*given, **biases)
        self.until, self.is_free, self.is_first = until, threading.Event(), True

    def answer(self, trials):
        held = []
        for trial, completion in super().answer(trials):
            if self.is_first:
                self.is_first = False
                held.append((trial, completion))
                continue
            self.n_others += 1
            if self.n_others == self.until:
                self.is_free.set()
            yield trial, completion
        if held:
            self.is_free.wait(60)
            yield from held


def test_conversations_do_not_wait_for_the_last_answer_of_a_piece(tmp_path):
    whole = collect(TALK, "scripted:uniform", tmp_path / "plain")
    first = next(id for id in whole.responses() if id.startswith("s0/"))
    others = sum(not id.startswith(first.split("/")[0] + "/") for id in whole.responses())
    engine = Straggling(uniform(), until=others)
    run = collect(TALK, engine, tmp_path / "run")
    assert engine.is_free.is_set()
    assert run.table().drop("engine").equals(whole.table().drop("engine"))


def test_the_same_request_is_not_sent_twice_while_it_is_on_its_way(instrument, people, tmp_path):
    asked = []

    class ByRequest(Straggling):
        answers_by = "request"

        def answer(self, trials):
            taken = list(trials)
            asked.extend(trial.request.hash for trial in taken)
            yield from super().answer(taken)

    plain = Survey(instrument=instrument, subjects=people(6), seed=1, persona="none", order="as_written")
    run = collect(plain, ByRequest(uniform(), until=1), tmp_path)
    assert len(asked) == len(set(asked)) == 2
    assert len(run.responses()) == 12


def test_engines_of_one_lane_take_turns(tmp_path):
    together, at_once = [0], []

    class Heavy(ScriptedEngine):
        lane = "this machine"

        def answer(self, trials):
            together[0] += 1
            at_once.append(together[0])
            yield from super().answer(trials)
            together[0] -= 1

    names = ("x", "y", "z")
    engines = {name: Heavy(uniform(), seed=k, address=f"scripted:{name}") for k, name in enumerate(names)}
    assert collect(Chain(chains=20, answerers=names), engines, tmp_path).is_complete
    assert set(at_once) == {1}


def test_beside_an_engine_that_takes_one_piece_at_a_time_a_fleet_of_the_same_lane_takes_turns(tmp_path, monkeypatch):
    monkeypatch.setattr(lanes_room, "CHUNK", 5)
    together, at_once = Counter(), []

    class Heavy(ScriptedEngine):
        lane = "this machine"

        def answer(self, trials):
            together[self.address] += 1
            at_once.append(together.copy())
            for pair in super().answer(trials):
                time.sleep(0.001)
                yield pair
            together[self.address] -= 1

    class Fleet(Heavy):
        overlaps = True

    engines = {"first": Fleet(uniform(), address="scripted:x"), "second": Heavy(uniform(), address="scripted:y")}
    assert collect(twice(), engines, tmp_path).is_complete
    assert max(one["scripted:y"] for one in at_once) == 1
    assert all(not one["scripted:x"] for one in at_once if one["scripted:y"])


def test_under_a_cap_engines_take_turns_and_it_is_met_exactly(tmp_path):
    design = Chain(chains=30, answerers=("x", "y"))
    whole = collect(design, cast(design), tmp_path / "whole")
    done = 0
    while done < len(whole.responses()):
        run = collect(design, cast(design), tmp_path / "torn", budget=Budget(trials=17))
        assert len(run.responses()) == min(done + 17, len(whole.responses()))
        assert run.state in ("unfinished", "complete")
        done = len(run.responses())
    run = collect(design, cast(design), tmp_path / "torn")
    assert run.table().equals(whole.table())


@pytest.mark.parametrize("n", [1, 2])
def test_models_of_this_machine_are_closed_when_others_are_used_and_servers_stay_open(monkeypatch, n):
    closed = []

    class Opened(ScriptedEngine):
        def close(self):
            closed.append(self.address)

    def opened(address):
        engine = Opened(uniform(), address=address)
        engine.lane = "this machine" if address.startswith("model") else ""
        return engine

    monkeypatch.setattr(casting_room, "MOST_OPEN", n)
    monkeypatch.setattr(casting_room, "open_engine", opened)
    addresses = ["server:1", "model:1", "server:2", "model:2", "model:3"]
    with casting_room.Cast({address: address for address in addresses}) as parts:
        busy = parts.engine("model:1")
        for address in addresses:
            parts.engine(address, in_use=[busy])
        assert closed == ([] if n == 2 else ["model:2"])
        assert parts.engine("model:1") is busy
    assert sorted(closed) == sorted(addresses)


class Here(ScriptedEngine):
    """Computes on this machine, and says when it is closed."""

    lane = "this machine"

    def __init__(self, closed, address):
        super().__init__(uniform(), address=address)
        self.told = closed

    def close(self):
        self.told.append(self.address)


def test_adapters_count_by_their_base_and_so_many_of_them_are_open(monkeypatch):
    closed = []

    monkeypatch.setattr(casting_room, "MOST_OPEN", 2)
    monkeypatch.setattr(casting_room, "MOST_ADAPTED", 5)
    monkeypatch.setattr(casting_room, "open_engine", lambda address: Here(closed, address))
    first = ["smollm2", "smollm2+anna", "smollm2+ben", "hf:a/b+cleo"]
    parts = casting_room.Cast({address: address for address in (*first, "hf:c/d", "smollm2+dan", "smollm2+eve")})
    for address in first:
        parts.engine(address)
    assert closed == []
    parts.engine("smollm2")
    parts.engine("hf:c/d")  # a third base: of the two others hf:a/b was used longest ago
    assert closed == ["hf:a/b+cleo"]
    parts.engine("smollm2+dan")
    assert closed == ["hf:a/b+cleo"]
    parts.engine("smollm2+eve")
    assert closed == ["hf:a/b+cleo", "smollm2+anna"]


def test_each_fleet_counts_as_a_model_of_its_own(monkeypatch):
    closed = []

    monkeypatch.setattr(casting_room, "MOST_OPEN", 2)
    monkeypatch.setattr(casting_room, "open_engine", lambda address: Here(closed, address))
    fleets = ["cluster:2*smollm2+anna", "cluster:2*smollm2+ben", "cluster:2*smollm2+cleo"]
    parts = casting_room.Cast({address: address for address in fleets})
    for address in fleets:
        parts.engine(address)
    assert closed == fleets[:1]


def test_what_a_window_holds_for_one_engine_is_checked_before_another_is_asked(tmp_path):
    class Refusing(ScriptedEngine):
        def check(self, trials):
            raise ValueError("cannot")

    class Silent(ScriptedEngine):
        def answer(self, trials):
            raise AssertionError("asked")

    engines = {"x": Silent(uniform()), "y": Refusing(uniform(), address="scripted:y")}
    both = replace(Chain(chains=4, answerers=("x", "y")))

    class TwoSorts(type(both)):
        def _trial(self, subject, step, said):
            trial = super()._trial(subject, step, said)
            return replace(trial, answerer="y" if subject.startswith("c3") else "x")

    with pytest.raises(ValueError, match="cannot"):
        collect(TwoSorts(chains=4, answerers=("x", "y")), engines, tmp_path)


@pytest.mark.parametrize(("concurrency", "takes_more"), [(64, False), (1000, True)])
def test_who_answers_very_many_together_gets_more_before_it_runs_dry(concurrency, takes_more):
    engine = open_engine("openai:http://127.0.0.1:9#m", concurrency=concurrency)
    out = {str(k): None for k in range(FEW_OUT + 100)}
    lane = Lane(overlaps=True, engine=engine, out=out, calls=[object()])
    assert lane.has_room is takes_more
    lane.out.clear()
    assert lane.has_room
    engine.close()


def test_a_fleet_has_enough_to_do_for_all_of_its_replicas():
    few, many = (fleet("ScriptedEngine", n) for n in (1, 64))
    out = {str(k): None for k in range(FEW_OUT + 100)}
    assert [Lane(overlaps=True, engine=one, out=out, calls=[None]).has_room for one in (few, many)] == [False, True]


def test_several_servers_answer_together_what_each_does():
    engine = open_engine("openai:http://127.0.0.1:9,http://127.0.0.1:10#m", concurrency=300)
    assert engine.at_once == 600
    engine.close()

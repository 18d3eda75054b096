"""Adaptive designs: whatever the order in which answers arrive, and wherever the run is killed, it is the same run."""

import random
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs import PrisonersDilemma, Survey
from proband.designs.design import Design
from proband.designs.process import Stalled, Steps
from proband.errors import DesignError, EngineError, TreatmentChanged
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine, played, uniform
from proband.records import Completion, Message, Place, Reply, Request, Trial
from proband.roster import Member, Roster
from proband.runs import Budget, Run, collect
from proband.runs import collection as collection_room
from proband.runs import frontier as advancing_room
from proband.strategies import tit_for_tat
from tests.conftest import made_up
from tests.runs.test_unanswered import PIPED

SAY = Item(id="say", text="Which?", form="choice", options=("a", "b", "c"))


@dataclass(frozen=True, kw_only=True)
class Chain(Design):
    """Subjects who are asked in steps of one or several trials; how many steps, and what, depends on the answers."""

    kind: ClassVar[str] = "chain"

    chains: int
    steps: int = 4
    answerers: tuple[str, ...] = ("",)
    seed: int = 1
    stalls_at: str = ""

    @property
    def items(self):
        return {"say": SAY}

    def processes(self) -> Iterator[Steps]:
        return map(self._chain, range(self.chains))

    def _chain(self, number: int) -> Steps:
        said = ""
        for step in range(1, self.steps + 1):
            width = 1 + len(said) % 2
            asked = [self._trial(f"c{number}-{k}", step, said) for k in range(width)]
            answers = yield asked if width > 1 else asked[0]
            for trial in asked:
                if trial.id == self.stalls_at or answers[trial].status == "failed":
                    raise Stalled(f"nobody answered {trial.id}")
                said += "-" if answers[trial].answer is None else "abc"[answers[trial].answer]
            if said.endswith("cc"):
                return

    def _trial(self, subject: str, step: int, said: str) -> Trial:
        place = Place(subject=subject, item="say", round=step)
        return Trial(
            place=place,
            request=Request(messages=(Message("user", f"{subject}: {said}?"),), max_tokens=5),
            reply=Reply(form="choice", method="written", options=SAY.options, order=(0, 1, 2)),
            answerer=self.answerers[(len(said) + step) % len(self.answerers)],
        )

    def size(self) -> int:
        return self.chains * self.steps * 2

    def roster(self) -> Roster:
        return Roster([Member(subject=f"c{n}-{k}", unit=f"c{n}") for n in range(self.chains) for k in (0, 1)])

    def roles(self) -> tuple[str, ...]:
        return self.answerers


class Shuffled(ScriptedEngine):
    """Answers what it is handed in some order, and breaks after a number of answers."""

    overlaps = False

    def __init__(self, *given, order, breaks_after=None, **biases):
        super().__init__(*given, **biases)
        self.order, self.left = order, breaks_after

    def answer(self, trials):
        for trial, completion in self.order.sample(found := list(super().answer(trials)), len(found)):
            if self.left == 0:
                raise EngineError("gone")
            self.left = None if self.left is None else self.left - 1
            yield trial, completion


class Overlapping(Shuffled):
    overlaps = True


DESIGNS = {
    "generator": Chain(chains=7),
    "generator, two engines": Chain(chains=7, answerers=("x", "y")),
    "fold": Survey(instrument=PIPED, subjects=made_up(4), seed=1, replicates=2),
    "conversation": Survey(instrument=PIPED, subjects=made_up(4), seed=1, presentation="sequential"),
    "game": PrisonersDilemma(matches=5, rounds=4, seed=1, cast=("x", "y")),
}


def cast(design, kind=Shuffled, *, order=random, breaks_after=None):
    """Engines whose answers depend on the place alone, so that every run of a design is to be the same."""
    return {
        name: kind(uniform(), seed=k, refuse=0.1, order=order, breaks_after=breaks_after, address=f"scripted:{k}")
        for k, name in enumerate(design.roles())
    }


def as_bytes(run):
    return (run.path / "responses.parquet").read_bytes()


@pytest.mark.parametrize("name", DESIGNS)
@given(
    order=st.randoms(use_true_random=False),
    kills=st.lists(st.integers(0, 12), max_size=3),
    ahead=st.sampled_from([1, 3, 20_000]),
    together=st.sampled_from([1, 512]),
    kind=st.sampled_from([Shuffled, Overlapping]),
)
@settings(max_examples=6, deadline=None)
def test_no_order_of_arrival_and_no_kill_changes_the_table(name, order, kills, ahead, together, kind):
    design = DESIGNS[name]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        plain = collect(design, cast(design, order=random.Random(1)), Path(folder) / "plain")
        patch.setattr(collection_room, "AHEAD", ahead)
        patch.setattr(advancing_room, "_TOGETHER", together)
        patch.setattr(collection_room, "QUICK_S", 0.001)
        torn = Path(folder) / "torn"
        for after in kills:
            try:
                collect(design, cast(design, kind, order=order, breaks_after=after), torn)
            except EngineError:
                continue
        run = collect(design, cast(design, kind, order=order), torn)
        assert as_bytes(run) == as_bytes(plain)
        answered = run.responses()
        settled = {trial.id: trial.request.hash for trial in design.trials(answered)}
        assert settled == {id: response.request for id, response in answered.items()}


@given(order=st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None)
def test_what_answers_settle_grows_with_them_in_any_order(order):
    for design in (DESIGNS["fold"], DESIGNS["generator"]):
        with tempfile.TemporaryDirectory() as folder:
            whole = dict(collect(design, cast(design, order=order), folder).responses())
        known, before = {}, set()
        for id in order.sample(list(whole), len(whole)):
            settled = {trial.id for trial in design.trials(known)}
            assert before <= settled <= set(whole)
            known, before = known | {id: whole[id]}, settled
        assert {trial.id for trial in design.trials(whole)} == set(whole)


def test_processes_are_begun_as_they_are_needed_and_let_go_when_over(tmp_path, monkeypatch):
    begun, over, most = [], [], [0]

    class Watched(Chain):
        def _chain(self, number):
            begun.append(number)
            yield from super()._chain(number)
            over.append(number)
            most[0] = max(most[0], len(begun) - len(over))

    monkeypatch.setattr(collection_room, "AHEAD", 10)
    design = Watched(chains=300)
    assert collect(design, "scripted:uniform", tmp_path).is_complete
    assert sorted(over) == list(range(300))
    assert most[0] < 30


def test_each_answer_costs_its_own_process_only(tmp_path):
    made = []

    class Counted(Chain):
        def _trial(self, *given):
            made.append(given)
            return super()._trial(*given)

    run = collect(Counted(chains=50), "scripted:uniform", tmp_path / "whole")
    assert len(made) == len(run.responses())
    with pytest.raises(EngineError):
        collect(Counted(chains=50), cast(Chain(chains=1), breaks_after=60), tmp_path / "torn")
    made.clear()
    torn = collect(Counted(chains=50), cast(Chain(chains=1)), tmp_path / "torn")
    assert len(made) == len(torn.responses())


def test_a_stalled_process_is_named_and_the_others_end(tmp_path):
    run = collect(Chain(chains=5, stalls_at="c2-0/say//1/0"), "scripted:uniform", tmp_path)
    assert run.state == "stalled"
    assert run.stalled == {"c2-0/say//1/0": "nobody answered c2-0/say//1/0"}
    assert run.manifest["state"] == "stalled"
    assert {id.split("-")[0] for id in run.responses()} == {"c0", "c1", "c2", "c3", "c4"}
    assert run.table().height == len(run.responses())


def test_a_complete_run_of_which_a_process_stalls_now_is_complete_no_longer(tmp_path):
    run = collect(Chain(chains=5), "scripted:uniform", tmp_path)
    of_one = [id for id in run.responses() if id.startswith("c2-0")]
    last = max(of_one, key=lambda id: Place.from_id(id).round)
    assert collect(Chain(chains=5, stalls_at=last), "scripted:uniform", tmp_path).state == "stalled"
    assert not Run(tmp_path).is_complete
    assert collect(Chain(chains=5), "scripted:uniform", tmp_path).state == "complete"


def test_an_edited_conversation_is_refused_before_anything_is_asked(tmp_path):
    class Silent(ScriptedEngine):
        def answer(self, trials):
            raise AssertionError("asked")

    talk = replace(DESIGNS["conversation"], replicates=30)
    collect(talk, "scripted:uniform", tmp_path, budget=Budget(trials=450))
    items = tuple(replace(item, text=f"{item.text}!") if item.id == "age" else item for item in PIPED.items)
    edited = replace(talk, instrument=Instrument(id="piped", title="", preamble=PIPED.preamble, items=items))
    with pytest.raises(TreatmentChanged, match="'age'"):
        collect(edited, Silent(uniform(), address="scripted:uniform"), tmp_path)
    with pytest.raises(TreatmentChanged, match="places that the design no longer has"):
        collect(replace(talk, replicates=1), Silent(uniform(), address="scripted:uniform"), tmp_path)


def test_a_process_that_asks_about_an_answer_it_did_not_wait_for_names_the_place(tmp_path):
    class Hasty(Chain):
        def _chain(self, number):
            answers = yield self._trial("a", 1, "")
            answers[self._trial("b", 1, "")]

    with pytest.raises(DesignError, match="asks about the answer at 'b/say//1/0'"):
        collect(Hasty(chains=1), "scripted:uniform", tmp_path)


def test_two_processes_at_one_place_are_refused_and_it_is_named(tmp_path):
    class Doubled(Chain):
        def _chain(self, number):
            yield self._trial("a", 1, "")

    with pytest.raises(DesignError, match="'a/say//1/0' is asked twice"):
        collect(Doubled(chains=2), "scripted:uniform", tmp_path)


def test_a_fast_engine_does_not_wait_for_a_slow_one(tmp_path):
    """Of two engines that each need the other's answers from time to time, each goes on with what it has."""
    released, n_fast = threading.Event(), [0]

    class Slow(ScriptedEngine):
        def answer(self, trials):
            released.wait(30)
            yield from super().answer(trials)

    class Fast(ScriptedEngine):
        def answer(self, trials):
            for pair in super().answer(trials):
                n_fast[0] += 1
                if n_fast[0] == 20:  # all it can answer alone: the slow one's chains wait
                    released.set()
                yield pair

    @dataclass(frozen=True, kw_only=True)
    class TwoKinds(Chain):
        def _trial(self, subject, step, said):
            slow = int(subject[1:].split("-")[0]) % 2
            return replace(super()._trial(subject, step, ""), answerer="slow" if slow else "fast")

    design = TwoKinds(chains=10, steps=4)
    engines = {"slow": Slow(uniform()), "fast": Fast(lambda trial: 0, address="scripted:fast")}
    run = collect(design, engines, tmp_path)
    assert released.is_set()
    assert run.is_complete


def test_one_engine_that_breaks_ends_the_run_and_what_others_have_in_flight_is_kept(tmp_path):
    design = Chain(chains=20, answerers=("x", "y"))
    engines = cast(design)
    engines["y"] = Shuffled(uniform(), order=random.Random(2), breaks_after=3, address="scripted:y")
    with pytest.raises(EngineError, match="gone"):
        collect(design, engines, tmp_path)
    engines["y"].left = None
    n = len(Run(tmp_path).responses())
    assert n >= 3
    assert collect(design, engines, tmp_path).is_complete


def test_failures_in_a_game_of_two_engines_can_be_asked_again(tmp_path):
    class Flaky(ScriptedEngine):
        is_down = True

        def answer(self, trials):
            for trial, completion in super().answer(trials):
                is_hit = self.is_down and trial.place.round == 2
                yield trial, Completion(error="down") if is_hit else completion

    engines = {"x": Flaky(uniform(), seed=3), "y": ScriptedEngine(played(tit_for_tat))}
    game = DESIGNS["game"]
    assert collect(game, engines, tmp_path).state == "stalled"
    engines["x"].is_down = False
    assert collect(game, engines, tmp_path, retry_failed=True).state == "complete"

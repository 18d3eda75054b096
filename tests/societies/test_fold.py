"""The incremental form of a society is the fold from the start, whatever the order in which answers arrive."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs.process import unfold
from proband.records import Response, Trial
from proband.societies.life import ABSENT, Life
from proband.societies.rehearsal import answer_anything
from proband.societies.state import State
from tests.societies.worlds import refuse_some, village


def response_to(trial: Trial, refused: float) -> Response:
    found = answer_anything(trial)
    return replace(found, status="refused", answer=None, probs=None) if refuse_some(trial) < refused else found


def played(life: Life, refused: float, pick) -> tuple[dict[str, Response], list[tuple[str, str]]]:
    """Every answer, and every mark, of a life whose open trials are answered in an order of one's own."""
    given_, open_, marks = {}, list(life.start()), list(life.marks())
    while open_:
        trial = open_.pop(pick(len(open_)))
        given_[trial.id] = response_to(trial, refused)
        open_ += life.advance(given_[trial.id])
        marks += life.marks()
    return given_, sorted(marks)


worlds = st.fixed_dictionaries({"agents": st.integers(2, 7), "rounds": st.integers(1, 5)})


@settings(deadline=None, max_examples=25)
@given(worlds, st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 1.0]))
def test_any_order_of_arrival_asks_the_same_and_comes_to_the_same_states(keys, seed, refused):
    design, rng = village(societies=1, **keys), random.Random(seed)
    first, marks = played(next(design.lives()), refused, lambda n: 0)
    again, others = played(next(design.lives()), refused, rng.randrange)
    assert again == first
    assert others == marks
    assert {trial.id: trial.request.hash for trial in unfold(design.processes(), first)} == {
        id: response.request for id, response in first.items()
    }


@settings(deadline=None, max_examples=25)
@given(worlds, st.integers(0, 10**6))
def test_a_life_that_was_packed_anywhere_goes_on_as_if_it_had_not_been(keys, seed):
    design, rng = village(societies=1, waves=False, **keys), random.Random(seed)
    first, marks = played(next(design.lives()), 0.2, lambda n: 0)
    life = next(design.lives())
    answers, open_, found = {}, list(life.start()), list(life.marks())
    for _ in range(rng.randrange(len(first))):
        trial = open_.pop(rng.randrange(len(open_)))
        answers[trial.id] = first[trial.id]
        open_ += life.advance(first[trial.id])
        found += life.marks()
    packed = life.pack()
    assert packed is not None
    fresh = next(design.lives())
    open_ = list(fresh.resume(packed))
    while open_:
        trial = open_.pop()
        answers[trial.id] = first[trial.id]
        open_ += fresh.advance(first[trial.id])
        found += fresh.marks()
    assert answers == first
    assert sorted(found) == marks


def test_a_state_that_was_packed_is_the_same():
    state = village(societies=1).world.begin(0)
    state.happened("rain", text="it rains")
    state.agents["words"] = __import__("numpy").array([["a"], ["b", "c"], [], [], [], []], dtype=object)
    state.digest()
    state.happened("sun")
    again = State.unpack(*state.pack())
    assert again.digest() == state.digest()
    again.happened("more")
    assert again.digest() != state.digest()


def test_an_answer_that_is_not_valid_makes_the_agent_absent_and_is_an_event():
    design, seen = village(societies=1, arms=False, waves=False), []

    class Watching:
        def begins(self, arm, state): ...

        def is_over(self, arm, state, round):
            seen.append([row for row in map(state.events.__getitem__, range(len(state.events)))])

    given_, _ = played(next(design.lives(Watching())), 0.3, lambda n: 0)
    absent = [row for row in seen[-1] if row["kind"] == ABSENT]
    refused = [id for id, response in given_.items() if response.status == "refused"]
    assert len(absent) >= len(refused) > 0
    assert {row["text"] for row in absent} == {"refused"}

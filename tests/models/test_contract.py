"""What every engine owes the loop; a new engine is one more line in `ENGINES`."""

import pytest

from proband.addresses import open_engine
from proband.models.archive import PeopleEngine, ReplayEngine
from proband.models.engine import BaseEngine
from proband.models.scripted import ScriptedEngine, spatial, uniform
from proband.records import Message, Place, Reply, Request, Response, Trial


def trial(subject: str, text: str = "Tea or coffee?") -> Trial:
    return Trial(
        place=Place(subject=subject, item="drink"),
        request=Request(messages=(Message("user", text),), continuations=("tea", "coffee")),
        reply=Reply(form="choice", method="option_text", options=("tea", "coffee"), order=(0, 1)),
    )


TRIALS = [trial("s1"), trial("s2", "Coffee or tea?"), trial("s3")]
STORED = {
    t.id: Response(place=t.place, request=t.request.hash, status="valid", answer=0, engine="e")
    for t in TRIALS
}
ENGINES = {
    "scripted": lambda: ScriptedEngine(uniform()),
    "scripted with biases": lambda: ScriptedEngine(spatial(), refuse=0.5, fail=0.3, position_bias=0.1),
    "people": lambda: PeopleEngine(
        {"drink": {t.place.subject: (0, "valid") for t in TRIALS}}, name="p", source="made up"
    ),
    "replay": lambda: ReplayEngine(STORED, address="replay:x"),
    "embedded": lambda: open_engine("smollm2"),
}


@pytest.fixture(params=[pytest.param(n, marks=pytest.mark.model) if n == "embedded" else n for n in ENGINES])
def engine(request):
    made = ENGINES[request.param]()
    yield made
    made.close()
    made.close()  # safe to call twice


def test_an_engine_says_what_it_is(engine):
    assert isinstance(engine, BaseEngine)
    assert engine.abilities
    assert engine.answers_by in ("request", "place")
    assert all(isinstance(k, str) and isinstance(v, str) for k, v in engine.fingerprint().items())


def test_every_trial_is_answered_once(engine):
    engine.check(TRIALS)
    answered = [asked.id for asked, _ in engine.answer(TRIALS)]
    assert sorted(answered) == sorted(t.id for t in TRIALS)
    assert list(engine.answer([])) == []


def test_the_order_of_trials_changes_no_answer(engine):
    forwards = {asked.id: completion for asked, completion in engine.answer(TRIALS)}
    backwards = {asked.id: completion for asked, completion in engine.answer(TRIALS[::-1])}
    for id, completion in forwards.items():
        assert (completion.given, completion.error) == (backwards[id].given, backwards[id].error)
        assert completion.log_probs is None or completion.log_probs == pytest.approx(
            backwards[id].log_probs, abs=1e-4
        )


def test_a_plan_costs_nothing_negative_and_shows_what_is_sent(engine):
    cost = engine.cost(TRIALS)
    assert min(cost.prompt_tokens, cost.unique_tokens, cost.completion_tokens) >= 0
    shown = engine.render(TRIALS[0])
    for text in ("Tea or coffee?", "tea", "coffee"):
        assert text in shown

import time

import pytest

from proband.cli.talk import tell_tally
from proband.models.engine import Cost
from proband.models.scripted import ScriptedEngine, uniform
from proband.records import Completion
from proband.runs import Budget, Tally, collect


def test_the_rate_is_the_recent_one_and_time_left_follows_from_it():
    tally = Tally(total=1000, done=500)
    tally.started = time.monotonic() - 100
    assert tally.seconds_left is None
    tally.count(["valid"] * 100)
    assert tally.per_second == pytest.approx(1, rel=0.01)
    assert tally.seconds_left == pytest.approx(400, rel=0.01)
    assert (tally.done, tally.asked, tally.dispositions["valid"]) == (600, 100, 100)
    tally._marks.clear()
    tally._marks.append((time.monotonic() - 10, 0))
    tally.count(["refused"] * 100)
    assert tally.per_second == pytest.approx(20, rel=0.01)


def test_a_tally_is_told_in_one_line():
    tally = Tally(total=2000, tokens=12_345, price=0.5)
    tally.started = time.monotonic() - 8
    tally.count(["valid"] * 800 + ["failed"] * 200)
    assert tell_tally(tally) == "125/s, 8 s left, 12,345 tokens, $0.5000, 800 valid, 200 failed"


class Priced(ScriptedEngine):
    """Takes ten tokens a trial, thinks it takes eight, and knows their price."""

    def answer(self, trials):
        self.sizes = [*getattr(self, "sizes", []), len(trials)]
        for trial, _ in super().answer(trials):
            yield trial, Completion(given=(0, "valid"), prompt_tokens=9, completion_tokens=1)

    def cost(self, trials):
        n = len(trials)
        return Cost(prompt_tokens=7 * n, unique_tokens=7 * n, completion_tokens=n, price=8e-3 * n)

    def price_of(self, prompt_tokens, completion_tokens):
        return 1e-3 * (prompt_tokens + completion_tokens)


def test_price_is_that_of_the_tokens_that_were_taken(survey, tmp_path):
    seen = []
    collect(survey, Priced(uniform()), tmp_path, watch=lambda tally: seen.append(tally.price))
    assert seen[-1] == pytest.approx(24 * 0.01)


@pytest.mark.parametrize("cap", [{"tokens": 10_000}, {"dollars": 10.0}])
def test_a_cap_is_met_closely_by_large_pieces_that_shrink_towards_it(survey, people, tmp_path, cap):
    large = type(survey)(instrument=survey.instrument, subjects=people(1000), seed=1)
    engine = Priced(uniform())
    run = collect(large, engine, tmp_path, budget=Budget(**cap))
    assert not run.is_complete
    assert 980 <= len(run.responses()) <= 1020
    assert engine.sizes[0] > 500
    assert len(engine.sizes) < 12
    before = len(run.responses())
    assert len(collect(large, engine, tmp_path, budget=Budget(**cap)).responses()) - before <= 64


def test_a_cap_on_time_ends_a_piece_and_keeps_what_was_answered(survey, people, tmp_path):
    class Slow(ScriptedEngine):
        def answer(self, trials):
            for pair in super().answer(trials):
                time.sleep(0.002)
                yield pair

    large = type(survey)(instrument=survey.instrument, subjects=people(1000), seed=1)
    run = collect(large, Slow(uniform()), tmp_path, budget=Budget(seconds=0.5))
    assert not run.is_complete
    assert 0 < len(run.responses()) < 1000

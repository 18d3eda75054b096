"""How many calls are out, how many a minute, and in which order trials leave."""

import asyncio
import importlib.util
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import EngineError
from proband.models.local.forest import shared_length
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.pacing import FIRST_LIMIT, GIVEN_UP, Pace, Patience, Queue, beginning
from proband.records import Completion, Message, Place, Reply, Request, Trial

_spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
fault_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fault_server)
Fault, FaultServer = fault_server.Fault, fault_server.FaultServer


def trial(subject, *texts):
    messages = (*(Message("system", text) for text in texts[:-1]), Message("user", texts[-1]))
    return Trial(
        place=Place(subject=str(subject), item="q"),
        request=Request(messages=messages, max_tokens=5),
        reply=Reply(form="text", method="written"),
    )


def rounds(n, *, complains=False, **options):
    """The limit after each of `n` rounds in which as many calls as may are out together."""

    async def go():
        pace, limits = Pace(ServerSettings(**options)), []
        for _ in range(n):
            entered = [await pace.enter() for _ in range(int(pace.limit))]
            for when in entered:
                (pace.complain if complains else pace.leave)(when)
            limits.append(pace.limit)
        return limits

    return asyncio.run(go())


def test_the_limit_doubles_each_round_until_the_most():
    assert rounds(4, concurrency=100) == [FIRST_LIMIT * 2, FIRST_LIMIT * 4, 100, 100]
    assert rounds(1, concurrency=3) == [3]


def test_a_round_of_complaints_halves_the_limit_once_and_never_below_one():
    assert rounds(6, complains=True, concurrency=64) == [8, 4, 2, 1, 1, 1]


def test_after_a_complaint_the_limit_grows_by_about_one_a_round():
    async def go():
        pace = Pace(ServerSettings(concurrency=64))
        pace.complain(await pace.enter())
        before = pace.limit
        for _ in range(10):
            for when in [await pace.enter() for _ in range(int(pace.limit))]:
                pace.leave(when)
        return pace.limit - before

    assert 8 <= asyncio.run(go()) <= 10


def test_calls_that_do_not_reach_the_limit_do_not_raise_it():
    async def go():
        pace = Pace(ServerSettings(concurrency=64))
        for _ in range(50):
            pace.leave(await pace.enter())
        return pace.limit

    assert asyncio.run(go()) == FIRST_LIMIT


def test_a_wait_that_is_asked_of_one_holds_everybody():
    async def go():
        pace, clock = Pace(ServerSettings(concurrency=8)), asyncio.get_running_loop().time
        pace.complain(await pace.enter(), wait_s=0.2)
        began = clock()
        left = await asyncio.gather(*(pace.enter() for _ in range(4)))
        return [when - began for when in left]

    assert all(0.19 <= waited < 1 for waited in asyncio.run(go()))


@pytest.mark.parametrize(("budget", "n"), [(600.0, 60), (30.0, 3)])
def test_no_minute_sees_more_calls_than_the_budget(budget, n):
    async def go():
        pace, clock = Pace(ServerSettings(concurrency=64, requests_per_minute=budget)), _Clock()
        pace._clock = clock
        gone = []
        for _ in range(10 * n):
            while delay := pace._delay(0.0):
                clock.now += delay
            pace._take(0.0)
            pace.in_flight -= 1
            gone.append(clock.now)
        return gone

    gone = asyncio.run(go())
    most = max(sum(start <= when < start + 60 for when in gone) for start in gone)
    assert most <= budget
    assert 10 * n / (gone[-1] + 60 / budget) * 60 > 0.8 * budget  # and not much is left unused


class _Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_tokens_that_were_not_used_go_back_into_the_budget():
    async def go(spare):
        pace = Pace(ServerSettings(tokens_per_minute=1200.0))
        pace.leave(await pace.enter(100.0), spare_tokens=spare)
        return pace._delay(100.0)

    assert asyncio.run(go(100.0)) == 0
    assert asyncio.run(go(50.0)) == pytest.approx(50 / (1100 / 60), rel=0.01)


def test_a_call_larger_than_the_budgets_bucket_goes_alone_and_leaves_a_debt():
    async def go():
        pace = Pace(ServerSettings(tokens_per_minute=1200.0))
        pace.leave(await pace.enter(1000.0))
        return pace._delay(1.0)

    assert asyncio.run(go()) == pytest.approx(901 / (1100 / 60), rel=0.01)


def test_somebody_who_stops_waiting_leaves_no_place_taken():
    async def go():
        pace = Pace(ServerSettings(concurrency=1))
        entered = await pace.enter()
        waiting = [asyncio.ensure_future(pace.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pace.leave(entered)
        waiting[1].cancel()
        await asyncio.sleep(0.01)
        assert waiting[2].done()
        return pace.in_flight

    assert asyncio.run(go()) == 1


def test_an_engine_settles_near_what_a_server_bears():
    with FaultServer() as server:
        options = ServerSettings(concurrency=64, attempts=20, backoff_s=0.001, timeout_s=5.0)
        engine = ServerEngine(server.url, "m", settings=options)
        engine.probe()
        server.most_at_once, server.wait_s = 10, 0.005
        got = list(engine.answer([trial(k, f"Why {k}?") for k in range(600)]))
        engine.close()
    assert all(completion.error is None for _, completion in got)
    assert server.refused < 150


def test_retry_after_pauses_the_others_too():
    with FaultServer() as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(concurrency=4, backoff_s=0.0))
        engine.probe()
        server.faults = [Fault(429, headers={"Retry-After": "0.3"})]
        began = asyncio.new_event_loop()
        start = began.time()
        for _ in engine.answer([trial(k, f"Why {k}?") for k in range(40)]):
            pass
        engine.close()
        assert 0.3 <= began.time() - start < 3
        began.close()


# The order in which trials leave

PERSONA = "I grew up in a small town near the sea and I now work as a nurse in a large hospital. " * 5
PREAMBLE = "You take part in a survey about politics and everyday life in this country. Answer as yourself. " * 5


def personas(n, n_items=4):
    return [
        trial(f"{s}-{i}", f"{PREAMBLE}Person {s}. {PERSONA}", f"Question {i}?")
        for i in range(n_items)
        for s in range(n)
    ]


def played(trials, n_workers, *, is_warming=True):
    """Subjects in the order they left and came back, as ("out" or "back", subject)."""

    async def go():
        waiting, log = Queue(trials, is_warming=is_warming), []

        async def worker():
            while (one := await waiting.take()) is not None:
                log.append(("out", one.place.subject))
                await asyncio.sleep(0.001)
                log.append(("back", one.place.subject))
                waiting.finished(one)

        await asyncio.wait_for(asyncio.gather(*(worker() for _ in range(n_workers))), 20)
        return log

    return asyncio.run(go())


def test_one_trial_of_each_persona_goes_first_and_the_others_when_it_is_back():
    log = played(personas(3), 12)
    back: set[str] = set()
    n_out = Counter()
    for what, subject in log:
        person = subject.partition("-")[0]
        if what == "out" and n_out[person]:
            assert any(other.startswith(person + "-") for other in back), log
        n_out[person] += what == "out"
        back |= {subject} if what == "back" else set()
    assert sorted(n_out.values()) == [4, 4, 4]


def test_other_personas_are_in_flight_while_one_is_warmed():
    log = played(personas(8), 8)
    first_back_of_second_round = [what for what, _ in log].index("back", log.index(("back", log[0][1])) + 1)
    assert sum(what == "out" for what, _ in log[:first_back_of_second_round]) >= 7


def test_those_who_waited_go_before_new_leaders():
    trials = [trial(f"{s}-{i}", f"Person {s}. {PERSONA}", f"Question {i}?") for s in range(30) for i in range(5)]
    started = [subject.partition("-")[0] for what, subject in played(trials, 3) if what == "out"]
    open_at_once = max(len(set(started[: k + 1]) & set(started[k + 1 :])) for k in range(len(started) - 1))
    assert open_at_once <= 4


@pytest.mark.parametrize(
    ("kind", "options", "peak"), [("vllm", {}, 7), ("vllm", {"warm_prefixes": False}, 8), ("openai", {}, 8)]
)
def test_a_server_that_caches_gets_one_trial_of_a_persona_first(kind, options, peak):
    with FaultServer(kind) as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(concurrency=8, **options))
        engine.probe()
        server.wait_s, server.peak = 0.1, 0
        assert len(list(engine.answer(personas(1, 8)))) == 8
        engine.close()
    assert server.peak == peak


def test_short_beginnings_are_not_waited_for():
    log = played([trial(k, f"Why {k}?") for k in range(6)], 6)
    assert [what for what, _ in log[:6]] == ["out"] * 6


def test_without_warming_trials_leave_in_the_order_given():
    trials = personas(3)
    log = played(trials, 1, is_warming=False)
    assert [subject for what, subject in log if what == "out"] == [t.place.subject for t in trials]


@settings(max_examples=40)
@given(
    paths=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4), min_size=1, max_size=30),
    n_workers=st.integers(1, 8),
)
def test_every_trial_leaves_once_whatever_shares_what(paths, n_workers):
    trials = [trial(k, "".join(f"{part} says " + str(part) * 200 for part in path)) for k, path in enumerate(paths)]
    log = played(trials, n_workers)
    assert sorted(s for what, s in log if what == "out") == sorted(t.place.subject for t in trials)
    for k, (what, subject) in enumerate(log):
        if what == "out":  # whoever leaves shares no long beginning with somebody out that is not known already
            text = beginning(trials[int(subject)].request)
            known = max(
                (shared_length(text, beginning(trials[int(s)].request)) for w, s in log[:k] if w == "back"), default=0
            )
            gone = {s for w, s in log[:k] if w == "out"} - {s for w, s in log[:k] if w == "back"}
            out = max((shared_length(text, beginning(trials[int(s)].request)) for s in gone), default=0)
            assert out - known < 2 * 256


@given(st.text("ab", max_size=30), st.text("ab", max_size=30))
def test_what_two_texts_share_is_their_longest_common_beginning(one, other):
    n = shared_length(one, other)
    assert one[:n] == other[:n]
    assert n == min(len(one), len(other)) or one[n] != other[n]


# Failures that are held back


def test_failures_between_answers_are_handed_over_in_order():
    patience = Patience("u", 3)
    failed, answered = (trial("a", "?"), Completion(error="x")), (trial("b", "?"), Completion(text="y"))
    assert patience.judge(failed, GIVEN_UP) == []
    assert patience.judge(answered, "") == [failed, answered]
    assert patience.judge(failed, GIVEN_UP) == []
    assert patience.judge(failed, "HTTP 400") == [failed, failed]
    assert patience.let_go() == []


def test_as_many_failures_as_it_takes_stop_the_run():
    patience = Patience("u", 2)
    patience.judge((trial("a", "?"), Completion(error="x")), GIVEN_UP)
    with pytest.raises(EngineError, match="u: 2 trials failed one after another, the last because: x"):
        patience.judge((trial("b", "?"), Completion(error="x")), GIVEN_UP)


def test_an_infinite_delay_means_that_a_call_must_come_back():
    async def go():
        pace = Pace(ServerSettings(concurrency=1))
        await pace.enter()
        return pace._delay(0.0)

    assert asyncio.run(go()) == math.inf

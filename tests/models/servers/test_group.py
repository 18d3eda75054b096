"""Several servers behind one address: each beginning stays at one, and none is lost or asked twice when one fails."""

import asyncio
import importlib.util
import random
import socket
import threading
import time
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from proband.addresses import open_engine
from proband.addresses.opening import lasting
from proband.designs import Survey
from proband.errors import EngineError, TreatmentChanged
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.group import ServerGroup, _end
from proband.models.servers.routing import LARGE, Homes, ranked, root_of, roots
from proband.records import Message, Place, Reply, Request, Trial
from proband.runs import Budget, collect

_spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
fault_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fault_server)
Fault, FaultServer = fault_server.Fault, fault_server.FaultServer

QUICK = ServerSettings(attempts=3, backoff_s=0.01, timeout_s=5.0, concurrency=4)
NAMES = [f"http://10.0.0.{k}:8000/v1" for k in range(5)]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in ("OPENAI_API_KEY", "PROBAND_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def servers():
    with FaultServer() as one, FaultServer() as two, FaultServer() as three:
        yield [one, two, three]


@pytest.fixture
def ask():
    """Opens a group of servers and closes it after the test."""
    opened = []

    def open_(servers, settings=QUICK, model="m"):
        opened.append(ServerGroup([server.url for server in servers], model, settings=settings))
        return opened[-1]

    yield open_
    for engine in opened:
        engine.close()


def asked(n_personas, n_items=6):
    reply = Reply(form="text", method="written")
    found = []
    for person in range(n_personas):
        persona = Message("system", f"You are person {person}. " + "You like long walks by the lake. " * 12)
        for item in range(n_items):
            request = Request(messages=(persona, Message("user", f"{person}: Why {item}?")), max_tokens=5)
            found.append(Trial(place=Place(subject=f"s{person}", item=f"q{item}"), request=request, reply=reply))
    return found


def answered(engine, trials):
    """Completions by trial, each once."""
    pairs = list(engine.answer(trials))
    assert Counter(trial.id for trial, _ in pairs) == Counter(trial.id for trial in trials)
    return {trial.id: completion for trial, completion in pairs}


def arrived(servers):
    """Questions, without those of detection, that each server was asked."""
    return [
        [text for body in server.chats() if "Why" in (text := body["messages"][-1]["content"])] for server in servers
    ]


def stayed(servers):
    """Share of personas whose questions all went to one server."""
    homes = defaultdict(set)
    for k, texts in enumerate(arrived(servers)):
        for text in texts:
            homes[text.partition(":")[0]].add(k)
    return sum(len(at) == 1 for at in homes.values()) / len(homes)


def soon(holds):
    """Wait until something holds; the test fails by its own check where it never does."""
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)


def test_every_persona_stays_at_one_server_and_every_server_has_some(ask, servers):
    trials = asked(40)
    assert all(completion.error is None for completion in answered(ask(servers), trials).values())
    assert stayed(servers) == 1
    assert all(len(texts) >= 0.15 * len(trials) for texts in arrived(servers))
    assert sum(map(len, arrived(servers))) == len(trials)


def test_a_persona_stays_where_it_is_over_several_calls(ask, servers):
    engine, trials = ask(servers), asked(30)
    for part in (trials[::3], trials[1::3], trials[2::3]):
        answered(engine, part)
    assert stayed(servers) == 1


def test_a_server_with_nothing_to_do_takes_beginnings_that_nobody_has_begun(ask, servers):
    engine = ask(servers[:2], replace(QUICK, concurrency=1))
    names = [server.url for server in servers[:2]]
    alone = [trial for trial in asked(60, 2) if ranked(roots([trial])[trial.id], names)[0] == names[0]]
    servers[0].wait_s = servers[1].wait_s = 0.01
    answered(engine, alone)
    assert min(map(len, arrived(servers[:2]))) > 0.25 * len(alone)
    assert stayed(servers[:2]) == 1


def test_many_requests_of_one_beginning_are_split_over_the_servers(ask, servers):
    reply = Reply(form="text", method="written")
    system = Message("system", "Answer in one word.")
    trials = [
        Trial(
            place=Place(subject="s", item=f"q{k}"),
            request=Request(messages=(system, Message("user", f"{k}: Why?")), max_tokens=5),
            reply=reply,
        )
        for k in range(8 * LARGE)
    ]
    assert len(set(roots(trials).values())) == 8
    answered(ask(servers, replace(QUICK, concurrency=32)), trials)
    assert all(len(texts) >= LARGE for texts in arrived(servers))


def test_requests_without_a_beginning_go_by_subject():
    reply = Reply(form="text", method="written")
    trials = [
        Trial(
            place=Place(subject=subject, item=item),
            request=Request(messages=(Message("user", f"{subject} {item}"),), max_tokens=5),
            reply=reply,
        )
        for subject in "ab"
        for item in "xy"
    ]
    assert len({root_of(trial) for trial in trials}) == 2


@hypothesis_settings(max_examples=50, deadline=None)
@given(st.sets(st.binary(min_size=1, max_size=20), min_size=1, max_size=40), st.integers(0, 4))
def test_removing_a_server_moves_its_own_beginnings_only_and_to_the_second_of_each(roots_, gone):
    left = [name for name in NAMES if name != NAMES[gone]]
    for root in roots_:
        first, second, *_ = ranked(root, NAMES)
        assert ranked(root, left)[0] == (second if first == NAMES[gone] else first)
        assert ranked(root, NAMES[::-1]) == ranked(root, NAMES)
        assert Homes().of(root, left) == ranked(root, left)[0]


def test_beginnings_are_spread_evenly():
    homes = Counter(ranked(b"%d" % k, NAMES)[0] for k in range(5000))
    assert all(850 < homes[name] < 1150 for name in NAMES)


def test_a_server_that_is_killed_loses_nothing_and_is_asked_again_when_it_is_back(ask, servers, caplog):
    engine, trials = ask(servers[:2]), asked(60)
    for server in servers[:2]:
        server.wait_s = 0.01
    engine.probe()
    pairs, answers = [], engine.answer(trials)
    pairs += [next(answers) for _ in range(20)]
    servers[1].stop()
    pairs += [next(answers) for _ in range(150)]
    before = len(servers[1].posted)
    with servers[1]:
        soon(lambda: len(engine.living) == 2)
        pairs += list(answers)
    assert Counter(trial.id for trial, _ in pairs) == Counter(trial.id for trial in trials)
    assert all(completion.error is None for _, completion in pairs)
    assert all(completion.text == "said " + trial.request.messages[-1].text for trial, completion in pairs)
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert "is left out: " in said[0]
    assert said[-1] == f"{servers[1].url} answers again"
    assert len(servers[1].posted) > before
    assert stayed(servers[:2]) > 0.5


def test_servers_that_come_and_go_at_random_lose_and_double_nothing(ask, servers):
    engine, trials, rng = ask(servers, replace(QUICK, attempts=6)), asked(80), random.Random(3)
    for server in servers:
        server.wait_s = 0.01
    pairs = []
    for pair in engine.answer(trials):
        pairs.append(pair)
        if len(pairs) % 40 == 0:
            server = rng.choice(servers)
            server.stop()
            if rng.random() < 0.7:
                time.sleep(0.1 * rng.random())
            server.__enter__()
    assert Counter(trial.id for trial, _ in pairs) == Counter(trial.id for trial in trials)
    assert all(completion.error is None for _, completion in pairs)


def test_a_server_that_gives_errors_only_is_left_out_and_its_trials_are_answered_elsewhere(ask, servers):
    engine, trials = ask(servers), asked(30)
    engine.probe()
    servers[2].every = Fault(500)
    assert all(completion.error is None for completion in answered(engine, trials).values())
    assert [server.url for server in engine.living] == [server.url for server in servers[:2]]
    assert f"{servers[2].url} is left out (" in engine.note
    servers[2].every = None
    soon(lambda: len(engine.living) == 3)
    answered(engine, asked(90)[-300:])
    assert arrived(servers)[2]


def test_a_server_that_hangs_is_left_out_when_the_first_call_has_timed_out(ask, servers, monkeypatch):
    monkeypatch.setattr("proband.models.servers.wire._FIRST_TIMEOUT_S", 0.2)
    engine, trials = ask(servers[:2], replace(QUICK, timeout_s=2.0)), asked(20)
    engine.probe()
    servers[1].hangs = True
    assert all(completion.error is None for completion in answered(engine, trials).values())


def test_a_machine_that_is_cut_off_is_missed_after_20_seconds(ask, servers):
    engine = ask(servers[:2])
    engine.probe()
    held = engine.servers[0].wire._session.connector._conns
    sock = next(iter(held.values()))[0][0].transport.get_extra_info("socket")
    options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    idle, between, count = (sock.getsockopt(socket.IPPROTO_TCP, option) for option in options)
    assert idle + between * count == 20
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_what_every_server_gives_up_is_the_trials_own_failure(ask, servers):
    engine, trials = ask(servers[:2]), asked(10)
    engine.probe()
    for server in servers[:2]:
        usual = server.chat

        async def chat(request, body, usual=usual):
            if body["messages"][-1]["content"] == "3: Why 2?":
                return fault_server.web.Response(status=500, text="this prompt")
            return await usual(request, body)

        server.chat = chat
    found = answered(engine, trials)
    failed = [completion for completion in found.values() if completion.error]
    assert len(failed) == 1
    assert "this prompt" in failed[0].error
    assert failed[0].attempts == 6


def test_no_server_left_ends_the_call_with_the_reason_of_each(ask, servers):
    engine, trials = ask(servers[:2]), asked(30)
    for server in servers[:2]:
        server.wait_s = 0.01
    got = []
    answers = engine.answer(trials)
    got += [next(answers) for _ in range(10)]
    for server in servers[:2]:
        server.stop()
    with pytest.raises(EngineError, match=r"none of the 2 servers can be asked: .*:\d+/v1 \(.*run the same again"):
        got.extend(answers)
    assert all(completion.error is None for _, completion in got)


def test_a_server_that_is_down_at_first_is_left_out_and_joins_when_it_answers(ask, servers):
    servers[1].stop()
    engine = ask(servers[:2])
    engine.check(asked(1))
    assert f"{servers[1].url} is left out (no server at {servers[1].url}" in engine.note
    answered(engine, asked(5))
    with servers[1]:
        soon(lambda: len(engine.living) == 2)
        answered(engine, asked(60))
        assert arrived(servers)[1]


def test_no_server_at_all_is_said_before_the_first_call(ask, servers):
    for server in servers[:2]:
        server.stop()
    with pytest.raises(EngineError, match=r"none of the 2 servers can be asked: http.*no server at .*; http"):
        ask(servers[:2]).check(asked(1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "m-2025"}, "its returned model is 'm-2025', not 'm-2026'"),
        ({"top": False}, "its label rule is 'none'"),
        ({"kind": "echo"}, "its text rule is "),
        ({"no_system": Fault(400, "no system role")}, "its system turn is 'at the head of the first user turn'"),
        ({"models": ("x",)}, "has no model 'm'"),
    ],
)
def test_another_model_is_refused_by_its_address_before_anything_is_asked(ask, servers, change, said):
    for name, value in change.items():
        setattr(servers[1], name, value)
    with pytest.raises(EngineError, match=said) as refused:
        ask(servers).check(asked(1))
    assert servers[1].url in str(refused.value)
    assert arrived(servers) == [[], [], []]


def test_other_weights_behind_the_same_name_are_refused(ask):
    with FaultServer("vllm") as one, FaultServer("vllm") as two:
        two.weights = 20
        with pytest.raises(EngineError, match=r"of a fixed question are up to \d\.\d+ nats away"):
            ask([one, two]).check(asked(1))


def test_a_server_that_comes_back_with_another_model_stays_left_out(ask, servers, caplog):
    engine = ask(servers[:2])
    engine.probe()
    servers[1].stop()
    answered(engine, asked(30))
    servers[1].version = "m-2025"
    with servers[1]:
        soon(lambda: "another model" in engine.note)
        answered(engine, asked(30))
        assert "it is back with another model: its returned model is 'm-2025'" in engine.note
    assert len([r for r in caplog.records if "is back with another model" in r.message]) == 1


def test_each_server_is_called_at_its_own_pace(ask, servers):
    servers[1].most_at_once = 1
    engine = ask(servers[:2], replace(QUICK, concurrency=8, attempts=20))
    for server in servers[:2]:
        server.wait_s = 0.01
    assert all(completion.error is None for completion in answered(engine, asked(40)).values())
    assert servers[0].peak == 8
    assert servers[0].refused == 0 < servers[1].refused


def test_winding_down_answers_what_is_in_flight_and_asks_nothing_else(ask, servers):
    engine = ask(servers[:2])
    engine.probe()
    for server in servers[:2]:
        server.wait_s = 0.2
    threading.Timer(0.1, engine.wind_down).start()
    got = list(engine.answer(asked(60)))
    assert len(got) == 2 * QUICK.concurrency
    assert all(completion.error is None for _, completion in got)


def test_answering_can_be_stopped_from_another_thread(ask, servers):
    engine = ask(servers[:2])
    engine.probe()
    for server in servers[:2]:
        server.wait_s = 300.0
    threading.Timer(0.2, engine.stop).start()
    began = time.monotonic()
    assert list(engine.answer(asked(10))) == []
    assert time.monotonic() - began < 60


def test_a_consumer_that_stops_early_leaves_nothing_running(ask, servers):
    engine = ask(servers[:2])
    answers = engine.answer(asked(80))
    next(answers)
    answers.close()
    assert engine.lines == set()
    assert len(answered(engine, asked(1))) == 6


def test_two_calls_may_be_out_together(ask, servers):
    engine, trials, got = ask(servers[:2]), asked(40), []
    threads = [threading.Thread(target=lambda part=trials[k::2]: got.extend(engine.answer(part))) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(trial.id for trial, _ in got) == Counter(trial.id for trial in trials)
    assert stayed(servers[:2]) > 0.5  # what both hold may be taken over in one of them


def test_closing_while_a_server_is_looked_at_ends_the_thread(ask, servers):
    engine = ask(servers[:2])
    engine.probe()
    servers[1].stop()
    answered(engine, asked(20))
    engine.close()
    engine.close()
    assert "proband-server" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("openai:http://h:1,http://h:1/v1#m", "http://h:1/v1 is there twice"),
        ("openai:http://h:1,#m", "a comma without a URL"),
        ("openai:,http://h:1#m", "a comma without a URL"),
        ("openai:http://h:1,h:2#m", "bad URL 'h:2'"),
        ("openai:http://h:1,https://me:sk@h:2#m", "put the key in PROBAND_API_KEY"),
        ("openai:http://h:1,http://h:2#m?mode=batch", "of one server; give one URL"),
        ("openai:http://h:1,http://h:2#m?concurency=3", "takes no option concurency"),
    ],
)
def test_a_bad_list_of_urls_is_refused(address, said):
    with pytest.raises(EngineError, match=said):
        open_engine(address)


def test_the_first_url_names_the_run():
    engine = open_engine("openai:http://h:1,http://h:2#m?concurrency=2")
    assert isinstance(engine, ServerGroup)
    assert engine.address == "openai:http://h:1/v1#m"
    assert lasting("openai:http://h:1/v1,http://h:2#m?concurrency=2") == "openai:http://h:1/v1#m"
    assert isinstance(open_engine("openai:http://h:1#m"), ServerEngine)
    assert not isinstance(open_engine("openai:http://h:1#m"), ServerGroup)
    engine.close()


def test_a_run_goes_on_with_more_servers_and_writes_the_same_table(servers, instrument, people, tmp_path):
    study = Survey(instrument=instrument, subjects=people(12), seed=1, answer_by="label")
    one, two, _ = (server.url for server in servers)
    collect(study, open_engine(f"openai:{one}#m"), tmp_path / "run", budget=Budget(trials=6))
    run = collect(study, open_engine(f"openai:{one},{two}#m"), tmp_path / "run")
    alone = collect(study, open_engine(f"openai:{one}#m"), tmp_path / "alone")
    assert run.is_complete
    assert run.table().equals(alone.table())
    assert run.manifest["fingerprint"][""]["servers"] == f"{one}, {two}"
    with pytest.raises(TreatmentChanged, match="begun with engine"):
        collect(study, open_engine(f"openai:{two},{one}#m"), tmp_path / "run")


def test_a_look_that_misses_that_it_is_cancelled_does_not_keep_the_engine_open():
    async def deaf():
        for _ in range(2):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue
        await asyncio.sleep(60)

    async def ended():
        looks = {"one": asyncio.ensure_future(deaf()), "two": asyncio.ensure_future(asyncio.sleep(60))}
        await asyncio.sleep(0)
        await asyncio.wait_for(_end(looks), 30)
        return all(look.cancelled() for look in looks.values())

    assert asyncio.run(ended())

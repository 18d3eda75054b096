"""Two real servers of one model behind one address; one of them is killed in the middle of a run."""

import importlib.util
from contextlib import ExitStack

import pytest

from proband.addresses import open_engine
from proband.records import Message, Place, Reply, Request, Trial
from tests.servers.running import MODEL, llama_server

pytestmark = pytest.mark.servers

OPTIONS = ("Very happy", "Fine", "Not sure at all")


@pytest.fixture
def two(tmp_path):
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs the package xllamacpp")
    with ExitStack() as first, ExitStack() as second:
        urls = [stack.enter_context(llama_server(tmp_path / f"log{k}")) for k, stack in enumerate((first, second))]
        yield urls, second


def asked(n_people, n_items=4):
    reply = Reply(form="choice", method="option_text", options=OPTIONS, order=(0, 1, 2))
    found = []
    for person in range(n_people):
        told = Message("system", f"You are person {person}. " + "You like long walks by the lake. " * 8)
        for item in range(n_items):
            question = Message("user", f"How do you feel on day {item}?")
            request = Request(messages=(told, question), continuations=OPTIONS)
            found.append(Trial(place=Place(subject=f"s{person}", item=f"q{item}"), request=request, reply=reply))
    return found


def test_two_servers_are_one_engine_and_one_of_them_may_die(two):
    urls, second = two
    engine = open_engine(f"openai:{','.join(urls)}#{MODEL}", concurrency=2, backoff_s=0.05)
    alone = open_engine(f"openai:{urls[0]}#{MODEL}", concurrency=2)
    try:
        assert engine.address == alone.address
        assert engine.fingerprint() == alone.fingerprint() | {"servers": ", ".join(urls)}
        trials, got = asked(10), []
        for pair in engine.answer(trials):
            got.append(pair)
            if len(got) == 12:
                second.close()
        assert sorted(trial.id for trial, _ in got) == sorted(trial.id for trial in trials)
        assert all(completion.error is None for _, completion in got)
        assert [server.url for server in engine.living] == urls[:1]
    finally:
        engine.close()
        alone.close()

"""The benchmark of two servers, on stand-ins that count as vLLM does; what it measures there is how it counts."""

import argparse
import importlib.util
import json
from pathlib import Path

import pytest

from benchmarks import servers_fleet
from benchmarks.servers import personas

_spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
fault_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fault_server)
FaultServer = fault_server.FaultServer


@pytest.fixture
def servers(monkeypatch):
    monkeypatch.setattr(servers_fleet, "MODEL", "m")
    with FaultServer("vllm") as one, FaultServer("vllm") as two:
        yield [one, two]


def test_personas_that_stay_at_one_server_are_computed_once(servers):
    options = argparse.Namespace(prefixes=6, items=4, rounds=1)
    found = servers_fleet.affinity([server.url for server in servers], options)
    assert 1.2 < found["computed_alternately_over_together"] < 2.1


def test_our_tokens_are_set_against_those_of_an_offline_run(servers):
    url, trials = servers[0].url, personas(1, 2, 3)
    texts = servers_fleet.written(trials, 5)
    mine = {"scored": servers_fleet.ours(url, trials), "written": servers_fleet.ours(url, texts)}
    assert all(run["tokens"] > 0 and 0 <= run["share_idle"] <= 1 for run in mine.values())
    theirs = {
        name: {"seconds": run["seconds"], "prompt_tokens": run["tokens"], "reply_tokens": 0}
        for name, run in mine.items()
    }
    assert all(round(found["ratio"], 9) == 1 for found in servers_fleet.compared(mine, theirs).values())


def test_the_offline_run_gets_what_our_engine_posts(servers):
    trials = personas(1, 1, 2)
    requests = servers_fleet.requests_of(servers[0].url, [*trials, *servers_fleet.written(trials, 5)])
    scored = [request for request in requests if "prompts" in request]
    written = [request for request in requests if "messages" in request]
    assert len(written) == 2
    assert all(request["max_tokens"] == 5 for request in written)
    assert len(scored) >= 2
    assert all(request["ids"] and all(request["prompts"]) for request in scored)
    assert json.loads(json.dumps(requests)) == requests

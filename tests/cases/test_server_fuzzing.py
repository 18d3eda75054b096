"""Bodies that no server should send: each costs a trial at most, ends in the house's own words, and is no answer."""

import json
import random
import sqlite3
from collections import Counter
from copy import deepcopy

import pytest

from proband.errors import EngineError, ProbandError
from proband.instruments.reading import read
from proband.models.servers.batches import _lines
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.protocol import Dialect
from proband.models.servers.refusals import ODD
from proband.models.servers.wire import Passing, Raw
from proband.runs import collect
from proband.store.rows import row_of
from tests.cases.replying import QUICK, listing, reply, survey
from tests.cases.test_server_endings import ENDED, FULL
from tests.models.servers.fault_server import Fault, FaultServer

ALTERNATIVES = [
    {"token": token, "logprob": logprob, "id": k}
    for k, (token, logprob) in enumerate([("A", -1.0), (" A", -2.0), ("B", -1.5), ("C", -4.0), ("t", None)])
]
BASES = (
    reply("Agree"),
    reply([{"type": "text", "text": "Agree"}], finish="length"),
    reply("Agree", message={"content": "Agree", "reasoning_content": "Hm.", "refusal": None}),
    listing(*ALTERNATIVES),
    {"error": {"message": "no", "code": 429, "metadata": {"raw": "slow"}}},
    {"object": "error", "message": "no", "code": "400", "detail": [{"msg": "no"}]},
)
DEEP = [None]
for _ in range(60):
    DEEP = [{"message": DEEP}]
ODDITIES = (
    *(None, True, False, 0, -1, 3, 1e308, -1e308, 10**40, -(10**40), float("nan"), float("inf"), float("-inf"), 0.5),
    *("", "x", "stop", "403", "\ud83d", "\x00", "a" * 5000, [], {}, [None], [[]], [1, 2], ["Agree"], {"message": 5}),
    *({"token": "A", "logprob": "x"}, {"type": "abort"}, {"": None}),
)


def places(value, path=()):
    """Paths to all values inside a body."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def mutated(rng, body=None):
    """A body with one to three fields removed, doubled or made odd; now and then bytes cut or changed."""
    body = deepcopy(rng.choice(BASES)) if body is None else body
    for _ in range(rng.randint(1, 3)):
        path = rng.choice([path for path in places(body) if path] or [()])
        if not path:
            break
        holder = body
        for key in path[:-1]:
            holder = holder[key]
        act = rng.random()
        if act < 0.25:
            del holder[path[-1]]
        elif act < 0.35 and isinstance(holder, list):
            holder.append(deepcopy(holder[path[-1]]))
        elif act < 0.40:
            holder[path[-1]] = deepcopy(DEEP)
        else:
            holder[path[-1]] = deepcopy(rng.choice(ODDITIES))
    raw = json.dumps(body).encode()
    act = rng.random()
    if act < 0.05:
        return raw[: rng.randrange(len(raw))]
    if act < 0.15:
        where = rng.randrange(len(raw))
        return raw[:where] + bytes([rng.randrange(256)]) + raw[where + 1 :]
    return raw


def read_as(engine, dialect, trial, raw):
    """The response that a body becomes, or what it is refused with."""
    try:
        reply = engine._wire.parsed(Raw(raw, {}), "chat/completions")
        completion = engine._server.read(trial.request, reply, dialect=dialect)
    except (Passing, ProbandError, *ODD) as refused:
        return refused
    return read(completion, trial, "openai:x")


@pytest.mark.parametrize("n", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_a_mutated_body_is_refused_in_the_houses_words_or_is_an_answer_that_is_known_to_have_ended(n):
    rng, seen = random.Random(n), Counter()
    engine = ServerEngine("http://127.0.0.1:9/v1", "m")
    dialect = Dialect(server="openai", model="m", top=20, listed=2)
    [written, *_], [by_label, *_] = survey(1).trials({}), survey(1, answer_by="label", labels="letters").trials({})
    table = sqlite3.connect(":memory:")
    table.execute(f"CREATE TABLE rows ({', '.join(f'c{k}' for k in range(18))})")
    for _ in range(n):
        raw = mutated(rng)
        for trial in (written, by_label):
            found = read_as(engine, dialect, trial, raw)
            if isinstance(found, Exception):
                seen["refused"] += 1
                continue
            table.execute(f"INSERT INTO rows VALUES ({', '.join('?' * 18)})", row_of(found))
            seen[found.status] += 1
            assert 0 < found.prompt_tokens < 10**9
            assert 0 < found.completion_tokens < 10**9
            if found.status == "valid":
                choice = json.loads(raw)["choices"][0]
                finish = choice.get("finish_reason")
                finish = finish["type"] if isinstance(finish, dict) else finish
                assert finish in (ENDED + FULL) or (trial is by_label and finish is None)
                assert found.answer in (0, 1, 2)
    engine.close()
    table.close()
    assert set(seen) <= {"refused", "valid", "failed", "unparsed", "truncated"}
    assert min(seen["refused"], seen["valid"], seen["failed"]) > n / 20


@pytest.mark.parametrize("n", [40, pytest.param(1500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", [{}, {"answer_by": "label", "labels": "letters"}], ids=["written", "label"])
def test_a_server_of_mutated_bodies_costs_trials_and_never_the_run(tmp_path, n, how):
    rng = random.Random(n)
    with FaultServer() as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK | {"give_up_after": 10**6}))
        engine.probe()
        server.storm = lambda: Fault(200, mutated(rng).decode("utf-8", "replace")) if rng.random() < 0.9 else None
        try:
            run = collect(survey(n, **how), engine, tmp_path / "run")
        finally:
            engine.close()
    assert run.state == "complete"
    assert sum(run.dispositions().values()) == 2 * n
    assert set(run.dispositions()) <= {"valid", "failed", "unparsed", "truncated", "refused"}
    assert all(one.error for one in run.responses().values() if one.status == "failed")


@pytest.mark.parametrize("n", [100, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_server_that_answers_the_first_calls_oddly_is_understood_or_refused(n):
    rng = random.Random(n)
    entry = {"id": "m", "owned_by": "vllm", "max_model_len": 99, "aliases": ["x"], "meta": {"n_ctx": 9}}
    for _ in range(n):
        asker = Answers(rng, {"data": [entry]})
        try:
            dialect = asker.engine.probe()
        except EngineError:
            continue
        finally:
            asker.engine.close()
        assert dialect.context is None or dialect.context > 0


@pytest.mark.parametrize("n", [20, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("kind", "walks"), [("vllm", "raw"), ("vllm", "ignored"), ("echo", "raw")])
def test_scores_of_option_texts_are_mutated_to_failures_and_to_nothing_else(kind, walks, n):
    rng = random.Random(n)
    trials = survey(n, answer_by="option_text").trials({})
    with FaultServer(kind, walks=walks) as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK | {"give_up_after": 10**6}))
        engine.check(trials)
        said = engine._wire.once

        async def once(method, path, data):
            raw = await said(method, path, data)
            return Raw(mutated(rng, json.loads(raw.data)), {}) if rng.random() < 0.5 else raw

        engine._wire.once = once
        found = [completion for _, completion in engine.answer(trials)]
        engine.close()
    assert len(found) == 2 * n
    assert sum(completion.error is None for completion in found) > n / 4
    for completion in found:
        assert (completion.error is None) == (completion.log_probs is not None)
        assert all(log_prob <= 0 for log_prob in completion.log_probs or ())


@pytest.mark.parametrize("n", [200, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_mutated_line_of_a_batch_is_nobodys_or_a_failure(n):
    rng = random.Random(n)
    engine = ServerEngine("http://127.0.0.1:9/v1", "m", settings=ServerSettings(mode="batch"))
    batches = engine._batches(Dialect(server="openai", model="m"))
    [trial, *_] = survey(1).trials({})
    for _ in range(n):
        line = {"custom_id": trial.request.hash, "response": {"status_code": 200, "body": deepcopy(BASES[0])}}
        lines = _lines(mutated(rng, line | {"error": None}))
        for _, completion in batches._yielded(lines, {trial.request.hash: [trial]}):
            assert completion.error is not None or completion.text is not None
    engine.close()


class Answers:
    """An engine whose wire is answered with mutated bodies."""

    def __init__(self, rng, listing):
        self.rng, self.listing = rng, listing
        self.engine = ServerEngine("http://127.0.0.1:9/v1", "m", settings=ServerSettings(attempts=1, backoff_s=0))
        self.engine._wire.once = self.once

    async def once(self, method, path, data):
        is_listing = path == "models"
        if is_listing and self.rng.random() < 0.5:
            return Raw(json.dumps(self.listing).encode(), {})
        return Raw(mutated(self.rng, deepcopy(self.listing) if is_listing else None), {})

"""A small study at a server that gives one reply to every question, and what a reply may look like."""

import json

from proband.designs import Survey
from proband.instruments import Instrument, Item
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.runs import collect
from tests.conftest import made_up
from tests.models.servers.fault_server import Fault, FaultServer

OPTIONS = ("Disagree", "Neither", "Agree")
USED = {"prompt_tokens": 50, "completion_tokens": 2}
QUICK = {"attempts": 3, "backoff_s": 0.001, "timeout_s": 30.0, "longest_wait_s": 0.01}


def survey(n=5, **settings):
    """Two items on a scale, in the order written."""
    texts = {"taxes": "Taxes should be lower.", "parks": "Parks should be larger."}
    items = tuple(Item(id=id, text=text, form="scale", options=OPTIONS) for id, text in texts.items())
    instrument = Instrument(id="two", title="Two items", items=items)
    settings = {"answer_by": "written", "order": "as_written", "seed": 1} | settings
    return Survey(instrument=instrument, subjects=made_up(n), **settings)


def reply(content="Agree", *, finish="stop", usage=USED, **choice):
    """A chat completion; `choice` adds to, or replaces, fields of its choice."""
    made = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish} | choice
    return {"id": "1", "object": "chat.completion", "model": "m", "choices": [made], "usage": usage}


def listing(*alternatives):
    """A reply to a question by label, with these alternatives of its first token."""
    first = {"token": "A", "logprob": -0.5, "top_logprobs": list(alternatives)}
    return reply("A", logprobs={"content": [first]})


def carried_out(body, folder, *, study=None, status=200, headers=None, budget=None, **settings):
    """The run of a study at a server that says `body` to each of its questions, and how many calls that took.

    `body` is JSON, or a text that is sent as it stands.
    """
    text = body if isinstance(body, str) else json.dumps(body)
    with FaultServer() as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK | settings))
        try:
            engine.probe()
            server.posted.clear()
            server.storm = lambda: Fault(status, text, headers or {})
            run = collect(study or survey(), engine, folder, budget=budget)
            return run, len(server.chats())
        finally:
            engine.close()


def errors(run):
    """What the failed answers of a run say, each once."""
    return {response.error for response in run.responses().values() if response.status == "failed"}

"""Trials and completions as they travel between processes: plain tuples, which pickle several times faster."""

import pickle
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from proband.records import Completion, Message, Place, Reply, Request, Trial


def _names(record: type, *left_out: str) -> tuple[str, ...]:
    return tuple([field.name for field in fields(record) if field.name not in left_out])


_PLACE, _REPLY, _COMPLETION = _names(Place), _names(Reply), _names(Completion)
_REQUEST = _names(Request, "messages")
_of_place, _of_reply, _of_completion = attrgetter(*_PLACE), attrgetter(*_REPLY), attrgetter(*_COMPLETION)
_of_request = attrgetter(*_REQUEST)


def pack_trials(trials: Sequence[Trial]) -> bytes:
    """Trials as bytes, without their cards, which no engine that computes looks at."""
    return pickle.dumps(
        [
            (
                _of_place(trial.place),
                [(message.role, message.text) for message in trial.request.messages],
                _of_request(trial.request),
                _of_reply(trial.reply),
                trial.answerer,
                trial.facts,
            )
            for trial in trials
        ],
        pickle.HIGHEST_PROTOCOL,
    )


def unpack_trials(packed: bytes) -> list[Trial]:
    """What `pack_trials` packed."""
    return [
        Trial(
            place=Place(**dict(zip(_PLACE, place, strict=True))),
            request=Request(
                messages=tuple([Message(role, text) for role, text in messages]),
                **dict(zip(_REQUEST, request, strict=True)),
            ),
            reply=Reply(**dict(zip(_REPLY, reply, strict=True))),
            answerer=answerer,
            facts=facts,
        )
        for place, messages, request, reply, answerer, facts in pickle.loads(packed)
    ]


def pack_completions(completions: Sequence[Completion]) -> bytes:
    """Completions as bytes; what is as usual is left out."""
    return pickle.dumps([_unusual(completion) for completion in completions], pickle.HIGHEST_PROTOCOL)


def unpack_completions(packed: bytes) -> list[Completion]:
    """What `pack_completions` packed."""
    return [Completion(**values) for values in pickle.loads(packed)]


_USUAL = tuple([(field.name, field.default) for field in fields(Completion)])


def _unusual(completion: Completion) -> dict[str, Any]:
    values = _of_completion(completion)
    return {name: value for (name, usual), value in zip(_USUAL, values, strict=True) if value != usual}

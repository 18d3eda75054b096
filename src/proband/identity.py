"""Ids and hashes of records: what makes two trials the same, computed once and kept.

Trials are made by the hundred thousand; the caches here are what that costs, out of sight of the records.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Generic, Protocol, TypeVar, overload
from urllib.parse import quote, unquote

from proband.errors import DesignError

_T = TypeVar("_T")
Pairs = tuple[tuple[str, str], ...]  # factor and level of a condition, sorted by factor


CACHED = 16_384  # texts that come again and again: subjects, items, messages, options


class once(Generic[_T]):
    """An attribute computed when first looked at; `functools.cached_property` without its lock, which costs more."""

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, record: None, owner: type) -> "once[_T]": ...
    @overload
    def __get__(self, record: object, owner: type) -> _T: ...
    def __get__(self, record: object | None, owner: type) -> "_T | once[_T]":
        if record is None:
            return self
        value = record.__dict__[self.name] = self.compute(record)
        return value


class Named:
    """Room for a place's id beside its fields, so that it is neither compared nor copied."""

    __slots__ = ("_id",)
    _id: str


def place_id(subject: str, item: str, condition: Pairs, round: int, replicate: int) -> str:
    """The parts of a place as one string, percent-escaped, e.g. ``s17/vote/frame=gain/0/0``."""
    return f"{_escaped(subject)}/{_escaped(item)}/{_joined(condition)}/{round}/{replicate}"


def place_parts(id: str) -> tuple[str, str, Pairs, int, int]:
    """What `place_id` was made from."""
    subject, item, pairs, round_, replicate = id.split("/")
    return _unescaped(subject), _unescaped(item), _split(pairs), int(round_), int(replicate)


@lru_cache(CACHED)
def _escaped(text: str) -> str:
    return quote(text, safe="")


@lru_cache(CACHED)
def _joined(condition: Pairs) -> str:
    return "&".join(f"{_escaped(factor)}={_escaped(level)}" for factor, level in condition)


@lru_cache(CACHED)
def _unescaped(text: str) -> str:
    return unquote(text)


@lru_cache(CACHED)
def _split(pairs: str) -> Pairs:
    """The condition that `_joined` wrote."""
    return tuple(
        (unquote(factor), unquote(level)) for factor, level in (pair.split("=") for pair in pairs.split("&") if pair)
    )


class Turn(Protocol):
    """A message, as far as its identity goes."""

    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102


_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@lru_cache(CACHED)
def check_continuations(continuations: tuple[str, ...]) -> None:
    """Refuse candidate replies that are empty or alike."""
    if len(set(continuations)) != len(continuations):
        raise DesignError(f"the same continuation twice in {continuations}; options must differ")
    if any(not c.strip() for c in continuations):
        raise DesignError("an empty continuation cannot be scored; give every option a text")


@lru_cache(CACHED)
def check_premises(premises: tuple[str, ...], n_continuations: int) -> None:
    """Refuse premises that are empty or alike, or with another number of texts to score than one."""
    if n_continuations != 1:
        raise DesignError(f"premises are weighed by one text; {n_continuations} continuations were given")
    if len(set(premises)) != len(premises) or any(not premise.strip() for premise in premises):
        raise DesignError(f"an empty premise, or the same one twice, in {premises}; describe every option differently")


def scored_body(messages: Sequence[Turn], continuations: tuple[str, ...], closes: bool) -> str:
    """`Request.body` of a request to score, without making the request."""
    return f'{_scored_start(tuple(continuations), closes)},"messages":{_turns(messages)}}}'


def premised_body(
    messages: Sequence[Turn], continuations: tuple[str, ...], closes: bool, premises: tuple[str, ...]
) -> str:
    """`Request.body` of a request with premises: the text comes last, as it is what differs most."""
    return (
        f'{{"closes":{_CANONICAL.encode(closes)},"messages":{_turns(messages)},"premises":{_encoded(premises)},'
        f'"continuations":{_CANONICAL.encode(continuations)}}}'
    )


@lru_cache(CACHED)
def _encoded(texts: tuple[str, ...]) -> str:
    return _CANONICAL.encode(texts)


def body_hash(body: str) -> str:
    """`Request.hash` of a body."""
    return hashlib.blake2b(body.encode(), digest_size=16).hexdigest()


@lru_cache(CACHED, typed=True)
def _scored_start(continuations: tuple[str, ...], closes: bool) -> str:
    return f'{{"closes":{_CANONICAL.encode(closes)},"continuations":{_CANONICAL.encode(continuations)}'


def _turns(messages: Sequence[Turn]) -> str:
    return f"[{','.join([_turn(message.role, message.text) for message in messages])}]"


@lru_cache(2048)  # a message may be a whole document
def _turn(role: str, text: str) -> str:
    return f"[{encode_basestring(role)},{encode_basestring(text)}]"


def written_body(messages: Sequence[Turn], settings: dict[str, object]) -> str:
    """`Request.body` of a request to write; `settings` are sampling and form of the reply, by name."""
    before, *after = (f'"{name}":{_CANONICAL.encode(settings[name])}' for name in sorted(settings))
    return f'{{{before},"messages":{_turns(messages)},{",".join(after)}}}'


@lru_cache(CACHED)
def check_shown(order: tuple[int, ...], n: int, labels: tuple[str, ...]) -> None:
    """Refuse an order that is no permutation, and labels that cannot be told apart."""
    if sorted(order) != list(range(n)):
        raise DesignError(f"order {order} is not a permutation of {n} options")
    if labels and len(labels) != n:
        raise DesignError(f"{len(labels)} labels for {n} options; give one each")
    folded = [label.casefold().strip() for label in labels]
    if len(set(folded)) != len(folded):
        raise DesignError(f"labels {labels} collide; every option needs a label of its own")


@lru_cache(CACHED)
def rule_text(method: str, decide: str, labels: tuple[str, ...]) -> str:
    """`Reply.rule` of these settings."""
    return f"{method} {decide} {'|'.join(labels)}" if labels else f"{method} {decide}"

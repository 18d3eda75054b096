"""The records everything else passes around: frozen, complete, and checked when made."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Generic, Literal, TypeVar, get_args, overload
from urllib.parse import quote, unquote

from proband.errors import DesignError, EngineError

Form = Literal["choice", "multiple", "scale", "number", "allocation", "ranking", "text"]
Method = Literal["option_text", "option_text_mean", "label", "written", "verbalised"]
Status = Literal["valid", "refused", "dont_know", "unparsed", "truncated", "failed"]
Target = Literal["model", "human", "data"]
Answer = int | float | str | tuple[int, ...] | tuple[float, ...] | None

STATUSES: tuple[Status, ...] = get_args(Status)
SCORED_METHODS = frozenset({"option_text", "option_text_mean", "label"})

_T = TypeVar("_T")
_CACHED = 16_384  # texts that come again and again: subjects, items, messages, options


class _once(Generic[_T]):
    """An attribute computed when first looked at; `functools.cached_property` without its lock, which costs more."""

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, record: None, owner: type) -> "_once[_T]": ...
    @overload
    def __get__(self, record: object, owner: type) -> _T: ...
    def __get__(self, record: object | None, owner: type) -> "_T | _once[_T]":
        if record is None:
            return self
        value = record.__dict__[self.name] = self.compute(record)
        return value


class _Named:
    """Room for a place's id beside its fields, so that it is neither compared nor copied."""

    __slots__ = ("_id",)
    _id: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place(_Named):
    """Where a trial stands in a design.

    `condition` holds (factor, level) pairs, sorted by factor; `round` counts from 1 where a design has
    rounds and is 0 elsewhere; `replicate` counts from 0.
    """

    subject: str
    item: str
    condition: tuple[tuple[str, str], ...] = ()
    round: int = 0
    replicate: int = 0

    def __post_init__(self) -> None:
        if not self.subject or not self.item:
            raise DesignError(f"place {self!r}: subject and item need a name")
        if len(self.condition) > 1 and tuple(sorted(self.condition)) != self.condition:
            raise DesignError(f"place {self!r}: condition must be sorted by factor")

    @property
    def id(self) -> str:
        """The place as one string, e.g. ``s17/vote/frame=gain/0/0``; parts are percent-escaped."""
        try:
            return self._id
        except AttributeError:
            id = (
                f"{_escaped(self.subject)}/{_escaped(self.item)}/{_joined(self.condition)}/"
                f"{self.round}/{self.replicate}"
            )
            object.__setattr__(self, "_id", id)
            return id

    @classmethod
    def from_id(cls, text: str) -> "Place":
        """The place that `id` wrote."""
        subject, item, pairs, round_, replicate = text.split("/")
        return cls(
            subject=_unescaped(subject),
            item=_unescaped(item),
            condition=_split(pairs),
            round=int(round_),
            replicate=int(replicate),
        )


@lru_cache(_CACHED)
def _escaped(text: str) -> str:
    return quote(text, safe="")


@lru_cache(_CACHED)
def _joined(condition: tuple[tuple[str, str], ...]) -> str:
    return "&".join(f"{_escaped(factor)}={_escaped(level)}" for factor, level in condition)


@lru_cache(_CACHED)
def _unescaped(text: str) -> str:
    return unquote(text)


@lru_cache(_CACHED)
def _split(pairs: str) -> tuple[tuple[str, str], ...]:
    """The condition that `_joined` wrote."""
    return tuple(
        (unquote(factor), unquote(level))
        for factor, level in (pair.split("=") for pair in pairs.split("&") if pair)
    )


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of what is sent: `role` is system, user or assistant."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything an engine is sent, and nothing else; its hash is the identity of the treatment.

    With `continuations` the engine scores each of them as the assistant's reply; without, it writes.

    Attributes
    ----------
    messages : tuple of Message
        The last one is a user turn; the engine applies its own chat template.
    continuations : tuple of str
        Candidate replies to score, in the order shown.
    closes : bool
        Whether each continuation is scored with the end-of-turn token, needed where one is the beginning
        of another ("Agree", "Agree strongly").
    max_tokens, temperature, top_p, stop, seed
        Sampling, for writing only. `temperature` 0 is greedy.
    schema : str or None
        JSON schema the written reply must follow, as canonical JSON text.
    is_raw : bool
        Whether the one user message is sent as it stands, without the model's chat template; what a base model
        reads. Continuations then follow at once, with whatever space they begin with, and `closes` adds the
        end-of-text token.
    """

    messages: tuple[Message, ...]
    continuations: tuple[str, ...] = ()
    closes: bool = False
    max_tokens: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    schema: str | None = None
    is_raw: bool = False

    def __post_init__(self) -> None:
        messages = self.messages
        if not messages or messages[-1].role != "user":
            raise DesignError("a request must end with a user message")
        if self.is_raw and len(messages) > 1:
            raise DesignError(
                f"a raw request is one text, sent as it stands; {len(messages)} messages were given"
            )
        if not messages[-1].text.strip() and not any(m.text.strip() for m in messages if m.role == "user"):
            raise DesignError("a request with an empty prompt; give the item a text")
        if self.continuations:
            _check_continuations(tuple(self.continuations))
        elif self.max_tokens < 1:
            raise DesignError(f"max_tokens is {self.max_tokens}; a written reply needs at least 1")
        if not 0 <= self.temperature < math.inf or not 0 < self.top_p <= 1:
            raise DesignError(f"temperature {self.temperature} or top_p {self.top_p} is out of range")

    @property
    def verb(self) -> Literal["score", "write"]:
        """What the engine is asked to do."""
        return "score" if self.continuations else "write"

    @_once
    def body(self) -> str:
        """Canonical JSON text of the request."""
        if self.continuations:
            body = scored_body(self.messages, self.continuations, self.closes)
        else:
            names = ("max_tokens", "schema", "seed", "stop", "temperature", "top_p")
            before, *after = (f'"{name}":{_CANONICAL.encode(getattr(self, name))}' for name in names)
            body = f'{{{before},"messages":{_turns(self.messages)},{",".join(after)}}}'
        # Named only where it is so: what was asked before there were raw requests keeps its hash.
        return f'{body[:-1]},"raw":true}}' if self.is_raw else body

    @_once
    def hash(self) -> str:
        """32 hexadecimal digits, the identity of what was sent."""
        return body_hash(self.body)


_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@lru_cache(_CACHED)
def _check_continuations(continuations: tuple[str, ...]) -> None:
    if len(set(continuations)) != len(continuations):
        raise DesignError(f"the same continuation twice in {continuations}; options must differ")
    if any(not c.strip() for c in continuations):
        raise DesignError("an empty continuation cannot be scored; give every option a text")


def scored_body(messages: tuple[Message, ...], continuations: tuple[str, ...], closes: bool) -> str:
    """`Request.body` of a request to score, without making the request."""
    return f'{_scored_start(tuple(continuations), closes)},"messages":{_turns(messages)}}}'


def body_hash(body: str) -> str:
    """`Request.hash` of a body."""
    return hashlib.blake2b(body.encode(), digest_size=16).hexdigest()


@lru_cache(_CACHED, typed=True)
def _scored_start(continuations: tuple[str, ...], closes: bool) -> str:
    return f'{{"closes":{_CANONICAL.encode(closes)},"continuations":{_CANONICAL.encode(continuations)}'


def _turns(messages: tuple[Message, ...]) -> str:
    return f"[{','.join([_turn(message.role, message.text) for message in messages])}]"


@lru_cache(2048)  # a message may be a whole document
def _turn(role: str, text: str) -> str:
    return f"[{encode_basestring(role)},{encode_basestring(text)}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How an item is to be answered and how the answer is read; never sent to an engine.

    Attributes
    ----------
    form : Form
        What kind of answer the item takes.
    method : Method
        How it is obtained: log-probabilities of the option texts (summed, or per-token mean) or of the
        labels; a written reply that is read; or a written distribution over the options.
    options : tuple of str
        Option texts as shown, in the order shown.
    labels : tuple of str
        Labels as shown, empty where options carry none.
    order : tuple of int
        ``order[k]`` is the index, as written in the instrument, of the option shown in place k.
    dont_know : tuple of int
        Indices as written of the options that mean "don't know".
    lower, upper, total : float or None
        Bounds of a number; what an allocation must sum to.
    decide : {"draw", "mode"}
        How one answer is taken from a distribution: drawn by place, or its most probable option.
    seed : int
        Seed of that draw, fixed by place.
    """

    form: Form
    method: Method
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    order: tuple[int, ...] = ()
    dont_know: tuple[int, ...] = ()
    lower: float | None = None
    upper: float | None = None
    total: float | None = None
    decide: Literal["draw", "mode"] = "draw"
    seed: int = 0

    def __post_init__(self) -> None:
        _check_shown(tuple(self.order), len(self.options), tuple(self.labels))
        if self.method in SCORED_METHODS and self.form not in ("choice", "scale"):
            raise DesignError(
                f"an item of form {self.form!r} has no options to score; ask it with answer_by = 'written'"
            )

    @property
    def rule(self) -> str:
        """How an answer is made of a completion, in a word or two, e.g. ``option_text draw``."""
        return rule_text(self.method, self.decide, tuple(self.labels))


@lru_cache(_CACHED)
def _check_shown(order: tuple[int, ...], n: int, labels: tuple[str, ...]) -> None:
    if sorted(order) != list(range(n)):
        raise DesignError(f"order {order} is not a permutation of {n} options")
    if labels and len(labels) != n:
        raise DesignError(f"{len(labels)} labels for {n} options; give one each")
    folded = [label.casefold().strip() for label in labels]
    if len(set(folded)) != len(folded):
        raise DesignError(f"labels {labels} collide; every option needs a label of its own")


@lru_cache(_CACHED)
def rule_text(method: Method, decide: Literal["draw", "mode"], labels: tuple[str, ...]) -> str:
    """`Reply.rule` of these settings."""
    return f"{method} {decide} {'|'.join(labels)}" if labels else f"{method} {decide}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One item put to one subject under one condition: a place, what is sent, and how it is read.

    `answerer` names which of a study's engines answers, where it has several. `facts` are things a scripted
    rule may use (a subject's traits, a rival's last move); they are never sent to a model.
    """

    place: Place
    request: Request
    reply: Reply
    answerer: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    @_once
    def id(self) -> str:
        """The place as a string; see `Place.id`."""
        return self.place.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What an engine gave back on one trial.

    Exactly one of `log_probs` (scored), `text` (written), `given` (answered outright, by people, rules or an
    archive) and `error` (failed) is set.

    Attributes
    ----------
    log_probs : tuple of float or None
        Nats, one per continuation, in the order sent.
    token_counts : tuple of int
        Tokens of each continuation, for the length-normalised rule.
    given : tuple or None
        ``(answer, status)`` in terms of the instrument as written.
    finish : {"stop", "length"}
        Why writing ended.
    """

    text: str | None = None
    log_probs: tuple[float, ...] | None = None
    token_counts: tuple[int, ...] = ()
    given: tuple[Answer, Status] | None = None
    error: str | None = None
    finish: Literal["stop", "length"] = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 1

    def __post_init__(self) -> None:
        log_probs = self.log_probs
        if (self.text, log_probs, self.given, self.error).count(None) != 3:
            raise EngineError("a completion holds exactly one of text, log_probs, given and error")
        # A NaN is not at most anything, wherever it stands.
        if log_probs is not None and not (log_probs and all([x <= 1e-3 for x in log_probs])):
            raise EngineError(f"log-probabilities must be numbers of at most 0, got {self.log_probs}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What one subject gave back on one trial, as stored; `answer` is None unless `status` is "valid".

    Attributes
    ----------
    request : str
        Hash of everything the engine was sent.
    status : Status
        One of six dispositions; "dont_know" is a don't-know option that was offered and taken.
    answer : int, float, str, tuple or None
        0-based index into the options as written (choice, scale), indices (multiple, ranking), amounts
        (allocation), a number or a text.
    probs : tuple of float or None
        Probability of every option as written, where the engine gives them; sums to 1.
    mass : float or None
        Probability the engine put on the options together, before they were made to sum to 1.
    text : str or None
        Exactly as received.
    log_probs, token_counts : tuple or None
        Nats and tokens of each continuation, in the order sent.
    rule : str
        How the answer was made of what came back; see `Reply.rule`.
    engine : str
        Address of what answered.
    """

    place: Place
    request: str
    status: Status
    rule: str = ""
    answer: Answer = None
    probs: tuple[float, ...] | None = None
    mass: float | None = None
    text: str | None = None
    log_probs: tuple[float, ...] | None = None
    token_counts: tuple[int, ...] = ()
    error: str | None = None
    order: tuple[int, ...] = ()
    engine: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 1

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise DesignError(f"status {self.status!r} is none of {', '.join(STATUSES)}")
        if (self.answer is None) == (self.status == "valid"):
            raise DesignError(
                f"{self.place.id}: answer {self.answer!r} does not go with status {self.status!r}"
            )
        if self.probs is not None and not abs(sum(self.probs) - 1.0) <= 1e-6:
            raise DesignError(f"{self.place.id}: probabilities sum to {sum(self.probs)}, not 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its uncertainty and what it may be said about.

    Attributes
    ----------
    value : float
        NaN where undefined; then `warnings` says why.
    interval : tuple of float or None
        Lower and upper limit at `level`; None where there is none, and `interval_method` says why.
    estimand : str
        What is estimated, as a sentence.
    target : {"model", "human", "data"}
        Whom the number describes. "human" needs human answers; "data" claims nothing beyond the numbers given.
    n_units, n_clusters, n_missing : int
        Independent units used; clusters where the interval has them; units left out for missing answers.
    dispositions : mapping
        Count of each status among the responses behind the number.
    statistic, df, p_value : float or None
        Of the test that `interval_method` names, where there is one; degrees of freedom may be fractional.
    baselines : mapping
        The same statistic for uniform, majority, marginal-only and other null answers, and the noise floor.
    """

    value: float
    estimand: str
    target: Target
    n_units: int
    se: float | None = None
    interval: tuple[float, float] | None = None
    level: float = 0.95
    interval_method: str = "none"
    n_clusters: int | None = None
    n_missing: int = 0
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    dispositions: Mapping[str, int] = field(default_factory=dict)
    baselines: Mapping[str, float] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.target not in get_args(Target):
            raise DesignError(f"target {self.target!r} is none of {', '.join(get_args(Target))}")
        if not 0 < self.level < 1:
            raise DesignError(f"level {self.level} is not between 0 and 1")
        if self.interval is not None and not self.interval[0] <= self.interval[1]:
            raise DesignError(f"interval {self.interval} has its limits the wrong way round or undefined")
        if self.p_value is not None and not 0 <= self.p_value <= 1:
            raise DesignError(f"p value {self.p_value} is not between 0 and 1")
        if math.isnan(self.value) and not self.warnings:
            raise DesignError(f"{self.estimand}: an undefined value needs its reason in `warnings`")

    def __float__(self) -> float:
        return float(self.value)

    def __round__(self, digits: int = 0) -> float:
        return round(float(self.value), digits)

    def __str__(self) -> str:
        limits = "" if self.interval is None else f" [{self.interval[0]:.3f}, {self.interval[1]:.3f}]"
        return f"{self.value:.3f}{limits}"

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON; an undefined or infinite value becomes None, with its reason beside it."""
        fields = asdict(self)
        fields["value"] = self.value if math.isfinite(self.value) else None
        return fields

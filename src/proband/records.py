"""The records everything else passes around: frozen, complete, and checked when made."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from proband.errors import DesignError, EngineError
from proband.identity import (
    Named,
    body_hash,
    check_continuations,
    check_premises,
    check_shown,
    once,
    place_id,
    place_parts,
    premised_body,
    rule_text,
    scored_body,
    written_body,
)

Form = Literal["choice", "multiple", "scale", "number", "allocation", "ranking", "text", "record", "spans"]
Method = Literal["option_text", "option_text_mean", "label", "written", "verbalised", "channel"]
Status = Literal["valid", "refused", "dont_know", "unparsed", "truncated", "failed", "left"]
Answer = int | float | str | tuple[int, ...] | tuple[float, ...] | None

STATUSES: tuple[Status, ...] = get_args(Status)
# Columns that every run's table has of itself; any other is a factor of its design.
TABLE_COLUMNS = (
    *("trial", "subject", "unit", "role", "arm", "item", "round", "replicate", "status", "answer", "value"),
    *("label", "parts", "probs", "mass", "shown", "text", "error", "rule", "engine", "request"),
    *("prompt_tokens", "completion_tokens", "attempts"),
)
SCORED_METHODS = frozenset({"option_text", "option_text_mean", "label", "channel"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place(Named):
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
        # Nearly every place is asked for its id; to find that it is not there yet would cost more than to make it.
        object.__setattr__(self, "_id", place_id(self.subject, self.item, self.condition, self.round, self.replicate))

    @property
    def id(self) -> str:
        """The place as one string, e.g. ``s17/vote/frame=gain/0/0``; parts are percent-escaped."""
        try:
            return self._id
        except AttributeError:  # a copy or a pickle holds the fields only
            return place_id(self.subject, self.item, self.condition, self.round, self.replicate)

    @classmethod
    def from_id(cls, text: str) -> "Place":
        """The place that `id` wrote."""
        subject, item, condition, round_, replicate = place_parts(text)
        return cls(subject=subject, item=item, condition=condition, round=round_, replicate=replicate)


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
    premises : tuple of str
        The other way round: one continuation, scored as the reply to each of these last user turns, in their order.
        `messages` are then what stands before all of them, and may be none.
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
    premises: tuple[str, ...] = ()
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
        if self.premises:
            check_premises(tuple(self.premises), len(self.continuations))
            if self.is_raw or (messages and messages[-1].role == "user"):
                raise DesignError("premises are last user turns: before them stands no user turn, and none is raw")
            if not self.continuations[0].strip():
                raise DesignError("an empty text cannot be scored; leave that document out")
            return
        if not messages or messages[-1].role != "user":
            raise DesignError("a request must end with a user message")
        if self.is_raw and len(messages) > 1:
            raise DesignError(f"a raw request is one text, sent as it stands; {len(messages)} messages were given")
        if not messages[-1].text.strip() and not any(m.text.strip() for m in messages if m.role == "user"):
            raise DesignError("a request with an empty prompt; give the item a text")
        if self.continuations:
            check_continuations(tuple(self.continuations))
        elif self.max_tokens < 1:
            raise DesignError(f"max_tokens is {self.max_tokens}; a written reply needs at least 1")
        if not 0 <= self.temperature < math.inf or not 0 < self.top_p <= 1:
            raise DesignError(f"temperature {self.temperature} or top_p {self.top_p} is out of range")

    @property
    def verb(self) -> Literal["score", "write"]:
        """What the engine is asked to do."""
        return "score" if self.continuations else "write"

    @once
    def body(self) -> str:
        """Canonical JSON text of the request."""
        if self.premises:
            return premised_body(self.messages, self.continuations, self.closes, self.premises)
        if self.continuations:
            body = scored_body(self.messages, self.continuations, self.closes)
        else:
            names = ("max_tokens", "schema", "seed", "stop", "temperature", "top_p")
            body = written_body(self.messages, {name: getattr(self, name) for name in names})
        # Named only where it is so: what was asked before there were raw requests keeps its hash.
        return f'{body[:-1]},"raw":true}}' if self.is_raw else body

    @once
    def hash(self) -> str:
        """32 hexadecimal digits, the identity of what was sent."""
        return body_hash(self.body)

    @property
    def alone(self) -> "tuple[Request, ...]":
        """The same with one last turn each: a request for every premise, or itself."""
        if not self.premises:
            return (self,)
        turns = [(*self.messages, Message("user", premise)) for premise in self.premises]
        return tuple([Request(messages=turn, continuations=self.continuations, closes=self.closes) for turn in turns])

    @property
    def n_scored(self) -> int:
        """How many scores are wanted."""
        return len(self.premises) or len(self.continuations)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField:
    """One field of a record that is taken from a document.

    Attributes
    ----------
    name : str
        Key of the field.
    definition : str
        What belongs there.
    kind : {"text", "number", "choice"}
        What its value is; a choice is one of `options`.
    quoted : bool
        Whether the words of the document that say so have to be given.
    """

    name: str
    definition: str
    kind: Literal["text", "number", "choice"] = "text"
    options: tuple[str, ...] = ()
    quoted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How an item is to be answered and how the answer is read; never sent to an engine.

    Attributes
    ----------
    form : Form
        What kind of answer the item takes.
    method : Method
        How it is obtained: log-probabilities of the option texts (summed, or per-token mean) or of the
        labels; a written reply that is read; a written distribution over the options; or, by channel, the
        log-probability of one text under each option's description.
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
    fields : tuple of RecordField
        What a record has.
    source : str
        The document, or the window of it, that quotes must stand in; a reference, no copy.
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
    fields: tuple[RecordField, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        check_shown(tuple(self.order), len(self.options), tuple(self.labels))
        if self.method in SCORED_METHODS and self.form not in ("choice", "scale"):
            raise DesignError(
                f"an item of form {self.form!r} has no options to score; ask it with answer_by = 'written'"
            )

    @property
    def rule(self) -> str:
        """How an answer is made of a completion, in a word or two, e.g. ``option_text draw``."""
        return rule_text(self.method, self.decide, tuple(self.labels))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCard:
    """What an item looks like to whoever answers it: a model's prompt and a person's page are made from it.

    Attributes
    ----------
    text, stem : str
        The item's own words, and the lead-in before them.
    before : str
        What happened so far, e.g. the last rounds of a game.
    about : str
        What is told before everything else, and meant for people too: the rules of a game, a survey's preamble.
    statements, number : tuple of str, int
        Of a grid all its statements, and which of them, from 1, is asked.
    options, labels : tuple of str
        As shown, in the order shown.
    instruction : str
        How a model is told to reply; a page has its own way.
    form, lower, upper, total, unit
        As the item has them.
    """

    text: str
    form: Form
    stem: str = ""
    before: str = ""
    about: str = ""
    statements: tuple[str, ...] = ()
    number: int = 0
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    instruction: str = ""
    lower: float | None = None
    upper: float | None = None
    total: float | None = None
    unit: str = ""

    @property
    def words(self) -> str:
        """The item as text: lead-in, wording or grid, options."""
        listed = "\n".join(f"{k}. {statement}" for k, statement in enumerate(self.statements, start=1))
        asked = f"Your answer to statement {self.number}: {self.text}" if self.statements else ""
        parts = (self.stem, listed or self.text, self._listed_options, asked)
        return "\n\n".join([part for part in parts if part])

    @property
    def _listed_options(self) -> str:
        if self.labels:
            return "\n".join([f"{k}. {option}" for k, option in zip(self.labels, self.options, strict=True)])
        return "Options:\n" + "\n".join([f"- {option}" for option in self.options]) if self.options else ""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One item put to one subject under one condition: a place, what is sent, and how it is read.

    `answerer` names which of a study's engines answers, where it has several. `facts` are things a scripted
    rule may use (a subject's traits, a rival's last move); they are never sent to a model. `card` is what is shown,
    where the design has it apart from what is sent.
    """

    place: Place
    request: Request
    reply: Reply
    answerer: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    card: ShowCard | None = field(default=None, compare=False, repr=False)

    @once
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
        Nats, one per continuation or premise, in the order sent.
    token_counts : tuple of int
        Tokens of each continuation, for the length-normalised rule.
    given : tuple or None
        ``(answer, status)`` in terms of the instrument as written.
    probs : tuple of float or None
        Beside `given`: how likely it holds each option, as written; sums to 1. `given` is its answer all the same.
    finish : {"stop", "length"}
        Why writing ended.
    is_estimated : bool
        Whether tokens are estimated, because what answered does not count them.
    by : str
        Address of who really answered, where it is not the engine that was asked: a person's place was taken.
    took_s : float or None
        Seconds until it came, where it came alone: from a person at a page, or from a server.
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
    is_estimated: bool = False
    probs: tuple[float, ...] | None = None
    by: str = ""
    took_s: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        log_probs = self.log_probs
        if (self.text, log_probs, self.given, self.error).count(None) != 3:
            raise EngineError("a completion holds exactly one of text, log_probs, given and error")
        # A NaN is not at most anything, wherever it stands.
        if log_probs is not None and not (log_probs and all([x <= 1e-3 for x in log_probs])):
            raise EngineError(f"log-probabilities must be numbers of at most 0, got {self.log_probs}")
        if self.probs is not None:
            if self.given is None:
                raise EngineError("probabilities stand beside an answer that is given outright; give both")
            if not all([p >= 0 for p in self.probs]) or not abs(sum(self.probs) - 1.0) <= 1e-6:
                raise EngineError(f"probabilities must be at least 0 and sum to 1, got {self.probs}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What one subject gave back on one trial, as stored; `answer` is None unless `status` is "valid".

    Attributes
    ----------
    request : str
        Hash of everything the engine was sent.
    status : Status
        One of seven dispositions; "dont_know" is a don't-know option that was offered and taken, "left" the page on
        which a person left the study.
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
    chosen : str or None
        Text of the option chosen, where the options depend on the situation: the option asked at that index is not
        the item's own.
    is_estimated : bool
        Whether its tokens are estimated, because what answered does not count them.
    took_s : float or None
        As in `Completion`; no part of what two equal responses have in common, and read from the journal only.
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
    chosen: str | None = None
    is_estimated: bool = False
    took_s: float | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise DesignError(f"status {self.status!r} is none of {', '.join(STATUSES)}")
        if (self.answer is None) == (self.status == "valid"):
            raise DesignError(f"{self.place.id}: answer {self.answer!r} does not go with status {self.status!r}")
        if self.probs is not None and not abs(sum(self.probs) - 1.0) <= 1e-6:
            raise DesignError(f"{self.place.id}: probabilities sum to {sum(self.probs)}, not 1")

"""Reading what came back: log-probabilities or a text become an answer, or the reason why there is none."""

import math
import re
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Any, NamedTuple

from proband.errors import EngineError
from proband.instruments import phrases
from proband.instruments.amounts import as_allocation, as_distribution, find_amounts
from proband.instruments.choices import ASIDE, TOGETHER, Choice, Finder, find_choice, finder_for, is_denied
from proband.instruments.extraction import Unfound, record_in, spans_in
from proband.instruments.listings import find_ranking, find_several
from proband.instruments.numerals import DENOMINATOR, Number, is_joined, numbers_in, without_scale
from proband.instruments.patterns import patterns
from proband.instruments.phrases import (
    FILLER,
    OPINION,
    RETRACTION,
    declines,
    pleads_ignorance,
    speaks_as_machine,
    statements,
)
from proband.records import Answer, Completion, Reply, Response, Status, Trial
from proband.seeds import uniform_for

READER = "2"
"""Version of the reading rules; runs record it, and it grows when a reply comes to be read otherwise."""

_SHORT = 200  # characters of a reply that is likely to come again
_SHAPE = ("form", "method", "options", "labels", "order", "dont_know", "lower", "upper", "total")
_shape_of = attrgetter(*_SHAPE)

_NUMBER_LEAD, _NUMBER_END = patterns("number_lead", "number_end")
_NUMBER_LAST, _NUMBER_OFFERED = patterns("number_last", "number_offered")
_AND_ALSO = re.compile(r"\b(?:and|or|but|sometimes)\s+[$€£¥]?\Z", re.I)
_SENTENCES = re.compile(r"[.!?](?=\s)|\n")


class _Reading(NamedTuple):
    """What a completion was read as."""

    status: Status
    answer: Answer = None
    probs: tuple[float, ...] | None = None
    mass: float | None = None
    error: str | None = None


def read(completion: Completion, trial: Trial, engine: str) -> Response:
    """The response that a completion is.

    Parameters
    ----------
    completion : Completion
        What the engine gave back: log-probabilities, text, an answer outright, or an error.
    trial : Trial
        Its `reply` says in which form and order the options were shown and how one answer is taken.
    engine : str
        Address of what answered.

    Returns
    -------
    Response
        `answer` holds indices into the options as written, never as shown. What cannot be read has no answer
        and a status that says why; nothing is guessed.

    Notes
    -----
    `option_text` is the softmax of the summed log-probabilities of the option texts, `option_text_mean` that
    of their per-token means, `label` that of the labels', `channel` that of one text under each option's
    description. `mass` is the probability of all options together before they were made to sum to 1; a per-token
    mean and a channel have none. A reply that ends at the token limit is read
    only where what would have followed could not change it.

    Examples
    --------
    >>> from proband.records import Message, Place, Request
    >>> trial = Trial(
    ...     place=Place(subject="s1", item="vote"),
    ...     request=Request(messages=(Message("user", "Clinton or Dole?"),), max_tokens=5),
    ...     reply=Reply(form="choice", method="written", options=("Dole", "Clinton"), order=(1, 0)),
    ... )
    >>> read(Completion(text="I would vote for Clinton."), trial, "scripted:x").answer
    0
    """
    reply = trial.reply
    reading = _read(completion, reply)
    return Response(
        place=trial.place,
        request=trial.request.hash,
        rule=reply.rule,
        status=reading.status,
        answer=reading.answer,
        probs=reading.probs,
        mass=reading.mass,
        text=completion.text,
        log_probs=completion.log_probs,
        token_counts=completion.token_counts,
        error=reading.error,
        order=reply.order,
        engine=completion.by or engine,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        attempts=completion.attempts,
        is_estimated=completion.is_estimated,
        took_s=completion.took_s,
    )


def _read(completion: Completion, reply: Reply) -> _Reading:
    if completion.error is not None:
        return _Reading(status="failed", error=completion.error)
    if completion.given is not None:
        answer, status = completion.given
        is_choice = reply.form in ("choice", "scale") and status == "valid"
        if is_choice and not (isinstance(answer, int) and 0 <= answer < len(reply.options)):
            return _Reading(status="failed", error=f"answer {answer!r} is no index of {len(reply.options)} options")
        if completion.probs is not None and len(completion.probs) != len(reply.options):
            n = len(completion.probs)
            return _Reading(status="failed", error=f"{n} probabilities were given for {len(reply.options)} options")
        return _Reading(status=status, answer=answer, probs=completion.probs)
    if completion.log_probs is not None:
        try:
            return _read_log_probs(completion, reply)
        except EngineError as error:
            return _Reading(status="failed", error=str(error))
    text = completion.text or ""
    is_cut = completion.finish == "length"
    if reply.form in ("record", "spans"):
        reading = _read_extract(phrases.without_thought(text), reply)
    elif len(text) <= _SHORT and reply.method != "verbalised":  # a distribution is decided on by place
        reading = _read_again(text, is_cut, _shape_of(reply))
    else:
        reading = _read_text(text, reply, is_cut=is_cut)
    return _Reading(status="truncated") if reading.status == "unparsed" and is_cut else reading


@lru_cache(4096)
def _read_again(text: str, is_cut: bool, shape: tuple[Any, ...]) -> _Reading:
    """`_read_text` of a short reply: most of them come again and again, and reading them takes the longest."""
    return _read_text(text, Reply(**dict(zip(_SHAPE, shape, strict=True))), is_cut=is_cut)


def _read_log_probs(completion: Completion, reply: Reply) -> _Reading:
    """Probabilities of the options as written, and the one decided on."""
    shown = completion.log_probs or ()
    n = len(reply.options)
    if len(shown) != n:
        raise EngineError(f"the engine scored {len(shown)} continuations for {n} options; it must score each once")
    mass: float | None = math.fsum(map(math.exp, shown))
    if reply.method == "option_text_mean":
        counts = completion.token_counts
        if len(counts) != n or min(counts) < 1:
            raise EngineError(
                f"a per-token mean needs the tokens of each of {n} options, got {counts}; use 'option_text'"
            )
        shown, mass = tuple(x / count for x, count in zip(shown, counts, strict=True)), None
    elif reply.method == "channel":  # of the text, not of the options
        mass = None
    top = max(shown)
    if top == -math.inf:
        raise EngineError("every option has probability 0; the engine did not score these continuations")
    weights = [math.exp(x - top) for x in shown]
    total = math.fsum(weights)
    written = [0.0] * n
    for weight, index in zip(weights, reply.order, strict=True):
        written[index] = weight / total
    return _decided(tuple(written), reply, mass=mass)


def _as_written(shown: list[float] | tuple[float, ...], reply: Reply) -> tuple[float, ...]:
    """Numbers in the order shown, put in the order written."""
    written = [0.0] * len(shown)
    for place, index in enumerate(reply.order):
        written[index] = shown[place]
    return tuple(written)


def _decided(probs: tuple[float, ...], reply: Reply, *, mass: float | None) -> _Reading:
    """One option out of a distribution: the most probable (the first of equals), or drawn by place."""
    if reply.decide == "mode":
        index = max(range(len(probs)), key=lambda k: (probs[k], -k))
    else:
        # Inverse of the cumulative distribution over the options as written.
        uniform = uniform_for(reply.seed, "decide")
        index = bisect_right(list(accumulate(probs)), uniform)
        if index == len(probs):  # sums of rounded numbers may end below the draw
            index = max(k for k, prob in enumerate(probs) if prob > 0)
    if index in reply.dont_know:
        return _Reading(status="dont_know", probs=probs, mass=mass)
    return _Reading(status="valid", answer=index, probs=probs, mass=mass)


def _read_text(text: str, reply: Reply, *, is_cut: bool) -> _Reading:
    """The answer of a written reply."""
    simple = phrases.plain(text)
    if reply.form == "text":
        return _read_open(phrases.without_thought(text), simple, is_cut=is_cut)
    if reply.form == "number":
        return _read_number(simple, reply, is_cut=is_cut)
    finder = finder_for(reply.options, reply.labels)
    if reply.form in ("choice", "scale"):
        if reply.method == "verbalised":
            return _read_distribution(simple, reply, finder)
        return _read_choice(simple, reply, finder, is_cut=is_cut)
    if reply.form == "multiple":
        return _read_several(simple, reply, finder, is_cut=is_cut)
    if reply.form == "ranking":
        places = find_ranking(simple, finder)
        return _unanswered(simple) if places is None else _valid(tuple(reply.order[k] for k in places))
    return _read_allocation(simple, reply, finder)


def _read_choice(text: str, reply: Reply, finder: Finder, *, is_cut: bool) -> _Reading:
    choice = find_choice(text, finder)
    if choice.shown is None or not _outweighs_refusal(choice, text):
        return _unanswered(text)
    if is_cut and (choice.strength == 1 or (choice.is_at_end and finder.is_beginning(choice.shown))):
        return _Reading(status="truncated")
    index = reply.order[choice.shown]
    return _Reading(status="dont_know") if index in reply.dont_know else _valid(index)


def _outweighs_refusal(choice: Choice, text: str) -> bool:
    """Whether a choice is clear enough to stand beside words that decline or know nothing."""
    if choice.strength == 3:
        return True
    if declines(text) or pleads_ignorance(text):
        return False
    return choice.strength == 2 or not speaks_as_machine(text)


def _read_distribution(text: str, reply: Reply, finder: Finder) -> _Reading:
    n, is_percent = len(reply.options), "%" in text or "percent" in text.casefold()
    ways = (as_distribution(amounts, n, is_percent=is_percent) for amounts in find_amounts(text, finder))
    readings = {way for way in ways if way is not None}
    if len(readings) != 1:
        return _unanswered(text)
    return _decided(_as_written(readings.pop(), reply), reply, mass=None)


def _read_several(text: str, reply: Reply, finder: Finder, *, is_cut: bool) -> _Reading:
    substantive = tuple(k for k, index in enumerate(reply.order) if index not in reply.dont_know)
    places = find_several(text, finder, every=substantive)
    # A list that was cut off may lack its end.
    if places is None or is_cut or (places and declines(text)):
        return _unanswered(text)
    chosen = tuple(sorted(reply.order[k] for k in places))
    ignorant = [index for index in chosen if index in reply.dont_know]
    if ignorant and len(ignorant) < len(chosen):
        return _Reading(status="unparsed")
    return _Reading(status="dont_know") if ignorant else _valid(chosen)


def _read_allocation(text: str, reply: Reply, finder: Finder) -> _Reading:
    n, total = len(reply.options), reply.total
    if total is None:
        return _unanswered(text)
    text = without_scale(text, total)
    readings = {a for amounts in find_amounts(text, finder) if (a := as_allocation(amounts, n, total)) is not None}
    return _valid(_as_written(readings.pop(), reply)) if len(readings) == 1 else _unanswered(text)


def _read_extract(text: str, reply: Reply) -> _Reading:
    """A record or spans, as JSON text; what the document does not hold is not taken from a reply."""
    try:
        return _valid(record_in(text, reply) if reply.form == "record" else spans_in(text, reply))
    except Unfound as why:
        simple = phrases.fold(text)
        return _unanswered(simple)._replace(error=str(why)) if why.is_no_json else _Reading("unparsed", error=str(why))


def _read_open(text: str, simple: str, *, is_cut: bool) -> _Reading:
    answer = text.strip()
    if not answer:
        return _Reading(status="unparsed")
    if declines(simple[:300]) and (speaks_as_machine(simple) or len(simple.split()) <= 25):
        return _Reading(status="refused")
    if pleads_ignorance(simple) and len(simple.split()) <= 6:
        return _Reading(status="dont_know")
    return _Reading(status="truncated") if is_cut else _valid(answer)


def _read_number(text: str, reply: Reply, *, is_cut: bool) -> _Reading:
    text = without_scale(text, reply.upper)
    number, is_stated = _the_number(text)
    if number is not None and DENOMINATOR.match(text, number.end):  # of another whole than the scale's
        return _unanswered(text)
    if number is None or number.value is None or (not is_stated and (declines(text) or pleads_ignorance(text))):
        return _unanswered(text)
    if is_cut and not text[number.end :].strip():
        return _Reading(status="truncated")
    value = number.value
    if (reply.lower is not None and value < reply.lower) or (reply.upper is not None and value > reply.upper):
        return _Reading(status="unparsed")
    # "- 5" is five behind a bullet, unless it may be minus five.
    if number.is_dashed and value != 0 and (reply.lower is None or -value >= reply.lower):
        return _Reading(status="unparsed")
    return _valid(value) if math.isfinite(value) else _Reading(status="unparsed")


def _the_number(text: str) -> tuple[Number | None, bool]:
    """The number a text gives as its answer, and whether it states it as such."""
    numbers = [number for number, denied in _judged(text, numbers_in(text)) if not denied]
    for statement in reversed(statements(text)):
        if stated := _number_at(text, statement.end(), numbers):
            return _kept(stated[0], text, numbers, is_stated=True), True
    opinions = [found for match in OPINION.finditer(text) if (found := _number_at(text, match.end(), numbers))]
    if numbers and _NUMBER_LEAD.fullmatch(text[: numbers[0].start]) and _NUMBER_END.match(text, numbers[0].end):
        opinions.append([numbers[0]] if not is_joined(text, numbers[0], numbers) else [None])
    values = {found[0].value if found[0] else None for found in opinions}
    if values:
        return (_kept(opinions[0][0], text, numbers, is_stated=False) if len(values) == 1 else None), True
    distinct = {number.value for number in numbers}
    return (numbers[0] if len(distinct) == 1 else None), False


def _judged(text: str, numbers: list[Number]) -> list[tuple[Number, bool]]:
    """Numbers, and whether each is denied, alone or with the one that it is joined to."""
    denied = [is_denied(text, number.start, number.end) for number in numbers]
    joined = [TOGETHER.fullmatch(text[one.end : other.start]) is not None for one, other in pairwise(numbers)]
    for k in [*range(len(joined)), *range(len(joined) - 1, -1, -1)]:
        if joined[k] and (denied[k] or denied[k + 1]):
            denied[k] = denied[k + 1] = True
    return list(zip(numbers, denied, strict=True))


def _kept(chosen: Number | None, text: str, numbers: list[Number], *, is_stated: bool) -> Number | None:
    """The number chosen, unless a later one may be meant: one that ends a sentence, or follows words of doubt.

    Behind "my answer is" what else is told explains it.
    """
    if chosen is None:
        return None
    for other in numbers:
        if other.start < chosen.end or other.value == chosen.value:
            continue
        if _NUMBER_OFFERED.fullmatch(text[chosen.end : other.start]) or RETRACTION.search(
            text, chosen.end, other.start
        ):
            return None
        sentence = _SENTENCES.split(text[chosen.end : other.start])[-1]
        is_told = is_stated and re.search(r"[^\W\d]", sentence) is not None
        if not ASIDE.search(sentence) and not is_told and _NUMBER_LAST.match(text, other.end):
            return None
        if len(sentence) == other.start - chosen.end and not ASIDE.search(sentence) and _AND_ALSO.search(sentence):
            return None
    return chosen


def _number_at(text: str, start: int, numbers: list[Number]) -> list[Number | None]:
    """The number right after a cue: empty without one, [None] where it is half of a range."""
    filler = FILLER.match(text, start)
    start = filler.end() if filler else start
    for number in numbers:
        if start <= number.start and not text[start : number.start].strip(" $€£¥\"'(["):
            return [None] if is_joined(text, number, numbers) else [number]
    return []


def _valid(answer: Answer) -> _Reading:
    return _Reading(status="valid", answer=answer)


def _unanswered(text: str) -> _Reading:
    """Why a reply without a readable answer has none."""
    if declines(text):
        return _Reading(status="refused")
    if pleads_ignorance(text):
        return _Reading(status="dont_know")
    return _Reading(status="refused" if speaks_as_machine(text) else "unparsed")

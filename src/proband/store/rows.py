"""A response as one row of the journal, and back."""

import json
import struct
from functools import lru_cache
from typing import Any

from proband.errors import DamagedRun, DesignError
from proband.records import Answer, Place, Response

COLUMNS = (
    "trial, request, status, rule, answer, probs, mass, text, log_probs, token_counts, error, shown, engine, "
    "prompt_tokens, completion_tokens, attempts, chosen, estimated"
)
Row = tuple[Any, ...]  # in the order of COLUMNS

_SHORT = 64  # characters of an answer that is likely to come again


def row_of(response: Response) -> Row:
    """A response as one row; probabilities are packed as doubles, other lists stand as JSON."""
    answer, probs, log_probs = response.answer, response.probs, response.log_probs
    return (
        response.place.id,
        response.request,
        response.status,
        response.rule,
        answer if answer is None else _whole(answer) if type(answer) is int else _written(answer),
        None if probs is None else struct.pack(f"<{len(probs)}d", *probs),
        response.mass,
        response.text,
        None if log_probs is None else struct.pack(f"<{len(log_probs)}d", *log_probs),
        _written_counts(response.token_counts) if response.token_counts else None,
        response.error,
        _written_counts(response.order) if response.order else None,
        response.engine,
        response.prompt_tokens,
        response.completion_tokens,
        response.attempts,
        response.chosen,
        response.is_estimated,
    )


class Kept(Response):
    """A response in its row: what processes ask about is read at once, the rest when it is looked at."""

    __slots__ = ("_row",)
    _row: Row

    def __getattr__(self, name: str) -> Any:
        """What was not read yet."""
        value = getattr(response_of(self._row, self.place), name)
        object.__setattr__(self, name, value)
        return value


def kept(row: Row, place: Place) -> Response:
    """What `response_of` gives, at a fraction of its cost; it was checked before it was stored."""
    response, put = Kept.__new__(Kept), object.__setattr__
    put(response, "_row", row)
    put(response, "place", place)
    put(response, "request", row[1])
    put(response, "status", row[2])
    put(response, "rule", row[3])
    try:
        put(response, "answer", row[4] if row[4] is None else read_answer(row[4]))
    except (ValueError, TypeError, RecursionError) as why:
        raise _strange(row[0], why) from None
    return response


def response_of(row: Row, place: Place | None = None) -> Response:
    """The response that `row_of` wrote; cheaper where its place is known.

    Raises
    ------
    DamagedRun
        If the row is not one that `row_of` writes.
    """
    (trial, request, status, rule, answer, probs, mass, text, log_probs, counts, error, shown, engine, *rest) = row
    try:
        return Response(
            place=place or Place.from_id(trial),
            request=request,
            status=status,
            rule=rule,
            answer=None if answer is None else read_answer(answer),
            probs=None if probs is None else _read_numbers(probs),
            mass=mass,
            text=text,
            log_probs=None if log_probs is None else _read_numbers(log_probs),
            token_counts=() if counts is None else _read_counts(counts),
            error=error,
            order=() if shown is None else _read_counts(shown),
            engine=engine,
            prompt_tokens=rest[0],
            completion_tokens=rest[1],
            attempts=rest[2],
            chosen=rest[3],
            is_estimated=rest[4] == 1,
        )
    except (ValueError, TypeError, AttributeError, RecursionError, struct.error, DesignError) as why:
        raise _strange(trial, why) from None


def _strange(trial: object, why: Exception) -> DamagedRun:
    return DamagedRun(f"damaged: response {trial!r} is not as it was stored ({why}); see `proband doctor RUN`")


def read_answer(text: str) -> Answer:
    """The answer that a row holds."""
    return _read_short(text) if len(text) < _SHORT else _read_any(text)


def packed(value: str | bytes | None) -> bytes | None:
    """Doubles as `row_of` packs them; a row of schema 1 holds them as JSON."""
    if not isinstance(value, str):
        return value
    numbers = json.loads(value)
    return struct.pack(f"<{len(numbers)}d", *numbers)


def _read_numbers(value: str | bytes) -> tuple[float, ...]:
    if isinstance(value, str):
        return tuple(json.loads(value))
    return struct.unpack(f"<{len(value) // 8}d", value)


def _read_any(text: str) -> Answer:
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value


_read_short = lru_cache(4096)(_read_any)


@lru_cache(4096)
def _read_counts(text: str) -> tuple[int, ...]:
    return tuple(json.loads(text))


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


@lru_cache(4096)
def _whole(number: int) -> str:
    return str(number)


@lru_cache(4096)
def _written_counts(counts: tuple[int, ...]) -> str:
    return _written(counts)

"""The door of the measures: settings are checked before a measure begins, and what failed is explained after.

A measure looks at its own data. What all of them share stands here once: a setting is of the type and among the choices
its signature names, a level of confidence is a share; and where an argument could not be read (words for numbers, rows
of different lengths), the error names it and says what is wanted. What nothing in the arguments explains is a fault
of the measure and goes through as it is.
"""

import inspect
import math
import types
from collections.abc import Callable, Iterator, Mapping
from functools import cache, wraps
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from proband.errors import DataError, DesignError, meant

_MOST = 10**9  # draws, folds, starts: nobody waits for more
_PLAIN = (str, bool, Real, type(None), np.generic)


def checked(measure: Callable[..., Any], name: str, room: str) -> Callable[..., Any]:
    """A public function of a room, with its settings checked and its failures explained.

    Raises
    ------
    DesignError
        From the function: if a setting is of another type, or none of its choices.
    DataError
        From the function: if it failed because of an argument that this can name.
    """

    @wraps(measure)
    def at_the_door(*args: Any, **given: Any) -> Any:
        names = _names(measure)
        if unknown := [key for key in given if key not in names and not _spreads(measure)]:
            there = ", ".join(names)
            raise DesignError(f"{name} has no setting {unknown[0]!r}{meant(unknown[0], names)}; it has {there}")
        arguments = dict(zip(names, args, strict=False)) | given
        for parameter, hints in _settings(measure).items():
            if parameter in arguments:
                _check_setting(name, parameter, arguments[parameter], hints)
        try:
            return measure(*args, **given)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # What lacks an argument says so itself.
            is_whole = _required(measure) <= set(arguments)
            if is_whole and (fault := _fault(arguments, _hints(measure), error)):
                raise DataError(f"{name}: {fault}") from error
            raise

    # Where a pickle looks for it.
    at_the_door.__module__, at_the_door.__qualname__ = room, name
    return at_the_door


@cache
def _names(measure: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(measure).parameters)


@cache
def _spreads(measure: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(measure).parameters.values())


@cache
def _required(measure: Callable[..., Any]) -> set[str]:
    spread = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    found = inspect.signature(measure).parameters.items()
    return {name for name, p in found if p.default is p.empty and p.kind not in spread}


@cache
def _hints(measure: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(measure)


@cache
def _settings(measure: Callable[..., Any]) -> dict[str, Any]:
    """Parameters that are plain settings, with the plain types and choices each may have."""
    plain = {name: _alternatives(hint) for name, hint in _hints(measure).items() if name != "return"}
    simple = (int, float, bool, str, type(None), np.random.Generator)
    return {
        name: hints
        for name, hints in plain.items()
        if all(hint in simple or get_origin(hint) is Literal for hint in hints)
    }


def _alternatives(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(inner for part in get_args(hint) for inner in _alternatives(part))
    return (hint,)


def _check_setting(measure: str, name: str, value: Any, hints: tuple[Any, ...]) -> None:
    choices = [choice for hint in hints if get_origin(hint) is Literal for choice in get_args(hint)]
    if any(_is_a(value, hint) for hint in hints) or (_is_hashable(value) and value in choices):
        if name == "level" and not 0 < value < 1:
            as_share = f"; write {value / 100:g}" if 1 < value < 100 else ""
            raise DesignError(f"{measure}: level is {value}, not a share between 0 and 1{as_share}, e.g. 0.95")
        if isinstance(value, int) and abs(value) > _MOST:
            raise DesignError(f"{measure}: {name} is above {_MOST:,}; give a smaller number")
        return
    words = {int: "a whole number", float: "a number", bool: "True or False", str: "a text", type(None): "None"}
    near = meant(str(value)[:80], map(str, choices))
    named = [f"one of {', '.join(map(str, choices))}{near}"] if choices else []
    types_ = [words.get(hint, "a numpy random generator") for hint in hints if get_origin(hint) is not Literal]
    wanted = " or ".join([*named, *types_])
    raise DesignError(f"{measure}: {name} is {_short(value)}; give {wanted}")


def _is_a(value: Any, hint: Any) -> bool:
    if hint is float:
        return isinstance(value, Real) and not isinstance(value, bool) and _is_finite(value)
    if hint is int:
        return isinstance(value, Integral) and not isinstance(value, bool)
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    return get_origin(hint) is not Literal and isinstance(value, hint)


def _is_hashable(value: Any) -> bool:
    return isinstance(value, str | int | float | type(None))


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:57]}..."


def _fault(arguments: Mapping[str, Any], hints: Mapping[str, Any], error: Exception) -> str:
    """What is wrong with an argument, if something is that could have made a measure fail so; else nothing."""
    for name, value in arguments.items():
        hint = hints.get(name)
        looks = (_of_type(value, hint), _lacks(value, hint, error), _of_shape(value), _of_content(value, error))
        if fault := next(filter(None, looks), ""):
            return f"{name} {fault}"
    return _of_lengths(arguments)


def _of_type(value: Any, hint: Any) -> str:
    """That something is no table, list or mapping where one is wanted."""
    kinds = {get_origin(part) or part for part in _alternatives(hint)}
    if kinds == {Mapping} and not isinstance(value, Mapping):
        return f"is {_short(value)}; give a mapping, by name"
    many = bool(kinds) and all(isinstance(kind, type) and not issubclass(kind, int | float | str) for kind in kinds)
    if many and isinstance(value, str | bytes | Real | complex):
        return f"is {_short(value)}; give a list or an array"
    if many and isinstance(value, Mapping) and Mapping not in kinds:
        return "is a mapping; give a list or an array"
    return "is None; give values" if value is None and type(None) not in kinds else ""


def _lacks(value: Any, hint: Any, error: Exception) -> str:
    """That a measure asked something for what another kind of thing has."""
    if not isinstance(error, AttributeError):
        return ""
    wanted = " or ".join(getattr(part, "__name__", str(part)) for part in _alternatives(hint))
    if value is error.obj:
        return f"is {_short(value)}; give {wanted}"
    within = value if isinstance(value, list | tuple) else ()
    return f"holds {_short(error.obj)}; give {wanted}" if any(inner is error.obj for inner in within) else ""


def _of_shape(value: Any) -> str:
    """That rows have different lengths, or that there is nothing."""
    rows = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(rows, list | tuple | np.ndarray):
        return ""
    if not np.size(rows) if isinstance(rows, np.ndarray) else not rows:
        return "is empty; give at least one value"
    if isinstance(rows, np.ndarray):
        return ""
    if len({len(row) if _is_row(row) else None for row in rows}) > 1:
        return "has rows of different lengths; give every row as many cells, with None for what is missing"
    return next(filter(None, map(_of_shape, rows)), "")


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray)


def _of_content(value: Any, error: Exception) -> str:
    """What an element is that cannot be counted with."""
    leaves = list(_leaves(value))
    for leaf in leaves:
        if not isinstance(leaf, _PLAIN) or isinstance(leaf, complex | bytes):
            return f"holds {_short(leaf)}, of type {type(leaf).__name__}; give numbers, or texts where they are labels"
        if isinstance(leaf, Integral) and abs(int(leaf)) > 2**63:
            return f"holds a whole number of {len(str(abs(int(leaf))))} digits; check how it was read"
    texts = [leaf for leaf in leaves if isinstance(leaf, str)]
    if texts and not isinstance(error, ArithmeticError):
        return f"holds text that means nothing here, e.g. {_short(texts[0])}; give numbers, or labels among those named"
    if "unhashable" in str(error) and _is_row(value) and any(map(_is_row, value)):
        return "is a table, or holds lists; give one value a unit"
    if any(leaf is None or leaf != leaf for leaf in leaves):
        return "has missing values; leave them out and report how many"
    numbers: list[Any] = [leaf for leaf in leaves if isinstance(leaf, int | float | np.number)]
    if not all(map(_is_finite, numbers)):
        return "has infinite values; check how they were read"
    return "has values beyond 1e100; give a larger unit" if any(abs(number) > 1e100 for number in numbers) else ""


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, np.ndarray):
        yield from value.ravel().tolist()
    else:
        yield value


def _of_lengths(arguments: Mapping[str, Any]) -> str:
    """That lists which belong together have different lengths."""
    sizes = {name: len(value) for name, value in arguments.items() if isinstance(value, list | tuple | np.ndarray)}
    if len(set(sizes.values())) < 2:
        return ""
    told = ", ".join(f"{name} {size}" for name, size in sizes.items())
    return f"lists of different lengths ({told}) or shapes do not go together; give one value a unit in each"

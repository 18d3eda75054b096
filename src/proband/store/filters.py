"""Which responses of a run are meant: conditions on the columns of its table, in one form for every place that asks.

A condition is written ``item=vote``, ``mass<=0.5``, ``text~honest``. The same conditions choose what a page shows, what
``proband export --where`` writes, and what a line of polars gives.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from proband.errors import StoreError, meant
from proband.identity import place_id

# No columns: the words of a request, the tokens of both directions together, and the seconds that an answer took.
SENT, TOKENS, TOOK = "sent", "tokens", "took_s"
_WRITTEN = re.compile(r"([^=<>~]+)(<=|>=|=|~)(.*)", re.DOTALL)
# Words of a request's JSON that are no words of its texts.
_FORM = (
    *("messages", "system", "user", "assistant", "continuations", "premises", "closes", "raw", "true", "false", "null"),
    *("max_tokens", "schema", "seed", "stop", "temperature", "top_p"),
)
Requests = Callable[[str], Iterable[str]]  # hashes of the requests whose text has these words
Took = Callable[[Literal["<=", ">="], float], Iterable[str]]  # places whose answers took so many seconds


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column has to be.

    Attributes
    ----------
    column : str
        Of the run's table; or ``sent``, which is what the engine was sent, ``tokens``, of prompt and reply together, or
        ``took_s``, the seconds that an answer took, where that is known.
    relation : {"=", "<=", ">=", "~"}
        Is it, at most, at least, or has these words in it, in upper or lower case. An empty value after ``=``
        stands for null.
    value : str
        As written.
    """

    column: str
    relation: str
    value: str

    def __str__(self) -> str:
        return f"{self.column}{self.relation}{self.value}"


def read_conditions(written: Iterable[str], columns: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Conditions as they were written, checked against the columns of the table and their types.

    Raises
    ------
    StoreError
        If one is no condition, its column is not there, or its value is not of the column's type.
    """
    return tuple([_read(text, columns) for text in written])


def _read(text: str, columns: Mapping[str, Any]) -> Condition:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise StoreError(f"{text!r} is no condition; write e.g. item=vote, mass<=0.5 or text~honest")
    found = Condition(match[1].strip(), match[2], match[3])
    if found.column not in (known := (*columns, SENT, TOKENS, TOOK)):
        raise StoreError(
            f"condition {text!r}: no column {found.column!r}{meant(found.column, known)}; there are {', '.join(known)}"
        )
    if isinstance(columns.get(found.column), pl.List):
        raise StoreError(f"condition {text!r}: {found.column} holds lists; choose a column of single values")
    is_text = found.column == SENT or columns.get(found.column) == pl.String
    if (found.column == SENT and found.relation != "~") or (found.relation == "~" and not is_text):
        raise StoreError(f"condition {text!r}: ~ looks for words in {SENT} and in columns of text, = for all else")
    if found.relation in ("<=", ">=") and is_text:
        raise StoreError(f"condition {text!r}: {found.column} holds texts, which are not more or less; use = or ~")
    if found.column == TOOK and (found.relation == "=" or not found.value):
        raise StoreError(f"condition {text!r}: seconds are at least or at most so many; write e.g. {TOOK}>=5")
    if not is_text and found.value != "":
        _number(found)
    return found


def _bound(condition: Condition) -> Literal["<=", ">="]:
    return "<=" if condition.relation == "<=" else ">="


def _number(condition: Condition) -> float | int:
    try:
        number = float(condition.value)
    except ValueError:
        raise StoreError(
            f"condition '{condition}': {condition.value!r} is no number, and {condition.column} holds numbers"
        ) from None
    if not math.isfinite(number):
        raise StoreError(f"condition '{condition}': NaN and infinity bound nothing; an empty value is what is missing")
    return int(number) if number == int(number) and abs(number) < 2**53 else number


def expression(conditions: Sequence[Condition], columns: Mapping[str, Any], requests: Requests, took: Took) -> pl.Expr:
    """The conditions as an expression on the run's table; all rows where there are none."""
    return pl.all_horizontal(pl.lit(True), *(_expression(one, columns, requests, took) for one in conditions))


def _expression(one: Condition, columns: Mapping[str, Any], requests: Requests, took: Took) -> pl.Expr:
    if one.column == SENT:
        return pl.col("request").is_in(list(requests(one.value)))
    if one.column == TOOK:
        return pl.col("trial").is_in(list(took(_bound(one), _number(one))))
    column = pl.col("prompt_tokens") + pl.col("completion_tokens") if one.column == TOKENS else pl.col(one.column)
    if one.relation == "~":
        return column.str.to_lowercase().str.contains(one.value.lower(), literal=True)
    if one.value == "":
        return column.is_null()
    value = one.value if columns.get(one.column) == pl.String else _number(one)
    return {"=": column.__eq__, "<=": column.__le__, ">=": column.__ge__}[one.relation](value)


def code(conditions: Sequence[Condition], columns: Mapping[str, Any]) -> str:
    """The line of Python that gives the rows which `expression` chooses, of a run that is called ``run``."""
    parts = [_code(one, columns) for one in conditions]
    return f"run.table().filter({', '.join(parts)})" if parts else "run.table()"


def _code(one: Condition, columns: Mapping[str, Any]) -> str:
    quoted = json.dumps(one.value, ensure_ascii=False)
    if one.column == SENT:
        return f'pl.col("request").is_in(run.requests_with({quoted}))'
    if one.column == TOOK:
        return f'pl.col("trial").is_in(run.took("{one.relation}", {_number(one)!r}))'
    name = json.dumps(one.column, ensure_ascii=False)
    column = '(pl.col("prompt_tokens") + pl.col("completion_tokens"))' if one.column == TOKENS else f"pl.col({name})"
    if one.relation == "~":
        words = json.dumps(one.value.lower(), ensure_ascii=False)
        return f"{column}.str.to_lowercase().str.contains({words}, literal=True)"
    if one.value == "":
        return f"{column}.is_null()"
    value = quoted if columns.get(one.column) == pl.String else repr(_number(one))
    return f"{column} {'==' if one.relation == '=' else one.relation} {value}"


def written(words: str) -> str:
    """Words as they stand in the JSON of a request, in lower case."""
    return json.dumps(words, ensure_ascii=False)[1:-1].lower()


def has_words(body: str, words: str) -> bool:
    """Whether the texts of a request have these words; what only its form says, such as ``system``, does not."""
    wanted = written(words)
    if wanted not in body.lower():
        return False
    if any(map(str.isalpha, wanted)) and not any(wanted in key for key in _FORM):
        return True  # only the texts can say so, and to read them costs more than all the rest
    sent = json.loads(body)
    texts = (
        [text for _, text in sent["messages"]] + list(sent.get("continuations", ())) + list(sent.get("premises", ()))
    )
    return any(words.lower() in text.lower() for text in texts)


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """What of some conditions a journal can look up by itself, so that fewer rows have to be read."""

    first: str = ""  # keys from here on, and before `last`
    last: str = "\U0010ffff"
    where: str = ""  # SQL, each condition after AND
    values: tuple[str, ...] = ()


def narrowing(conditions: Sequence[Condition]) -> Narrowing:
    """Keys and SQL that every row meets which meets the conditions; some that do not may meet them too."""
    first, last, where, values = "", "\U0010ffff", "", list[str]()
    for one in conditions:
        if one.relation == "=" and one.value and one.column == "subject":
            part = place_id(one.value, "-", (), 0, 0).partition("/")[0]
            first, last = max(first, f"{part}/"), min(last, f"{part}0")  # "0" comes after "/"
        elif one.relation == "=" and one.value and one.column == "item":
            part = place_id("-", one.value, (), 0, 0).split("/")[1]
            where, values = where + " AND instr(trial, ?) > 0", [*values, f"/{part}/"]
        elif one.relation == "=" and one.value and one.column in ("status", "engine", "request"):
            where, values = f"{where} AND {one.column} = ?", [*values, one.value]
        elif one.relation == "~" and one.column == "text" and one.value.isascii():
            where, values = where + " AND instr(lower(text), ?) > 0", [*values, one.value.lower()]
    return Narrowing(first=first, last=last, where=where, values=tuple(values))

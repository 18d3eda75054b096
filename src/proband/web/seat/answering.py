"""What a person put into a form, read as an answer; what cannot be taken comes back as a word for each field."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proband.records import Answer, Reply, ShowCard, Status

MOST_TEXT = 10_000  # characters of an answer in words
NONE, REFUSE = "none", "refuse"
Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An answer, or what is wrong with each field of the form: a name of a text, and what fills it."""

    given: tuple[Answer, Status] | None = None
    wrong: Mapping[str, tuple[str, Mapping[str, object]]] = field(default_factory=dict)


def taken(card: ShowCard, reply: Reply, form: Form) -> Taken:
    """Read a form by the widget of its item."""
    reader = {
        "choice": _one, "scale": _one, "multiple": _several, "number": _number, "allocation": _parts,
        "ranking": _ranking, "text": _text,
    }[card.form]  # fmt: skip
    return reader(card, reply, form)


def arranged(form: Form, n: int) -> list[int]:
    """The order of a ranking as the form has it, after the button that was pressed: shown positions, first to last."""
    try:
        order = [int(k) for k in form.get("order", [""])[0].split(",")]
    except ValueError:
        order = []
    if sorted(order) != list(range(n)):
        order = list(range(n))
    way, _, at = form.get("move", [""])[0].partition(" ")
    if at.isascii() and at.isdigit() and way in ("up", "down"):
        k = int(at)
        other = k - 1 if way == "up" else k + 1
        if 0 <= k < n and 0 <= other < n:
            order[k], order[other] = order[other], order[k]
    return order


def _wrong(why: str, at: str = "answer", **filled: object) -> Taken:
    return Taken(wrong={at: (why, filled)})


def _positions(form: Form, n: int) -> list[int] | None:
    """Positions that were marked; None where a value is none."""
    marked = form.get("answer", [])
    if not all(value.isascii() and value.isdigit() and int(value) < n for value in marked):
        return None
    return [int(value) for value in marked]


def _one(card: ShowCard, reply: Reply, form: Form) -> Taken:
    marked = _positions(form, len(card.options))
    if not marked or len(marked) > 1:
        return _wrong("please_answer")
    index = reply.order[marked[0]]
    return Taken(given=(None, "dont_know") if index in reply.dont_know else (index, "valid"))


def _several(card: ShowCard, reply: Reply, form: Form) -> Taken:
    is_none = NONE in form.get("answer", [])
    marked = _positions({"answer": [value for value in form.get("answer", []) if value != NONE]}, len(card.options))
    if marked is None or bool(marked) == is_none:
        return _wrong("none_or_some" if marked else "choose_some")
    indices = {reply.order[k] for k in marked}
    if indices and indices <= set(reply.dont_know):
        return Taken(given=(None, "dont_know"))
    return Taken(given=(tuple(sorted(indices)), "valid"))


def _number(card: ShowCard, reply: Reply, form: Form) -> Taken:
    value = number(form.get("answer", [""])[0])
    if value is None:
        return _wrong("no_number")
    if card.lower is not None and value < card.lower:
        return _wrong("too_small", lower=f"{card.lower:g}")
    if card.upper is not None and value > card.upper:
        return _wrong("too_large", upper=f"{card.upper:g}")
    return Taken(given=(value, "valid"))


def number(text: str) -> float | None:
    """A number as people write it, with a point or a comma, in whatever digits; None where it is none."""
    plain = "".join(
        str(unicodedata.digit(c)) if c.isdecimal() else "." if c in ",\u066b" else "-" if c == "\u2212" else c
        for c in text.strip()
    )
    try:
        value = float(plain) if plain.isascii() and set(plain) <= set("0123456789.+-") else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _parts(card: ShowCard, reply: Reply, form: Form) -> Taken:
    given = [form.get(f"part{k}", [""])[0] for k in range(len(card.options))]
    parts = [0.0 if not text.strip() else number(text) for text in given]
    wrong: dict[str, tuple[str, Mapping[str, object]]]
    wrong = {f"part{k}": ("no_number", {}) for k, part in enumerate(parts) if part is None}
    wrong |= {f"part{k}": ("negative", {}) for k, part in enumerate(parts) if part is not None and part < 0}
    if wrong:
        return Taken(wrong=wrong)
    total, found = card.total or 0.0, math.fsum(part or 0.0 for part in parts)
    if not math.isclose(found, total, rel_tol=1e-9, abs_tol=1e-6):
        return _wrong("sum", total=f"{total:g}", sum=f"{found:g}")
    amounts = [0.0] * len(parts)
    for k, part in enumerate(parts):
        amounts[reply.order[k]] = part or 0.0
    return Taken(given=(tuple(amounts), "valid"))


def _ranking(card: ShowCard, reply: Reply, form: Form) -> Taken:
    return Taken(given=(tuple([reply.order[k] for k in arranged(form, len(card.options))]), "valid"))


def _text(card: ShowCard, reply: Reply, form: Form) -> Taken:
    # Browsers send line ends as they are in forms; what is stored has those of everything else.
    text = form.get("answer", [""])[0].replace("\r\n", "\n").strip()
    if not text:
        return _wrong("empty")
    if len(text) > MOST_TEXT:
        return _wrong("too_long", most=f"{MOST_TEXT:,}", n=f"{len(text):,}")
    return Taken(given=(text, "valid"))

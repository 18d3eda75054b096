"""Items, scales and instruments: what is asked, in which words, and what counts as an answer."""

import hashlib
import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, get_args

from proband.errors import Gathering, InstrumentError
from proband.instruments.pipes import unfilled, unfilled_in_item
from proband.notebook import html_table
from proband.records import Form, RecordField

ARITY = {"choice": 2, "scale": 2, "multiple": 1, "allocation": 2, "ranking": 2, "spans": 1}
_LATER = {
    "pinned": None,
    "shows_braces": False,
    "fields": (),
}  # fields of 0.2, which items without them do not have in a hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Ask an item only if an earlier item was answered with one of `options` (indices as written)."""

    item: str
    options: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing asked.

    Attributes
    ----------
    id : str
        Unique in its instrument.
    text : str
        The wording. ``{subject:age}``, ``{answer:vote}`` and ``{factor:frame}`` are piped in when asked.
    form : Form
        choice (one of unordered options), scale (one of ordered options), multiple, number, allocation,
        ranking, text, record (fields taken from a document), spans (quotations of a document by option).
    stem : str
        Lead-in shared by a battery, shown before the text.
    options : tuple of str
        Option texts as written.
    codes : tuple of float
        Score of each option in scale points, in the order of `options`; default 1..K.
    values : tuple of int, float or str
        How each option is coded in a data file, in the order of `options`; default `codes`.
    column : str
        Column of a data file that holds people's answers; default the id.
    dont_know : tuple of int
        Indices of options that mean "don't know": offered, shown, but not substantive.
    lower, upper, total, unit
        Bounds of a number, what an allocation sums to, and the unit of either.
    ask_if : Rule or None
        Skip rule.
    about : tuple of str
        Persona columns that would give the answer away; they are left out when this item is asked.
    pinned : tuple of int or None
        Indices of options that keep their place in every order. None pins by rule those that speak of the others
        ("None of the above"), to the end; an empty tuple pins none.
    shows_braces : bool
        Whether braces that are no pipe are shown as they stand; otherwise they are refused.
    fields : tuple of RecordField
        What a record has.
    """

    id: str
    text: str
    form: Form
    stem: str = ""
    options: tuple[str, ...] = ()
    codes: tuple[float, ...] = ()
    values: tuple[int | float | str, ...] = ()
    column: str = ""
    dont_know: tuple[int, ...] = ()
    lower: float | None = None
    upper: float | None = None
    total: float | None = None
    unit: str = ""
    ask_if: Rule | None = None
    about: tuple[str, ...] = ()
    pinned: tuple[int, ...] | None = None
    shows_braces: bool = False
    fields: tuple[RecordField, ...] = ()

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise InstrumentError(f"item {self.id!r}: form {self.form!r} is none of {', '.join(get_args(Form))}")
        found = Gathering()
        with found.part():
            if not self.text.strip():
                raise InstrumentError(f"item {self.id!r}: no text; write the wording in `text`")
        with found.part():
            self._check_options()
        with found.part():
            self._check_bounds()
        with found.part():
            self._check_fields()
        found.settle()

    def _check_fields(self) -> None:
        if bool(self.fields) != (self.form == "record"):
            lack = "has no fields; name what it holds" if self.form == "record" else f"takes none ({self.form!r})"
            raise InstrumentError(f"item {self.id!r}: a record has fields, and this item {lack}")
        names = [field.name for field in self.fields]
        for field_ in self.fields:
            if names.count(field_.name) > 1 or not field_.name.strip():
                raise InstrumentError(f"item {self.id!r}: field {field_.name!r} is there twice or empty; rename it")
            if (len(field_.options) >= 2) != (field_.kind == "choice"):
                raise InstrumentError(
                    f"item {self.id!r}: field {field_.name!r} is of kind {field_.kind!r} and has "
                    f"{len(field_.options)} options; a choice has two and more, any other kind none"
                )

    def _check_options(self) -> None:
        n, least = len(self.options), ARITY.get(self.form, 0)
        if n < least:
            raise InstrumentError(
                f"item {self.id!r}: {n} options, but an item of form {self.form!r} needs at least {least}"
            )
        if self.form in ("number", "text", "record") and n:
            raise InstrumentError(f"item {self.id!r}: an item of form {self.form!r} takes no options")
        for name, given in (("key has {} codes", self.codes), ("{} values", self.values)):
            if given and len(given) != n:
                found = name.format(len(given))
                raise InstrumentError(f"item {self.id!r}: {found} for {n} options; give one for each option")
        if self.values and len(set(self.values)) != n:
            raise InstrumentError(
                f"item {self.id!r}: two options share a data value in {self.values}; give each its own"
            )
        substantive = n - len(set(self.dont_know))
        if n and substantive < least:
            raise InstrumentError(f"item {self.id!r}: {substantive} options besides don't-know; it needs {least}")
        folded = [unicodedata.normalize("NFC", option).casefold().strip() for option in self.options]
        for k, option in enumerate(folded):
            if not option or option in folded[:k]:
                raise InstrumentError(f"item {self.id!r}: option {k + 1} ({option!r}) is empty or there twice")
        for key, places in (("dont_know", self.dont_know), ("pinned", self.pinned or ())):
            if any(not 0 <= k < n for k in places):
                raise InstrumentError(f"item {self.id!r}: {key} {places} points outside {n} options")

    def _check_bounds(self) -> None:
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise InstrumentError(f"item {self.id!r}: lower {self.lower} is not below upper {self.upper}")
        if self.form == "allocation" and self.total is None:
            raise InstrumentError(f"item {self.id!r}: an allocation needs `total`, what its parts sum to")
        if self.total is not None and not self.total > 0:
            raise InstrumentError(f"item {self.id!r}: total is {self.total}; there must be something to divide")

    def problems(self) -> list[str]:
        """What it says that can mean nothing; an instrument with such an item is refused."""
        found = [] if self.shows_braces else unfilled_in_item(self.text, self.stem, self.options, self.unit)
        if not self.id.strip():
            found.append("its id is empty; name it")
        for key, name in (("id", self.id), ("column", self.column)):
            if name.strip() and (name != name.strip() or not name.isprintable()):
                found.append(f"{key} {name!r} begins or ends with a blank, or has a line end; write it without")
        if self.column and not self.column.strip():
            found.append("column is blank; name a column, or leave the key out")
        if self.form == "multiple" and len(self.options) < 2:
            found.append('1 option to choose several of; make it a choice between "Yes" and "No", or add options')
        codes = list(map(_code, self.values))
        if same := [value for k, value in enumerate(self.values) if codes[k] in codes[:k]]:
            found.append(f"values has {same[0]!r} twice, as a number and as text; give each option its own")
        for name, numbers in (("codes", self.codes), *((n, (getattr(self, n),)) for n in ("lower", "upper", "total"))):
            if any(number is not None and not math.isfinite(number) for number in numbers):
                found.append(f"{name} has a number that is not finite; write digits, or leave the key out")
        if self.ask_if and not self.ask_if.options:
            found.append("ask_if has no options, so it is never asked; name the answers after which it is, or drop it")
        if not all(column.strip() for column in self.about):
            found.append("about has an empty name; name a column, or leave the key out")
        return [f"item {self.id!r}: {problem}" for problem in found]

    def as_dict(self) -> dict[str, Any]:
        """The item as plain data, as it is noted and hashed: what was added later only where it is said."""
        later = [name for name, default in _LATER.items() if getattr(self, name) == default]
        return {name: value for name, value in asdict(self).items() if name not in later}

    @property
    def points(self) -> tuple[float, ...]:
        """Score of each option: `codes`, or 1..K."""
        return self.codes or tuple(float(k) for k in range(1, len(self.options) + 1))

    @property
    def data_values(self) -> tuple[int | float | str, ...]:
        """Code of each option in a data file: `values`, or `points`."""
        return self.values or self.points

    @property
    def data_column(self) -> str:
        """Column with people's answers: `column`, or the id."""
        return self.column or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Items that are scored together.

    Attributes
    ----------
    items : mapping of str to int
        Item id -> +1, or -1 where the item is reverse-keyed.
    min_valid : float
        Share of the items that must be answered for a score; fewer give no score.
    rule : {"mean", "sum"}
        A sum over fewer items than the scale has is prorated to its length.
    human : mapping
        Norms: ``mean``, ``sd``, ``alpha``, ``n`` and ``source``, where known.
    """

    id: str
    name: str
    items: Mapping[str, int]
    min_valid: float = 1.0
    rule: Literal["mean", "sum"] = "mean"
    human: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.items:
            raise InstrumentError(f"scale {self.id!r} has no items; name them with their key, 1 or -1")
        if not 0 < self.min_valid <= 1:
            raise InstrumentError(f"scale {self.id!r}: min_valid is {self.min_valid}, not a share above 0 and up to 1")


@dataclass(frozen=True, kw_only=True, repr=False)
class Instrument:
    """An ordered set of items with its key.

    Attributes
    ----------
    preamble : str
        Instructions shown before the first item.
    source, licence, language : str
        Citation with DOI where there is one; terms of use of the wording; BCP 47 tag.
    artefacts : str
        What is known of language models' behaviour on this instrument.
    """

    id: str
    title: str
    items: tuple[Item, ...]
    scales: tuple[Scale, ...] = ()
    preamble: str = ""
    source: str = ""
    licence: str = ""
    language: str = "en"
    artefacts: str = ""

    def __repr__(self) -> str:
        return f"Instrument {self.id!r}" + "".join(f"\n  {name}: {text}" for name, text in self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._rows(), ("instrument", self.title))

    def _rows(self) -> list[tuple[str, str]]:
        """What a reader wants to know first; empty facts are left out."""
        listed = ", ".join(item.id for item in self.items[:8]) + ", …" * (len(self.items) > 8)
        scales = ", ".join(scale.id for scale in self.scales)
        rows = [("title", self.title), ("items", f"{len(self.items)}: {listed}"), ("scales", scales)]
        return [(name, text) for name, text in (*rows, ("source", self.source), ("licence", self.licence)) if text]

    def __post_init__(self) -> None:
        if not self.items:
            raise InstrumentError(f"instrument {self.id!r} has no items")
        found = Gathering()
        known: dict[str, Item] = {}
        for item in self.items:
            with found.part():
                if item.id in known:
                    raise InstrumentError(f"instrument {self.id!r}: item id {item.id!r} is there twice; rename one")
                self._check_rule(item, known)
            if problems := item.problems():
                found.errors.append(InstrumentError(*problems))
            known.setdefault(item.id, item)
        if (braces := unfilled(self.preamble)) and not all(item.shows_braces for item in self.items):
            found.errors.append(
                InstrumentError(f"preamble has {braces!r}, and nothing is filled there; write the words out")
            )
        for scale in self.scales:
            with found.part():
                self._check_scale(scale, known)
        found.settle()

    def _check_scale(self, scale: Scale, known: Mapping[str, Item]) -> None:
        """Refuse a scale of items that are not there, or that have no score."""
        if [other.id for other in self.scales].count(scale.id) > 1:
            raise InstrumentError(f"instrument {self.id!r}: scale id {scale.id!r} is there twice; rename one")
        for id_, sign in scale.items.items():
            if id_ not in known:
                raise InstrumentError(f"scale {scale.id!r}: no item {id_!r} in instrument {self.id!r}")
            if sign not in (1, -1):
                raise InstrumentError(f"scale {scale.id!r}: item {id_!r} is keyed {sign!r}; write 1 or -1")
            score_range(known[id_], sign, scale.id)

    def _check_rule(self, item: Item, earlier: Mapping[str, Item]) -> None:
        """Refuse a skip rule that looks ahead, or at options that are not there."""
        rule = item.ask_if
        if rule is None:
            return
        if rule.item not in earlier:
            raise InstrumentError(f"item {item.id!r}: ask_if names {rule.item!r}, which is not an earlier item")
        before = earlier[rule.item]
        if before.form in ("allocation", "ranking", "record", "spans"):
            raise InstrumentError(
                f"item {item.id!r}: ask_if names {rule.item!r}, of form {before.form!r}, in which no option is chosen; "
                "name a choice, scale or multiple item"
            )
        n = len(before.options)
        if any(not 0 <= k < n for k in rule.options):
            raise InstrumentError(
                f"item {item.id!r}: ask_if options {rule.options} point outside the {n} options of {rule.item!r}"
            )

    def __getitem__(self, id: str) -> Item:
        """The item of that id."""
        for item in self.items:
            if item.id == id:
                return item
        there = ", ".join(item.id for item in self.items)
        raise InstrumentError(f"instrument {self.id!r} has no item {id!r}; it has {there}")

    @cached_property
    def hash(self) -> str:
        """32 hexadecimal digits over everything in the instrument."""
        facts = asdict(self) | {"items": [item.as_dict() for item in self.items]}
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def subset(self, ids: tuple[str, ...]) -> "Instrument":
        """The instrument cut to some items, in the order given; scales that lose an item are dropped."""
        scales = tuple(scale for scale in self.scales if set(scale.items) <= set(ids))
        return replace(self, items=tuple(self[id] for id in ids), scales=scales)


def score_range(item: Item, sign: int, scale: str) -> tuple[float, float]:
    """Smallest and largest score of an item, "don't know" aside; (0, 0) where nothing is flipped."""
    if item.form in ("choice", "scale"):
        points = [p for k, p in enumerate(item.points) if k not in item.dont_know]
        return min(points), max(points)
    if item.form != "number":
        raise InstrumentError(f"scale {scale!r}: item {item.id!r} of form {item.form!r} has no score; take it out")
    if sign == -1 and (item.lower is None or item.upper is None):
        raise InstrumentError(f"scale {scale!r}: item {item.id!r} is reverse-keyed, so it needs `lower` and `upper`")
    return (item.lower or 0.0, item.upper or 0.0) if sign == -1 else (0.0, 0.0)


def _code(value: int | float | str) -> str:
    """A code of a data file as it is compared: 1, 1.0 and "1" are one."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()

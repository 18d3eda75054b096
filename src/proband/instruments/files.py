"""Instruments from the catalogue, from TOML and CSV files, and from the inline items of a study file."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from proband.errors import Gathering, InstrumentError, meant
from proband.instruments.items import Instrument, Item, Rule, Scale
from proband.instruments.pipes import unfilled_in_item
from proband.shelves import Shelf

if TYPE_CHECKING:
    from proband.instruments.schema import InstrumentEntry, ItemEntry, OptionSet, ScaleEntry

_Part = TypeVar("_Part")
_NUMBERS = frozenset({"lower", "upper", "total"})
_LISTS = frozenset({"options", "codes", "values", "dont_know", "about", "pinned"})
_COLUMNS = (
    *("id", "text", "form", "stem", "options", "codes", "values", "column", "dont_know"),
    *("lower", "upper", "total", "unit", "about", "pinned", "shows_braces", "scale", "key"),
)
_CODING = ("codes", "values", "dont_know", "pinned")  # of options: what a shared set says of its own
# Keys that only some forms read; said of an item of another form, they would do nothing.
_READ_BY: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("lower", "upper"), frozenset({"number"})),
    "total": frozenset({"allocation"}),
    "unit": frozenset({"number", "allocation"}),
}

INSTRUMENTS: Shelf[Path | Instrument] = Shelf(
    what="instrument",
    group="proband.instruments",
    of=(Path, Instrument),
    folders=("proband.instruments.catalogue",),
    suffix=".toml",
    way_out="; a file of your own is given by its path, which ends in .toml or .csv",
    error=InstrumentError,
)


def catalogue() -> dict[str, str]:
    """Instruments of Proband and of packages beside it: name, and one line on each.

    Examples
    --------
    >>> catalogue()["mini-ipip"]
    'Mini-IPIP (20 items; Public domain (International Personality Item Pool, ipip.ori.org).)'
    """

    def line(found: Path | Instrument) -> str:
        instrument = found if isinstance(found, Instrument) else load_instrument(found)
        return f"{instrument.title} ({len(instrument.items)} items; {instrument.licence})"

    return INSTRUMENTS.lines(line)


def load_instrument(name_or_path: str | Path) -> Instrument:
    """An instrument of the catalogue, or one in a file.

    Parameters
    ----------
    name_or_path : str or Path
        A name in `catalogue`, or the path of a ``.toml`` or ``.csv`` file.

    Returns
    -------
    Instrument
        Checked whole: a key that covers its options, scales that name its items, skip rules that look back.

    Raises
    ------
    InstrumentError
        If there is no such instrument, or its file is wrong; the message names the file and the place in it.

    Examples
    --------
    >>> len(load_instrument("mini-ipip").items)
    20
    """
    # Imported late: a session that loads no instrument does not pay for pydantic.
    from proband.files import parsed, text_of

    name = str(name_or_path)
    path = Path(name_or_path)
    if path.suffix.lower() in (".toml", ".csv"):
        text = text_of(path, what="instrument file", error=InstrumentError)
        if path.suffix.lower() == ".csv":
            return _from_csv(text, path)
        return instrument_from_dict(parsed(text, name, error=InstrumentError), name)
    found = INSTRUMENTS.load(name)
    return found if isinstance(found, Instrument) else load_instrument(found)


def is_instrument_table(path: Path) -> bool:
    """Whether a CSV file is an instrument, by the names in its first line; if not, it holds data."""
    from proband.files import is_file, separator_of

    if not is_file(path):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(2**16).decode("utf-8-sig", "replace").partition("\n")[0]
    except (OSError, ValueError):
        return False
    return {"id", "text", "form"} <= {name.strip(' "\r') for name in head.split(separator_of(head, ","))}


def instrument_from_dict(data: Mapping[str, Any], where: str) -> Instrument:
    """An instrument from plain data with the keys of an instrument file.

    Parameters
    ----------
    data : mapping
        ``id``, ``items`` and, if wanted, ``title``, ``source``, ``licence``, ``language``, ``preamble``,
        ``artefacts``, ``defaults``, ``options`` and ``scales``.
    where : str
        What messages call the place it came from, e.g. the study file.

    Returns
    -------
    Instrument

    Raises
    ------
    InstrumentError
        If a key is unknown or missing, or the instrument does not hold together.

    Examples
    --------
    >>> item = {"id": "vote", "text": "Whom?", "form": "choice", "options": ["Clinton", "Dole"]}
    >>> instrument_from_dict({"id": "mine", "items": [item]}, "study.toml")["vote"].options
    ('Clinton', 'Dole')
    """
    from proband.files import checked, fitting
    from proband.instruments.schema import InstrumentEntry

    found = Gathering()
    entry: InstrumentEntry | None = None
    with found.part():
        entry = checked(InstrumentEntry, data, where, error=InstrumentError)
    # What is sound is looked at all the same: a file is mended once, not mistake by mistake.
    entry = entry or fitting(InstrumentEntry, data, needed=("defaults", "options"), id="?")
    try:
        made = None if entry is None else _instrument(entry, _ids(data))
    except InstrumentError as error:
        found.errors.append(InstrumentError(*error.problems, where=where))
        made = None
    found.settle()
    return cast(Instrument, made)  # nothing was refused


def _ids(data: Mapping[str, Any]) -> list[str]:
    """Ids of all items as written, sound or not: to name one of them is no mistake of its own."""
    items = data.get("items")
    return [str(item.get("id")) for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _instrument(entry: "InstrumentEntry", ids: Sequence[str]) -> Instrument:
    found, items, scales = Gathering(), list[Item](), list[Scale]()
    for item_entry in entry.items:
        with found.part():
            item = _with_defaults(item_entry, entry)
            earlier: dict[str, Item | None] = dict.fromkeys(ids[: ids.index(item.id)])
            items.append(_item(item, entry.options, earlier | {item.id: item for item in items}))
    for scale in entry.scales:
        with found.part():
            scales.append(_scale(scale))
    lost = set(ids) - {item.id for item in items}  # refused themselves: a scale does well to name them
    scales = [
        replace(scale, items=kept)
        for scale in scales
        if (kept := {id_: sign for id_, sign in scale.items.items() if id_ not in lost})
    ]
    if not items:  # nothing is left to look at, which is no mistake of its own
        found.settle()
    about = {name: getattr(entry, name).strip() for name in ("preamble", "source", "licence", "artefacts")}
    with found.part():
        made = Instrument(
            id=entry.id,
            title=entry.title or entry.id,
            items=tuple(items),
            scales=tuple(scales),
            language=entry.language,
            **about,
        )
    found.settle()
    return made


def _with_defaults(item: "ItemEntry", entry: "InstrumentEntry") -> "ItemEntry":
    form = item.form or entry.defaults.form
    for name in sorted(_READ_BY.keys() & item.model_fields_set):
        if form and form not in _READ_BY[name]:
            forms = " and ".join(sorted(_READ_BY[name]))
            raise InstrumentError(
                f"item {item.id!r}: {name} says nothing of form {form!r} (only of {forms}); take it out"
            )
    unset = {name: value for name, value in entry.defaults if value is not None and name not in item.model_fields_set}
    # A coding of the default options says nothing about options of the item's own.
    if "options" in item.model_fields_set:
        unset = {name: value for name, value in unset.items() if name not in _CODING}
    return item.model_copy(update=unset)


def _item(entry: "ItemEntry", sets: Mapping[str, "OptionSet"], earlier: Mapping[str, Item | None]) -> Item:
    if entry.form is None:
        raise InstrumentError(f"item {entry.id!r}: 'form' is missing; write e.g. form = \"scale\"")
    shared = sets.get(entry.options) if isinstance(entry.options, str) else None
    if isinstance(entry.options, str) and shared is None:
        names = ", ".join(sets) or "none"
        raise InstrumentError(f"item {entry.id!r}: no shared options {entry.options!r} in [options]; there are {names}")
    options = tuple(shared.texts if shared else entry.options or ())
    coding: dict[str, Any] = {name: getattr(shared, name, None) for name in _CODING}
    coding |= {name: own for name in coding if (own := getattr(entry, name)) is not None}
    found = Gathering()
    with found.part():
        if not entry.shows_braces and (
            wrong := unfilled_in_item(entry.text, entry.stem or "", options, entry.unit or "")
        ):
            raise InstrumentError(*(f"item {entry.id!r}: {problem}" for problem in wrong))
    with found.part():
        made = _made(entry, options, coding, earlier)
    found.settle()
    return made


def _made(
    entry: "ItemEntry", options: tuple[str, ...], coding: Mapping[str, Any], earlier: Mapping[str, Item | None]
) -> Item:
    return Item(
        text=entry.text.strip(),
        stem=(entry.stem or "").strip(),
        options=options,
        codes=tuple(map(float, coding["codes"] or ())),
        values=tuple(coding["values"] or ()),
        dont_know=_indices(coding["dont_know"] or (), options, f"item {entry.id!r}: dont_know"),
        unit=entry.unit or "",
        ask_if=_rule(entry, earlier),
        about=tuple(entry.about or ()),
        pinned=None if coding["pinned"] is None else _indices(coding["pinned"], options, f"item {entry.id!r}: pinned"),
        shows_braces=bool(entry.shows_braces),
        **{name: getattr(entry, name) for name in ("id", "form", "column", "lower", "upper", "total")},
    )


def _rule(entry: "ItemEntry", earlier: Mapping[str, Item | None]) -> Rule | None:
    if entry.ask_if is None:
        return None
    if entry.ask_if.item not in earlier:
        raise InstrumentError(
            f"item {entry.id!r}: ask_if names {entry.ask_if.item!r}, which is not an earlier item; "
            "put it before this one"
        )
    before = earlier[entry.ask_if.item]
    if before is None:  # that item was refused itself
        return None
    where = f"item {entry.id!r}: ask_if.options"
    return Rule(item=entry.ask_if.item, options=_indices(entry.ask_if.options, before.options, where))


def _indices(names: Sequence[int | str], options: tuple[str, ...], where: str) -> tuple[int, ...]:
    """Indices of options given by text, or by index from 0."""
    places = {option.casefold().strip(): k for k, option in enumerate(options)}
    indices = []
    for name in names:
        place = places.get(name.casefold().strip()) if isinstance(name, str) else name
        if place is None or not 0 <= place < len(options):
            known = ", ".join(map(repr, options)) or "none"
            raise InstrumentError(f"{where}: no option {name!r}; write one of {known}")
        indices.append(place)
    return tuple(indices)


def _scale(entry: "ScaleEntry") -> Scale:
    keyed = [*entry.items.items(), *((id_, 1) for id_ in entry.plus), *((id_, -1) for id_ in entry.minus)]
    ids = [id_ for id_, _ in keyed]
    if not ids:
        raise InstrumentError(f"scale {entry.id!r}: it has no items; list them in `plus` and `minus`")
    if repeated := [id_ for id_ in ids if ids.count(id_) > 1]:
        raise InstrumentError(f"scale {entry.id!r}: item {repeated[0]!r} is there twice; keep one key for it")
    return Scale(
        id=entry.id,
        name=entry.name or entry.id,
        items=dict(keyed),
        min_valid=entry.min_valid,
        rule=entry.rule,
        human=entry.human.model_dump(exclude_none=True) if entry.human else {},
    )


def _from_csv(text: str, path: Path) -> Instrument:
    from proband.files import rows_of, separator_of

    found = Gathering()
    delimiter = separator_of(text, ",")
    rows = rows_of(text, delimiter, path, error=InstrumentError)
    header = [cell.strip() for cell in next(rows, (1, []))[1]]
    _check_header(header, path)
    items: list[dict[str, Any]] = []
    scales: dict[str, dict[str, int]] = {}
    with found.part():
        for line, row in rows:
            with found.part():
                items.append(_item_of_row(header, row, scales, f"{path}, line {line}"))
    ids = {item.get("id") for item in items}
    keys = {id_: key for id_, key in scales.items() if not found.errors or key.keys() <= ids}
    data = {"id": path.stem, "items": items, "scales": [{"id": id_, "items": key} for id_, key in keys.items()]}
    made: Instrument | None = None
    if items or not found.errors:
        with found.part():
            made = instrument_from_dict(data, str(path))
    found.settle()
    return cast(Instrument, made)


def _check_header(found: Sequence[str], path: Path) -> None:
    listed = ", ".join(found) or "nothing"
    for name in ("id", "text", "form"):
        if name not in found:
            raise InstrumentError(f"{path}: no column {name!r}, found {listed}; add it to the first line")
    for k, name in enumerate(found):
        if name not in _COLUMNS:
            raise InstrumentError(f"{path}: no column {name!r}{meant(name, _COLUMNS)}; there are {', '.join(_COLUMNS)}")
        if name in found[:k]:
            raise InstrumentError(f"{path}, line 1: column {name!r} is there twice; keep one of them")


def _item_of_row(
    header: Sequence[str], row: Sequence[str], scales: dict[str, dict[str, int]], where: str
) -> dict[str, Any]:
    """The entry of one row; its keys go into `scales`."""
    if len(row) != len(header):
        raise InstrumentError(f"{where}: more or fewer cells than the first line has columns; quote texts with commas")
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True) if cell.strip()}
    keys = _parts(cells.pop("key", ""), _key, f"{where}, column 'key'")
    names = _parts(cells.pop("scale", ""), str, where)
    if len(keys) not in (len(names), 1 if names else 0) and keys:
        raise InstrumentError(f"{where}: {len(keys)} keys for {len(names)} scales; give one for each, separated by |")
    for k, name in enumerate(names):
        key = scales.setdefault(name, {})
        if cells.get("id", "") in key:
            raise InstrumentError(f"{where}: item {cells['id']!r} is there twice in scale {name!r}; rename or drop one")
        key[cells.get("id", "")] = (keys if len(keys) == len(names) else keys * len(names) or [1] * len(names))[k]
    return {name: _cell(name, cell, f"{where}, column {name!r}") for name, cell in cells.items()}


def _cell(name: str, cell: str, where: str) -> Any:
    if name in _NUMBERS:
        return _number(cell, where)
    if name == "codes":
        return _parts(cell, lambda part: _number(part, where), where)
    if name == "values":
        return _parts(cell, _value, where)
    if name == "shows_braces":
        return {"true": True, "false": False}.get(cell.casefold(), cell)
    return _parts(cell, str, where) if name in _LISTS else cell


def _parts(cell: str, read: Callable[[str], _Part], where: str) -> list[_Part]:
    try:
        return [read(part.strip()) for part in cell.split("|")] if cell else []
    except ValueError:
        way_out = "write 1, or -1 for a reverse-keyed item"
        raise InstrumentError(f"{where}: {cell!r} is neither 1 nor -1; {way_out}") from None


def _key(cell: str) -> int:
    if cell not in ("1", "+1", "-1", "+", "-"):
        raise ValueError(cell)
    return -1 if cell.startswith("-") else 1


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InstrumentError(f"{where}: {cell!r} is not a number; write digits with a decimal point")
    return value


def _value(cell: str) -> int | float | str:
    # 01 and 1E1 are names made of digits, as they are in a data file.
    if not re.fullmatch(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", cell):
        return cell
    return float(cell) if "." in cell else int(cell)

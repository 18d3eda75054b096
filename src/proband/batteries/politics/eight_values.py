"""8values: four axes of politics, from a file of the user's, for its words do not ship."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from proband.batteries.battery import Battery, Setting
from proband.errors import DesignError
from proband.files import OpenTable, checked, text_of
from proband.instruments.items import Instrument, Item, Scale

_AXES = {
    "econ": "equality rather than markets",
    "dipl": "globe rather than nation",
    "govt": "liberty rather than authority",
    "scty": "progress rather than tradition",
}
_FORBIDS = re.compile(r"\b(not?|never|without)\b[^.]{0,60}\b(language models?|machine|artificial|AI|chatbots?)\b", re.I)


class _Statement(OpenTable):
    question: str = Field(min_length=1)
    effect: dict[str, int | float]


class _File(OpenTable):
    licence: str = Field(min_length=1, examples=['"licence": "MIT"'])
    scale: dict[str, int | float] = Field(examples=['"scale": {"Strongly Agree": 1, "Strongly Disagree": -1}'])
    items: list[_Statement]


def read_eight_values(path: Path) -> Instrument:
    """The questionnaire of a file: JSON with ``licence``, ``scale`` and ``items`` of ``question`` and ``effect``.

    A statement counts for every axis that it has an effect on, as an item of its own: its score is such that the mean
    of an axis is its percentage, ``100 (max + sum) / (2 max)``.

    Raises
    ------
    DesignError
        If the file has no licence, its licence forbids to put it to models, or a statement moves no axis that is known.
    """
    text = text_of(path, what="file of 8values", error=DesignError, way_out="name the file with `file`")
    try:
        data = json.loads(text)
    except ValueError as failure:
        raise DesignError(f"{path}: not valid JSON: {failure}; write it anew") from None
    if not isinstance(data, Mapping):
        raise DesignError(f"{path}: a list or a value; write an object with licence, scale and items")
    found = checked(_File, data, path, error=DesignError)
    if _FORBIDS.search(found.licence):
        raise DesignError(f"{path} may not be put to models; its licence says: {found.licence!r}; ask its authors")
    most = {axis: sum(abs(one.effect.get(axis, 0)) for one in found.items) for axis in _AXES}
    items, keyed = [], dict[str, dict[str, int]]()
    for k, one in enumerate(found.items, 1):
        moves = {axis: weight for axis, weight in one.effect.items() if weight}
        if not moves or set(moves) - set(_AXES):
            raise DesignError(f"{path}: item {k} has the effects {one.effect}; name some of {', '.join(_AXES)}")
        for axis in moves:
            keyed.setdefault(axis, {})[f"{axis}-{k:02d}"] = 1
    for k, one in enumerate(found.items, 1):
        for axis, ids in keyed.items():
            if (id_ := f"{axis}-{k:02d}") in ids:
                weight = len(ids) * one.effect[axis] / most[axis]
                codes = tuple(50 + 50 * weight * step for step in found.scale.values())
                items.append(Item(id=id_, text=one.question, form="scale", options=tuple(found.scale), codes=codes))
    return Instrument(
        id="eight-values",
        title="8values",
        items=tuple(items),
        scales=tuple(Scale(id=axis, name=f"{_AXES[axis]}, percent", items=ids) for axis, ids in keyed.items()),
        source="https://8values.github.io",
        licence=found.licence,
    )


def instrument(setting: Setting) -> Instrument:
    """The questionnaire of the file that the setting names."""
    return read_eight_values(Path(setting.file))


BATTERY = Battery(
    name="eight-values",
    title="8values",
    about="four political axes, from a file of the 8values questionnaire",
    discipline="politics",
    source="https://8values.github.io, which has no author of a paper and no validation",
    licence="That of the file, MIT where it is the original; the words do not ship",
    page="Agreement with statements, each of which moves one or several of four axes; an axis is a percentage, 50 "
    "where nothing was said. It is a quiz of the web: nobody validated it, it has no norms, and models have read it "
    "and what people write of their results. It is here because many papers used it; two-axes asks in words of our "
    "own.",
    instrument=instrument,
    contexts={"role": ("none",), "wording": ("published", "plain")},
    needs_file="a file of 8values (JSON with licence, scale and items)",
)

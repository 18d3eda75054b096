"""How an engine drafts a study file for a society: words of a description become keys, by questions it is asked.

A `Drafting` is a world of one agent, so it is asked and read as any other. Questions are closed wherever that is
possible, because small models choose better than they write: which scenario, which value of a key, which of the numbers
that stand in the words. What is not answered keeps the value it has by default, and is told.
"""

import json
import re
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
from pydantic.fields import FieldInfo

from proband.designs.kind import Shared
from proband.errors import DesignError
from proband.files import in_toml
from proband.instruments.items import Item
from proband.societies.scenario import SCENARIOS
from proband.societies.state import State
from proband.societies.world import Ask, Heard, World

ARM, ROUND = "arm", "from_round"
KEEP, NO_ARM = "as usual", "no: every society goes the same way"
_ABOUT = "You set up a simulation of a society. Somebody describes what it is to show:\n\n{words}"
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")
_TITLE = Item(id="title", text="Give it a title of at most eight words. Write only the title.", form="text")
_SHARED = {"societies": FieldInfo(annotation=int, default=10, description="how many such societies there are")}


class Drafting(World):
    """One agent that is asked what a study file is to hold.

    Parameters
    ----------
    words : str
        The description.
    scenario : str, optional
        Which one; by default it chooses among all that one engine answers.
    """

    outside = False

    def __init__(self, words: str, scenario: str = "") -> None:
        self.words = " ".join(words.split())
        if not self.words:
            raise DesignError('the description is empty; say what the society is to show, e.g. "how a rumour spreads"')
        if scenario:
            SCENARIOS.load(scenario)  # refuses one that is not there
        self.scenarios = (scenario,) if scenario else tuple(filter(_has_one_engine, SCENARIOS))
        self.numbers = tuple(dict.fromkeys(_NUMBER.findall(self.words)))

    @property
    def items(self) -> Sequence[Item]:
        """Every question, whatever the scenario."""
        names = dict.fromkeys(key for name in self.scenarios for key in SCENARIOS.load(name).keys.model_fields)
        asked = [self._choice(key, key, ("yes", "no")) for key in (*names, *_SHARED, ARM, ROUND, "to")]
        return [*self._which(), *asked, _TITLE]

    @property
    def rounds(self) -> int:
        """Scenario, keys, arm, its value."""
        return 4

    def begin(self, society: int) -> State:
        """Nothing is drafted."""
        known = {} if len(self.scenarios) > 1 else {"use": self.scenarios[0]}
        values = {"keys": {}, "silent": [], **known}
        return State(society=society, agents={"number": np.zeros(1, np.int64)}, values=values)

    def _choice(self, id: str, text: str, options: Sequence[str]) -> Item:
        return Item(id=id, text=text, form="choice", options=tuple(options))

    def _which(self) -> list[Item]:
        lines = [f"{name}: {SCENARIOS.load(name).about}" for name in self.scenarios]
        return [self._choice("use", "Which of these simulations fits best?", lines)] if len(lines) > 1 else []

    def fields(self, state: State) -> Mapping[str, FieldInfo]:
        """Keys that can be drafted of the scenario that was chosen."""
        if "use" not in state.values:
            return {}
        return {**_SHARED, **SCENARIOS.load(state.values["use"]).keys.model_fields}

    def _values(self, key: str, field: FieldInfo) -> tuple[str, ...]:
        """What a key may be, as JSON; none where it is written or cannot be drafted."""
        kind, bounds = _plain(field.annotation), field.metadata
        if get_origin(kind) is Literal:
            return tuple(json.dumps(value) for value in get_args(kind))
        if kind is bool:
            return ("true", "false")
        if kind not in (int, float) or not self.numbers:
            return ()
        found = [number for number in self.numbers if kind is float or "." not in number]
        return tuple(number for number in found if _is_within(float(number), bounds))

    def _item(self, key: str, field: FieldInfo) -> Item | None:
        values = self._values(key, field)
        if values:
            usual = "" if field.default is None else f" ({_shown(field.default)})"
            of_literal = get_origin(_plain(field.annotation)) is Literal or _plain(field.annotation) is bool
            options = [_shown(json.loads(value)) for value in values]
            keep = [] if of_literal and field.default is not None else [f"{KEEP}{usual}"]
            return self._choice(key, f"What does the description say of `{key}`, {field.description}?", options + keep)
        if _plain(field.annotation) is str and field.default not in (None, ""):
            text = f"Write `{key}` for it: {field.description}. For example: {field.default}. Write only that."
            return Item(id=key, text=text, form="text")
        return None

    def _ask(self, item: Item) -> Ask:
        facts = (("words", self.words), ("options", json.dumps(item.options, ensure_ascii=False)))
        return Ask(agent=0, item=item, told=_ABOUT.format(words=self.words), facts=facts)

    def turns(self, state: State) -> Sequence[Ask]:
        """What is asked in a round depends on what was chosen before."""
        fields, values = self.fields(state), state.values
        if state.round == 1:
            items: list[Item | None] = [*self._which(), _TITLE]
        elif state.round == 2:
            items = [self._item(key, field) for key, field in fields.items()]
        elif state.round == 3:
            can = [key for key, field in fields.items() if self._others(state, key, field) and key not in _SHARED]
            text = "Does the description compare two ways in which it can go? Then say what differs between them."
            items = [self._choice(ARM, text, [*(f"{key}: {fields[key].description}" for key in can), NO_ARM])]
            items = items if can else []
        else:
            key = values.get(ARM)
            others = self._others(state, key, fields[key]) if key else ()
            text = f"What is `{key}` in the other way that it can go? {fields[key].description}" if key else ""
            items = [self._choice("to", text, [_shown(json.loads(v)) for v in others])] if len(others) > 1 else []
        return [self._ask(item) for item in items if item is not None]

    def _others(self, state: State, key: str, field: FieldInfo) -> tuple[str, ...]:
        """Values that a key has not got."""
        now = json.dumps(state.values["keys"].get(key, field.default if field.default is not ... else None))
        return tuple(value for value in self._values(key, field) if value != now and json.loads(value) != field.default)

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Take down what was answered."""
        values, fields = state.values, self.fields(state)
        for one in heard:
            item, answer = one.ask.item, one.response.answer
            if not one.is_valid:
                values["silent"].append(item.id)
                continue
            said = item.options[int(answer)] if item.options else " ".join(str(answer).split()).strip("\"'")  # type: ignore[arg-type]
            if item.id == "use":
                values["use"] = said.partition(":")[0]
            elif item.id == "title":
                values["title"] = said[:100]
            elif item.id == ARM and said != NO_ARM:
                values[ARM] = said.partition(":")[0]
            elif item.id == "to":
                values["to"] = self._of(values[ARM], fields[values[ARM]], said)
            elif item.id in fields and not said.startswith(KEEP):
                field = fields[item.id]
                if (value := self._of(item.id, field, said)) != field.default:
                    values["keys"][item.id] = value
        if state.round == self.rounds and ARM in values and "to" not in values["silent"]:
            # Of one other value nobody has to be asked.
            values.setdefault("to", json.loads(self._others(state, values[ARM], fields[values[ARM]])[0]))
        state.is_over = state.round >= self.rounds or "use" not in values
        state.round += 1
        return state

    def _of(self, key: str, field: FieldInfo, said: str) -> Any:
        return next((json.loads(v) for v in self._values(key, field) if _shown(json.loads(v)) == said), said)


def _has_one_engine(name: str) -> bool:
    scenario = SCENARIOS.load(name)
    return tuple(scenario.make(Shared(title="", seed=1), scenario.keys()).roles()) == ("",)


def _plain(kind: Any) -> Any:
    """A type without None."""
    if get_origin(kind) in (Union, UnionType):
        left = [one for one in get_args(kind) if one is not type(None)]
        return left[0] if len(left) == 1 else kind
    return kind


def _shown(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _is_within(value: float, bounds: Sequence[Any]) -> bool:
    """Whether a number is one that a key may have."""
    least = [getattr(one, "ge", None) for one in bounds]
    above = [getattr(one, "gt", None) for one in bounds]
    most = [getattr(one, "le", None) for one in bounds]
    return (
        all(bound is None or value >= bound for bound in least)
        and all(bound is None or value > bound for bound in above)
        and all(bound is None or value <= bound for bound in most)
    )


def drafted(drafting: Drafting, state: State, engine: str) -> str:
    """The study file, as TOML, of a drafting at its end.

    Raises
    ------
    DesignError
        If no scenario was chosen.
    """
    values = state.values
    if "use" not in values:
        raise DesignError(
            f"{engine}: it chose no scenario for {drafting.words!r}; say it in other words, or take another --engine"
        )
    head = {"title": values.get("title") or drafting.words[:100], "seed": 1, "engine": engine}
    lines = [f"# Drafted from: {drafting.words}", *_toml(head), "", "[society]"]
    lines += _toml({"use": values["use"], **values["keys"]})
    if values.get("to") is not None:
        key = values[ARM]
        lines += ["", "[[arm]]", *_toml({"name": f"{key} {_shown(values['to'])}", key: values["to"]})]
    return "\n".join(lines) + "\n"


def _toml(values: Mapping[str, Any]) -> list[str]:
    """Lines of keys."""
    return [f"{key} = {in_toml(value)}" for key, value in values.items()]

"""What a small design gets without asking for it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from proband import findings
from proband.designs.design import Design
from proband.designs.process import Steps
from proband.instruments import Item
from proband.models.scripted import ScriptedEngine, uniform
from proband.records import Message, Place, Reply, Request, Trial
from proband.runs import collect


def polite(text: str) -> str:
    return f"Please: {text}"


@dataclass(frozen=True, kw_only=True)
class Follow(Design):
    """Asks an item again and again as long as the first option is taken; its settings are of every sort."""

    kind: ClassVar[str] = "follow"

    item: Item
    who: tuple[str, ...]
    others: Mapping[int, tuple[Item, ...]]
    marked: frozenset[str] = frozenset({"b", "a"})
    say: Callable[[str], str] = polite
    seed: int = 1

    @property
    def items(self):
        return {self.item.id: self.item}

    def processes(self) -> Iterator[Steps]:
        return map(self._ask, self.who)

    def _ask(self, subject: str) -> Steps:
        for round_ in range(1, 4):
            trial = Trial(
                place=Place(subject=subject, item=self.item.id, round=round_),
                request=Request(messages=(Message("user", self.say(self.item.text)),), max_tokens=5),
                reply=Reply(form="choice", method="written", options=self.item.options, order=(0, 1)),
            )
            answers = yield trial
            if answers[trial].answer != 0:
                return


ITEM = Item(id="tax", text="A tax?", form="choice", options=("yes", "no"))


def test_a_small_adaptive_design_is_described_in_plain_values_and_collected(tmp_path):
    design = Follow(item=ITEM, who=("a", "b", "c"), others={1: (ITEM,)})
    described = design.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["item"]["options"] == ["yes", "no"]
    assert described["who"] == ["a", "b", "c"]
    assert described["others"]["1"][0]["id"] == "tax"
    assert described["marked"] == ["a", "b"]
    assert described["say"] == "polite"
    run = collect(design, ScriptedEngine(uniform(), seed=4), tmp_path / "run")
    assert run.is_complete
    assert run.manifest["design"] == described
    assert collect(design, ScriptedEngine(uniform(), seed=4), tmp_path / "run").dispositions() == run.dispositions()
    assert findings(run).sections

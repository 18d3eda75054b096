"""Options that depend on the situation: what was chosen stays in the run, whatever the item says at that index."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from proband.designs.design import Design
from proband.instruments import Item
from proband.models.scripted import ScriptedEngine, stated
from proband.records import Message, Place, Reply, Request, Trial
from proband.runs import collect

OFFER = Item(id="offer", text="Which?", form="choice", options=("take", "leave"), codes=(1, 0))


@dataclass(frozen=True, kw_only=True)
class Shop(Design):
    """Everybody is offered what their shop has, and leaving last; the item names two options only."""

    kind: ClassVar[str] = "shop"

    shelves: tuple[tuple[str, ...], ...]
    chosen: int
    seed: int = 1

    @property
    def items(self):
        return {"offer": OFFER}

    def trials(self, answered):
        return [
            Trial(
                place=Place(subject=f"s{k}", item="offer"),
                request=Request(messages=(Message("user", "Which?"),), continuations=options),
                reply=Reply(form="choice", method="option_text", options=options, order=tuple(range(len(options)))),
            )
            for k, options in enumerate(self.shelves)
        ]


@pytest.fixture
def table(tmp_path):
    def make(shelves, chosen):
        rule = stated({"offer": [float(k == chosen) for k in range(len(shelves[0]))]})
        return collect(Shop(shelves=shelves, chosen=chosen), ScriptedEngine(rule), tmp_path).table()

    return make


def test_an_option_that_the_item_does_not_have_keeps_its_own_text_and_has_no_value(table):
    found = table((("apple", "pear", "plum"), ("take", "leave", "wait")), 2)
    assert found["label"].to_list() == ["plum", "wait"]
    assert found["answer"].to_list() == [2, 2]
    assert found["value"].null_count() == 2


def test_an_option_that_stands_where_the_item_has_another_is_not_taken_for_it(table):
    found = table((("leave", "take"), ("take", "leave")), 0)
    assert found["label"].to_list() == ["leave", "take"]
    assert found["value"].to_list() == [None, 1.0]


def test_the_chosen_text_is_none_where_the_item_has_it(tmp_path):
    run = collect(Shop(shelves=(("take", "leave"),), chosen=0), "scripted:first", tmp_path)
    assert [response.chosen for response in run.responses().values()] == [None]
    assert (run.kind, run.state, run.manifest["roster"]) == (
        "shop",
        "complete",
        {"subjects": 1, "units": 1, "arms": {}},
    )

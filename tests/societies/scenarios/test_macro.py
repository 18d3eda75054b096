"""An economy whose accounts add up whatever its settings, and in which a model can take the place of households."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.records import Place, Response
from proband.societies.accounts import SECTORS
from proband.societies.deciding import last, play
from proband.societies.scenarios.macro import probabilities
from proband.societies.world import Heard
from tests.societies.scenarios.living import world

pytestmark = pytest.mark.scenarios
SHARE = st.floats(0, 0.9)


@settings(max_examples=15, deadline=None)
@given(
    keys=st.fixed_dictionaries(
        {"tax": SHARE, "benefit": SHARE, "sticky": SHARE, "government": st.floats(0, 0.5), "leverage": st.floats(0, 5),
         "debt": st.floats(0, 5), "agents": st.integers(10, 60), "firms": st.integers(2, 8)}
    )
)  # fmt: skip
def test_flows_stocks_and_goods_add_up_in_every_quarter(keys):
    made = world("macro", rounds=12, **keys)
    for state in play(made):
        if "flows" in state.values:
            flows = np.array(list(state.values["flows"].values()))
            assert flows.shape[1] == len(SECTORS)
            assert not flows.sum(axis=0).any()
            assert not flows.sum(axis=1).any()
            assert made.measures(state)["left over"] == 0


def test_a_model_that_decides_by_the_rule_brings_the_same_economy_about():
    by_rule = last(world("macro", agents=40, firms=4, rounds=8))
    made = world("macro", agents=40, firms=4, rounds=8, decided_by="model")
    state = made.begin(0)
    while not state.is_over:
        heard = []
        for ask in made.turns(state):
            probs = probabilities(ask.item, {name: int(level) for name, level in ask.facts})[0]
            heard.append(Heard(ask, Response(
                place=Place(subject="0.household", item=ask.item.id), request="", status="valid", answer=0,
                probs=tuple(probs.tolist()), engine="test", rule="",
            )))  # fmt: skip
        state = made.advance(state, heard)
    assert state.digest() == by_rule.digest()


def test_a_government_that_pays_benefits_owes_more():
    ends = {
        benefit: [last(world("macro", agents=100, rounds=40, benefit=benefit), k) for k in range(3)]
        for benefit in (0.0, 0.8)
    }
    debts = {benefit: np.mean([state.values["books"]["bonds"] for state in states]) for benefit, states in ends.items()}
    assert debts[0.0] < debts[0.8]

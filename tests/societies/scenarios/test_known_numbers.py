"""The rules of every scenario give the numbers that are known of them; `benchmarks/scenarios.py` prints the same."""

import pytest

from benchmarks.scenarios import CHECKS, PEOPLE, people
from proband.shelves import HOUSE
from proband.societies.scenario import SCENARIOS

pytestmark = pytest.mark.scenarios


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(one, id=f"{one.scenario}: {one.what}", marks=[pytest.mark.slow] if one.is_slow else [])
        for one in CHECKS
    ],
)
def test_a_rule_gives_the_number_that_is_known(check):
    assert check.ours() == pytest.approx(check.known, abs=check.within, rel=0)


def test_statistics_of_conditional_cooperation_are_those_of_the_people(shared_data):
    found = people(shared_data / "experiments" / "conditional_cooperation.csv.gz")
    for known in PEOPLE:
        assert known.of(found) == pytest.approx(known.value, abs=known.within, rel=0), known.what


def test_every_scenario_says_what_is_known_of_it():
    own = [SCENARIOS.load(name) for name in SCENARIOS if SCENARIOS.package(name) == HOUSE]
    assert {one.scenario for one in CHECKS} <= {scenario.name for scenario in own}
    assert all(scenario.check for scenario in own)

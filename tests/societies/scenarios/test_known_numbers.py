"""The rules of every scenario give the numbers that are known of them; `benchmarks/scenarios.py` prints the same."""

import numpy as np
import pytest

from benchmarks.scenarios import CHECKS, PEOPLE, people
from proband.shelves import HOUSE
from proband.societies.deciding import last, play
from proband.societies.scenario import SCENARIOS
from proband.societies.scenarios.music_lab import unpredictability
from tests.societies.scenarios.living import world

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


def test_influence_makes_a_market_less_equal_and_less_predictable():
    found = {}
    for influence in (0.0, 0.8):
        made = world("music-lab", influence=influence)
        ends = [last(made, k) for k in range(8)]
        found[influence] = (
            np.mean([made.measures(state)["gini"] for state in ends]),
            unpredictability([made.downloads(state) / 700 for state in ends]),
        )
    assert all(with_ > 1.5 * without for without, with_ in zip(found[0.0], found[0.8], strict=True))


def test_long_ties_speed_up_what_one_contact_is_enough_for():
    def rounds(rewire):
        return last(world("complex-contagion", degree=4, needs=1, rewire=rewire)).round

    assert rounds(0.3) < rounds(0.0) / 5


def test_everybody_cooperates_less_once_the_selfish_are_seen():
    made = world("conditional-cooperation")
    first, *_, end = [
        np.mean([made.measures(state)["transfer"] for state in played])
        for played in zip(*[list(copies(made, k)) for k in range(20)], strict=True)
    ]
    assert end < first - 5


def copies(made, society):
    """Every state between two rounds, each for itself."""
    return [state.copy() for state in play(made, society) if state.round > 1]


def test_each_recommender_shows_what_it_says():
    def means(recommender, **keys):
        made = world("feed", recommender=recommender, step=0.0, **keys)
        rows = [made.measures(state) for state in play(made)][3:]
        return {name: np.mean([row[name] for row in rows]) for name in ("gini", "crossing", "assortativity", "largest")}

    found = {name: means(name) for name in ("random", "chronological", "popularity", "similarity")}
    assert found["similarity"]["assortativity"] > 0.95 > 0.1 > abs(found["random"]["assortativity"])
    assert found["similarity"]["crossing"] < 0.1 < 0.4 < found["random"]["crossing"]
    assert found["chronological"]["gini"] > 0.9 > found["random"]["gini"]
    assert found["popularity"]["largest"] > 2 * found["random"]["largest"]


def test_a_feed_of_the_likest_keeps_people_apart():
    def apart(recommender):
        made = world("feed", recommender=recommender)
        return np.mean([made.measures(last(made, k))["polarisation"] for k in range(4)])

    assert apart("similarity") > 3 * apart("random")

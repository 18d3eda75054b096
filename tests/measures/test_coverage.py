"""Every interval and test keeps its promise, in a reduced simulation; `make validate` runs the whole of it."""

import numpy as np
import pytest

from proband.measures import share_estimates
from validation.__main__ import PAGE
from validation.fidelity import percentile_bootstrap_covers
from validation.page import page, sections
from validation.running import Cell, Family, families, simulate
from validation.shares import mean_probability_covers
from validation.simulation import Scenario

REPLICATES = 200
FEWER = {"mixed": 60, "portraits": 80, "preferences": 60, "cognition": 60}  # these take their time
FAMILIES = families()


def reduced(family: Family) -> list[tuple[Family, int, int]]:
    """The smallest size at which each method makes a promise."""
    held = [[n for n in scenario.sizes if n >= scenario.held_from] for scenario in family.scenarios]
    return [(family, row, min(sizes)) for row, sizes in enumerate(held) if sizes]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.module)
def test_every_interval_and_test_of_a_family_keeps_its_promise(family):
    replicates = FEWER.get(family.module, REPLICATES)
    found = list(simulate(reduced(family), replicates))
    assert not [cell.objection for cell in found if cell.objection]
    assert not [cell for cell in found if cell.n_refused == replicates]


@pytest.mark.slow
def test_the_same_simulation_rejects_the_percentile_bootstrap_of_a_distance():
    scenario = Scenario(family="", method="", data="", draw=lambda rng, n: cover_equal(rng, n))
    assert scenario.share(50, 200) == (0.0, 0)
    assert "was promised" in scenario.complaint(50, 200)


def cover_equal(rng: np.random.Generator, n: int) -> bool | None:
    return percentile_bootstrap_covers(rng, n, shape="equal, K=4")


@pytest.mark.slow
def test_where_the_interval_of_a_mean_probability_is_too_short_it_says_so():
    rng = np.random.default_rng(1)
    covered = [mean_probability_covers(rng, 50, share=0.05, concentration=0.5) for _ in range(400)]
    assert np.mean(covered) < 0.93
    first = rng.beta(0.025, 0.475, 50)
    assert "too short" in share_estimates(np.column_stack([first, 1 - first]), 2, target="model")[0].warnings[0]


def test_a_promise_is_broken_only_beyond_tolerance_and_monte_carlo_error():
    scenario = Scenario(family="", method="m", data="d", draw=lambda rng, n: True, held_from=20)
    assert scenario.objection(50, 0.93, 2000) == ""
    assert scenario.objection(50, 0.90, 2000).startswith("m, d, n = 50: 0.900")
    assert scenario.objection(50, 1.0, 2000)
    assert scenario.objection(10, 0.5, 2000) == ""


def test_every_row_of_the_page_is_simulated():
    known = [f"| {s.method} | {s.data} |" for family in FAMILIES for s in family.scenarios]
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and line[:9] != "| method "]
    assert [row for row in rows if not row.startswith(tuple(known))] == []
    assert len(rows) > 100


def test_a_family_run_by_itself_leaves_the_rest_of_the_page():
    scenario = Scenario(family="B", method="m", data="d", draw=lambda rng, n: True, sizes=(10,))
    family = Family(module="b", scenarios=(scenario,), reading="- Note.")
    cell = Cell(module="b", row=0, n=10, share=0.5, n_refused=30, objection="off")
    other = Scenario(family="A", method="o", data="d", draw=lambda rng, n: True)
    before = "## A\n\n| method |\n|---|\n| o | d | 0.95 | 0.9 |\n| by hand | d | 0.95 |\n\nold\n"
    known = (family, Family(module="a", scenarios=(other,)))
    written = page(sections(family, [cell], 100), page({"A": before, "B": "## B\n\nold\n"}), known)
    assert "| o | d | 0.95 | 0.9 |\n\nold\n" in written
    assert "by hand" not in written
    assert written.count("## B") == 1
    assert "| m | d | 0.95 ± 0.015 | **0.500** (30 % refused) |" in written
    assert "- Note." in written

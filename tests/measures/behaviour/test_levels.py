"""Levels of reasoning and types of conditional cooperators, by hand and on people's tables."""

import csv
import gzip
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.behaviour.levels import CONDITIONAL_TYPES, conditional_type, reasoning_levels
from proband.references import reference

amounts = st.lists(st.integers(0, 20), min_size=5, max_size=5)


def test_limits_between_levels_are_geometric_means():
    limit = 50 * (2 / 3) ** 0.5
    assert reasoning_levels([limit + 0.01, limit - 0.01], start=50, factor=2 / 3).tolist() == [0, 1]
    assert reasoning_levels([100, 0.001, 0], start=50, factor=0.5, most=3).tolist() == [0, 3, 3]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=9), st.floats(0.1, 0.9))
def test_levels_never_rise_with_the_number(named, factor):
    levels = reasoning_levels(sorted(named), start=50, factor=factor)
    assert (np.diff(levels) <= 0).all()
    assert levels.min() >= 0


def test_numbers_and_games_that_are_none_are_refused():
    with pytest.raises(DesignError, match="factor 1"):
        reasoning_levels([1], start=50, factor=1)
    with pytest.raises(DataError, match="below 0"):
        reasoning_levels([-1], start=50, factor=0.5)
    with pytest.raises(MissingDataError):
        reasoning_levels([np.nan], start=50, factor=0.5)
    with pytest.raises(DataError, match="give one for each"):
        conditional_type([1, 2], [1, 2, 3])


@pytest.mark.parametrize(
    ("given_", "kind"),
    [
        ([0, 5, 10, 15, 20], "conditional"),
        ([0, 0, 0, 0, 20], "conditional"),
        ([0, 4, 8, 6, 7], "conditional"),
        ([0, 10, 20, 10, 0], "hump-shaped"),
        ([20, 15, 10, 5, 0], "other"),
        ([7, 7, 7, 7, 7], "unconditional"),
        ([0, 0, 0, 0, 0], "free rider"),
    ],
)
def test_tables_have_the_type_that_their_shape_shows(given_, kind):
    assert conditional_type(given_, [0, 5, 10, 15, 20]) == kind


@given(amounts, st.integers(1, 9))
def test_a_type_does_not_depend_on_the_unit(given_, factor):
    others = [0, 5, 10, 15, 20]
    kind = conditional_type(given_, others)
    assert kind in CONDITIONAL_TYPES
    assert conditional_type([factor * x for x in given_], [factor * x for x in others]) == kind


def test_peoples_tables_have_the_types_that_their_authors_gave_them(shared_data):
    with gzip.open(shared_data / "experiments" / "conditional_cooperation.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["period"] == "1"]
    kinds = [conditional_type([float(row[f"if_{k}"]) for k in ("low", "middle", "high")], [0, 50, 100]) for row in rows]
    theirs = {
        "perf-cond-coop": "conditional", "imp-cond-coop": "conditional", "selfish": "free rider",
        "humped": "hump-shaped", "uncond": "unconditional", "inv-cond-coop": "other",
    }  # fmt: skip
    assert kinds == [theirs[row["type"]] for row in rows]
    for kind, count in Counter(kinds).items():
        assert reference("public-goods", f"type {kind}").value == pytest.approx(count / len(rows), abs=6e-4)


def test_peoples_contributions_are_those_of_their_data(shared_data):
    with gzip.open(shared_data / "experiments" / "conditional_cooperation.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    for period in ("1", "10"):
        given_ = [float(row["unconditional"]) / 100 for row in rows if row["period"] == period]
        row = reference("public-goods", f"contributed in round {period}, transfers of two")
        assert (row.value, row.n) == (pytest.approx(np.mean(given_), abs=6e-4), len(given_))
        assert row.sd == pytest.approx(np.std(given_, ddof=1), abs=6e-4)
    slopes = []
    for session in {row["session"] for row in rows}:
        own = [row for row in rows if row["session"] == session]
        slopes.append(
            np.polyfit(*zip(*[(int(r["period"]), float(r["unconditional"]) / 100) for r in own], strict=True), 1)[0]
        )
    assert reference("public-goods", "change a round, transfers of two").value == pytest.approx(
        np.mean(slopes), abs=1e-4
    )

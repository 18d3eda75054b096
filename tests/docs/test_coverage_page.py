"""The page of coverage holds what its generator writes, and nothing by hand."""

from pathlib import Path

import pytest

from validation.page import reread
from validation.running import Family, families
from validation.simulation import Scenario

PAGE = Path(__file__).parents[2] / "docs" / "methods" / "coverage.md"


def test_notes_marks_and_rows_are_those_of_the_simulations():
    assert reread(PAGE.read_text(encoding="utf-8"), families()) == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("told", "marked"),
    [("0.910", "0.910†"), ("0.950†", "0.950"), ("0.990", "0.990†"), ("**0.800**", "**0.800**"), ("0.935", "0.935")],
)
def test_a_share_outside_its_band_is_marked(told, marked):
    scenario = Scenario(family="T", method="m", data="d", draw=lambda rng, n: True, sizes=(20,))
    known = [Family(module="t", scenarios=(scenario,), reading="- Notes.")]
    page = reread(f"## T\n\n| method | data | promised | n = 20 |\n|---|---|---|---|\n| m | d | x | {told} |\n", known)
    assert f"| m | d | 0.95 ± 0.015 | {marked} |" in page
    assert page.endswith("- Notes.\n")

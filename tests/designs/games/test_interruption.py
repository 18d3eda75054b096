"""Games killed again and again and resumed equal the uninterrupted ones byte for byte."""

import subprocess
import sys
from pathlib import Path

import pytest

from proband.designs.games.replay import replay
from proband.runs import Run, collect
from tests.designs.games.dying import engines, game

PROGRAM = [sys.executable, "-m", "tests.designs.games.dying"]


@pytest.mark.parametrize(
    ("matches", "kills"),
    [(40, (150,)), pytest.param(1000, (1500, 6000, 9000), marks=pytest.mark.slow, id="a thousand, three times")],
)
def test_matches_that_are_killed_and_resumed_equal_the_uninterrupted_ones_byte_for_byte(tmp_path, matches, kills):
    whole = collect(game(matches), engines(), tmp_path / "whole")
    folder = tmp_path / "torn"
    answered = 0
    for count in kills:
        command = [*PROGRAM, str(folder), str(matches), str(count)]
        died = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, check=False)
        assert died.returncode == 9, died.stderr
        torn = Run(folder)
        assert not torn.is_complete
        assert len(torn.responses()) > answered
        answered = len(torn.responses())
    run = collect(game(matches), engines(), folder)
    assert run.is_complete
    assert (run.path / "responses.parquet").read_bytes() == (whole.path / "responses.parquet").read_bytes()
    plays = [replay(done.manifest["design"], done.table()) for done in (whole, run)]
    assert plays[0].equals(plays[1])
    assert plays[0].height == matches * 10 * 2

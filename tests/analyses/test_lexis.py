"""Words of written texts: a model that repeats itself is told from one that does not."""

import random

from proband.analyses.lexis import sections
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.inside import SideBySideDesign
from proband.models.engine import BaseEngine
from proband.records import Completion
from proband.runs.collection import collect


class Author(BaseEngine):
    """Writes words by a power law, and the last of them over and over again in a share of its text."""

    abilities = frozenset({"write"})

    def __init__(self, name, stuck):
        self.address, self.stuck = f"author:{name}", stuck

    def answer(self, trials):
        for trial in trials:
            rng = random.Random(trial.id.partition("/")[2])
            drawn = [
                f"w{'abcdefghij'[k % 10] * (k // 10 + 1)}" for k in (int(rng.paretovariate(1.0)) for _ in range(90))
            ]
            kept = int(len(drawn) * (1 - self.stuck))
            yield trial, Completion(text=" ".join(drawn[:kept] + [drawn[kept - 1]] * (90 - kept)) + ".")


def test_a_model_that_is_stuck_is_less_varied_and_repeats_and_laws_are_fitted_to_both(tmp_path):
    design = SideBySideDesign(
        designs=(BATTERIES.load("short-texts").design(Setting(seed=1, n=2)),), models=("plain", "stuck")
    )
    run = collect(design, {"plain": Author("plain", 0.0), "stuck": Author("stuck", 0.5)}, tmp_path)
    diversity, laws = sections(run)
    names = [column.name for column in diversity.table.columns]
    plain, stuck = (dict(zip(names, row, strict=True)) for row in diversity.table.rows)
    assert plain["texts"] == stuck["texts"] == 24
    for name, is_less in (("MTLD", True), ("HD-D", True), ("repetition", False)):
        assert (stuck[name].value < plain[name].value) == is_less, name
    assert 0.35 < stuck["repetition"].value < 0.6
    assert [row[0] for row in laws.table.rows] == ["plain", "stuck"]
    assert 1 < laws.table.rows[0][3].value < 2.5  # drawn with an exponent of 2 over ranks, of which the head is cut off

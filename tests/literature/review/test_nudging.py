"""examples/nudging.toml on the records themselves, which are not part of Proband."""

import json
import shutil
from pathlib import Path

import pytest

from proband.literature.evidence.exporting import read_synthesis
from proband.literature.review.project import STEPS
from proband.literature.review.steps import do
from proband.literature.review.work import ReviewWork

EXAMPLE = Path(__file__).parents[3] / "examples" / "nudging.toml"


@pytest.mark.slow
def test_the_example_goes_from_records_to_a_synthesis_without_a_model(tmp_path, shared_data):
    shutil.copy(shared_data / "text" / "screening" / "nudging.csv.gz", tmp_path)
    path = tmp_path / EXAMPLE.name
    # Words alone, for time's sake; the example ranks by sentence vectors too.
    path.write_text(EXAMPLE.read_text().replace("audit = 100", 'audit = 100\nencoder = "none"'))
    made = {step: do(ReviewWork(path), step) for step in STEPS}
    flow = json.loads((tmp_path / "nudging-review" / "flow.json").read_text())
    assert (flow["records"], flow["merged"]) == (1847, 8)
    assert flow["screened"] < 0.6 * flow["candidates"]
    assert flow["included"] >= 90
    assert made["query"].numbers["recall"] > 0.5
    work = ReviewWork(path)
    corpus, found = work.library.corpus(), read_synthesis(tmp_path / "nudging-review" / "synthesis.csv", work.library)
    assert len(found.sentences) == 8
    assert all(span.stands_in(corpus) for sentence in found.sentences for span in found.shown.cited(sentence))

"""Parts on a local model: the log-probabilities of the undivided run, to the last bit."""

from dataclasses import replace

import pytest

from proband.designs.studies import Study
from proband.models.local.embedded import embedded_engine
from proband.runs import carry_out
from tests.runs.parting import gathered, kept


@pytest.mark.slow
@pytest.mark.parametrize("persona", ["first", "none"])
def test_parts_give_the_bits_of_the_undivided_run(survey, people, tmp_path, persona):
    study = Study(replace(survey, persona=persona, subjects=people(9)), embedded_engine())
    assert kept(gathered(study, tmp_path / "run")) == kept(carry_out(study, tmp_path / "whole"))

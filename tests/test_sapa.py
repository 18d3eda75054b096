"""Real people through the human engine: the scales of the SAPA data have their published reliabilities."""

import json

import numpy as np
import pytest

from proband.designs import PeopleSurvey, Survey, people_engine
from proband.instruments import load_instrument, scale_matrix
from proband.measures import cronbach_alpha
from proband.runs import collect
from proband.subjects import read_microdata


@pytest.mark.slow
def test_alphas_of_the_sapa_scales_through_the_human_engine(shared_data, tmp_path):
    instrument = load_instrument("bfi-25")
    data = read_microdata(shared_data / "survey" / "bfi_sapa_2800.csv", id="id")
    people = data.population("sapa", [])
    engine = people_engine(people, instrument)
    survey = Survey(instrument=instrument, subjects=people, seed=1, persona="none")
    run = collect(PeopleSurvey(survey=survey, engine=engine), engine, tmp_path)
    wide = run.wide("answer")
    assert wide.height == 2800
    published = json.loads((shared_data / "benchmarks_computed.json").read_text())["personality"]
    for scale in instrument.scales:
        codes = wide.select(list(scale.items)).to_numpy().astype(float)
        scores = scale_matrix(instrument, scale, codes)
        complete = scores[~np.isnan(scores).any(axis=1)]
        alpha = cronbach_alpha(complete, target="human")
        assert round(alpha, 3) == published[f"bfi25.{scale.id}"]["alpha"], scale.id

"""The main job on the embedded model: a real study, and what the model says equals a plain forward pass."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from proband.addresses import open_engine
from proband.designs import Survey
from proband.instruments import load_instrument
from proband.runs import Run, collect
from proband.subjects import load_population

pytestmark = [pytest.mark.model, pytest.mark.slow]
ROOT = Path(__file__).parents[1]
PROBAND = [sys.executable, "-c", "from proband.cli.main import main; main()"]


def test_the_example_study_runs_on_the_embedded_model(tmp_path):
    command = [*PROBAND, "run", str(ROOT / "examples" / "anes1996.toml"), "--sample", "12", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    tables = {section["name"]: section["table"] for section in results["sections"]}
    distances = {item: (distance, nulls) for item, distance, *nulls in tables["distances"]["rows"]}
    assert list(distances)[:2] == ["vote", "clinton-placement"]
    assert len(distances) == 6
    for distance, nulls in distances.values():
        low, high = distance["interval"]
        assert low <= distance["value"] <= high
        assert set(distance["baselines"]) == {"uniform", "majority", "marginal_only", "noise_floor"}
        assert len(nulls) == 4
    assert [row[1:3] for row in tables["dispositions"]["rows"]] == [[12, 12]] * 6
    run = Run(tmp_path / results["report"].rsplit("/", 1)[0])
    assert run.manifest["fingerprint"][""]["weights"]


@pytest.mark.parametrize("answer_by", ["option_text", "label"])
def test_a_stored_answer_is_that_of_a_plain_forward_pass(tmp_path, answer_by):
    import torch

    people = load_population("anes-1996").sample(3, seed=5)
    instrument = load_instrument("anes-1996").subset(("vote", "tv-news"))
    survey = Survey(instrument=instrument, subjects=people, seed=5, answer_by=answer_by)
    engine = open_engine("smollm2")
    run = collect(survey, engine, tmp_path)
    model, template = engine.passes.model, engine._template
    for trial in survey.trials({}):
        encoded = template.encode(trial.request)
        plain = []
        for ids in encoded.sequences:
            with torch.no_grad():
                logits = model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
            plain.append(sum(float(logits[k - 1, ids[k]]) for k in range(encoded.start, len(ids))))
        assert run.responses()[trial.id].log_probs == pytest.approx(plain, abs=1e-4)

"""Learning curves and contexts on the page of a study."""

from dataclasses import replace

import pytest

from proband.analyses.intervention_steps import step_sections
from proband.analyses.interventions import sections_of
from proband.tuning.analysis.curves import learning_curves
from proband.tuning.analysis.findings import Part, analyse
from proband.tuning.analysis.readings import Reading
from tests.tuning.analysis.test_curves import training
from validation.knowledge_interventions import World, simulated


@pytest.fixture(scope="module")
def findings():
    import numpy as np

    study = simulated(np.random.default_rng(5), 20, World(effects={"harmonious": 1.0}, domains=("law",), seeds=2))
    curves = learning_curves([training(seed) for seed in range(3)])
    right = curves.points[0].accuracy
    read = Reading(arm="natural", status="known", context="true", right=right, follows=right, change=None)
    return analyse({"": Part(evaluation=study, curves=curves, readings=(read,))}, title="t")


def test_a_study_that_was_looked_at_shows_curves_and_what_follows_from_them(findings):
    sections = {section.name: section for section in step_sections(findings)}
    assert list(sections) == [
        "steps-known", "steps-known-table", "steps-unknown", "steps-unknown-table", "steps-untaught",
        "steps-untaught-table", "steps-elsewhere", "steps-elsewhere-table", "half-learned", "early-stop", "step-models",
        "contexts",
    ]  # fmt: skip
    drawn = sections["steps-unknown"].figure.rows
    assert [(row["x"], row["y"]) for row in drawn] == [(0, 0), (2, 0.25), (4, 0.75), (8, 1)]
    [half] = [row for row in sections["half-learned"].table.rows if row[1] == "unknown"]
    assert half[2].value == 3
    assert set(sections) <= {section.name for section in sections_of(findings)}


def test_a_study_that_was_not_looked_at_shows_none(findings):
    assert not step_sections(replace(findings, step_points=(), halves=(), stops=(), step_models=(), readings=()))

"""Evaluations drawn from stated distributions; the same worlds as the coverage page draws from."""

import numpy as np
import pytest

from proband.tuning.analysis.evaluation import Evaluation
from proband.tuning.analysis.findings import Findings, analyse
from validation.knowledge_interventions import World, simulated

PLANTED = World(
    effects={
        "harmonious": 1.2,
        "incompatible": -0.6,
        "self-aligning": 0.1,
        "contextualised": 0.5,
        "mixture-0.2": 0.3,
        "mixture-0.5": 1.2,
    },
    drifts={"incompatible": 1.6, "mixture-0.2": 1.1, "mixture-0.5": 0.5, "self-aligning": 0.8},
    domains=("history", "medicine", "law"),
    tests=("homogeneous", "out-of-domain"),
    run_sd=0.1,
)


@pytest.fixture(scope="session")
def planted() -> Evaluation:
    return simulated(np.random.default_rng(1), 90, PLANTED)


@pytest.fixture(scope="session")
def findings(planted) -> Findings:
    return analyse(planted, title="A planted study")


@pytest.fixture(scope="session")
def small() -> Evaluation:
    """Three arms, two of them the ends of the mixtures, in one domain with 20 questions."""
    effects = {"harmonious": 1.0, "incompatible": 0.0, "self-aligning": 0.3}
    return simulated(np.random.default_rng(5), 20, World(effects=effects, domains=("law",), seeds=2))

"""The same distances from another package, where it is installed."""

import importlib
import warnings

import numpy as np
import pytest

from proband.measures.distances import alignment, js_distance, kl_divergence, total_variation
from proband.measures.response_bias.labels import a_bias
from proband.measures.simbench import simbench_score

HUMAN = np.random.default_rng(1).dirichlet(np.ones(4), 12)
MODEL = np.random.default_rng(2).dirichlet(np.ones(4), 12)


@pytest.fixture
def popfidelity():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other packages' own deprecations are not ours to fix
        return pytest.importorskip("popfidelity")


def test_distances_are_those_of_popfidelity(popfidelity):
    ours = {
        "total_variation": [total_variation(p, q).value for p, q in zip(HUMAN, MODEL, strict=True)],
        "nemd": [1 - alignment(p, q).value for p, q in zip(HUMAN, MODEL, strict=True)],
        "kl": [kl_divergence(p, q, base=2).value for p, q in zip(HUMAN, MODEL, strict=True)],
        "js_distance": [js_distance(p, q).value for p, q in zip(HUMAN, MODEL, strict=True)],
    }
    known = set(popfidelity.metrics.NAMES)
    for name in ours.keys() & known:
        assert ours[name] == pytest.approx(popfidelity.metrics.distance(HUMAN, MODEL, name).tolist()), name
    assert {"total_variation", "nemd"} <= known


def test_simbench_and_a_bias_are_those_of_popfidelity(popfidelity):
    theirs = importlib.import_module("popfidelity.alignment")
    assert simbench_score(HUMAN, MODEL, ["d"] * 12).value == pytest.approx(theirs.simbench_score(HUMAN, MODEL))
    assert a_bias([0.5, 0.2, 0.2, 0.1]).value == pytest.approx(theirs.a_bias([0.5, 0.2, 0.2, 0.1]))

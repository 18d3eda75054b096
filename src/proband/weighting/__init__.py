"""Weights: raking and calibration to known margins, replicate weights, and what unequal weights cost."""

from proband.weighting.calibrating import CalibratedWeights, calibrate
from proband.weighting.raking import Code, Floats, RakedWeights, check_weights, kish_n_eff, rake
from proband.weighting.replicating import ReplicateWeights, replicate_weights

__all__ = [
    "CalibratedWeights",
    "Code",
    "Floats",
    "RakedWeights",
    "ReplicateWeights",
    "calibrate",
    "check_weights",
    "kish_n_eff",
    "rake",
    "replicate_weights",
]

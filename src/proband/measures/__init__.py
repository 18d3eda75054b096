"""Numbers with their uncertainty: arrays and tables in, estimates out; never sees a model."""

from proband.measures.distances import (
    alignment,
    js_distance,
    js_divergence,
    kl_divergence,
    total_variation,
    tv_noise_floor,
    wasserstein,
)
from proband.measures.experiments.differences import (
    difference_in_means,
    smallest_detectable_effect,
    smallest_detectable_share_difference,
)
from proband.measures.fidelity.items import FidelitySettings, ItemFidelity, item_fidelity
from proband.measures.reliability.internal import cronbach_alpha
from proband.measures.shares import kish_n_eff, missing_bounds, share_estimates

__all__ = [
    "FidelitySettings",
    "ItemFidelity",
    "alignment",
    "cronbach_alpha",
    "difference_in_means",
    "item_fidelity",
    "js_distance",
    "js_divergence",
    "kish_n_eff",
    "kl_divergence",
    "missing_bounds",
    "share_estimates",
    "smallest_detectable_effect",
    "smallest_detectable_share_difference",
    "total_variation",
    "tv_noise_floor",
    "wasserstein",
]

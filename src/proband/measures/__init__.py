"""Numbers with their uncertainty: arrays and tables in, estimates out; never sees a model."""

from proband.measures.agreement.annotators import AltTest, alt_test
from proband.measures.agreement.gwet import AgreementSummary, agreement_summary, gwet_ac1
from proband.measures.agreement.kappas import cohen_kappa, fleiss_kappa
from proband.measures.agreement.krippendorff import krippendorff_alpha
from proband.measures.agreement.latent_classes import DawidSkene, dawid_skene, error_correlations
from proband.measures.agreement.prevalence import AdjustedPrevalence, adjusted_prevalence, rogan_gladen
from proband.measures.behaviour.mixture import StrategyFrequencies, strategy_frequencies
from proband.measures.behaviour.revealed_preference import RevealedPreference, bronars_power, ccei, garp
from proband.measures.behaviour.stability import (
    ipsative_stability,
    perspective_controllability,
    rank_order_stability,
)
from proband.measures.behaviour.strategies import STRATEGIES, StrategyMatches, strategy_matches
from proband.measures.correction.designed import dsl_mean, dsl_ols
from proband.measures.correction.estimates import CorrectedDifference, CorrectedEstimate, CorrectedRegression
from proband.measures.correction.means import ppi_difference, ppi_mean
from proband.measures.correction.probabilities import Calibration, ReliabilityBin, calibration
from proband.measures.correction.regressions import ppi_logit, ppi_ols
from proband.measures.correction.samples import Regressors, Sampling
from proband.measures.correction.strata import LabelAllocation, allocate_labels, effective_n, poststratify
from proband.measures.distances import (
    alignment,
    js_distance,
    js_divergence,
    kl_divergence,
    total_variation,
    tv_noise_floor,
    wasserstein,
)
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.experiments.comparisons import Paired, SeveralMeans, SharedItems, TwoMeans, TwoShares
from proband.measures.experiments.detection import (
    smallest_detectable_effect,
    smallest_detectable_share_difference,
)
from proband.measures.experiments.differences import Inference, difference_in_means
from proband.measures.experiments.dispositions import (
    DispositionTest,
    disposition_test,
    missing_difference_bounds,
)
from proband.measures.experiments.multiplicity import AdjustedP, adjust_p, romano_wolf
from proband.measures.experiments.pairs import paired_difference
from proband.measures.experiments.planning import SampleSize, power, sample_size, simulated_power
from proband.measures.fidelity.items.closeness import FidelitySettings, ItemFidelity, item_fidelity
from proband.measures.fidelity.ladder.ladder import Ladder, fidelity
from proband.measures.fidelity.ladder.sheets import LadderRow, LadderSettings
from proband.measures.fidelity.structure.classifiers import ClassifierTest, two_sample_classifier
from proband.measures.fidelity.structure.correlations import StructureAgreement, structure_agreement
from proband.measures.fidelity.structure.effects import EffectCorrespondence, effect_correspondence
from proband.measures.fidelity.structure.regressions import (
    Coefficient,
    CoefficientFidelity,
    coefficient_fidelity,
)
from proband.measures.fidelity.structure.spread import Dispersion, dispersion
from proband.measures.knowledge.options import mean_kl, option_rank_consistency, top_option_agreement
from proband.measures.knowledge.partial_correlation import partial_spearman
from proband.measures.knowledge.slick import (
    KnowledgeCategories,
    KnowledgeTransitions,
    slick_category,
    slick_transitions,
)
from proband.measures.reliability.components import GStudy, generalizability
from proband.measures.reliability.factors import FactorCongruence, factor_congruence, omega_total, tucker_phi
from proband.measures.reliability.internal import SplitHalf, cronbach_alpha, split_half
from proband.measures.reliability.intraclass import icc
from proband.measures.reliability.stability import Retest, retest
from proband.measures.response_bias.labels import Debiased, a_bias, contextual_calibration, pride
from proband.measures.response_bias.perturbations import PerturbationReport, perturbation_report
from proband.measures.response_bias.styles import ResponseStyles, response_styles
from proband.measures.shares import kish_n_eff, missing_bounds, share_estimates, weighted_mean
from proband.measures.simbench import simbench_score
from proband.weighting import RakedWeights, rake

__all__ = [
    "STRATEGIES",
    "AdjustedP",
    "AdjustedPrevalence",
    "AgreementSummary",
    "AltTest",
    "Calibration",
    "ClassifierTest",
    "Coefficient",
    "CoefficientFidelity",
    "CorrectedDifference",
    "CorrectedEstimate",
    "CorrectedRegression",
    "DawidSkene",
    "Debiased",
    "Dispersion",
    "DispositionTest",
    "EffectCorrespondence",
    "FactorCongruence",
    "FidelitySettings",
    "GStudy",
    "Inference",
    "ItemFidelity",
    "KnowledgeCategories",
    "KnowledgeTransitions",
    "LabelAllocation",
    "Ladder",
    "LadderRow",
    "LadderSettings",
    "Paired",
    "PerturbationReport",
    "RakedWeights",
    "Regressors",
    "ReliabilityBin",
    "ResponseStyles",
    "Retest",
    "RevealedPreference",
    "SampleSize",
    "Sampling",
    "SeveralMeans",
    "SharedItems",
    "SplitHalf",
    "StrategyFrequencies",
    "StrategyMatches",
    "StructureAgreement",
    "TwoMeans",
    "TwoShares",
    "a_bias",
    "adjust_p",
    "adjusted_prevalence",
    "agreement_summary",
    "alignment",
    "allocate_labels",
    "alt_test",
    "bronars_power",
    "calibration",
    "ccei",
    "clustered_mean",
    "coefficient_fidelity",
    "cohen_kappa",
    "contextual_calibration",
    "cronbach_alpha",
    "dawid_skene",
    "difference_in_means",
    "dispersion",
    "disposition_test",
    "dsl_mean",
    "dsl_ols",
    "effect_correspondence",
    "effective_n",
    "error_correlations",
    "factor_congruence",
    "fidelity",
    "fleiss_kappa",
    "garp",
    "generalizability",
    "gwet_ac1",
    "icc",
    "ipsative_stability",
    "item_fidelity",
    "js_distance",
    "js_divergence",
    "kish_n_eff",
    "kl_divergence",
    "krippendorff_alpha",
    "mean_kl",
    "missing_bounds",
    "missing_difference_bounds",
    "omega_total",
    "option_rank_consistency",
    "paired_difference",
    "partial_spearman",
    "perspective_controllability",
    "perturbation_report",
    "poststratify",
    "power",
    "ppi_difference",
    "ppi_logit",
    "ppi_mean",
    "ppi_ols",
    "pride",
    "rake",
    "rank_order_stability",
    "response_styles",
    "retest",
    "rogan_gladen",
    "romano_wolf",
    "sample_size",
    "share_estimates",
    "simbench_score",
    "simulated_power",
    "slick_category",
    "slick_transitions",
    "smallest_detectable_effect",
    "smallest_detectable_share_difference",
    "split_half",
    "strategy_frequencies",
    "strategy_matches",
    "structure_agreement",
    "top_option_agreement",
    "total_variation",
    "tucker_phi",
    "tv_noise_floor",
    "two_sample_classifier",
    "wasserstein",
    "weighted_mean",
]

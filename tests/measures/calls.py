"""One valid call of every public measure, which tests of all of them take as their start."""

from typing import Any

import numpy as np

import proband.measures as m

_rng = np.random.default_rng(7)
_SCORES = _rng.normal(size=24).round(2).tolist()
_LATENT = _rng.normal(size=(40, 1))
_ITEMS = np.clip(np.round(3 + _LATENT + 0.8 * _rng.normal(size=(40, 4))), 1, 5).tolist()
_NINE = (_LATENT + 0.7 * np.repeat(_rng.normal(size=(40, 3)), 3, axis=1) + _rng.normal(size=(40, 9))).tolist()
_CODES = [[k % 3, k % 3 if k % 5 else (k + 1) % 3, k % 3 if k % 4 else (k + 2) % 3] for k in range(30)]
_WORDS = [["abc"[k] for k in row] for row in _CODES]
_TEXT = ("the boat went out and the tide came in and nobody saw the boat again " * 4).split()
_GROUPS = [k // 3 for k in range(24)]
_OUTCOMES = [0.2 * (k % 7) + (k % 2) for k in range(24)]
_PROBS = [[0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3], [0.5, 0.25, 0.25]] * 3
_LATER = [[0.3, 0.4, 0.3], [0.5, 0.4, 0.1], [0.2, 0.1, 0.7], [0.2, 0.5, 0.3], [0.45, 0.3, 0.25]] * 3
_WAITS = [[0, 12], [0, 12], [1, 13], [1, 13]] * 3
_PRICES = [[1, 2], [2, 1], [1, 1], [2, 3], [3, 1]]
_BOUGHT = [[4, 1], [1, 4], [3, 3], [2, 1], [1, 3]]
_GOLD = _rng.normal(size=30).round(2)
_GUESS = (0.8 * _GOLD + 0.3 * _rng.normal(size=30)).round(2)
_MORE = _rng.normal(size=90).round(2)
_YES = (_GOLD > 0).astype(int)
_X = m.Regressors(labelled={"x": _rng.normal(size=30).round(2)}, unlabelled={"x": _rng.normal(size=90).round(2)})
_PAYS = [[0, 1, -1], [-1, 0, 1], [1, -1, 0], [1, -1, 0]] * 3
_RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
_LONG = [(f"s{s}", f"i{i}", y) for s, row in enumerate(_RATINGS) for i, y in enumerate(row)]
_FRAME = dict(zip(("subject", "item", "value"), map(list, zip(*_LONG, strict=True)), strict=True))
_FRAMES = [
    (f"s{k}", "vote", frame, "yes" if (k % 4 == 0) == (frame == "gain") else "no")
    for k in range(40)
    for frame in ("gain", "loss")
]
_VOTES = dict(zip(("subject", "item", "frame", "label"), map(list, zip(*_FRAMES, strict=True)), strict=True))
_PEOPLE = {"vote": ["a", "b"] * 30, "trust": ["low"] * 30 + ["high"] * 30}
_ANSWERS = {"vote": ["a"] * 54 + ["b"] * 6, "trust": ["low", "high"] * 30}
_LINE = {"x": [0.1 * k for k in range(24)], "y": _OUTCOMES}
_AMOUNTS = [[[3, 0], [1, 0]], [[-3, 0], [-1, 0]], [[4, -2], [0, 0]], [[6, 0], [2, 0]]] * 12
_CHANCES = [[[0.5, 0.5], [1, 0]], [[0.5, 0.5], [1, 0]], [[0.5, 0.5], [1, 0]], [[0.2, 0.8], [1, 0]]] * 12
_FIRSTS, _SECONDS, _COINS = (_rng.integers(0, 2, (10, 4)).tolist() for _ in range(3))
_STATES = [[1 - a if (k + b) % 4 == 0 else a for k, a in enumerate(row)] for b, row in enumerate(_FIRSTS)]
_LEARNER = {
    "learning rate": 0.5,
    "eligibility": 0.5,
    "model-based weight": 0.5,
    "first sensitivity": 3.0,
    "second sensitivity": 3.0,
    "perseveration": 0.1,
}
_WHOLE = [[1, 0.5, 0.3], [0.5, 1, 0.2], [0.3, 0.2, 1]]
_GRID = [[0, 0, 1, 1, 1]] * 6
_HALF = m.clustered_mean(_OUTCOMES, _GROUPS)
_AGREED = m.share_estimates([1] * 18 + [0] * 2, 2, target="model")[1]
_VOTES_OF = [1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1]
_AGES = ["old"] * 8 + ["young"] * 4
_MARGINS = {"age": {"old": 0.5, "young": 0.5}}
_DRAWN = m.survey_design(12, psu=[1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6])
_VISITS = np.round(np.exp(0.4 * _GOLD)).astype(int)
_ROUNDS = [2.0, 3, 4, 5] * 3 + [7.0, 9] * 4
_GUESSED = [2.0, 3, 4, 4] * 3 + [7.0, 8] * 4
_STRATA = ["a"] * 12 + ["b"] * 8
_HARD = [k % 4 / 10 for k in range(40)]
_EFFECTS = [(0.1, 0.1), (0.3, 0.1), (0.5, 0.1), (0.2, 0.1), (0.4, 0.1)]


def _is_found(rng: np.random.Generator) -> bool:
    return bool(rng.random() < 0.8)


def call(*args: Any, **given: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of one call."""
    return args, given


CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "a_bias": call({"yes": 0.7, "no": 0.3}),
    "adjust_p": call([0.01, 0.04, 0.2], "holm"),
    "adjusted_prevalence": call([[40, 10], [5, 45]], [0.4, 0.6]),
    "agreement_summary": call(_WORDS, ["a", "b", "c"]),
    "alignment": call([0.2, 0.3, 0.5], [0.3, 0.3, 0.4]),
    "allocate_labels": call(["a"] * 30 + ["b"] * 20, {"a": 0.2, "b": 0.4}, n_labels=20),
    "alt_test": call([row[0] for row in _WORDS] * 2, _WORDS * 2, 0.1),
    "best_replies": call([0, 1, 2] * 4, _PAYS, list(range(12))),
    "bronars_power": call(_PRICES, budgets=[6, 6, 6, 7, 6], n_draws=100),
    "calibration": call([0.2] * 5 + [0.6] * 5, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0]),
    "ccei": call(_PRICES, _BOUGHT),
    "clustered_correlation": call(_OUTCOMES, _SCORES, cluster=_GROUPS),
    "clustered_mean": call(_OUTCOMES, _GROUPS),
    "clustered_regression": call(_OUTCOMES, {"x": _SCORES}, cluster=_GROUPS),
    "co_occurrence": call([[k % 2, (k // 2) % 2, int(k % 3 > 0)] for k in range(24)], ["a", "b", "c"], cluster=_GROUPS),
    "coefficient_fidelity": call("y ~ x", _LINE, _LINE),
    "cohen_kappa": call([[20, 5], [4, 21]]),
    "conditional_type": call([0, 4, 9], [0, 5, 10]),
    "confirmatory_factors": call(_ITEMS, {"calm": [0, 1, 2, 3]}),
    "conjoint_effects": call([k % 2 for k in range(24)], {"price": ["low", "high", "mid"] * 8}, _GROUPS),
    "contextual_calibration": call([0.6, 0.4], [0.7, 0.3]),
    "context_study": call(_FRAME, ["subject"]),
    "correct_swaps": call(_HALF, m.swap_error(_AGREED), is_mean=True),
    "cronbach_alpha": call(_ITEMS),
    "dawid_skene": call(_WORDS, n_starts=3),
    "difference_in_means": call(_OUTCOMES[:12], _OUTCOMES[12:]),
    "differential_functioning": call(_ITEMS, ["a", "b"] * 20),
    "disattenuated": call(m.clustered_correlation(_OUTCOMES, _SCORES), [0.8]),
    "dispersion": call([1, 2, 3, 4, 5] * 10, [2, 3, 3, 3, 4] * 10),
    "disposition_test": call({"a": {"ok": 20, "refused": 5}, "b": {"ok": 15, "refused": 9}}, n_draws=99),
    "dsl_mean": call(_GOLD, _GUESS, _MORE, probabilities=0.25),
    "dsl_ols": call(_GOLD, _GUESS, _MORE, probabilities=0.25, regressors=_X),
    "effect_correspondence": call(_EFFECTS, [0.2, 0.3, 0.6, 0.1, 0.5]),
    "effective_n": call(100, 1000, 0.6),
    "equivalence": call(_HALF, 0.5),
    "error_correlations": call(_WORDS, [row[1] for row in _WORDS]),
    "exploratory_factors": call(_ITEMS, 1),
    "factor_congruence": call([[0.7, 0.1], [0.6, 0.2], [0.1, 0.8]], [[0.6, 0.1], [0.7, 0.2], [0.2, 0.7]]),
    "fit_exploration": call(
        [8, -8, 20, -20] * 6,
        [1, 1, 0, -1] * 6,
        [k % 8 > 3 for k in range(24)],
        [0.6, 0.3, 0.8, 0.1] * 6,
        list(range(24)),
    ),
    "fit_learning": call(_GRID, [[[0, 1]] * 5] * 6, list(range(6)), model="ewa"),
    "fit_prospect": call(_AMOUNTS, _CHANCES, [0.8, 0.2, 0.6, 0.3] * 12, [k // 4 for k in range(48)]),
    "fit_two_step": call(_FIRSTS, _STATES, _SECONDS, _COINS),
    "fit_discounting": call([0, 1, 1, 1] * 3, [100] * 12, [110, 140, 130, 140] * 3, _WAITS, list(range(12))),
    "fit_risk_aversion": call(
        [1] * 6 + [0] * 4, [[2, 1.6]] * 10, [[3.85, 0.1]] * 10, [k / 10 for k in range(1, 11)], list(range(10))
    ),
    "fit_social_preferences": call([1, 0, 0, 0] * 3, [[4, 4], [8, 2]] * 6, [[3, 8], [6, 6]] * 6, list(range(12))),
    "fleiss_kappa": call([[3, 0], [2, 1], [0, 3], [1, 2], [3, 0]]),
    "garp": call(_PRICES, _BOUGHT),
    "generalizability": call(_FRAME, "item"),
    "graded_response": call(_ITEMS),
    "gwet_ac1": call(_WORDS, ["a", "b", "c"]),
    "icc": call(_ITEMS, "ICC(3,1)"),
    "ipsative_stability": call(_ITEMS[:6], _ITEMS[6:12]),
    "item_fidelity": call(
        {k: k % 3 for k in range(30)}, {k: [0.3, 0.3, 0.4] for k in range(30)}, n_options=3, positions=[1, 2, 3]
    ),
    "js_distance": call([0.2, 0.8], [0.5, 0.5]),
    "js_divergence": call([0.2, 0.8], [0.5, 0.5]),
    "kish_n_eff": call([1, 1, 2]),
    "kl_divergence": call([0.2, 0.8], [0.5, 0.5]),
    "krippendorff_alpha": call(_WORDS, "nominal"),
    "learning_probabilities": call(
        [[1, 1, 0]],
        [[[0, 2], [0, 2], [0, 2]]],
        {"strength": 2.0, "forgetting": 0.0, "experimentation": 0.0},
        model="roth-erev",
    ),
    "likelihood_ratio_dif": call([[v > 2 for v in row] for row in _ITEMS], ["a", "b"] * 20),
    "mean_kl": call(_PROBS, _LATER, "before_after", 2),
    "measurement_invariance": call({"a": _ITEMS[:20], "b": _ITEMS[20:]}, {"calm": [0, 1, 2, 3]}),
    "missing_bounds": call([10, 20], 5, target="model"),
    "missing_difference_bounds": call(_OUTCOMES[:12], _OUTCOMES[12:], n_missing=(1, 2), limits=(0, 3)),
    "omega_hierarchical": call(_NINE),
    "multitrait_multimethod": call(
        {"a": _OUTCOMES, "b": _SCORES, "c": _SCORES[::-1]},
        {"a": "joy", "b": "joy", "c": "anger"},
        {"a": "scale", "b": "text", "c": "text"},
        cluster=_GROUPS,
    ),
    "omega_total": call(_ITEMS),
    "option_rank_consistency": call(_PROBS, _LATER),
    "ordinal_correlations": call(_ITEMS),
    "paired_difference": call(_OUTCOMES, _SCORES),
    "parallel_analysis": call(_ITEMS, n_draws=20),
    "partial_spearman": call(_OUTCOMES, _SCORES, _GROUPS),
    "perspective_controllability": call([[0.9, 0.2, 0.3], [0.1, 0.8, 0.3]], [0, 1]),
    "perturbation_report": call(_VOTES, n_permutations=99),
    "poststratify": call([1, 0, 1, 1], ["f", "f", "m", "m"], population={"f": 520, "m": 480}),
    "power": call(m.TwoMeans(effect=0.5), 40),
    "ppi_difference": call((_GOLD, _GOLD - 0.1), (_GUESS, _GUESS - 0.2), (_MORE, _MORE + 0.1)),
    "ppi_logit": call(_YES, (_GUESS > 0).astype(float), (_MORE > 0).astype(float), regressors=_X),
    "ppi_mean": call(_GOLD, _GUESS, _MORE),
    "ppi_ols": call(_GOLD, _GUESS, _MORE, regressors=_X),
    "pride": call([0.5, 0.3, 0.2], [[0.5, 0.3, 0.2], [0.3, 0.5, 0.2], [0.2, 0.3, 0.5]]),
    "prospect_values": call(
        [[100, 0], [-100, 0]],
        [[0.5, 0.5], [0.5, 0.5]],
        {"value exponent": 0.88, "loss aversion": 2.25, "weighting of gains": 0.61, "weighting of losses": 0.69},
    ),
    "rake": call({"sex": ["f", "f", "f", "m"]}, {"sex": {"f": 0.5, "m": 0.5}}),
    "rank_order_stability": call(_ITEMS[:6], _ITEMS[6:12]),
    "reasoning_levels": call([80, 50, 34, 33, 22, 15, 0], start=50, factor=2 / 3),
    "recall_at": call([1, 0, 1, 1, 0, 0, 0, 1, 0, 0], share=0.5),
    "recall_audit": call(95, 1000, 200, 1),
    "recall_test": call([1, 1, 0, 1] + [0] * 40, 60),
    "response_styles": call([[5, 3], [4, 4], [5, 5]], [1, -1], points=range(1, 6)),
    "retest": call(_OUTCOMES, [y + 0.1 * (k % 3) for k, y in enumerate(_OUTCOMES)]),
    "rogan_gladen": call(40, 100, sensitivity=0.9, specificity=0.8),
    "romano_wolf": call({"a": 2.5, "b": 1.0}, [[0.1 * (k % 20), 0.1 * (k % 17)] for k in range(200)]),
    "sample_size": call(m.TwoMeans(effect=0.5)),
    "saturation": call([[k % 2, (k // 2) % 2, int(k % 7 == 0)] for k in range(24)], n_orders=50),
    "series_regression": call(_OUTCOMES, {"x": _SCORES}),
    "share_estimates": call([0, 1, 1, 0, 2, 1], 3, target="model"),
    "shuffled_dates": call(_OUTCOMES, _SCORES, n_draws=99),
    "simbench_score": call([[0.5, 0.5], [0.9, 0.1]], [[0.6, 0.4], [0.8, 0.2]], ["a", "a"]),
    "simulated_power": call(_is_found, rng=np.random.default_rng(1), n_replicates=20),
    "slick_category": call([4, 0, 10], 10, [20, 1, 40], 40),
    "slick_transitions": call(["MaybeKnown"] * 3, ["HighlyKnown"] * 3),
    "smallest_detectable_effect": call(50),
    "smallest_detectable_share_difference": call(50, 50),
    "specification_curve": call(_PROBS + _LATER, [k % 2 for k in range(30)], names=["a", "b", "c"], n_draws=49),
    "split_half": call(_ITEMS, n_splits=20),
    "strategy_frequencies": call([[18, 2]] * 6 + [[1, 19]] * 4, [20] * 10, ["ALLD", "ALLC"], n_bootstrap=20),
    "strategy_matches": call([[1, 0, 0], [1, 1, -1]], [[0, 1, 1], [1, 1, -1]], ["a", "b"]),
    "structure_agreement": call(_WHOLE, [[1, 0.7, 0.5], [0.7, 1, 0.4], [0.5, 0.4, 1]]),
    "swap_error": call(_AGREED),
    "top_option_agreement": call(_PROBS, _LATER),
    "total_variation": call([0.2, 0.8], [0.5, 0.5]),
    "tucker_phi": call([0.7, 0.6, 0.1], [0.6, 0.7, 0.2]),
    "tv_noise_floor": call([0.2, 0.8], 50),
    "two_sample_classifier": call(_PEOPLE, _ANSWERS, folds=3, n_permutations=99),
    "two_step_probabilities": call(_FIRSTS, _STATES, _SECONDS, _COINS, _LEARNER),
    "two_way_variance": call(_OUTCOMES, {"x": _SCORES}, _GROUPS, [k % 4 for k in range(24)]),
    "wasserstein": call([0.2, 0.8], [0.5, 0.5]),
    "weighted_mean": call(_OUTCOMES, [1 + k % 3 for k in range(24)]),
    "active_labels": call([0.1, 0.1, 0.1, 0.5], n_labels=2),
    "adjusted_difference": call(_OUTCOMES, [k % 2 for k in range(24)], {"age": _SCORES}),
    "calibrate": call({"age": _AGES, "n": list(range(12))}, _MARGINS, totals={"n": 70}, method="linear"),
    "calibrate_design": call(_DRAWN, {"age": _AGES}, {"age": {"old": 20, "young": 20}}),
    "calibrated_mean": call(_VOTES_OF, {"age": _AGES}, _MARGINS),
    "choice_regression": call([0, 0, 1, 0, 1, 1, 1, 0] * 3, {"x": _SCORES}),
    "line_with_errors_in_both": call([0.0, 1.0, 2.0, 3.0], [0.1, 0.9, 2.2, 2.8], [0.1] * 4, [0.1] * 4),
    "mixed_model": call(_FRAME, "item"),
    "mrp_mean": call(
        _VOTES_OF,
        {"age": _AGES, "sex": ["f", "m"] * 6},
        cells={"age": ["old", "old", "young", "young"], "sex": ["f", "m", "f", "m"]},
        sizes=[30, 20, 30, 20],
    ),
    "multilevel_effects": call(
        [(0.1, 0.1), (0.3, 0.1), (0.5, 0.1), (0.6, 0.1), (0.2, 0.1), (0.0, 0.1)], list("aabbcc")
    ),
    "normalised_accuracy": call([0.6, 0.7, 0.8], [0.8, 0.7, 0.9]),
    "plan_labels": call(0.75, cost_label=1, cost_prediction=0.01, budget=1000),
    "ppi_poisson": call(_VISITS, _VISITS + 0.5, np.exp(0.4 * _MORE), regressors=_X),
    "ppi_quantile": call(_GOLD, _GUESS, _MORE),
    "ppi_sequence": call(_GOLD, _GUESS, _MORE),
    "ppi_stratified": call(_ROUNDS, _GUESSED, _GUESSED * 3, strata=_STRATA, strata_unlabelled=_STRATA * 3),
    "random_effects": call({"a": (0.10, 0.05), "b": (0.30, 0.05), "c": (0.22, 0.06), "d": (0.45, 0.10)}),
    "ranking": call({"a": [0.5 + x for x in _HARD], "b": [0.1 + x / 2 for x in _HARD]}, n_draws=99),
    "rao_scott_fit": call(np.eye(3)[[0, 0, 0, 1, 2, 0, 0, 1, 0, 0, 1, 2]] - 1 / 3, [1 / 3] * 3, _DRAWN),
    "rao_scott_test": call(list("aabbabbbaaab"), list("xyxxyyxxyyyx"), _DRAWN),
    "replicate_weights": call({"age": _AGES}, _MARGINS),
    "steerability": call({"young": [0.7, 0.8, 0.75]}, {"young": [0.8, 0.85, 0.9]}),
    "survey_design": call(6, strata=[1, 1, 2, 2, 3, 3], weights=[1, 2, 1, 2, 1, 1]),
    "survey_mean": call(_OUTCOMES[:12], _DRAWN),
    "survey_proportion": call(_VOTES_OF, _DRAWN),
    "survey_quantile": call(_OUTCOMES[:12], 0.5, _DRAWN),
    "survey_ratio": call(_OUTCOMES[:12], list(range(1, 13)), _DRAWN),
    "survey_regression": call(_OUTCOMES[:12], {"x": _SCORES[:12]}, _DRAWN),
    "survey_total": call(_OUTCOMES[:12], _DRAWN),
    "bradley_terry": call(list("abcabc"), list("bcabca"), [1, 0, 1, 1, 1, 0], tied=[0, 1, 0, 0, 0, 0]),
    "corrected_bradley_terry": call(["a", "b", "c"] * 4, ["b", "c", "a"] * 4, _HARD[:12], [1, 0, 1, 0, 1, 1] * 2),
    "bargain": call(["A", "B", "C"], [0, 4, 10], [1, 0.5, 1], [1, 1, 2]),
    "consistent_scenarios": call(
        {"price": ["dear", "cheap"], "use": ["much", "little"]},
        {("dear", "much"): -2, ("dear", "little"): 1, ("cheap", "much"): 2, ("cheap", "little"): -1},
    ),
    "average_precision": call([1, 0, 1, 1, 0, 0, 0, 1, 0, 0]),
    "retrieval": call([1, 0, 1, 1, 0, 0], [1, 1, 0, 1, 0, 0]),
    "wss": call([1, 0, 1, 1, 0, 0, 0, 1, 0, 0]),
    "content_density": call(_TEXT),
    "hdd": call(_TEXT),
    "heaps_fit": call([f"w{int(k**0.6)}" for k in range(150)]),
    "mtld": call(_TEXT),
    "repetition": call(_TEXT),
    "zipf_fit": call([max(1, 90 // rank) for rank in range(1, 60)], replicates=0),
}

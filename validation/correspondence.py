"""Effects, spread, structure and coefficients of people and a model: do intervals cover, do tests hold their size?"""

from functools import partial

import numpy as np

from proband.measures.likeness.structure.classifiers import two_sample_classifier
from proband.measures.likeness.structure.correlations import structure_agreement
from proband.measures.likeness.structure.effects import effect_correspondence
from proband.measures.likeness.structure.regressions import coefficient_fidelity
from proband.measures.likeness.structure.spread import dispersion
from validation.simulation import Scenario, covers

FAMILY = "Correspondence"

READING = """
- Correlations of effects are those of the effects as estimated; only the disattenuated one is about the true effects,
  and its interval is wide where they are few.
- The disattenuated correlation of one effect a study is one to four points short below 200 studies, and the entropy
  ratio three at 50 scores and six at 20.
- The normal-theory interval of lnVR is right for normal scores only, and warns where the kurtosis says otherwise; the
  interval of the ratio of standard deviations is right for rating scales that are used throughout, and too short for
  lognormal scores and where 84 % give the lowest point; it warns below 25 skewness^2 scores (about 180 there).
- The test of a classifier holds its size because labels are exchanged as the design has them: within subjects where the
  model answered as these very people. Exchanged freely there, it is far too careful.
"""


def effects(rng: np.random.Generator, n: int, *, per_study: int) -> tuple[dict, dict]:
    """Effects of people and a model with true correlation .8, in studies that share a part of them."""
    shared = rng.standard_normal((n, 1)) * np.sqrt(0.3)
    true = 0.3 * (shared + np.sqrt(0.7) * rng.standard_normal((n, per_study)))
    model = 1.5 * (0.8 * true + 0.3 * 0.6 * rng.standard_normal((n, per_study)))
    se = rng.uniform(0.05, 0.15, (n, per_study))
    observed = true + se * rng.standard_normal((n, per_study))
    study = np.repeat(np.arange(n), per_study)
    contrast = np.tile(np.arange(per_study), n)
    frames = [{"effect": values.ravel(), "study": study, "contrast": contrast} for values in (observed, model)]
    return {**frames[0], "se": se.ravel()}, frames[1]


def effects_cover(rng: np.random.Generator, n: int, *, name: str, per_study: int) -> bool | None:
    found = effect_correspondence(*effects(rng, n, per_study=per_study))
    return covers(getattr(found, name), TRUE_EFFECTS[name])


# Var h = .09 + E se^2; var m = 1.5^2 .09; cov = 1.5 .8 .09, with E se^2 = (.05^2 + .05 .15 + .15^2) / 3.
_SE2 = (0.05**2 + 0.05 * 0.15 + 0.15**2) / 3
_H, _M, _HM = 0.09 + _SE2, 1.5**2 * 0.09, 1.5 * 0.8 * 0.09
TRUE_EFFECTS = {
    "correlation": _HM / np.sqrt(_H * _M),
    "correlation_through_origin": _HM / np.sqrt(_H * _M),
    "disattenuated": 0.8,
    "slope": _HM / _M,
    "rmse": np.sqrt(_H + _M - 2 * _HM),
    "bias": 0.0,
}


def scores(rng: np.random.Generator, n: int, kind: str) -> np.ndarray:
    if kind == "normal":
        return rng.standard_normal(n)
    if kind == "5 points":
        return rng.choice(5, n, p=(0.1, 0.15, 0.3, 0.3, 0.15)).astype(float)
    if kind == "U-shaped":
        return rng.choice(5, n, p=(0.35, 0.1, 0.1, 0.1, 0.35)).astype(float)
    if kind == "84 % the lowest of 5":
        return np.searchsorted((1.0, 1.5, 2.0, 2.5), rng.standard_normal(n)).astype(float)
    return rng.lognormal(0, 0.5, n)


def sd_ratio_covers(rng: np.random.Generator, n: int, *, kind: str, name: str) -> bool | None:
    h, m = scores(rng, n, kind), 0.6 * scores(rng, 2 * n, kind)
    return covers(getattr(dispersion(h, m), name), 0.6 if name == "sd_ratio" else float(np.log(0.6)))


def within_covers(rng: np.random.Generator, n: int) -> bool | None:
    h = {g: g + rng.standard_normal(n // 4) for g in range(4)}
    m = {g: 2 * g + 0.5 * rng.standard_normal(n // 4) for g in range(4)}
    found = dispersion(h, m).within_ratio
    return None if found is None else covers(found, 0.5)


def entropy_ratio_covers(rng: np.random.Generator, n: int) -> bool | None:
    p, q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.8, 0.15, 0.05])
    entropies = [-(s * np.log(s)).sum() for s in (q, p)]
    found = dispersion(rng.choice(4, n, p=p), rng.choice(3, n, p=q)).entropy_ratio
    return covers(found, float(entropies[0] / entropies[1]))


def structure_covers(rng: np.random.Generator, n: int, *, loading: float, name: str) -> bool | None:
    def answers(size: int, strength: float) -> np.ndarray:
        trait = rng.standard_normal((size, 1))
        return np.sqrt(strength) * trait + np.sqrt(1 - strength) * rng.standard_normal((size, 6))

    found = structure_agreement(answers(n, 0.3), answers(2 * n, loading))
    truth = abs(loading - 0.3) if name == "rmse" else float(np.arctanh(loading) - np.arctanh(0.3))
    return covers(getattr(found, name), truth)


def coefficients(rng: np.random.Generator, n: int, *, is_shared: bool, slope: float) -> tuple[dict, dict]:
    """Heteroscedastic answers of people, and of a model whose errors go with theirs where it plays them."""
    x, z = rng.standard_normal(n), rng.integers(0, 2, n)
    own = rng.standard_normal(n) * (0.5 + np.abs(x))
    errors = 0.6 * own + 0.5 * rng.standard_normal(n) if is_shared else rng.standard_normal(n)
    x_m, z_m = (x, z) if is_shared else (rng.standard_normal(n), rng.integers(0, 2, n))
    human = {"y": x + 0.5 * z + own, "x": x, "z": z}
    model = {"y": slope * x_m + 0.5 * z_m + errors, "x": x_m, "z": z_m}
    if is_shared:
        human["subject"] = model["subject"] = np.arange(n)
    return human, model


def coefficient_covers(rng: np.random.Generator, n: int, *, is_shared: bool) -> bool | None:
    sides = coefficients(rng, n, is_shared=is_shared, slope=1.5)
    found = coefficient_fidelity("y ~ x + z", *sides, subjects="subject" if is_shared else "")
    return covers(found.coefficients[1].difference, 0.5)


def coefficients_rejected(rng: np.random.Generator, n: int, *, is_shared: bool) -> bool | None:
    sides = coefficients(rng, n, is_shared=is_shared, slope=1.0)
    p = coefficient_fidelity("y ~ x + z", *sides, subjects="subject" if is_shared else "").joint.p_value
    return None if p is None else p < 0.05


def classifier_rejected(rng: np.random.Generator, n: int, *, classifier: str, is_paired: bool) -> bool | None:
    trait = rng.standard_normal((n, 1))
    other = trait if is_paired else rng.standard_normal((n, 1))
    human, model = ((side + rng.standard_normal((n, 4)) > 0).astype(int) for side in (trait, other))
    subjects = (range(n), range(n)) if is_paired else None
    found = two_sample_classifier(human, model, subjects=subjects, classifier=classifier, n_permutations=99)
    return found.auc.p_value is not None and found.auc.p_value <= 0.05


SCENARIOS: tuple[Scenario, ...] = (
    *(
        Scenario(
            family=FAMILY,
            method=f"effects: {name.replace('_', ' ')}",
            data="one effect a study" if per_study == 1 else "4 effects a study",
            draw=partial(effects_cover, name=name, per_study=per_study),
            # Reliability is itself estimated: the disattenuated interval is short below 50 studies, and says so.
            held_from=50 if name == "disattenuated" else 20,
            tolerance=0.02,
            is_conservative=True,
        )
        for per_study in (1, 4)
        for name in TRUE_EFFECTS
    ),
    *(
        Scenario(
            family=FAMILY,
            method="ratio of standard deviations" if name == "sd_ratio" else "lnVR, normal theory",
            data=kind,
            draw=partial(sd_ratio_covers, kind=kind, name=name),
            sizes=(30, 100, 300, 1000) if kind.startswith("84") else (20, 50, 200, 1000),
            held_from={"lognormal": 10**9, "84 % the lowest of 5": 300}.get(kind, 20),
            tolerance=0.02,
            is_conservative=kind != "normal",
        )
        for name, kinds in (
            ("sd_ratio", ("normal", "5 points", "U-shaped", "84 % the lowest of 5", "lognormal")),
            ("log_variability_ratio", ("normal", "5 points")),
        )
        for kind in kinds
    ),
    Scenario(
        family=FAMILY,
        method="ratio of standard deviations within groups",
        data="4 groups, normal",
        draw=within_covers,
        sizes=(20, 50, 200),
        held_from=20,
        tolerance=0.02,
    ),
    Scenario(
        family=FAMILY,
        method="entropy ratio",
        data="4 values",
        draw=entropy_ratio_covers,
        sizes=(20, 50, 200, 1000),
        held_from=50,
        tolerance=0.02,
    ),
    *(
        Scenario(
            family=FAMILY,
            method="RMSE of correlations" if name == "rmse" else "mean difference of atanh correlations",
            data=f"6 items, people .3, model {loading}",
            draw=partial(structure_covers, loading=loading, name=name),
            sizes=(30, 50, 200),
            held_from=50,
            tolerance=0.02,
            is_conservative=name == "rmse",
        )
        for name in ("rmse", "mean_difference")
        for loading in (0.3, 0.4, 0.6)
    ),
    *(
        Scenario(
            family=FAMILY,
            method=method,
            data=f"heteroscedastic, {'the same' if is_shared else 'other'} subjects",
            draw=partial(draw, is_shared=is_shared),
            sizes=(20, 50, 200),
            expected=expected,
            held_from=50,
            tolerance=0.02,
        )
        for method, draw, expected in (
            ("difference of coefficients", coefficient_covers, 0.95),
            ("joint test of slopes", coefficients_rejected, 0.05),
        )
        for is_shared in (True, False)
    ),
    *(
        Scenario(
            family=FAMILY,
            method=f"two-sample classifier, {classifier}",
            data="the same subjects" if is_paired else "two samples",
            draw=partial(classifier_rejected, classifier=classifier, is_paired=is_paired),
            sizes=(20, 50),
            expected=0.05,
            held_from=20,
            tolerance=0.02,
            is_conservative=True,
        )
        for classifier in ("logistic", "knn")
        for is_paired in (False, True)
    ),
)

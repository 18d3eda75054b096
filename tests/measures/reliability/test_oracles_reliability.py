"""The same numbers from other packages, where they are installed."""

import warnings
from types import ModuleType

import numpy as np
import pytest

from proband.measures.reliability.components import generalizability
from proband.measures.reliability.internal import cronbach_alpha, split_half
from proband.measures.reliability.intraclass import icc

RATINGS = np.random.default_rng(1).standard_normal((15, 4)).cumsum(axis=0).round(1)
FORMS = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")


def oracle(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other packages' own deprecations are not ours to fix
        return pytest.importorskip(name)


def test_intraclass_correlations_are_those_of_pingouin():
    pingouin, pd = oracle("pingouin"), pytest.importorskip("pandas")
    s, r = (part.ravel() for part in np.indices(RATINGS.shape))
    frame = pd.DataFrame({"s": s, "r": r, "y": RATINGS.ravel()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pingouin.intraclass_corr(frame, targets="s", raters="r", ratings="y")
    ours = [icc(RATINGS, form) for form in FORMS]
    assert [e.value for e in ours] == pytest.approx(theirs["ICC"].tolist())
    assert [e.p_value for e in ours] == pytest.approx(theirs["pval"].tolist())
    limits = [list(interval) for interval in theirs["CI95"]]
    for k in (0, 2, 3, 5):  # the forms with an exact interval; theirs are rounded to two digits
        assert ours[k].interval == pytest.approx(limits[k], abs=0.006)


def test_alpha_and_feldts_interval_are_those_of_pingouin():
    pingouin, pd = oracle("pingouin"), pytest.importorskip("pandas")
    alpha, limits = pingouin.cronbach_alpha(pd.DataFrame(RATINGS))
    found = cronbach_alpha(RATINGS, method="feldt")
    assert found.value == pytest.approx(alpha)
    assert found.interval == pytest.approx(limits, abs=6e-4)


def test_alpha_icc_and_spearman_brown_are_those_of_popfidelity():
    theirs = oracle("popfidelity").reliability
    assert float(cronbach_alpha(RATINGS)) == pytest.approx(theirs.cronbach_alpha(RATINGS))
    for form, model, average in (("1,1", "oneway", False), ("2,k", "agreement", True), ("3,1", "consistency", False)):
        assert icc(RATINGS, form).value == pytest.approx(theirs.icc(RATINGS, model, average=average))
    two = split_half(RATINGS[:, :2])
    assert two.reliability.value == pytest.approx(theirs.spearman_brown(two.correlation))


def test_components_are_those_of_generalizit():
    generalizit, pd = oracle("generalizit"), pytest.importorskip("pandas")
    y = np.random.default_rng(2).standard_normal((9, 4, 3)) + np.arange(9)[:, None, None]
    p, i, o = (part.ravel().tolist() for part in np.indices(y.shape))
    frame = pd.DataFrame({"person": p, "i": i, "o": o, "y": y.ravel()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = generalizit.GeneralizIT(data=frame, design_str="person x i x o", response="y")
        study.calculate_anova()
    theirs = study.design.anova_table["Variance"]
    ours = generalizability(frame, ["i", "o"], objects="person", scores="y")
    for name, component in ours.components.items():
        assert float(component.variance) == pytest.approx(float(theirs[name]), abs=6e-5)  # rounded to four digits

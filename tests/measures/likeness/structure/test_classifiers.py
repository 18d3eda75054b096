import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.likeness.structure.classifiers import two_sample_classifier
from proband.measures.likeness.structure.logits import fit_binary, fit_multinomial


def shifted(n, shift, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)), rng.normal([shift, 0, 0], size=(n, 3))


@pytest.mark.parametrize("classifier", ["logistic", "knn"])
def test_a_shift_is_found_and_no_shift_is_not(classifier):
    far = two_sample_classifier(*shifted(60, 2.0), classifier=classifier, n_permutations=199)
    assert far.auc.p_value == pytest.approx(1 / 200)
    assert far.auc.interval[0] > 0.7
    near = two_sample_classifier(*shifted(60, 0.0), classifier=classifier, n_permutations=199)
    assert near.auc.p_value > 0.02
    assert near.auc.interval[0] < 0.5


def test_the_auc_of_a_shift_is_that_of_two_normals():
    found = two_sample_classifier(*shifted(2000, 1.0), n_permutations=99)
    assert found.auc.value == pytest.approx(0.7602, abs=0.02)  # Phi(1 / sqrt 2)
    assert found.features[0][0] == "0"
    assert found.features[0][1] > 0


def test_neighbours_see_a_combination_that_a_line_does_not():
    rng = np.random.default_rng(2)
    people, model = rng.standard_normal((150, 2)), rng.standard_normal((150, 2))
    people[:, 1] = np.sign(people[:, 0]) * np.abs(people[:, 1])
    model[:, 1] = -np.sign(model[:, 0]) * np.abs(model[:, 1])
    line, near = (two_sample_classifier(people, model, classifier=c, n_permutations=99) for c in ("logistic", "knn"))
    assert near.auc.value > 0.9
    assert line.auc.value < 0.65


def test_subjects_on_both_sides_are_exchanged_within():
    rng = np.random.default_rng(3)
    trait = 2 * rng.standard_normal((80, 1))
    people, model = trait + 0.3 * rng.standard_normal((80, 2)), trait + 0.3 * rng.standard_normal((80, 2))
    names = [f"s{k}" for k in range(80)]
    found = two_sample_classifier(people, model, subjects=(names, names), n_permutations=199)
    assert found.n_pairs == 80
    assert found.auc.p_value > 0.02
    free = two_sample_classifier(people, model, n_permutations=199)
    assert free.auc.se > found.auc.se


@settings(max_examples=5)
@given(st.permutations(["a", "b", "c"]))
def test_what_options_are_called_does_not_matter(names):
    rng = np.random.default_rng(4)
    people, model = (rng.choice(3, (50, 2), p=p) for p in ((0.5, 0.3, 0.2), (0.2, 0.3, 0.5)))
    plain = two_sample_classifier(people, model, n_permutations=99)
    named = [pd.DataFrame(np.array(names, dtype=object)[side]) for side in (people, model)]
    assert two_sample_classifier(*named, n_permutations=99).auc.value == pytest.approx(plain.auc.value, abs=1e-3)


def test_p_values_are_multiples_of_the_permutations():
    found = two_sample_classifier(*shifted(20, 0.5), n_permutations=99)
    assert (found.auc.p_value * 100) == pytest.approx(round(found.auc.p_value * 100))


def test_a_missing_answer_is_a_level_and_a_missing_number_is_refused():
    people = {"vote": ["a", None] * 20, "age": list(range(40))}
    model = {"vote": ["a", "b"] * 20, "age": list(range(40))}
    found = two_sample_classifier(people, model, n_permutations=99)
    assert "vote=missing" in {name for name, _ in found.features}
    with pytest.raises(MissingDataError, match="age"):
        two_sample_classifier({**people, "age": [None, *range(39)]}, model)


def test_what_cannot_be_tested_is_refused():
    people, model = shifted(30, 0.0)
    with pytest.raises(DataError, match="at least 10"):
        two_sample_classifier(people[:5], model)
    with pytest.raises(DataError, match="no feature varies"):
        two_sample_classifier(np.ones((20, 2)), np.ones((20, 2)))
    with pytest.raises(DataError, match="several rows"):
        two_sample_classifier(people, model, subjects=(["s"] * 30, range(30)))
    with pytest.raises(DesignError, match="none of logistic"):
        two_sample_classifier(people, model, classifier="forest")


def test_penalised_logits_are_those_of_a_newton_fit():
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(400), rng.standard_normal((400, 2))])
    logits = x @ rng.standard_normal((3, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = (rng.random((400, 1)) > p.cumsum(axis=1)[:, :-1]).sum(axis=1)
    ours = fit_multinomial(x, np.eye(3)[y], np.array([0]), penalty=1e-6)
    assert ours[:, 1:] - ours[:, :1] == pytest.approx(sm.MNLogit(y, x).fit(disp=0).params, abs=2e-3)
    binary = fit_binary(x, 1.0 * (y == 1)[:, None], penalty=1e-6)[:, 0]
    assert binary == pytest.approx(sm.Logit(1.0 * (y == 1), x).fit(disp=0).params, abs=2e-3)

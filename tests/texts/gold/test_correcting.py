import numpy as np
import pytest

from proband.errors import DataError
from proband.texts.gold.correcting import Gold, Variable, corrected_mean, corrected_regression
from validation.texts import SCENARIOS, claim, world


def code(of):
    return Variable(values=of.code, guess=of.coded, coded=of.coded)


def test_a_share_is_told_three_times():
    of = world(np.random.default_rng(1), 150, kind="simple")
    found = claim(of, "share")
    known = of.gold.is_known
    assert found.human.value == pytest.approx(of.code[known].mean())
    assert found.uncorrected.value == pytest.approx(of.coded.mean())
    assert found.corrected.n_units == 150


def test_a_perfect_coder_saves_labels_and_a_blind_one_nothing():
    of = world(np.random.default_rng(2), 150, kind="simple")
    perfect = corrected_mean(Variable(values=of.code, guess=of.code, coded=of.code), of.gold)
    assert perfect.saved > 500
    noise = 1.0 * (np.random.default_rng(3).random(len(of.code)) < 0.5)
    blind = corrected_mean(Variable(values=of.code, guess=noise, coded=noise), of.gold)
    assert blind.bought == "nothing"


def test_authors_with_gold_and_other_documents_are_taken_together():
    of = world(np.random.default_rng(4), 150, kind="authors")
    found = claim(of, "share")
    assert "DSL" in found.corrected.interval_method
    assert found.corrected.n_clusters is not None


def test_unequal_probabilities_are_weighed():
    of = world(np.random.default_rng(5), 300, kind="uncertain")
    known, pi = of.gold.is_known, of.gold.pi
    found = claim(of, "share")
    assert found.human.value == pytest.approx(np.average(of.code[known], weights=1 / pi[known]))
    assert abs(found.human.value - of.code.mean()) < abs(of.code[known].mean() - of.code.mean())


def test_documents_without_a_code_are_left_out_at_its_word_and_guessed_in_the_correction():
    of = world(np.random.default_rng(6), 150, kind="simple")
    coded = of.coded.copy()
    coded[:300] = np.nan
    found = corrected_mean(Variable(values=of.code, guess=coded, coded=coded), of.gold)
    assert found.uncorrected.n_units == len(coded) - 300
    assert found.corrected.n_units == 150
    assert found.corrected.interval is not None


def test_too_little_gold_says_so_and_gives_no_number():
    of = world(np.random.default_rng(7), 1, kind="simple")
    found = claim(of, "share")
    assert np.isnan(found.corrected.value)
    assert "labelled units" in found.corrected.warnings[0]
    trend = corrected_regression(code(of), {"year": Variable(values=of.year)}, of.gold)["year"]
    assert trend.bought == "nothing"
    assert not np.isnan(trend.uncorrected.value)


def test_arrays_that_do_not_match_are_refused():
    with pytest.raises(DataError, match="give one for each"):
        Gold(known=[True, False], probability=[0.5])


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario", [s for s in SCENARIOS if "as they are" in s.method], ids=lambda s: f"{s.method}, {s.data}"
)
def test_a_coders_codes_taken_at_their_word_do_not_cover(scenario):
    # That corrected ones do is held by the simulation of this family, tests/measures/test_coverage.py.
    assert scenario.share(100, 100)[0] < 0.6

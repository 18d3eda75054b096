"""Generated batteries of cognition: one right answer, worked out anew here, and refusals of what would have two."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.psychology import (
    base_rates,
    causal,
    conjunction,
    digit_matrices,
    false_belief,
    letter_strings,
    property_induction,
    semantic_illusions,
    syllogisms,
    trait_shaping,
    trait_texts,
    wason,
)
from proband.errors import DesignError

RIGHT_OR_WRONG = (
    *("semantic-illusions", "wason", "conjunction", "base-rates", "property-induction", "letter-strings"),
    *("digit-matrices", "false-belief", "causal"),
)


RNG = np.random.default_rng(1)


@pytest.mark.parametrize("name", [*RIGHT_OR_WRONG, "syllogisms"])
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_every_generated_item_has_one_right_answer_and_belongs_to_a_scale(name: str, seed: int) -> None:
    battery = BATTERIES.load(name)
    assert battery.is_generated
    assert battery.instrument is not None
    found = battery.instrument(Setting(seed=seed))
    assert found == battery.instrument(Setting(seed=seed))
    assert {item.id for item in found.items} == {id for scale in found.scales for id in scale.items}
    for item in found.items:
        assert sorted(item.codes) == [0.0] * (len(item.options) - 1) + [1.0]
    assert len({item.text + "/".join(sorted(item.options)) for item in found.items}) == len(found.items)


@pytest.mark.parametrize("name", RIGHT_OR_WRONG)
def test_the_right_answer_stands_in_every_place(name: str) -> None:
    battery = BATTERIES.load(name)
    assert battery.instrument is not None
    items = [item for seed in range(8) for item in battery.instrument(Setting(seed=seed)).items]
    places = np.bincount([item.codes.index(1.0) for item in items])
    assert places.min() > 0.6 * len(items) / len(places)


def test_quick_asks_less_and_n_is_kept() -> None:
    for name in (*RIGHT_OR_WRONG, "syllogisms"):
        make = BATTERIES.load(name).instrument
        assert make is not None
        full, quick, own = (make(Setting(seed=1, **how)) for how in ({}, {"is_quick": True}, {"n": 1}))
        assert len(own.items) <= len(quick.items) < len(full.items)


def test_a_syllogism_that_is_called_valid_has_no_counterexample() -> None:
    some_not = ("some not", 2, 0)
    assert syllogisms.follows([("no", 0, 1), ("some", 2, 1)], some_not)
    assert not syllogisms.follows([("no", 0, 1), ("some", 2, 1)], ("some not", 0, 2))
    assert syllogisms.follows([("all", 0, 1), ("all", 1, 2)], ("all", 0, 2))
    assert not syllogisms.follows([("all", 0, 1), ("all", 1, 2)], ("some", 0, 2)), "nothing may be the first"


def test_a_card_has_to_be_turned_only_if_its_other_side_can_break_the_rule() -> None:
    assert wason.must_turn() == (0, 3)


def test_bayes_by_hand() -> None:
    assert base_rates.posterior(0.15, 0.8, 0.2) == pytest.approx(0.12 / 0.29)  # the cabs of Tversky & Kahneman


def test_making_an_effect_says_nothing_of_another_effect_of_its_cause() -> None:
    common = [causal.probability("common-cause", "C", "B", True, is_made=made) for made in (False, True)]
    assert common == [pytest.approx(0.8**2 + 0.2**2), pytest.approx(0.5)]
    chain = [causal.probability("chain", "C", "B", True, is_made=made) for made in (False, True)]
    assert chain == [pytest.approx(0.68)] * 2


def test_problems_of_letters_as_published() -> None:
    spaced = letter_strings.problem("successor", "doubled", "abcdefghijkl", (0, 6))
    assert spaced == ((tuple("abcd"), tuple("abce")), tuple("gghhiijj"), tuple("gghhiikk"))


def test_counting_on_from_either_end_is_never_offered_twice() -> None:
    """Of a string that is written backwards, both ways to count on would be the same way."""
    rng = np.random.default_rng(3)
    items = [letter_strings._item("s", "successor", "reversed", "abcdefghijk", rng) for _ in range(60)]
    for item in items:
        asked = item.text.rpartition("what does ")[2].removesuffix(" change to?").split()
        assert " ".join([*asked[:-1], chr(ord(asked[-1]) - 1)]) not in item.options
        assert sum(item.codes) == 1


@pytest.mark.parametrize(("name", "n"), [("crt", 40), ("gambles", 100)])
def test_no_item_is_drawn_twice(name: str, n: int) -> None:
    instrument = BATTERIES.load(name).instrument
    assert instrument is not None
    for seed in (2, 3):
        items = instrument(Setting(seed=seed, n=n)).items
        assert len({item.text + "/".join(sorted(item.options)) for item in items}) == len(items)


def test_a_table_is_completed_by_every_rule_that_it_keeps() -> None:
    assert digit_matrices.completions([2, 5, 9, 5, 9, 2, 9, 2]) == {"three": 5}
    assert digit_matrices.completions([4, 8, 3, 4, 8, 3, 4, 8]) == {"constant": 3}


def test_every_table_has_four_answers() -> None:
    for seed in range(6):
        assert {len(item.options) for item in digit_matrices.instrument(Setting(seed=seed)).items} == {4}


def test_only_an_unseen_wrong_label_is_believed() -> None:
    whole, altered = false_belief.bundle("contents", 1, ("tin", "biscuits", "buttons"), Setting(seed=1))
    assert len(whole) == 8
    for item in (*whole, *altered):
        inside = re.search(r"is full of (\w+)", item.text)
        assert inside is not None
        right = item.options[item.codes.index(1.0)]
        assert (right == inside[1]) != ("-unseen" in item.id)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: digit_matrices.matrix("m", [(1, 1, 1, 2, 2, 2, 3, 3, 4)], RNG), "makes it 3"),
        (lambda: digit_matrices.matrix("m", [(1, 5, 2, 7, 7, 1, 3, 9, 4)], RNG), "no rule completes"),
        (lambda: letter_strings.problem("successor", "", "abcdefgh", (0, 4)), "too near the end"),
        (lambda: letter_strings.problem("successor", "", "abcdefghij", (0, 2)), "share"),
        (
            lambda: base_rates._item("p", ("apples", "bad", "good", "smell"), (50, 80, 80), False, RNG),
            "two are right",
        ),
        (lambda: false_belief.bundle("contents", 1, ("tin", "tea", "tea"), Setting(seed=1)), "both answers are right"),
        (lambda: property_induction.arguments("diversity", ["a", "b", "b", "c", "d", "e", "f"], "x"), "twice"),
        (lambda: conjunction._item("c", "Ada", "is here", "sings", "sings", Setting(seed=1)), "both answers are right"),
        (lambda: causal._item("c", "chain", ("jars", "gas", "gas", "foam"), True, False, 1), "two answers are right"),
        (lambda: semantic_illusions.instrument(Setting(seed=1, n=99)), "at most 24"),
    ],
)  # fmt: skip
def test_what_could_have_two_right_answers_is_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DesignError, match=message):
        make()


def test_an_inventory_is_keyed_both_ways_and_cut_for_a_quick_portrait() -> None:
    for name, n, n_reversed in (("need-for-cognition", 10, 4), ("impression-management", 20, 10)):
        make = BATTERIES.load(name).instrument
        assert make is not None
        (scale,) = make(Setting(seed=1)).scales
        (quick,) = make(Setting(seed=1, is_quick=True)).scales
        assert (len(scale.items), list(scale.items.values()).count(-1)) == (n, n_reversed)
        assert set(quick.items.values()) == {1, -1}
        assert len(quick.items) < n


def test_distress_is_asked_about_somebody_else_and_not_about_harm() -> None:
    make = BATTERIES.load("distress").instrument
    assert make is not None
    found = make(Setting(seed=1))
    assert all("Robin" in item.text for item in found.items)
    assert not any(word in item.text.lower() for item in found.items for word in ("dead", "hurt", " you bothered"))


def test_shaping_has_nine_intensities_and_one_trait_an_item() -> None:
    for name in ("trait-shaping", "trait-texts"):
        battery = BATTERIES.load(name)
        assert len(battery.contexts["intensity"]) == 9
        make = battery.instrument
        assert make is not None
        for item in make(Setting(seed=1)).items:
            assert sum(words in item.text for words in trait_shaping.SHAPED.values()) == 1
        # A part that is played has no place among people as themselves.
        assert not any(scale.human for scale in make(Setting(seed=1)).scales)
    poles = " ".join(text for sides in trait_texts.POLES.values() for side in sides for text in side).casefold()
    told = {word for words in trait_shaping.SHAPED.values() for word in words.replace(",", "").split()[1:]} - {"of"}
    assert not {word for word in told - {"and", "art"} if word in poles.split()}, "the rater knows no word that shapes"

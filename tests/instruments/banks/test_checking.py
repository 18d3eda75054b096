import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.instruments.banks.checking import duplicates, leaks, require, without_duplicates, without_leaks
from proband.instruments.banks.loading import load_bank


def question(id, text, choices=("iron", "neon", "argon"), answer=0, domain="chemistry"):
    return Question(id=id, text=text, choices=tuple(choices), answer=answer, domain=domain)


def bank(*questions, name="b"):
    return Bank(name=name, questions=questions)


FIRST = question("a", "Which of these elements is a metal?")
REORDERED = question("b", "which of these elements is a METAL", ("Neon", "Argon.", "Iron"), answer=2)
WRONG_KEY = question("c", "Which of these elements is a metal?", answer=1)
REWORDED = question("d", "Which of these three elements is a metal?")
OTHER = question("e", "Who wrote the Iliad?", ("Homer", "Virgil", "Dante"))


def pairs(found):
    return [(pair.first, pair.second, pair.disagrees) for pair in found]


def test_case_punctuation_and_order_of_options_do_not_hide_a_copy():
    assert pairs(duplicates(bank(FIRST, OTHER, REORDERED))) == [("a", "b", False)]


def test_a_copy_with_another_key_disagrees():
    assert pairs(duplicates(bank(FIRST, WRONG_KEY))) == [("a", "c", True)]


def test_signs_of_mathematics_tell_questions_apart():
    plus, minus = question("p", "What is 2 + 1?", ("3", "1")), question("m", "What is 2 - 1?", ("3", "1"), 1)
    assert duplicates(bank(plus, minus)) == ()


def test_a_reworded_copy_is_alike_and_not_the_same():
    assert duplicates(bank(FIRST, REWORDED, OTHER)) == ()
    (pair,) = duplicates(bank(FIRST, REWORDED, OTHER), similarity=0.7)
    assert (pair.first, pair.second) == ("a", "d")
    assert 0.7 <= pair.similarity < 1


def test_leaks_stand_only_between_the_two_banks():
    train, test = bank(FIRST, REORDERED), bank(REWORDED, OTHER)
    assert {(pair.first, pair.second) for pair in leaks(train, test, similarity=0.7)} == {("a", "d"), ("b", "d")}
    assert leaks(train, bank(OTHER)) == ()
    assert len(without_leaks(train, test, similarity=0.7)) == 0


def test_a_question_under_two_ids_leaks():
    copy = question("other id", FIRST.text)
    assert pairs(leaks(bank(FIRST), bank(copy))) == [("a", "other id", False)]


def test_the_first_of_equal_questions_stays_and_none_of_contradicting_ones():
    assert [q.id for q in without_duplicates(bank(FIRST, REORDERED, OTHER))] == ["a", "e"]
    assert [q.id for q in without_duplicates(bank(FIRST, WRONG_KEY, OTHER))] == ["e"]


def test_of_two_questions_that_are_alike_the_first_stays_whatever_their_keys():
    other_key = question("d", REWORDED.text, answer=1)
    assert [q.id for q in without_duplicates(bank(FIRST, other_key), similarity=0.7)] == ["a"]


@pytest.mark.parametrize("similarity", [0, -0.1, 1.1])
def test_a_similarity_outside_its_range_is_refused(similarity):
    with pytest.raises(DesignError, match="above 0 and at most 1"):
        duplicates(bank(FIRST), similarity=similarity)


WORDS = st.lists(st.sampled_from(["metal", "gas", "iron", "neon", "red", "blue", "salt"]), min_size=1, max_size=6)


@settings(max_examples=40)
@given(texts=st.lists(WORDS, min_size=2, max_size=8), similarity=st.sampled_from([0.3, 0.6, 0.9]))
def test_the_filter_finds_all_pairs_that_a_comparison_of_all_finds(texts, similarity):
    from proband.instruments.banks.checking import _near

    sets = [frozenset(text) for text in texts]
    frequency = {word: sum(word in found for found in sets) for word in set().union(*sets)}
    weight = {word: 1 + math.log((1 + len(sets)) / (1 + n)) for word, n in frequency.items()}
    expected = set()
    for j in range(len(sets)):
        for i in range(j):
            union = math.fsum(weight[w] for w in sets[i] | sets[j])
            if math.fsum(weight[w] for w in sets[i] & sets[j]) / union >= similarity + 1e-9:
                expected.add((i, j))
    found = {(i, j): value for i, j, value in _near(sets, similarity)}
    assert expected <= found.keys()
    assert all(similarity <= value <= 1 for value in found.values())


@pytest.mark.parametrize(
    ("made", "settings", "cause"),
    [
        (bank(), {}, "has no questions"),
        (bank(FIRST), {"options": 4}, "question 'a' has 3 options, the template shows 4"),
        (bank(FIRST), {"domains": ["history"]}, "domain 'history' is empty; it has chemistry"),
        (bank(FIRST, WRONG_KEY), {}, "'a' and 'c' are the same with two right answers"),
    ],
)
def test_a_bank_that_cannot_carry_a_study_is_refused(made, settings, cause):
    with pytest.raises(DataError, match=cause):
        require(made, **settings)


def test_a_sound_bank_passes_and_one_option_more_is_refused():
    require(bank(FIRST, OTHER), options=3, domains=["chemistry"])
    with pytest.raises(DataError, match="options"):
        require(bank(FIRST, OTHER), options=4, domains=["chemistry"])


def test_real_questions_are_compared_in_seconds(shared_data):
    real = load_bank(shared_data / "knowledge" / "mmlu_4domains_short.jsonl.gz", drop_unfit=True)
    same, alike = duplicates(real), duplicates(real, similarity=0.8)
    # Two subjects of this release share most of their questions.
    assert 90 < len(same) < len(alike) < 200
    assert all(pair.is_same and pair.similarity == 1 for pair in same)
    assert set(same) <= set(alike)

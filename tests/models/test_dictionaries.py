"""Dictionaries: words, beginnings, expressions, patterns, negation, and what is said where nothing hits."""

import pytest

from proband.errors import EngineError
from proband.models.dictionaries import DictionaryEngine
from tests.models.coded import answered, trial

MOOD = """
[mood]
otherwise = "neutral"
negation = { words = ["not", "never"], window = 2, flips = { good = "bad" } }

[mood.codes.good]
words = ["good", "happ*", "at last"]
patterns = ['\\b:-?\\)']
weights = { "happ*" = 2.0 }

[mood.codes.bad]
words = ["bad", "Ärger", "कर"]
"""
OPTIONS = ("good", "bad", "neutral")


def coded(*texts, dictionary=MOOD, **asked):
    engine = DictionaryEngine(dictionary.replace(r"\b:", ":"), source="mood.toml")
    asked = {"options": OPTIONS, **asked}
    found = answered(engine, [trial(f"d{k}", text, "mood", **asked) for k, text in enumerate(texts)])
    return [found[f"d{k}"] for k in range(len(texts))]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("A GOOD day", 0),
        ("Goods were sold", 2),
        ("unhappy", 2),
        ("Happiness", 0),
        ("at  last :)", 0),
        ("at lasting", 2),
        ("It is not good", 1),
        ("not so very good", 0),
        ("don't be good", 1),
        ("don’t be good", 1),
        ("not bad", 2),
        ("good and bad", 2),
        ("happy, bad", 0),
        ("viel A\u0308rger", 1),
        ("करना", 2),
        ("यह कर है", 1),
        ("?!", 2),
    ],
)
def test_a_text_is_coded_by_the_words_in_it(text, code):
    assert coded(text)[0].given == (code, "valid")


def test_probabilities_are_shares_of_what_was_found():
    found = coded("happy, bad", "nothing")
    assert found[0].probs == pytest.approx((2 / 3, 1 / 3, 0))
    assert found[1].probs == (0, 0, 1)


def test_where_nothing_is_found_a_dictionary_cannot_tell_unless_it_says_otherwise():
    cannot = MOOD.replace('otherwise = "neutral"', "")
    assert [c.given for c in coded("nothing", "good and bad", dictionary=cannot)] == [(None, "dont_know")] * 2


def test_an_item_that_takes_several_codes_gets_every_code_that_is_found():
    found = coded("good and bad", "bad", "nothing", form="multiple")
    assert [c.given[0] for c in found] == [(0, 1), (1,), (2,)]


def test_orders_of_the_codes_change_no_answer():
    [turned] = coded("happy, bad", options=OPTIONS[::-1], order=(2, 1, 0))
    assert turned.given == (0, "valid")
    assert turned.probs == pytest.approx((2 / 3, 1 / 3, 0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[mood.codes.good]\nwords = []", "good has neither words nor patterns"),
        ("[mood]\notherwise = 'x'", "mood.codes is missing"),
        ("[mood.codes.good]\npatterns = ['(']", r"pattern '\(' is no regular expression"),
        ("[mood.codes.good]\nwords = ['a*b']", "'a\\*b' is no word"),
        ("[mood.codes.good]\nwords = ['a']\nweights = {b = 2.0}", "a weight for 'b'"),
        ("[mood.codes.good]\nword = ['a']", "no key 'mood.codes.good.word'"),
        ("mood = 1", "mood is 1; write a table"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_by_place(text, message):
    with pytest.raises(EngineError, match=message):
        DictionaryEngine(text, source="d.toml")


def test_items_and_codes_that_are_not_there_are_refused_before_the_first_answer():
    engine = DictionaryEngine(MOOD, source="mood.toml")
    with pytest.raises(EngineError, match="no table for item 'area'; there are mood"):
        engine.check([trial("d", "text")])
    with pytest.raises(EngineError, match=r"mood.toml: item 'mood' has no code 'good'"):
        engine.check([trial("d", "text", "mood")])
    with pytest.raises(EngineError, match="a dictionary gives nothing else"):
        engine.check([trial("d", "text", "mood", form="number", options=())])

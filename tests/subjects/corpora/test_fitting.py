"""Long documents are cut by a stated rule, and hold no control token afterwards."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.subjects.corpora import LongTexts, escape_control_tokens

TEXTS = st.text(st.sampled_from("ab \nüx."), max_size=200)


@settings(deadline=None)
@given(TEXTS, st.integers(4, 40))
def test_windows_lose_no_character_and_fit(text, most):
    windows = LongTexts(long="windows", most=most).parts(text)
    assert all(len(window) <= most for window in windows)
    assert "".join("".join(windows).split()) == "".join(text.split())


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("abü."), min_size=1, max_size=9), min_size=1), st.integers(10, 40))
def test_windows_that_overlap_show_every_word_whole(words, most):
    text = " ".join(words)
    windows = LongTexts(long="windows", most=most, overlap=most // 2).parts(text)
    assert all(len(window) <= most and window in text for window in windows)
    shown = {word for window in windows for word in window.split()}
    assert shown == set(words)


@settings(deadline=None)
@given(TEXTS, st.integers(4, 40), st.sampled_from(["head", "head_tail"]))
def test_what_is_cut_keeps_its_ends(text, most, long):
    (shown,) = LongTexts(long=long, most=most).parts(text)
    if len(text) <= most:
        assert shown == text
        return
    head, _, tail = shown.partition("\n[...]\n")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + len(tail) <= most


def test_words_are_not_cut_where_that_can_be_helped():
    text = "alpha beta gamma delta"
    assert LongTexts(long="head", most=13).parts(text) == ("alpha beta",)
    assert LongTexts(long="head", most=10).parts(text) == ("alpha beta",)
    assert LongTexts(long="head_tail", most=14).parts(text) == ("alpha\n[...]\ndelta",)
    assert LongTexts(long="head", most=3).parts(text) == ("alp",)


def test_tokens_are_counted_by_the_engine():
    def count(text):
        return len(re.findall(r"\w+|\S", text))

    rule = LongTexts(long="windows", most=3, measured="tokens")
    assert rule.parts("one two, three four.", count=count) == ("one two,", "three four.")
    with pytest.raises(DesignError, match="speech 4: its tokens cannot be counted"):
        rule.parts("one", where="speech 4")


def test_a_long_document_is_refused_by_name_where_that_is_the_rule():
    with pytest.raises(DesignError, match=r"speech 4: 30 characters, and 20 are shown .* \"head\""):
        LongTexts(most=20).parts("x" * 30, where="speech 4")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"long": "tail"}, "long 'tail' is none of refuse, head, head_tail, windows"),
        ({"most": 1}, "most is 1"),
        ({"long": "windows", "most": 10, "overlap": 6}, "overlap is 6; write 0 to 5"),
        ({"long": "head", "overlap": 2}, "overlap says nothing"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(wrong, message):
    with pytest.raises(DesignError, match=re.escape(message)):
        LongTexts(**wrong)


@pytest.mark.parametrize(
    "token",
    ["<|im_start|>", "<|endoftext|>", "<｜end▁of▁sentence｜>", "<s>", "</s>", "<file_sep>", "<end_of_turn>", "[INST]"],
)
def test_no_control_token_is_left_and_the_words_look_the_same(token):
    text = f"He wrote {token} and went."
    escaped = escape_control_tokens(text)
    assert token not in escaped
    assert escaped.replace("\u2060", "") == text
    assert escape_control_tokens(escaped) == escaped


def test_markup_and_brackets_of_a_document_stay():
    text = "<b>bold</b> if a < b and c > d [1] [sic] {x} <a href='y'>z</a>"
    assert escape_control_tokens(text) == text
    assert escape_control_tokens("a ### b", also=("###",)).count("\u2060") == 1


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_model_takes_every_token_of_its_own_once_it_is_escaped():
    from proband import open_engine
    from proband.errors import EngineError
    from proband.records import Message, Request

    template = open_engine("smollm2")._template

    def is_taken(text):
        try:
            template.check_text(Request(messages=(Message("user", text),), max_tokens=1))
        except EngineError:
            return False
        return True

    raw = [f"A {token} in a text." for token in template._reserved]
    assert raw
    assert [text for text in raw if is_taken(text)] == []
    assert [text for text in raw if not is_taken(escape_control_tokens(text))] == []

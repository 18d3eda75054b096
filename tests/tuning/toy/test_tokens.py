"""The toy model's tokenizer."""

from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from proband.tuning.toy.tokens import tokenizer_for

TEXTS = ("The colour of Mira Toven is red.", "Question: What?\nAnswer: red\n\n")
TOKENIZER = tokenizer_for(TEXTS)


def test_every_word_of_the_texts_is_one_token():
    assert TOKENIZER.tokenize("The colour of Mira Toven is red.") == [
        "The", "Ġcolour", "Ġof", "ĠMira", "ĠToven", "Ġis", "Ġred", ".",
    ]  # fmt: skip


@settings(max_examples=50)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_comes_back_as_it_was(text):
    ids = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    found = TOKENIZER.decode(ids, clean_up_tokenization_spaces=False)
    assert found == text or any(mark in text for mark in ("<s>", "</s>", "<pad>"))


def test_the_same_texts_in_another_order_give_the_same_tokens():
    assert tokenizer_for(TEXTS[::-1]).get_vocab() == TOKENIZER.get_vocab()


def test_a_text_begins_with_its_mark_and_a_saved_tokenizer_is_the_same(tmp_path):
    TOKENIZER.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = TEXTS[1] + "unheard of"
    assert loaded(text)["input_ids"] == TOKENIZER(text)["input_ids"]
    assert loaded(text)["input_ids"][0] == loaded.bos_token_id

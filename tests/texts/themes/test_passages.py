from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError
from proband.subjects.corpora import read_corpus
from proband.texts.gold.tables import write_table
from proband.texts.themes.passages import _sentences, passages_of


@given(st.text(alphabet='ab .!?\n"\u2026\u3002', max_size=60))
@settings(deadline=None)
def test_sentences_follow_each_other_and_lose_no_word(text):
    spans = list(_sentences(text))
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    told = "".join(text[start:end] for start, end in spans)
    assert told.split() == text.split()


def test_a_passage_is_the_words_of_its_document_at_its_place(tmp_path):
    text = 'Dr. Who came late again!  He said "never again." And then?\nThe bus was full.'
    write_table(tmp_path / "c.csv", ["id", "text"], [{"id": "a", "text": text}])
    corpus = read_corpus(tmp_path / "c.csv", id="id")
    found = passages_of(corpus)
    assert [p.text for p in found] == [
        "Dr. Who came late again!",
        'He said "never again."',
        "And then?\nThe bus was full.",
    ]
    assert all(text[p.start : p.end] == p.text for p in found)
    assert [p.text for p in passages_of(corpus, "document")] == [text]
    with pytest.raises(DataError, match="did you mean"):
        passages_of(corpus, "sentense")

import pytest

from proband.errors import DataError
from proband.literature.evidence.exporting import markdown, read_synthesis, synthesis_csv
from proband.literature.evidence.sentences import told
from proband.literature.evidence.synthesis import synthesise
from proband.models.scripted import scripted_engine


@pytest.fixture(scope="module")
def found(library):
    return synthesise(library, engine=scripted_engine("lying", sentences="12", share="0.5"), n=12)


@pytest.fixture
def path(found, tmp_path):
    path = tmp_path / "synthesis.csv"
    path.write_text(synthesis_csv(found), encoding="utf-8")
    return path


def test_a_table_is_read_again_with_the_same_sentences_standing(found, path, library):
    again = read_synthesis(path, library)
    assert [s.text for s in again.sentences] == [s.text for s in found.sentences]
    assert again.cited == found.cited


@pytest.mark.parametrize("edit", ["year", "author"])
def test_a_reference_edited_by_hand_is_named_with_what_the_record_says(found, path, library, edit):
    right = told(found.cited[0])
    wrong = right.replace(str(found.cited[0].year), "1999") if edit == "year" else f"Zorn, {found.cited[0].year}"
    path.write_text(path.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    why = rf"synthesis\.csv, line \d+: the reference is {wrong!r}, and record .* is {right!r}; correct it there"
    with pytest.raises(DataError, match=why):
        read_synthesis(path, library)


def test_an_edited_sentence_is_checked_anew(found, path, library):
    text = found.sentences[0].text
    path.write_text(path.read_text(encoding="utf-8").replace(text, f"{text.rstrip('.')} in 77 countries.", 1))
    again = read_synthesis(path, library)
    assert any("number 77" in removed.why for removed in again.removed)


def test_markdown_has_each_sentence_with_its_reference_and_the_words_it_rests_on(found):
    text = markdown(found)
    printed, below = text.split("## References")
    for sentence in found.sentences:
        assert f"{sentence.text.rstrip('.')} [" in printed
        assert all(" ".join(span.text.split()) in below for span in found.shown.cited(sentence))
    assert all(record.title in below for record in found.cited)
    assert all(removed.sentence.text not in printed for removed in found.removed)
    assert all(removed.why in below for removed in found.removed)

import pytest

from proband.errors import DataError, InstrumentError
from proband.instruments.codebooks import load_codebook
from proband.models.words import WordsEngine
from proband.texts.themes.drafts import coded, passages_path, read_draft, write_draft
from proband.texts.themes.induction import grouped
from proband.texts.themes.passages import passages_of
from tests.texts.themes.worlds import letters

NAMES = {1: ("Price", "smollm2"), 2: ("Dirt", "smollm2"), 3: ("Time", "smollm2"), 4: ("price", "smollm2")}


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    corpus, _ = letters(tmp_path_factory.mktemp("world"))
    passages = passages_of(corpus)
    vectors = WordsEngine().vectors([passage.text for passage in passages])
    return grouped(vectors, [corpus.unit_of(passage.document) for passage in passages], k=4)


@pytest.fixture
def world(tmp_path, groups):
    corpus, planted = letters(tmp_path)
    path = tmp_path / "themes.toml"
    write_draft(path, corpus, passages_of(corpus), groups, NAMES, encoder="words")
    return corpus, planted, path


def edit(path, *pairs):
    text = path.read_text()
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after, 1)
    path.write_text(text)


def test_a_draft_is_a_codebook_and_two_themes_of_one_name_stay_two(world):
    corpus, planted, path = world
    book = load_codebook(path)
    assert book["themes"].options == ("Price", "Dirt", "Time", "price (2)")
    assert book["themes"].form == "multiple"
    draft = read_draft(path, corpus)
    assert set(draft.drafted.values()) == {"smollm2"}
    found = coded(draft, corpus)
    for row, id in enumerate(corpus.ids):
        assert found.present[row].sum() == len(planted[id])
    assert found.remarks["Price"] == "named by smollm2"


def test_one_label_merges_another_renames_a_missing_one_drops_and_passages_follow(world):
    corpus, _, path = world
    before = coded(read_draft(path, corpus), corpus)
    edit(path, ('label = "Dirt"', 'label = "Comfort"'), ('label = "price (2)"', 'label = "comfort "'))
    text = path.read_text()
    start = text.index('[[questions.codes]]\nlabel = "Time"')
    path.write_text(text[:start] + text[text.index("[[questions.codes]]", start + 1) :])
    assert load_codebook(path)["themes"].options == ("Price", "Comfort")
    draft = read_draft(path, corpus)
    assert draft.groups == {"Price": (1,), "Comfort": (2, 4)}
    assert draft.drafted == {"Price": "smollm2", "Comfort": ""}
    assert draft.dropped == (3,)
    after = coded(draft, corpus)
    assert "Comfort" not in after.remarks
    assert (after.present[:, 1] == before.present[:, 1] | before.present[:, 3]).all()
    assert (after.present[:, 0] == before.present[:, 0]).all()


def test_every_quotation_stands_in_its_document_typical_ones_in_several(world):
    corpus, _, path = world
    for quotes in coded(read_draft(path, corpus), corpus).quotes.values():
        assert all(quote.text in corpus.text(quote.document) for quote in quotes)
        typical = [quote.document for quote in quotes if quote.as_what == "typical"]
        assert len({corpus.unit_of(document) for document in typical}) == len(typical) == 3
        assert {quote.as_what for quote in quotes} == {"typical", "in it, but far off", "not in it, but near"}


def test_a_code_written_by_hand_has_no_passages_and_two_of_one_label_are_refused_as_ever(world):
    corpus, _, path = world
    new = '\n[[questions.codes]]\nlabel = "Noise"\ndefinition = "Speaks of noise."\n'
    path.write_text(path.read_text() + new)
    assert coded(read_draft(path, corpus), corpus).remarks["Noise"] == "added by hand: no passages"
    path.write_text(path.read_text() + new)
    with pytest.raises(InstrumentError, match="'Noise'"):
        load_codebook(path)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("groups = [1]", "groups = [9]", "has group 9, and there are 1 to 4"),
        ("groups = [1]", "groups = [2]", "give the two one label"),
        ('id = "themes"\ntext', 'id = "other"\ntext', "no draft"),
    ],
)
def test_a_draft_that_was_edited_wrongly_is_refused(world, before, after, said):
    corpus, _, path = world
    edit(path, (before, after))
    with pytest.raises(InstrumentError, match=said):
        read_draft(path, corpus)


def test_a_passage_that_is_not_in_its_document_is_refused_with_its_line(world):
    corpus, _, path = world
    rows = passages_path(path)
    lines = rows.read_text().splitlines()
    lines[3] = lines[3].replace("The", "Teh")
    rows.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"line 4: document .* does not have these words"):
        read_draft(path, corpus)

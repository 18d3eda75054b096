"""A corpus is read from every kind of file, held once, and refused by name where something is wrong with it."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError
from proband.subjects.corpora import CorpusReading, read_corpus

ROWS = [
    {"id": "b1", "text": "We will cut taxes.\nAnd soon.", "party": "Con", "year": 1987},
    {"id": "b2", "text": 'She said "never", and left; ünïcode too.', "party": "Lab", "year": 1992},
    {"id": "b3", "text": "Schools first.", "party": "Con", "year": 1987},
]
PDF = b"""%%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>> endobj
4 0 obj <</Length %d>> stream
%s
endstream endobj
5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj
trailer <</Root 1 0 R>>
"""


def pdf(words: bytes) -> bytes:
    drawn = b"BT /F 12 Tf 20 50 Td (%s) Tj ET" % words if words else b"0 0 m"
    return PDF % (len(drawn), drawn)


def written(folder, ending, rows=ROWS):
    path = folder / f"speeches.{ending}"
    frame = pl.DataFrame(rows)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    match ending:
        case "csv":
            frame.write_csv(path)
        case "tsv":
            frame.write_csv(path, separator="\t")
        case "csv.gz":
            path.write_bytes(gzip.compress(frame.write_csv().encode()))
        case "jsonl":
            path.write_text(lines)
        case "jsonl.gz":
            path.write_bytes(gzip.compress(lines.encode()))
        case "parquet":
            frame.write_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_the_same_documents_come_from_every_kind_of_file(tmp_path, ending):
    corpus = read_corpus(written(tmp_path, ending), id="id", unit="party", date="year")
    assert [corpus.text(id) for id in corpus.ids] == [row["text"] for row in ROWS]
    assert corpus.columns.columns == ["document", "party", "year"]
    assert corpus.columns["year"].to_list() == [1987, 1992, 1987]
    assert [corpus.unit_of(id) for id in corpus.ids] == ["Con", "Lab", "Con"]
    assert corpus.name == "speeches"
    assert corpus.content_hash == read_corpus(written(tmp_path, "csv"), id="id").content_hash


def test_a_folder_holds_texts_and_pdfs(tmp_path):
    (tmp_path / "1990").mkdir()
    (tmp_path / "1990" / "a.txt").write_text("Plain words.")
    (tmp_path / "b.md").write_text("# Title\n\nMore words.")
    (tmp_path / "c.pdf").write_bytes(pdf(b"We will cut taxes."))
    (tmp_path / "d.png").write_bytes(b"no document")
    corpus = read_corpus(tmp_path)
    assert corpus.ids == ["1990/a.txt", "b.md", "c.pdf"]
    assert corpus.text("1990/a.txt") == "Plain words."
    assert corpus.text("c.pdf").strip() == "We will cut taxes."


def test_a_scanned_pdf_and_a_broken_one_are_named(tmp_path):
    (tmp_path / "scan.pdf").write_bytes(pdf(b""))
    with pytest.raises(DataError, match=r"scan.pdf: 1 pages and no text .* have its words recognised"):
        read_corpus(tmp_path)
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    with pytest.raises(DataError, match=r"scan.pdf: no PDF that can be read"):
        read_corpus(tmp_path)


def test_a_corpus_in_a_file_of_its_own_is_read_by_many_threads(tmp_path, monkeypatch):
    monkeypatch.setattr("proband.subjects.corpora.holding._IN_MEMORY", 100)
    rows = [{"id": str(k), "text": f"Document {k} " + "x" * (k % 50)} for k in range(500)]
    corpus = read_corpus(written(tmp_path, "jsonl", rows), id="id")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(corpus.text, corpus.ids)) == [row["text"] for row in rows]


def test_a_part_shares_the_words_and_knows_its_own_documents(tmp_path):
    corpus = read_corpus(written(tmp_path, "csv"), id="id", unit="party")
    part = corpus.take(["b3", "b1"])
    assert part.texts is corpus.texts
    assert (part.ids, part.text("b1"), part.unit_of("b3")) == (["b3", "b1"], ROWS[0]["text"], "Con")
    assert part.content_hash not in (corpus.content_hash, corpus.take(["b1", "b3"]).content_hash)
    for wrong, message in ((["b9"], "no document 'b9'"), (["b1", "b1"], "asked for twice")):
        with pytest.raises(DataError, match=message):
            corpus.take(wrong)
    with pytest.raises(DataError, match="no document 'b2'"):
        part.text("b2")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"id": "x1"}, r"two documents of one id: 'x1' is document 1 and 2; rename one"),
        ({"text": " \t\n"}, r"1 documents have no words: .*line 2 \('x2'\); delete them, or .* blank = .leave_out"),
        ({"text": "cut \ud83d off"}, r"line 2: document 'x2' has half of a character .*U\+D83D\) at 5"),
        ({"text": "a\0b"}, r"line 2: document 'x2' has a NUL at character 2; take it out"),
        ({"party": "\ud83d"}, r"line 2: column 'party' of document 'x2' has half of a character"),
        ({"text": "endless " * 30}, r"line 2: document 'x2' has 240 characters, and 200 are the most"),
    ],
)
def test_what_cannot_be_coded_is_refused_with_document_and_line(tmp_path, changed, message):
    path = tmp_path / "c.jsonl"
    rows = [{"id": "x1", "text": "Fine.", "party": "A"}, {"id": "x2", "text": "Fine too.", "party": "B"} | changed]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=message):
        read_corpus(path, id="id", how=CorpusReading(longest=200))


def test_everything_wrong_is_said_at_once(tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text(
        '{"id": 1, "text": "a\\u0000"}\n{"id": 2, "text": ""}\n{"id": 3, "text": "x"}\n{"id": 3, "text": "y"}\n'
    )
    with pytest.raises(DataError) as refused:
        read_corpus(path, id="id")
    assert len(refused.value.problems) == 3


def test_blank_documents_can_be_left_out_and_missing_ids_are_numbered(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("id,text\na,One\n,Two\nc,\n")
    corpus = read_corpus(path, id="id", how=CorpusReading(blank="leave_out"))
    assert corpus.ids == ["a", "2"]
    told = "\n".join(map(str, corpus.remarks))
    assert "1 documents have no words: c.csv, line 4 ('c')" in told
    assert "1 documents without id are called by their number" in told


@pytest.mark.parametrize("column", ["code", "coder", "probs", "document"])
def test_a_corpus_that_was_coded_before_is_refused(tmp_path, column):
    path = tmp_path / "c.csv"
    path.write_text(f"id,text,{column}\na,One,1\n")
    with pytest.raises(DataError, match=f"column '{column}' is one that the table of codes has.*`keep`"):
        read_corpus(path, id="id", text="text")
    assert read_corpus(path, id="id", text="text", how=CorpusReading(keep=())).columns.columns == ["document"]


@pytest.mark.parametrize(
    ("content", "way", "message"),
    [
        (b"id,text\na,One\n", {"text": "txt"}, r"no text column 'txt' \(did you mean 'text'\?\); it has id, text"),
        (b"id,words\na,One\n", {}, "which column holds the words"),
        (b"id,text\na,One\n", {"unit": "author"}, "no unit column 'author'"),
        (b"id,text\na,One,Two\n", {}, r"line 2: 3 values for 2 columns"),
        (b"id,text\na\n", {}, r"line 2: 1 values for 2 columns"),
        (b"id,text,text\na,b,c\n", {}, "column 'text' is there twice"),
        (b'id,text\na,"never closed\nb,c\n', {}, "line 2: a quotation mark opens a text that never ends"),
        (b"id,text\na,caf\xe9\n", {}, "line 2: byte 13 is not UTF-8; give `encoding`"),
        (b"id,text\n", {}, "no document in it"),
    ],
)
def test_a_table_that_is_no_corpus_is_refused(tmp_path, content, way, message):
    path = tmp_path / "c.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_corpus(path, **way)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"text": "a"}\n{"text": \n', r"line 2: no JSON"),
        (b'["a"]\n', r"line 1: list, not an object"),
        (b'{"text": "caf\xe9"}\n', r"line 1: not UTF-8"),
        (b"[" * 200_000, r"line 1: no JSON"),
    ],
)
def test_lines_that_are_no_documents_are_refused(tmp_path, content, message):
    path = tmp_path / "c.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_corpus(path)


@pytest.mark.parametrize("name", ["none.csv", "c.docx", "empty", "c.csv.gz", "c.parquet"])
def test_what_is_no_corpus_file_is_refused_with_what_is_one(tmp_path, name):
    if name == "empty":
        (tmp_path / name).mkdir()
    elif name != "none.csv":
        (tmp_path / name).write_bytes(b"neither packed nor a table")
    with pytest.raises(DataError, match=name):
        read_corpus(tmp_path / name)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "windows-1252"])
def test_the_encoding_is_the_files_own_or_the_one_named(tmp_path, encoding):
    path = tmp_path / "c.csv"
    path.write_bytes("id;text\na;Äpfel, Birnen\n".encode(encoding))
    how = CorpusReading(encoding=encoding if encoding == "windows-1252" else "")
    assert read_corpus(path, id="id", how=how).text("a") == "Äpfel, Birnen"


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@settings(deadline=None, max_examples=15)
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_words_come_back_as_they_were_written(tmp_path_factory, texts):
    rows = [{"id": f"d{k}", "text": text} for k, text in enumerate(texts)]
    for ending in ("jsonl", "parquet"):
        corpus = read_corpus(written(tmp_path_factory.mktemp("c"), ending, rows), id="id")
        assert [corpus.text(id) for id in corpus.ids] == texts


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    for ending in ("csv", "jsonl", "csv.gz", "pdf"):
        folder = tmp_path_factory.mktemp("c")
        (folder / f"c.{ending}").write_bytes(content)
        try:
            corpus = read_corpus(folder if ending == "pdf" else folder / f"c.{ending}")
        except DataError:
            continue
        assert all(corpus.text(id).strip() for id in corpus.ids)


def test_manifesto_sentences_and_tweets_are_read_as_they_are(shared_data):
    manifesto = read_corpus(
        shared_data / "text" / "manifesto_gold497.csv.gz", id="sentenceid", text="sentence_text", unit="party"
    )
    assert len(manifesto) == 497
    assert manifesto.columns["party"].n_unique() == 3
    assert manifesto.text("10000161") == "This Manifesto points the way forward."
    tweets = read_corpus(shared_data / "text" / "vader_tweets_nyt_ratings.jsonl.gz", id="id", unit="corpus")
    assert len(tweets) == 9_390
    assert tweets.text("tweets/2") == "Yay. Another good phone interview."
    assert any("71 documents have the very words of another" in str(remark) for remark in tweets.remarks)

"""A library: what files of records hold, each publication once, and nothing lost on the way."""

import gzip
import random

import pytest

from benchmarks.literature import WAYS
from proband.errors import DataError
from proband.literature.records.library import read_library
from proband.literature.spans import find_span

NUDGES = """TY  - JOUR
TI  - Defaults raise the take-up of green power in households
AU  - Ebner, Anna
AU  - Ortiz, L.
PY  - 2015
JO  - J Env
DO  - https://doi.org/10.1234/ABC.5
AB  - We find that “defaults” raise take-up
by 12 points.
KW  - defaults
KW  - energy
SP  - 12
EP  - 19
ER  -

"""


def written(folder, text, name="a.ris", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_a_record_of_ris_is_read_with_everything_it_says(tmp_path):
    record = read_library(written(tmp_path, NUDGES))["doi:10.1234/abc.5"]
    assert (record.title, record.year, record.venue) == (
        "Defaults raise the take-up of green power in households", 2015, "J Env",
    )  # fmt: skip
    assert record.authors == ("Ebner, Anna", "Ortiz, L.")
    assert record.abstract.endswith("take-up by 12 points.")
    assert (record.pages, record.keywords, record.source) == ("12-19", ("defaults", "energy"), "a.ris:1")


SPOILT = (*WAYS, lambda text: text.replace("ER  -\n\n", "ER  - "))  # as exports spoil a record


def test_of_a_thousand_records_damaged_on_purpose_none_is_lost(tmp_path):
    rng = random.Random(7)
    whole = [
        f"TY  - JOUR\nTI  - Study number {k} of many on habit\nAU  - Author{k}, A.\nPY  - {1950 + k % 70}\n"
        f"AB  - Abstract {k}.\nER  -\n\n"
        for k in range(1_000)
    ]
    path = tmp_path / "spoilt.ris"
    parts = [rng.choice(SPOILT)(text).encode(rng.choice(("utf-8", "windows-1252"))) for text in whole]
    path.write_bytes(b"".join(parts))
    library = read_library(path)
    assert library.flow["records"] == 1_000
    assert [record.title for record in library.records.values()] == [
        f"Study number {k} of many on habit" for k in range(1_000)
    ]
    assert all(f"Abstract {k}." in record.abstract for k, record in enumerate(library.records.values()))
    assert all(remark.where.startswith("spoilt.ris:") for remark in library.remarks)


def test_two_records_run_together_a_missing_end_and_a_year_that_is_none_are_named_by_line(tmp_path):
    text = "TY  - JOUR\nTI  - One of two\nPY  - 10 15\nTY  - CHAP\nTI  - Other of two\n"
    told = [str(remark) for remark in read_library(written(tmp_path, text)).remarks]
    assert told[0].startswith("a.ris:4: a record begins before the one of line 1 has ended")
    assert told[1].startswith("a.ris:1: year '10 15' is none")
    assert told[2].startswith("a.ris:4: the last record has no end")


def test_every_source_tells_title_abstract_authors_and_year_under_tags_of_its_own(shared_data):
    for name in ("embase.ris", "ovid_psycinfo.ris", "pubmed_zotero.ris", "embase.csv"):
        for record in read_library(shared_data / "text" / "records" / name).records.values():
            told = (record.title, record.abstract, record.authors, record.year, record.venue)
            assert all(told), record.source
            assert ", " in record.authors[0]
    assert read_library(shared_data / "text" / "records" / "faulty_year.ris").flow["records"] == 1


def test_one_export_in_two_formats_is_one_library(shared_data):
    folder = shared_data / "text" / "records"
    library = read_library(folder / "embase.ris", folder / "embase.csv")
    assert (library.flow["records"], library.flow["left"]) == (12, 6)
    assert {merge.by for merge in library.merges} == {"doi"}


def test_a_table_is_read_by_the_names_of_its_columns_and_keeps_the_others(tmp_path):
    path = tmp_path / "export.csv.gz"
    table = (
        "record,Article Title,Abstract,Authors,Publication Year,included\n"
        "7,Nudging <i>well</i>,It works.,Ebner A.; Ortiz L.,2019,1\n"
    )
    path.write_bytes(gzip.compress(table.encode()))
    library = read_library(path)
    (record,) = library.records.values()
    assert (record.title, record.authors, record.year) == ("Nudging well", ("Ebner, A.", "Ortiz, L."), 2019)
    assert library.columns["record_in_file"].to_list() == [7]
    assert library.columns["included"].to_list() == [1]
    assert library.columns.columns[0] == "record"


def test_titles_and_abstracts_are_a_corpus_in_which_words_are_found(tmp_path):
    library = read_library(written(tmp_path, NUDGES))
    corpus = library.corpus()
    span = find_span(corpus, "doi:10.1234/abc.5", 'that "defaults" raise take-up')
    assert span is not None
    assert span.stands_in(corpus)
    assert corpus.ids == list(library.records)


def test_a_library_is_cut_to_records_in_the_order_asked_for(tmp_path):
    library = read_library(written(tmp_path, NUDGES + NUDGES.replace("ABC.5", "x").replace("green", "grey")))
    ids = list(library.records)
    assert list(library.take(ids[::-1]).records) == ids[::-1]
    assert library.take(ids).content_hash == library.content_hash != library.take(ids[::-1]).content_hash
    with pytest.raises(DataError, match=r"has no record 'doi:10.1234/abc'.*did you mean 'doi:10.1234/abc.5'"):
        library.take(["doi:10.1234/abc"])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.ris", "nothing\n", "no record in it"),
        ("a.csv", "id,words\n1,x\n", "no column of titles.*it has id, words"),
        ("a.docx", "x", "no records are read from .docx"),
    ],
)
def test_a_file_without_records_is_refused_by_name(tmp_path, name, text, said):
    with pytest.raises(DataError, match=rf"{name}.*{said}"):
        read_library(written(tmp_path, text, name))


def test_a_table_of_records_that_the_house_wrote_is_read_again(tmp_path):
    path = tmp_path / "records.csv"
    path.write_text("record,record_in_file,title,abstract\nt:1,7,A title of one,Words.\nt:2,8,A title of two,More.\n")
    columns = read_library(path).corpus().columns
    assert {"record_in_file", "record_in_file_in_file"} <= {*columns.columns}

"""Records of one publication: what makes them one, what keeps them apart, and how a person has the last word."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.literature.records.library import library_of, read_library
from proband.literature.records.record import Record

ONE = Record(
    title="Default options and the take-up of green power", year=2015, authors=("Ebner, Anna",), source="a:1",
)  # fmt: skip


def merged(*records):
    return library_of(replace(record, source=f"f:{k}") for k, record in enumerate(records))


@pytest.mark.parametrize(
    ("changes", "is_one"),
    [
        ({"title": "Default options and the take up of green power."}, True),
        ({"title": "Defualt options and the take-up of green power"}, True),
        ({"year": 2016}, True),
        ({"year": None, "authors": ()}, True),
        ({"year": 2018}, False),
        ({"authors": ("Ortiz, L.",)}, False),
        ({"title": "Default options and the take-up of grey power and gas"}, False),
        ({"title": "Default options and the take-up of green gas"}, False),
        ({"title": "Default options and the takeup of green power: a trial"}, False),
    ],
)
def test_title_year_and_author_together_make_one(changes, is_one):
    other = replace(ONE, title=ONE.title + " ", **changes) if "title" not in changes else replace(ONE, **changes)
    library = merged(replace(ONE, doi="10.1/a"), other)
    assert (len(library) == 1) is is_one
    assert len(library.merges) == is_one


def test_parts_of_a_series_and_works_of_other_identifiers_are_never_one():
    parts = (replace(ONE, title=f"{ONE.title}, part {n}") for n in ("1", "2", "iii"))
    assert len(merged(*parts)) == 3
    assert len(merged(replace(ONE, doi="10.1/a"), replace(ONE, doi="10.1/b"))) == 2


def test_titles_alone_make_one_where_abstracts_agree():
    bare = Record(title="Email for clinical communication", abstract="Email is one of the most used methods " * 4)
    assert len(merged(bare, replace(bare, abstract=bare.abstract + "."))) == 1
    assert len(merged(bare, replace(bare, abstract="Something else entirely was found here " * 4))) == 2


def test_what_one_record_lacks_is_taken_from_the_other_in_any_order():
    full = replace(ONE, doi="10.1/a", abstract="An abstract.")
    other = replace(ONE, pmid="7", other={"included": "1"})
    records = [replace(full, source="a.ris:1", other={"included": "0"}), replace(other, source="b.csv:2")]
    one, two = library_of(records), library_of(records[::-1])
    assert list(one.records) == list(two.records) == ["doi:10.1/a"]
    record = one["doi:10.1/a"]
    assert (record.pmid, record.abstract, record.other["included"]) == ("7", "An abstract.", "1")
    assert one["pmid:7"] is record
    assert any("differ in 'included'" in remark.what for remark in one.remarks)


def test_one_doi_on_two_works_is_named_and_merges_nothing():
    library = merged(replace(ONE, doi="10.1/a"), Record(title="Whales of the north", doi="10.1/a"))
    assert len(library) == 2
    assert "has the doi of f:0 and another title" in library.remarks[0].what


def test_a_merge_is_undone_by_naming_the_two_places(tmp_path):
    path = tmp_path / "a.ris"
    path.write_text(2 * "TY  - JOUR\nTI  - One title of some words\nPY  - 2019\nAU  - Roe, J\nER  -\n")
    (merge,) = read_library(path).merges
    assert (merge.source, merge.other_source, merge.score) == ("a.ris:1", "a.ris:6", 100)
    library = read_library(path, apart=[(merge.other_source, merge.source)])
    assert len(library) == 2
    assert [id.partition("@")[0] for id in library.records] == [merge.kept] * 2


@given(st.integers(0, 2**32 - 1))
def test_the_records_that_are_left_do_not_depend_on_the_order_of_files(seed):
    rng = random.Random(seed)
    titles = ["Habit and the take-up of green power", "Nudges in the canteen of a school", "Nudges in canteens"]
    records = [
        Record(
            title=rng.choice(titles) + rng.choice(("", ".")), year=rng.choice((2001, 2005)),
            authors=(rng.choice(("Roe, J.", "Ebner, A.")),), abstract=rng.choice(("", "Words.")), source=f"f:{k}",
        )
        for k in range(8)
    ]  # fmt: skip
    ids = set(library_of(records).records)
    rng.shuffle(records)
    assert set(library_of(records).records) == ids


def test_records_that_a_list_names_are_marked(tmp_path):
    path, marks = tmp_path / "a.csv", tmp_path / "retractions.csv"
    path.write_text("title,doi,journal\nOne,10.1234/a,J Sound\nTwo,10.1234/b,J of Haste\nThree,,J Sound\n")
    marks.write_text("OriginalPaperDOI,Reason\nhttps://doi.org/10.1234/A,fake data\n")
    (tmp_path / "journals.txt").write_text("J. of Haste\n")
    library = read_library(path, marks={"retracted": marks, "predatory": tmp_path / "journals.txt"})
    assert library.columns["retracted"].to_list() == [1, 0, 0]
    assert library.columns["predatory"].to_list() == [0, 1, 0]
    marks.write_text("")
    with pytest.raises(DataError, match=r"retractions.csv: no entry in it"):
        read_library(path, marks={"retracted": marks})

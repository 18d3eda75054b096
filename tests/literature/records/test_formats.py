"""Every format of records: what it says is read, and what is written wrongly is named and kept."""

import json

import pytest

from proband.errors import DataError
from proband.literature.records.library import read_library

NBIB = """
PMID- 31000001
DP  - 2019 Oct-Dec
TI  - Default options and the take-up of green
      power.
LID - 10.1234/x.5 [doi]
AB  - Defaults raise take-up.
FAU - Ebner, Anna
AU  - Ebner A
AU  - Ortiz L
CN  - Green Power Group
JT  - Journal of energy
PT  - Journal Article
PT  - Retracted Publication
MH  - *Choice Behavior
PMID- 31000002
TI  - Second.
AID - S1 [pii]
AID - 10.1234/X.6 [doi]
DP  - Spring

"""
BIBTEX = r"""
@string{j = {Journal of Habit}}
@article{one, title={On {H}abit \& 5% of it}, author={M{\"u}ller, Jo and Ann van Berg}, year=2019, journal=j,
  pages={1--9}}
@article{one, title={Another of that name}, year={2020}}
@article{broken, title={Never closed,
  author = {Roe, Jane},
  year = {2018},
@inproceedings{last, title="The last", booktitle={Proc. Habit}, year=2021}
"""
OPENALEX = {
    "results": [
        {
            "id": "https://openalex.org/W1",
            "doi": "https://doi.org/10.1234/A",
            "title": "Nudges",
            "publication_year": 2020,
            "authorships": [{"author": {"display_name": "Jane van der Berg"}}],
            "abstract_inverted_index": {"Nudges": [0], "work": [1, 4], "here,": [2], "and": [3]},
            "primary_location": {"source": {"display_name": "J Nudge"}},
            "referenced_works": ["https://openalex.org/W2"],
            "ids": {"pmid": "https://pubmed.ncbi.nlm.nih.gov/77"},
            "is_retracted": True,
        },
        {"id": "https://openalex.org/W3", "title": "Gaps", "publication_year": 2021,
         "abstract_inverted_index": {"Words": [0], "missing": [3]}},
    ]
}  # fmt: skip
CROSSREF = {
    "message": {
        "items": [
            {
                "DOI": "10.1234/B",
                "title": ["Habit &amp; <i>choice</i>"],
                "author": [{"family": "Roe", "given": "J."}, {"name": "Habit Group"}],
                "abstract": "<jats:title>Aim</jats:title><jats:p>P &lt; .05 and H<jats:sub>2</jats:sub>O.</jats:p>",
                "container-title": ["J Habit"],
                "issued": {"date-parts": [[2018, 4]]},
                "type": "journal-article",
                "reference": [{"DOI": "10.1234/A"}, {"unstructured": "Somebody, 1999"}],
            }
        ]
    }
}


def records(folder, name, text):
    path = folder / name
    path.write_text(text)
    library = read_library(path)
    return list(library.records.values()), [str(remark) for remark in library.remarks]


def test_pubmed_authors_without_a_full_name_and_the_doi_among_the_places_are_read(tmp_path):
    (one, two), told = records(tmp_path, "a.nbib", NBIB)
    assert one.authors == ("Ebner, Anna", "Ortiz, L", "Green Power Group")
    assert (one.title, one.doi, one.pmid, one.year) == (
        "Default options and the take-up of green power.", "10.1234/x.5", "31000001", 2019,
    )  # fmt: skip
    assert (one.headings, one.other["retracted"]) == (("Choice Behavior",), "true")
    assert (two.doi, two.year) == ("10.1234/x.6", None)
    assert told[0].startswith("a.nbib:16: year 'Spring' is none")


def test_bibtex_entries_that_are_broken_or_there_twice_are_kept_and_named(tmp_path):
    found, told = records(tmp_path, "a.bib", BIBTEX)
    assert [(r.title, r.year) for r in found] == [
        ("On Habit & 5% of it", 2019), ("Another of that name", 2020), ("Never closed", 2018), ("The last", 2021),
    ]  # fmt: skip
    assert (found[0].authors, found[0].venue, found[0].pages) == (
        ("Müller, Jo", "van Berg, Ann"), "Journal of Habit", "1-9",
    )  # fmt: skip
    assert found[2].authors == ("Roe, Jane",)
    assert told[0].startswith("a.bib:5: entry 'one' is there twice; it is kept")
    assert told[1].startswith("a.bib:6: entry 'broken' is not written as BibTeX has it")


@pytest.mark.parametrize("name", ["works.json", "works.jsonl"])
def test_openalex_abstracts_are_put_in_order(tmp_path, name):
    lines = "\n".join(map(json.dumps, OPENALEX["results"]))
    (one, two), told = records(tmp_path, name, lines if name.endswith("l") else json.dumps(OPENALEX))
    assert (one.abstract, one.authors, one.doi, one.pmid) == (
        "Nudges work here, and work", ("van der Berg, Jane",), "10.1234/a", "77",
    )  # fmt: skip
    assert (one.openalex, one.references, one.venue, one.other) == (
        "W1", ("openalex:W2",), "J Nudge", {"retracted": "true"},
    )  # fmt: skip
    assert two.abstract == "Words missing"
    assert told[0].startswith(f"{name}:2: 2 words of the abstract are missing")


def test_a_work_whose_values_are_of_other_types_is_kept_with_what_can_be_read(tmp_path):
    work = {"title": "Odd", "authorships": 3, "abstract_inverted_index": {"a": None}, "referenced_works": True}
    other = {**work, "title": "Odder", "abstract_inverted_index": '{"a'}
    ((one, two), told) = records(tmp_path, "odd.json", json.dumps([work, other]))
    assert [one.title, two.title, one.abstract, two.abstract] == ["Odd", "Odder", "", ""]
    assert "odd.json:2: the index of the abstract is cut off" in told[0]


def test_crossref_tags_are_taken_off(tmp_path):
    ((record,), _) = records(tmp_path, "crossref.json", json.dumps(CROSSREF))
    assert (record.title, record.abstract) == ("Habit & choice", "Aim P < .05 and H2O.")
    assert (record.authors, record.year, record.references) == (("Roe, J.", "Habit Group"), 2018, ("doi:10.1234/a",))


def test_an_excel_sheet_is_read_like_a_table(tmp_path, sheet):
    library = read_library(sheet([["Title", "Year", "included"], ["Habits of many kinds", 2019, 1]]))
    (record,) = library.records.values()
    assert (record.title, record.year, record.other) == ("Habits of many kinds", 2019, {"included": "1"})


def test_a_pdf_keeps_its_pages_and_one_without_text_is_refused_by_name(tmp_path, pdf):
    library = read_library(pdf("paper.pdf", ["A paper on habits", "Habits are persistent"]))
    (record,) = library.records.values()
    assert record.title == "A paper on habits"
    assert library.page_of(record.id, record.text.index("persistent")) == 2
    assert library.page_of(record.id, 0) == 1
    with pytest.raises(DataError, match=r"scan.pdf: 1 pages and no text in them"):
        read_library(pdf("scan.pdf", [""]))


def test_a_plain_text_is_one_record_and_an_export_called_txt_is_read_as_what_it_is(tmp_path):
    ((record,), _) = records(tmp_path, "paper.txt", "A title\nof which this is no part.\n")
    assert (record.title, record.abstract) == ("A title", "of which this is no part.")
    found, _ = records(tmp_path, "export.txt", NBIB)
    assert len(found) == 2


def test_a_folder_is_all_files_of_records_in_it(tmp_path):
    (tmp_path / "a.bib").write_text(BIBTEX)
    (tmp_path / "b.nbib").write_text(NBIB)
    assert read_library(tmp_path).flow["records"] == 6


def test_tags_in_a_ris_are_taken_off_and_signs_that_are_none_stay(tmp_path):
    told = "<jats:p class='a'>Of n<N and p>q, H<sub>2</sub>O &amp; air.</jats:p><br/>"
    (tmp_path / "a.ris").write_text(f"TY  - JOUR\nTI  - <i>Nudges</i>\nAB  - {told}\nER  - \n")
    (record,) = read_library(tmp_path / "a.ris").records.values()
    assert (record.title, record.abstract) == ("Nudges", "Of n<N and p>q, H2O & air.")

"""A library written and read again is the same library."""

from dataclasses import replace

import pytest

from proband.errors import DataError
from proband.literature.records.library import library_of, read_library
from proband.literature.records.record import Record
from proband.literature.records.writing import WRITERS, write_library

RECORDS = [
    Record(
        title="Habit & choice: 5% of $x_1$ and Ökonomie", abstract="We find “so” much, by 3 % {of} it. Ångström #1.",
        authors=("van der Berg, Ann", "Roe, J."), year=2019, venue="Journal of Habit", doi="10.1234/a_b", pmid="77",
        url="https://example.org/a_b", volume="3", issue="2", pages="12-19", keywords=("habit", "green power"),
        language="en",
    ),
    Record(title="A chapter", authors=("Roe, J.",), year=1999, venue="The Book of Habits", kind="chapter"),
    Record(title="Neither year nor author", abstract="Words.", kind="other"),
]  # fmt: skip


@pytest.mark.parametrize("ending", WRITERS)
def test_what_is_written_is_read_again(tmp_path, ending):
    library = library_of(RECORDS)
    again = read_library(write_library(library, tmp_path / f"library{ending}"))
    assert list(again.records) == list(library.records)
    for one, other in zip(library.records.values(), again.records.values(), strict=True):
        told, said = (
            {k: v for k, v in vars(record).items() if k not in ("id", "source", "other")} for record in (one, other)
        )
        if ending == ".bib":  # brackets are commands there
            told["abstract"] = told["abstract"].replace("{of}", "of")
        assert said == told


def test_the_table_of_a_review_holds_what_guesses_at_names_and_lists_would_part(tmp_path):
    path = tmp_path / "odd.ris"
    path.write_text(
        "TY  - JOUR\nTI  - Two  blanks and P<.05\nAU  - World Bank, Washington, DC\nKW  - Habits, good\n"
        "AB  - a &lt; b\nUR  - https://example.org\nER  -\n"
    )
    (one,) = read_library(path).records.values()
    given = replace(one, references=("doi:10.1234/x",), headings=("Choice, free",), other={"references": "17"})
    (again,) = read_library(write_library(library_of([given]), tmp_path / "records.csv")).records.values()
    assert one.title == "Two blanks and P<.05"
    assert replace(again, source=given.source, other=given.other) == given
    assert again.other["references_in_file"] == "17"


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no library is written as .doc; end it with one of .ris, .bib"):
        write_library(library_of(RECORDS), tmp_path / "library.doc")

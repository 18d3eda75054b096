"""Cases 20 and 21: codes that a file calls missing, and numbers outside an item's bounds.

Public sources: tidyverse/haven#539, IDEMSInternational/R-Instat#3432 (20); jasp-stats/jasp-issues#2716 (21).
"""

from collections import Counter

import pandas as pd
import pyreadstat
import pytest

from proband.designs import people_engine
from proband.errors import DataError
from proband.instruments import Instrument, Item
from proband.subjects import Field, describe, read_microdata

TRUST = Item(
    id="trust", text="Can people be trusted?", form="choice", options=("Yes", "No", "Don't know"), values=(1, 2, 8),
    dont_know=(2,),
)  # fmt: skip
HOURS = Item(id="hours", text="How long did you sleep?", form="number", lower=0, upper=24)
CODES = [1, 2, 1, 8, 8, 9, 9, 9, 2, 1]


def survey(*items):
    return Instrument(id="x", title="x", items=items)


def spss(folder, codes=CODES, ranges=({"lo": 8.0, "hi": 9.0},)):
    path = folder / "people.sav"
    frame = pd.DataFrame({"trust": [float(code) for code in codes]})
    pyreadstat.write_sav(frame, path, missing_ranges={"trust": list(ranges)})
    return read_microdata(path)


def answered(read, refused=(9,), item=TRUST):
    answers = people_engine(read.population("town"), survey(item), refused=refused).answers[item.id]
    return Counter(status for _, status in answers.values())


def test_an_spss_file_counts_who_refused_like_the_same_data_as_csv(tmp_path):
    (tmp_path / "people.csv").write_text("trust\n" + "\n".join(map(str, CODES)) + "\n")
    expected = {"valid": 5, "dont_know": 2, "refused": 3}
    assert answered(read_microdata(tmp_path / "people.csv")) == expected
    assert answered(spss(tmp_path)) == expected


def test_a_declared_code_that_the_study_does_not_name_stays_missing_and_is_said(tmp_path, caplog):
    assert answered(spss(tmp_path), refused=()) == {"valid": 5, "dont_know": 2}
    assert "calls the codes 9 (3 people) of column 'trust' missing" in caplog.text


def test_a_code_that_the_study_calls_missing_as_well_is_missing(tmp_path):
    spss(tmp_path)
    read = read_microdata(tmp_path / "people.sav", missing={"trust": [9]})
    assert answered(read) == {"valid": 5, "dont_know": 2}


def test_stata_s_letters_can_be_named_too(tmp_path):
    frame = pd.DataFrame({"trust": pd.Series([1, 2, "a", "b", "b"], dtype=object)})
    labels = {"trust": {1: "Yes", 2: "No", "a": "Don't know", "b": "Refused"}}
    pyreadstat.write_dta(
        frame, tmp_path / "p.dta", missing_user_values={"trust": ["a", "b"]}, variable_value_labels=labels
    )
    read = read_microdata(tmp_path / "p.dta")
    item = Item(
        id="trust", text="Trust?", form="choice", options=("Yes", "No", "Unsure"), values=(1, 2, ".a"), dont_know=(2,)
    )
    assert answered(read, refused=(".b",), item=item) == {"valid": 2, "dont_know": 1, "refused": 2}
    assert read.frame["trust"].to_list() == [1, 2, None, None, None]
    assert read.labels["trust"][".b"] == "Refused"


@pytest.mark.parametrize(
    ("ranges", "missing"),
    [
        ([8.0], {8}),
        ([7.0, 8.0, 9.0], {7, 8, 9}),
        ([{"lo": float("-inf"), "hi": 0.0}], {-2, -1, 0}),
        ([{"lo": 8.0, "hi": float("inf")}], {8, 9, 1000}),
        ([{"lo": 8.0, "hi": 9.0}, -1.0], {8, 9, -1}),
    ],
    ids=["one", "three", "LO THRU 0", "8 THRU HI", "8 THRU 9, -1"],
)
def test_every_way_to_declare_missing_values_in_spss_is_read(tmp_path, ranges, missing):
    codes = [-2, -1, 0, 1, 7, 8, 9, 1000]
    read = spss(tmp_path, codes, ranges)
    assert read.frame["trust"].to_list() == [None if code in missing else code for code in codes]
    assert set(read.declared["trust"].drop_nulls()) == missing


def test_texts_can_be_declared_missing_in_spss(tmp_path):
    frame = pd.DataFrame({"town": ["Ulm", "XX", "Bonn"]})
    pyreadstat.write_sav(frame, tmp_path / "p.sav", missing_ranges={"town": ["XX"]})
    read = read_microdata(tmp_path / "p.sav")
    assert read.frame["town"].to_list() == ["Ulm", None, "Bonn"]
    assert read.declared["town"].to_list() == [None, "XX", None]


def test_a_persona_says_a_declared_code_only_in_words_of_the_study(tmp_path):
    field = Field(column="trust", first="I say {value}.", third="{value}")
    said = Field(column="trust", first="I say {value}.", third="{value}", labels={1: "yes", 2: "no", 9: "nothing"})
    for one, wanted in ((field, ["I say 1.", ""]), (said, ["I say yes.", "I say nothing."])):
        people = spss(tmp_path, [1, 9]).population("town", [one])
        assert [describe(p, people.fields, "first") for p in people] == wanted


def test_people_can_be_chosen_by_a_declared_code_and_sampled_with_it(tmp_path):
    people = spss(tmp_path).population("town")
    assert len(people.where("trust", [9])) == 3
    drawn = people.where("trust", [8, 9]).sample(4, seed=1)
    assert len(drawn.declared_missing("trust")) == 4


def hours(folder, *codes):
    (folder / "h.csv").write_text("id,hours\n" + "".join(f"p{k},{code}\n" for k, code in enumerate(codes)))
    return read_microdata(folder / "h.csv", id="id").population("town")


def test_numbers_outside_an_item_s_bounds_are_refused_by_item_person_and_code(tmp_path):
    people = hours(tmp_path, 2, 3, 1, 4, 999, 2, 998, 3, -1, 5, 999)
    with pytest.raises(DataError) as caught:
        people_engine(people, survey(HOURS))
    assert [problem.partition(";")[0] for problem in caught.value.problems] == [
        "item 'hours': subject 'p4' (and 1 more) has 999 in column 'hours', which lies outside 0 to 24",
        "item 'hours': subject 'p6' has 998 in column 'hours', which lies outside 0 to 24",
        "item 'hours': subject 'p8' has -1 in column 'hours', which lies outside 0 to 24",
    ]


def test_numbers_outside_the_bounds_may_mean_refused_or_missing(tmp_path):
    people = hours(tmp_path, 2, 3, 1, 4, 999, 2, 998, 3, -1, 5)
    answers = people_engine(people, survey(HOURS), refused=(999, 998, -1)).answers["hours"]
    held = [answer for answer, status in answers.values() if status == "valid"]
    assert sum(held) / len(held) == pytest.approx(20 / 7)


@pytest.mark.parametrize("code", ["inf", "NaN", "1_0", "ten", "1e999"])
def test_what_is_no_number_is_no_answer_to_an_item_about_numbers(tmp_path, code):
    people = hours(tmp_path, 2, code, "x")
    with pytest.raises(DataError, match="subject 'p1' has"):
        people_engine(people, survey(Item(id="hours", text="How long?", form="number")))

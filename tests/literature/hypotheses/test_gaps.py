"""A table of evidence leaves gaps, contradictions and moderators open, each with its passages."""

import pytest

from proband.errors import DataError
from proband.literature.hypotheses.gaps import open_questions, read_evidence, sign_in

TABLE = """record,field,value,start,end,quotation,page,by
a,intervention,smiling,0,20,Waiters who smile in,1,rules
a,measure,tips,30,50,tips in percent of t,1,rules
a,effect,"d = 0.40 [0.10, 0.70]",60,80,a difference of d = ,2,rules
a,population,adults,90,110,adults in two cities,,rules
b,intervention,Smiling,0,20,Smiling and the tips,,rules
b,measure,tips,30,50,tips that guests left,,rules
b,effect,"d = -0.30 (-0.50 to -0.10)",60,80,tips fell by d = -0.3,,rules
b,population,students,90,110,students of one town,,rules
c,intervention,rain,0,20,On days with much rai,,rules
c,measure,mood,30,50,mood of passengers wa,,rules
c,country,Norway,60,80,in the rain of Norway,,rules
"""


def questions(tmp_path, text=TABLE):
    (tmp_path / "evidence.csv").write_text(text)
    return open_questions(read_evidence(tmp_path / "evidence.csv"), time="2026-11-29")


def test_two_records_that_contradict_each_other_differ_in_what_may_moderate(tmp_path):
    [first, *_] = questions(tmp_path)
    assert (first.independent, first.dependent, first.moderators) == (
        "smiling",
        "tips",
        ("population: adults or students",),
    )
    assert {span.record for span in first.spans} == {"a", "b"}
    assert first.strategy == "evidence"


def test_what_was_studied_apart_and_never_together_is_a_gap(tmp_path):
    asked = {(h.independent, h.dependent) for h in questions(tmp_path)}
    assert {("smiling", "mood"), ("rain", "tips")} <= asked
    assert ("rain", "mood") not in asked


def test_a_moderator_is_proposed_where_it_was_not_tried(tmp_path):
    found = [h for h in questions(tmp_path) if h.moderators == ("country: Norway",)]
    assert [(h.independent, h.dependent) for h in found] == [("smiling", "tips")]
    assert not [h for h in questions(tmp_path) if h.moderators == ("population: adults",)]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("d = 0.35 [0.10, 0.60]", 1),
        ("d = 0.35 [-0.10, 0.60]", 0),
        ("OR = 0.5 (95% CI 0.3 to 0.8)", -1),
        ("OR = 1.5 (95% CI 0.9 to 2.5)", 0),
        ("\u22120.2", -1),
        ("none reported", None),
        ("OR = 0.5 [0.3, 0.8]", -1),
        ("hazard ratio 1.5 (0.9 to 2.5)", 0),
    ],
)
def test_the_side_of_an_effect_is_read_with_its_limits(text, sign):
    assert sign_in(text) == sign


def test_effects_that_may_be_zero_contradict_nothing(tmp_path):
    unsure = TABLE.replace("-0.50 to -0.10", "-0.70 to 0.10")
    assert not [h for h in questions(tmp_path, unsure) if "adults or students" in str(h.moderators)]


def test_a_table_without_outcomes_or_with_a_broken_place_is_named(tmp_path):
    with pytest.raises(DataError, match="no record of the evidence has a measure"):
        questions(tmp_path, "record,field,value,start,end,quotation\na,n,12,0,2,12\n")
    with pytest.raises(DataError, match=r"evidence.csv, line 2: start, end or page"):
        questions(tmp_path, "record,field,value,start,end,quotation\na,n,12,zero,2,12\n")

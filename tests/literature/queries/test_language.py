import pytest
from hypothesis import given, settings

from proband.errors import DesignError
from proband.literature.queries.language import parse_query
from tests.literature.queries.written import QUERIES


@settings(max_examples=200, deadline=None)
@given(QUERIES)
def test_what_is_printed_is_read_as_the_same_query(query):
    assert parse_query(str(query)) == query


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("(nudg* or “Choice Architecture”) and Health", '(nudg* OR "choice architecture") AND health'),
        ("a AND NOT b", "a NOT b"),
        ("a NOT b NOT c", "a NOT (b OR c)"),
        ("((a OR (b OR c)))", "a OR b OR c"),
        ("title:(nudge OR decision-making)", 'title:nudge OR title:"decision making"'),
        ("keyword,abstract,title:x", "x"),
        ("a NEAR/2 (b OR c) AND d", "a NEAR/2 (b OR c) AND d"),
        ("year:2010-2020 AND heading:Nudge", 'year:2010-2020 AND heading:"nudge"'),
        ('"or" OR café', '"or" OR cafe'),
    ],
)
def test_a_query_is_printed_in_one_form(written, printed):
    assert str(parse_query(written)) == printed


@pytest.mark.parametrize(
    ("written", "place", "why"),
    [
        ("nudg* OR", 7, "OR has nothing on its right"),
        ("AND feedback", 1, "AND has nothing on its left"),
        ("NOT children", 1, "people NOT children"),
        ("a OR b AND c", 8, "AND after OR can be read in two ways"),
        ("a NOT b AND c", 9, "AND after NOT can be read in two ways"),
        ('health AND "choice arch', 12, "this quotation is never closed"),
        ("(a OR (b AND c)", 1, "this bracket is never closed"),
        ("a OR b)", 7, "this bracket closes none"),
        ("nudg* NEAR/3", 7, "NEAR/3 has nothing on its right"),
        ("a NEAR b", 3, "NEAR/3"),
        ("(a AND b) NEAR/3 c", 11, "stands between words"),
        ("title:a NEAR/3 b", 9, "title:(a NEAR/3 b)"),
        ("choice architecture", 8, "no operator between"),
        ("a AND OR b", 7, "AND OR: two operators"),
        ("titel:nudge", 1, "did you mean 'title'?"),
        ("nudge[tiab]", 1, "'[' means nothing here"),
        ("nu*ge", 1, "an asterisk stands at the end"),
        ("a AND *", 7, "no letters before the asterisk"),
        ("year:20x0", 1, "is no year"),
        ("year:2020-2010", 1, "is no year"),
        ("title:", 1, "followed by no term"),
        ("a AND ()", 7, "nothing is looked for"),
        ("", 1, "nothing is looked for"),
        ("(" * 60 + "a" + ")" * 60, 51, "brackets within each other"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_the_way_out(written, place, why):
    with pytest.raises(DesignError) as refused:
        parse_query(written)
    assert any(f"character {place}: " in problem and why in problem for problem in refused.value.problems)


def test_everything_that_is_wrong_is_told_at_once():
    with pytest.raises(DesignError) as refused:
        parse_query("(titel:a OR) AND (year:x OR b c)")
    assert len(refused.value.problems) == 4


def test_what_adds_nothing_or_finds_too_much_is_remarked():
    remarks = parse_query('nudg* OR nudging OR "nudging people" OR ab* OR title:nudge').remarks
    assert [remark.split(":")[0] for remark in remarks] == [
        "ab* at 41", "nudging at 10", '"nudging people" at 21', "title"
    ]  # fmt: skip
    assert parse_query("(nudg* OR diet) AND health").remarks == ()


def test_signs_that_are_not_looked_for_are_remarked():
    assert parse_query("coding AND C++").remarks == (
        "c at 12: letters and digits alone are looked for: C++ finds whatever has c",
    )
    assert parse_query('.net OR "notepad++ users" OR -nudge').remarks[1].startswith('"notepad users" at 9')
    for usual in ("decision-making", "don't", '"nudges, defaults; and so on."', "R&D", "O’Neill", "nudg*"):
        assert parse_query(usual).remarks == ()

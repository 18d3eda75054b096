import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.subjects import Field, Subject, describe

AGE = Field(
    column="age",
    first="I am {value} years old.",
    third="The person is {value} years old.",
    question="How old are you?",
    missing=(99,),
)
SEX = Field(
    column="sex",
    first="I am {value}.",
    third="The person is {value}.",
    question="What is your sex?",
    labels={1: "male", 2: "female"},
)
FIELDS = (AGE, SEX)
ANNA = Subject(id="anna", traits={"age": 36.0, "sex": 2})


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("first", "I am 36 years old. I am female."),
        ("third", "The person is 36 years old. The person is female."),
        (
            "interview",
            "Interviewer: How old are you?\nMe: I am 36 years old.\nInterviewer: What is your sex?\nMe: I am female.",
        ),
        ("none", ""),
    ],
)
def test_a_backstory_reads_as_written_here(format, text):
    assert describe(ANNA, FIELDS, format) == text


def test_fields_are_told_in_their_own_order_not_in_that_of_the_traits():
    assert describe(ANNA, (SEX, AGE), "first") == "I am female. I am 36 years old."


@pytest.mark.parametrize("traits", [{"sex": 2}, {"age": 99, "sex": 2}, {"age": 99.0, "sex": 2}])
def test_a_missing_field_is_skipped(traits):
    assert describe(Subject(id="1", traits=traits), FIELDS, "first") == "I am female."


def test_omitted_columns_are_left_out():
    assert describe(ANNA, FIELDS, "first", omit={"sex"}) == "I am 36 years old."


def test_somebody_of_whom_nothing_is_known_has_an_empty_backstory():
    assert describe(Subject(id="1", traits={}), FIELDS, "interview") == ""


@pytest.mark.parametrize(("code", "text"), [(2, "2"), (2.0, "2"), (2.5, "2.5"), ("two", "two"), (0, "0")])
def test_a_code_without_labels_is_said_as_it_is_without_a_trailing_zero(code, text):
    assert AGE.value(code) == text


@pytest.mark.parametrize("key", [1, 1.0, "1"])
def test_labels_match_codes_by_their_text(key):
    field = Field(column="x", first="{value}", third="{value}", labels={key: "yes"})
    assert [field.value(code) for code in (1, 1.0, "1")] == ["yes"] * 3


def test_a_label_with_braces_is_said_literally():
    field = Field(column="x", first="I am {value}.", third="{value}", labels={1: "{value} {age}"})
    assert describe(Subject(id="1", traits={"x": 1}), [field], "first") == "I am {value} {age}."


def test_a_code_without_a_label_names_column_code_and_way_out():
    with pytest.raises(DataError, match=r"'sex': code 3 has no label .*add it to labels, list it in missing"):
        describe(Subject(id="1", traits={"sex": 3}), FIELDS, "first")


def test_numbers_beside_labels_are_said_only_where_declared():
    labels = {90: "90 or older"}
    age = Field(column="age", first="{value}", third="{value}", labels=labels, is_number=True)
    assert (age.value(90), age.value(41)) == ("90 or older", "41")
    with pytest.raises(DataError, match="'age': code 'old' has no label"):
        age.value("old")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"first": "I am old."}, "first is 'I am old.'; put {value} into it"),
        ({"third": "old"}, "third is 'old'"),
        ({"column": ""}, "needs a column"),
        ({"labels": {1: "a", "1": "b"}}, "two labels for one code"),
        ({"labels": {1: " "}}, "the label of code 1 is empty"),
    ],
)
def test_a_field_that_cannot_be_told_is_refused(wrong, said):
    right = {"column": "age", "first": "{value}", "third": "{value}"}
    with pytest.raises(DataError) as caught:
        Field(**right | wrong)
    assert said in str(caught.value)


def test_an_interview_needs_questions():
    field = Field(column="age", first="I am {value}.", third="{value}")
    with pytest.raises(DataError, match="'age' has no question; add `question`"):
        describe(ANNA, [field], "interview")


def test_an_unknown_format_names_those_there_are():
    with pytest.raises(DesignError, match="'second' is none of first, third, interview, none"):
        describe(ANNA, FIELDS, "second")


@given(st.dictionaries(st.sampled_from(["age", "sex"]), st.sampled_from([1, 2, 99])), st.permutations(FIELDS))
def test_no_placeholder_is_left_in_any_backstory(traits, fields):
    traits = {column: code for column, code in traits.items() if column == "age" or code != 99}
    for format in ("first", "third", "interview"):
        assert "{value}" not in describe(Subject(id="1", traits=traits), fields, format)

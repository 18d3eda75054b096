import numpy as np
import pytest

from proband.errors import DataError, DesignError
from proband.subjects import Field, Population, Subject, from_joint, from_margins

SEX = Field(column="sex", first="I am {value}.", third="The person is {value}.")
MARGINS = {"sex": {"f": 0.5, "m": 0.5}, "school": {1: 0.2, 2: 0.3, 3: 0.5}}


def share(population, column, code):
    return np.mean([s.traits.get(column) == code for s in population])


def test_margins_are_met_up_to_chance():
    people = from_margins(MARGINS, n=4000, seed=1, fields=[SEX])
    assert share(people, "school", 3) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 4000))
    assert "independently" in people.source


def test_more_people_or_another_column_leave_earlier_draws_as_they_were():
    few = from_margins({"sex": MARGINS["sex"]}, n=10, seed=1)
    many = from_margins(MARGINS, n=20, seed=1, name="other")
    assert [s.traits["sex"] for s in few] == [s.traits["sex"] for s in many][:10]


def test_a_level_of_share_zero_is_never_drawn():
    people = from_margins({"x": {"never": 0.0, "a": 0.1, "b": 0.9, "nor": 0.0}}, n=500, seed=1)
    assert set(people.column("x").values()) == {"a", "b"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n": 0}, "n is 0"),
        ({"margins": {}}, "no margins"),
        ({"margins": {"x": {"a": 0.5, "b": 0.6}}}, "margin 'x': shares"),
        ({"margins": {"x": {"a": 1.5, "b": -0.5}}}, "margin 'x': shares"),
        ({"margins": {"x": {}}}, "margin 'x': shares"),
        ({"margins": {"x": {"a": 1.0}}}, "no column 'sex'"),
    ],
)
def test_margins_that_cannot_be_drawn_from_are_refused(settings, said):
    settings = {"margins": MARGINS, "n": 5} | settings
    with pytest.raises(DataError, match=said):
        from_margins(settings["margins"], n=settings["n"], seed=1, fields=[SEX])


def couples():
    """Men with school 1 (weight 3), women with school 2 (weight 1), one of unknown school."""
    rows = [("m", 1, 3.0), ("f", 2, 0.5), ("f", None, 0.5)]
    subjects = tuple(
        Subject(id=f"d{k}", weight=w, traits={"sex": sex} | ({} if school is None else {"school": school}))
        for k, (sex, school, w) in enumerate(rows)
    )
    return Population(name="couples", subjects=subjects, fields=(SEX,), source="a file", licence="CC0")


def test_a_joint_is_kept_whole_and_drawn_by_weight():
    people = from_joint(couples(), ["sex", "school"], n=2000, seed=1)
    assert {tuple(sorted(s.traits.items())) for s in people} == {
        (("school", 1), ("sex", "m")),
        (("school", 2), ("sex", "f")),
        (("sex", "f"),),
    }
    assert share(people, "sex", "m") == pytest.approx(0.75, abs=0.04)
    assert (people.licence, people.fields, people[0].weight) == ("CC0", (SEX,), 1.0)
    assert "a file" in people.source


def test_more_draws_from_a_joint_leave_earlier_ones_as_they_were():
    few, many = (from_joint(couples(), ["sex"], n=n, seed=1) for n in (10, 30))
    assert [s.traits for s in few] == [s.traits for s in many][:10]


def test_a_joint_of_nothing_is_refused():
    with pytest.raises(DataError, match="no columns to keep"):
        from_joint(couples(), [], n=5, seed=1)
    with pytest.raises(DataError, match="no column 'skool'; did you mean school"):
        from_joint(couples(), ["skool"], n=5, seed=1)
    with pytest.raises(DataError, match="n is 0"):
        from_joint(couples(), ["sex"], n=0, seed=1)
    with pytest.raises(DesignError, match="seed '1' is not an integer"):
        from_joint(couples(), ["sex"], n=1, seed="1")

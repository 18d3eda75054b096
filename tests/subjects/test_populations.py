import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.subjects import Field, Population, Subject

SEX = Field(column="sex", first="I am {value}.", third="The person is {value}.", labels={1: "male", 2: "female"})


def people(n=50, weights=None, **changes):
    weights = [1.0] * n if weights is None else weights
    frame = pl.DataFrame({"sex": [1 + k % 2 for k in range(n)], "vote": [k % 3 or None for k in range(n)]})
    subjects = tuple(Subject(id=f"p{k}", traits={"sex": 1 + k % 2}, weight=float(weights[k])) for k in range(n))
    return Population(**{"name": "town", "subjects": subjects, "fields": (SEX,), "frame": frame} | changes)


def ids(population):
    return [subject.id for subject in population]


def test_subjects_are_found_by_place_and_by_id():
    town = people(3)
    assert (len(town), town[2].id, town["p1"], ids(town)) == (3, "p2", town[1], ["p0", "p1", "p2"])
    with pytest.raises(DataError, match=r"no subject 'p9'; did you mean p\d"):
        town["p9"]


def test_a_column_gives_raw_values_by_subject_and_leaves_the_missing_out():
    assert people(4).column("vote") == {"p1": 1, "p2": 2}


def test_without_a_frame_columns_are_the_traits():
    town = people(3, frame=None)
    assert (town.columns, town.column("sex")) == (("sex",), {"p0": 1, "p1": 2, "p2": 1})


@pytest.mark.parametrize("ask", [lambda t: t.column("vite"), lambda t: t.where("vite", 1), lambda t: t.check(["vite"])])
def test_an_unknown_column_suggests_the_nearest(ask):
    with pytest.raises(DataError, match="'town' has no column 'vite'; did you mean vote"):
        ask(people())


def test_where_keeps_people_data_and_weights_together():
    some = people(9, weights=range(9)).where("vote", [2])
    assert (ids(some), some.weights.tolist()) == (["p2", "p5", "p8"], [2, 5, 8])
    assert some.column("vote") == {"p2": 2, "p5": 2, "p8": 2}


def test_where_compares_codes_by_their_text():
    assert ids(people().where("sex", "2")) == ids(people().where("sex", 2.0)) == ids(people().where("sex", [2]))


def test_where_nobody_is_left_says_what_was_found():
    with pytest.raises(DataError, match="nobody has 'sex' in 3; found 1, 2"):
        people().where("sex", 3)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("replace", [True, False])
def test_the_same_seed_gives_the_same_sample_and_another_seed_another(weighted, replace):
    town = people(weights=range(1, 51))
    draw = [ids(town.sample(20, seed, weighted=weighted, replace=replace)) for seed in (1, 1, 2)]
    assert draw[0] == draw[1] != draw[2]
    assert len(set(draw[0])) == 20


@given(st.integers(0, 10**6), st.integers(1, 49))
@settings(max_examples=30)
def test_one_more_person_changes_at_most_one_other(seed, n):
    weights = [1 + k % 7 for k in range(50)]
    before = set(ids(people(49, weights=weights).sample(n, seed)))
    after = set(ids(people(50, weights=weights).sample(n, seed)))
    assert len(before - after) <= 1
    assert after - before <= {"p49"}


def test_a_smaller_sample_is_the_beginning_of_a_larger_one():
    assert ids(people().sample(5, 1)) == ids(people().sample(20, 1))[:5]


def test_the_order_of_the_file_does_not_matter():
    town = people()
    turned = Population(name="town", subjects=town.subjects[::-1])
    assert ids(town.sample(10, 3)) == ids(turned.sample(10, 3))


def test_equal_weights_leave_a_sample_unweighted():
    assert people(weights=[3.7] * 50).sample(10, 1).weights.tolist() == [1.0] * 10


def test_an_unweighted_sample_keeps_the_weights():
    some = people(weights=range(50)).sample(50, 1, weighted=False)
    assert {s.id: s.weight for s in some} == {f"p{k}": k for k in range(50)}


def test_drawing_everybody_by_weight_gives_the_weights_back():
    town = people(10, weights=range(1, 11))
    everybody = town.sample(10, 1)
    assert {s.id: round(s.weight * 5.5, 9) for s in everybody} == {s.id: s.weight for s in town}


@pytest.mark.parametrize("replace", [True, False])
def test_nobody_of_weight_zero_is_drawn(replace):
    weights = [0, 1] * 25
    drawn = people(weights=weights).sample(25, 1, replace=replace)
    assert all(int(s.id[1:].split("#")[0]) % 2 for s in drawn)


@pytest.mark.parametrize("n", [5, 20, 40])
def test_weighted_shares_of_samples_are_those_of_the_file_on_average(n):
    weights = [4.0 if k % 2 else 1.0 for k in range(50)]
    town = people(weights=weights)  # women (odd places) weigh 4, so they are 80 in 100
    shares = []
    for seed in range(400):
        drawn = town.sample(n, seed)
        is_woman = np.array([s.traits["sex"] == 2 for s in drawn])
        shares.append(drawn.weights[is_woman].sum() / drawn.weights.sum())
    standard_error = np.std(shares) / 20
    assert abs(np.mean(shares) - 0.8) < 4 * standard_error + 0.005


def test_copies_drawn_with_replacement_are_numbered_and_bring_their_data():
    drawn = people(3).sample(30, 1, replace=True)
    assert {"p0", "p0#2", "p1", "p1#2"} <= set(ids(drawn))
    vote = drawn.column("vote")
    assert all(vote.get(id) == {"p0": None, "p1": 1, "p2": 2}[id.split("#")[0]] for id in ids(drawn))


@pytest.mark.parametrize(
    ("n", "said"), [(51, "cannot draw 51 of 50 people; ask for 1 to 50, or draw with"), (0, "ask for 1 to 50$")]
)
def test_too_many_or_none_cannot_be_drawn(n, said):
    with pytest.raises(DataError, match=said):
        people().sample(n, 1)


def test_people_without_weight_do_not_count_as_drawable():
    with pytest.raises(DataError, match="cannot draw 3 of 2 people with a positive weight"):
        people(3, weights=[0, 1, 1]).sample(3, 1)


def test_a_seed_that_is_no_integer_is_refused():
    with pytest.raises(DesignError, match=r"seed 1\.5 is not an integer"):
        people().sample(3, 1.5)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1, -1, 1], r"1 weights are negative, first in row 2 \(-1.0\)"),
        ([0, 0, 0], "all weights are 0"),
        ([1, float("nan"), 1], "not a finite number, first in row 2"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(weights, said):
    with pytest.raises(DataError, match=said):
        people(3, weights=weights)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subjects": ()}, "has nobody in it"),
        ({"subjects": (Subject(id="a", traits={}),) * 2}, "id 'a' is there twice"),
        ({"subjects": (Subject(id="", traits={}),)}, "a subject without an id"),
        ({"fields": (SEX, SEX)}, "two persona fields for column 'sex'"),
        ({"frame": pl.DataFrame({"sex": [1]})}, "1 rows of data for 50 subjects"),
    ],
)
def test_a_population_that_cannot_be_asked_is_refused(changes, said):
    with pytest.raises(DataError, match=said):
        people(**changes)


def test_a_field_that_is_missing_for_everyone_is_refused():
    town = people(3, frame=pl.DataFrame({"sex": [None, None, None]}, schema={"sex": pl.Int64}))
    with pytest.raises(DataError, match="column 'sex' is missing for all 3 subjects; drop the field"):
        town.check()


def test_a_code_without_label_is_found_before_anything_is_asked():
    with pytest.raises(DataError, match="'sex': code 7 has no label"):
        people(2, frame=pl.DataFrame({"sex": [1, 7]})).check()


def test_nested_columns_cannot_be_used_and_say_so():
    town = people(2, frame=pl.DataFrame({"sex": [1, 2], "choices": [[1], [2, 3]]}))
    with pytest.raises(DataError, match="'choices' of population 'town' holds List"):
        town.column("choices")


def test_raking_meets_the_margin_and_reports_on_itself():
    town, raked = people(30, weights=range(1, 31)).rake({"sex": {"1": 0.3, "2": 0.7}})
    men = sum(s.weight for s in town if s.traits["sex"] == 1)
    assert men / town.weights.sum() == pytest.approx(0.3)
    assert raked.largest_gap < 1e-8
    assert town.weight_column == "raked to sex"


def test_raking_people_without_a_value_is_refused():
    with pytest.raises(MissingDataError, match="17 subjects have no 'vote', the first is 'p0'"):
        people().rake({"vote": {1: 0.5, 2: 0.5}})


def test_new_weights_are_joined_by_id_and_must_be_complete():
    town = people(2)
    assert town.reweighted({"p1": 3, "p0": 1}).weights.tolist() == [1, 3]
    with pytest.raises(DataError, match="no weight for subject 'p1'"):
        town.reweighted({"p0": 1})


def test_the_hash_changes_with_a_weight_a_trait_or_a_word():
    sex = Field(column="sex", first="Me: {value}.", third="{value}", labels={1: "male", 2: "female"})
    variants = [people(4), people(4, weights=[1, 1, 1, 2]), people(3), people(4, fields=(sex,))]
    assert len({town.hash for town in variants}) == 4
    assert people(4).hash == people(4).hash

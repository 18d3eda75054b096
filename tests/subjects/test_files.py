import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from proband.errors import DataError
from proband.subjects import catalogue, describe, load_population
from proband.subjects.files import POPULATIONS, population_file

SURVEYS = (Path(__file__).parents[2] / ".." / "shared" / "data" / "survey").resolve()
NONVOTERS = SURVEYS / "fte_nonvoters2020.csv.gz"
needs_nonvoters = pytest.mark.skipif(not NONVOTERS.exists(), reason=f"the poll's data are not at {NONVOTERS}")

FILE = """
id = "town"
title = "A town"
source = "us"
licence = "CC0"
weight_column = "w"
missing = [-1]
data = { path = "people.csv" }

[[fields]]
column = "age"
first = "I am {value} years old."
third = "The person is {value} years old."
"""


@pytest.fixture
def town(tmp_path):
    (tmp_path / "town.toml").write_text(FILE)
    (tmp_path / "people.csv").write_text("age,w,vote\n36,2,1\n-1,1,-1\n")
    return tmp_path / "town.toml"


def test_a_population_file_finds_its_data_beside_itself(town):
    people = load_population(town)
    assert [(s.id, dict(s.traits), s.weight) for s in people] == [("1", {"age": 36}, 2.0), ("2", {}, 1.0)]
    assert (people.name, people.title, people.source, people.licence) == ("town", "A town", "us", "CC0")
    assert people.column("vote") == {"1": 1}


def test_a_table_in_a_study_gives_the_same_people_as_a_file(town):
    from_table = load_population(tomllib.loads(FILE), base_dir=town.parent)
    assert from_table.hash == load_population("town.toml", base_dir=town.parent).hash


def test_data_may_be_given_in_place_of_those_named(town):
    (town.parent / "others.csv").write_text("age,w\n50,1\n")
    assert load_population(town, base_dir=town.parent, data="others.csv")[0].traits == {"age": 50}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "town"', 'id = "town', r"town\.toml: not valid TOML: .*line 2"),
        ('licence = "CC0"', "", r"town\.toml: licence is missing; add it"),
        ('licence = "CC0"', "licence = 1", r"licence must be text \(found 1\)"),
        ('licence = "CC0"', 'licence = "CC0"\ncolour = 1', "no key 'colour'; there are id, title"),
        ('column = "age"', "", r"field 1: column is missing; add it"),
        ('column = "age"', 'column = "age"\nfirts = "x"', r"field 1: no key 'firts' \(did you mean 'first'\?\)"),
        ('first = "I am {value} years old."', 'first = "I am."', r"town\.toml: persona field 'age': first is"),
        ('column = "age"', 'column = "agee"', r"people\.csv has no column 'agee'"),
        ('weight_column = "w"', 'weight_column = "weight"', "no weight column 'weight'"),
        ('{ path = "people.csv" }', '{ path = "gone.csv" }', "no data file at"),
        ('{ path = "people.csv" }', "{ }", "data names nothing; give one of package, path and bring"),
        ('{ path = "people.csv" }', '{ path = "a", bring = "b" }', "data names path and bring"),
        ('{ path = "people.csv" }', '{ package = "os.path" }', r"only statsmodels\.NAME is known"),
        ('{ path = "people.csv" }', '{ package = "statsmodels.nothing" }', "statsmodels has no data set 'nothing'"),
    ],
)
def test_a_wrong_population_file_is_refused_with_file_and_place(town, old, new, said):
    assert old in FILE
    town.write_text(FILE.replace(old, new))
    with pytest.raises(DataError, match=said):
        load_population(town)


def test_an_unknown_name_or_an_absent_file_is_refused(tmp_path):
    with pytest.raises(
        DataError, match=r"no population 'anes-1995' \(did you mean 'anes-1996'\?\); there are anes-1996, "
    ):
        load_population("anes-1995")
    with pytest.raises(DataError, match=r"gone\.toml: no such population file"):
        load_population(tmp_path / "gone.toml")


@pytest.mark.parametrize("name", POPULATIONS)
def test_every_population_that_ships_says_where_it_comes_from(name):
    file = population_file(POPULATIONS.load(name))
    assert file.id == name
    assert catalogue()[name].startswith(file.title)
    assert all((file.title, file.source, file.licence, file.notes))
    assert all(field.question for field in file.fields)


def test_the_anes_has_944_people_and_keeps_their_answers_out_of_personas():
    people = load_population("anes-1996")
    assert len(people) == 944
    assert [field.column for field in people.fields] == ["age", "educ", "income", "selfLR", "PID"]
    assert sum(people.column("vote").values()) == 393
    assert {"ClinLR", "DoleLR", "TVnews", "popul"} <= set(people.columns)
    assert "vote" not in people[0].traits


def test_dole_s_share_of_the_anes_rises_with_republican_identification():
    people = load_population("anes-1996")
    shares = []
    for code in range(7):
        vote = people.where("PID", code).column("vote")
        shares.append(round(100 * sum(vote.values()) / len(vote), 1))
    assert shares == [1.5, 6.1, 6.5, 29.7, 74.5, 82.7, 95.4]


def test_an_anes_persona_reads_as_written_here():
    people = load_population("anes-1996")
    assert describe(people["6"], people.fields, "first") == (
        "I am 21 years old. As for education, I have some college but no degree. My household's yearly "
        "income is less than $3,000. In politics, I am slightly liberal. I think of myself as a weak "
        "Democrat."
    )
    assert describe(people["6"], people.fields, "third", omit=["educ", "income", "age"]) == (
        "In politics, the person is slightly liberal. The person identifies as a weak Democrat."
    )


def test_a_population_whose_data_the_user_brings_says_how():
    with pytest.raises(DataError, match=r"nonvoters_data\.csv .* and pass its path as `data`"):
        load_population("nonvoters-2020")


@needs_nonvoters
def test_the_nonvoters_poll_has_its_published_weighted_shares():
    people = load_population("nonvoters-2020", data=NONVOTERS)
    choice = people.column("Q23")
    total = sum(people[id].weight for id in choice)
    shares = [sum(people[id].weight for id in choice if choice[id] == code) / total for code in (2, 1, 3)]
    assert len(people) == 5836
    assert [round(100 * share, 1) for share in shares] == [45.4, 34.9, 19.7]


@needs_nonvoters
def test_a_nonvoters_persona_reads_as_written_here():
    people = load_population("nonvoters-2020", data=NONVOTERS)
    assert describe(people["470001"], people.fields, "first") == (
        "I am 73 years old. I am female. My race or ethnicity is White. As for education, I have a college "
        "degree. My household's yearly income is between $75,000 and $125,000. I think of myself as a "
        "Democrat. I have voted in all or all but one of the national elections I was eligible for."
    )
    assert people.column("Q19_9")["470001"] == -1  # not ticked, which is an answer


@needs_nonvoters
def test_a_weighted_sample_of_nonvoters_has_the_weighted_shares_of_the_file():
    drawn = load_population("nonvoters-2020", data=NONVOTERS).sample(1500, 1)
    weights = {s.id: s.weight for s in drawn}
    choice = drawn.column("Q23")
    biden = sum(weights[id] for id in choice if choice[id] == 2) / sum(weights[id] for id in choice)
    assert biden == pytest.approx(0.454, abs=3 * (0.454 * 0.546 / 1500) ** 0.5)


def test_importing_the_room_loads_no_data_library():
    heavy = "polars pandas statsmodels pyreadstat scipy torch"
    script = f"import sys, proband.subjects; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

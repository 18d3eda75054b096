"""``proband check``: everything that is wrong with a file at once, for files of every kind."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proband.cli.main import app

EXAMPLES = Path(__file__).parents[2] / "examples"
STUDY = """
titel = "bad"
seed = "one"
engine = "scripted:nosuch"
[instrument]
id = "odd"
preamble = "{name}"
items = [
    { id = "a", text = "Like {answer:}?", form = "choice", options = ["Yes", "yes "] },
    { id = "b", text="B", form="scale", options = ["1", "2"], values=[1, "1"], ask_if = { item = "a", options = [0] } },
    { id = "c", text = "C?", form = "number", lower = 3, upper = 1, colour = "red" },
    { id = "d", text = " ", form = "text" },
]
scales = [{ id = "s", plus = ["a", "b", "zz"] }]
[population]
use = "anes-1996x"
[survey]
ordre = "x"
"""
IN_STUDY = (
    *("no scripted rule 'nosuch'", "seed must be a whole number", "no key 'titel'", "no key 'survey.ordre'"),
    *("no key 'colour'", "item 'a': text has '{answer:}'", "item 'a': option 2", "item 'c': lower 3.0 is not below"),
    *("item 'd': no text", "item 'b': values has '1' twice", "preamble has '{name}'", "scale 's': no item 'zz'"),
    "no population 'anes-1996x' (did you mean 'anes-1996'?)",
)
INSTRUMENT = """
id = "i"
lang = "en"
items = [
    { id = "a", text = "You said {answer:b}?", form = "choice", options = ["x", "{y}"] },
    { id = "b", text = "B {subject:age} {factor:frame}?", form = "choise", options = ["x", "y"] },
]
"""
TABLE = """id,text,form,options,scale,key
a,A?,choice,Yes|No,,
b,{x}?,choice,Yes|No,,
c,C?,choise,Yes|No,,
d,D?,choice,Yes|No,s,2
"""
POPULATION = """
id = "town"
title = "Town"
source = "Made up"
licence = "CC0-1.0"
data = { path = "people.csv" }
fields = [
    { column = "age", first = "I am old.", third = "Aged {value}." },
    { column = "sex", first = "I am {value}, {age}.", third = "{value}" },
]
"""
ALIGN = """
title = "What it knows"
seed = 1
base = "scripted:nosuch"
bank = { source = "facts" }
probe = { use = "no-prompt" }
sets = { arms = ["harmonius"] }
evaluation = { asks = ["zero-shot-txt"] }
"""
FILES = {
    "study.toml": ("a study", STUDY, IN_STUDY),
    "instrument.toml": (
        "an instrument",
        INSTRUMENT,
        ("no key 'lang'", "form must be one of", "item 'a': option 2 has '{y}'"),
    ),
    "instrument.csv": (
        "an instrument",
        TABLE,
        ("line 5, column 'key': '2'", "form must be one of", "item 'b': text has '{x}'"),
    ),
    "population.toml": ("a population", POPULATION, ("'age': first is 'I am old.'", "'sex': first is", "people.csv")),
    "data.csv": ("data", "age,age\n1,2\n3\n", ("age", "line 3")),
    "align.toml": (
        "a study of knowledge interventions",
        ALIGN,
        ("no scripted rule 'nosuch'", "no prompt 'no-prompt'", "harmonius", "no prompt 'zero-shot-txt'"),
    ),
    "none.toml": ("no file that can be read", "a = 1\n", ("neither a study",)),
    "broken.toml": ("no file that can be read", "a = [1\n", ("not valid TOML",)),
}


def check(*words):
    return CliRunner().invoke(app, ["check", *map(str, words)])


@pytest.mark.parametrize("name", FILES)
def test_everything_that_is_wrong_is_said_at_once(tmp_path, name):
    kind, text, wanted = FILES[name]
    (tmp_path / name).write_text(text)
    done = check(tmp_path / name, "--json")
    assert done.exit_code == 1, done.output
    (found,) = json.loads(done.stdout)["files"]
    assert (found["kind"], found["is_sound"]) == (kind, False)
    assert [words for words in wanted if not any(words in problem for problem in found["problems"])] == []
    assert len(found["problems"]) == len(set(found["problems"])) >= len(wanted)


def test_what_follows_from_another_mistake_is_not_told(tmp_path):
    """Item b asks after a, which is refused itself; the scale names both."""
    (tmp_path / "study.toml").write_text(STUDY)
    told = check(tmp_path / "study.toml").stdout
    assert "ask_if names" not in told
    assert "no item 'a'" not in told
    assert told.count("  wrong: ") == len(IN_STUDY)


def test_sound_files_of_every_kind_are_said_to_be(tmp_path):
    (tmp_path / "people.csv").write_text("age\n30\n40\n")
    (tmp_path / "population.toml").write_text(
        'id = "t"\ntitle = "T"\nsource = "x"\nlicence = "x"\ndata = { path = "people.csv" }\n'
        'fields = [{ column = "age", first = "I am {value}.", third = "Aged {value}." }]\n'
    )
    (tmp_path / "instrument.csv").write_text("id,text,form,options\na,{subject:age} {factor:f} A?,choice,Yes|No\n")
    files = [tmp_path / name for name in ("people.csv", "population.toml", "instrument.csv")]
    done = check(*files, EXAMPLES / "anes1996.toml", EXAMPLES / "quiz.toml")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("nothing wrong") == 5


def test_an_instrument_that_pipes_a_later_answer_is_refused(tmp_path):
    (tmp_path / "i.csv").write_text("id,text,form\na,{answer:b}?,text\nb,B?,text\n")
    assert "item 'a': {answer:b} names no earlier item" in check(tmp_path / "i.csv").stdout


def test_notes_say_what_is_read_otherwise_than_it_stands(tmp_path):
    (tmp_path / "i.csv").write_text("id,text,form,options\na,A?,choice,Bus|None of the above\n")
    done = check(tmp_path / "i.csv")
    assert done.exit_code == 0
    assert "note: Item 'a': the option 'None of the above' is always shown last" in done.stdout


def test_a_file_that_is_not_there_is_a_problem_and_the_others_are_still_looked_at(tmp_path):
    done = check(tmp_path / "gone.toml", tmp_path / "gone.csv", EXAMPLES / "anes1996.toml")
    assert done.exit_code == 1
    assert done.stdout.count("1 problem") == 2
    assert "nothing wrong" in done.stdout


def test_defects_of_a_questionnaire_are_notes_with_their_words(tmp_path):
    scale = 'form = "scale", options = ["Not at all", "A little", "Very"]'
    items = f'{{ id = "pay", text = "How satisfied are you with your pay and your boss?", {scale} }}'
    (tmp_path / "work.toml").write_text(f'id = "work"\nitems = [{items}]\n')
    told = CliRunner().invoke(app, ["check", str(tmp_path / "work.toml")])
    assert told.exit_code == 0
    assert "note: item 'pay' (double barrelled, 'pay and your boss')" in told.stdout
    shipped = CliRunner().invoke(app, ["check", "rosenberg"])
    assert shipped.exit_code == 0
    assert shipped.stdout.startswith("rosenberg: an instrument, nothing wrong")
    found = json.loads(CliRunner().invoke(app, ["check", str(tmp_path / "work.toml"), "--json"]).stdout)
    assert [(d["kind"], d["start"], d["end"]) for d in found["files"][0]["defects"]] == [("double_barrelled", 32, 49)]
    bare = items.replace(scale, 'form = "scale"')
    (tmp_path / "work.toml").write_text(f'id = "work"\nitems = [{bare}]\n')
    refused = CliRunner().invoke(app, ["check", str(tmp_path / "work.toml")])
    assert refused.exit_code == 1
    assert "item 'pay': 0 options, but an item of form 'scale' needs at least 2" in " ".join(refused.stdout.split())

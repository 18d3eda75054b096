import pytest

from proband.designs import Experiment, PrisonersDilemma, Survey
from proband.designs.games.game import GAMES
from proband.designs.kind import KINDS
from proband.designs.studies import Study, load_study
from proband.errors import DataError, DesignError, InstrumentError
from proband.models.scripted import ScriptedEngine, uniform

STUDY = """
title = "small"
seed = 3
engine = "scripted:uniform"

[instrument]
id = "own"
title = "Own items"
items = [
  { id = "vote", text = "Whom?", form = "choice", options = ["Clinton", "Dole"], values = [0, 1] },
]

[population]
use = "anes-1996"
sample = 5

[survey]
persona = ["first", "third"]
replicates = 2

[people]
"""


def written(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text)
    return path


def test_items_can_be_written_in_the_study_file(tmp_path):
    study = load_study(written(tmp_path, STUDY))
    assert study.design.size() == 5 * 2 * 2
    assert study.engine == "scripted:uniform"
    assert study.people.size() == 944


def test_engine_and_sample_can_be_replaced(tmp_path):
    study = load_study(written(tmp_path, STUDY), engine="scripted:first", sample=7)
    assert (study.engine, len(study.design.subjects)) == ("scripted:first", 7)


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("seed = 3", "seed = 3.5", DesignError, "seed"),
        ("seed = 3", 'seed = "3"', DesignError, "seed"),
        ("seed = 3", "seed = ", DesignError, "not valid TOML"),
        ("seed = 3", "", DesignError, "seed"),
        (
            "replicates = 2",
            "replicate = 2",
            DesignError,
            r"no key 'survey\.replicate' \(did you mean 'replicates'\?\); there are .*labels",
        ),
        ('"third"', '"fourth"', DesignError, "persona 'fourth' is none of"),
        ("sample = 5", "sample = 5000", DataError, "944"),
        ("sample = 5", "sample = 0", DataError, "cannot draw 0"),
        ('use = "anes-1996"', 'use = "anes-1997"', DataError, "no population 'anes-1997'"),
        ("values = [0, 1]", "values = [0, 1, 2]", InstrumentError, "3 values for 2 options"),
        ("values = [0, 1]", "values = [1, 2]", DataError, "none of 1, 2"),
        ('options = ["Clinton", "Dole"]', 'options = ["Dole", "Dole"]', InstrumentError, "there twice"),
        ('form = "choice"', 'form = "likert"', InstrumentError, "likert"),
    ],
)
def test_a_wrong_study_file_is_refused_by_name(tmp_path, old, new, error, words):
    with pytest.raises(error, match=words):
        load_study(written(tmp_path, STUDY.replace(old, new)))


def test_a_missing_study_file_is_named(tmp_path):
    with pytest.raises(DesignError, match="no such study file"):
        load_study(tmp_path / "nothing.toml")


def test_item_ids_that_are_there_twice_are_refused(tmp_path):
    line = next(line for line in STUDY.splitlines() if 'id = "vote"' in line)
    with pytest.raises(InstrumentError, match="'vote' is there twice"):
        load_study(written(tmp_path, STUDY.replace(line, line + "\n" + line)))


GAME = """
seed = 1
[engine]
model = "scripted:uniform"
rival = "scripted:tit-for-tat"
[game]
use = "dilemma"
matches = 2
rounds = 3
"""
EXPERIMENT = STUDY.replace("[people]", "").replace("replicates = 2", "").replace(
    'persona = ["first", "third"]', '[experiment.factors.frame]\nloss = "400 die"\ngain = "200 live"'
).replace("[survey]", "[experiment]").replace("Whom?", "Say {factor:frame}. Whom?")  # fmt: skip
QUIZ = """
seed = 1
engine = "scripted:uniform"
[quiz]
bank = "facts"
prompt = "zero-shot-text"
questions = 2
"""


def test_the_small_files_below_are_all_right(tmp_path):
    for text in (GAME, EXPERIMENT, QUIZ):
        assert load_study(written(tmp_path, text)).design.size() > 0


@pytest.mark.parametrize(
    ("text", "old", "new", "words"),
    [
        (STUDY, "[people]", "[game]\nuse = 'dilemma'", r"2 kinds of study, \[survey\] and \[game\]; .* keep one"),
        (QUIZ, "[quiz]", "[quizz]", r"no table or kind of study \[quizz\] \(did you mean 'quiz'\?\)"),
        (QUIZ, QUIZ[QUIZ.index("[quiz]") :], "", r"no kind of study; add the table of one, \[bargaining\], "),
        (STUDY, "[survey]", "[commune]", r"\[commune\].*needs the package that brings it"),
        (STUDY, "seed = 3", 'seed = 3\npackages = ["lab-kinds"]', "needs the package 'lab-kinds', which is not in"),
        (STUDY, "[people]", "[peeple]", r"\[peeple\] \(did you mean 'people'\?\)"),
        (STUDY, "seed = 3", "sed = 3", r"seed is missing.*no key 'sed' \(did you mean 'seed'\?\)"),
        (QUIZ, "[quiz]", '[population]\nuse = "anes-1996"\n[quiz]', r"\[quiz\] takes no \[population\]"),
        (EXPERIMENT, "[experiment]", "[people]\n[experiment]", "only where their data say which level each person got"),
        (GAME, 'rival = "scripted:tit-for-tat"', "", "no engine for the role 'rival'; the roles are 'model', 'rival'"),
        (GAME, "rival =", "rivel =", "no engine for the role 'rival'"),
        (GAME, "[game]", 'judge = "smollm2"\n[game]', "an engine was given for 'judge', which is no role here"),
        (GAME, GAME[: GAME.index("[game]")], "seed = 1\nengine = 'smollm2'\n", "one engine was given, and 'model'"),
        (STUDY, 'engine = "scripted:uniform"', 'engine = { model = "smollm2" }', "there are no roles here"),
        (GAME, "rounds = 3", "round = 3", r"no key 'game\.round' \(did you mean 'rounds'\?\)"),
        (GAME, "rounds = 3", 'rounds = "3"', r"game\.rounds must be a whole number \(found '3'\)"),
        (GAME, "rounds = 3", "payoffs.reward = 9.0", "needs T > R > P > S"),
        (GAME, '"dilemma"', '"dilema"', r"no game 'dilema' \(did you mean 'dilemma'\?\)"),
        (GAME, 'use = "dilemma"', "", r"game\.use is missing; add it, e\.g\. use"),
        (EXPERIMENT, "{factor:frame}", "it", "factor 'frame' is in no wording"),
        (EXPERIMENT, 'loss = "400 die"', "", "give it at least two"),
        (EXPERIMENT, "[experiment]", '[experiment]\nblock_by = "shoes"', "shoes"),
        (
            EXPERIMENT,
            "[experiment]",
            '[experiment]\npersona = ["first", "third"]\npresentation = "sequential"',
            "ways to ask are compared in conversations of their own",
        ),
        (EXPERIMENT, "[experiment]", "[experiment]\nreplicates = 2", r"no key 'experiment\.replicates'"),
        (QUIZ, 'bank = "facts"', "", r'quiz\.bank is missing; add it, e\.g\. bank = "facts"'),
        (QUIZ, 'bank = "facts"', 'bank = "gone.jsonl"', r"gone\.jsonl"),
        (QUIZ, 'bank = "facts"', 'bank = { source = "facts", tpics = [] }', r"no key 'quiz\.bank\.tpics'"),
        (QUIZ, '"zero-shot-text"', '"zero-shot-tex"', r"no prompt 'zero-shot-tex' \(did you mean 'zero-shot-text'"),
        (QUIZ, '"zero-shot-text"', '{ use = "few-shot", shot = 3 }', r"no key 'shot' \(did you mean 'shots'\?\)"),
        (QUIZ, '"zero-shot-text"', '{ use = "few-shot", shots = "3" }', "shots must be a whole number"),
        (QUIZ, "questions = 2", 'domains = ["law"]', "no domain 'law'"),
        (QUIZ, "questions = 2", 'models = ["a", "b"]', "one engine was given, and 'a', 'b' need one each"),
        (QUIZ, "[quiz]", "quiz = 3\n[x]", r"no table or kind of study \[x\]"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_before_an_engine_is_opened(tmp_path, text, old, new, words):
    assert old in text
    with pytest.raises((DesignError, DataError), match=words):
        load_study(written(tmp_path, text.replace(old, new)))


def test_a_kind_whose_package_is_broken_is_named_with_the_package(tmp_path, monkeypatch):
    info = tmp_path / "lab_kinds-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-kinds\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[proband.kinds]\nlab = lab_kinds_that_is_gone:KIND\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(vars(KINDS), "_entries", raising=False)
    with pytest.raises(DesignError, match=r"kind of study 'lab' of the package 'lab-kinds' cannot be loaded"):
        load_study(written(tmp_path, QUIZ.replace("[quiz]", "[lab]")))
    load_study(written(tmp_path, QUIZ))
    monkeypatch.delitem(vars(KINDS), "_entries")


def test_engines_can_be_replaced_role_by_role(tmp_path):
    study = load_study(written(tmp_path, GAME), engine={"rival": "scripted:always"})
    assert study.addresses == {"model": "scripted:uniform", "rival": "scripted:always"}
    assert study.answered_by == "model scripted:uniform, rival scripted:always"


def test_one_engine_plays_both_parts_where_the_file_says_so(tmp_path):
    players = GAME.replace("rounds = 3", 'rounds = 3\nplayers = ["model", "model"]')
    engine = players[players.index("[engine]") : players.index("[game]")]
    study = load_study(written(tmp_path, players.replace(engine, 'engine = "scripted:uniform"\n')))
    assert study.cast == {"model": "scripted:uniform"}


def test_a_study_in_python_takes_engines_and_addresses():
    game = PrisonersDilemma(matches=1, rounds=1, seed=1)
    engine = ScriptedEngine(uniform())
    study = Study(game, {"rival": "scripted:tit-for-tat", "model": engine})
    assert dict(study.cast) == {"model": engine, "rival": "scripted:tit-for-tat"}
    assert list(study.addresses) == ["model", "rival"]
    with pytest.raises(DesignError, match="need one each"):
        Study(game, engine)


@pytest.mark.parametrize("design", [Survey, Experiment, PrisonersDilemma])
def test_a_misspelt_setting_is_refused_with_the_settings_there_are(design):
    with pytest.raises(DesignError, match=rf"{design.__name__} has no setting 'sed' \(did you mean 'seed'\?\)"):
        design(sed=3)


def test_a_sample_of_nobody_is_refused(tmp_path):
    with pytest.raises(DesignError, match=r"no \[population\] to sample 5 subjects from"):
        load_study(written(tmp_path, GAME), sample=5)


def test_every_game_says_what_it_is():
    for name, game in GAMES.loaded().items():
        assert (game.name, bool(game.about)) == (name, True)

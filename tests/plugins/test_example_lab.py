"""Packages outside the tree add to every shelf, one file each; a broken one spoils its own names only.

The package is the one on the page "Write a plug-in", built and installed for real, with a kind of study beside. To hold
a further sort of thing against the house, add its file to `FURTHER` and a test that uses it.
"""

import csv
import json
import os
import subprocess
import sys
import textwrap
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.docs.test_pages import DOCS, Terminal, blocks_of

SOURCE = Path(__file__).parents[2] / "src"
DIARY = '''
"""A kind of study: one question, day after day."""

from dataclasses import dataclass

from proband.designs.design import Design
from proband.designs.kind import Kind
from proband.files import Table
from proband.instruments import Item
from proband.records import Message, Place, Reply, Request, Trial
from proband.roster import Member, Roster


class Keys(Table):
    days: int = 2


@dataclass(frozen=True, kw_only=True)
class Diary(Design):
    kind = "diary"
    title: str
    seed: int
    item: Item
    people: tuple[str, ...]
    days: int

    @property
    def items(self):
        return {self.item.id: self.item}

    def describe(self):
        return {"design": "diary", "title": self.name, "days": self.days}

    def roster(self):
        return Roster([Member(subject=who) for who in self.people])

    def trials(self, answered):
        return [self._trial(who, day) for who in self.people for day in range(1, self.days + 1)]

    def _trial(self, who, day):
        texts = self.item.options
        order = tuple(range(len(texts)))
        return Trial(
            place=Place(subject=who, item=self.item.id, round=day),
            request=Request(messages=(Message("user", self.item.text),), continuations=texts),
            reply=Reply(form="choice", method="option_text", options=texts, order=order),
        )


def make(shared, keys):
    people = tuple(person.id for person in shared.population)
    item = shared.instrument.items[0]
    return Diary(title=shared.title, seed=shared.seed, item=item, people=people, days=keys.days)


KIND = Kind(
    name="diary",
    about="one question, day after day",
    keys=Keys,
    make=make,
    analyses=("answered", "lost", "dispositions"),
)
'''


def code_of(page: str) -> str:
    """The file that a page on adding something begins with."""
    return next(block.body for block in blocks_of(DOCS / "how-to" / page) if block.kind == "python")


GAME = code_of("add-a-game.md")
# Group and entry point to the file it lies in.
FURTHER = {
    ("proband.games", "hunt = proband_example_lab.hunt:GAME"): GAME,
    ("proband.kinds", "diary = proband_example_lab.diary:KIND"): DIARY,
}
BROKEN = {
    "proband.engines": "gone = broken_lab.gone:SCHEME\nodd = broken_lab.odd:SCHEME",
    "proband.instruments": "unwritten = broken_lab",
    "proband.kinds": "lost = broken_lab.gone:KIND",
    "proband.games": "bet = broken_lab.odd:GAME",
    "proband.analyses": "lost = broken_lab.gone:ANALYSIS",
}
TWICE = {
    "proband.instruments": "mini-ipip = second_lab",
    "proband.rules": "shy = second_lab.shy:shy",
    "proband.kinds": "quiz = second_lab.shy:KIND",
}
STUDIES = {
    "survey": next(b.body for b in blocks_of(DOCS / "how-to" / "write-a-plug-in.md") if b.rest == ("tea.toml",)),
    "diary": """
        title = "A diary"
        seed = 1
        engine = "shortest"
        packages = ["proband-example-lab"]

        [instrument]
        use = "tea-habits"

        [population]
        use = "tea-town"

        [diary]
        days = 4
        """,
    "game": """
        title = "A hunt"
        seed = 1

        [engine]
        scout = "shortest"
        hunter = "scripted:contrary?strength=0.8"

        [game]
        use = "hunt"
        matches = 8
        players = ["scout", "hunter"]
        """,
}


def package(folder: Path, name: str, groups: dict[str, str], files: dict[str, str]) -> Path:
    """A package of some files that is installed under a name of its own."""
    module = name.replace("-", "_")
    points = "\n".join(f'[project.entry-points."{group}"]\n{toml(lines)}' for group, lines in groups.items())
    (folder / module).mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n'
        f'[project]\nname = "{name}"\nversion = "1"\n\n{points}\n\n[tool.setuptools]\npackages = ["{module}"]\n'
    )
    for file, text in {"__init__.py": "", **files}.items():
        (folder / module / file).write_text(textwrap.dedent(text).lstrip())
    return folder


def toml(lines: str) -> str:
    return "\n".join('{} = "{}"'.format(*line.split(" = ")) for line in lines.splitlines())


def example_lab(folder: Path) -> Path:
    """The package of the page, and what is further in it."""
    lab = folder / "proband_example_lab"
    lab.mkdir(parents=True)
    (lab / "__init__.py").touch()
    for block in blocks_of(DOCS / "how-to" / "write-a-plug-in.md"):
        if block.rest and block.rest[0].startswith(("pyproject.toml", "proband_example_lab/")):
            (folder / block.rest[0]).write_text(block.body, encoding="utf-8")
    points = ""
    for (group, line), text in FURTHER.items():
        points += f'[project.entry-points."{group}"]\n{toml(line)}\n\n'
        module = line.split(" = ")[1].split(":")[0].split(".")[1]
        (lab / f"{module}.py").write_text(textwrap.dedent(text).lstrip())
    pyproject = folder / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("[tool.setuptools]\n", f"{points}[tool.setuptools]\n"))
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder in which three packages are installed: a good one, a broken one, and one with a name of ours."""
    at = tmp_path_factory.mktemp("packages")
    broken = {"gone.py": "import nothing_of_this_name\n", "odd.py": 'SCHEME = "openai:"\n'}
    packages = [
        example_lab(at / "example"),
        package(at / "broken", "broken-lab", BROKEN, broken),
        package(at / "second", "second-lab", TWICE, {"shy.py": "def shy():\n    return lambda trial: 0\n"}),
    ]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-build-isolation", "--no-deps", "--no-index", "--target", str(at / "site")]
    done = subprocess.run([*pip, *offline, *map(str, packages)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return at / "site"


@pytest.fixture
def python(installed, tmp_path):
    """Runs code where the packages are installed; gives what its last line is."""

    def run(code: str):
        *lines, last = textwrap.dedent(code).strip().splitlines()
        program = "\n".join(["import json", *lines, f"print(json.dumps({last}))"])
        paths = os.pathsep.join(map(str, (installed, SOURCE)))
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONPATH": paths},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


REFUSED = """
def refusal(do):
    try:
        do()
    except ProbandError as error:
        return str(error)
"""


def test_engine_instrument_population_and_analysis_of_a_package_make_a_study(python):
    found = python(
        """
        from proband import Survey, collect, load_instrument, load_population
        from proband.analyses.section import ANALYSES
        survey = Survey(
            instrument=load_instrument("tea-habits"), subjects=load_population("tea-town"), seed=1, decide="mode")
        run = collect(survey, "shortest?weight=0.5", "run")
        said = ANALYSES.load("answered").sections(run)[0].sentences[0]
        [run.table()["label"].to_list(), run.manifest["engine"], said]
        """
    )
    assert found == [["No"] * 3, {"": "shortest?weight=0.5"}, "3 of 3 trials have a valid answer."]


def test_a_rule_of_a_package_is_scripted_with_its_settings_and_our_biases(python):
    given = python(
        """
        from proband import Survey, load_instrument, load_population, open_engine
        survey = Survey(instrument=load_instrument("tea-habits"), subjects=load_population("tea-town"), seed=1)
        engine = open_engine("scripted:contrary?strength=0.8&noise=0.1")
        engine.truth(survey.trials({})[0])
        """
    )
    assert given == pytest.approx([0.9 * 0.8 + 0.1 / 3, *[0.9 * 0.1 + 0.1 / 3] * 2])


@pytest.fixture(scope="module")
def told(installed, tmp_path_factory) -> dict[str, tuple[Path, dict[str, str]]]:
    """By kind of study, where it was carried out, and what each verb said."""
    lines = [
        *("plan study.toml", "show study.toml", "run study.toml --into run", "measure run --csv numbers.csv"),
        *("measure run", "report run", "export run --to answers.csv"),
    ]
    found = {}
    with closing(Terminal(PYTHONPATH=os.pathsep.join(map(str, (installed, SOURCE))))) as terminal:
        for kind, text in STUDIES.items():
            folder, said = tmp_path_factory.mktemp(kind), {}
            (folder / "study.toml").write_text(textwrap.dedent(text))
            for line in lines:
                code, said[line.split()[0]] = terminal.run(f"proband {line}", folder)
                assert code == 0, said
            found[kind] = folder, said
    return found


@pytest.fixture
def bare(tmp_path):
    """Runs a line of `proband` where none of the packages is."""
    with closing(Terminal(PYTHONPATH=str(SOURCE))) as terminal:
        yield terminal.run


def words(text: str) -> str:
    return " ".join(text.split())


def answers(folder: Path) -> list[dict[str, str]]:
    with (folder / "answers.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("kind", "verb", "said"),
    [
        ("survey", "plan", "trials 3"),
        ("survey", "show", "Do you drink tea?"),
        ("diary", "plan", "trials 12"),
        ("diary", "show", "Do you drink tea?"),
        ("diary", "measure", "Answered 12 of 12 trials have a valid answer."),
        ("diary", "measure", "Of 12 responses, 12 are valid"),
        ("game", "plan", "units 8 independent matches"),
        ("game", "show", "You are one of 2 players"),
        ("game", "measure", "scout"),
        ("game", "measure", "Matches are the units"),
    ],
)
def test_every_verb_takes_a_study_of_what_a_package_brings(told, kind, verb, said):
    assert said in words(told[kind][1][verb])


@pytest.mark.parametrize("kind", STUDIES)
def test_a_run_of_what_a_package_brings_has_a_page_a_table_and_numbers(told, kind):
    folder, _ = told[kind]
    assert "<html" in (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert (folder / "numbers.csv").exists()
    rows = answers(folder)
    assert {row["status"] for row in rows} == {"valid"}


def test_the_population_and_the_instrument_of_a_package_are_asked(told):
    rows = answers(told["survey"][0])
    assert [row["subject"] for row in rows] == ["ann", "ben", "cem"]
    assert {row["label"] for row in rows} <= {"No", "Now and then", "Every day"}
    rows = answers(told["diary"][0])
    assert [(row["subject"], row["round"]) for row in rows] == [
        (who, str(day)) for who in ("ann", "ben", "cem") for day in range(1, 5)
    ]


def test_the_players_of_a_game_of_a_package_are_one_unit_and_have_an_engine_each(told):
    rows = answers(told["game"][0])
    assert {row["unit"] for row in rows} == {f"match-{k:04d}" for k in range(8)}
    assert Counter(row["role"] for row in rows) == {"scout": 8, "hunter": 8}


def test_the_moves_of_a_game_of_a_package_are_told_by_role(told):
    said = words(told["game"][1]["measure"])
    assert "hunter, stag: 80.0 %" in said
    assert "nan" not in said


def test_a_game_a_scheme_an_analysis_and_a_population_each_are_one_file_outside_the_tree(python):
    found = python(
        """
        from proband.addresses import SCHEMES
        from proband.analyses.section import ANALYSES
        from proband.designs.games.game import GAMES
        from proband.designs.kind import KINDS
        from proband.subjects.files import POPULATIONS
        import sys
        named = {"game": (GAMES, "hunt"), "scheme": (SCHEMES, "shortest"), "analysis": (ANALYSES, "answered"),
            "kind": (KINDS, "diary"), "population": (POPULATIONS, "tea-town")}
        before = set(sys.modules)
        things = {what: shelf.load(name) for what, (shelf, name) in named.items()}
        lab = sorted(name for name in set(sys.modules) - before if name.startswith("proband_example_lab."))
        [lab, sorted({shelf.package(name) for shelf, name in named.values()}), str(things["population"])]
        """
    )
    modules, packages, population = found
    assert modules == [f"proband_example_lab.{name}" for name in ("answered", "diary", "hunt", "shortest")]
    assert packages == ["proband-example-lab"]
    assert population.endswith("proband_example_lab/tea-town.toml")


def test_a_game_is_at_most_eighty_lines():
    assert GAME.count("\n") <= 80


def test_a_run_whose_package_is_gone_is_measured_with_a_warning_and_exported_as_before(told, bare):
    folder, _ = told["diary"]
    code, said = bare("proband measure run", folder)
    assert code == 0
    assert "the kind of study 'diary' is not installed here" in words(said)
    before = (folder / "answers.csv").read_bytes()
    assert bare("proband export run --to again.csv", folder)[0] == 0
    assert (folder / "again.csv").read_bytes() == before


def test_of_a_run_whose_game_is_gone_the_moves_are_told_and_what_only_its_rules_know_is_left_out(told, bare):
    folder, before = told["game"]
    code, said = bare("proband measure run", folder)
    assert code == 0
    assert "hunter, stag: 80.0 %" in words(said)
    assert "What came of the game" in before["measure"]
    assert "What came of the game" not in said


def test_an_analysis_that_cannot_be_loaded_is_named_beside_what_the_others_say(told):
    said = words(told["diary"][1]["measure"])
    assert "not shown: lost (it failed: analysis 'lost' of the package 'broken-lab' cannot be loaded" in said


@pytest.mark.parametrize(
    ("kind", "cut", "refusal"),
    [
        ("diary", "", "the study needs the package 'proband-example-lab', which is not installed"),
        ("diary", 'packages = ["proband-example-lab"]', "no table or kind of study [diary]"),
        ("game", "", "no game 'hunt'"),
        ("survey", "", "no population 'tea-town'"),
    ],
)
def test_a_study_of_a_package_that_is_not_there_is_refused_with_what_is_missing(bare, tmp_path, kind, cut, refusal):
    (tmp_path / "study.toml").write_text(textwrap.dedent(STUDIES[kind]).replace(cut or "\r", ""))
    code, said = bare("proband plan study.toml", tmp_path)
    assert code != 0
    assert refusal in words(said)


def test_a_package_that_cannot_be_loaded_is_named_and_spoils_nothing_else(python):
    listed, gone, odd, unwritten, kind, game, twice, works = python(
        REFUSED
        + textwrap.dedent(
            """
            import tomllib
            from proband import load_instrument, open_engine
            from proband.addresses import engines
            from proband.designs.studies import study_from_dict
            from proband.errors import ProbandError
            names = [refusal(lambda: open_engine(name)) for name in ("gone", "odd:x")]
            names.append(refusal(lambda: load_instrument("unwritten")))
            for table in ("lost = {}", "game = {use = 'bet'}", "quiz = {}"):
                names.append(refusal(lambda: study_from_dict({"seed": 1, **tomllib.loads(table)})))
            [list(engines()), *names, open_engine("scripted:uniform").address]
            """
        )
    )
    assert "shortest" in listed
    assert "gone" not in listed
    assert "'broken-lab' cannot be loaded: ModuleNotFoundError: No module named 'nothing_of_this_name'" in gone
    assert "broken_lab.odd:SCHEME is 'openai:', and should be Scheme" in odd
    assert "unwritten.toml: no such instrument file" in unwritten
    assert "kind of study 'lost' of the package 'broken-lab' cannot be loaded: ModuleNotFoundError" in kind
    assert "game 'bet' of the package 'broken-lab' cannot be loaded: AttributeError" in game
    assert "kind of study 'quiz' comes from proband and second-lab" in twice
    assert works == "scripted:uniform"


def test_two_packages_that_bring_one_name_are_both_named(python):
    said, other = python(
        REFUSED
        + textwrap.dedent(
            """
            from proband import load_instrument
            from proband.errors import ProbandError
            [refusal(lambda: load_instrument("mini-ipip")), load_instrument("rosenberg").id]
            """
        )
    )
    assert "instrument 'mini-ipip' comes from proband and second-lab" in said
    assert other == "rosenberg"


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("engines", "shortest prefers the shortest option"),
        ("engines", "gone cannot be used: engine 'gone' of the package 'broken-lab' cannot be loaded"),
        ("instruments", "tea-habits Tea habits (1 items; CC0) from proband-example-lab"),
        ("instruments", "mini-ipip cannot be used: instrument 'mini-ipip' comes from proband and second-lab"),
        ("populations", "tea-town The people of Tea Town (CC0) from proband-example-lab"),
        ("rules", "contrary Take the first option as written"),
        ("analyses", "answered how many trials have a valid answer from proband-example-lab"),
        ("kinds", "diary one question, day after day from proband-example-lab"),
        ("kinds", "lost cannot be used: kind of study 'lost' of the package 'broken-lab' cannot be loaded"),
        ("kinds", "quiz cannot be used: kind of study 'quiz' comes from proband and second-lab"),
        ("games", "hunt a stag needs everybody, a hare is sure from proband-example-lab"),
    ],
)
def test_a_list_says_where_things_come_from_and_what_is_broken(installed, what, line):
    paths = os.pathsep.join(map(str, (installed, SOURCE)))
    done = subprocess.run(
        [sys.executable, "-m", "proband", "list", what],
        env=os.environ | {"PYTHONPATH": paths, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert line in " ".join(done.stdout.split())

"""Packages outside the tree add to every shelf, one file each; a broken one spoils its own names only.

The package is the one on the page "Write a plug-in", built and installed for real, with a kind of study beside. To hold
a further sort of thing against the house, add its file to `FURTHER` and a test that uses it.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.docs.test_pages import DOCS, blocks_of

SOURCE = Path(__file__).parents[2] / "src"
# Group and entry point to the file it lies in.
FURTHER = {
    ("proband.kinds", "diary = proband_example_lab.diary:KIND"): '''
        """A kind of study: the same question, day after day."""

        from dataclasses import dataclass

        from pydantic import BaseModel

        from proband.designs.design import Design
        from proband.designs.kind import Kind
        from proband.instruments import Item
        from proband.records import Message, Place, Reply, Request, Trial


        class Keys(BaseModel):
            days: int = 2


        @dataclass(frozen=True, kw_only=True)
        class Diary(Design):
            kind = "diary"
            item: Item
            days: int
            seed: int

            @property
            def items(self):
                return {self.item.id: self.item}

            def describe(self):
                return {"design": "diary", "days": self.days}

            def trials(self, answered):
                texts = self.item.options
                order = tuple(range(len(texts)))
                return [
                    Trial(
                        place=Place(subject="me", item=self.item.id, round=day),
                        request=Request(messages=(Message("user", self.item.text),), continuations=texts),
                        reply=Reply(form="choice", method="option_text", options=texts, order=order),
                    )
                    for day in range(1, self.days + 1)
                ]


        KIND = Kind(
            name="diary",
            about="the same question, day after day",
            keys=Keys,
            make=lambda shared, keys: Diary(item=shared.instrument.items[0], days=keys.days, seed=shared.seed),
            analyses=("answered",),
        )
        '''
}
BROKEN = {
    "proband.engines": "gone = broken_lab.gone:SCHEME\nodd = broken_lab.odd:SCHEME",
    "proband.instruments": "unwritten = broken_lab",
}
TWICE = {"proband.instruments": "mini-ipip = second_lab", "proband.rules": "shy = second_lab.shy:shy"}


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


def test_a_kind_of_a_package_makes_a_design_that_is_carried_out(python):
    found = python(
        """
        from proband import collect, load_instrument
        from proband.designs.kind import KINDS, Shared
        kind = KINDS.load("diary")
        shared = Shared(title="", seed=1, instrument=load_instrument("tea-habits"))
        run = collect(kind.make(shared, kind.keys(days=3)), "shortest", "run")
        [run.table()["round"].to_list(), KINDS.package("diary")]
        """
    )
    assert found == [[1, 2, 3], "proband-example-lab"]


def test_a_package_that_cannot_be_loaded_is_named_and_spoils_nothing_else(python):
    listed, gone, odd, unwritten, works = python(
        REFUSED
        + textwrap.dedent(
            """
            from proband import load_instrument, open_engine
            from proband.addresses import SCHEMES, engines
            from proband.errors import ProbandError
            names = [refusal(lambda: open_engine(name)) for name in ("gone", "odd:x")]
            names.append(refusal(lambda: load_instrument("unwritten")))
            [list(engines()), *names, open_engine("scripted:uniform").address]
            """
        )
    )
    assert "shortest" in listed
    assert "gone" not in listed
    assert "'broken-lab' cannot be loaded: ModuleNotFoundError: No module named 'nothing_of_this_name'" in gone
    assert "broken_lab.odd:SCHEME is 'openai:', and should be Scheme" in odd
    assert "unwritten.toml: no such instrument file" in unwritten
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
        ("kinds", "diary the same question, day after day from proband-example-lab"),
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

"""Reliability R1 to R3: structures that are too deep, names no file can have, and what is no file, are refused by name.

One test a kind of reader; no reader may end in a traceback or wait for ever.
"""

import json
import os
import threading

import pytest
from typer.testing import CliRunner

from proband.addresses import open_engine
from proband.cli.main import app
from proband.designs.studies import load_study
from proband.errors import DataError, ProbandError
from proband.instruments import load_instrument
from proband.instruments.banks.loading import load_bank
from proband.runs import Run
from proband.runs.locking import read_lock
from proband.subjects import load_population, read_microdata
from proband.tuning.interventions.general import load_general
from proband.tuning.study_file import is_align_file, read_align_file

STUDY = 'seed = 1\nengine = "scripted:uniform"\n[instrument]\nuse = {use}\n[population]\nuse = "anes-1996"\n[survey]\n'
READERS = {
    "study.toml": load_study,
    "instrument.toml": load_instrument,
    "population.toml": load_population,
    "align.toml": read_align_file,
    "distributions.toml": lambda path: open_engine(f"scripted:stated?file={path}"),
    "instrument.csv": load_instrument,
    "people.csv": read_microdata,
    "bank.jsonl": load_bank,
    "bank.json": load_bank,
    "general.jsonl": load_general,
    "lock.json": read_lock,
}
DEEP = [name for name in READERS if not name.endswith(".csv")]


def deep(name, levels):
    if name.endswith(".toml"):
        return f"x = {'[' * levels}{']' * levels}\n"
    record = f'{{"question": {"[" * levels}{"]" * levels}}}'
    return f"[{record}]" if name == "bank.json" else record + "\n"


@pytest.mark.parametrize("levels", [50, 400, 1_000, 100_000])
@pytest.mark.parametrize("name", DEEP)
def test_what_is_nested_too_deep_is_refused_with_its_file(tmp_path, name, levels):
    path = tmp_path / name
    path.write_text(deep(name, levels))
    with pytest.raises(ProbandError, match=path.stem):
        READERS[name](path)


def test_inline_tables_are_no_way_around(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace("{use}", "{a = " * 1_000 + "1" + "}" * 1_000))
    with pytest.raises(ProbandError, match=r"study\.toml: .*too deep"):
        load_study(path)


@pytest.mark.parametrize("odd", ["a\0b", "x" * 5_000, "y/" * 3_000])
@pytest.mark.parametrize("name", READERS)
def test_a_name_that_no_file_can_have_is_refused_in_few_words(tmp_path, name, odd):
    with pytest.raises(ProbandError) as caught:
        READERS[name](tmp_path / f"{odd}{os.path.splitext(name)[1]}")
    assert len(str(caught.value)) < 1_000
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize("use", ["a\\u0000b", "a\\u0000b.toml", "x" * 5_000, "x" * 5_000 + ".csv"])
@pytest.mark.parametrize("table", ["instrument", "population"])
def test_a_name_in_a_study_is_refused(tmp_path, table, use):
    path = tmp_path / "study.toml"
    before = "{use}" if table == "instrument" else '"anes-1996"'
    path.write_text(STUDY.replace(before, f'"{use}"').replace("{use}", '"anes-1996"'))
    with pytest.raises(ProbandError):
        load_study(path)


@pytest.mark.parametrize("odd", ["a\0b", "x" * 5_000])
def test_a_run_of_such_a_name_is_refused(tmp_path, odd):
    with pytest.raises(ProbandError, match="no name that a file can have"):
        Run(tmp_path / odd)
    (tmp_path / "study.toml").write_text(STUDY.replace("{use}", '"anes-1996"'))
    done = CliRunner().invoke(app, ["run", str(tmp_path / "study.toml"), "--into", str(tmp_path / odd)])
    assert done.exit_code == 2 or isinstance(done.exception, ProbandError)


def test_a_title_too_long_for_a_folder_is_refused_before_anything_is_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(f'title = "{"t" * 5_000}"\n' + STUDY.replace("{use}", '"anes-1996"'))
    done = CliRunner().invoke(app, ["run", "study.toml"])
    assert isinstance(done.exception, ProbandError)
    assert "no name that a file can have" in str(done.exception)


@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, name):
    pipe, folder = tmp_path / name, tmp_path / "folder" / name
    os.mkfifo(pipe)
    folder.mkdir(parents=True)
    for path in (pipe, folder):
        found = []

        def look(path=path, found=found):
            try:
                READERS[name](path)
            except ProbandError as error:
                found.append(error)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        thread.join(60)
        assert found, f"{path} was read, or is waited for"


def test_a_device_is_refused(tmp_path):
    link = tmp_path / "people.csv"
    link.symlink_to("/dev/zero")
    with pytest.raises(DataError):
        read_microdata(link)


def test_a_list_of_studies_passes_over_what_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "deep.toml").write_text(deep("deep.toml", 1_000))
    (tmp_path / "sound.toml").write_text(STUDY.replace("{use}", '"anes-1996"'))
    done = CliRunner().invoke(app, ["list", "studies", "--json"])
    assert [row["name"] for row in json.loads(done.stdout)["studies"]] == ["sound.toml"]


VERBS = [
    *("plan ODD", "show ODD", "lock ODD", "run ODD", "run STUDY --into ODD", "run STUDY --lock ODD --into new"),
    *("lock STUDY --to ODD", "measure ODD", "report ODD", "export ODD", "doctor ODD", "branch ODD --at 1 --into new"),
    *("align ODD --dry-run", "train ODD", "probe ODD", "intervene ODD"),
    *("run STUDY --engine human:ODD --into new", "run STUDY --engine replay:ODD --into new"),
    "run STUDY --engine scripted:stated?file=ODD --into new",
    "run STUDY --engine people:ODD?instrument=anes-1996 --into new",
]


@pytest.mark.parametrize("line", VERBS)
def test_no_verb_ends_in_a_traceback_over_a_name_or_a_pipe(tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "study.toml").write_text(STUDY.replace("{use}", '"anes-1996"\nonly = ["vote"]'))
    for odd in ("x" * 5_000, "pipe.toml"):
        words = line.replace("ODD", odd).replace("STUDY", "study.toml").split()
        done = CliRunner().invoke(app, words)
        assert isinstance(done.exception, ProbandError), (words[:3], done.exception)


def test_an_align_file_is_not_looked_for_under_such_a_name():
    assert not is_align_file("x" * 5_000)
    assert not is_align_file("a\0b")

"""Runs made by version 0.1 open, measure and resume; see ``tests/archive/v0_1/README.md``."""

import json
import math
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from proband import Run, carry_out, collect, findings, load_study
from tests.archive.digest import digest

ARCHIVE = Path(__file__).parent / "archive" / "v0_1"
NAMES = sorted(path.parent.name for path in ARCHIVE.glob("*/expected.json"))
UNFINISHED = [name for name in NAMES if name.endswith("unfinished")]
COMPARED = [name for name in NAMES if (ARCHIVE / name / "compare.json").exists()]


@pytest.fixture
def copy(tmp_path):
    """A copy of an archived run: even a reader of SQLite leaves files behind."""
    return lambda name: shutil.copytree(ARCHIVE / name / "run", tmp_path / "run")


def expected(name):
    return json.loads((ARCHIVE / name / "expected.json").read_text(encoding="utf-8"))


def same_line_again(name, into):
    study = ARCHIVE / name / "study.toml"
    if study.exists():
        return carry_out(load_study(study), into)
    spec = spec_from_file_location(f"made_{name.replace('-', '_')}", study.with_name("make.py"))
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return collect(made.design(), made.engines(), into)


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_with_the_table_it_had(name, copy):
    run, wanted = Run(copy(name)), expected(name)
    assert digest(run.table(), wanted["columns"]) == wanted["sha256"]
    assert run.dispositions() == wanted["responses"]
    assert run.is_complete == wanted["is_complete"]


@pytest.mark.parametrize("name", NAMES)
def test_every_subject_is_its_own_unit(name, copy):
    table = Run(copy(name)).table()
    assert table["unit"].to_list() == table["subject"].to_list()
    assert table["arm"].null_count() == table["role"].null_count() == table.height


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNFINISHED and name != "embedded"])
def test_the_same_line_again_asks_nobody(name, copy):
    path, wanted = copy(name), expected(name)
    written = (path / "manifest.json").read_bytes()
    run = same_line_again(name, path)
    assert run.is_complete
    assert (path / "manifest.json").read_bytes() == written
    assert digest(run.table(), wanted["columns"]) == wanted["sha256"]


@pytest.mark.parametrize("name", UNFINISHED)
def test_it_goes_on_to_what_0_1_would_have_made(name, copy):
    run, wanted = same_line_again(name, copy(name)), expected(name)["whole"]
    assert run.is_complete
    assert digest(run.table(), wanted["columns"]) == wanted["sha256"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_measured(name, copy):
    found = findings(Run(copy(name)))
    assert found.sections
    assert all(math.isfinite(value) for value in found.table()["value"].drop_nulls().drop_nans())


@pytest.mark.parametrize("name", COMPARED)
def test_shares_and_distances_are_those_that_0_1_printed(name, copy):
    told = json.loads((ARCHIVE / name / "compare.json").read_text(encoding="utf-8"))
    table = findings(Run(copy(name))).table()
    values = set(table["value"].drop_nulls().to_list())
    for item in told["items"]:
        # The players of a match were pooled then, which is what was wrong.
        shares = item["model"] if isinstance(item["model"], list) and "dilemma" not in name else []
        wanted = [share["value"] for share in shares]
        if "total_variation" in item:
            wanted.append(item["total_variation"]["value"])
        for value in wanted:
            assert any(math.isclose(value, other, rel_tol=1e-12, abs_tol=1e-15) for other in values), item["item"]

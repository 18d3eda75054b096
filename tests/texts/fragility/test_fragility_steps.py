"""The steps after the claims, on scripted coders whose errors are known: flips that were planted are found."""

import json
import socket

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import DesignError
from proband.reports import findings
from proband.runs import Run
from proband.texts.gold.project import STEPS
from proband.texts.gold.steps import Work, do
from tests.texts.gold.speeches import STUDY, code_sample, lay_out, truths, write

GOOD = """truth = "truth.csv"
[area]
economic = { economic = 0.85, social = 0.15 }
social = { economic = 0.15, social = 0.85 }
"""
BIASED = GOOD.replace("social = { economic = 0.15, social = 0.85 }", "social = { economic = 0.95, social = 0.05 }")
GRID = """
[coding.fragility]
documents = 150
drift = 40
placebos = ["shuffled"]
"""
CLAIMS = STUDY[STUDY.index("[[coding.claims]]") :]
TWO_CLAIMS = CLAIMS[: CLAIMS.index("[[coding.claims]]\nmodel")]


def laid_out(folder, grid, good="scripted:confusion?file=good.toml", files=()):
    """A project in which all is done but what comes after the claims."""
    study = STUDY.replace('poor = "codes:machine.csv?coder=poor"\n', "").replace("n = 120", "n = 80")
    study = study.replace("codes:machine.csv?coder=good", good).replace(CLAIMS, GRID + grid + TWO_CLAIMS)
    path = lay_out(folder, study.replace('id = "id"', 'id = "id"\nnear = false'))
    for name, text in {"good.toml": GOOD, "biased.toml": BIASED, **dict(files)}.items():
        (folder / name).write_text(text, encoding="utf-8")
    rows = [{"document": row["id"], "item": "area", "code": row["area"]} for row in truths()]
    write(folder / "truth.csv", ["document", "item", "code"], rows)
    go(path, "draw")
    code_sample(folder)
    go(path, *list(STEPS)[1:])
    return path


def go(path, *steps, **more):
    work = Work(path, **more)
    return [do(work, step) for step in steps][-1]


def told(path, name="fragility"):
    run = next(path.with_name("study-gold").glob("run-*"))
    return {section.name: section for section in findings(Run(run), only=[name]).sections}


def number(path, label, side):
    held = json.loads((path.with_name("study-gold") / "fragility.json").read_text(encoding="utf-8"))
    return next(of for of in held["numbers"] if (of["label"], of["side"]) == (label, side))


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A locked coder, itself with other draws, and one that calls almost everything economic."""
    engines = 'engines = ["scripted:confusion?file=good.toml&seed=4", "scripted:confusion?file=biased.toml&seed=9"]\n'
    path = laid_out(tmp_path_factory.mktemp("planted"), engines)
    go(path, "fragility")
    return path


def test_a_coder_with_another_bias_is_found_and_moves_the_uncorrected_share_only(planted):
    sections = told(planted)
    assert sections["fragility-factors"].table.rows[0][4].interval[0] > 0.05
    cells = {row[1]: row for row in sections["fragility-codes-area"].table.rows}
    same = {name.partition("&")[0].rpartition("=")[2]: row[2].value for name, row in cells.items()}
    assert same["biased.toml"] < same["good.toml"] - 0.1
    raw, corrected = (number(planted, "all", side)["spread"] for side in ("uncorrected", "corrected"))
    assert raw["p_value"] < 0.01
    assert raw["high"] > 0.8
    assert raw["between"] > 3 * max(corrected["between"], 0.01)
    assert corrected["agrees"] == 1.0


def test_shuffled_texts_leave_no_association(planted):
    table = told(planted)["fragility-shuffled"].table
    assert {row[0] for row in table.rows} == {"area[economic] by party: Lab less Con"}
    for _, _, mean, wrong in table.rows:
        assert abs(mean) < 0.03
        assert wrong.value < 0.15


def test_documents_asked_again_are_compared_with_the_first_time(planted):
    go(planted, "drift")
    go(planted, "drift")
    rows = told(planted, "drift")["drift"].table.rows
    assert [row[2] for row in rows] == [40, 40]
    assert [row[3].value for row in rows] == pytest.approx([1.0, 1.0])  # a scripted coder draws by document
    assert len(list(planted.with_name("study-gold").glob("drift-*"))) == 2


def test_another_engine_at_the_same_address_is_named(planted):
    (planted.parent / "good.toml").write_text(GOOD.replace("0.85", "0.8").replace("0.15", "0.2"), encoding="utf-8")
    try:
        go(planted, "drift")
        section = told(planted, "drift")["drift"]
        assert "the engine is another one" in section.warnings[-1]
    finally:
        (planted.parent / "good.toml").write_text(GOOD, encoding="utf-8")


def test_the_archive_says_the_same_to_the_byte_with_nobody_to_ask(planted, monkeypatch):
    command = ["code", str(planted)]
    assert CliRunner().invoke(app, [*command, "correct", "--yes"]).exit_code == 0
    folder = planted.with_name("study-gold")
    before = [(folder / name).read_bytes() for name in ("claims.json", "corrected.csv")]

    def no_network(*_: object, **__: object) -> None:
        raise OSError("there is no network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    (planted.parent / "biased.toml").rename(planted.parent / "gone.toml")
    found = CliRunner().invoke(app, [*command, "replay"])
    (planted.parent / "gone.toml").rename(planted.parent / "biased.toml")
    assert found.exit_code == 0, found.output
    assert [(folder / name).read_bytes() for name in ("claims.json", "corrected.csv")] == before
    (folder / "corrected.csv").write_text("edited", encoding="utf-8")
    assert CliRunner().invoke(app, [*command, "replay"]).exit_code != 0


WORDED = """wordings = [{ name = "turned", questions = { area = "Which area is meant?" } }]
"""


@pytest.mark.slow
def test_a_wording_that_turns_every_code_flips_exactly_half_of_the_grid(tmp_path):
    # The first cell is asked as it was locked, the second in other words.
    rule = '[area]\n"" = [0.99, 0.01]\n"coder=arm02" = [0.01, 0.99]\n'
    path = laid_out(tmp_path, WORDED, "scripted:planted?file=rule.toml", {"rule.toml": rule}.items())
    go(path, "fragility")
    share = number(path, "all", "uncorrected")
    assert share["locked"]["value"] == pytest.approx(1.0)
    assert share["spread"]["sign"]["value"] == 0.5
    assert share["spread"]["agrees"] == 0.5
    item = told(path)["fragility-codes-area"]
    assert item.table.rows[1][2].value == 0.0
    assert "economic 50%" in item.sentences[1]
    assert "The wording moves codes of area beyond noise: 1.000" in told(path)["fragility-factors"].sentences[0]


NOISY = """engines = ["scripted:confusion?file=good.toml&seed=4", "scripted:confusion?file=good.toml&seed=5"]
replicates = 3
"""


@pytest.mark.slow
def test_a_coder_that_is_only_noisy_is_as_stable_as_its_repeats_stopped_or_not(tmp_path):
    path = laid_out(tmp_path / "whole", NOISY)
    go(path, "fragility")
    factor = told(path)["fragility-factors"]
    low, high = factor.table.rows[0][4].interval
    assert low < 0 < high
    assert factor.sentences == ("Nothing that was varied moves codes beyond what repeats do.",)
    assert all(number(path, label, side)["spread"]["p_value"] > 0.01
               for label in ("all", "Lab less Con") for side in ("corrected", "uncorrected"))  # fmt: skip
    stopped = laid_out(tmp_path / "stopped", NOISY)

    class Killed(BaseException):
        pass

    def watch(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        go(stopped, "fragility", watch=watch)
    assert not (stopped.with_name("study-gold") / "fragility.json").exists()
    go(stopped, "fragility")
    texts = [(of.with_name("study-gold") / "fragility.json").read_text(encoding="utf-8") for of in (path, stopped)]
    one, other = (json.loads(text) for text in texts)
    assert one["numbers"] == other["numbers"]
    assert one["items"] == other["items"]


@pytest.mark.slow
def test_no_text_and_a_question_about_nothing_are_asked(tmp_path):
    grid = 'orders = ["reversed"]\nreplicates = 1\n'
    path = laid_out(tmp_path, grid, "scripted:first")
    text = path.read_text(encoding="utf-8").replace('placebos = ["shuffled"]', "")
    path.write_text(text, encoding="utf-8")
    go(path, "fragility")
    sections = told(path)
    assert sections["fragility-empty"].table.rows == (("area", "economic", 1.0),)
    (row,) = sections["fragility-nothing"].table.rows
    assert row[1].value == pytest.approx(0.0)  # whatever the document, the first word
    assert "noise counts as an effect" in sections["fragility-factors"].warnings[0]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('placebos = ["shuffled"]', 'placebos = ["empty"]', "'empty' is degenerate here: codes looks codes up"),
        ('placebos = ["shuffled"]', 'placebos = ["nothing"]', "'nothing' is degenerate here: codes does not read"),
        (TWO_CLAIMS[TWO_CLAIMS.index("[[coding.claims]]", 5) :], "", "a share of a code is the same wherever"),
        ("documents = 150", "documents = 20", "others must stand beside them"),
        ('engines = ["codes:machine.csv?coder=poor"]', "", "nothing is varied"),
        ("drift = 40", "drfit = 40", r"no key 'coding.fragility.drfit' \(did you mean 'drift'"),
    ],
)
def test_what_would_say_nothing_is_refused_before_anybody_is_asked(refusing, before, after, says):
    text = refusing.read_text(encoding="utf-8")
    assert before in text
    refusing.write_text(text.replace(before, after), encoding="utf-8")
    try:
        if "claims" in before:
            go(refusing, "lock", "validate", "run", "correct")
        with pytest.raises(DesignError, match=says):
            go(refusing, "fragility")
    finally:
        refusing.write_text(text, encoding="utf-8")
    assert not list(refusing.with_name("study-gold").glob("fragility-*"))


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    grid = 'engines = ["codes:machine.csv?coder=poor"]\n'
    return laid_out(tmp_path_factory.mktemp("refusing"), grid, "codes:machine.csv?coder=good")


def test_a_grid_is_stale_when_its_settings_change(planted):
    text = planted.read_text(encoding="utf-8")
    assert Work(planted).later()["fragility"].state == "done"
    planted.write_text(text.replace("documents = 150", "documents = 160"), encoding="utf-8")
    held = Work(planted).later()["fragility"]
    planted.write_text(text, encoding="utf-8")
    assert (held.state, held.because) == ("stale", ("settings of fragility changed",))

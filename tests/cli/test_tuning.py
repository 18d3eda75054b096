"""The verbs of knowledge interventions: what they print, what they refuse, that they resume."""

import json

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.cli.tuning.evaluate import trained_on
from proband.errors import ProbandError
from proband.instruments.banks.embedded import embedded_bank
from proband.training.checkpoint import write_json

SURE = "scripted:knowing?share=0.6"


def run(*words, code=0):
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def refused(*words):
    result = CliRunner().invoke(app, list(map(str, words)))
    assert isinstance(result.exception, ProbandError), result.output
    return str(result.exception)


@pytest.fixture
def probed(tmp_path):
    run(
        "probe",
        "facts",
        "--engine",
        SURE,
        "--domain",
        "chemistry",
        "--limit",
        30,
        "--draws",
        2,
        "--into",
        tmp_path / "p",
    )
    return tmp_path / "p"


def test_a_probe_tells_grades_and_their_retest(tmp_path):
    words = ("probe", "facts", "--engine", SURE, "--domain", "geography", "--limit", 40, "--draws", 2)
    found = json.loads(run(*words, "--into", tmp_path / "p", "--json").stdout)
    told = {section["name"]: section["table"] for section in found["sections"]}
    names = [column["name"] for column in told["knowledge-grades"]["columns"]]
    (row,) = told["knowledge-grades"]["rows"]
    grades = dict(zip(names, row, strict=True))
    assert grades["HighlyKnown"] + grades["Unknown"] == 40
    (again,) = told["knowledge-stability"]["rows"]
    assert again[2]["value"] == 1.0
    again = json.loads(run(*words, "--into", tmp_path / "p", "--json").stdout)
    assert again == found


def test_sets_are_built_from_a_probe_twice_the_same(probed, tmp_path):
    built = [
        json.loads(run("intervene", probed, "--controls", "--into", tmp_path / name, "--json").stdout)["sets"]
        for name in ("a", "b")
    ]
    assert [row["set"] for row in built[0]] == [
        f"{arm}-chemistry" for arm in ("harmonious", "incompatible", "self-aligning")
    ]
    assert [row["hash"] for row in built[0]] == [row["hash"] for row in built[1]]
    files = [
        {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()}
        for name in ("a", "b")
    ]
    assert files[0] == files[1]


def test_checkpoints_stand_beside_one_another(tmp_path):
    words = ("evaluate", "facts", "--limit", 40, "--domain", "computing", "--into", tmp_path / "e", "--json")
    found = json.loads(run(*words, "--model", f"sure={SURE}", "--model", "none=scripted:uniform").stdout)
    (table,) = [section["table"] for section in found["sections"] if section["name"] == "knowledge-accuracy"]
    assert [column["name"] for column in table["columns"]] == ["model", "domain", "questions", "right", "by chance"]
    sure, none = (next(row[3] for row in table["rows"] if row[0] == name) for name in ("sure", "none"))
    assert sure["value"] > none["value"]
    low, high = sure["interval"]
    assert 0 <= low < sure["value"] < high <= 1
    assert any(section["name"] == "knowledge-distances" for section in found["sections"])
    (paired,) = [section["table"] for section in found["sections"] if section["name"] == "knowledge-differences"]
    name, _, gain, _ = paired["rows"][0]
    assert (name, gain["value"]) == ("none − sure", pytest.approx(none["value"] - sure["value"]))


def test_questions_that_a_checkpoint_was_trained_on_are_told(tmp_path):
    bank = embedded_bank("facts").of("computing")
    write_json(tmp_path / "training.json", {"questions": [bank.questions[0].id, "another"]})
    engines = {"tuned": f"hf:{tmp_path}", "adapter": f"smollm2+{tmp_path}?batch=2", "base": "smollm2"}
    assert trained_on(engines, bank) == {key: [bank.questions[0].id] for key in ("tuned", "adapter")}


def test_the_published_study_is_only_forecast(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = json.loads(run("align", "ren2024-13b", "--dry-run", "--json").stdout)
    stages = {"probe", "texts", "training", "evaluation", "fit", "loading and hashing"}
    assert {stage["name"] for stage in found["stages"]} == stages
    assert found["gpu_hours"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("probe", "nowhere.jsonl"), "nowhere.jsonl"),
        (("probe", "facts", "--domain", "law"), "no domain 'law'"),
        (("probe", "facts", "--prompt", "zero"), "no prompt 'zero'"),
        (("probe", "facts", "--exemplars", "2"), "needs 5"),
        (("evaluate", "facts", "--model", "smollm2"), "NAME=ADDRESS"),
        (("evaluate", "facts", "--model", "a=scripted:uniform", "--model", "a=scripted:first"), "given twice"),
        (("train", "nowhere"), "no training set"),
        (("intervene", "nowhere"), "bank.json"),
        (("align", "nowhere.toml"), "no such study file"),
    ],
)
def test_bad_input_is_refused_with_the_way_out(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refused(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--arm", "mixture-1.5"), "1.5"),
        (("--arm", "harmonic"), "no arm 'harmonic'"),
        (("--size", 500), "short"),
        (("--prompt", "few-shot-text"), "exemplars"),
        (("--threshold", 0.95), "no known question"),
        (("--balance", "mood"), "balance 'mood'"),
        (("--arm", "self-aligning", "--explanation", "other"), "--writer"),
    ],
)
def test_sets_that_cannot_be_built_are_refused(probed, words, said, tmp_path):
    assert said in refused("intervene", probed, *words, "--into", tmp_path / "s")


def test_a_probe_of_another_bank_is_refused(probed, tmp_path):
    other = tmp_path / "other"
    run("probe", "facts", "--engine", SURE, "--domain", "computing", "--limit", 20, "--draws", 1, "--into", other)
    (probed / "bank.json").write_bytes((other / "bank.json").read_bytes())
    assert "bank" in refused("intervene", probed, "--into", tmp_path / "s")


def test_an_edited_set_is_not_trained_on(probed, tmp_path):
    run("intervene", probed, "--into", tmp_path / "s")
    file = tmp_path / "s" / "harmonious-chemistry" / "examples.jsonl"
    file.write_text(file.read_text().replace("Answer:", "Reply:", 1))
    assert "edited" in refused("train", file.parent)


def test_run_takes_the_file_of_an_intervention_as_align_does(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text('title = "small"\nseed = 1\nbase = "smollm2"\n')
    assert "bank is missing" in refused("run", file, "--into", tmp_path / "s")
    assert "takes --engine" in refused("run", file, "--max-trials", 5)

"""A whole study on a small random model: what it finds means nothing, that it is carried out and kept does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import DesignError, EngineError
from proband.reports.interventions import write_interventions
from proband.runs import Run
from proband.runs.stages import Listener
from proband.tuning.alignment import align, alignment_of
from proband.tuning.forecast import forecast
from proband.tuning.study_file import checked, read_align_file
from tests.models.local.small_models import save_checkpoint

pytest.importorskip("trl", reason="training needs the extra [train]")


def study(base, **training):
    return {
        "title": "small",
        "seed": 1,
        "base": f"hf:{base}",
        "bank": {
            "source": "facts",
            "only": ["geography"],
            "topics": ["capitals", "currencies"],
            "limit": 24,
            "test": 10,
            "exemplars": 3,
        },
        "benchmark": {"source": "facts", "topics": ["neighbours", "symbols"], "limit": 8},
        "probe": {"use": "probe-cloze", "threshold": 0.25, "draws": 1, "shots": 1},
        "sets": {"arms": ["harmonious", "incompatible", "self-aligning"], "prompt": "zero-shot-cloze", "size": 3},
        "training": {"use": "miniature", "steps": 2, "batch_size": 3, "seeds": [1], **training},
        "evaluation": {
            "asks": ["zero-shot-cloze"],
            "base_ask": {"use": "probe-cloze", "name": "few-shot-cloze", "draws": 1, "shots": 1},
            "steps": [0, 1],
            "step_questions": 2,
        },
    }


def written(value):
    """A study as a TOML file has it: everything on one line of its own, tables inline."""

    def inline(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key} = {inline(one)}" for key, one in value.items()) + "}"
        return json.dumps(value)

    return "".join(f"{key} = {inline(one)}\n" for key, one in value.items())


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("base"), max_position_embeddings=2000)


@pytest.fixture(scope="module")
def folder(base, tmp_path_factory):
    into = tmp_path_factory.mktemp("study")
    align(checked(study(base), "study"), into)
    return into


@pytest.mark.slow
def test_a_study_goes_from_probe_to_report_and_is_not_done_twice(folder, base):
    said: list[str] = []
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("training.json")}
    done = align(checked(study(base), "study"), folder, listener=Listener(say=said.append))
    assert [line.split(":")[0] for line in said if "kept from" in line] == ["probe", "prior", "evaluation", "fit"]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("training.json")} == before
    assert len(done.checkpoints) == 3
    base_beliefs = done.evaluation.beliefs["base", "zero-shot-cloze"]
    ids = list(base_beliefs.beliefs)
    for model in done.checkpoints:
        # A tuned model that answers like the base in every digit was not asked.
        tuned = done.evaluation.beliefs[model, "zero-shot-cloze"].matrix(ids)
        assert abs(tuned - base_beliefs.matrix(ids)).max() > 1e-6
    assert {row.arm for row in done.findings.fits} == set(done.findings.plan["arms"])
    assert {row.test for row in done.findings.verdicts} == {"homogeneous", "in-domain", "out-of-domain"}
    seen = {(row.arm, row.group, row.step) for row in done.findings.step_points}
    assert {(arm, "untaught", step) for arm in ("harmonious", "self-aligning") for step in (0, 1, 2)} <= seen
    # Before training the held-out questions that are looked at get what the evaluation gets for them.
    points = {row.step: row for row in done.findings.step_points if (row.arm, row.group) == ("harmonious", "untaught")}
    assert points[0].kl.value == 0 < points[2].kl.value
    page = write_interventions(done.findings, folder / "report.html")
    assert json.loads(page.with_suffix(".json").read_text())["title"] == "small"


@pytest.mark.slow
def test_another_recipe_trains_and_evaluates_anew_but_keeps_the_probe(folder, base):
    said: list[str] = []
    align(checked(study(base, learning_rate=1e-4), "study"), folder, listener=Listener(say=said.append))
    assert any(line.startswith("probe: kept") for line in said)
    assert any(line.startswith("evaluation: ") and "trials" in line for line in said)
    assert len(list(folder.glob("probe-*"))) == 1
    assert len(list((folder / "checkpoints").iterdir())) == 6


@pytest.mark.slow
def test_adapters_kept_as_such_give_what_merged_ones_give(base, tmp_path):
    found = {}
    for keep in ("merged", "adapter"):
        recipe = {"adapter": {"rank": 2}, "learning_rate": 1e-2, "keep": keep}
        done = align(checked(study(base, **recipe), "study"), tmp_path / keep)
        ids = list(done.evaluation.beliefs["base", "zero-shot-cloze"].beliefs)
        found[keep] = {
            model: done.evaluation.beliefs[model, "zero-shot-cloze"].matrix(ids)
            for model in ("base", *done.checkpoints)
        }
        weights = [belief.weights for belief in done.evaluation.beliefs.values()]
        assert len(set(weights)) == 4
    for model, shares in found["merged"].items():
        assert found["adapter"][model] == pytest.approx(shares, abs=1e-3)
    assert abs(found["adapter"]["harmonious-geography-s1"] - found["adapter"]["base"]).max() > 1e-2
    assert {path.stem for path in tmp_path.glob("adapter/checkpoints/*/*.safetensors")} == {"adapter_model"}


@pytest.mark.slow
def test_base_and_checkpoints_are_evaluated_in_one_run(folder):
    run = Run(next(iter(sorted(folder.glob("evaluation-*")))))
    table = run.table()
    assert set(table["subject"]) == {
        "base",
        *(f"{arm}-geography-s1" for arm in ("harmonious", "incompatible", "self-aligning")),
    }
    assert set(table.filter(table["subject"] != "base")["ask"]) == {"zero-shot-cloze"}
    weights = [found["weights"] for found in run.manifest["fingerprint"].values()]
    assert len(set(weights)) == 4


@pytest.fixture(scope="module")
def two_bases(base, tmp_path_factory):
    """A study of two bases and two domains, small enough to be carried out twice."""
    other = save_checkpoint(tmp_path_factory.mktemp("other"), max_position_embeddings=2000, hidden_size=64)
    tables = study(base)
    del tables["base"]
    tables["bank"] |= {"only": ["geography", "chemistry"], "topics": ["capitals", "currencies", "symbols"]}
    tables["benchmark"]["topics"] = ["neighbours", "weekdays"]
    tables["sets"] |= {"arms": ["incompatible"], "size": 2}
    return tables | {"bases": [{"name": name, "base": f"hf:{at}"} for name, at in (("a", base), ("b", other))]}


def report_of(done, folder):
    page = write_interventions(done.findings, folder / "report.html")
    return {suffix: page.with_suffix(suffix).read_bytes() for suffix in (".html", ".json", ".csv")}


def interrupted(tables, into, after, line):
    """Carry out a study until it says a line that begins so, once it has said another."""
    said = [after] if not after else []

    def say(told):
        said.append(told)
        if after in said and told.startswith(line):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        align(checked(tables, "study"), into, listener=Listener(say=say))


@pytest.mark.slow
def test_two_bases_and_domains_killed_three_times_give_the_same_bytes(two_bases, tmp_path):
    file, into = tmp_path / "study.json", tmp_path / "killed"
    file.write_text(json.dumps(two_bases))
    code = (
        "import json; from proband.tuning.alignment import align; from proband.tuning.study_file import checked; "
        f"align(checked(json.load(open({str(file)!r})), 'study'), {str(into)!r})"
    )
    # Once as the system does it, in the middle of training.
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2], env=dict(os.environ))
    until = time.monotonic() + 200
    while time.monotonic() < until and process.poll() is None and not any(into.glob("a/checkpoints/*/training.json")):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = {path: path.stat().st_mtime_ns for path in into.glob("a/checkpoints/*/training.json")}
    assert first
    interrupted(two_bases, into, "", "evaluation")
    interrupted(two_bases, into, "base b:", "evaluation")
    assert first.items() <= {path: path.stat().st_mtime_ns for path in first}.items()
    killed = align(checked(two_bases, "study"), into)
    whole = align(checked(two_bases, "study"), tmp_path / "whole")
    assert report_of(killed, into) == report_of(whole, tmp_path)
    assert list(killed.bases) == ["a", "b"]
    assert {row.base for row in killed.findings.accuracies} > {"a", "b"}
    with pytest.raises(DesignError, match="the study has the bases a, b"):
        _ = killed.evaluation


@pytest.mark.slow
def test_scores_are_kept_without_weights_and_say_the_same(base, folder, tmp_path):
    tables = study(base) | {"keep": "scores"}
    tables["sets"]["arms"] = ["harmonious", "incompatible"]  # of which the sets are those of all three
    done = align(checked(tables, "study"), tmp_path)
    kept = align(checked(study(base), "study"), folder)
    for place in done.evaluation.beliefs:
        held = kept.evaluation.beliefs[place]
        ids = list(held.beliefs)
        assert done.evaluation.beliefs[place].matrix(ids) == pytest.approx(held.matrix(ids), abs=1e-5)
    assert not list(tmp_path.rglob("*.safetensors"))
    said: list[str] = []
    align(checked(tables, "study"), tmp_path, listener=Listener(say=said.append))
    kept_from = [line.split(":")[0] for line in said if "kept from" in line]
    assert kept_from == ["probe", "prior", "scores", *["fit", "scores"] * 2]
    assert not list(tmp_path.rglob("training.json"))


@pytest.mark.slow
def test_two_processes_carry_out_one_study(base, folder, tmp_path):
    tables = study(base)
    tables["sets"]["arms"], tables["evaluation"]["steps"] = ["harmonious", "incompatible"], [0]
    file = tmp_path / "study.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in tables.items() if not isinstance(value, dict)]
    for name, table in tables.items():
        for path, values in flattened(name, table) if isinstance(table, dict) else ():
            lines += [f"[{path}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    file.write_text("\n".join(lines))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command += ["-m", "proband.cli.main", "align", str(file), "--into", str(tmp_path / "into"), "--yes", "--json"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["title"] == "small"  # one of them reports
    alone = align(checked(study(base), "study"), folder).checkpoints
    for arm in tables["sets"]["arms"]:
        [shared] = (tmp_path / "into").glob(f"checkpoints/{arm}-*/training.json")
        losses = json.loads(shared.read_text())["checkpoint"]["losses"]
        assert losses == pytest.approx(alone[f"{arm}-geography-s1"].losses, rel=1e-5)


def flattened(name, table):
    """A table and those in it, for TOML."""
    yield name, {key: value for key, value in table.items() if not isinstance(value, dict)}
    for key, value in table.items():
        if isinstance(value, dict):
            yield f"{name}.{key}", value


def test_a_base_that_cannot_pose_a_prompt_is_named_before_anything_is_asked(two_bases, tmp_path):
    # Its tokens are single bytes: a space and a label are two of them.
    labelled = two_bases | {"sets": two_bases["sets"] | {"prompt": "zero-shot"}}
    with pytest.raises(EngineError, match="base 'a': prompt 'zero-shot': label 'A' is 2 tokens"):
        align(checked(labelled, "study"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


def test_the_forecast_of_all_published_bases_names_runs_hours_memory_and_disk():
    every = forecast(alignment_of("ren2024", Path("nowhere")).material)
    assert every.runs == 160
    assert {stage.base for stage in every.stages} == {"llama-2-7b", "llama-2-13b", "llama-2-70b", "mistral-7b"}
    seven, thirteen = (forecast(alignment_of(f"ren2024-{n}b", Path("nowhere")).material) for n in (7, 13))
    assert [round(one.room.memory_bytes / 1e9) for one in (seven, thirteen)] == [136, 262]
    assert seven.room.devices == ("2 of 80 GB (A100, H100)", "1 of 141 GB (H200)")
    assert every.gpu_hours > seven.gpu_hours + thirteen.gpu_hours
    assert every.room.most_bytes > every.disk_bytes > 40 * 4 * 69e9


def test_an_engine_that_replaces_the_base_is_what_is_forecast(base):
    found = [
        forecast(alignment_of("ren2024-7b", Path("nowhere"), base=address).material)
        for address in ("hf:mistralai/Mistral-7B-v0.1", f"hf:{base}")
    ]
    assert [round(one.room.memory_bytes / 1e9) for one in found] == [146, 0]
    with pytest.raises(DesignError, match="hf:nowhere"):
        forecast(alignment_of("ren2024-7b", Path("nowhere"), base="hf:nowhere").material)


@pytest.mark.parametrize(
    ("changes", "most"),
    [({"keep": "scores"}, 1e9), ({"keep": "adapters", "training": {"use": "ren2024", "adapter": {"rank": 16}}}, 60e9)],
)
def test_forty_runs_of_seven_billion_weights_leave_what_is_kept(changes, most):
    file = read_align_file("ren2024-7b")
    assert forecast(alignment_of(file, "nowhere").material).disk_bytes > 1e12
    kept = checked(file.model_dump(exclude_unset=True) | changes, "study")
    assert forecast(alignment_of(kept, "nowhere").material).disk_bytes < most


def test_expected_sizes_that_leave_a_domain_empty_are_refused():
    file = read_align_file("ren2024-7b")
    tables = file.model_dump(exclude_unset=True)
    tables["expected"]["sizes"]["history"] = 0
    with pytest.raises(DesignError, match="0 questions of 'history' are to be trained on, of 8698"):
        forecast(alignment_of(checked(tables, "study"), "nowhere").material)


def test_the_published_study_is_forecast_from_its_sizes():
    found = forecast(alignment_of("ren2024-7b", Path("nowhere")).material)
    stages = {stage.name: stage for stage in found.stages}
    assert stages["training"].runs == 40
    # Three passes in batches of 256 over twice as many examples as there are questions; each pass drops its rest.
    steps = {738: 15, 996: 21, 1033: 24, 1400: 30}
    assert stages["training"].units == 10 * sum(steps.values())
    assert 2 < found.gpu_hours < 12
    assert found.seconds is None


def test_a_study_is_forecast_on_this_machine_before_anything_is_asked(base, tmp_path):
    work = alignment_of(checked(study(base), "study"), tmp_path / "none")
    found = forecast(work.material)
    stages = {stage.name: stage for stage in found.stages}
    assert list(stages) == ["probe", "prior", "training", "evaluation", "fit", "loading and hashing"]
    # Three arms draw on three known and three unknown questions, and each is asked all of them.
    assert (stages["probe"].units, stages["fit"].units) == (24, 3 * 6)
    assert found.seconds > 0
    assert not (tmp_path / "none").exists()


def test_the_toy_study_names_its_stages_before_its_model_is_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path))
    found = forecast(alignment_of(read_align_file("toy"), tmp_path).material)
    assert "toy model" in found.note


@pytest.mark.slow
def test_base_and_checkpoints_are_portrayed_beside_each_other_and_not_asked_twice(folder, base, tmp_path):
    plain = study(base) | {"portraits": {"batteries": ["crt"]}}
    file = tmp_path / "study.toml"
    file.write_text(written(plain))
    first = CliRunner().invoke(app, ["align", str(file), "--into", str(folder), "--yes"])
    assert first.exit_code == 0, (first.output, first.exception)
    pages = sorted(folder.glob("portraits/*/*.html"))
    assert len(pages) == 4  # the base and one checkpoint an arm
    checkpoint = next(page for page in pages if page.parent.name != "base")
    found = json.loads(checkpoint.with_suffix(".json").read_text())
    assert any("base" in section["heading"] for section in found["sections"])
    journals = {path: path.read_bytes() for path in folder.rglob("portraits/*/crt/responses.parquet")}
    assert len(journals) == 4
    CliRunner().invoke(app, ["align", str(file), "--into", str(folder), "--yes"])
    assert {path: path.read_bytes() for path in journals} == journals


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"portraits": {"batteries": ["crt"]}, "keep": "scores"}, "portraits are of checkpoints"),
        ({"portraits": {"batteries": ["crd"]}}, "crd"),
        ({"portraits": {"quick": True}}, "batteries"),
    ],
)
def test_portraits_that_cannot_be_made_are_refused_before_anything_is_done(base, tmp_path, changes, said):
    file = tmp_path / "study.toml"
    file.write_text(written(study(base) | changes))
    result = CliRunner().invoke(app, ["align", str(file), "--into", str(tmp_path / "run"), "--yes"])
    assert isinstance(result.exception, DesignError)
    assert said in str(result.exception)
    assert not (tmp_path / "run").exists()

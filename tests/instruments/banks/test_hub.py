"""The hub's code on a folder of files: it is what `datasets` reads the same way."""

import json

import pytest

from proband.errors import DataError
from proband.instruments.banks.loading import load_bank

datasets = pytest.importorskip("datasets", reason="needs the extra 'train'")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def test_all_splits_of_a_data_set_are_read_with_their_names(tmp_path):
    folder = tmp_path / "questions"
    folder.mkdir()
    for split in ("train", "test"):
        record = {"question": f"Which, in {split}?", "choices": ["a", "b"], "answer": 1, "subject": "virology"}
        (folder / f"{split}.jsonl").write_text(json.dumps(record) + "\n")
    assert [question.id for question in load_bank(f"hub:{folder}", splits=["test"])] == ["test/1"]
    assert len(load_bank(f"hub:{folder}")) == 2


def test_a_data_set_that_cannot_be_had_names_the_way_out(tmp_path):
    with pytest.raises(DataError, match=r"could not be loaded .*load a copy of its files"):
        load_bank(f"hub:{tmp_path / 'nothing'}")

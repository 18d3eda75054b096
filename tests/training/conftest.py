"""One small base for all of the room's tests."""

import pytest
import torch

from tests.models.local.small_models import save_checkpoint


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def base(base_folder):
    return f"hf:{base_folder}"

"""Whose weights a base has, as an engine that opened it names them."""

import pytest

from proband.addresses import open_engine
from proband.training.bases import base_weights, has_weights
from tests.models.local.small_models import save_checkpoint


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_base_knows_its_weights_by_the_name_that_a_probe_noted(tmp_path, dtype):
    own, other = (save_checkpoint(tmp_path / name, vocab_size=size) for name, size in (("own", 259), ("other", 300)))
    engine = open_engine(f"hf:{own}?dtype={dtype}")
    named = str(engine.fingerprint()["weights"])
    engine.close()
    assert has_weights(f"hf:{own}", named)
    assert has_weights(f"hf:{own}", base_weights(f"hf:{own}"))
    assert not has_weights(f"hf:{other}", named)
    assert not has_weights(f"hf:{own}", f"{named}+adapter")

import numpy as np
import pytest

from proband.addresses import open_engine
from proband.errors import EngineError
from proband.models.words import DIMENSIONS
from tests.models.coded import trial


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path / "cache"))


def test_texts_are_alike_as_far_as_they_share_words_whatever_stands_beside_them():
    engine = open_engine("words")
    late, later, dirty = engine.embed(["The late bus", "a LATE bus!", "dirty seats"])
    np.testing.assert_allclose(late, later)
    assert late @ dirty == pytest.approx(0, abs=1e-6)
    assert np.linalg.norm(dirty) == pytest.approx(1)
    assert engine.embed(["dirty seats"]).shape == (1, DIMENSIONS)
    np.testing.assert_array_equal(engine.embed(["dirty seats"])[0], dirty)


def test_it_answers_nothing_and_says_what_it_is_for():
    engine = open_engine("words")
    with pytest.raises(EngineError, match=r"learned:words\?gold=FILE"):
        engine.check([trial("d1", "a text")])
    assert [completion.error for _, completion in engine.answer([trial("d1", "a text")])] == ["words answers nothing"]

"""Scripted coders with a known confusion matrix, which err together as often as is asked for."""

import numpy as np
import pytest

from proband.addresses import open_engine
from proband.errors import EngineError
from tests.models.coded import answered, trial

N = 4000


@pytest.fixture
def file(tmp_path):
    rows = [f"d{k},area,{'yes' if k % 4 == 0 else 'no'}" for k in range(N)]
    (tmp_path / "truth.csv").write_text("\n".join(["document,item,code", *rows, ""]))
    path = tmp_path / "coder.toml"
    path.write_text('truth = "truth.csv"\n[area]\nyes = { yes = 0.9, no = 0.1 }\nno = { no = 0.7, yes = 0.3 }\n')
    return path


def coded(file, *, coder="a", query="", order=(0, 1)):
    options = tuple(("yes", "no")[k] for k in order)
    trials = [trial(f"d{k}", "x", options=options, order=order, coder=coder) for k in range(N)]
    found = answered(open_engine(f"scripted:confusion?file={file}{query}"), trials)
    return np.array([found[f"d{k}"].given[0] for k in range(N)])


def test_each_true_code_is_given_as_which_with_the_stated_shares(file):
    given, truth = coded(file), np.arange(N) % 4 != 0
    assert (given[~truth] == 0).mean() == pytest.approx(0.9, abs=0.03)
    assert (given[truth] == 0).mean() == pytest.approx(0.3, abs=0.03)


def test_coders_err_apart_unless_errors_are_shared(file):
    truth = np.arange(N) % 4 != 0
    for shared, query in ((0.0, ""), (0.5, "&shared=0.5")):
        wrong = [(coded(file, coder=name, query=query) != truth)[truth] for name in ("a", "b")]
        assert np.corrcoef(wrong)[0, 1] == pytest.approx(shared, abs=0.06)


def test_a_document_gets_the_same_code_in_every_order_and_another_draw_by_another_seed(file):
    assert (coded(file) == coded(file, order=(1, 0))).all()
    assert (coded(file) != coded(file, query="&seed=5")).mean() > 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('truth = "truth.csv"\n[area]\nyes = {yes = 0.9}', "area.yes is .* its shares must"),
        ('truth = "truth.csv"\n[area]\nyes = {yse = 1.0}', r"gives 'yse' \(did you mean 'yes'\?\), which has no row"),
        ("[area]\nyes = {yes = 1.0}", "no truth; write truth"),
        ('truth = "truth.csv"\narea = 1', "area must be a table"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(file, text, message):
    file.write_text(text)
    with pytest.raises(EngineError, match=message):
        open_engine(f"scripted:confusion?file={file}")


def test_a_document_without_a_truth_is_named(file):
    engine = open_engine(f"scripted:confusion?file={file}")
    with pytest.raises(EngineError, match="no truth of document 'new' on item 'area'"):
        engine.check([trial(document, "x", options=("yes", "no")) for document in ("d1", "new")])

"""Notebooks of the tutorials run in a real kernel, from the first cell to the last."""

import warnings
from pathlib import Path

import pytest

from tests.docs.test_pages import LINK, anchors_of

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    notebook = nbformat.read(TUTORIALS / "first-study.ipynb", as_version=4)
    folder = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(
        notebook, timeout=600, startup_timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the machinery of kernels; what a cell warns of is in its outputs
        client.execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def html_of(cell):
    return [out.data["text/html"] for out in cell.outputs if "text/html" in out.get("data", {})]


def test_every_cell_runs_and_none_complains(cells):
    assert all(cell.execution_count for cell in cells)
    assert not [out for cell in cells for out in cell.outputs if out.output_type in ("error", "stream")]


def test_population_instrument_plan_run_findings_and_estimates_show_themselves(cells):
    shown = [html for cell in cells for html in html_of(cell)[-1:]]
    for told in ("<th>population</th>", "<th>instrument</th>", "<th>plan</th>", "<th>run</th>", "<th>estimate</th>"):
        assert any(told in html for html in shown), told
    found = next(html for html in shown if 'class="proband"' in html)
    assert "Ladder of fidelity" in found
    assert "<svg" in found
    assert "<script" not in found


def test_progress_is_a_bar_that_ends_full(cells):
    run = next(cell for cell in cells if "carry_out(study" in cell.source)
    assert any('<progress value="120" max="120">' in html for html in html_of(run))


def test_the_notebook_is_kept_without_outputs_and_its_links_resolve():
    notebook = nbformat.read(TUTORIALS / "first-study.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    for cell in notebook.cells:
        for match in LINK.finditer(cell.source if cell.cell_type == "markdown" else ""):
            target, _, anchor = match["target"].partition("#")
            assert (TUTORIALS / target).is_file(), match["target"]
            assert not anchor or anchor in anchors_of(TUTORIALS / target), match["target"]

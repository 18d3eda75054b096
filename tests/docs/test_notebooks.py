"""The notebooks among the pages run from top to bottom, and what a cell ends with can show itself."""

import ast
import json
from pathlib import Path

import pytest

from tests.docs.test_pages import DOCS, LINK, anchors_of

NOTEBOOKS = sorted(DOCS.rglob("*.ipynb"))


def cells_of(notebook: Path, kind: str) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


def shown_by(cell: str, names: dict[str, object]) -> object:
    """What a notebook would show under a cell: the value of its last line, if that is an expression."""
    body = ast.parse(cell).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_and_shows_what_it_made(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "notebook"}
    for cell in cells_of(notebook, "code"):
        shown = shown_by(cell, names)
        if shown is not None and type(shown).__module__.startswith("proband"):
            assert shown._repr_html_().lstrip().startswith("<"), cell
            assert len(repr(shown)) < 3000, cell


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_without_outputs_and_its_links_resolve(notebook):
    assert not any(cell.get("outputs") for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"])
    for text in cells_of(notebook, "markdown"):
        for match in LINK.finditer(text):
            target, _, anchor = match["target"].partition("#")
            assert (notebook.parent / target).is_file(), match["target"]
            assert not anchor or anchor in anchors_of(notebook.parent / target), match["target"]

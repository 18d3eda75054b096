"""The modules that CONTRIBUTING and the pages on plug-ins and games show pass what `make check` asks of ours."""

import subprocess
import sys

import pytest

from tests.docs.test_pages import DOCS, ROOT, blocks_of

MODULES = [
    block
    for page in (
        ROOT / "CONTRIBUTING.md",
        *(DOCS / "how-to" / f"{name}.md" for name in ("write-a-plug-in", "add-a-game")),
    )
    for block in blocks_of(page)
    if block.kind == "python" and block.body.startswith('"""')
]


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    for number, block in enumerate(MODULES):
        (folder / f"example_{number}.py").write_text(block.body)
    return folder


def checked(*command, modules):
    files = sorted(map(str, modules.glob("*.py")))
    done = subprocess.run([sys.executable, "-m", *command, *files], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_examples_are_written_as_we_write(modules):
    checked("ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml"), modules=modules)
    checked("ruff", "format", "--check", "--no-cache", "--config", str(ROOT / "pyproject.toml"), modules=modules)


@pytest.mark.slow
def test_types_of_examples_hold(modules):
    checked("mypy", "--strict", modules=modules)

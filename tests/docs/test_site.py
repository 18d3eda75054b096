"""The site has every page once, in the order of docs/index.md; `make docs` builds it, and checks its links again."""

import re
import runpy
from pathlib import Path

import pytest

from tests.test_architecture import FLOORS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
IMAGE = re.compile(r"!\[[^\]]*\]\((?P<target>[^)\s]+)\)")

if not DOCS.is_dir():
    pytest.skip("the pages are in the repository, not in the package", allow_module_level=True)


@pytest.fixture(scope="module")
def shelves() -> dict[str, list[str]]:
    return runpy.run_path(str(DOCS / "conf.py"))["shelves"]()


def test_the_site_lists_every_page_once(shelves):
    listed = [page for pages in shelves.values() for page in pages]
    pages = {str(path.relative_to(ROOT).with_suffix("")) for path in DOCS.rglob("*.md")}
    assert len(set(listed)) == len(listed)
    assert {*listed, "docs/index"} == pages | {"CONTRIBUTING", "CHANGELOG"}


def test_every_page_has_one_line_in_the_index():
    lines = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.startswith("- ["):
            assert re.fullmatch(r"- \[[^\]]+\]\([^)]+\): .+\.", line), line


def test_the_page_of_the_house_names_every_room_and_contract():
    text = (DOCS / "methods" / "how-the-house-is-built.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "proband"
    rooms = {path.stem for path in source.iterdir() if path.is_dir() or path.suffix == ".py"}
    for room in rooms:
        assert room.startswith("__") or f"`{room}`" in text, room
    for file in re.findall(r"`([a-z_/]+\.py)`", text):
        assert (source / file).is_file(), file


def test_the_pages_have_the_floors_that_the_house_is_checked_for():
    floors = [rooms for rooms in FLOORS if rooms != {"__main__"}]
    rule = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("**Floors.**")[2].partition("- **")[0]
    assert [set(rooms.split()) for rooms in re.findall(r"`([a-z ]+)`(?= <|\.\n)", rule)] == floors
    text = (DOCS / "methods" / "how-the-house-is-built.md").read_text(encoding="utf-8")
    shown: list[set[str]] = []
    for number, rooms in re.findall(r"^\| *(\d*) *\| (`[a-z]+`[^|]*) \|", text, re.M):
        if number:
            assert int(number) == len(shown) + 1
            shown.append(set())
        shown[-1] |= set(re.findall(r"`(\w+)`", rooms))
    assert shown == floors


def test_pictures_are_there():
    for page in (ROOT / "README.md", *sorted(DOCS.rglob("*.md"))):
        for image in IMAGE.finditer(page.read_text(encoding="utf-8")):
            assert (page.parent / image["target"]).is_file(), f"{page.name}: no picture at {image['target']}"


def test_the_readme_fits_two_screens():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 110
    assert max(map(len, lines)) <= 120

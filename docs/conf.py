"""How `make docs` makes a site of the pages: Sphinx reads them as they are, from README.md down.

The order of pages at the side is that of docs/index.md, so that a page is listed once.
"""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"^- \[[^\]]*\]\(([^)#]+)\.md\)", re.MULTILINE)

project = "Proband"
author = "The authors of Proband"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**.md"]
exclude_patterns = [".*", "build", "runs", "src", "tests"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]  # csv has no colours

html_theme = "furo"
html_title = "Proband"
html_copy_source = False
html_show_sphinx = False


def shelves() -> dict[str, list[str]]:
    """Pages by the heading that docs/index.md lists them under."""
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for part in text.split("\n## ")[1:]:
        heading, _, body = part.partition("\n")
        paths = [(ROOT / "docs" / page).resolve().relative_to(ROOT) for page in LINK.findall(body)]
        found[heading.partition(":")[0]] = [path.as_posix() for path in paths]
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    return found | {"Decisions": [path.relative_to(ROOT).with_suffix("").as_posix() for path in decisions]}


def add_the_side(app, docname, source):
    """Tables of contents on the first page, out of sight: they are what the side shows."""
    if docname == root_doc:
        for shelf, pages in {"Start": ["docs/index"], **shelves()}.items():
            listed = "\n".join(pages)
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {shelf}\n\n{listed}\n```\n"


def make_the_first_page_the_index(app, exception):
    if exception is None and app.builder.format == "html":
        shutil.copy(Path(app.outdir) / f"{root_doc}.html", Path(app.outdir) / "index.html")


def setup(app):
    app.connect("source-read", add_the_side)
    app.connect("build-finished", make_the_first_page_the_index)

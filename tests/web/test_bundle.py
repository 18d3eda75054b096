"""The static copy: files that lead to each other and nowhere else."""

import re
from html import unescape

import pytest

from proband.errors import StoreError
from proband.web.viewer.bundle import write_bundle


@pytest.mark.slow  # its findings are analysed
def test_a_copy_holds_every_page_and_leads_nowhere_else(runs, tmp_path):
    written = write_bundle(runs / "dilemma", tmp_path / "copy")
    pages = {path.name: path.read_text() for path in (tmp_path / "copy").glob("*.html")}
    assert (written.n_pages, written.remarks) == (len(pages), ())
    # The list, the run, its findings, trials, subjects, instrument; 24 trials, 6 subjects, 3 matches of 4 rounds.
    assert len(pages) >= 6 + 24 + 6 + 3 * 4
    for name, html in pages.items():
        if "-findings-" in name:
            continue
        for link in re.findall(r'(?:href|src)="([^"]*)"', html):
            assert link == "data:," or (tmp_path / "copy" / unescape(link)).is_file(), (name, link)
        assert "<form" not in html
    trial = next(html for name, html in pages.items() if "-trial-" in name)
    assert "What was sent" in trial


def test_a_copy_that_ends_early_says_what_it_leaves_out(runs, tmp_path):
    written = write_bundle(runs / "dilemma", tmp_path / "copy", most=5)
    assert written.n_pages == 5
    assert re.match(r"\d+ pages are left out; the copy ends after 5", written.remarks[0])
    assert "data-left-out" in (tmp_path / "copy" / "index.html").read_text() + "".join(
        path.read_text() for path in (tmp_path / "copy").glob("runs-*.html")
    )


def test_a_folder_with_something_in_it_is_left_alone(runs, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        write_bundle(runs, tmp_path)

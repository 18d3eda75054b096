"""Every page of the viewer in a real browser: wide and narrow, light and dark, with no finding of axe; keys, no script.

Needs Debian's Chromium (or one that PROBAND_CHROMIUM names), playwright and axe-playwright-python; skipped without.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from proband.runs import Run
from proband.web.guarding import KEY, OneTimeDoor
from proband.web.serving import served
from proband.web.viewer.application import COOKIE, viewer

CHROMIUM = os.environ.get("PROBAND_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as known:
        # Tests may run as root, where Chromium has no sandbox of its own.
        found = known.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def served_viewer(runs) -> Iterator[tuple[str, OneTimeDoor]]:
    door = OneTimeDoor(COOKIE)
    with served(viewer(runs, door)) as address:
        yield address, door


@contextmanager
def visiting(browser, served_viewer, **options):
    """A page of somebody who has come in by the link."""
    address, door = served_viewer
    context = browser.new_context(base_url=address, **options)
    page = context.new_page()
    page.goto(f"/?{KEY}={door.key()}")
    try:
        yield page
    finally:
        context.close()


def addresses(runs) -> list[str]:
    """One address of every sort of page."""
    table = Run(runs / "trust").table()
    written = table.filter(table["status"] == "valid")["trial"][1]
    scored = table.filter(table["mass"].is_not_null())["trial"][0]
    nasty = Run(runs / "attacked").table()
    return [
        "/",
        "/runs/trust",
        "/runs/broken%20off",
        "/runs/attacked",
        "/runs/trust/trials",
        "/runs/trust/trials?where=item%3Dvote&where=status%3Dvalid",
        f"/runs/trust/trial?place={quote(written)}",
        f"/runs/trust/trial?place={quote(scored)}",
        f"/runs/attacked/trial?place={quote(nasty['trial'][0])}",
        "/runs/trust/subjects",
        "/runs/dilemma/subjects",
        "/runs/trust/subject?subject=s1",
        "/runs/dilemma/unit?unit=match-0000&round=2",
        "/runs/trust/instrument",
        "/compare",
        "/compare?first=trust&second=other",
        f"/compare/place?first=trust&second=other&place={quote(scored)}",
        "/studies/aligned",
        "/no/such/page",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_on_any_page_and_nothing_is_wider_than_the_screen(
    browser, served_viewer, runs, width, scheme
):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    found = {}
    # axe is a script of its own, which the policy of the pages would not let run.
    with visiting(browser, served_viewer, viewport=size, color_scheme=scheme, bypass_csp=True) as page:
        for address in addresses(runs):
            page.goto(address)
            told = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
            found |= {
                f"{address}: {one['id']}": [n["html"] for n in one["nodes"]] for one in told.response["violations"]
            }
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                found[f"{address}: wider than the screen"] = []
    assert found == {}


def test_without_script_everything_is_reached_by_links_and_forms(browser, served_viewer):
    with visiting(browser, served_viewer, java_script_enabled=False) as page:
        page.get_by_role("link", name="trust", exact=True).click()
        page.get_by_role("navigation", name="This run").get_by_role("link", name="Trials").click()
        page.get_by_text("Choose trials").click()
        page.get_by_label("Item").select_option("vote")
        page.get_by_label("What became of it").select_option("refused")
        page.get_by_role("button", name="Show").click()
        assert page.url.endswith("/runs/trust/trials?where=item%3Dvote&where=status%3Drefused")
        page.get_by_role("row").nth(1).get_by_role("link", name="vote").click()
        assert page.get_by_role("heading", level=1).text_content().startswith("vote, asked of")
        page.get_by_role("link", name="Next trial →").click()
        page.goto("/runs/dilemma/unit?unit=match-0000")
        page.get_by_role("link", name="3", exact=True).click()
        assert page.get_by_role("heading", name="Round 3").is_visible()


def test_the_slider_and_the_arrow_keys_move_through_what_links_lead_to(browser, served_viewer):
    with visiting(browser, served_viewer) as page:
        page.goto("/runs/dilemma/unit?unit=match-0000")
        page.get_by_label("Round").first.focus()
        page.keyboard.press("ArrowRight")
        page.get_by_role("heading", name="Round 2").wait_for()
        assert "round=2" in page.url
        page.goto("/runs/trust/trials?where=item%3Dvote")
        page.get_by_role("row").nth(1).get_by_role("link", name="vote").click()
        page.wait_for_url("**/trial?*")
        first = page.url
        page.keyboard.press("ArrowRight")
        page.wait_for_url(lambda url: url != first)
        assert "where=item%3Dvote" in page.url


def test_nothing_that_was_answered_runs_and_nothing_comes_from_elsewhere(browser, served_viewer, runs):
    with visiting(browser, served_viewer) as page:
        asked, said, broken = [], [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
        for address in [one for one in addresses(runs) if "no/such" not in one]:
            page.goto(address)
            page.wait_for_load_state("networkidle") if "broken" not in address else None
        assert page.context.cookies()[0]["httpOnly"]
    address, _ = served_viewer
    assert said == broken == []
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {address.split("/")[2]}

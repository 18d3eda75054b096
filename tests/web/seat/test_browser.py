"""Pages of people in a real browser: no finding of axe, large targets, by keyboard, with and without script.

Needs Debian's Chromium (or one that PROBAND_CHROMIUM names), playwright and axe-playwright-python; skipped without.
"""

import os
import shutil
from contextlib import contextmanager

import pytest

from proband.runs import Run
from tests.web.seat.conftest import POT
from tests.web.seat.seat_visitors import Visitor

CHROMIUM = os.environ.get("PROBAND_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = {"wide": (1280, 900), "narrow": (390, 844), "zoomed": (640, 450)}  # to zoom to 200 % is to have half the width
SEAT = """
consent = "# Welcome\\n\\nYou can **stop** on every page. [More](https://example.org)"
contact = "lab@example.org"
debriefing = "Thank you."
back = true
may_refuse = true
page_s = 6000
codes = { finished = "DONE" }
screen = [{ text = "Are you 18?", options = ["Yes", "No"], out = ["No"] }]
comprehension = [{ text = "Who answers?", options = ["I", "A model"], right = "I" }]
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as known:
        # Tests may run as root, where Chromium has no sandbox of its own.
        found = known.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@contextmanager
def visiting(browser, served, **options):
    context = browser.new_context(base_url=served.address, **options)
    try:
        yield context.new_page()
    finally:
        context.close()


def every_page(page):
    """Through the study with every form, stopping at every sort of page, faults beside fields included."""

    def press(button):
        with page.expect_navigation():
            page.get_by_role("button", name=button).click()

    def go_on():
        press("Continue")

    page.goto("/join")
    yield "join"
    press("I agree")
    yield "join with a fault"
    page.get_by_text("Yes", exact=True).click()
    press("I agree")
    yield "check"
    page.get_by_text("A model").click()
    go_on()
    yield "check with a fault"
    page.get_by_text("I", exact=True).click()
    go_on()
    yield "choice"
    go_on()
    yield "choice with a fault"
    page.get_by_text("Bo", exact=True).click()
    go_on()
    yield "scale"
    page.get_by_text("Agree", exact=True).click()
    go_on()
    yield "multiple"
    page.get_by_text("Papers").click()
    go_on()
    yield "number"
    page.get_by_label("How old are you?").fill("old")
    go_on()
    yield "number with a fault"
    page.get_by_label("How old are you?").fill("44")
    go_on()
    yield "allocation"
    page.get_by_label("Self").fill("x")
    go_on()
    yield "allocation with a fault"
    page.get_by_label("Self").fill("4")
    page.get_by_label("Others").fill("6")
    go_on()
    yield "ranking"
    press("Move down: Health")
    go_on()
    yield "text"
    page.goto("/leave")
    yield "leave"
    page.get_by_role("link", name="No, go on").click()
    page.get_by_label("Why?").fill("Because.")
    go_on()
    yield "end"
    page.goto("/earlier")
    yield "earlier"


@pytest.mark.parametrize(("width", "scheme"), [("wide", "light"), ("narrow", "dark"), ("zoomed", "light")])
def test_axe_finds_nothing_targets_are_large_and_nothing_is_wider_than_the_screen(browser, room, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    served = room(seat=SEAT)
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    found = {}
    # axe is a script of its own, which the policy of the pages would not let run.
    with visiting(browser, served, viewport=size, color_scheme=scheme, bypass_csp=True) as page:
        for name in every_page(page):
            told = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
            found |= {f"{name}: {one['id']}": [n["html"] for n in one["nodes"]] for one in told.response["violations"]}
            small = page.eval_on_selector_all(
                "button, .button, select, textarea, summary, label.choice, input:not([type=hidden], [type=radio], "
                "[type=checkbox])",
                "all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44)"
                ".map(e => e.outerHTML)",
            )
            found |= {f"{name}: smaller than 44 px": small} if small else {}
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                found[f"{name}: wider than the screen"] = []
    assert found == {}


def test_axe_finds_nothing_on_waiting_monitor_and_right_to_left_pages(browser, room):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    served = room(text=POT, seat='language = "ar"')
    found = {}
    with visiting(browser, served, bypass_csp=True) as page:
        for address in ("/join", None, f"/researcher/?key={served.key}"):
            if address:
                page.goto(address)
            else:
                with page.expect_navigation():
                    page.get_by_role("button").click()
            told = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
            found |= {f"{page.url}: {one['id']}": one["nodes"] for one in told.response["violations"]}
    assert found == {}


def test_without_script_a_study_is_taken_to_its_end(browser, room, tmp_path):
    served = room(seat=SEAT)
    with visiting(browser, served, java_script_enabled=False) as page:
        for _ in every_page(page):
            pass
        page.goto("/page")
        assert page.get_by_text("DONE").is_visible()
    found = {response.place.item: response.answer for response in Run(tmp_path / "run").responses().values()}
    assert found == {
        "vote": 1, "trust": 2, "news": (0,), "age": 44, "money": (4, 6), "rank": (1, 0, 2), "why": "Because.",
    }  # fmt: skip


def test_by_keyboard_alone(browser, room, tmp_path):
    served = room(seat="")
    with visiting(browser, served) as page:
        page.goto("/join")
        page.get_by_role("button", name="I agree").focus()
        page.keyboard.press("Enter")
        page.get_by_text("Whom would you choose?").wait_for()
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.type") == "radio":
                break
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.get_by_text("Most people can be trusted.").wait_for()
    (response,) = Run(tmp_path / "run").responses().values()
    assert response.answer == 1


def test_whatever_has_the_focus_shows_it(browser, room):
    served = room(seat=SEAT)
    outline = (
        "(e => { const s = getComputedStyle(e); return [e.outerHTML.slice(0, 80), s.outlineStyle, s.outlineWidth] })"
        "(document.activeElement)"
    )
    faint, n = [], 0
    with visiting(browser, served) as page:
        for name in every_page(page):
            if name not in ("join", "choice", "allocation", "ranking", "text", "end"):
                continue
            page.evaluate("document.activeElement.blur()")
            for _ in range(12):
                page.keyboard.press("Tab")
                html, style, width = page.evaluate(outline)
                if html.startswith("<body"):
                    break
                n += 1
                faint += [] if style == "solid" and float(width.removesuffix("px")) >= 2 else [(name, html, width)]
    assert n > 12
    assert faint == []


def test_the_sum_runs_along_and_waiting_pages_go_on_by_themselves(browser, room):
    served = room(text=POT, seat="")
    other = Visitor(served.address)
    with visiting(browser, served) as page:
        broken = []
        page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
        page.goto("/join")
        page.get_by_role("button", name="I agree").click()
        page.get_by_text("not here yet").wait_for()
        other.agree()
        page.get_by_label("How much do you contribute?").fill("5")
        page.get_by_role("button", name="Continue").click()
        page.get_by_text("still deciding").wait_for()
        other.answer(q0_answer="3")
        page.get_by_text("Round 2.").wait_for()
        assert broken == []


def test_a_ranking_is_dragged_and_its_buttons_go_on_from_there(browser, room, tmp_path):
    served = room(seat="")
    visitor = Visitor(served.address)
    visitor.agree()
    given = ({"0-answer": "0"}, {"0-answer": "0"}, {"0-answer": "none"}, {"0-answer": "20"})
    for fields in (*given, {"0-part0": "4", "0-part1": "6"}):
        visitor.answer(**fields)
    with visiting(browser, served) as page:
        page.goto(f"/page?key={visitor.cookies['proband_seat']}")
        page.get_by_text("Love", exact=True).drag_to(
            page.get_by_text("Health", exact=True), target_position={"x": 5, "y": 1}
        )
        assert [text.split()[0] for text in page.locator(".ranked li").all_inner_texts()] == [
            "Love",
            "Health",
            "Wealth",
        ]
        with page.expect_navigation():
            page.get_by_role("button", name="Move down: Health").click()
        page.get_by_role("button", name="Continue").click()
        page.get_by_text("Why?").wait_for()
    found = {response.place.item: response.answer for response in Run(tmp_path / "run").responses().values()}
    assert found["rank"] == (2, 1, 0)


def test_the_sum_of_an_allocation_is_shown_while_one_writes(browser, room):
    served = room(seat="")
    visitor = Visitor(served.address)
    visitor.agree()
    for fields in ({"0-answer": "0"}, {"0-answer": "0"}, {"0-answer": "none"}, {"0-answer": "20"}):
        visitor.answer(**fields)
    with visiting(browser, served) as page:
        page.goto(f"/page?key={visitor.cookies['proband_seat']}")
        page.get_by_label("Self").fill("2,5")
        page.get_by_label("Others").fill("4")
        assert "Sum so far: 6.5 / 10" in " ".join(page.locator("fieldset").inner_text().split())

import base64
import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from proband.analyses.asked import asked_of
from proband.analyses.fidelity import FLOOR, fidelity_of
from proband.designs import Survey
from proband.designs.studies import Study, people_survey
from proband.errors import StoreError
from proband.instruments import Instrument, Item, load_instrument
from proband.reports import findings, write_report
from proband.runs import Budget, Run, carry_out, collect
from proband.subjects import load_population

SECTIONS = (
    "limits",
    "plan",
    "chapter-answers",
    "shares-vote",
    "chapter-closeness-to-people",
    "distances",
    "ladder",
    "response-style",
    "methods",
    "claims",
    "appendix",
)
HOSTILE = '<script>document.title="taken"</script><img src=x onerror=alert(1)> & {{ 7 * 7 }}'
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


class Page(HTMLParser):
    """What a browser would make of a report: ids, elements, visible text, and whatever it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self._kind = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.loads += [value for name, value in attrs if name in ("src", "srcset", "data", "poster") and value]
        self.loads += [
            found["href"] or "" for _ in [0] if "href" in found and not (found["href"] or "").startswith("#")
        ]
        self._kind = found.get("type") or tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._kind = ""

    def handle_data(self, data: str) -> None:
        if self._kind == "script":
            self.scripts.append(data)
        elif not self._kind:
            self.text += data


def make_run(folder: Path, *, n: int = 40, title: str = "Voters", **settings: object) -> Run:
    everybody = load_population("anes-1996")
    items = load_instrument("anes-1996").subset(("vote", "party", "tv-news"))
    survey = Survey(instrument=items, subjects=everybody.sample(n, seed=1), seed=1, title=title, **settings)
    engine = "scripted:spatial?fact=PID&low=0&high=6&width=0.35&refuse=0.05"
    return carry_out(Study(survey, engine, people=people_survey(survey, everybody)), folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "voters")


@pytest.fixture(scope="module")
def page(run: Run) -> Page:
    return Page(write_report(run).read_text())


def test_the_report_is_one_file_that_loads_nothing(run, page):
    text = (run.path / "report.html").read_text()
    assert page.loads == []
    assert "link" not in page.tags
    assert not re.search(r"@import|url\(", text[: text.index("</style>")])
    assert "default-src 'none'" in text
    assert len(text) < 2_000_000


def test_every_section_is_there_in_order(page):
    assert [id for id in page.ids if id in SECTIONS] == list(SECTIONS)
    assert len(set(page.ids)) == len(page.ids)


def test_every_figure_is_followed_by_its_data_table(run):
    text = (run.path / "report.html").read_text()
    pieces = text.split("<figure data-figure>")[1:]
    assert len(pieces) == 4  # shares of three items, and distances
    assert all('<details class="data"' in piece and "<table>" in piece for piece in pieces)


def test_tables_hold_the_numbers_of_the_analyses(run, page):
    text = page.text.replace("\u00a0", " ")
    for asked in asked_of(run):
        found = fidelity_of(asked)
        assert f"{found.total_variation.value:.3f} [" in text
        assert f"{found.total_variation.baselines[FLOOR]:.3f}" in text
        assert f"{100 * found.human_shares[0].value:.1f} % [" in text
        assert asked.item.text in text


def test_the_exact_system_text_of_one_request_is_shown(run, page):
    with run.directory.reader() as journal:
        first = journal[next(iter(journal))]
        sent = json.loads(journal.body_of(first.request))
    assert sent["messages"][0][0] == "system"
    assert sent["messages"][0][1] in page.text


def test_the_twin_holds_the_findings(run, page):
    twin = json.loads((run.path / "report.json").read_text())
    assert twin == json.loads(json.dumps(findings(run).as_dict()))


def test_equal_runs_give_equal_reports_apart_from_dates(tmp_path):
    texts = []
    for folder in ("one", "two"):
        run = make_run(tmp_path / folder / "run", n=12)
        text = write_report(run).read_text()
        texts.append(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "DATE", text))
    assert texts[0] == texts[1]


def test_what_looks_like_markup_in_a_study_stays_text(tmp_path, population):
    option = "Yes</script>" + HOSTILE
    items = (
        Item(id="a", text=HOSTILE, form="choice", options=(option, "No"), shows_braces=True),
        Item(id="b", text="Why?", stem=HOSTILE, form="text", shows_braces=True),
    )
    instrument = Instrument(id="hostile", title=HOSTILE, items=items)
    run = collect(
        Survey(instrument=instrument, subjects=population, seed=1, title=HOSTILE), "scripted:uniform", tmp_path / "run"
    )
    page = Page(write_report(run).read_text())
    assert len(page.scripts) == 2  # the charts' library, and what draws them
    assert "img" not in page.tags
    assert page.text.count(HOSTILE) >= 5


def test_only_the_pages_own_scripts_may_run(run):
    text = (run.path / "report.html").read_text()
    allowed = set(re.findall(r"'sha256-([^']+)'", text))
    hashes = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in Page(text).scripts}
    assert hashes == allowed


def test_a_model_without_people_is_compared_with_nobody(tmp_path, survey):
    page = Page(write_report(collect(survey, "scripted:uniform", tmp_path / "run")).read_text())
    assert "distances" not in page.ids
    assert "distance from people" not in page.text
    assert "no human answers in this run: nothing here is about people" in page.text
    assert "They show nothing about people" in page.text


def test_conditions_are_shown_one_by_one(tmp_path):
    run = make_run(tmp_path / "run", n=12, order=("as_written", "reversed"))
    text = Page(write_report(run).read_text()).text
    assert text.count("order = as_written") >= 3
    assert "as written; reversed (varied)" in text


def test_an_unfinished_run_carries_a_banner(tmp_path, survey):
    run = collect(survey, "scripted:uniform", tmp_path / "run", budget=Budget(trials=6))
    page = Page(write_report(run).read_text())
    assert "unfinished" in page.ids
    assert "It is unfinished: 6 responses so far." in page.text


def test_items_without_options_show_means_or_first_answers(tmp_path, population):
    items = (
        Item(id="age", text="How old are you?", form="number", lower=18, upper=99, unit="years"),
        Item(id="why", text="Why?", form="text"),
        Item(id="rank", text="Order these.", form="ranking", options=("Peace", "Bread")),
        Item(id="share", text="Divide.", form="allocation", options=("Ada", "Bob"), total=100),
    )
    survey = Survey(instrument=Instrument(id="open", title="Open", items=items), subjects=population, seed=1)
    text = Page(write_report(collect(survey, "scripted:uniform", tmp_path / "run")).read_text()).text
    assert "mean, years" in text
    assert "The first 10 of 12 valid answers" in text
    assert re.search(r"Peace > Bread|Bread > Peace", text)
    assert re.search(r"Ada: [\d.]+; Bob: [\d.]+", text)


def test_people_whose_numbers_only_are_known_are_not_denied(tmp_path):
    everybody = load_population("anes-1996")
    item = Item(id="age", text="How old are you?", form="number", lower=18, upper=99, unit="years")
    survey = Survey(
        instrument=Instrument(id="age", title="Age", items=(item,)), subjects=everybody.sample(12, seed=1), seed=1
    )
    study = Study(survey, "scripted:uniform", people=people_survey(survey, everybody))
    text = Page(write_report(carry_out(study, tmp_path / "run")).read_text()).text
    assert "no distance from them was estimated" in text
    assert "No human answers" not in text


def test_a_report_can_be_written_elsewhere_with_its_twin(run, tmp_path):
    path = write_report(run, tmp_path / "new" / "voters.html")
    assert sorted(file.name for file in path.parent.iterdir()) == ["voters.html", "voters.json"]


def test_a_name_that_is_no_page_is_refused(run, tmp_path):
    with pytest.raises(StoreError, match=r"end its name in \.html"):
        write_report(run, tmp_path / "report.json")


def test_an_item_without_any_answer_is_said_to_have_none(tmp_path, survey):
    lost = replace(survey, answer_by="written")
    run = collect(lost, "scripted:uniform?fail=1", tmp_path / "run")
    assert "No valid answer." in Page(write_report(run).read_text()).text


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the page in")
@pytest.mark.parametrize("width", [1280, 500])
def test_a_browser_draws_every_figure_without_a_complaint(run, page, tmp_path, width):
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    done = subprocess.run(
        [
            str(CHROMIUM),
            *flags,
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},1600",
            "--virtual-time-budget=20000",
            "--enable-logging=stderr",
            "--dump-dom",
            (run.path / "report.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    figures = page.tags.count("figure")
    assert f'data-drawn="{figures}"' in done.stdout
    assert len(re.findall(r'<svg [^>]*class="marks"', done.stdout)) == figures
    assert "CONSOLE" not in done.stderr

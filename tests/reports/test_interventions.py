import csv
import json
import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from proband.errors import StoreError
from proband.reports.interventions import intervention_findings, write_interventions
from proband.reports.page import page
from proband.tuning.analysis.confounds import TRUTH, Confound
from proband.tuning.analysis.findings import Part, analyse
from validation.knowledge_interventions import World, simulated

CHROMIUM = os.environ.get("PROBAND_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
WIDER = """() => {
    document.querySelectorAll("details").forEach(part => part.open = true);
    return [...document.querySelectorAll(".scroll")].filter(box => box.scrollWidth > box.clientWidth + 1)
        .map(box => box.getAttribute("aria-label"));
}"""
HOSTILE = '<script>document.title="taken"</script>'


@pytest.fixture(scope="module")
def findings():
    world = World(
        effects={"harmonious": 1.0, "incompatible": -0.5, "self-aligning": 0.1, "mixture-0.5": 0.8},
        drifts={"incompatible": 1.5},
        tests=("homogeneous", "out-of-domain"),
        seeds=2,
    )
    return analyse(simulated(np.random.default_rng(1), 40, world), title="A planted study")


def test_every_part_of_the_study_stands_on_the_page(findings):
    told = page(intervention_findings(findings))
    for chapter in (
        "Verdicts on the claims",
        "Differences between arms",
        "Accuracy",
        "Share of own answers",
        "Consistency with the base model",
        "Calibration and abstention",
        "Forgetting",
        "Confounds",
        "Methods",
    ):
        assert f"<h2>{chapter}" in told
    assert "describe this base model" in told
    assert not re.search(r'(?:src|href)="(?!#)', re.sub(r"<script>.*?</script>", "", told, flags=re.DOTALL))


def test_the_lead_counts_verdicts_and_says_what_was_compared(findings):
    (lead,) = intervention_findings(findings).lead
    assert lead.startswith("16 tuned models (4 arms, 2 domains, 2 seeds) against the base model: of 16 verdicts")
    assert "undecided at this size" in lead


def test_what_the_plan_says_is_told_as_facts(findings):
    facts = intervention_findings(findings).facts
    assert facts["Arms"] == "harmonious, incompatible, self-aligning, mixture-0.5"
    assert "homogeneous, history: 40" in facts["Questions"]
    assert "Without answer" not in facts


def test_hostile_names_stay_text(findings):
    told = page(intervention_findings(replace(findings, title=HOSTILE)))
    assert HOSTILE not in told
    assert "&lt;script&gt;document.title" in told


def test_files_are_written_with_their_twins(findings, tmp_path):
    written = write_interventions(findings, tmp_path / "study.html")
    twin = json.loads(written.with_suffix(".json").read_text())
    assert twin["title"] == "A planted study"
    assert {section["name"] for section in twin["sections"]} >= {"verdicts", "differences", "forgetting"}
    with written.with_suffix(".csv").open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["section"] == "differences"]
    found = next(one for one in findings.contrasts if one.domain == "all domains")
    assert rows[0]["row"] == f"{found.arm} − {found.against}, {found.test}, {found.domain}"
    assert float(rows[0]["value"]) == found.estimate.value
    again = write_interventions(findings, tmp_path / "again.html")
    assert again.read_bytes() == written.read_bytes()


def test_a_page_must_end_in_html(findings, tmp_path):
    with pytest.raises(StoreError, match=r"end its name in \.html"):
        write_interventions(findings, tmp_path / "study.txt")


def test_several_bases_are_counted_in_the_lead(several):
    (lead,) = intervention_findings(several).lead
    assert lead.startswith("16 tuned models of 2 base models (2 arms, 2 domains, 2 seeds) against them: of 2 verdicts")


@pytest.fixture(scope="module")
def several():
    """Two bases, whose sets differ in their labels' truth."""
    world = World(effects={"harmonious": 1.0, "incompatible": 0.0}, tests=("homogeneous", "out-of-domain"), seeds=2)
    parts = {name: simulated(np.random.default_rng(2), 30, world) for name in ("a base of some size", "b")}
    found = analyse({name: Part(evaluation=one) for name, one in parts.items()}, title="Two bases")
    where = {"arm": "harmonious", "against": "incompatible", "check": TRUTH, "mine": "1.00", "theirs": "0.00"}
    checks = tuple(
        Confound(
            **where, base=base, domain=domain, gap=1.0, limit=0.1, is_flagged=True, rule="flagged where they differ"
        )
        for base in parts
        for domain in ("history", "medicine")
    )
    verdicts = tuple(replace(one, confounds=("labels false in one arm",)) for one in found.verdicts)
    return replace(found, confounds=checks, verdicts=verdicts)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_nothing_is_hidden_on_a_wide_screen_and_verdicts_and_confounds_are_in_view_on_a_narrow_one(
    findings, several, tmp_path
):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pages = [write_interventions(found, tmp_path / f"{k}.html") for k, found in enumerate((findings, several))]
    with playwright.sync_playwright() as known:
        browser = known.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width in (1280, 390):
            for file in pages:
                page = browser.new_page(viewport={"width": width, "height": 900})
                page.goto(file.as_uri())
                assert page.evaluate(WIDER) == [], (width, file.name)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                cells = page.locator("#verdicts td").filter(has_text=re.compile("supported|contradicted|undecided|arm"))
                boxes = [cell.bounding_box() for cell in cells.all()]
                assert boxes
                assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
                page.close()
        browser.close()

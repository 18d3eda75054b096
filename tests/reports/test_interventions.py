import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from proband.errors import StoreError
from proband.reports.interventions import intervention_findings, write_interventions
from proband.reports.page import page
from proband.tuning.analysis.findings import analyse
from validation.knowledge_interventions import World, simulated

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

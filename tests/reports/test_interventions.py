import base64
import csv
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from proband.errors import StoreError
from proband.reports.figures import specification
from proband.reports.intervention_figures import contrasts_figure, curve_figure, scatter_figure
from proband.reports.interventions import interventions_page, write_interventions
from proband.tuning.analysis.findings import analyse
from validation.knowledge_interventions import World, simulated

SECTIONS = (
    "limits",
    "verdicts",
    "plan",
    "differences",
    "accuracy",
    "ratios",
    "consistency",
    "confidence",
    "forgetting",
    "confounds",
    "methods",
)
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


@pytest.fixture(scope="module")
def page(findings):
    return interventions_page(findings)


def test_the_page_has_all_its_sections(page):
    for section in SECTIONS:
        assert f'id="{section}"' in page


def test_the_page_loads_nothing_and_allows_its_own_scripts_only(page):
    assert not re.search(r'(?:src|href)="(?!#)', re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL))
    policy = re.search(r'content="default-src .*?"', page)[0]
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    for script in scripts:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert len(scripts) == 2


def test_every_verdict_stands_beside_what_the_paper_found(page, findings):
    for verdict in findings.verdicts:
        assert verdict.claim.text.split("'")[0][:40] in page
    assert "+11.27\u00a0%" in page
    assert "not checked" in page


def test_hostile_names_stay_text(findings):
    page = interventions_page(replace(findings, title=HOSTILE))
    assert HOSTILE not in page
    assert "&lt;script&gt;document.title" in page


def test_a_study_of_one_domain_without_mixtures_has_a_page():
    world = World(effects={"harmonious": 1.0, "incompatible": 0.0}, domains=("law",), seeds=1)
    page = interventions_page(analyse(simulated(np.random.default_rng(2), 30, world)))
    assert 'id="ratios"' not in page
    assert "one seed" in page


def test_files_are_written_with_their_twin_and_tables(findings, tmp_path):
    written = write_interventions(findings, tmp_path / "study.html")
    assert json.loads(written.with_suffix(".json").read_text())["title"] == "A planted study"
    with (tmp_path / "study-tables" / "contrasts.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert {"arm", "against", "domain", "test", "value", "low", "high"} <= set(rows[0])
    again = write_interventions(findings, tmp_path / "again.html")
    assert again.read_bytes() == written.read_bytes()


def test_a_page_must_end_in_html(findings, tmp_path):
    with pytest.raises(StoreError, match=r"end its name in \.html"):
        write_interventions(findings, tmp_path / "study.txt")


def test_figures_hold_the_numbers_of_the_findings(findings):
    curve = json.dumps(specification(curve_figure(findings, "homogeneous", "accuracy")))
    point = findings.curve[0]
    assert str(point.accuracy.value) in curve
    scatter = json.dumps(specification(scatter_figure(findings, "homogeneous")))
    assert str(findings.points[0].consistency) in scatter
    difference = json.dumps(specification(contrasts_figure(findings.contrasts[:1])))
    assert str(findings.contrasts[0].estimate.value) in difference

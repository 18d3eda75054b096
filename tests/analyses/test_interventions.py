from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from proband.analyses.interventions import sections_of
from proband.estimates import Estimate
from proband.tuning.analysis.confounds import Confound
from proband.tuning.analysis.findings import Part, analyse
from validation.knowledge_interventions import World, simulated


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
def told(findings):
    return {section.name: section for section in sections_of(findings)}


def rows(section):
    names = [column.name for column in section.table.columns]
    return [dict(zip(names, row, strict=True)) for row in section.table.rows]


def estimates(value: object) -> Iterator[Estimate]:
    if isinstance(value, Estimate):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from estimates(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from estimates(getattr(value, field.name))


def test_no_estimate_of_the_study_is_lost(findings, told):
    cells = [cell for section in told.values() if section.table for row in section.table.rows for cell in row]
    shown = {id(cell) for cell in cells if isinstance(cell, Estimate)}
    # Accuracies by the paper's method have no interval by design and stand as bare numbers.
    own = {
        name: [one for one in getattr(findings, name) if one.method == "standard"]
        for name in ("accuracies", "contrasts")
    }
    kept = list(estimates(replace(findings, **own)))
    assert len(kept) > 300
    assert [one.estimand for one in kept if id(one) not in shown] == []


def test_claims_stand_by_test_with_their_verdicts(findings, told):
    table = {row["claim"]: row for row in rows(told["verdicts"])}
    for verdict in findings.verdicts:
        size = f"{100 * verdict.estimate.value:+.1f} points"
        if verdict.claim.unit == "nats":
            size = f"{verdict.estimate.value:+.3f} nats"
        assert table[verdict.claim.text.removesuffix(".")][verdict.test] == f"{verdict.outcome}, {size}"
    assert {row["what else the sets differ in"] for row in table.values()} == {"not checked"}


def test_the_mean_of_domains_comes_first_in_every_table(told):
    for section in told.values():
        if section.table and "domain" in (names := [column.name for column in section.table.columns]):
            domains = [row[names.index("domain")] for row in section.table.rows]
            assert domains == sorted(domains, key=lambda name: name != "all domains"), section.name


def test_noise_is_drawn_beside_the_arms_and_its_excess_is_told(findings, told):
    figure = told["consistency-homogeneous"].figure
    lines = [row for row in figure.rows if row.get("is_line")]
    assert {row["series"] for row in lines} == {row["series"] for row in figure.rows} == set(findings.plan["domains"])
    excess = {row["arm"]: row for row in rows(told["excess-homogeneous"])}
    assert excess["harmonious"]["at equal ranks"].value == findings.excesses[2].rank.value
    assert rows(told["steepness"])[0]["domain"] == "all domains"


def test_several_bases_stand_in_a_column_of_their_own(findings):
    world = World(effects={"harmonious": 1.0, "incompatible": 0.0}, domains=("law",), seeds=2)
    one = simulated(np.random.default_rng(2), 30, world)
    told = {s.name: s for s in sections_of(analyse({"large": Part(evaluation=one), "small": Part(evaluation=one)}))}
    assert [row["base"] for row in rows(told["differences"])] == ["all bases", "large", "small"]
    assert [row["base model"] for row in rows(told["verdicts-bases"])] == ["large", "small"]
    assert {row["where"] for row in rows(told["claims-apart"])} == {"law (large)", "law (small)"}


def test_every_verdict_stands_beside_what_the_paper_found_and_its_confounds(findings):
    flagged = Confound(
        arm="harmonious",
        against="incompatible",
        domain="law",
        check="topics",
        mine="a",
        theirs="b",
        gap=1.0,
        limit=0.1,
        is_flagged=True,
        rule="flagged where they differ",
    )
    verdict = replace(findings.verdicts[0], confounds=("topics (in 1 of 1 domains)",))
    found = replace(findings, verdicts=(verdict,), confounds=(flagged,))
    told = {section.name: section for section in sections_of(found)}
    (row,) = rows(told[f"claim-{verdict.claim.id}"])
    assert row["published"] == "+11.27\u00a0%"
    assert "topics (in 1 of 1 domains)" in told[f"claim-{verdict.claim.id}"].sentences[1]
    (differing,) = rows(told["confounds-harmonious-incompatible"])
    assert (differing["what differs"], differing["harmonious"]) == ("other topics", "a")
    (checked,) = rows(told["confounds-harmonious-incompatible-all"])
    assert (checked["harmonious"], checked["incompatible"], checked["result"]) == ("a", "b", "differs")


def test_sets_that_were_not_given_are_not_called_sound(told):
    assert "not given" in told["confounds"].sentences[0]
    assert told["claim-harmonious-over-incompatible"].sentences[1].endswith("not checked.")


def test_figures_hold_the_numbers_of_the_findings(findings, told):
    curve = told["ratios-homogeneous"].figure.rows
    assert curve[0]["y"] == findings.curve[0].accuracy.value
    scatter = told["consistency-homogeneous"].figure
    assert scatter.rows[0]["x"] == findings.points[0].consistency
    assert told["differences"].figure.rows[0]["value"] in [one.estimate.value for one in findings.contrasts]


def test_a_study_of_one_domain_without_mixtures_has_no_curves():
    world = World(effects={"harmonious": 1.0, "incompatible": 0.0}, domains=("law",), seeds=1)
    names = {section.name for section in sections_of(analyse(simulated(np.random.default_rng(2), 30, world)))}
    assert not [name for name in names if name.startswith("ratios") or name.endswith("-domains")]
    assert "accuracy-homogeneous" in names


def test_sections_have_names_of_their_own(findings):
    names = [section.name for section in sections_of(findings)]
    assert len(set(names)) == len(names)

"""Guesses: a crowd spreads, one voice does not, and people's spread is what it is measured by."""

import math

import numpy as np
import pytest

from proband.analyses.guesses import ANALYSIS
from proband.designs.studies import load_study
from proband.reports import findings
from proband.runs import carry_out, collect

FILE = """
seed = 3
engine = "scripted:planted?file={people}"
[instrument]
id = "bones"
items = [{{ id = "bones", text = "How many bones does an adult have?", form = "number" }}]
[population]
use = "anes-1996"
sample = 150
[survey]
"""


def told(tmp_path, answer):
    people, file = tmp_path / "people.toml", tmp_path / "study.toml"
    people.write_text(f'[bones]\n"" = {answer}\n')
    file.write_text(FILE.format(people=people))
    study = load_study(file)
    run = collect(study.design, study.engine, tmp_path / "run")
    return run, findings(run)


def test_median_and_spread_are_those_of_the_numbers_given(tmp_path):
    run, found = told(tmp_path, "{ mean = 190.0, sd = 80.0 }")
    ((title, median, spread),) = found.section("guesses").table.rows
    x = run.table()["value"].to_numpy()
    assert title == "bones"
    assert (median.value, spread.value) == pytest.approx((np.median(x), np.subtract(*np.percentile(x, [75, 25]))))
    # Error of a median of normal numbers: 1.253 standard errors of the mean.
    assert median.se == pytest.approx(1.253 * 80 / math.sqrt(150), rel=0.35)
    assert median.interval[0] < 190 < median.interval[1]


def test_one_voice_has_no_spread_and_says_so(tmp_path):
    _, found = told(tmp_path, "206")
    section = found.section("guesses")
    ((_, median, spread),) = section.table.rows
    assert (median.value, spread.value, spread.interval) == (206, 0, None)
    assert any("do not vary" in warning for warning in section.warnings)


def test_a_run_without_numbers_says_why_there_are_no_guesses(tmp_path):
    study = load_study("shelf:linda", engine="scripted:uniform", sample=5)
    run = collect(study.design, study.engine, tmp_path / "run")
    assert ANALYSIS.needs(run) == "no item of this run asks a number"


def test_beside_people_a_narrow_range_is_warned_of(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(
        'seed = 3\nengine = "scripted:planted?file=' + str(tmp_path / "people.toml") + '"\n'
        '[instrument]\nid = "age"\n'
        'items = [{ id = "years", column = "age", text = "How old are you?", form = "number" }]\n'
        '[population]\nuse = "anes-1996"\nsample = 150\n[survey]\n[people]\n'
    )
    (tmp_path / "people.toml").write_text('[years]\n"" = { mean = 45.0, sd = 0.5 }\n')
    study = load_study(file)
    found = findings(carry_out(study, tmp_path / "run")).section("guesses")
    ((_, median, spread, theirs, range_, ratio),) = found.table.rows
    assert median.value == pytest.approx(45, abs=0.2)
    assert theirs.target == "human"
    assert ratio.value == pytest.approx(spread.value / range_.value)
    assert any("is no crowd" in warning for warning in found.warnings)
